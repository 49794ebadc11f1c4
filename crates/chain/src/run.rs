//! The loop over generations.

use std::fmt;

use streams::Streams;

use crate::{
    ComposeError, Decision, Entry, HumanSet, Ledger, Recipe, RecipeError, Source, TrainingSet, compose_judged,
};

/// What learns from a training set and then writes. Both may be lazy: a learner that finds a generation's model or
/// documents on disk returns a handle to them and computes nothing.
pub trait Learner {
    /// What training makes; a path will do.
    type Model;
    /// Why it failed.
    type Error;

    /// Judges the documents that a source of the recipe offers to `generation`, before the recipe draws from them: one
    /// decision for each, in their order. Without a defence, everything is kept as it is.
    ///
    /// # Errors
    /// The learner's own; the chain ends there.
    fn judge(&mut self, source: Source, offered: &[&Entry], generation: u32) -> Result<Vec<Decision>, Self::Error> {
        let _ = (source, generation);
        Ok(vec![Decision::AS_IT_IS; offered.len()])
    }

    /// Trains the model of `generation`.
    ///
    /// # Errors
    /// The learner's own; the chain ends there.
    fn train(&mut self, set: &TrainingSet, generation: u32) -> Result<Self::Model, Self::Error>;

    /// Lets the model write: the shortest list of documents, in index order, that reaches `budget` tokens. The entries
    /// carry `generation` and the indices 0, 1, 2, ...
    ///
    /// # Errors
    /// The learner's own; the chain ends there.
    fn write(&mut self, model: &Self::Model, generation: u32, budget: u64) -> Result<Vec<Entry>, Self::Error>;
}

/// What looks at each generation once it has written. Closures are scorers.
pub trait Scorer<M, E> {
    /// Looks at one generation.
    ///
    /// # Errors
    /// The chain ends there.
    fn score(&mut self, trip: &Trip<'_, M>) -> Result<(), E>;
}

impl<M, E, F: FnMut(&Trip<'_, M>) -> Result<(), E>> Scorer<M, E> for F {
    fn score(&mut self, trip: &Trip<'_, M>) -> Result<(), E> {
        self(trip)
    }
}

/// One generation, complete.
#[derive(Debug)]
pub struct Trip<'a, M> {
    /// Its number, from 0.
    pub generation: u32,
    /// What it was trained on.
    pub training: &'a TrainingSet,
    /// The model.
    pub model: &'a M,
    /// What it wrote.
    pub written: &'a [Entry],
}

/// What a chain is asked to do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What generations from 1 on are trained on.
    pub recipe: Recipe,
    /// Number of models.
    pub generations: u32,
    /// Tokens that each is to write (see [`Recipe::writing_budget`]).
    pub writing: u64,
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
    /// Writing failed.
    Writing(E),
    /// Scoring failed.
    Scoring(E),
}

impl<E: fmt::Display> fmt::Display for Ended<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipe(error) => write!(out, "{error}"),
            Self::Judging(error) => write!(out, "curation failed: {error}"),
            Self::Training(error) => write!(out, "training failed: {error}"),
            Self::Writing(error) => write!(out, "writing failed: {error}"),
            Self::Scoring(error) => write!(out, "scoring failed: {error}"),
        }
    }
}

/// How far a chain came. A chain that fails is a result like any other, for the chains beside it go on.
#[derive(Debug)]
pub struct Outcome<E> {
    /// Generations that are complete; also the number of the one that failed, if one did.
    pub generations: u32,
    /// Why it stopped there, if it was to go on.
    pub ended: Option<Ended<E>>,
    /// All that was written by complete generations.
    pub ledger: Ledger,
}

/// Goes round: judge, compose, train, write, score, for every generation of the plan.
pub fn run<L: Learner>(
    plan: &Plan,
    human: HumanSet,
    learner: &mut L,
    scorer: &mut impl Scorer<L::Model, L::Error>,
) -> Outcome<L::Error> {
    let mut ledger = Ledger::new(human);
    let ended = (0..plan.generations).find_map(|generation| step(plan, &mut ledger, generation, learner, scorer).err());
    Outcome { generations: ledger.generations(), ended, ledger }
}

fn step<L: Learner>(
    plan: &Plan,
    ledger: &mut Ledger,
    generation: u32,
    learner: &mut L,
    scorer: &mut impl Scorer<L::Model, L::Error>,
) -> Result<(), Ended<L::Error>> {
    let judge = |source, offered: &[&Entry]| learner.judge(source, offered, generation);
    let training =
        compose_judged(&plan.recipe, ledger, generation, &plan.streams, judge).map_err(|error| match error {
            ComposeError::Recipe(error) => Ended::Recipe(error),
            ComposeError::Judging(error) => Ended::Judging(error),
        })?;
    let model = learner.train(&training, generation).map_err(Ended::Training)?;
    let budget = plan.recipe.writing_budget(generation, plan.writing);
    let written = learner.write(&model, generation, budget).map_err(Ended::Writing)?;
    let trip = Trip { generation, training: &training, model: &model, written: &written };
    scorer.score(&trip).map_err(Ended::Scoring)?;
    ledger.push(written, training.totals.ancestry);
    Ok(())
}
