//! Learners of independent draws: a family of distributions, how it is fitted and how it writes.

use streams::{Purpose, Stream, Streams};

use crate::{Entry, Generation, Learner, TrainingSet};

/// Items of a generation's [`Purpose::Learner`] stream: what it writes, the human draws (of generation 0 only), and
/// random starts of its training.
const WRITING: u64 = 0;
const HUMAN: u64 = 1;
const TRAINING: u64 = 2;

/// A draw and its weight in the objective. Only ratios of weights matter.
pub type Weighted<'a, D> = (&'a D, f64);

/// A family of distributions: how one of them is fitted to draws, and how it writes.
pub trait Family {
    /// One draw.
    type Draw;
    /// One distribution of the family.
    type Model;
    /// Why none fits.
    type Error;

    /// The distribution that fits `draws`; `stream` is for random starts.
    ///
    /// # Errors
    /// If there are too few draws, or no distribution of the family fits them.
    fn fit(&self, draws: &[Weighted<'_, Self::Draw>], stream: &mut Stream) -> Result<Self::Model, Self::Error>;

    /// `count` independent draws from the model, with whatever bias the family's settings give its writing.
    fn write(&self, model: &Self::Model, count: usize, stream: &mut Stream) -> Vec<Self::Draw>;
}

/// Why a family could not be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Fewer draws than parameters ask for.
    #[error(
        "a {family} needs {needed} draws or more and the training set holds {draws}; ask the recipe for more or write more"
    )]
    TooFew {
        /// What was to be fitted.
        family: &'static str,
        /// Draws in the training set.
        draws: usize,
        /// Draws without which there is no fit.
        needed: usize,
    },
    /// The draws have no spread left in some direction.
    #[error(
        "a {family} cannot be fitted: its draws have no spread left in some direction; that is collapse, run fewer \
         generations or draw more"
    )]
    NoSpread {
        /// What was to be fitted.
        family: &'static str,
    },
    /// The recipe weighs its sources.
    #[error(
        "an {family} counts whole documents and has no weights; leave them out of the recipe, or take another learner"
    )]
    Weighted {
        /// What was to be fitted.
        family: &'static str,
    },
}

impl FitError {
    /// Refuses fewer than `needed` draws.
    pub(crate) fn unless_enough(family: &'static str, draws: usize, needed: usize) -> Result<(), Self> {
        if draws < needed { Err(Self::TooFew { family, draws, needed }) } else { Ok(()) }
    }
}

/// The learner of a [`Family`]: it keeps all draws, and fits the family to those that the recipe picks.
#[derive(Clone, Debug)]
pub struct Independent<F: Family> {
    family: F,
    streams: Streams,
    store: Store<F::Draw>,
}

impl<F: Family> Independent<F> {
    /// A learner and an entry of size 1 for each of its human documents, which `human` draws from a stream of their own.
    /// A longer list should begin as a shorter one: then a recipe that needs a reserve changes nothing else.
    pub fn new(family: F, streams: Streams, human: impl FnOnce(&mut Stream) -> Vec<F::Draw>) -> (Self, Vec<Entry>) {
        let (store, entries) = Store::new(human(&mut streams.stream(Purpose::Learner, 0, HUMAN)));
        (Self { family, streams, store }, entries)
    }
}

impl<F: Family> Learner for Independent<F> {
    type State = ();
    type Model = F::Model;
    type Error = F::Error;

    fn train(&mut self, generation: &mut Generation<()>, set: &TrainingSet) -> Result<F::Model, F::Error> {
        let draws: Vec<Weighted<'_, F::Draw>> = self.store.picked(set).collect();
        self.family.fit(&draws, &mut self.streams.stream(Purpose::Learner, generation.number, TRAINING))
    }

    fn generate(
        &mut self,
        generation: &mut Generation<()>,
        model: &F::Model,
        budget: u64,
    ) -> Result<Vec<Entry>, F::Error> {
        let mut stream = self.streams.stream(Purpose::Learner, generation.number, WRITING);
        Ok(self.store.push(generation.number, self.family.write(model, budget as usize, &mut stream)))
    }
}

/// What humans and each generation wrote: documents of size 1, whatever they hold.
#[derive(Clone, Debug)]
pub(crate) struct Store<D> {
    human: Vec<D>,
    written: Vec<Vec<D>>,
}

impl<D> Store<D> {
    /// A store of human documents, and their entries.
    pub(crate) fn new(human: Vec<D>) -> (Self, Vec<Entry>) {
        let entry = |index| Entry { id: format!("human-{index}"), generation: None, index, size: 1 };
        let entries = (0..human.len()).map(entry).collect();
        (Self { human, written: Vec::new() }, entries)
    }

    /// The document at `index` of a generation, or of the human list.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn get(&self, generation: Option<u32>, index: usize) -> &D {
        match generation {
            None => &self.human[index],
            Some(generation) => &self.written[generation as usize][index],
        }
    }

    /// The documents of a training set, in its order, each with the weight that the recipe gives it.
    pub(crate) fn picked<'a>(&'a self, set: &'a TrainingSet) -> impl Iterator<Item = Weighted<'a, D>> {
        set.documents.iter().map(|pick| (self.get(pick.entry.generation, pick.entry.index), pick.weight))
    }

    /// Keeps what `generation` wrote, in the place of what it may have written before.
    pub(crate) fn push(&mut self, generation: u32, documents: Vec<D>) -> Vec<Entry> {
        let entry = |index| Entry { id: format!("{generation}-{index}"), generation: Some(generation), index, size: 1 };
        let entries = (0..documents.len()).map(entry).collect();
        self.written.truncate(generation as usize);
        self.written.push(documents);
        entries
    }
}
