//! The seam between the loop and what its documents are.
//!
//! The loop, its stages, training and decoding know a document as a content that a [`Codec`](corpus::Codec) turns into tokens.
//! What depends on the kind of document stands behind two traits. A [`Medium`] says where human documents come from and
//! which of them a seed works with; its [`Measures`] are what is measured of generated documents, beside the losses and
//! features of models, which every medium has. Text (`text.rs`) is the medium of the binary.
//!
//! To add a medium: implement both, and a function [`Open`] that reads the human documents in a prepare stage
//! ([`Human::open`]). `tests/second_medium.rs` is a whole one, sequences of small integers.

use crate::{Encoded, Error, Human};
use chain::HumanSet;
use corpus::{Document, TokenSet};
use evaluation::{DocumentLoss, Measure};
use experiment::{Arm, Experiment};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, RunDir};
use sampling::Sampling;
use std::path::Path;
use std::sync::Arc;
use world::World;

/// Finds or makes the prepare stage of an experiment, and opens it: the human documents of a run, in their medium.
///
/// # Errors
/// [`Error::Request`] where the documents or the settings do not serve.
pub type Open = fn(&RunDir, &Experiment) -> Result<Human, Error>;

/// A kind of documents, with the human ones of a run.
pub trait Medium: Send + Sync {
    /// Checks that an arm asks for nothing that this medium does not have, and says what if it does.
    ///
    /// # Errors
    /// One line: the key, and why it has no meaning here.
    fn check(&self, arm: &Arm) -> Result<(), String>;

    /// The human documents that a seed works with, the same for all arms.
    ///
    /// # Errors
    /// [`Error::Request`] if there are not enough.
    fn seed(&self, human: &Human, experiment: &Experiment, seed: u64) -> Result<SeedDocuments, Error>;

    /// About `positions` tokens of human documents that no model is trained on and none is measured on, the same for all
    /// chains; none where there are too few documents.
    ///
    /// # Errors
    /// Files that cannot be read.
    fn held_out(&self, run: &RunDir, human: &Human, positions: u64, context: usize) -> Result<TokenSet, Error>;

    /// The generated language that stands in the place of human documents, if one does.
    fn world(&self) -> Option<&World> {
        None
    }
}

/// The human documents of a seed.
pub struct SeedDocuments {
    /// All that the set is drawn from.
    pub documents: Arc<Encoded>,
    /// Which of them are the training set, and which are in reserve.
    pub set: HumanSet,
    /// Makes the measures of a chain.
    pub measures: MakeMeasures,
}

/// Makes the [`Measures`] of one chain.
pub type MakeMeasures = Arc<dyn Fn() -> Box<dyn Measures> + Send + Sync>;

/// What a medium measures of the generations of one chain. Every metric has an entry in the registry of `evaluation`.
pub trait Measures {
    /// Of documents alone, beside human ones: those of one model, or of all models of a generation.
    fn of_documents(&self, documents: &Generated<'_>) -> Vec<Measure>;

    /// Of a generation as a whole, after those before it. May leave files in the score stage, its folder.
    ///
    /// # Errors
    /// Files that cannot be written.
    fn of_generation(&mut self, generation: &Observed<'_>, folder: &Path) -> Result<Vec<Measure>, Error>;

    /// Of losses on the human test set, beside the metrics that all predictions have.
    fn of_losses(&self, losses: &[DocumentLoss]) -> Vec<Measure> {
        let _ = losses;
        Vec::new()
    }

    /// Of a model that can be asked: measures, and its answers to the medium's questions.
    ///
    /// # Errors
    /// If the checkpoint's interrupt is set.
    fn of_model(&self, model: &Asked<'_>, checkpoint: &mut Checkpoint) -> Result<(Vec<Measure>, Answers), Error> {
        let _ = (model, checkpoint);
        Ok(Default::default())
    }

    /// Of the answers of several models as one mixture.
    fn of_answers(&self, answers: &Answers) -> Vec<Measure> {
        let _ = answers;
        Vec::new()
    }
}

/// For each question, ln of the probability of each candidate.
pub type Answers = Vec<Vec<f64>>;

/// Generated documents, without the prompts that they began with.
#[derive(Clone, Copy)]
pub struct Generated<'a> {
    /// The documents.
    pub documents: &'a [Document],
    /// Their tokens.
    pub tokens: &'a TokenSet,
    /// True if each document's content encodes to other ids than were sampled.
    pub reencoded: &'a [bool],
}

/// A generation that is being scored.
pub struct Observed<'a> {
    /// The arm.
    pub arm: &'a Arm,
    /// What each generation so far has generated, without prompts; the last is the one that is scored.
    pub generations: &'a [Generated<'a>],
    /// The documents of that one with their prompts.
    pub whole: &'a [Document],
    /// The human test set.
    pub test: &'a Encoded,
}

impl Observed<'_> {
    /// The number of the generation, from 0.
    pub fn number(&self) -> usize {
        self.generations.len() - 1
    }

    /// What it has generated, without prompts.
    pub fn last(&self) -> Generated<'_> {
        self.generations[self.number()]
    }
}

/// A model that can be asked, and what it generated.
pub struct Asked<'a> {
    /// The model.
    pub weights: &'a Weights,
    /// Where it computes.
    pub device: &'a Device,
    /// The documents that it began from nothing. None where every document of its arm begins with a prompt.
    pub drawn: Option<Drawn<'a>>,
    /// How they were drawn.
    pub sampling: Sampling,
}

/// Documents, their tokens, and their negative log-probabilities in nats where they are known from drawing them.
pub type Drawn<'a> = (&'a [Document], &'a TokenSet, &'a [Option<f64>]);
