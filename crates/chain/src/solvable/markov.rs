//! A language whose probabilities are known: a Markov chain over symbols.
//!
//! Each symbol has its own order of what follows it, by Zipf's law, and each ends the text with the same chance, so
//! lengths are geometric. A document is never empty.

use streams::{Purpose, Stream, Streams};

use crate::laws::zipf;
use crate::learners::Categories;

/// The streams that the language itself is drawn from are no chain's: no chain has a generation of this number.
const NO_GENERATION: u32 = u32::MAX;

/// The language.
#[derive(Clone, Debug)]
pub(super) struct Markov {
    /// By the symbol before, the start of a text being the last row: the probability of each symbol.
    rows: Vec<Vec<f64>>,
    /// The chance that a text goes on after a symbol.
    goes_on: f64,
}

impl Markov {
    /// The language of so many symbols, the r-th likeliest followers having frequencies that go as r^-`exponent`, in texts
    /// of this mean length.
    pub(super) fn new(symbols: usize, exponent: f64, length: f64) -> Self {
        let zipf = zipf(exponent, 0.0, symbols);
        let streams = Streams::new(0);
        let row = |before: usize| {
            let order = streams.stream(Purpose::Learner, NO_GENERATION, before as u64).permutation(symbols);
            order.into_iter().map(|rank| zipf[rank]).collect()
        };
        Self { rows: (0..=symbols).map(row).collect(), goes_on: 1.0 - 1.0 / length }
    }

    /// Independent documents.
    pub(super) fn documents(&self, count: usize, stream: &mut Stream) -> Vec<Vec<u32>> {
        (0..count).map(|_| self.document(stream)).collect()
    }

    fn document(&self, stream: &mut Stream) -> Vec<u32> {
        let mut document = Vec::new();
        let mut before = self.rows.len() - 1;
        loop {
            before = Categories::draw(&self.rows[before], 1, stream)[0];
            document.push(before as u32);
            if stream.uniform() >= self.goes_on {
                return document;
            }
        }
    }

    /// ln P of a document with its end, in nats.
    pub(super) fn log_probability(&self, document: &[u32]) -> f64 {
        let mut before = self.rows.len() - 1;
        let mut sum = (document.len() as f64 - 1.0) * self.goes_on.ln() + (-self.goes_on).ln_1p();
        // A language of single symbols never goes on; zero times minus infinity is no number.
        if document.len() == 1 {
            sum = (-self.goes_on).ln_1p();
        }
        for &symbol in document {
            sum += self.rows[before][symbol as usize].ln();
            before = symbol as usize;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn documents_have_their_probabilities() {
        let language = Markov::new(3, 1.0, 2.0);
        let mut stream = Streams::new(1).stream(Purpose::Learner, 0, 0);
        let n = 40_000;
        let mut counts = BTreeMap::<Vec<u32>, f64>::new();
        language.documents(n, &mut stream).into_iter().for_each(|text| *counts.entry(text).or_insert(0.0) += 1.0);
        // One and two symbols: half and a quarter of all texts.
        let short: Vec<_> = counts.iter().filter(|(text, _)| text.len() <= 2).collect();
        assert_eq!(short.len(), 3 + 9);
        let mut mass = 0.0;
        for (text, count) in short {
            let p = language.log_probability(text).exp();
            let error = (n as f64 * p * (1.0 - p)).sqrt();
            assert!((count - n as f64 * p).abs() < 4.0 * error, "{text:?}: {count}, {p}");
            mass += p;
        }
        assert!((mass - 0.75).abs() < 1e-12);
        assert!(Markov::new(2, 0.0, 1.0).log_probability(&[1]) == 0.5f64.ln());
    }
}
