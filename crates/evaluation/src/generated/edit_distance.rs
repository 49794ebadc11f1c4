//! Edit distance between documents.
//!
//! *Definition.* `edit-distance`: words that have to be inserted, deleted or replaced to make one document of another
//! (Levenshtein 1966), over the length of the longer one; the mean over 1,000 random pairs, each document's first 64
//! words.
//!
//! *Trap.* Any two texts of a language are far apart (0.9 and more in words), so small changes count; two documents with
//! the same sentences in another order are far apart too. Distances in characters are smaller and compare spelling.

use super::entry::{SAMENESS, compared, plain};
use crate::Dimension::{Member, Reference};
use crate::Dimensions;
use crate::draws::Draw;
use crate::hash::NumberMap;
use crate::measure::Measures;
use crate::metric::{Damage, Metric};
use crate::subject::Subject;
use crate::text::Grams;
use std::ops::Range;
use streams::Stream;

pub static EDIT_DISTANCE: Metric =
    compared("edit-distance", "Edit distance", "share of the words", &[Member, Reference])
        .worse(Damage::Less)
        .drawn(&SAMENESS, &[plain("Edit distance (higher: less alike)")]);

const PAIRS: usize = 1000;
/// Words of a document that count: the bits of a machine word.
const WORDS: usize = 64;

/// `edit-distance`.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let mut pairs = Draw::Pairs.stream(text.streams(), 0);
    measures.number(&EDIT_DISTANCE, Dimensions::NONE, mean(text.grams(), &mut pairs));
}

/// The mean over random pairs; no number for fewer than two documents.
fn mean(grams: &Grams, stream: &mut Stream) -> f64 {
    let documents = grams.documents();
    if documents.len() < 2 {
        return f64::NAN;
    }
    let start = |document: &Range<usize>| grams.grams(1, &(document.start..document.end.min(document.start + WORDS)));
    let mut sum = 0.0;
    for _ in 0..PAIRS {
        let first = stream.below(documents.len() as u64) as usize;
        let second = stream.below(documents.len() as u64 - 1) as usize;
        let second = second + usize::from(second >= first);
        sum += normalised(start(&documents[first]), start(&documents[second]));
    }
    sum / PAIRS as f64
}

/// Distance over the longer length; two empty documents are the same.
fn normalised(a: &[u32], b: &[u32]) -> f64 {
    distance(a, b) as f64 / a.len().max(b.len()).max(1) as f64
}

/// Myers' bit-parallel algorithm (1999) as Hyyrö (2003) has it for the whole distance: a column of the table of
/// distances is two machine words, for where it rises and where it falls from one row to the next.
fn distance(a: &[u32], b: &[u32]) -> usize {
    assert!(a.len() <= WORDS, "a document's beginning fits a machine word");
    if a.is_empty() {
        return b.len();
    }
    let mut places = NumberMap::<u32, u64>::default();
    a.iter().enumerate().for_each(|(i, &word)| *places.entry(word).or_default() |= 1 << i);
    let (mut rises, mut falls, mut distance) = (!0u64, 0u64, a.len());
    let last = 1u64 << (a.len() - 1);
    for word in b {
        let equal = places.get(word).copied().unwrap_or(0);
        let diagonal = (((equal & rises).wrapping_add(rises)) ^ rises) | equal | falls;
        let (up, down) = (falls | !(diagonal | rises), rises & diagonal);
        distance += usize::from(up & last != 0);
        distance -= usize::from(down & last != 0);
        let up = (up << 1) | 1;
        rises = (down << 1) | !(diagonal | up);
        falls = diagonal & up;
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Words, plain};
    use proptest::prelude::*;
    use streams::{Purpose, Streams};

    /// The textbook's table.
    fn table(a: &[u32], b: &[u32]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let replaced = diagonal + usize::from(x != y);
                diagonal = row[j + 1];
                row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
            }
        }
        row[b.len()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn bits_say_what_the_table_says(a in prop::collection::vec(0..5u32, 0..=64), b in prop::collection::vec(0..5u32, 0..=64)) {
            prop_assert_eq!(distance(&a, &b), table(&a, &b));
        }
    }

    #[test]
    fn pairs_are_of_different_documents() {
        let docs = ["a b", "a c d e"].map(plain);
        let words = Words::of(&docs);
        let mut stream = Streams::new(0).stream(Purpose::Evaluation, 0, 0);
        assert_eq!(mean(&words.grams, &mut stream), 0.75);
    }
}
