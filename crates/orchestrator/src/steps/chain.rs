//! A chain as the loop's learner.

use super::state::{Ancestor, Draft, History, Models, Place, Setup, Stop};
use super::{compose, generate, given, judge, learner, score};
use crate::human_tokens::Documents;
use chain::{Decision, Entry, Finished, Generation, Learner, Source, TrainingSet};
use experiment::Arm;
use rundir::StageKind;
use std::collections::BTreeMap;

/// The versions of the code that fills the stages of an arm's chains.
pub(crate) fn versions(arm: &Arm) -> BTreeMap<StageKind, u32> {
    let learner::Versions { train, generate } = learner::of(arm.at(0)).versions();
    BTreeMap::from([
        (StageKind::Judge, judge::VERSION),
        (StageKind::Compose, compose::VERSION),
        (StageKind::Train, train),
        (StageKind::Generate, generate),
        (StageKind::Pool, generate::POOL_VERSION),
        (StageKind::Score, score::VERSION),
    ])
}

/// One chain: an arm with a seed.
pub(crate) struct StageChain<'a> {
    setup: Setup<'a>,
    history: History,
}

impl<'a> StageChain<'a> {
    /// A chain of which nothing is made yet.
    pub(crate) fn new(setup: Setup<'a>) -> Self {
        let history = History::new((setup.seed.measures)());
        Self { setup, history }
    }

    /// Ends the chain in a generation, and writes down why.
    pub(crate) fn end(&self, generation: Generation<Draft>, reason: String) -> Stop {
        self.setup.end(generation.number, generation.state, reason)
    }
}

impl Learner for StageChain<'_> {
    type State = Draft;
    type Model = Models;
    type Error = Stop;

    fn judge(
        &mut self,
        generation: &mut Generation<Draft>,
        source: Source,
        offered: &[&Entry],
    ) -> Result<Vec<Decision>, Stop> {
        judge::decide(&self.setup, &self.history, generation, source, offered)
    }

    fn train(&mut self, generation: &mut Generation<Draft>, set: &TrainingSet) -> Result<Models, Stop> {
        let (setup, history) = (&self.setup, &self.history);
        let compose = compose::stage(setup, history, generation, set)?;
        let settings = setup.arm.at(generation.number);
        let mut members = Vec::new();
        for member in 0..setup.arm.members() as usize {
            let place = Place { generation: generation.number, member };
            let trained = learner::of(settings).train((setup, history, &generation.state), set, place, compose.id())?;
            setup.reached(&trained.stage, generation)?;
            members.push(trained);
        }
        let mut ancestors = Documents::default();
        let mut saw_human = |ancestor: u32| {
            let human = &history.models[ancestor as usize].human;
            ancestors.join(human);
            !human.is_empty()
        };
        let train = settings.train();
        let start_saw_human = train.and_then(|train| train.start.parent(generation.number)).map(&mut saw_human);
        let average_saw_human = train.and_then(|train| train.averaged_with(generation.number)).map(&mut saw_human);
        let models = members.iter().map(|member| member.stage.clone()).collect();
        self.history.models.push(Ancestor { models, human: given::read_by(set, &ancestors) });
        Ok(Models { members, start_saw_human, average_saw_human, ancestors })
    }

    fn generate(
        &mut self,
        generation: &mut Generation<Draft>,
        models: &Models,
        budget: u64,
    ) -> Result<Vec<Entry>, Stop> {
        let corpus = generate::corpus(&self.setup, &self.history, generation, models, budget)?;
        let entries = corpus.entries(generation.number, self.setup.context());
        self.history.corpora.push(corpus);
        Ok(entries)
    }

    fn score(&mut self, finished: Finished<'_, Draft, Models>) -> Result<(), Stop> {
        score::finish(&self.setup, &mut self.history, finished)
    }
}
