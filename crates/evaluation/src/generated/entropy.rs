//! Entropy of n-grams.
//!
//! *Definition.* -Σ f ln f over the relative frequencies of the different n-grams, in nats. n = 1 is `unigram-entropy`,
//! n = 2 to 4 are `entropy`.
//!
//! *Trap.* This is the plug-in estimate, and it is too low by about (types - 1) / 2N (Miller 1955): for n = 4 nearly
//! every n-gram is new and it says little but ln N. It only compares texts of equal size. The entropy of an n-gram isn't
//! that of the n-th word given those before.

use super::entry::{BY_ORDER, compared};
use crate::draws::Drawn;
use crate::measure::{Measures, order};
use crate::metric::Metric;
use crate::sample::Counts;
use crate::text::ORDERS;

pub static ENTROPY: Metric = compared("entropy", "Entropy of n-grams", "nats per n-gram", BY_ORDER);

/// `entropy` for n = 2 to 4.
pub(crate) fn report(of: &Drawn<'_>, measures: &mut Measures) {
    for n in 2..=ORDERS {
        measures.push(&ENTROPY, order(n), entropy(of.sample.order(n)));
    }
}

/// In nats; no number if there are no n-grams.
pub(crate) fn entropy(grams: &Counts) -> f64 {
    let c_ln_c: f64 = grams.counts().map(f64::from).map(|count| count * count.ln()).sum();
    let total = grams.total() as f64;
    // ln N - Σ c ln c / N, without a division for each type. Rounding must not make it negative, and a clamp lets NaN be.
    (total.ln() - c_ln_c / total).clamp(0.0, f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use crate::text::{Words, plain};

    #[test]
    fn equal_n_grams_have_the_logarithm_of_their_number() {
        let docs = ["a b", "c d", "a b", "c d", "x"].map(plain);
        let words = Words::of(&docs);
        let sample = Sample::everything(&words.grams);
        assert!((entropy(sample.order(2)) - 2.0_f64.ln()).abs() < 1e-15);
        assert!(entropy(sample.order(3)).is_nan());
        let docs = [plain("a a a a a a a")];
        let words = Words::of(&docs);
        assert_eq!(entropy(Sample::everything(&words.grams).order(1)), 0.0);
    }
}
