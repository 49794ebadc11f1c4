//! The transformer as a learner of the loop, through stages that are found or made; in its place, learners of text that
//! count.

mod judge;
mod score;
mod seen;
mod target;
mod tells;
mod text;
mod train;
mod write;

pub(crate) use judge::{Judged, is_judged};
pub(crate) use target::can_begin;
pub(crate) use write::Corpus;

use crate::cost::ChainPlan;
use crate::human::{hex, write_documents};
use crate::reader::{ReadOnce, Reader};
use crate::scoring::positions;
use crate::seed::Seed;
use crate::{Arm, Error, Event, Human, Observer, Plant, plant};
use chain::{Decision, Entry, Learner, Source, TrainingSet};
use corpus::Document;
use model::{ModelConfig, Weights};
use ops::device::Chosen;
use rundir::{ChainId, GenerationRecord, RunDir, Stage, StageId, StageKind};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;
use streams::{Streams, item_of_name};
use training::{Record, Settings};

/// Counts up when a generation is made or measured otherwise: then stages of before are scored again, and records of before do
/// not speak for their chains.
pub(crate) const RULES: u32 = 6;

/// In the stage of a model whose numbers ran away: why.
const FAILURE: &str = "failure.txt";

/// Why a chain stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The model's numbers ran away: a result.
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

/// One chain of transformers, or of the learner in their place that the arm's `model` names.
pub(crate) struct Transformers<'a> {
    pub(crate) run: &'a RunDir,
    pub(crate) human: &'a Human,
    pub(crate) arm: &'a Arm,
    pub(crate) chain: ChainId,
    pub(crate) config: ModelConfig,
    pub(crate) train: Settings,
    pub(crate) device: &'a Chosen,
    /// Facts that a generation is asked for.
    pub(crate) questions: Option<usize>,
    pub(crate) plan: &'a ChainPlan,
    pub(crate) seed: &'a Seed,
    pub(crate) observer: &'a dyn Observer,
    /// Generations below this one must be there already.
    pub(crate) first: u32,
    /// Makes a stage, or waits until another job has made it.
    pub(crate) make: &'a (dyn Fn(&StageId, Make) -> Result<Stage, Error> + Sync),
    /// Stages of the generation that is being made.
    pub(crate) stages: RefCell<BTreeMap<StageKind, StageId>>,
    /// What generations wrote so far.
    pub(crate) written: RefCell<Vec<Rc<Corpus>>>,
    /// The models of generations so far.
    pub(crate) trained: RefCell<Vec<Ancestor>>,
    /// What defences said about what the generation that is being made is trained on.
    pub(crate) judged: RefCell<Judged>,
    /// What the run's generations 0 make of human text.
    pub(crate) read_once: &'a ReadOnce,
    /// Generation 0's model and what it makes of human text, once it was asked.
    pub(crate) reader: OnceCell<Reader>,
    /// Generation 1's tells, once they were asked for.
    pub(crate) first_tells: OnceCell<Vec<String>>,
}

/// The models of a generation, as far as later ones may begin with them.
pub(crate) struct Ancestor {
    models: Vec<Stage>,
    /// Whether these weights have learnt from human text, or began with weights that have.
    saw_human: bool,
}

/// Fills a stage's folder.
pub(crate) type Make<'m> = &'m mut dyn FnMut(&Path) -> Result<(), Error>;

/// A trained model, in its stage.
pub(crate) struct Member {
    stage: Stage,
    /// None of a learner that takes no steps.
    record: Option<Record>,
    /// What it wrote, once it has.
    written: Cell<Option<StageId>>,
}

/// The model of a generation; more than one where members pool their text.
pub(crate) struct Trained {
    members: Vec<Member>,
    /// Whether weights of an ancestor that began this training had learnt from human text; none if all were new.
    anchor: Option<bool>,
    /// The same of the ancestor that the weights were averaged with.
    averaged: Option<bool>,
}

#[derive(Serialize)]
struct ComposeKey<'a> {
    prepare: &'a StageId,
    set: &'a TrainingSet,
    /// SHA-256 of the written texts, if there are such: their ids name the model that wrote them, and not the sampler, prompts
    /// or target. Human text is named by `prepare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// What was planted by now; the planted documents have ids of their own in the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    plant: Option<&'a Plant>,
    /// The verdicts that edited documents of the set; they have ids of their own in it, too. What a verdict only drops,
    /// weighs or repeats is in the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<&'a [StageId]>,
}

impl Transformers<'_> {
    fn streams(&self) -> Streams {
        Streams::new(self.chain.seed)
    }

    /// The streams of one member's weights, windows and draws: the seed's for the first, so that it is the model of a chain
    /// of one, and for the others those of a seed made from the seed and the member.
    fn streams_of(&self, member: usize) -> Streams {
        let seed = self.chain.seed;
        if member == 0 { self.streams() } else { Streams::new(item_of_name(&format!("{seed}/member-{member}"))) }
    }

    fn members(&self) -> usize {
        self.arm.members as usize
    }

    /// What was planted before this generation was trained.
    fn planted_by(&self, generation: u32) -> Option<&Plant> {
        self.arm.plant.as_ref().filter(|plant| plant.generation <= generation)
    }

    /// A document as generations read it.
    fn document(&self, entry: &Entry, see: &mut dyn FnMut(&Document)) {
        if let Some(edited) = self.judged.borrow().edited.get(&entry.id) {
            return see(&edited.document);
        }
        match entry.generation {
            None => see(&self.seed.texts.documents[entry.index]),
            Some(g) => see(&self.written.borrow()[g as usize].read().0[entry.index]),
        }
    }

    /// SHA-256 of the texts of a training set that models wrote; none if there are none.
    fn hash_of_written(&self, set: &TrainingSet) -> Option<String> {
        let mut written = set.documents.iter().filter(|pick| pick.entry.generation.is_some()).peekable();
        written.peek()?;
        let mut hash = Sha256::new();
        for pick in written {
            self.document(&pick.entry, &mut |document| {
                hash.update((document.text.len() as u64).to_le_bytes());
                hash.update(document.text.as_bytes());
                hash.update([u8::from(document.truncated)]);
            });
        }
        Some(hex(hash))
    }

    fn working(&self, generation: u32, kind: StageKind, done: f64, note: String) {
        // Members of a generation take turns at training and writing.
        let turns = if matches!(kind, StageKind::Train | StageKind::Write) { self.arm.members } else { 1 };
        let cost = self.plan.generations[generation as usize].cost(kind) / f64::from(turns);
        self.observer.event(Event::Working { chain: self.chain.to_string(), generation, kind, done, cost, note });
    }

    /// Finds a stage or makes it, and says so; `share` is its part of the cost of the generation's stages of its kind.
    fn stage(
        &self,
        kind: StageKind,
        generation: u32,
        key: &impl Serialize,
        share: f64,
        fill: &mut dyn FnMut(&Path) -> Result<(), Error>,
    ) -> Result<Stage, Stop> {
        let id = StageId::of(kind, key)?;
        let found = self.run.find(&id)?;
        let made = found.is_none();
        let stage = match found {
            Some(stage) => stage,
            None if generation < self.first => return Err(Stop::Missing(generation)),
            None => (self.make)(&id, &mut |folder| self.at_the_border(kind, generation, || fill(folder)))?,
        };
        self.stages.borrow_mut().insert(kind, id);
        let cost = self.plan.generations[generation as usize].cost(kind) * share;
        self.observer.event(Event::Finished { chain: self.chain.to_string(), generation, kind, made, cost });
        Ok(stage)
    }

    /// Does a stage's work. If the device fails in it, that is one line, and the stage is not there; when the work is done or has
    /// failed, the device's memory is free for work of another kind.
    fn at_the_border(
        &self,
        kind: StageKind,
        generation: u32,
        work: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let done = ops::caught(work).unwrap_or_else(|failure| {
            let (chain, advice) = (&self.chain, failure.advice());
            Err(Error::Work(format!("{chain}, generation {generation}: {kind}: {failure}; {advice}")))
        });
        ops::memory::release(&self.device.device());
        done
    }

    /// Ends the chain, and writes that down, if this stage says that the model's numbers ran away.
    fn end_if_failed(&self, stage: &Stage, generation: u32) -> Result<(), Stop> {
        match std::fs::read_to_string(stage.path().join(FAILURE)) {
            Ok(reason) => Err(self.end(generation, reason)),
            Err(_) => Ok(()),
        }
    }

    /// Ends the chain in this generation and writes down why: a result like any other.
    pub(crate) fn end(&self, generation: u32, reason: String) -> Stop {
        let record = GenerationRecord::failed(&reason, self.stages.take().into_values())
            .with_verdicts(self.judged.take().stages)
            .by_rules(RULES);
        match self.run.write_generation(&self.chain, generation, &record) {
            Ok(()) => Stop::Failed(reason),
            Err(error) => error.into(),
        }
    }
}

impl Learner for &Transformers<'_> {
    type Model = Trained;
    type Error = Stop;

    fn judge(&mut self, source: Source, offered: &[&Entry], generation: u32) -> Result<Vec<Decision>, Stop> {
        self.decide(source, offered, generation)
    }

    fn train(&mut self, set: &TrainingSet, generation: u32) -> Result<Trained, Stop> {
        self.stages.replace(BTreeMap::from([(StageKind::Prepare, self.human.id)]));
        let planted = self.planted_by(generation);
        let judged = self.judged.borrow();
        let is_edited = set.documents.iter().any(|pick| judged.edited.contains_key(&pick.entry.id));
        let edited = is_edited.then_some(&judged.stages[..]);
        let key = ComposeKey { prepare: &self.human.id, set, text: self.hash_of_written(set), plant: planted, edited };
        let compose = self.stage(StageKind::Compose, generation, &key, 1.0, &mut |folder| {
            if planted.is_some_and(|plant| plant.generation == generation) {
                let mut documents = Vec::new();
                for pick in set.documents.iter().filter(|pick| plant::is_planted(&pick.entry.id)) {
                    self.document(&pick.entry, &mut |document| documents.push(document.clone()));
                }
                write_documents(&folder.join("planted.jsonl.zst"), &documents)?;
            }
            if is_edited {
                let ids: BTreeSet<&String> = set.documents.iter().map(|pick| &pick.entry.id).collect();
                let documents = judged.edited.iter().filter(|(id, _)| ids.contains(id));
                let documents: Vec<Document> = documents.map(|(_, edited)| edited.document.clone()).collect();
                write_documents(&folder.join("edited.jsonl.zst"), &documents)?;
            }
            write_file(&folder.join("training-set.json"), &json(set))
        })?;
        drop(judged);
        let members = (0..self.members())
            .map(|member| match &self.arm.model.learner {
                None => self.train_member(set, (generation, member), compose.id()),
                Some(learner) => self.learn(learner, set, generation, compose.id()),
            })
            .collect::<Result<Vec<_>, Stop>>()?;
        self.stages.borrow_mut().insert(StageKind::Train, *members[0].stage.id());
        let saw_human = |ancestor: u32| self.trained.borrow()[ancestor as usize].saw_human;
        let anchor = self.train.start.parent(generation).map(saw_human);
        let averaged = self.averaged_with(generation).map(saw_human);
        self.trained.borrow_mut().push(Ancestor {
            models: members.iter().map(|member| member.stage.clone()).collect(),
            saw_human: set.totals.human_share() > 0.0 || anchor == Some(true) || averaged == Some(true),
        });
        Ok(Trained { members, anchor, averaged })
    }

    fn write(&mut self, model: &Trained, generation: u32, budget: u64) -> Result<Vec<Entry>, Stop> {
        let of_all = self.members() as u64;
        // Whole tokens that add up to the budget.
        let share = |member: u64| budget * (member + 1) / of_all - budget * member / of_all;
        let mut parts = Vec::new();
        for (number, member) in model.members.iter().enumerate() {
            parts.push(self.write_member(member, (generation, number), share(number as u64))?);
        }
        let stage = if parts.len() > 1 { self.pool(&parts, generation)? } else { parts.remove(0) };
        let mut corpus = Corpus::open(&stage)?;
        if let Some(plant) = self.arm.plant.as_ref().filter(|plant| plant.generation == generation + 1) {
            let among: Vec<(usize, &Document)> = corpus.documents.iter().enumerate().collect();
            let tokenizer = &self.human.tokenizer;
            let chosen = plant.choose(&among, tokenizer, self.config.context, &self.streams());
            corpus.planted = Some(plant::replaced(&corpus.documents, &chosen, tokenizer));
        }
        let (documents, tokens) = corpus.read();
        let entry = |(index, document): (usize, &Document)| Entry {
            id: document.id.clone(),
            generation: Some(generation),
            index,
            size: positions(tokens, index, self.config.context),
        };
        let entries = documents.iter().enumerate().map(entry).collect();
        self.written.borrow_mut().push(Rc::new(corpus));
        Ok(entries)
    }
}

/// The weights of a train stage, which must be as they were sealed.
fn weights(stage: &Stage) -> Result<Weights, Error> {
    stage.verify()?;
    Weights::load(&stage.path().join("model")).map_err(Error::work)
}

/// Does what a generation is there for, and tells the log how long it took: what else a chain takes is to be next to nothing.
fn timed<T>(part: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    tracing::debug!(part, seconds = start.elapsed().as_secs_f64(), "done");
    result
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values are JSON")
}

fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Work(format!("{}: {e}", path.display())))?;
    serde_json::from_str(&text).map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}
