//! Cases of survival, and of forecasts.

use super::counts::categorical;
use super::setting::{Setting, Simulate};
use super::{Case, Kind};
use crate::forecast::{Expected, Forecast, Frequencies};
use crate::laws::{self, Human, Regime, exact};
use crate::learners::Categorical;

const LAW: &str = "survival";

pub(super) fn cases() -> Vec<Case> {
    let regimes = [Regime::Replace].into_iter().chain(Human::ALL.map(|human| Regime::Mixture(human, 0.2)));
    let mut cases = vec![replace(), accumulate(), replace_is_a_bound()];
    cases.extend(Human::ALL.map(with_humans));
    cases.extend(regimes.clone().map(rare));
    cases.extend(regimes.map(given));
    cases
}

/// Types that are there.
pub(super) fn alive(q: &[f64]) -> f64 {
    q.iter().filter(|&&q| q > 0.0).count() as f64
}

/// The mass of types that are not there.
pub(super) fn missing(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|&(_, &q)| q == 0.0).map(|(p, _)| p).sum()
}

/// Thirty types from frequent to rare.
fn types() -> Vec<f64> {
    laws::zipf(1.0, 0.0, 30)
}

fn replace() -> Case {
    let law = exact::replace(40, &types(), 9);
    let setting = Setting::named("replace", 40, 9, 5000);
    Case::new(LAW, Kind::Exact, "types alive: replace, n 40, Zipf of 30", setting, categorical(types(), alive))
        .claims(&[0, 1, 3, 8], |generation| law[generation as usize])
}

fn accumulate() -> Case {
    let law: f64 = types().iter().map(|&p| laws::survival_accumulate(40.0, p)).sum();
    let setting = Setting::named("accumulate", 40, 6, 4000);
    Case::new(LAW, Kind::Exact, "types alive: accumulate, n 40, Zipf of 30", setting, categorical(types(), alive))
        .claims(&[0, 5], |_| law)
}

/// Few draws of frequent types, where the closed form is far off but never too high.
fn replace_is_a_bound() -> Case {
    let p = [0.4, 0.25, 0.2, 0.1, 0.05];
    let setting = Setting::named("replace", 10, 8, 4000);
    Case::new(LAW, Kind::AtLeast, "types alive: replace, n 10, 5 types", setting, categorical(p.to_vec(), alive))
        .claims(&[0, 2, 7], |generation| p.iter().map(|&p| laws::survival_replace(10.0, p, generation)).sum())
}

/// A quarter of human draws, by the exact chains of counts.
fn with_humans(human: Human) -> Case {
    let law = match human {
        Human::Fresh => exact::fresh,
        Human::Anchor => exact::anchor,
        Human::Pool => exact::pool,
    };
    let law = law(40, 10, &types(), 8);
    let parameters = format!("types alive: {} .25, n 40, Zipf of 30", human.name());
    let setting = Setting::mixture(human, 0.25, 40, 8, 5000);
    Case::new(LAW, Kind::Exact, parameters, setting, categorical(types(), alive))
        .claims(&[1, 3, 7], |generation| law[generation as usize])
}

/// As many equal types as draws: n p² = 1/300.
const RARE: usize = 300;

/// A regime's name, and its chains of eight models.
fn under(regime: Regime, n: u64, chains: u64) -> (String, Setting) {
    let named = |name: &str| (name.to_owned(), Setting::named(name, n, 8, chains));
    match regime {
        Regime::Replace => named("replace"),
        Regime::Accumulate => named("accumulate"),
        Regime::Mixture(human, share) => {
            (format!("{} {share}", human.name()), Setting::mixture(human, share, n, 8, chains))
        }
    }
}

fn rare(regime: Regime) -> Case {
    let (name, setting) = under(regime, RARE as u64, 300);
    let share = |q: &[f64]| alive(q) / q.len() as f64;
    let parameters = format!("share of types alive: {name}, n 300, 300 types");
    let equal = vec![1.0 / RARE as f64; RARE];
    Case::new(LAW, Kind::Within(0.01), parameters, setting, categorical(equal, share))
        .claims(&[1, 3, 7], |generation| laws::survival(regime, RARE as f64, 1.0 / RARE as f64, generation))
}

/// Of the types that occur twice among the human draws.
fn given(regime: Regime) -> Case {
    let (name, setting) = under(regime, RARE as u64, 300);
    let equal = vec![1.0 / RARE as f64; RARE];
    let simulate: Simulate = Box::new(move |setting, streams| {
        let (mut learner, corpus) = Categorical::with_human_draws(&equal, setting.corpus(), streams);
        let mut twice = Vec::new();
        setting.chain(streams, &mut learner, &corpus, |finished| {
            if finished.generation.number == 0 {
                twice = (0..RARE).filter(|&at| (finished.model[at] * RARE as f64).round() == 2.0).collect();
            }
            twice.iter().filter(|&&at| finished.model[at] > 0.0).count() as f64 / twice.len() as f64
        })
    });
    Case::new(LAW, Kind::Within(0.015), format!("share alive of types seen twice: {name}, n 300"), setting, simulate)
        .claims(&[1, 3, 7], |generation| laws::survival_given(regime, RARE as f64, 1.0 / RARE as f64, 2.0, generation))
}

/// What forecasts say, of frequent types and rare ones together, with the error that they state.
pub(super) fn forecast() -> Vec<Case> {
    const N: usize = 1000;
    const OFFSET: f64 = 2.7;
    let words = Frequencies::zipf(1.0, OFFSET, N as u64).expect("Zipf and Mandelbrot's law of 1000 types");
    let truth = laws::zipf(1.0, OFFSET, N);
    let case = |regime| {
        let (name, setting) = under(regime, N as u64, 100);
        let forecast = Forecast::new(&words, N as f64, regime).expect("1000 draws");
        let case = |what: &str, simulate, law: fn(Expected) -> f64| {
            Case::new(
                "forecast",
                Kind::Within(0.01),
                format!("{what}: {name}, n 1000, Zipf of 1000"),
                setting,
                simulate,
            )
            .claims(&[0, 3, 7], |generation| law(forecast.generation(generation)))
        };
        let p = truth.clone();
        [
            case("types", categorical(truth.clone(), alive), |expected| expected.types),
            case("missing mass", categorical(truth.clone(), move |q| missing(&p, q)), |expected| expected.missing_mass),
            case("entropy", categorical(truth.clone(), laws::entropy), |expected| expected.entropy),
        ]
    };
    let mixtures = Human::ALL.map(|human| Regime::Mixture(human, 0.2));
    [Regime::Replace, Regime::Accumulate].into_iter().chain(mixtures).flat_map(case).collect()
}
