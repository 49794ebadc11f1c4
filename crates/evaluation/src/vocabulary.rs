//! Richness of the vocabulary.
//!
//! *Definitions.* `types`: different words. `hapax-share`: the share of types that occur once. `unigram-entropy`: see
//! `entropy.rs`. `vocabulary-survival`: the share of the human text's types that occur. `distinct` n: different n-grams
//! over all n-grams, n-grams lying within a document (Li, Galley, Brockett, Gao and Dolan 2016, for n = 1 and 2).
//!
//! *Trap.* All of these depend on how much text is looked at (Tweedie and Baayen 1998): types grow, the others fall, or
//! rise with plug-in entropy, and the growth has no simple law. Texts are compared at an equal number of words, drawn
//! as whole documents in random order with the last one cut, on average over several draws; human text that the human
//! vocabulary was not taken from is measured at the same size. A share of 0.6 means loss only if such a text has more.

use crate::entropy::entropy;
use crate::measure::{Measures, Side};
use crate::sample::{Counts, Sample};
use crate::text::ORDERS;

/// All but `distinct`. `human[t]` is how often type t occurs in the human text, which has `vocabulary` types.
pub(crate) fn report(words: &Counts, human: &[u64], vocabulary: usize, detail: &str, measures: &mut Measures) {
    let survived = words.kinds().iter().filter(|&&kind| human[kind as usize] > 0).count();
    measures.push("types", detail, words.kinds().len() as f64);
    measures.push("hapax-share", detail, hapax(words));
    measures.push("unigram-entropy", detail, entropy(words));
    measures.push("vocabulary-survival", detail, survived as f64 / vocabulary as f64);
}

/// `distinct` for each order; no number where there are no n-grams: the documents are too short.
pub(crate) fn report_distinct(sample: &Sample<'_>, side: Side, measures: &mut Measures) {
    for order in 1..=ORDERS {
        measures.push("distinct", side.detail(order), distinct(sample.order(order)));
    }
}

/// The share of the types that occur once.
pub(crate) fn hapax(words: &Counts) -> f64 {
    words.counts().filter(|&count| count == 1).count() as f64 / words.kinds().len() as f64
}

/// Different n-grams over all n-grams.
pub(crate) fn distinct(grams: &Counts) -> f64 {
    grams.kinds().len() as f64 / grams.total() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Words, plain};

    #[test]
    fn a_toy_text_by_hand() {
        // a: 3, b: 2, c: 1; the human vocabulary has a, c and two others.
        let docs = ["a b a", "b a c"].map(plain);
        let words = Words::of(&docs);
        let (sample, mut measures) = (Sample::everything(&words.grams), Measures::default());
        report(sample.order(1), &[5, 0, 1], 4, "", &mut measures);
        report_distinct(&sample, Side::Written, &mut measures);
        let values: Vec<f64> = measures.into_vec().iter().map(|measure| measure.value).collect();
        let entropy = 0.5 * 2.0_f64.ln() + 3.0_f64.ln() / 3.0 + 6.0_f64.ln() / 6.0;
        assert!((values[2] - entropy).abs() < 1e-15);
        assert_eq!((values[0], values[1], values[3]), (3.0, 1.0 / 3.0, 0.5));
        // ab, ba, ba, ac; aba, bac; none of four.
        assert_eq!(values[4..7], [0.5, 0.75, 1.0]);
        assert!(values[7].is_nan());
    }
}
