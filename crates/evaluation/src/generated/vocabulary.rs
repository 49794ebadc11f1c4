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

use super::entropy::entropy;
use super::entry::{BY_ORDER, EQUAL, compared, sized};
use crate::Dimension::{self, Order};
use crate::Dimensions;
use crate::draws::Drawn;
use crate::measure::{Measures, order};
use crate::metric::{Axis, Damage, Figure, Metric, Panel};
use crate::sample::{Counts, Sample};
use crate::subject::Subject;
use crate::text::ORDERS;

pub static TYPES: Metric = compared("types", "Word types", "types", EQUAL).worse(Damage::Less);

pub static HAPAX_SHARE: Metric =
    compared("hapax-share", "Types that occur once", "share of the types", EQUAL).on(Axis::Share);

pub static UNIGRAM_ENTROPY: Metric =
    compared("unigram-entropy", "Unigram entropy", "nats per word", EQUAL).worse(Damage::Away).drawn(
        &Figure {
            name: "unigram-entropy",
            title: "Unigram entropy",
            label: "nats per word",
            axis: Axis::Linear,
            caption: "Entropy of the words’ relative frequencies.",
        },
        &[sized("Unigram entropy")],
    );

pub static VOCABULARY_SURVIVAL: Metric =
    compared("vocabulary-survival", "Vocabulary that survives", "share of the human word types", EQUAL)
        .worse(Damage::Less)
        .drawn(
            &Figure {
                name: "vocabulary-survival",
                title: "Vocabulary that survives",
                label: "share of the human word types",
                axis: Axis::Share,
                caption: "Share of the word types of generation 0’s human text that occur in what each generation \
                          generated.",
            },
            &[sized("Vocabulary that survives")],
        );

pub static DISTINCT: Metric =
    compared("distinct", "Distinct n-grams", "share of n-grams that differ", BY_ORDER).worse(Damage::Away).drawn(
        &Figure {
            name: "distinct",
            title: "Distinct n-grams",
            label: "share of n-grams that differ",
            axis: Axis::Share,
            caption: "Distinct n-grams as a share of all n-grams generated: lower is more uniform.",
        },
        &[
            Panel { title: "Distinct words", views: &[&[(Dimension::Sample, "equal"), (Order, "1")]] },
            Panel { title: "Distinct 2-grams", views: &[&[(Dimension::Sample, "equal"), (Order, "2")]] },
            Panel { title: "Distinct 3-grams", views: &[&[(Dimension::Sample, "equal"), (Order, "3")]] },
            Panel { title: "Distinct 4-grams", views: &[&[(Dimension::Sample, "equal"), (Order, "4")]] },
        ],
    );

/// All but `distinct`, of all of a text.
pub(crate) fn report_all(text: &Subject<'_>, measures: &mut Measures) {
    if text.is_measurable() {
        let all = Sample::everything(text.grams());
        report_counts(all.order(1), text.counts, text.reference.vocabulary(), measures);
    } else {
        measures.push(&TYPES, Dimensions::NONE, text.words.types.len() as f64);
    }
}

/// The same of a sample.
pub(crate) fn report(of: &Drawn<'_>, measures: &mut Measures) {
    report_counts(of.sample.order(1), of.from.counts, of.from.vocabulary, measures);
}

/// `human[t]` is how often type t occurs in the human text, which has `vocabulary` types.
fn report_counts(words: &Counts, human: &[u64], vocabulary: usize, measures: &mut Measures) {
    let survived = words.kinds().iter().filter(|&&kind| human[kind as usize] > 0).count();
    measures.push(&TYPES, Dimensions::NONE, words.kinds().len() as f64);
    measures.push(&HAPAX_SHARE, Dimensions::NONE, hapax(words));
    measures.push(&UNIGRAM_ENTROPY, Dimensions::NONE, entropy(words));
    measures.push(&VOCABULARY_SURVIVAL, Dimensions::NONE, survived as f64 / vocabulary as f64);
}

/// `distinct` for each order; no number where there are no n-grams: the documents are too short.
pub(crate) fn report_distinct(of: &Drawn<'_>, measures: &mut Measures) {
    for n in 1..=ORDERS {
        measures.push(&DISTINCT, order(n), distinct(of.sample.order(n)));
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
        report_counts(sample.order(1), &[5, 0, 1], 4, &mut measures);
        let values: Vec<f64> = measures.into_vec().iter().map(|measure| measure.value).collect();
        let entropy = 0.5 * 2.0_f64.ln() + 3.0_f64.ln() / 3.0 + 6.0_f64.ln() / 6.0;
        assert!((values[2] - entropy).abs() < 1e-15);
        assert_eq!((values[0], values[1], values[3]), (3.0, 1.0 / 3.0, 0.5));
        // ab, ba, ba, ac; aba, bac; none of four.
        let distinct = [1, 2, 3, 4].map(|n| distinct(sample.order(n)));
        assert_eq!(distinct[..3], [0.5, 0.75, 1.0]);
        assert!(distinct[3].is_nan());
    }
}
