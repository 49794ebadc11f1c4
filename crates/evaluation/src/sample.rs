//! Counts of a sample: whole documents in a given order, as far as a number of words reaches; the last one is cut.

use std::ops::Range;

use crate::text::{Grams, ORDERS};

/// Counts the n-grams of samples; its tables are kept from sample to sample.
pub(crate) struct Sample<'a> {
    grams: &'a Grams,
    documents: Vec<Range<usize>>,
    orders: Vec<Counts>,
}

/// The n-grams of one order in a sample.
#[derive(Default)]
pub(crate) struct Counts {
    entries: Vec<Entry>,
    kinds: Vec<u32>,
    total: usize,
    incidences: usize,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    count: u32,
    documents: u32,
    /// The last document that it was in, counted from 1.
    last: u32,
}

impl<'a> Sample<'a> {
    /// An empty sample of this text.
    pub(crate) fn new(grams: &'a Grams) -> Self {
        Self::up_to(ORDERS, grams)
    }

    /// One that leaves n-grams of higher orders uncounted.
    pub(crate) fn up_to(most: usize, grams: &'a Grams) -> Self {
        let table = |order| Counts { entries: vec![Entry::default(); grams.kinds(order)], ..Counts::default() };
        Self { grams, documents: Vec::new(), orders: (1..=most).map(table).collect() }
    }

    /// Counts the documents of this order until there are `size` words, in place of what was counted before. Whether
    /// there are so many, and any.
    pub(crate) fn take(&mut self, order: &[usize], size: usize) -> bool {
        self.documents.clear();
        self.orders.iter_mut().for_each(Counts::clear);
        let mut left = size;
        for &document in order {
            if left == 0 {
                break;
            }
            let range = self.grams.documents()[document].clone();
            let range = range.start..range.end.min(range.start + left);
            left -= range.len();
            self.documents.push(range.clone());
            for (order, counts) in (1..).zip(&mut self.orders) {
                counts.add(self.grams.grams(order, &range), self.documents.len() as u32);
            }
        }
        size > 0 && left == 0
    }

    /// Of all the text.
    pub(crate) fn everything(grams: &'a Grams) -> Self {
        let mut sample = Self::new(grams);
        sample.take(&(0..grams.documents().len()).collect::<Vec<_>>(), grams.len());
        sample
    }

    pub(crate) fn grams(&self) -> &'a Grams {
        self.grams
    }

    /// The sample's documents, as ranges of words.
    pub(crate) fn documents(&self) -> &[Range<usize>] {
        &self.documents
    }

    /// Number of words.
    pub(crate) fn words(&self) -> usize {
        self.orders[0].total
    }

    /// The n-grams of an order.
    pub(crate) fn order(&self, order: usize) -> &Counts {
        &self.orders[order - 1]
    }
}

impl Counts {
    fn clear(&mut self) {
        for &kind in &self.kinds {
            self.entries[kind as usize] = Entry::default();
        }
        self.kinds.clear();
        (self.total, self.incidences) = (0, 0);
    }

    fn add(&mut self, grams: &[u32], document: u32) {
        self.total += grams.len();
        for &gram in grams {
            let entry = &mut self.entries[gram as usize];
            if entry.count == 0 {
                self.kinds.push(gram);
            }
            entry.count += 1;
            if entry.last != document {
                entry.last = document;
                entry.documents += 1;
                self.incidences += 1;
            }
        }
    }

    /// The different n-grams, in the order of first occurrence.
    pub(crate) fn kinds(&self) -> &[u32] {
        &self.kinds
    }

    /// How often an n-gram occurs.
    pub(crate) fn count(&self, kind: u32) -> u32 {
        self.entries[kind as usize].count
    }

    /// In how many documents it occurs.
    pub(crate) fn documents(&self, kind: u32) -> u32 {
        self.entries[kind as usize].documents
    }

    /// The counts of the different n-grams.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u32> {
        self.kinds.iter().map(|&kind| self.count(kind))
    }

    /// Number of n-grams.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Sum over documents of their different n-grams.
    pub(crate) fn incidences(&self) -> usize {
        self.incidences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Words, plain};

    #[test]
    fn samples_are_counted_anew() {
        let docs = ["a b a", "b c", "c c c"].map(plain);
        let words = Words::of(&docs);
        let mut sample = Sample::new(&words.grams);
        assert!(sample.take(&[2, 1, 0], 8));
        assert!(sample.take(&[1, 0, 2], 4));
        // b c, a b
        let unigrams = sample.order(1);
        assert_eq!((sample.documents().len(), sample.words()), (2, 4));
        assert_eq!([0, 1, 2].map(|kind| (unigrams.count(kind), unigrams.documents(kind))), [(1, 1), (2, 2), (1, 1)]);
        assert_eq!((unigrams.total(), unigrams.incidences(), unigrams.kinds().len()), (4, 4, 3));
        assert_eq!((sample.order(2).total(), sample.order(3).total()), (2, 0));
        assert!(!sample.take(&[0, 1, 2], 9) && !sample.take(&[0], 0));
    }
}
