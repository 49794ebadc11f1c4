//! Temperature and truncation of an exact distribution, by the transformer's conventions.
//!
//! Those are Hugging Face's: temperature, top-k, top-p, min-p, in this order, what is left divided by its sum. Here they
//! act on probabilities of 64 bits instead of logits of 32. The other options have no meaning for independent draws.
//!
//! ```
//! use sampling::Sampling;
//!
//! let mut p = [0.5, 0.25, 0.25];
//! Sampling { temperature: 0.5, ..Sampling::default() }.apply(&mut p); // squares: 4 : 1 : 1
//! assert!((p[0] - 4.0 / 6.0).abs() < 1e-12);
//! ```

use crate::{Opt, Sampling};

impl Sampling {
    /// The options that [`Self::apply`] honours.
    pub const EXACT: [Opt; 5] = [Opt::Temperature, Opt::TopK, Opt::TopP, Opt::MinP, Opt::Greedy];

    /// Replaces a distribution by the one that is drawn from. What comes in need not sum to 1; what comes out does. Of the options,
    /// those of [`Self::EXACT`] act.
    ///
    /// # Panics
    /// If nothing has mass.
    pub fn apply(&self, probabilities: &mut [f64]) {
        let best = probabilities.iter().copied().fold(0.0, f64::max);
        assert!(best > 0.0, "a distribution without mass");
        if self.greedy {
            let first = probabilities.iter().position(|&p| p == best);
            probabilities.iter_mut().enumerate().for_each(|(at, p)| *p = if Some(at) == first { 1.0 } else { 0.0 });
            return;
        }
        // Relative to the best, so that no power of it can overflow and a share of it is the weight itself. Types of
        // probability zero stay impossible at any temperature.
        let power = 1.0 / self.temperature;
        let heated = |p: f64| match p / best {
            share if power == 1.0 || share == 0.0 => share,
            share => share.powf(power),
        };
        probabilities.iter_mut().for_each(|p| *p = heated(*p));
        if let Some(k) = self.top_k.filter(|&k| k < probabilities.len()) {
            keep_top_k(probabilities, k);
        }
        if let Some(share) = self.top_p.filter(|&share| share < 1.0) {
            keep_top_p(probabilities, share);
        }
        if let Some(share) = self.min_p {
            probabilities.iter_mut().filter(|p| **p < share).for_each(|p| *p = 0.0);
        }
        let total: f64 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|p| *p /= total);
    }
}

/// Zero for all weights below the `k`-th largest.
fn keep_top_k(weights: &mut [f64], k: usize) {
    let mut ranked = weights.to_vec();
    let (_, &mut least, _) = ranked.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    weights.iter_mut().filter(|weight| **weight < least).for_each(|weight| *weight = 0.0);
}

/// Zero for all but the fewest weights whose sum reaches the share `p` of all (Holtzman et al. 2020).
fn keep_top_p(weights: &mut [f64], p: f64) {
    let mut order: Vec<usize> = (0..weights.len()).filter(|&at| weights[at] > 0.0).collect();
    order.sort_unstable_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
    // One order for both sums: the target is reached, whatever the rounding.
    let target = p * order.iter().map(|&at| weights[at]).sum::<f64>();
    let mut mass = 0.0;
    for at in order {
        if mass >= target {
            weights[at] = 0.0;
        }
        mass += weights[at];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near<const N: usize>(sampling: Sampling, mut of: [f64; N], expected: [f64; N]) {
        sampling.apply(&mut of);
        let far = of.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max);
        assert!(far < 1e-14, "{of:?} for {expected:?}");
    }

    #[test]
    fn temperature_is_a_power() {
        near(
            Sampling { temperature: 0.5, ..Sampling::default() },
            [0.5, 0.25, 0.25],
            [4.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0],
        );
        near(Sampling { temperature: 2.0, ..Sampling::default() }, [0.64, 0.0, 0.36], [8.0 / 14.0, 0.0, 6.0 / 14.0]);
        near(Sampling { temperature: 1e-300, ..Sampling::default() }, [0.3, 0.4, 0.3], [0.0, 1.0, 0.0]);
        near(Sampling { temperature: 1e300, ..Sampling::default() }, [0.7, 0.3, 0.0], [0.5, 0.5, 0.0]);
        near(Sampling { greedy: true, ..Sampling::default() }, [0.2, 0.4, 0.4], [0.0, 1.0, 0.0]);
    }

    #[test]
    fn top_k_keeps_the_largest_and_their_equals() {
        let top = |k| Sampling { top_k: Some(k), ..Sampling::default() };
        let p = [0.1, 0.4, 0.2, 0.2, 0.1];
        near(top(1), p, [0.0, 1.0, 0.0, 0.0, 0.0]);
        near(top(2), p, [0.0, 0.5, 0.25, 0.25, 0.0]);
        near(top(3), p, [0.0, 0.5, 0.25, 0.25, 0.0]);
        near(top(9), p, p);
    }

    #[test]
    fn top_p_keeps_the_fewest_that_reach_it() {
        let top = |p| Sampling { top_p: Some(p), ..Sampling::default() };
        let p = [0.15, 0.5, 0.05, 0.3];
        near(top(0.01), p, [0.0, 1.0, 0.0, 0.0]);
        near(top(0.5), p, [0.0, 1.0, 0.0, 0.0]);
        near(top(0.51), p, [0.0, 0.625, 0.0, 0.375]);
        near(top(0.81), p, [0.15 / 0.95, 0.5 / 0.95, 0.0, 0.3 / 0.95]);
        near(top(1.0), p, p);
        // Equal probabilities: the earlier ones stay.
        near(top(0.6), [0.25; 4], [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
    }

    #[test]
    fn min_p_is_a_share_of_the_best() {
        let min = |p| Sampling { min_p: Some(p), ..Sampling::default() };
        let p = [0.15, 0.5, 0.05, 0.3];
        near(min(0.09), p, p);
        near(min(0.11), p, [0.15 / 0.95, 0.5 / 0.95, 0.0, 0.3 / 0.95]);
        near(min(0.61), p, [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn filters_follow_one_another() {
        // Top-3 leaves .5, .3, .15 of .95; .5 / .95 = .526 does not reach .6, two do; min-p .59 keeps .3 / .5 = .6.
        let all = Sampling { top_k: Some(3), top_p: Some(0.6), min_p: Some(0.59), ..Sampling::default() };
        near(all, [0.15, 0.5, 0.05, 0.3], [0.0, 0.625, 0.0, 0.375]);
        // Temperature comes before top-p: .64 : .36 becomes .8 : .6, and .6 of that needs both.
        let warm = Sampling { temperature: 2.0, top_p: Some(0.6), ..Sampling::default() };
        near(warm, [0.64, 0.36], [8.0 / 14.0, 6.0 / 14.0]);
    }
}
