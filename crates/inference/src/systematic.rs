//! Documents as one systematic sample of what a model may write.
//!
//! Independent documents miss what is rare by chance: of N documents, each with the chance p of beginning in some way,
//! as many do as a binomial says, N p ± √(N p (1 - p)), and in a chain these errors are learnt, written and learnt
//! again. A systematic sample (Madow and Madow 1944) lays the documents at even distances over the model's distribution
//! instead. Each document has one place x in [0, 1), all that a document may be is laid out over [0, 1) in the order of
//! the vocabulary, and the document is the one at its place: its first token is the one whose interval x falls into,
//! and where x lies in that interval, stretched to [0, 1), decides the second. That is decoding an arithmetic code
//! (*arithmetic sampling*: Vilnis et al. 2023, arXiv 2210.15458, who want diverse answers to one question; as a defence
//! in a chain it is ours). Then of every beginning, one token or many, the corpus holds about N p: never more than the
//! logarithm of N off, mostly less than one.
//!
//! The n-th document's place is x₀ + n φ modulo 1 with φ the golden ratio, which lies evenly for every N, so that nobody needs
//! to know how many documents there will be; x₀ is a uniform draw of the corpus, so that each document alone is a draw from
//! the model, as ever. A place tells so many documents apart by its leading bits; what comes after them
//! is drawn from the document's own stream.

use crate::Decoding;
use crate::sample::Within;
use streams::{Purpose, Stream, item_of_name};

/// The golden ratio's fraction, (√5 - 1) / 2, in units of 2⁻⁶⁴.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The share of all possible documents below which places tell nothing more: 2⁻²⁴, fewer than any corpus has documents.
/// A place has 53 bits, so that at least 29 are left to choose the last token by.
const SMALLEST: f64 = 1.0 / (1 << 24) as f64;

/// The uniform numbers that a document's tokens are drawn with, one a position.
pub(crate) struct Draws {
    own: Stream,
    /// Its place in the sample, stretched to the tokens so far, and the share of all documents that begin with these.
    place: Option<Within>,
}

impl Draws {
    /// Of a document of this number.
    pub(crate) fn of(decoding: &Decoding<'_>, number: u64) -> Self {
        let stream = |item| decoding.streams.stream(Purpose::Decoding, decoding.generation, item);
        let place = decoding.sampling.systematic.then(|| {
            let first = stream(item_of_name("systematic")).bits();
            let place = first.wrapping_add(number.wrapping_mul(GOLDEN));
            Within { place: (place >> 11) as f64 / (1_u64 << 53) as f64, share: 1.0 }
        });
        Self { own: stream(number), place }
    }

    /// The number for the next position, which takes a draw of the document's own stream in any case.
    pub(crate) fn next(&mut self) -> f64 {
        let own = self.own.uniform();
        self.place.map_or(own, |place| place.place)
    }

    /// A token was chosen, with the number lying there in its interval.
    pub(crate) fn passed(&mut self, within: Option<Within>) {
        self.place = self.place.zip(within).and_then(|(place, within)| {
            let share = place.share * within.share;
            (share > SMALLEST).then_some(Within { place: within.place, share })
        });
    }
}

#[cfg(test)]
mod tests;
