//! Differences between arms, seed by seed.

use super::Observations;
use super::observations::together;
use super::predicates::LOSS;
use crate::statistics::{Sample, Scale, holm};

/// How the test losses of two arms differ in the last generation that most of their common seeds reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The arm whose loss is divided, or from which is taken.
    pub first: String,
    /// The arm that it is compared with.
    pub second: String,
    /// The generation.
    pub generation: u32,
    /// Seeds that both have.
    pub seeds: usize,
    /// First over second, geometric mean over seeds. Bits per byte have the same ratio.
    pub ratio: f64,
    /// 95 % bounds of the ratio, not corrected.
    pub bounds: (f64, f64),
    /// First less second, nats per token: mean and 95 % bounds, not corrected.
    pub nats: (f64, f64, f64),
    /// Two-sided p value of a paired t test on the logarithm of the loss, with Holm's correction over all that was asked.
    pub p: f64,
}

/// The paired differences of `pairs` of arms, in their order; pairs without two common seeds are left out.
pub fn differences(rows: &Observations, pairs: &[(&str, &str)]) -> Vec<Difference> {
    let mut found: Vec<Difference> =
        pairs.iter().filter_map(|(first, second)| difference(rows, first, second)).collect();
    let corrected = holm(&found.iter().map(|difference| difference.p).collect::<Vec<_>>());
    found.iter_mut().zip(corrected).for_each(|(difference, p)| difference.p = p);
    found
}

fn difference(rows: &Observations, first: &str, second: &str) -> Option<Difference> {
    let losses = |generation| {
        let [a, b] = [first, second].map(|arm| rows.seeds(arm, LOSS, generation));
        let pairs: Vec<(f64, f64)> = a.iter().filter_map(|(seed, &a)| Some((a, *b.get(seed)?))).collect();
        (generation, pairs, together(&a, &b, |a, b| a - b))
    };
    let all: Vec<_> = rows.generations(first).into_iter().map(losses).collect();
    let most = all.iter().map(|(_, pairs, _)| pairs.len()).max().filter(|&n| n >= 2)?;
    let (generation, pairs, plain) = all.into_iter().rev().find(|(_, pairs, _)| pairs.len() == most)?;
    let log = Sample::paired(pairs, Scale::Log)?;
    let plain = Sample::of(plain.into_values())?;
    let ((low, high), (under, over)) = (log.bounds(0.95), plain.bounds(0.95));
    Some(Difference {
        first: first.to_owned(),
        second: second.to_owned(),
        generation,
        seeds: log.n,
        ratio: log.mean.exp(),
        bounds: (low.exp(), high.exp()),
        nats: (plain.mean, under, over),
        p: log.p(),
    })
}
