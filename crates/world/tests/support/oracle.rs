//! The learner who knows the grammar: it parses, counts who the runs are about, and writes as often about each.

use chain::{Entry, Generation, Learner, TrainingSet};
use streams::{Purpose, Streams};
use world::{Stop, World};

/// The categorical learner over persons. A run is one draw, whatever the number of its sentences. A document's size is 1.
pub(crate) struct Oracle {
    world: World,
    streams: Streams,
    human: Vec<String>,
    written: Vec<Vec<String>>,
}

impl Oracle {
    /// A learner of the world's documents from number `first` on, and an entry for each.
    pub(crate) fn new(world: &World, first: u64, documents: u64, streams: Streams) -> (Self, Vec<Entry>) {
        let human: Vec<String> = (first..first + documents).map(|number| world.derive(number).0).collect();
        let entries = entries(human.len(), None);
        (Self { world: world.clone(), streams, human, written: Vec::new() }, entries)
    }

    /// A human document, or one that was written.
    pub(crate) fn document(&self, generation: Option<u32>, index: usize) -> &str {
        match generation {
            None => &self.human[index],
            Some(generation) => &self.written[generation as usize][index],
        }
    }
}

/// Entries of size 1.
pub(crate) fn entries(documents: usize, generation: Option<u32>) -> Vec<Entry> {
    let of = generation.map_or("human".to_owned(), |generation| generation.to_string());
    (0..documents).map(|index| Entry { id: format!("{of}-{index}"), generation, index, size: 1 }).collect()
}

impl Learner for Oracle {
    type State = ();
    type Model = World;
    type Error = Stop;

    fn train(&mut self, _: &mut Generation<()>, set: &TrainingSet) -> Result<World, Stop> {
        let mut counts = vec![0.0; self.world.persons().len()];
        for pick in &set.documents {
            let derivation = self.world.parse(self.document(pick.entry.generation, pick.entry.index))?;
            derivation.runs(&self.world).iter().for_each(|&(subject, _)| counts[subject] += 1.0);
        }
        Ok(self.world.with_subjects(&counts))
    }

    fn generate(&mut self, generation: &mut Generation<()>, model: &World, budget: u64) -> Result<Vec<Entry>, Stop> {
        let write = |index| {
            let mut text = String::new();
            model.write_with(&mut self.streams.stream(Purpose::Learner, generation.number, index), &mut text, None);
            text
        };
        let texts: Vec<String> = (0..budget).map(write).collect();
        let entries = entries(texts.len(), Some(generation.number));
        self.written.truncate(generation.number as usize);
        self.written.push(texts);
        Ok(entries)
    }
}
