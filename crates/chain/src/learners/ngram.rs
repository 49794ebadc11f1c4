//! The n-gram learner: it knows no grammar and learns texts from their pieces, a symbol being a word, a sign or a byte.
//!
//! The model is interpolated Kneser-Ney with one discount (Kneser and Ney 1995; Chen and Goodman 1999). With c(h w) for how
//! often w follows h, and h' for h without its first symbol,
//!
//! P(w | h) = [max(c(h w) - d, 0) + d · #{v : c(h v) > 0} · P(w | h')] / c(h).
//!
//! Below the highest order, c counts in how many contexts an n-gram occurs and not how often; an n-gram that begins a
//! document has no context before it and keeps its own count. Without any context nothing is held back: a symbol that is
//! in no training document is never written. So the model is its counts, and writing is drawing from it:
//!
//! - With discount 0 it is maximum likelihood. Every n-gram that it writes is one that it has read, and the expected number
//!   of each in a document is its mean over the training documents: per type, a chain without drift, as the categorical
//!   learner's is.
//! - With a discount it takes from every n-gram that it has seen, from rare ones most, and gives to what it has not seen.
//!
//! Counts are of whole documents, and the discount is for those: a recipe that weighs its sources is refused.
//!
//! A [`Sampling`] acts on the exact distribution over what can come next, the end of the document among it. The trap: it
//! can cut off the end for ever (the greedy writer of a text that repeats itself). So a document written with one is
//! truncated where it is four times as long as the longest human one, and then has no end to be learned from.

mod baseline;
mod counts;
mod model;

use std::collections::BTreeMap;

use sampling::Sampling;
use streams::{Purpose, Stream, Streams};

pub use self::baseline::NGramBaseline;
use self::counts::END;
pub use self::model::NGramModel;
use super::FitError;
use super::independent::Store;
use crate::{Entry, Generation, Learner, TrainingSet};

/// See above: far beyond any length that a working model writes, and soon reached by one that cannot end.
const LONGEST: usize = 4;

/// Interpolated Kneser-Ney over documents of symbols. A document's size is 1, whatever its length.
#[derive(Clone, Debug)]
pub struct NGram {
    order: usize,
    discount: f64,
    sampling: Sampling,
    /// Documents of so many symbols are truncated.
    limit: usize,
    streams: Streams,
    store: Store<Vec<u32>>,
}

impl NGram {
    /// A learner of n-grams up to `order` symbols, and an entry for each human document.
    ///
    /// # Panics
    /// If the order is 0, the discount is not in [0, 1), or a symbol is one of the two highest.
    pub fn new(order: usize, discount: f64, human: Vec<Vec<u32>>, streams: Streams) -> (Self, Vec<Entry>) {
        assert!(order > 0 && (0.0..1.0).contains(&discount), "order {order}, discount {discount}");
        assert!(human.iter().flatten().all(|&symbol| symbol < END), "the two highest symbols stand for borders");
        let limit = LONGEST * human.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let (store, entries) = Store::new(human);
        (Self { order, discount, sampling: Sampling::default(), limit, streams, store }, entries)
    }

    /// The same learner, which writes with these settings (checked by [`Sampling::check`]).
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// Without a sampler nothing is truncated, however long it is.
    fn limit(&self) -> usize {
        if self.sampling.is_plain() { usize::MAX } else { self.limit }
    }

    /// A human document, or one that was written.
    ///
    /// # Panics
    /// If there is none.
    pub fn document(&self, generation: Option<u32>, index: usize) -> &[u32] {
        self.store.get(generation, index)
    }
}

impl Learner for NGram {
    type State = ();
    type Model = NGramModel;
    type Error = FitError;

    fn train(&mut self, _: &mut Generation<()>, set: &TrainingSet) -> Result<NGramModel, FitError> {
        if set.is_weighted() {
            return Err(FitError::Weighted { family: "n-gram model" });
        }
        let documents = self.store.picked(set).map(|(document, _)| document.as_slice());
        Ok(NGramModel::fit(self.order, self.discount, documents, self.limit()))
    }

    fn generate(
        &mut self,
        generation: &mut Generation<()>,
        model: &NGramModel,
        budget: u64,
    ) -> Result<Vec<Entry>, FitError> {
        let mut writer = NGramWriter::new(model, self.sampling, self.limit());
        let mut write = |index| writer.write(&mut self.streams.stream(Purpose::Learner, generation.number, index));
        let documents = (0..budget).map(&mut write).collect();
        Ok(self.store.push(generation.number, documents))
    }
}

/// A model that writes: from its own distributions, or from what a [`Sampling`] makes of them.
pub struct NGramWriter<'a> {
    model: &'a NGramModel,
    limit: usize,
    /// None where the model draws as it is.
    changed: Option<Changed<'a>>,
}

impl<'a> NGramWriter<'a> {
    /// A writer of documents of at most `limit` symbols; one that has so many is truncated.
    pub fn new(model: &'a NGramModel, sampling: Sampling, limit: usize) -> Self {
        let changed = (!sampling.is_plain()).then(|| Changed::new(model, sampling, limit));
        Self { model, limit, changed }
    }

    /// The document of these draws.
    pub fn write(&mut self, stream: &mut Stream) -> Vec<u32> {
        match &mut self.changed {
            None => self.model.write(self.limit, stream),
            Some(changed) => changed.write(stream),
        }
    }
}

/// How many probabilities [`Changed`] keeps at most: a limit on memory (16 bytes each) and on nothing else.
const KEPT: usize = 1 << 23;

/// A model that writes from changed distributions.
struct Changed<'a> {
    model: &'a NGramModel,
    sampling: Sampling,
    limit: usize,
    /// By context: the symbols that can still follow it, in rising order, with their cumulative probabilities.
    known: BTreeMap<Vec<u32>, Vec<(u32, f64)>>,
    kept: usize,
}

impl<'a> Changed<'a> {
    fn new(model: &'a NGramModel, sampling: Sampling, limit: usize) -> Self {
        Self { model, sampling, limit, known: BTreeMap::new(), kept: 0 }
    }

    fn write(&mut self, stream: &mut Stream) -> Vec<u32> {
        let (model, limit) = (self.model, self.limit);
        model.write_by(limit, |context| {
            if let Some(known) = self.known.get(context) {
                return draw_at(known, stream.uniform());
            }
            let edges = self.edges(context);
            let symbol = draw_at(&edges, stream.uniform());
            if self.kept + edges.len() <= KEPT {
                self.kept += edges.len();
                self.known.insert(context.to_vec(), edges);
            }
            symbol
        })
    }

    fn edges(&self, context: &[u32]) -> Vec<(u32, f64)> {
        let mut probabilities = self.model.distribution(context);
        self.sampling.apply(&mut probabilities);
        let mut sum = 0.0;
        let mut edge = |(&symbol, p): (&u32, f64)| {
            sum += p;
            (p > 0.0).then_some((symbol, sum))
        };
        self.model.symbols().iter().zip(probabilities).filter_map(&mut edge).collect()
    }
}

/// The symbol at `u`; the last one, where rounding leaves the last edge below it.
fn draw_at(edges: &[(u32, f64)], u: f64) -> u32 {
    edges[edges.partition_point(|&(_, edge)| edge <= u).min(edges.len() - 1)].0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sampler_acts_on_what_can_come_next() {
        // After 1: 11 has (.5 + .5)/3 = 1/3, 12 (1.5 + .25)/3 = 7/12, the end 1/12. At temperature 1/2: 16 : 49 : 1.
        let documents: [&[u32]; 2] = [&[1, 1, 2], &[1, 2]];
        let model = NGramModel::fit(2, 0.5, documents.into_iter(), 99);
        let after_one = |sampling: Sampling| Changed::new(&model, sampling, 99).edges(&[1]);
        let near = |found: Vec<(u32, f64)>, exact: &[(u32, f64)]| {
            assert_eq!(found.len(), exact.len());
            for (found, exact) in found.into_iter().zip(exact) {
                assert!(found.0 == exact.0 && (found.1 - exact.1).abs() < 1e-14, "{found:?} for {exact:?}");
            }
        };
        let plain = Sampling::default();
        near(after_one(Sampling { temperature: 0.5, ..plain }), &[(1, 16.0 / 66.0), (2, 65.0 / 66.0), (END, 1.0)]);
        near(after_one(Sampling { top_p: Some(0.9), ..plain }), &[(1, 4.0 / 11.0), (2, 1.0)]);
        // The greedy writer always writes the same: ^ 1 2 $.
        let mut greedy = Changed::new(&model, Sampling { greedy: true, ..plain }, 99);
        assert!((0..9).all(|item| greedy.write(&mut Streams::new(3).stream(Purpose::Learner, 0, item)) == [1, 2]));
    }

    #[test]
    fn a_text_without_end_is_truncated_and_teaches_no_end() {
        // After 1 comes 1, five times of six: the greedy writer never ends, and its reader knows no end.
        let documents: [&[u32]; 1] = [&[1; 6]];
        let model = NGramModel::fit(2, 0.0, documents.into_iter(), 24);
        let greedy = Sampling { greedy: true, ..Sampling::default() };
        let mut stream = Streams::new(0).stream(Purpose::Learner, 0, 0);
        let text = Changed::new(&model, greedy, 24).write(&mut stream);
        assert_eq!(text, [1; 24]);
        let next = NGramModel::fit(2, 0.0, [text.as_slice()].into_iter(), 24);
        assert_eq!((next.symbols(), next.ngrams(2)), ([1].as_slice(), 2), "^1 and 11");
        assert_eq!(Changed::new(&next, greedy, 24).write(&mut stream), [1; 24]);
    }
}
