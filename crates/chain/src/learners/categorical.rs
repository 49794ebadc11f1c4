//! The categorical learner: relative frequencies over K types, a document being one draw.
//!
//! It is the Wright-Fisher model of population genetics, and the unigram model of language: what it loses, it loses to
//! sampling alone, for maximum likelihood on counts makes no other error.

use std::convert::Infallible;

use streams::{Purpose, Stream, Streams};

use crate::{Entry, Learner, TrainingSet};

/// Item of the [`Purpose::Learner`] stream that human draws come from; written draws use the item 0 of their
/// generation.
const HUMAN: u64 = 1;

/// Maximum likelihood over K types. Its model is the vector of K relative frequencies.
#[derive(Clone, Debug)]
pub struct Categorical {
    kinds: usize,
    streams: Streams,
    /// The type of each human document.
    human: Vec<usize>,
    /// The types of each generation's documents.
    written: Vec<Vec<usize>>,
}

impl Categorical {
    /// A learner and `draws` human documents drawn from `truth`, each of size 1. Their list serves as the human set, or
    /// as a corpus from which a seed's human set is taken.
    ///
    /// # Panics
    /// If `truth` is empty.
    pub fn with_human_draws(truth: &[f64], draws: usize, streams: Streams) -> (Self, Vec<Entry>) {
        let mut stream = streams.stream(Purpose::Learner, 0, HUMAN);
        let human = draw(truth, draws, &mut stream);
        let entry = |index| Entry { id: format!("human-{index}"), generation: None, index, size: 1 };
        let entries = (0..draws).map(entry).collect();
        (Self { kinds: truth.len(), streams, human, written: Vec::new() }, entries)
    }
}

impl Learner for Categorical {
    type Model = Vec<f64>;
    type Error = Infallible;

    fn train(&mut self, set: &TrainingSet, _generation: u32) -> Result<Vec<f64>, Infallible> {
        let mut counts = vec![0.0; self.kinds];
        for pick in &set.documents {
            let list = match pick.entry.generation {
                None => &self.human,
                Some(generation) => &self.written[generation as usize],
            };
            counts[list[pick.entry.index]] += 1.0;
        }
        let total = set.documents.len() as f64;
        Ok(counts.into_iter().map(|count| count / total).collect())
    }

    fn write(&mut self, model: &Vec<f64>, generation: u32, budget: u64) -> Result<Vec<Entry>, Infallible> {
        let types = draw(model, budget as usize, &mut self.streams.stream(Purpose::Learner, generation, 0));
        let entry = |index| Entry { id: format!("{generation}-{index}"), generation: Some(generation), index, size: 1 };
        let entries = (0..types.len()).map(entry).collect();
        self.written.truncate(generation as usize);
        self.written.push(types);
        Ok(entries)
    }
}

/// Independent draws by the inverse distribution function, in the order of the types.
fn draw(probabilities: &[f64], draws: usize, stream: &mut Stream) -> Vec<usize> {
    let mut sum = 0.0;
    let edges: Vec<f64> = probabilities
        .iter()
        .map(|p| {
            sum += p;
            sum
        })
        .collect();
    // Rounding can leave the last edge below one; the last type that has mass takes the rest.
    let last = probabilities.iter().rposition(|&p| p > 0.0).expect("some type has mass");
    (0..draws)
        .map(|_| {
            let u = stream.uniform();
            edges.partition_point(|&edge| edge <= u).min(last)
        })
        .collect()
}
