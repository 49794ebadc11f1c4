//! Cases of the categorical learner: heterozygosity, mixtures, the golden ratio, fixation.

use ::sampling::Sampling;

use super::setting::{Setting, Simulate, chains};
use super::{Case, Kind};
use crate::laws::{self, Human};
use crate::learners::{Categorical, Categories};
use crate::{Amount, Recipe, Source};

/// Unequal types, so that Σp² is not that of a uniform distribution.
const TRUTH: [f64; 5] = [0.4, 0.25, 0.2, 0.1, 0.05];

fn h0() -> f64 {
    laws::heterozygosity(&TRUTH)
}

/// Chains of the categorical learner from `truth`, and a statistic of its frequencies.
pub(super) fn categorical(truth: Vec<f64>, statistic: impl Fn(&[f64]) -> f64 + Send + Sync + 'static) -> Simulate {
    sampled(truth, Sampling::default(), statistic)
}

/// The same, of one that writes by a sampler.
pub(super) fn sampled(
    truth: Vec<f64>,
    sampling: Sampling,
    statistic: impl Fn(&[f64]) -> f64 + Send + Sync + 'static,
) -> Simulate {
    let family = Categories { types: truth.len(), sampling };
    chains(family, move |count, stream| Categories::draw(&truth, count, stream), move |q| statistic(q))
}

pub(super) fn heterozygosity() -> Vec<Case> {
    const LAW: &str = "heterozygosity";
    let case = |parameters: &str, setting| {
        Case::new(LAW, Kind::Exact, parameters, setting, categorical(TRUTH.to_vec(), laws::heterozygosity))
    };
    let unequal = Setting { writing: 10, ..Setting::named("accumulate", 30, 8, 3000) };
    vec![
        case("replace, n 20", Setting::named("replace", 20, 12, 8000))
            .claims(&[0, 5, 11], |generation| laws::heterozygosity_replace(h0(), 20.0, generation)),
        case("accumulate, n 10", Setting::named("accumulate", 10, 8, 8000))
            .claims(&[1, 3, 7], |generation| laws::heterozygosity_accumulate(h0(), 10.0, generation)),
        case("accumulate, n 30 human, then 10 each", unequal).claims(&[1, 3, 7], |generation| {
            let batches: Vec<f64> = [30.0].into_iter().chain((0..generation).map(|_| 10.0)).collect();
            laws::heterozygosity_sizes(h0(), &batches)
        }),
        case("accumulate-subsample, n 10", Setting::named("accumulate-subsample", 10, 8, 8000))
            .claims(&[1, 3, 7], |generation| laws::heterozygosity_subsample(h0(), 10.0, generation)),
    ]
}

fn error(q: &[f64]) -> f64 {
    laws::squared_error(q, &TRUTH)
}

pub(super) fn mixture() -> Vec<Case> {
    let case = |human: Human| {
        let parameters = format!("squared error: {} .3, n 20", human.name());
        let setting = Setting::mixture(human, 0.3, 20, 16, 8000);
        Case::new("mixture", Kind::Exact, parameters, setting, categorical(TRUTH.to_vec(), error))
            .claims(&[1, 3, 15], |generation| laws::error_of_mixture(human, h0(), 20.0, 0.3, generation))
    };
    Human::ALL.map(case).into()
}

pub(super) fn golden_ratio() -> Vec<Case> {
    // n fresh human draws, which together have the weight w, and cn of the last generation's.
    let weighted = |c: u64, w: f64| {
        let both = Recipe::new(&[(Source::Fresh, Amount::Share(1.0)), (Source::Latest, Amount::All)]);
        let weights = [(Source::Fresh, w), (Source::Latest, (1.0 - w) / c as f64)];
        both.and_then(|both| both.weighted(&weights)).expect("both are taken, and weighed by more than nothing")
    };
    let case = |kind, parameters: &str, recipe, n: u64, c: u64| {
        let chains = if n < 60 { 6000 } else { 3000 };
        let setting = Setting { reserve: 11 * n, writing: c * n, ..Setting::new(recipe, n, 12, chains) };
        Case::new("golden-ratio", kind, parameters, setting, categorical(TRUTH.to_vec(), error))
    };
    let named: Recipe = "golden-ratio".parse().expect("a recipe that there is");
    let golden = laws::golden_weight(1.0);
    vec![
        case(Kind::Exact, "squared error: golden-ratio, n 20 fresh, 20 latest", named, 20, 1)
            .claims(&[1, 3, 11], |generation| laws::error_of_weighted(h0(), 20.0, 1.0, golden, generation)),
        case(Kind::Exact, "squared error: weight .5 on n 10 fresh, 20 latest", weighted(2, 0.5), 10, 2)
            .claims(&[1, 3, 11], |generation| laws::error_of_weighted(h0(), 10.0, 2.0, 0.5, generation)),
        case(Kind::Within(0.02), "limit .618 H0/n: golden-ratio, n 60 fresh, 60 latest", named, 60, 1)
            .claims(&[11], |_| golden * h0() / 60.0),
        case(Kind::AtLeast, "limit .618 H0/n: weight .8 on n 60 fresh, 60 latest", weighted(1, 0.8), 60, 1)
            .claims(&[11], |_| golden * h0() / 60.0),
    ]
}

pub(super) fn fixation() -> Vec<Case> {
    const LAW: &str = "fixation";
    const TYPES: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
    let is_open = |q: &[f64]| f64::from(q.iter().all(|&q| q < 1.0));
    let open: Vec<f64> = laws::unfixed(10, &TYPES).take(30).collect();
    let two = |kind, of: fn((f64, f64)) -> f64| {
        let setting = Setting::named("replace", 10, 20, 5000);
        Case::new(
            LAW,
            kind,
            "more than one type left: replace, n 10, p .3",
            setting,
            categorical(vec![0.3, 0.7], is_open),
        )
        .claims(&[3, 9, 19], |generation| of(laws::unfixed_bounds(10.0, 0.3, generation)))
    };
    vec![
        Case::new(
            LAW,
            Kind::Exact,
            "more than one type left: replace, n 10, 4 types",
            Setting::named("replace", 10, 30, 5000),
            categorical(TYPES.to_vec(), is_open),
        )
        .claims(&[4, 9, 29], |generation| open[generation as usize]),
        two(Kind::AtLeast, |bounds| bounds.0),
        two(Kind::AtMost, |bounds| bounds.1),
        time(Kind::Exact, Setting::named("replace", 10, 150, 3000), &TYPES, laws::fixation_time(10, &TYPES)),
        time(
            Kind::Within(0.03),
            Setting::named("replace", 30, 300, 1500),
            &[1.0 / 3.0; 3],
            laws::fixation_time_diffusion(30.0, &[1.0 / 3.0; 3]),
        ),
        Case::new(
            LAW,
            Kind::Exact,
            "type of p .2 is the last: replace, n 10, 4 types",
            Setting::named("replace", 10, 150, 3000),
            categorical(TYPES.to_vec(), |q| f64::from(q[2] == 1.0)),
        )
        .claims(&[149], |_| TYPES[2]),
    ]
}

/// The number of models until one type is left, that one included; after this many generations, too few chains go on to
/// matter.
fn time(kind: Kind, setting: Setting, p: &[f64], law: f64) -> Case {
    let parameters = format!("models until one type is left: replace, n {}, {} types", setting.human, p.len());
    let p = p.to_vec();
    let simulate: Simulate = Box::new(move |setting, streams| {
        let (mut learner, corpus) = Categorical::with_human_draws(&p, setting.corpus(), streams);
        let mut models = 1.0;
        setting.chain(streams, &mut learner, &corpus, |finished| {
            models += f64::from(finished.model.iter().all(|&q| q < 1.0));
            models
        })
    });
    Case::new("fixation", kind, parameters, setting, simulate).claims(&[setting.generations - 1], |_| law)
}
