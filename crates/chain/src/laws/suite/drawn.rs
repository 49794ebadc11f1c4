//! A learner whose documents are draws of any kind and which is fitted by any function of what the recipe picked: what
//! the laws need that look at more than counts.

use std::convert::Infallible;

use streams::{Purpose, Stream, Streams};

use crate::{Entry, Learner, Pick, TrainingSet};

/// Items of the [`Purpose::Learner`] stream: what a generation writes, what humans wrote, what fitting draws.
const WRITTEN: u64 = 0;
const HUMAN: u64 = 1;
const FIT: u64 = 2;

/// Documents of type `T`, each of size 1; `fit` makes a model of generation g from what was picked, `write` draws from
/// it.
pub(super) struct Drawn<T, Fit, Write> {
    streams: Streams,
    human: Vec<T>,
    written: Vec<Vec<T>>,
    fit: Fit,
    write: Write,
}

impl<T, Fit, Write> Drawn<T, Fit, Write> {
    /// The learner, and an entry for each human document.
    pub(super) fn new(
        streams: Streams,
        human: impl FnOnce(&mut Stream) -> Vec<T>,
        fit: Fit,
        write: Write,
    ) -> (Self, Vec<Entry>) {
        let human = human(&mut streams.stream(Purpose::Learner, 0, HUMAN));
        let entries = entries(None, human.len());
        (Self { streams, human, written: Vec::new(), fit, write }, entries)
    }
}

impl<T, M, Fit, Write> Learner for Drawn<T, Fit, Write>
where
    Fit: Fn(&[(&Pick, &T)], u32, &mut Stream) -> M,
    Write: Fn(&M, usize, &mut Stream) -> Vec<T>,
{
    type Model = M;
    type Error = Infallible;

    fn train(&mut self, set: &TrainingSet, generation: u32) -> Result<M, Infallible> {
        let document = |pick: &Pick| match pick.entry.generation {
            None => &self.human[pick.entry.index],
            Some(generation) => &self.written[generation as usize][pick.entry.index],
        };
        let picked: Vec<(&Pick, &T)> = set.documents.iter().map(|pick| (pick, document(pick))).collect();
        Ok((self.fit)(&picked, generation, &mut self.streams.stream(Purpose::Learner, generation, FIT)))
    }

    fn write(&mut self, model: &M, generation: u32, budget: u64) -> Result<Vec<Entry>, Infallible> {
        let stream = &mut self.streams.stream(Purpose::Learner, generation, WRITTEN);
        let documents = (self.write)(model, budget as usize, stream);
        let entries = entries(Some(generation), documents.len());
        self.written.truncate(generation as usize);
        self.written.push(documents);
        Ok(entries)
    }
}

fn entries(generation: Option<u32>, count: usize) -> Vec<Entry> {
    let id = |index| generation.map_or_else(|| format!("human-{index}"), |generation| format!("{generation}-{index}"));
    (0..count).map(|index| Entry { id: id(index), generation, index, size: 1 }).collect()
}

/// `count` independent types with these probabilities, by the inverse distribution function.
pub(super) fn types(probabilities: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
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
    (0..count)
        .map(|_| {
            let u = stream.uniform();
            edges.partition_point(|&edge| edge <= u).min(last)
        })
        .collect()
}
