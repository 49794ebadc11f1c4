//! Cases of survival.

use super::counts::categorical;
use super::{Case, Kind, Setting};
use crate::forecast::{Forecast, Frequencies};
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

fn alive(q: &[f64]) -> f64 {
    q.iter().filter(|&&q| q > 0.0).count() as f64
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

/// A regime's name, and chains of rare types under it.
fn of_rare(regime: Regime) -> (String, Setting) {
    match regime {
        Regime::Mixture(human, share) => {
            (format!("{} {share}", human.name()), Setting::mixture(human, share, RARE as u64, 8, 300))
        }
        _ => ("replace".into(), Setting::named("replace", RARE as u64, 8, 300)),
    }
}

fn rare(regime: Regime) -> Case {
    let (name, setting) = of_rare(regime);
    let share = |q: &[f64]| alive(q) / q.len() as f64;
    let parameters = format!("share of types alive: {name}, n 300, 300 types");
    let equal = vec![1.0 / RARE as f64; RARE];
    Case::new(LAW, Kind::Within(0.01), parameters, setting, categorical(equal, share))
        .claims(&[1, 3, 7], |generation| laws::survival(regime, RARE as f64, 1.0 / RARE as f64, generation))
}

/// Of the types that occur twice among the human draws.
fn given(regime: Regime) -> Case {
    let (name, setting) = of_rare(regime);
    let equal = vec![1.0 / RARE as f64; RARE];
    let simulate = move |setting: &Setting, streams| {
        let (mut learner, corpus) = Categorical::with_human_draws(&equal, setting.corpus(), streams);
        let mut twice = Vec::new();
        setting.chain(streams, &mut learner, &corpus, |trip| {
            if trip.generation == 0 {
                twice = (0..RARE).filter(|&at| (trip.model[at] * RARE as f64).round() == 2.0).collect();
            }
            twice.iter().filter(|&&at| trip.model[at] > 0.0).count() as f64 / twice.len() as f64
        })
    };
    Case::new(LAW, Kind::Within(0.015), format!("share alive of types seen twice: {name}, n 300"), setting, simulate)
        .claims(&[1, 3, 7], |generation| laws::survival_given(regime, RARE as f64, 1.0 / RARE as f64, 2.0, generation))
}

/// Entropy, as forecasts have it.
pub(super) fn entropy() -> Vec<Case> {
    let regimes = [Regime::Replace].into_iter().chain(Human::ALL.map(|human| Regime::Mixture(human, 0.2)));
    let case = |regime| {
        let (name, setting) = of_rare(regime);
        let words = Frequencies::zipf(1.0, 2.7, RARE as u64).expect("Zipf and Mandelbrot's law of 300 types");
        let forecast = Forecast::new(&words, RARE as f64, regime).expect("300 draws");
        let simulate = categorical(laws::zipf(1.0, 2.7, RARE), laws::entropy);
        Case::new("entropy", Kind::Within(0.01), format!("entropy: {name}, n 300, Zipf of 300"), setting, simulate)
            .claims(&[0, 3, 7], |generation| forecast.generation(generation).entropy)
    };
    regimes.map(case).collect()
}
