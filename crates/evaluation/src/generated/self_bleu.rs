//! Self-BLEU: how much the documents of a text are like each other.
//!
//! *Definition.* `self-bleu`: the mean over documents of BLEU-4 (Papineni et al. 2002) with all others as its references
//! (Zhu et al. 2018). A document's first 64 words are taken, of 1,000 documents drawn at random (as many as there are
//! in the held-out human text, if these are fewer). Where no n-gram of an order is in any reference, 0.1 takes the place of the
//! number of matches (Chen and Cherry 2014, method 1).
//!
//! *Traps.* It grows with the number of references and with the documents' length, and the smoothing decides what
//! unlike documents get: a value means nothing without these three. High is uniform.

use super::entry::{SAMENESS, compared, plain};
use crate::Dimension::{Member, Reference};
use crate::Dimensions;
use crate::draws::{self, Draw};
use crate::hash::NumberMap;
use crate::measure::Measures;
use crate::metric::{Damage, Metric};
use crate::subject::Subject;
use crate::text::{Grams, ORDERS};
use std::ops::Range;

pub static SELF_BLEU: Metric = compared("self-bleu", "Self-BLEU-4", "score", &[Member, Reference])
    .worse(Damage::More)
    .drawn(&SAMENESS, &[plain("Self-BLEU-4 (higher: more alike)")]);

/// Documents that are compared, at most.
pub(crate) const DOCUMENTS: usize = 1000;
/// Words of a document that count.
const WORDS: usize = 64;
/// What stands for no match at all.
const EPSILON: f64 = 0.1;

/// The largest counts of an n-gram in a document; the second is that of any other document than the first's.
#[derive(Clone, Copy, Default)]
struct Top {
    first: usize,
    document: usize,
    second: usize,
}

/// `self-bleu`; nothing of fewer documents than the reference's number.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let grams = text.grams();
    let order = Draw::Text.order(text.streams(), 0, &draws::everything(grams));
    if let Some(documents) = order.get(..text.reference.documents()) {
        measures.number(&SELF_BLEU, Dimensions::NONE, self_bleu(grams, documents));
    }
}

/// The mean over these documents. No number for fewer than two.
///
/// Only the highest count in any *other* document matters for an n-gram, so the two highest in all documents say it for
/// each, and the time is that of reading the documents.
pub(crate) fn self_bleu(grams: &Grams, documents: &[usize]) -> f64 {
    if documents.len() < 2 {
        return f64::NAN;
    }
    let ranges: Vec<Range<usize>> = documents
        .iter()
        .map(|&document| grams.documents()[document].clone())
        .map(|range| range.start..range.end.min(range.start + WORDS))
        .collect();
    let mut matches = vec![[0; ORDERS]; ranges.len()];
    for order in 1..=ORDERS {
        let counted: Vec<Vec<(u32, usize)>> = ranges.iter().map(|range| counts(grams.grams(order, range))).collect();
        let mut tops = NumberMap::<u32, Top>::default();
        for (document, counts) in counted.iter().enumerate() {
            for &(gram, count) in counts {
                tops.entry(gram).or_default().see(document, count);
            }
        }
        for (document, counts) in counted.iter().enumerate() {
            let clipped = counts.iter().map(|&(gram, count)| count.min(tops[&gram].elsewhere(document)));
            matches[document][order - 1] = clipped.sum();
        }
    }
    let mut lengths: Vec<usize> = ranges.iter().map(Range::len).collect();
    lengths.sort_unstable();
    let scores = ranges.iter().zip(&matches).map(|(range, matches)| {
        let length = range.len();
        bleu(matches, length, closest(&lengths, length))
    });
    scores.sum::<f64>() / ranges.len() as f64
}

impl Top {
    fn see(&mut self, document: usize, count: usize) {
        if count > self.first {
            *self = Self { first: count, document, second: self.first };
        } else {
            self.second = self.second.max(count);
        }
    }

    /// The highest count in a document that is not this one.
    fn elsewhere(&self, document: usize) -> usize {
        if document == self.document { self.second } else { self.first }
    }
}

/// How often each n-gram occurs.
fn counts(grams: &[u32]) -> Vec<(u32, usize)> {
    let mut grams = grams.to_vec();
    grams.sort_unstable();
    grams.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect()
}

/// The length nearest to one of these sorted lengths, which is itself left out; of two as near the shorter.
fn closest(lengths: &[usize], own: usize) -> usize {
    let at = lengths.partition_point(|&length| length < own);
    let others = [at.checked_sub(1), Some(at + 1)];
    let near = others.into_iter().flatten().filter_map(|i| lengths.get(i)).copied();
    near.min_by_key(|&length| (length.abs_diff(own), length)).unwrap_or(own)
}

fn bleu(matches: &[usize; ORDERS], length: usize, reference: usize) -> f64 {
    if matches[0] == 0 {
        return 0.0;
    }
    let precision = |(n, &matches): (usize, &usize)| {
        let matches = if matches == 0 { EPSILON } else { matches as f64 };
        (matches / length.saturating_sub(n).max(1) as f64).ln()
    };
    let mean = matches.iter().enumerate().map(precision).sum::<f64>() / ORDERS as f64;
    let brevity = if length > reference { 0.0 } else { 1.0 - reference as f64 / length as f64 };
    (mean + brevity).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Words, plain};

    fn value(texts: &[&str]) -> f64 {
        let docs: Vec<_> = texts.iter().copied().map(plain).collect();
        let words = Words::of(&docs);
        self_bleu(&words.grams, &(0..docs.len()).collect::<Vec<_>>())
    }

    #[test]
    fn the_same_and_the_unlike() {
        assert!((value(&["a b c d e", "a b c d e"]) - 1.0).abs() < 1e-15);
        assert_eq!(value(&["a b c d", "e f g h"]), 0.0);
        assert!(value(&["a b c d"]).is_nan());
    }

    #[test]
    fn a_toy_text_by_hand() {
        // a b c d e against a b c x: 3/5, 2/4, 1/3, 0.1/2, as long; a b c x against a b c d e: 3/4, 2/3, 1/2, 0.1/1 and
        // exp(1 - 5/4).
        let longer = (0.6 * 0.5 / 3.0 * 0.05_f64).powf(0.25);
        let shorter = (0.75 * 2.0 / 3.0 * 0.5 * 0.1_f64).powf(0.25) * (-0.25_f64).exp();
        assert!((value(&["a b c d e", "a b c x"]) - (longer + shorter) / 2.0).abs() < 1e-15);
        // Counts are clipped by the others' highest: a a a is not three times in a a.
        let mut top = Top::default();
        [2, 3, 1].into_iter().enumerate().for_each(|(document, count)| top.see(document, count));
        assert_eq!([0, 1, 2].map(|document| top.elsewhere(document)), [3, 2, 3]);
    }

    #[test]
    fn the_nearest_length_is_another_documents() {
        let lengths = [3, 5, 5, 9, 11];
        assert_eq!([3, 5, 9, 11].map(|own| closest(&lengths, own)), [5, 5, 11, 9]);
        assert_eq!(closest(&[2, 4, 6], 4), 2);
    }
}
