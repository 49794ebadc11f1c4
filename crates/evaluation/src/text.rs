//! Text as the metrics see it.
//!
//! *Definition.* A word is a longest run of characters that are not white space (Unicode's `White_Space`), as it
//! stands: case is kept, and so is punctuation that touches it. A type is a word counted once.
//!
//! *Trap.* Other definitions give other vocabularies ("the" and "The," are two types here). What is compared must have
//! been cut into words by the same rule; a published count seldom was.

use std::collections::HashMap;
use std::ops::Range;

use crate::hash::{NumberMap, pair};

/// One document to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Doc<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its tokens, without separator.
    pub ids: &'a [u32],
    /// True if it stops before its end.
    pub truncated: bool,
    /// True if the ids that were sampled are others than those that its text is encoded to.
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

/// Documents cut into words.
pub(crate) struct Words<'a> {
    /// The types; a type's position is its number as a 1-gram.
    pub(crate) types: Vec<&'a str>,
    /// Their n-grams.
    pub(crate) grams: Grams,
}

/// The n-grams that end at each word, for n up to [`ORDERS`]. An n-gram lies within a document and is known by a number;
/// the numbers of an order are given out in the order of first occurrence.
#[derive(Debug)]
pub(crate) struct Grams {
    /// `grams[n - 1][i]` is the n-gram that ends at word i, or [`NONE`].
    grams: [Vec<u32>; ORDERS],
    /// Of each n-gram, for n from 2: the (n-1)-gram and the word that it consists of.
    parts: [Vec<(u32, u32)>; ORDERS - 1],
    types: usize,
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
        let mut parts = [const { Vec::new() }; ORDERS - 1];
        for order in 1..ORDERS {
            (grams[order], parts[order - 1]) = longer(&grams[order - 1], &grams[0], &documents);
        }
        let grams = Grams { grams, parts, types: types.len(), documents };
        Self { types, grams }
    }

    /// An n-gram as text.
    pub(crate) fn spelled(&self, order: usize, kind: u32) -> String {
        if order == 1 {
            return self.types[kind as usize].to_owned();
        }
        let (shorter, word) = self.grams.parts[order - 2][kind as usize];
        format!("{} {}", self.spelled(order - 1, shorter), self.types[word as usize])
    }
}

impl Grams {
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
        if order == 1 { self.types } else { self.parts[order - 2].len() }
    }

    /// The n-grams of `order` that end in `range`, a document or its beginning.
    pub(crate) fn grams(&self, order: usize, range: &Range<usize>) -> &[u32] {
        let start = (range.start + order - 1).min(range.end);
        &self.grams[order - 1][start..range.end]
    }
}

/// An n-gram is the (n-1)-gram that ends one word earlier, and a word.
fn longer(shorter: &[u32], unigrams: &[u32], documents: &[Range<usize>]) -> (Vec<u32>, Vec<(u32, u32)>) {
    let (mut numbers, mut parts) = (NumberMap::<u64, u32>::default(), Vec::new());
    let mut grams = vec![NONE; unigrams.len()];
    for i in documents.iter().flat_map(|range| range.clone().skip(1)) {
        let (first, word) = (shorter[i - 1], unigrams[i]);
        if first != NONE {
            grams[i] = *numbers.entry(pair(first, word)).or_insert_with(|| {
                parts.push((first, word));
                parts.len() as u32 - 1
            });
        }
    }
    (grams, parts)
}

/// The n-grams of one text, so that those of another can be found among them.
#[derive(Debug)]
pub(crate) struct Known {
    words: HashMap<Box<str>, u32>,
    longer: [NumberMap<u64, u32>; ORDERS - 1],
}

/// For each n-gram of a text, by order: its number in another text, if it is there.
#[derive(Debug)]
pub(crate) struct Links([Vec<u32>; ORDERS]);

impl Known {
    pub(crate) fn of(words: &Words<'_>) -> Self {
        let numbered = |parts: &Vec<(u32, u32)>| parts.iter().map(|&(a, b)| pair(a, b)).zip(0..).collect();
        Self {
            words: words.types.iter().map(|&word| Box::from(word)).zip(0..).collect(),
            longer: words.grams.parts.each_ref().map(numbered),
        }
    }

    pub(crate) fn links(&self, words: &Words<'_>) -> Links {
        self.links_of(&words.types, &words.grams)
    }

    /// Of n-grams that were parted from their types.
    pub(crate) fn links_of(&self, types: &[&str], grams: &Grams) -> Links {
        let find = |word: &&str| self.words.get(*word).copied().unwrap_or(NONE);
        let mut links = [types.iter().map(find).collect(), Vec::new(), Vec::new(), Vec::new()];
        for order in 1..ORDERS {
            let find = |&(shorter, word): &(u32, u32)| {
                let (shorter, word) = (links[order - 1][shorter as usize], links[0][word as usize]);
                // What holds an unknown word is unknown: no pair has NONE in it.
                self.longer[order - 1].get(&pair(shorter, word)).copied().unwrap_or(NONE)
            };
            links[order] = grams.parts[order - 1].iter().map(find).collect();
        }
        Links(links)
    }
}

impl Links {
    pub(crate) fn get(&self, order: usize, kind: u32) -> Option<u32> {
        Some(self.0[order - 1][kind as usize]).filter(|&number| number != NONE)
    }
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
        let Words { types, grams } = Words::of(&docs);
        assert_eq!((types.as_slice(), grams.len()), (["a", "b"].as_slice(), 8));
        let orders =
            |n: usize| -> Vec<&[u32]> { grams.documents().iter().map(|range| grams.grams(n, range)).collect() };
        // ab = 0, ba = 1; aba = 0, bab = 1; abab = 0.
        assert_eq!(orders(2), [&[0, 1, 0][..], &[], &[], &[1, 0]]);
        assert_eq!(orders(3), [&[0, 1][..], &[], &[], &[1]]);
        assert_eq!(orders(4), [&[0][..], &[], &[], &[]]);
        assert_eq!([2, 2, 2, 1], [1, 2, 3, 4].map(|n| grams.kinds(n)));
    }

    #[test]
    fn n_grams_are_found_in_another_text() {
        let (docs, others) = (["a b a b"].map(plain), ["x b a", "a b c", "b a b"].map(plain));
        let (words, others) = (Words::of(&docs), Words::of(&others));
        let links = Known::of(&words).links(&others);
        for order in 1..=ORDERS {
            for kind in 0..others.grams.kinds(order) as u32 {
                let text = others.spelled(order, kind);
                let there = (0..words.grams.kinds(order) as u32).find(|&k| words.spelled(order, k) == text);
                assert_eq!(links.get(order, kind), there, "{text}");
            }
        }
        assert_eq!(links.get(3, 2), Some(1));
    }
}
