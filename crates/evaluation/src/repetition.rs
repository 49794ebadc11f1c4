//! Repetition within documents.
//!
//! *Definition.* rep-n: the share of n-grams that repeat one earlier in the same document, over all documents together
//! (Welleck et al. 2020, "seq-rep-n"; Su et al. 2022). It shows loops, the way in which greedy and cool decoding fail.
//!
//! *Trap.* A long document repeats more than a short one, so a change of lengths shows here too: read it beside
//! `mean-length` and the human rate. n = 1 measures little but length and is left out.

use crate::measure::Measures;
use crate::text::{ORDERS, Words};

/// `repetition` for n = 2 to 4.
pub(crate) fn report(words: &Words<'_>, prefix: &str, measures: &mut Measures) {
    for order in 2..=ORDERS {
        let (mut repeated, mut total) = (0, 0);
        // The document, counted from 1, in which an n-gram was last seen.
        let mut seen = vec![0; words.kinds(order)];
        for (document, range) in (1..).zip(words.documents()) {
            for &gram in words.grams(order, range) {
                total += 1;
                repeated += usize::from(seen[gram as usize] == document);
                seen[gram as usize] = document;
            }
        }
        measures.share("repetition", format!("{prefix}{order}"), repeated as f64, total as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn a_toy_text_by_hand() {
        // ab ba ab ba ab: 3 of 5; aba bab aba bab: 2 of 4; abab baba abab: 1 of 3. The second document repeats the
        // first, not itself.
        let docs = ["a b a b a b", "a b"].map(plain);
        let mut measures = Measures::default();
        report(&Words::of(&docs), "", &mut measures);
        let values: Vec<f64> = measures.into_vec().iter().map(|measure| measure.value).collect();
        assert_eq!(values, [3.0 / 6.0, 2.0 / 4.0, 1.0 / 3.0]);
    }

    #[test]
    fn text_without_n_grams_has_no_rate() {
        let mut measures = Measures::default();
        report(&Words::of(&[plain("a"), plain("")]), "", &mut measures);
        assert_eq!(measures.into_vec(), []);
    }
}
