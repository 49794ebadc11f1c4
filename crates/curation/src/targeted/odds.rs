//! Items that the generated text has too much of.
//!
//! Monroe, Colaresi and Quinn 2008 ("Fightin' words"): log-odds with an informative Dirichlet prior. With y_i of n in
//! each text and the prior a_i in proportion to both together, adding up to `prior`, δ_i = ln (y_i+a_i)/(n+a-y_i-a_i),
//! written less human, with variance about 1/(y_i+a_i) of both: what is rare is not called over-represented by chance.

use std::collections::BTreeMap;

use crate::targeted::Counts;
use corpus::hash::grams;

/// Standard deviations beyond which a difference counts.
const CERTAIN: f64 = 1.96;

/// For each type of either text, (δ, δ in standard deviations); positive where the written text has more.
pub fn log_odds(human: &Counts, written: &Counts, prior: f64) -> BTreeMap<u64, (f64, f64)> {
    let (of_human, of_written) = (human.values().sum::<u64>() as f64, written.values().sum::<u64>() as f64);
    let both = (of_human + of_written).max(1.0);
    let odds = |count: f64, of: f64, a: f64| ((count + a) / (of + prior - count - a)).ln();
    let of = |gram: &u64| {
        let count = |counts: &Counts| counts.get(gram).copied().unwrap_or(0) as f64;
        let (in_human, in_written) = (count(human), count(written));
        let a = prior * (in_human + in_written) / both;
        let delta = odds(in_written, of_written, a) - odds(in_human, of_human, a);
        (*gram, (delta, delta / (1.0 / (in_written + a) + 1.0 / (in_human + a)).sqrt()))
    };
    human.keys().chain(written.keys()).map(of).collect()
}

/// Weights of written documents against what is over-represented: e^{-strength · m}, m the mean over a document's runs
/// of δ where it is positive beyond doubt (1.96 standard deviations), scaled to a mean of one. A strength of 0 gives
/// ones.
pub fn weights_against(documents: &[&[u32]], odds: &BTreeMap<u64, (f64, f64)>, size: usize, strength: f64) -> Vec<f64> {
    let too_much = |gram: u64| match odds.get(&gram) {
        Some(&(delta, deviations)) if deviations > CERTAIN => delta,
        _ => 0.0,
    };
    let weight = |ids: &&[u32]| {
        let sum: f64 = grams(ids, size).map(too_much).sum();
        (-strength * sum / grams(ids, size).count().max(1) as f64).exp()
    };
    crate::resample::scaled(&documents.iter().map(weight).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gram_hash;
    use crate::targeted::count_grams;

    #[test]
    fn a_tic_is_found_and_weighed_down() {
        let human: Vec<u32> = (0..900).map(|at| at % 9).collect();
        let written: Vec<u32> = (0..900).map(|at| if at % 3 == 0 { 7 } else { at % 9 }).collect();
        let (human, written) = (count_grams([&human[..]], 1), count_grams([&written[..]], 1));
        let odds = log_odds(&human, &written, 10.0);
        // Token 7: 400 of 900 against 100 of 900, with 2.78 more each.
        let exact = (402.777_777_f64 / 507.222_222).ln() - (102.777_777_f64 / 807.222_222).ln();
        let (delta, deviations) = odds[&gram_hash(&[7])];
        assert!((delta - exact).abs() < 1e-6);
        assert!((deviations - exact / (1.0 / 402.777_777_f64 + 1.0 / 102.777_777).sqrt()).abs() < 1e-5);
        assert!(odds[&gram_hash(&[3])].0 < 0.0 && odds[&gram_hash(&[1])].1.abs() < 1.96);
        let documents: [&[u32]; 3] = [&[7, 7], &[1, 7], &[1, 2]];
        let weights = weights_against(&documents, &odds, 1, 1.0);
        assert!((weights[0] / weights[2] - (-delta).exp()).abs() < 1e-9);
        assert!((weights[1] / weights[2] - (-delta / 2.0).exp()).abs() < 1e-9);
        assert_eq!(weights_against(&documents, &odds, 1, 0.0), [1.0; 3]);
    }
}
