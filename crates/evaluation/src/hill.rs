//! Hill numbers: how many words there seem to be.
//!
//! *Definition.* The Hill number of order q is (Σ f^q)^(1/(1-q)) over relative frequencies (Hill 1973): order 0 counts
//! the types, order 1 is exp(entropy), order 2 is 1 / Σ f². It is the number of equally frequent types that would give
//! the same value. Order 0 sees rare types, order 2 only frequent ones, so collapse lowers order 0 first.
//!
//! *Trap.* They grow with the sample, order 0 without end. They are rarefied (Gotelli and Colwell 2001): the mean over
//! random sets of whole documents with the same number of words. Rarefying by single words, as ecologists do where
//! animals come singly, gives more types than a text of that length has, because words come in bursts.

use crate::entropy::entropy;
use crate::measure::{Measures, Side};
use crate::sample::Counts;

/// `hill` for q = 0, 1 and 2.
pub(crate) fn report(words: &Counts, side: Side, measures: &mut Measures) {
    for (order, value) in [words.kinds().len() as f64, entropy(words).exp(), second(words)].into_iter().enumerate() {
        measures.push("hill", side.detail(order), value);
    }
}

/// The Hill number of order 2.
pub(crate) fn second(words: &Counts) -> f64 {
    let squares: f64 = words.counts().map(|count| f64::from(count).powi(2)).sum();
    (words.total() as f64).powi(2) / squares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use crate::text::{Words, plain};

    #[test]
    fn equal_types_count_as_what_they_are() {
        let values = |text: &str| {
            let docs = [plain(text)];
            let (words, mut measures) = (Words::of(&docs), Measures::default());
            report(Sample::everything(&words.grams).order(1), Side::Written, &mut measures);
            measures.into_vec().iter().map(|measure| measure.value).collect::<Vec<_>>()
        };
        assert!(values("a b c a b c").iter().all(|value| (value - 3.0).abs() < 1e-12));
        // Frequencies 1/2, 1/4, 1/4: 1.5 bits, and 1 / (1/4 + 1/16 + 1/16).
        let uneven = values("a b a c");
        assert!((uneven[1] - 2.0_f64.powf(1.5)).abs() < 1e-12 && (uneven[2] - 8.0 / 3.0).abs() < 1e-12);
    }
}
