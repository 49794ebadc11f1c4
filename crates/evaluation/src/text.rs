//! Text as the metrics see it.
//!
//! *Definition.* A word is a longest run of characters that are not white space (Unicode's `White_Space`), as it
//! stands: case is kept, and so is punctuation that touches it. A type is a word counted once.
//!
//! *Trap.* Other definitions give other vocabularies ("the" and "The," are two types here). What is compared must have
//! been cut into words by the same rule; a published count seldom was.

use std::collections::HashMap;
use std::ops::Range;

/// One document to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Doc<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its tokens, without separator.
    pub ids: &'a [u32],
    /// Whether it stops before its end.
    pub truncated: bool,
    /// Whether the ids that were sampled are others than those that its text is encoded to.
    pub reencoded_differs: bool,
}

/// The words of a text.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// The longest n-gram that is counted.
pub(crate) const ORDERS: usize = 4;

/// In place of an n-gram that would begin before its document does.
const NONE: u32 = u32::MAX;

/// Documents cut into words, with the n-grams that end at each word, for n up to [`ORDERS`]. An n-gram lies within a
/// document and is known by a number; the numbers of an order are given out in the order of first occurrence.
pub(crate) struct Words<'a> {
    /// The types; a type's position is its number as a 1-gram.
    pub(crate) types: Vec<&'a str>,
    /// `grams[n - 1][i]` is the n-gram that ends at word i, or [`NONE`].
    grams: [Vec<u32>; ORDERS],
    /// How many n-grams of each order there are.
    kinds: [usize; ORDERS],
    /// The documents' words.
    documents: Vec<Range<usize>>,
}

impl<'a> Words<'a> {
    pub(crate) fn of(docs: &[Doc<'a>]) -> Self {
        let (mut numbers, mut types) = (HashMap::new(), Vec::new());
        let (mut unigrams, mut documents) = (Vec::new(), Vec::new());
        for doc in docs {
            let start = unigrams.len();
            unigrams.extend(words(doc.text).map(|word| {
                *numbers.entry(word).or_insert_with(|| {
                    types.push(word);
                    types.len() as u32 - 1
                })
            }));
            documents.push(start..unigrams.len());
        }
        let mut grams = [unigrams, Vec::new(), Vec::new(), Vec::new()];
        let mut kinds = [types.len(), 0, 0, 0];
        for order in 1..ORDERS {
            (grams[order], kinds[order]) = longer(&grams[order - 1], &grams[0], &documents);
        }
        Self { types, grams, kinds, documents }
    }

    /// Number of words.
    pub(crate) fn len(&self) -> usize {
        self.grams[0].len()
    }

    /// Each document's words.
    pub(crate) fn documents(&self) -> &[Range<usize>] {
        &self.documents
    }

    /// How many n-grams of `order` there are.
    pub(crate) fn kinds(&self, order: usize) -> usize {
        self.kinds[order - 1]
    }

    /// The n-grams of `order` that end in `range`, a document or its beginning.
    pub(crate) fn grams(&self, order: usize, range: &Range<usize>) -> &[u32] {
        let start = (range.start + order - 1).min(range.end);
        &self.grams[order - 1][start..range.end]
    }
}

/// An n-gram is the (n-1)-gram that ends one word earlier, and a word.
fn longer(shorter: &[u32], unigrams: &[u32], documents: &[Range<usize>]) -> (Vec<u32>, usize) {
    let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
    let mut grams = vec![NONE; unigrams.len()];
    for i in documents.iter().flat_map(|range| range.clone().skip(1)) {
        if shorter[i - 1] != NONE {
            let next = numbers.len() as u32;
            grams[i] = *numbers.entry((shorter[i - 1], unigrams[i])).or_insert(next);
        }
    }
    (grams, numbers.len())
}

#[cfg(test)]
pub(crate) fn plain(text: &str) -> Doc<'_> {
    Doc { text, ids: &[], truncated: false, reencoded_differs: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_white_space_leaves() {
        let text = " The the,\n\u{a0}the\u{2003}\u{1b}[31m\u{200b}<b> ";
        assert_eq!(words(text).collect::<Vec<_>>(), ["The", "the,", "the", "\u{1b}[31m\u{200b}<b>"]);
    }

    #[test]
    fn n_grams_stay_within_their_document() {
        let docs = ["a b a b", "", "a", "b a b"].map(plain);
        let words = Words::of(&docs);
        assert_eq!((words.types.as_slice(), words.len()), (["a", "b"].as_slice(), 8));
        let orders =
            |n: usize| -> Vec<&[u32]> { words.documents().iter().map(|range| words.grams(n, range)).collect() };
        // ab = 0, ba = 1; aba = 0, bab = 1; abab = 0.
        assert_eq!(orders(2), [&[0, 1, 0][..], &[], &[], &[1, 0]]);
        assert_eq!(orders(3), [&[0, 1][..], &[], &[], &[1]]);
        assert_eq!(orders(4), [&[0][..], &[], &[], &[]]);
        assert_eq!([2, 2, 2, 1], [1, 2, 3, 4].map(|n| words.kinds(n)));
    }
}
