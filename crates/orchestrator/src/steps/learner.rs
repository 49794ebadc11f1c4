//! The learners: what each does ([`StageLearner`]), and which one an arm has.

use super::state::{Draft, History, Member, Models, Place, Setup, Stop};
use crate::Error;
use chain::{Finished, TrainingSet};
use evaluation::Measure;
use experiment::{ArmSettings, Learner};
use rundir::{Checkpoint, Stage, StageId};
use std::path::Path;

/// The operations of a learner with stages. An implementation for each variant of [`Learner`] that has them.
pub(super) trait StageLearner {
    /// Trains a model of the generation, or finds it.
    fn train(
        &self,
        chain: (&Setup<'_>, &History, &Draft),
        set: &TrainingSet,
        place: Place,
        compose: &StageId,
    ) -> Result<Member, Stop>;

    /// The versions of the code that fills its train and its generate stages.
    fn versions(&self) -> Versions;

    /// Fills a generate stage, its folder, with `budget` tokens of what the model generates, from where its checkpoint left
    /// off.
    fn fill_generate(
        &self,
        chain: (&Setup<'_>, &History),
        model: &Stage,
        place: Place,
        budget: u64,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<(), Error>;

    /// What is measured of the models and of what they generated that depends on what the learner is. May leave files
    /// in the score stage.
    fn measure(
        &self,
        setup: &Setup<'_>,
        history: &mut History,
        finished: &Finished<'_, Draft, Models>,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<Vec<Measure>, Error>;
}

/// The versions of the code that fills a learner's stages.
pub(super) struct Versions {
    pub(super) train: u32,
    pub(super) generate: u32,
}

/// The learner of an arm in a generation.
///
/// # Panics
/// If it is an exact one: those have no stages.
pub(super) fn of(settings: &ArmSettings) -> &dyn StageLearner {
    match &settings.learner {
        Learner::Transformer(transformer) => transformer,
        Learner::NGram(ngram) => ngram,
        Learner::Oracle(oracle) => oracle,
        Learner::Exact(exact) => unreachable!("{} has no stages", exact.model.kind()),
    }
}
