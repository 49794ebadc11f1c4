//! What a sample has not seen.
//!
//! *Definitions.* Words are counted once a document. `missing-mass`: words that are in one document alone, over all
//! (document, word) pairs: Good's (1953) estimate, with documents as the units (Chao and Jost 2012), of the share of
//! the words of one more document of the same source that the sample lacks. It is what one finds by leaving out each
//! document in turn. `uncovered-mass`: the share of the words of other *human* documents that the sample lacks, measured.
//!
//! *Traps.* On counts of words the estimate is too low, for words come in bursts: a name that stands in a document thrice
//! is no hapax and yet unseen before. A text that collapsed knows nearly all that it would write (a small missing
//! mass) and little of what people write (a large uncovered mass): neither says it alone. Both depend on size.

use super::entry::{EQUAL, compared, equal};
use crate::Dimensions;
use crate::draws::{Covering, Drawn};
use crate::measure::Measures;
use crate::metric::{Axis, Damage, Figure, Metric};
use crate::sample::Counts;

static MISSING: Figure = Figure {
    name: "missing-mass",
    title: "Missing mass",
    label: "share of words",
    axis: Axis::Share,
    caption: "How much of a next word would be new to the text, and how much of human text consists of words that it \
              lacks.",
};

pub static MISSING_MASS: Metric = compared("missing-mass", "Missing mass (Good-Turing)", "share of words", EQUAL)
    .drawn(&MISSING, &[equal("Good-Turing estimate")]);

pub static UNCOVERED_MASS: Metric = compared("uncovered-mass", "Uncovered mass", "share of human words", EQUAL)
    .worse(Damage::More)
    .drawn(&MISSING, &[equal("Human words that it lacks")]);

/// `missing-mass`.
pub(crate) fn report_missing(of: &Drawn<'_>, measures: &mut Measures) {
    measures.push(&MISSING_MASS, Dimensions::NONE, missing(of.sample.order(1)));
}

/// `uncovered-mass`.
pub(crate) fn report_uncovered(of: &Covering<'_>, measures: &mut Measures) {
    let uncovered = uncovered(of.sample.order(1), of.there, of.held_out.pairs);
    measures.push(&UNCOVERED_MASS, Dimensions::NONE, uncovered);
}

/// Good and Turing's estimate; no number without words.
fn missing(words: &Counts) -> f64 {
    let single = words.kinds().iter().filter(|&&kind| words.documents(kind) == 1).count();
    single as f64 / words.incidences() as f64
}

/// The share of the human pairs that the sample lacks. `human[t]`: in how many of the human documents the sample's type
/// t is; `pairs` is the sum over all human types.
fn uncovered(words: &Counts, human: &[u32], pairs: usize) -> f64 {
    let covered: u64 = words.kinds().iter().map(|&kind| u64::from(human[kind as usize])).sum();
    1.0 - covered as f64 / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use crate::text::{Words, plain};

    #[test]
    fn missing_mass_is_what_leaving_out_a_document_finds() {
        let texts = ["a b b c", "a d d d", "b e", "a a"];
        let docs = texts.map(plain);
        let words = Words::of(&docs);
        // Of ab c, ad, be, a: c, d and e are new beside the others.
        let new = (0..texts.len()).map(|out| {
            let mut others = texts.iter().enumerate().filter(|&(i, _)| i != out).flat_map(|(_, text)| text.split(' '));
            let mut own: Vec<&str> = texts[out].split(' ').collect();
            own.dedup();
            own.into_iter()
                .filter(|word| !others.clone().any(|other| other == *word) && others.next().is_some())
                .count()
        });
        assert_eq!(missing(Sample::everything(&words.grams).order(1)), new.sum::<usize>() as f64 / 8.0);
    }

    #[test]
    fn a_toy_text_by_hand() {
        let docs = ["a a b", "c"].map(plain);
        let words = Words::of(&docs);
        // The human documents hold a in three, c in one, others in six.
        assert_eq!(uncovered(Sample::everything(&words.grams).order(1), &[3, 0, 1], 10), 0.6);
    }
}
