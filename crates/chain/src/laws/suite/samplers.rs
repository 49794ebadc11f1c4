//! Cases of temperature and truncation.

use std::iter::repeat_n;
use std::sync::Arc;

use streams::{Stream, Streams};

use super::drawn::{Drawn, types};
use super::{Case, Kind, Setting};
use crate::laws::{self, Human};
use crate::{Pick, RecipeError};

/// How the text of a model comes from its frequencies.
type Sampler = fn(&[f64]) -> Vec<f64>;

/// Chains without sampling noise: each document is the whole distribution that its author writes with, and a model is
/// the mean over the documents that the recipe picked.
fn noiseless(
    truth: Vec<f64>,
    sampler: Sampler,
    statistic: fn(&[f64], &[f64]) -> f64,
) -> impl Fn(&Setting, Streams) -> Result<Vec<f64>, RecipeError> + Send + Sync + 'static {
    move |setting, streams| {
        let fit = |picked: &[(&Pick, &Arc<Vec<f64>>)], _, _: &mut Stream| {
            let mut mean = vec![0.0; truth.len()];
            for (_, q) in picked {
                mean.iter_mut().zip(q.iter()).for_each(|(mean, q)| *mean += q / picked.len() as f64);
            }
            mean
        };
        let human = |_: &mut Stream| repeat_n(Arc::new(truth.clone()), setting.corpus()).collect();
        let write = |q: &Vec<f64>, count, _: &mut Stream| repeat_n(Arc::new(sampler(q)), count).collect();
        let (mut learner, corpus) = Drawn::new(streams, human, fit, write);
        setting.chain(streams, &mut learner, &corpus, |trip| statistic(trip.model, &truth))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let effective: fn(&[f64], &[f64]) -> f64 = |q, _| laws::effective_types(q);
    let support: fn(&[f64], &[f64]) -> f64 = |q, _| q.iter().filter(|&&q| q > 0.0).count() as f64;
    let divergence: fn(&[f64], &[f64]) -> f64 = |q, p| p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum();
    let zipf = || laws::zipf(1.0, 0.0, 1000);
    let replace = Setting::named("replace", 2, 9, 2);
    let tenth = Setting::mixture(Human::Pool, 0.1, 10, 41, 2);
    vec![
        // A Zipf exponent s at temperature T becomes s/T.
        Case::new(
            "temperature",
            Kind::Exact,
            "effective types: replace at T .9, no noise, Zipf of 1000",
            replace,
            noiseless(zipf(), |q| laws::temper(q, 0.9), effective),
        )
        .claims(&[0, 1, 8], |generation| {
            laws::effective_types(&laws::zipf(0.9_f64.powi(-(generation as i32)), 0.0, 1000))
        }),
        Case::new(
            "temperature",
            Kind::Exact,
            "effective types: a tenth human, the rest at T .9, no noise, Zipf of 1000",
            tenth,
            noiseless(zipf(), |q| laws::temper(q, 0.9), effective),
        )
        .claims(&[1, 8, 40], |generation| {
            laws::effective_types(&laws::temper_with_truth(&zipf(), 0.9, 0.1, generation))
        }),
        Case::new(
            "temperature",
            Kind::AtMost,
            "divergence a document: a tenth human, the rest at T .9, no noise, Zipf of 1000",
            tenth,
            noiseless(zipf(), |q| laws::temper(q, 0.9), divergence),
        )
        .claims(&[1, 8, 40], |_| laws::divergence_of_mixture(0.1)),
        Case::new(
            "temperature",
            Kind::Within(0.03),
            "effective types: replace at T .9, n 20000, Zipf of 100",
            Setting::named("replace", 20_000, 5, 40),
            noisy(laws::zipf(1.0, 0.0, 100), |q| laws::temper(q, 0.9)),
        )
        .claims(&[1, 4], |generation| laws::effective_types(&laws::zipf(0.9_f64.powi(-(generation as i32)), 0.0, 100))),
        Case::new(
            "top-p",
            Kind::Exact,
            "types: replace at top-p .95, no noise, Zipf of 1000",
            replace,
            noiseless(zipf(), |q| laws::truncate(q, 0.95), support),
        )
        .claims(&[0, 1, 8], |generation| laws::top_p_support(&zipf(), 0.95, generation) as f64),
    ]
}

/// Chains of counts whose text comes from the sampler.
fn noisy(
    truth: Vec<f64>,
    sampler: Sampler,
) -> impl Fn(&Setting, Streams) -> Result<Vec<f64>, RecipeError> + Send + Sync + 'static {
    move |setting, streams| {
        let fit = |picked: &[(&Pick, &usize)], _, _: &mut Stream| {
            let mut q = vec![0.0; truth.len()];
            picked.iter().for_each(|(_, at)| q[**at] += 1.0 / picked.len() as f64);
            q
        };
        let human = |stream: &mut Stream| types(&truth, setting.corpus(), stream);
        let write = |q: &Vec<f64>, count, stream: &mut Stream| types(&sampler(q), count, stream);
        let (mut learner, corpus) = Drawn::new(streams, human, fit, write);
        setting.chain(streams, &mut learner, &corpus, |trip| laws::effective_types(trip.model))
    }
}
