//! Cases of temperature and truncation.

use std::convert::Infallible;
use std::iter::repeat_n;
use std::sync::Arc;

use ::sampling::Sampling;
use streams::Stream;

use super::counts::sampled;
use super::setting::{Setting, Simulate, chains};
use super::survivors::alive;
use super::{Case, Kind};
use crate::laws::{self, Human};
use crate::learners::{Family, Weighted};

/// Distributions without sampling noise: each document is the whole distribution that its author writes with, and a model
/// is the mean over those that the recipe picked.
#[derive(Clone, Copy)]
struct Noiseless {
    sampling: Sampling,
}

impl Family for Noiseless {
    type Draw = Arc<Vec<f64>>;
    type Model = Vec<f64>;
    type Error = Infallible;

    fn fit(&self, draws: &[Weighted<'_, Self::Draw>], _: &mut Stream) -> Result<Vec<f64>, Infallible> {
        let total: f64 = draws.iter().map(|(_, weight)| weight).sum();
        let mut mean = vec![0.0; draws[0].0.len()];
        for (q, weight) in draws {
            mean.iter_mut().zip(q.iter()).for_each(|(mean, q)| *mean += q * weight / total);
        }
        Ok(mean)
    }

    fn write(&self, model: &Vec<f64>, count: usize, _: &mut Stream) -> Vec<Self::Draw> {
        let mut q = model.clone();
        self.sampling.apply(&mut q);
        repeat_n(Arc::new(q), count).collect()
    }
}

/// Chains of them from `truth`, and a statistic of the model and the truth.
fn noiseless(truth: Vec<f64>, sampling: Sampling, statistic: fn(&[f64], &[f64]) -> f64) -> Simulate {
    let truth = Arc::new(truth);
    let human = truth.clone();
    let draw = move |count, _: &mut Stream| repeat_n(human.clone(), count).collect();
    chains(Noiseless { sampling }, draw, move |q| statistic(q, &truth))
}

pub(super) fn cases() -> Vec<Case> {
    let effective: fn(&[f64], &[f64]) -> f64 = |q, _| laws::effective_types(q);
    let support: fn(&[f64], &[f64]) -> f64 = |q, _| alive(q);
    let divergence: fn(&[f64], &[f64]) -> f64 = |q, p| p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum();
    let cool = Sampling { temperature: 0.9, ..Sampling::default() };
    let cut = Sampling { top_p: Some(0.95), ..Sampling::default() };
    // A Zipf exponent s at temperature T becomes s/T.
    let steeper =
        |generation: u32, types| laws::effective_types(&laws::zipf(0.9_f64.powi(-(generation as i32)), 0.0, types));
    let zipf = || laws::zipf(1.0, 0.0, 1000);
    let replace = Setting::named("replace", 2, 9, 2);
    let tenth = Setting::mixture(Human::Pool, 0.1, 10, 41, 2);
    let case = |law, kind, parameters: &str, setting, simulate| Case::new(law, kind, parameters, setting, simulate);
    vec![
        case(
            "temperature",
            Kind::Exact,
            "effective types: replace at T .9, no noise, Zipf of 1000",
            replace,
            noiseless(zipf(), cool, effective),
        )
        .claims(&[0, 1, 8], |generation| steeper(generation, 1000)),
        case(
            "temperature",
            Kind::Exact,
            "effective types: a tenth human, the rest at T .9, no noise, Zipf of 1000",
            tenth,
            noiseless(zipf(), cool, effective),
        )
        .claims(&[1, 8, 40], |generation| {
            laws::effective_types(&laws::temper_with_truth(&zipf(), 0.9, 0.1, generation))
        }),
        case(
            "temperature",
            Kind::AtMost,
            "divergence a document: a tenth human, the rest at T .9, no noise, Zipf of 1000",
            tenth,
            noiseless(zipf(), cool, divergence),
        )
        .claims(&[1, 8, 40], |_| laws::divergence_of_mixture(0.1)),
        case(
            "temperature",
            Kind::Within(0.03),
            "effective types: replace at T .9, n 20000, Zipf of 100",
            Setting::named("replace", 20_000, 5, 40),
            sampled(laws::zipf(1.0, 0.0, 100), cool, laws::effective_types),
        )
        .claims(&[1, 4], |generation| steeper(generation, 100)),
        case(
            "top-p",
            Kind::Exact,
            "types: replace at top-p .95, no noise, Zipf of 1000",
            replace,
            noiseless(zipf(), cut, support),
        )
        .claims(&[0, 1, 8], |generation| laws::top_p_support(&zipf(), 0.95, generation) as f64),
    ]
}
