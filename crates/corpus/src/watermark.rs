//! A green-list watermark: which tokens its writer favours.
//!
//! A key and the token before colour each token green with probability γ; the writer adds δ to the logits of the green
//! ones, and who has the key counts them. After Kirchenbauer et al. 2023 (arXiv 2301.10226), but there the green list is a
//! permutation's first γ|V| tokens; here each token's colour is a hash of its own, so that of unmarked text each distinct
//! pair of neighbours is green with probability γ, whatever the others are.

use sampling::Mark;

use crate::hash::{join, mix};

/// Which tokens are green.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greens {
    key: u64,
    gamma: f64,
    /// Hashes below it are green.
    below: u64,
}

impl Greens {
    /// The green lists of a key, a share `gamma` of the vocabulary each.
    ///
    /// # Panics
    /// If `gamma` does not lie between 0 and 1.
    pub fn new(key: u64, gamma: f64) -> Self {
        assert!(gamma > 0.0 && gamma < 1.0, "a share of green between 0 and 1, not {gamma}");
        Self { key: mix(key), gamma, below: (gamma * 2.0_f64.powi(64)) as u64 }
    }

    /// The green lists of a sampler's watermark; the mark's δ is for [`Self::favour`].
    ///
    /// # Panics
    /// If its gamma does not lie between 0 and 1.
    pub fn of(mark: &Mark) -> Self {
        Self::new(mark.key, mark.gamma)
    }

    /// The share of tokens that are green.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// True if `token` is green after `previous` (the separator, at a text's beginning).
    pub fn is_green(&self, previous: u32, token: u32) -> bool {
        join(join(self.key, previous), token) < self.below
    }

    /// Adds `delta` to the logits of the tokens that are green after `previous`.
    pub fn favour(&self, previous: u32, delta: f32, logits: &mut [f32]) {
        let list = join(self.key, previous);
        for (token, logit) in logits.iter_mut().enumerate() {
            if join(list, token as u32) < self.below {
                *logit += delta;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn green_tokens_are_favoured() {
        let greens = Greens::new(11, 0.25);
        let mut logits = vec![0.0; 4000];
        greens.favour(5, 2.0, &mut logits);
        for (token, &logit) in logits.iter().enumerate() {
            assert_eq!(logit, if greens.is_green(5, token as u32) { 2.0 } else { 0.0 });
        }
        assert_eq!(Greens::of(&Mark { key: 11, gamma: 0.25, delta: 9.0 }), greens);
        let green = logits.iter().filter(|&&logit| logit > 0.0).count() as f64;
        assert!((green - 1000.0).abs() < 4.0 * 750_f64.sqrt(), "{green} of 4000");
    }
}
