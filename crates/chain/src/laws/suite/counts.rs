//! Cases of the categorical learner: heterozygosity, mixtures, the golden ratio, fixation.

use streams::{Stream, Streams};

use super::drawn::{Drawn, types};
use super::{Case, Kind, Setting};
use crate::laws::{self, Human};
use crate::learners::Categorical;
use crate::{Amount, Origin, Pick, Recipe, RecipeError, Source};

/// Unequal types, so that Σp² is not that of a uniform distribution.
const TRUTH: [f64; 5] = [0.4, 0.25, 0.2, 0.1, 0.05];

fn h0() -> f64 {
    laws::heterozygosity(&TRUTH)
}

/// Chains of the categorical learner from `truth`, and a statistic of its frequencies.
pub(super) fn categorical(
    truth: Vec<f64>,
    statistic: impl Fn(&[f64]) -> f64 + Send + Sync + 'static,
) -> impl Fn(&Setting, Streams) -> Result<Vec<f64>, RecipeError> + Send + Sync + 'static {
    move |setting, streams| {
        let (mut learner, corpus) = Categorical::with_human_draws(&truth, setting.corpus(), streams);
        setting.chain(streams, &mut learner, &corpus, |trip| statistic(trip.model))
    }
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

/// A chain whose fit gives all human draws together the weight `w`.
fn weighted(w: f64) -> impl Fn(&Setting, Streams) -> Result<Vec<f64>, RecipeError> + Send + Sync + 'static {
    move |setting, streams| {
        let fit = move |picked: &[(&Pick, &usize)], _, _: &mut Stream| {
            let is_human = |pick: &Pick| pick.entry.origin() == Origin::Human;
            let human = picked.iter().filter(|(pick, _)| is_human(pick)).count();
            let weights = if human == picked.len() { [1.0, 0.0] } else { [w, 1.0 - w] };
            let each = [weights[0] / human as f64, weights[1] / (picked.len() - human) as f64];
            let mut q = vec![0.0; TRUTH.len()];
            picked.iter().for_each(|(pick, at)| q[**at] += each[usize::from(!is_human(pick))]);
            q
        };
        let human = |stream: &mut Stream| types(&TRUTH, setting.corpus(), stream);
        let write = |q: &Vec<f64>, count, stream: &mut Stream| types(q, count, stream);
        let (mut learner, corpus) = Drawn::new(streams, human, fit, write);
        setting.chain(streams, &mut learner, &corpus, |trip| error(trip.model))
    }
}

pub(super) fn golden_ratio() -> Vec<Case> {
    const LAW: &str = "golden-ratio";
    // n fresh human draws and cn of the last generation's.
    let setting = |n: u64, c: u64, chains| {
        let amounts = [(Source::Fresh, Amount::Share(1.0)), (Source::Latest, Amount::All)];
        let recipe = Recipe::new(&amounts).expect("all of the latest and as many human draws");
        Setting { reserve: 11 * n, writing: c * n, ..Setting::new(recipe, n, 12, chains) }
    };
    let golden = laws::golden_weight(1.0);
    let case = |kind, parameters: &str, n, c, w| Case::new(LAW, kind, parameters, setting(n, c, 6000), weighted(w));
    vec![
        case(Kind::Exact, "squared error: weight .618 on n 20 fresh, 20 latest", 20, 1, golden)
            .claims(&[1, 3, 11], |generation| laws::error_of_weighted(h0(), 20.0, 1.0, golden, generation)),
        case(Kind::Exact, "squared error: weight .5 on n 10 fresh, 20 latest", 10, 2, 0.5)
            .claims(&[1, 3, 11], |generation| laws::error_of_weighted(h0(), 10.0, 2.0, 0.5, generation)),
        case(Kind::Within(0.02), "limit .618 H0/n: weight .618 on n 60 fresh, 60 latest", 60, 1, golden)
            .claims(&[11], |_| golden * h0() / 60.0),
        case(Kind::AtLeast, "limit .618 H0/n: weight .8 on n 60 fresh, 60 latest", 60, 1, 0.8)
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
        time(Kind::Exact, 10, TYPES.to_vec(), laws::fixation_time(10, &TYPES), 150),
        time(Kind::Within(0.03), 30, vec![1.0 / 3.0; 3], laws::fixation_time_diffusion(30.0, &[1.0 / 3.0; 3]), 300),
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
fn time(kind: Kind, n: u64, p: Vec<f64>, law: f64, generations: u32) -> Case {
    let parameters = format!("models until one type is left: replace, n {n}, {} types", p.len());
    let simulate = move |setting: &Setting, streams| {
        let (mut learner, corpus) = Categorical::with_human_draws(&p, setting.corpus(), streams);
        let mut models = 1.0;
        setting.chain(streams, &mut learner, &corpus, |trip| {
            models += f64::from(trip.model.iter().all(|&q| q < 1.0));
            models
        })
    };
    Case::new("fixation", kind, parameters, Setting::named("replace", n, generations, 3000), simulate)
        .claims(&[generations - 1], |_| law)
}
