//! The learner that knows a world's grammar and counts how often the training set takes each of its rules.
//!
//! It has no loss of use: whatever it has not read word for word is impossible to it.

use super::counting::{Generated, VERSION, fill_generate, learned, train};
use super::learner::{StageLearner, Versions};
use super::measures;
use super::state::{Draft, History, Member, Models, Place, Setup, Stop};
use crate::Error;
use chain::{Finished, TrainingSet};
use evaluation::{Measure, metric};
use experiment::learner::Oracle;
use rundir::{Checkpoint, Stage, StageId};
use std::path::Path;
use streams::Stream;
use world::{Recount, World};

/// The world whose grammar an oracle knows.
fn world<'a>(setup: &Setup<'a>) -> &'a World {
    setup.run.human.medium.world().expect("an oracle needs a world: checked with the experiment")
}

impl StageLearner for Oracle {
    fn train(
        &self,
        (setup, history, draft): (&Setup<'_>, &History, &Draft),
        set: &TrainingSet,
        place: Place,
        compose: &StageId,
    ) -> Result<Member, Stop> {
        train(setup, (), place, compose, || {
            let (mut recount, world) = (Recount::default(), world(setup));
            for pick in &set.documents {
                let (document, ..) = draft.read((setup, history), &pick.entry);
                recount.add(world, &document.text, document.truncated, pick.weight);
            }
            let all = set.documents.len();
            match recount.writer(world).is_some() {
                true => Ok(recount),
                false => Err(format!("training: of {all} documents the oracle can parse none")),
            }
        })
    }

    fn versions(&self) -> Versions {
        Versions { train: VERSION, generate: VERSION }
    }

    fn fill_generate(
        &self,
        (setup, _): (&Setup<'_>, &History),
        model: &Stage,
        place: Place,
        budget: u64,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<(), Error> {
        let recount: Recount = learned(model)?;
        let writer = recount.writer(world(setup)).expect("a training stage without counts has ended its chain");
        let generate = |draws: &mut Stream| Generated { content: writer.write(draws), ids: None, truncated: false };
        fill_generate(setup, (model, &recount), place.generation, budget, stage, generate)
    }

    fn measure(
        &self,
        _: &Setup<'_>,
        history: &mut History,
        finished: &Finished<'_, Draft, Models>,
        (_, checkpoint): (&Path, &mut Checkpoint),
    ) -> Result<Vec<Measure>, Error> {
        let recount: Recount = learned(&finished.model.members[0].stage)?;
        let unparsed = Measure::new(&metric::UNPARSED_DOCUMENTS, recount.unread() as f64);
        Ok([vec![unparsed], measures::generated(history, history.last(), (checkpoint, "generated"))?].concat())
    }
}
