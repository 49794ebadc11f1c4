//! Temperature and truncation of an exact distribution, by the transformer's conventions.
//!
//! Those are Hugging Face's: temperature, top-k, top-p, min-p, in this order, what is left divided by its sum. Here they
//! act on probabilities of 64 bits instead of logits of 32; a repetition penalty has no meaning for independent draws.
//!
//! ```
//! use chain::learners::Sampling;
//!
//! let mut p = [0.5, 0.25, 0.25];
//! Sampling { temperature: 0.5, ..Sampling::default() }.apply(&mut p); // squares: 4 : 1 : 1
//! assert!((p[0] - 4.0 / 6.0).abs() < 1e-12);
//! ```

use serde::{Deserialize, Serialize};

/// How draws are taken from a distribution. The default is the distribution itself: temperature 1, nothing cut off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Logits are divided by it, probabilities are raised to its inverse; above 0, finite. Ignored where `greedy`.
    pub temperature: f64,
    /// Keep the k most probable types, and all that equal the last of them; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// Keep the fewest types whose probabilities reach p, of equals the earlier; in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Keep types with at least this share of the best one's probability; in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Always take the most probable type, of equals the first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub greedy: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: None, min_p: None, greedy: false }
    }
}

/// A setting out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} = {value} cannot be sampled with: take {range}")]
pub struct SamplingError {
    /// The setting's name.
    pub key: &'static str,
    /// What it was.
    pub value: String,
    /// What it may be.
    pub range: &'static str,
}

impl Sampling {
    /// Checks every setting's range.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SamplingError> {
        let require = |holds: bool, key, value: String, range| {
            if holds { Ok(()) } else { Err(SamplingError { key, value, range }) }
        };
        let Self { temperature, top_k, top_p, min_p, greedy } = *self;
        let heat = greedy || (temperature.is_finite() && temperature > 0.0);
        require(heat, "temperature", temperature.to_string(), "a finite number above 0, or greedy = true")?;
        if let Some(k) = top_k {
            require(k >= 1, "top_k", k.to_string(), "1 or more")?;
        }
        if let Some(p) = top_p {
            require(p > 0.0 && p <= 1.0, "top_p", p.to_string(), "more than 0 and at most 1")?;
        }
        if let Some(p) = min_p {
            require((0.0..1.0).contains(&p), "min_p", p.to_string(), "0 or more and less than 1")?;
        }
        Ok(())
    }

    /// Whether it draws from the distribution as it is.
    pub fn is_plain(&self) -> bool {
        let Self { temperature, top_k, top_p, min_p, greedy } = *self;
        !greedy
            && temperature == 1.0
            && top_k.is_none()
            && top_p.is_none_or(|p| p >= 1.0)
            && min_p.is_none_or(|p| p <= 0.0)
    }

    /// Replaces a distribution by the one that is drawn from. What comes in need not sum to 1; what comes out does.
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

    const PLAIN: Sampling = Sampling { temperature: 1.0, top_k: None, top_p: None, min_p: None, greedy: false };

    #[track_caller]
    fn near<const N: usize>(sampling: Sampling, mut of: [f64; N], expected: [f64; N]) {
        sampling.apply(&mut of);
        let far = of.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max);
        assert!(far < 1e-14, "{of:?} for {expected:?}");
    }

    #[test]
    fn temperature_is_a_power() {
        near(Sampling { temperature: 0.5, ..PLAIN }, [0.5, 0.25, 0.25], [4.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]);
        near(Sampling { temperature: 2.0, ..PLAIN }, [0.64, 0.0, 0.36], [8.0 / 14.0, 0.0, 6.0 / 14.0]);
        near(Sampling { temperature: 1e-300, ..PLAIN }, [0.3, 0.4, 0.3], [0.0, 1.0, 0.0]);
        near(Sampling { temperature: 1e300, ..PLAIN }, [0.7, 0.3, 0.0], [0.5, 0.5, 0.0]);
        near(Sampling { greedy: true, ..PLAIN }, [0.2, 0.4, 0.4], [0.0, 1.0, 0.0]);
    }

    #[test]
    fn top_k_keeps_the_largest_and_their_equals() {
        let top = |k| Sampling { top_k: Some(k), ..PLAIN };
        let p = [0.1, 0.4, 0.2, 0.2, 0.1];
        near(top(1), p, [0.0, 1.0, 0.0, 0.0, 0.0]);
        near(top(2), p, [0.0, 0.5, 0.25, 0.25, 0.0]);
        near(top(3), p, [0.0, 0.5, 0.25, 0.25, 0.0]);
        near(top(9), p, p);
    }

    #[test]
    fn top_p_keeps_the_fewest_that_reach_it() {
        let top = |p| Sampling { top_p: Some(p), ..PLAIN };
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
        let min = |p| Sampling { min_p: Some(p), ..PLAIN };
        let p = [0.15, 0.5, 0.05, 0.3];
        near(min(0.09), p, p);
        near(min(0.11), p, [0.15 / 0.95, 0.5 / 0.95, 0.0, 0.3 / 0.95]);
        near(min(0.61), p, [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn filters_follow_one_another() {
        // Top-3 leaves .5, .3, .15 of .95; .5 / .95 = .526 does not reach .6, two do; min-p .59 keeps .3 / .5 = .6.
        let all = Sampling { top_k: Some(3), top_p: Some(0.6), min_p: Some(0.59), ..PLAIN };
        near(all, [0.15, 0.5, 0.05, 0.3], [0.0, 0.625, 0.0, 0.375]);
        // Temperature comes before top-p: .64 : .36 becomes .8 : .6, and .6 of that needs both.
        let warm = Sampling { temperature: 2.0, top_p: Some(0.6), ..PLAIN };
        near(warm, [0.64, 0.36], [8.0 / 14.0, 6.0 / 14.0]);
    }

    #[test]
    fn ranges_are_checked() {
        assert_eq!(PLAIN.check(), Ok(()));
        assert!(PLAIN.is_plain() && Sampling { top_p: Some(1.0), min_p: Some(0.0), ..PLAIN }.is_plain());
        let wrong = [
            Sampling { temperature: 0.0, ..PLAIN },
            Sampling { temperature: f64::NAN, ..PLAIN },
            Sampling { top_k: Some(0), ..PLAIN },
            Sampling { top_p: Some(0.0), ..PLAIN },
            Sampling { top_p: Some(f64::NAN), ..PLAIN },
            Sampling { min_p: Some(1.0), ..PLAIN },
        ];
        for sampling in wrong {
            assert!(sampling.check().is_err() && !sampling.is_plain(), "{sampling:?}");
        }
        assert!(toml::from_str::<Sampling>("repetition_penalty = 1.2").is_err());
        assert_eq!(toml::from_str::<Sampling>("").unwrap(), PLAIN);
    }
}
