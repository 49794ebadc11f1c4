//! The loop over generations.

use std::fmt;

use streams::Streams;

use crate::{
    ByGeneration, ComposeError, Decision, Entry, HumanSet, Ledger, Recipe, RecipeError, Source, TrainingSet,
    compose_judged,
};

/// What learns from a training set and then generates documents. Every step may be lazy: a learner that finds a
/// generation's model or documents on disk returns a handle to them and computes nothing.
///
/// The steps of a generation come in the order of the methods. One [`Generation`] value passes through them.
pub trait Learner {
    /// What the steps of one generation leave for its later steps; `()` where there is nothing to leave.
    type State: Default;
    /// What training makes; a path will do.
    type Model;
    /// Why it failed.
    type Error;

    /// Judges the documents that a source of the recipe offers, before the recipe draws from them: one decision for
    /// each, in their order. Without a defence, everything is kept as it is.
    ///
    /// # Errors
    /// The learner's own; the chain ends there.
    fn judge(
        &mut self,
        generation: &mut Generation<Self::State>,
        source: Source,
        offered: &[&Entry],
    ) -> Result<Vec<Decision>, Self::Error> {
        let _ = (generation, source);
        Ok(vec![Decision::AS_IT_IS; offered.len()])
    }

    /// Trains the generation's model.
    ///
    /// # Errors
    /// The learner's own; the chain ends there.
    fn train(
        &mut self,
        generation: &mut Generation<Self::State>,
        set: &TrainingSet,
    ) -> Result<Self::Model, Self::Error>;

    /// Lets the model generate: the shortest list of documents, in index order, that reaches `budget` tokens. The
    /// entries carry the generation's number and the indices 0, 1, 2, ...
    ///
    /// # Errors
    /// The learner's own; the chain ends there.
    fn generate(
        &mut self,
        generation: &mut Generation<Self::State>,
        model: &Self::Model,
        budget: u64,
    ) -> Result<Vec<Entry>, Self::Error>;

    /// Measures the finished generation. By default nothing is measured.
    ///
    /// # Errors
    /// The learner's own; the chain ends there.
    fn score(&mut self, finished: Finished<'_, Self::State, Self::Model>) -> Result<(), Self::Error> {
        let _ = finished;
        Ok(())
    }

    /// This learner, with `look` called on every generation before it is scored.
    fn watched<F>(&mut self, look: F) -> Watched<'_, Self, F>
    where
        Self: Sized,
        F: FnMut(&Finished<'_, Self::State, Self::Model>) -> Result<(), Self::Error>,
    {
        Watched { learner: self, look }
    }
}

/// A generation on its way through the loop.
#[derive(Debug, Default)]
pub struct Generation<S> {
    /// Its number, from 0.
    pub number: u32,
    /// What its steps have left so far.
    pub state: S,
}

/// A generation that is trained and has generated its documents.
#[derive(Debug)]
pub struct Finished<'a, S, M> {
    /// Its number, and what its steps left.
    pub generation: Generation<S>,
    /// What it was trained on.
    pub training: &'a TrainingSet,
    /// The model.
    pub model: &'a M,
    /// What the model generated.
    pub documents: &'a [Entry],
}

/// A learner that shows its generations; see [`Learner::watched`].
pub struct Watched<'a, L, F> {
    learner: &'a mut L,
    look: F,
}

impl<L, F> Learner for Watched<'_, L, F>
where
    L: Learner,
    F: FnMut(&Finished<'_, L::State, L::Model>) -> Result<(), L::Error>,
{
    type State = L::State;
    type Model = L::Model;
    type Error = L::Error;

    fn judge(
        &mut self,
        generation: &mut Generation<L::State>,
        source: Source,
        offered: &[&Entry],
    ) -> Result<Vec<Decision>, L::Error> {
        self.learner.judge(generation, source, offered)
    }

    fn train(&mut self, generation: &mut Generation<L::State>, set: &TrainingSet) -> Result<L::Model, L::Error> {
        self.learner.train(generation, set)
    }

    fn generate(
        &mut self,
        generation: &mut Generation<L::State>,
        model: &L::Model,
        budget: u64,
    ) -> Result<Vec<Entry>, L::Error> {
        self.learner.generate(generation, model, budget)
    }

    fn score(&mut self, finished: Finished<'_, L::State, L::Model>) -> Result<(), L::Error> {
        (self.look)(&finished)?;
        self.learner.score(finished)
    }
}

/// What a chain is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What generations from 1 on are trained on.
    pub recipe: ByGeneration<Recipe>,
    /// Number of models.
    pub generations: u32,
    /// Tokens that each is to generate (see [`Recipe::writing_budget`]).
    pub writing: ByGeneration<u64>,
    /// The seed's streams.
    pub streams: Streams,
}

/// Why a chain ended before its time.
#[derive(Debug)]
pub enum Ended<E> {
    /// The training set could not be filled.
    Recipe(RecipeError),
    /// What was offered to the recipe could not be judged.
    Judging(E),
    /// Training failed.
    Training(E),
    /// Generating documents failed.
    Generating(E),
    /// Scoring failed.
    Scoring(E),
}

impl<E: fmt::Display> fmt::Display for Ended<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipe(error) => write!(out, "{error}"),
            Self::Judging(error) => write!(out, "curation failed: {error}"),
            Self::Training(error) => write!(out, "training failed: {error}"),
            Self::Generating(error) => write!(out, "generating failed: {error}"),
            Self::Scoring(error) => write!(out, "scoring failed: {error}"),
        }
    }
}

/// How far a chain came. A chain that fails is a result like any other: the chains beside it go on.
#[derive(Debug)]
pub struct Outcome<S, E> {
    /// Generations that are complete; also the number of the one that failed, if one did.
    pub generations: u32,
    /// Why it stopped there, if it was to go on.
    pub ended: Option<Ended<E>>,
    /// Then the generation that stopped it, with what its steps left; nothing is left once scoring has begun.
    pub unfinished: Option<Generation<S>>,
    /// All that complete generations generated.
    pub ledger: Ledger,
}

/// Runs the generations of a plan: each judges, composes its training set, trains, generates and is scored.
pub fn run<L: Learner>(plan: &Plan, human: HumanSet, learner: &mut L) -> Outcome<L::State, L::Error> {
    let mut ledger = Ledger::new(human);
    let ended = (0..plan.generations).find_map(|number| {
        let mut generation = Generation { number, state: L::State::default() };
        step(plan, &mut ledger, &mut generation, learner).err().map(|ended| (ended, generation))
    });
    let (ended, unfinished) = ended.unzip();
    Outcome { generations: ledger.generations(), ended, unfinished, ledger }
}

fn step<L: Learner>(
    plan: &Plan,
    ledger: &mut Ledger,
    generation: &mut Generation<L::State>,
    learner: &mut L,
) -> Result<(), Ended<L::Error>> {
    let number = generation.number;
    let judge = |source, offered: &[&Entry]| learner.judge(generation, source, offered);
    let training = compose_judged(&plan.recipe, ledger, number, &plan.streams, judge).map_err(|error| match error {
        ComposeError::Recipe(error) => Ended::Recipe(error),
        ComposeError::Judging(error) => Ended::Judging(error),
    })?;
    let model = learner.train(generation, &training).map_err(Ended::Training)?;
    let budget = plan.recipe.at(number).writing_budget(number, *plan.writing.at(number));
    let documents = learner.generate(generation, &model, budget).map_err(Ended::Generating)?;
    let generation = Generation { number, state: std::mem::take(&mut generation.state) };
    let finished = Finished { generation, training: &training, model: &model, documents: &documents };
    learner.score(finished).map_err(Ended::Scoring)?;
    ledger.push(documents, training.totals.ancestry);
    Ok(())
}
