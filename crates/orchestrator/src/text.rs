//! A chain of text learners: the loop's [`Learner`], through stages that are found or made.
//!
//! | file | step |
//! |---|---|
//! | `judge` | what the defences say of the documents that the recipe is offered |
//! | `compose` | the training set, and the documents of it that were changed |
//! | `train`, `counting` | the generation's models: transformers, or learners that count |
//! | `generate`, `target`, `corpus` | the documents that the models generate |
//! | `score`, `reading`, `over_represented` | what is measured of them |
//!
//! A chain never keeps a model in memory between steps: it reads weights from their stage, and checks them against the
//! stage's seal, each time it needs them. So a chain that was killed goes on from what is there.

mod compose;
mod corpus;
mod counting;
mod generate;
mod judge;
mod over_represented;
mod reading;
mod score;
mod target;
mod train;

pub(crate) use corpus::Corpus;
pub(crate) use target::can_begin;

use crate::cost::ChainPlan;
use crate::reader::{ReadOnce, Reader};
use crate::seed::Seed;
use crate::{Error, Human};
use ::corpus::{Document, TokenSet};
use chain::{Decision, Entry, Finished, Generation, Learner, Source, TrainingSet};
use evaluation::Measure;
use experiment::{Arm, Learner as Settings};
use judge::Edited;
use model::{ModelConfig, Weights};
use ops::device::Chosen;
use rundir::{ChainStages, GenerationRecord, NotMade, Stage, StageId, StageKind, Work};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;
use streams::{Streams, item_of_name};
use training::Record;

/// In a stage that came to the end of its chain: the reason, in one line.
const FAILURE: &str = "failure.txt";

/// Why a chain stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The chain cannot go on: a result like any other (a loss that is not finite, documents that are not enough).
    Failed(String),
    /// The generation is not to be made now.
    Missing(u32),
    /// Something went wrong.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::Missing(generation) => write!(f, "generation {generation} is not there yet"),
            Self::Error(error) => write!(f, "{error}"),
        }
    }
}

/// What the chains of a run share.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) human: &'a Human,
    pub(crate) device: &'a Chosen,
    /// Facts of a world that every generation is asked for; all if none.
    pub(crate) questions: Option<usize>,
    /// What the run's models of generation 0 make of human text.
    pub(crate) read_once: &'a ReadOnce,
}

/// What one chain works with. Nothing of it changes while the chain runs.
pub(crate) struct Setup<'a> {
    pub(crate) run: Shared<'a>,
    pub(crate) arm: &'a Arm,
    pub(crate) config: &'a ModelConfig,
    pub(crate) seed: &'a Seed,
    pub(crate) costs: &'a ChainPlan,
    pub(crate) stages: ChainStages<'a>,
}

/// One chain: an arm with a seed.
pub(crate) struct TextChain<'a> {
    setup: Setup<'a>,
    history: History,
}

/// What the generations so far have left.
#[derive(Default)]
struct History {
    /// What each generation generated.
    corpora: Vec<Corpus>,
    /// The models of each generation.
    models: Vec<Ancestor>,
    /// Generation 0's model and what it makes of human text, once it was needed.
    reader: Option<Reader>,
    /// The over-represented n-grams of generation 1, once they were needed.
    first_ngrams: Option<Vec<String>>,
}

/// The models of a generation, as far as later ones may begin with them.
struct Ancestor {
    models: Vec<Stage>,
    /// Whether these weights have learnt from human text, or began with weights that have.
    saw_human: bool,
}

/// What the steps of a generation leave for its later steps.
#[derive(Default)]
pub(crate) struct Draft {
    /// The stages so far, one of each kind: of several models the first one's.
    stages: BTreeMap<StageKind, StageId>,
    /// The verdicts, one for each source that was judged, and what was measured while judging.
    verdicts: Vec<StageId>,
    judged: Vec<Measure>,
    /// Documents whose tokens a defence changed, by their ids.
    edited: BTreeMap<String, Edited>,
    /// What each model generated.
    generated: Vec<StageId>,
}

/// A trained model in its stage.
pub(crate) struct Member {
    stage: Stage,
    /// None of a learner that takes no steps.
    record: Option<Record>,
}

/// The models of a generation: more than one where members pool their documents.
pub(crate) struct Models {
    members: Vec<Member>,
    /// Whether the weights of an ancestor that began this training had learnt from human text; none if all were new.
    start_saw_human: Option<bool>,
    /// The same of the ancestor that the weights were averaged with.
    average_saw_human: Option<bool>,
}

/// The versions of the code that fills the stages of an arm's chains.
pub(crate) fn versions(arm: &Arm) -> BTreeMap<StageKind, u32> {
    let (train, generate) = match &arm.learner {
        Settings::Transformer(_) => (train::VERSION, generate::VERSION),
        Settings::NGram(_) | Settings::Oracle(_) => (counting::VERSION, counting::VERSION),
        Settings::Exact(_) => (0, 0),
    };
    BTreeMap::from([
        (StageKind::Prepare, crate::human::VERSION),
        (StageKind::Judge, judge::VERSION),
        (StageKind::Compose, compose::VERSION),
        (StageKind::Train, train),
        (StageKind::Generate, generate),
        (StageKind::Pool, generate::POOL_VERSION),
        (StageKind::Score, score::VERSION),
    ])
}

/// One model's place: its generation and its number among the members.
#[derive(Clone, Copy)]
struct Place {
    generation: u32,
    member: usize,
}

/// What a text learner does in its own way. An implementation for each variant of [`Settings`] that learns text.
trait TextLearner {
    /// Trains a model of the generation, or finds it.
    fn train(
        &self,
        chain: (&Setup<'_>, &History, &Draft),
        set: &TrainingSet,
        place: Place,
        compose: &StageId,
    ) -> Result<Member, Stop>;

    /// The version of the code that [`fill_generate`](Self::fill_generate) runs.
    fn generate_version(&self) -> u32;

    /// Fills a generate stage with `budget` tokens of what the model generates.
    fn fill_generate(
        &self,
        chain: (&Setup<'_>, &History),
        model: &Stage,
        place: Place,
        budget: u64,
        folder: &Path,
    ) -> Result<(), Error>;

    /// What is measured of the models and of what they generated that depends on what the learner is. May leave files
    /// in the score stage.
    fn measure(
        &self,
        setup: &Setup<'_>,
        history: &mut History,
        finished: &Finished<'_, Draft, Models>,
        folder: &Path,
    ) -> Result<Vec<Measure>, Error>;
}

impl<'a> TextChain<'a> {
    /// A chain of which nothing is made yet.
    pub(crate) fn new(setup: Setup<'a>) -> Self {
        Self { setup, history: History::default() }
    }

    /// Ends the chain in a generation, and writes down why.
    pub(crate) fn end(&self, generation: Generation<Draft>, reason: String) -> Stop {
        self.setup.end(generation.number, generation.state, reason)
    }
}

impl Setup<'_> {
    /// The learner of the arm.
    ///
    /// # Panics
    /// If it is an exact one: those have no text, and no chain of this kind is made of them.
    fn learner(&self) -> &dyn TextLearner {
        match &self.arm.learner {
            Settings::Transformer(transformer) => transformer,
            Settings::NGram(ngram) => ngram,
            Settings::Oracle(oracle) => oracle,
            Settings::Exact(exact) => unreachable!("{} has no text", exact.model.kind()),
        }
    }

    fn streams(&self) -> Streams {
        Streams::new(self.stages.chain().seed)
    }

    /// The streams of one member's weights, windows and draws: the seed's for the first, so that it is the model of a chain
    /// of one, and for the others those of a seed made from the seed and the member.
    fn streams_of(&self, member: usize) -> Streams {
        let seed = self.stages.chain().seed;
        if member == 0 { self.streams() } else { Streams::new(item_of_name(&format!("{seed}/member-{member}"))) }
    }

    /// The token that separates documents.
    fn separator(&self) -> u32 {
        self.run.human.tokenizer.separator()
    }

    /// The work of filling a stage; `share` is its part of the cost of the generation's stages of its kind.
    fn work(&self, kind: StageKind, version: u32, generation: u32, share: f64) -> Work {
        let cost = self.costs.generations[generation as usize].cost(kind) * share;
        Work { kind, version, generation, cost }
    }

    /// The same for one of the arm's members, who take turns.
    fn work_of_member(&self, kind: StageKind, version: u32, generation: u32) -> Work {
        self.work(kind, version, generation, 1.0 / f64::from(self.arm.members()))
    }

    /// Finds a stage, or makes it on the device. If the device fails in it, the error is one line and the stage is not there.
    /// When the work is done or has failed, the device's memory is free for work of another kind.
    fn stage(
        &self,
        work: Work,
        key: &impl serde::Serialize,
        fill: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<Stage, Stop> {
        let found = self.stages.find_or_make(work, key, |folder| {
            let done = ops::caught(|| fill(folder)).unwrap_or_else(|failure| {
                let (chain, Work { kind, generation, .. }, advice) = (self.stages.chain(), work, failure.advice());
                Err(Error::Work(format!("{chain}, generation {generation}: {kind}: {failure}; {advice}")))
            });
            ops::memory::release(&self.run.device.device());
            done
        });
        found.map_err(|not_made| match not_made {
            NotMade::Missing { generation } => Stop::Missing(generation),
            NotMade::Failed(error) => Stop::Error(error),
        })
    }

    /// Notes a stage in the draft. Ends the chain, and writes that down, if the stage says that it cannot go on.
    fn reached(&self, stage: &Stage, generation: &mut Generation<Draft>) -> Result<(), Stop> {
        let draft = &mut generation.state;
        match stage.id().kind() {
            StageKind::Judge => draft.verdicts.push(*stage.id()),
            kind => drop(draft.stages.entry(kind).or_insert(*stage.id())),
        }
        match std::fs::read_to_string(stage.path().join(FAILURE)) {
            Ok(reason) => Err(self.end(generation.number, std::mem::take(draft), reason)),
            Err(_) => Ok(()),
        }
    }

    fn end(&self, generation: u32, draft: Draft, reason: String) -> Stop {
        let record = GenerationRecord::failed(&reason, draft.stages.into_values()).with_verdicts(draft.verdicts);
        let record = record.with_versions(versions(self.arm));
        match self.stages.dir().write_generation(self.stages.chain(), generation, &record) {
            Ok(()) => Stop::Failed(reason),
            Err(error) => error.into(),
        }
    }
}

impl History {
    /// What the generation that is being scored generated.
    fn last(&self) -> &Corpus {
        self.corpora.last().expect("a generation is scored after it has generated")
    }

    /// A document as generations read it, with its tokens and whether these are truncated.
    fn read<'d>(&'d self, setup: &'d Setup<'_>, entry: &Entry) -> (&'d Document, &'d [u32], bool) {
        let (documents, tokens): (&[Document], &TokenSet) = match entry.generation {
            None => (&setup.seed.texts.documents, &setup.seed.texts.tokens),
            Some(generation) => self.corpora[generation as usize].read(),
        };
        (&documents[entry.index], tokens.ids(entry.index), tokens.truncated(entry.index))
    }
}

impl Draft {
    /// The same, as a defence left it.
    fn read<'d>(
        &'d self,
        (setup, history): (&'d Setup<'_>, &'d History),
        entry: &Entry,
    ) -> (&'d Document, &'d [u32], bool) {
        match self.edited.get(&entry.id) {
            Some(edited) => (&edited.document, &edited.ids, edited.document.truncated),
            None => history.read(setup, entry),
        }
    }
}

impl Learner for TextChain<'_> {
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
        let mut members = Vec::new();
        for member in 0..setup.arm.members() as usize {
            let place = Place { generation: generation.number, member };
            let trained = setup.learner().train((setup, history, &generation.state), set, place, compose.id())?;
            setup.reached(&trained.stage, generation)?;
            members.push(trained);
        }
        let saw_human = |ancestor: u32| history.models[ancestor as usize].saw_human;
        let train = setup.arm.train();
        let start_saw_human = train.and_then(|train| train.start.parent(generation.number)).map(saw_human);
        let average_saw_human = train.and_then(|train| train::averaged_with(train, generation.number)).map(saw_human);
        let saw_human =
            set.totals.human_share() > 0.0 || start_saw_human == Some(true) || average_saw_human == Some(true);
        let models = members.iter().map(|member| member.stage.clone()).collect();
        self.history.models.push(Ancestor { models, saw_human });
        Ok(Models { members, start_saw_human, average_saw_human })
    }

    fn generate(
        &mut self,
        generation: &mut Generation<Draft>,
        models: &Models,
        budget: u64,
    ) -> Result<Vec<Entry>, Stop> {
        let corpus = generate::corpus(&self.setup, &self.history, generation, models, budget)?;
        let entries = corpus.entries(generation.number, self.setup.config.context);
        self.history.corpora.push(corpus);
        Ok(entries)
    }

    fn score(&mut self, finished: Finished<'_, Draft, Models>) -> Result<(), Stop> {
        score::finish(&self.setup, &mut self.history, finished)
    }
}

/// The weights of a train stage, which must be as they were sealed.
fn weights(stage: &Stage) -> Result<Weights, Error> {
    stage.verify()?;
    Weights::load(&stage.path().join("model")).map_err(Error::work)
}

/// Does a part of a stage's work, and tells the log how long it took.
fn timed<T>(part: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    tracing::debug!(part, seconds = start.elapsed().as_secs_f64(), "done");
    result
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain values are JSON")
}

fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Work(format!("{}: {e}", path.display())))?;
    serde_json::from_str(&text).map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}
