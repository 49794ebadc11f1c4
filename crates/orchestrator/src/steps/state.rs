//! State of a chain: its setup, and what its steps leave.

use super::corpus::Corpus;
use crate::baselines::Baselines;
use crate::cost::ChainPlan;
use crate::human_tokens::{Documents, Given};
use crate::reader::{Reader, ReadingCache};
use crate::seed::Seed;
use crate::{Error, Human, Measures};
use chain::{ByGeneration, Entry, Generation};
use corpus::{Document, TokenSet};
use evaluation::Measure;
use experiment::{Arm, ScoreSettings};
use model::{ModelConfig, Weights};
use ops::device::Chosen;
use rundir::{ChainStages, Checkpoint, GenerationRecord, MadeFrom, NotMade, Stage, StageId, StageKind, Work};
use std::collections::BTreeMap;
use std::path::Path;
use streams::{Streams, item_of_name};
use training::Record;

/// In a stage that came to the end of its chain: the reason, in one line.
pub(super) const FAILURE: &str = "failure.txt";

/// Why a chain stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The chain cannot go on: a result like any other (a loss that is not finite, documents that are not enough).
    Failed(String),
    /// The generation is not to be made now.
    Missing(u32),
    /// The work was interrupted: its stage is not there, and what it has done so far is in its checkpoint.
    Interrupted,
    /// Something went wrong.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        match error.into() {
            Error::Interrupted => Self::Interrupted,
            error => Self::Error(error),
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::Missing(generation) => write!(f, "generation {generation} is not there yet"),
            Self::Interrupted => write!(f, "{}", Error::Interrupted),
            Self::Error(error) => write!(f, "{error}"),
        }
    }
}

/// State that the chains of a run share.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) human: &'a Human,
    pub(crate) device: &'a Chosen,
    /// Facts of a world that every generation is asked for; all if none.
    pub(crate) questions: Option<usize>,
    /// How often models read generated documents, and the generations of a chain.
    pub(crate) score: ScoreSettings,
    pub(crate) generations: u32,
    /// Readings of human documents by the run's models of generation 0.
    pub(crate) reading_cache: &'a ReadingCache,
}

/// The setup of one chain. Nothing of it changes while the chain runs.
pub(crate) struct Setup<'a> {
    pub(crate) run: Shared<'a>,
    pub(crate) arm: &'a Arm,
    pub(crate) configs: &'a ByGeneration<ModelConfig>,
    pub(crate) seed: &'a Seed,
    pub(crate) costs: &'a ChainPlan,
    /// What its generations are made from.
    pub(crate) made_from: &'a MadeFrom,
    /// By generation, whether its weights are needed to make what is not there yet; those of later ones are.
    pub(crate) weights_needed: Vec<bool>,
    pub(crate) stages: ChainStages<'a>,
}

/// The history of a chain: its generations so far.
pub(super) struct History {
    /// What each generation has generated.
    pub(super) corpora: Vec<Corpus>,
    /// What people gave it after generation 0.
    pub(super) given: Given,
    /// The models of each generation.
    pub(super) models: Vec<Ancestor>,
    /// What its medium measures of it.
    pub(super) measures: Box<dyn Measures>,
    /// Generation 0's model and what it makes of human documents, once it was needed.
    pub(super) reader: Option<Reader>,
    /// The baselines that generation 0 was scored with.
    pub(super) baselines: Option<Baselines>,
    /// Whether the last generation's test loss was above that of token frequencies.
    pub(super) above_unigram: bool,
}

/// The models of a generation, as far as later ones may begin with them.
pub(super) struct Ancestor {
    pub(super) models: Vec<Stage>,
    /// The human documents that these weights have learnt from, those included that the weights had which they began with or
    /// were averaged with.
    pub(super) human: Documents,
}

/// Intermediate state of a generation, for its later steps.
#[derive(Default)]
pub(crate) struct Draft {
    /// The stages so far, one of each kind: of several models the first one's.
    pub(super) stages: BTreeMap<StageKind, StageId>,
    /// The verdicts, one for each source that was judged, and what was measured while judging.
    pub(super) verdicts: Vec<StageId>,
    pub(super) judged: Vec<Measure>,
    /// The documents that were judged.
    pub(super) offered: Vec<Entry>,
    /// Documents whose tokens a defence changed, by their ids.
    pub(super) edited: BTreeMap<String, Edited>,
    /// What each model generated.
    pub(super) generated: Vec<StageId>,
}

/// A document whose tokens were changed.
pub(super) struct Edited {
    /// Its content and origin; its truncation is that of its tokens.
    pub(super) document: Document,
    /// The tokens that are trained on, which its content may not encode to.
    pub(super) ids: Vec<u32>,
}

impl Edited {
    /// Positions that it takes in a window: as many as before, but where tokens were dropped.
    pub(super) fn size(&self, context: usize) -> u64 {
        (self.ids.len() + usize::from(!self.document.truncated)).min(context) as u64
    }
}

/// A trained model in its stage.
pub(crate) struct Member {
    pub(super) stage: Stage,
    /// None of a learner that takes no steps.
    pub(super) record: Option<Record>,
}

/// The models of a generation: more than one where members pool their documents.
pub(crate) struct Models {
    pub(super) members: Vec<Member>,
    /// True if the weights of an ancestor that began this training had learnt from human documents; none if all were new.
    pub(super) start_saw_human: Option<bool>,
    /// The same of the ancestor that the weights were averaged with.
    pub(super) average_saw_human: Option<bool>,
    /// The human documents that these ancestors have learnt from.
    pub(super) ancestors: Documents,
}

/// One model's place: its generation and its number among the members.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) generation: u32,
    pub(super) member: usize,
}

impl Setup<'_> {
    pub(super) fn streams(&self) -> Streams {
        Streams::new(self.stages.chain().seed)
    }

    /// The streams of one member's weights, windows and draws: the seed's for the first, so that it is the model of a chain
    /// of one, and for the others those of a seed made from the seed and the member.
    pub(super) fn streams_of(&self, member: usize) -> Streams {
        let seed = self.stages.chain().seed;
        if member == 0 { self.streams() } else { Streams::new(item_of_name(&format!("{seed}/member-{member}"))) }
    }

    /// Positions of a window.
    pub(super) fn context(&self) -> usize {
        self.configs.at(0).context
    }

    /// True if models read what this generation generated.
    pub(super) fn reads(&self, generation: u32) -> bool {
        self.run.score.reads(generation, self.run.generations)
    }

    /// The token that separates documents.
    pub(super) fn separator(&self) -> u32 {
        self.run.human.codec.separator()
    }

    /// The work of filling a stage; `share` is its part of the cost of the generation's stages of its kind.
    pub(super) fn work(&self, kind: StageKind, version: u32, generation: u32, share: f64) -> Work {
        let cost = self.costs.generations[generation as usize].cost(kind) * share;
        let whole = kind != StageKind::Train || self.weights_needed.get(generation as usize) != Some(&false);
        Work { kind, version, generation, cost, whole }
    }

    /// The same for one of the arm's members, who take turns.
    pub(super) fn work_of_member(&self, kind: StageKind, version: u32, generation: u32) -> Work {
        self.work(kind, version, generation, 1.0 / f64::from(self.arm.members()))
    }

    /// Finds a stage, or makes it on the device. If the device fails in it, the error is one line and the stage is not there.
    /// Nor is it if the run is interrupted; what the checkpoint holds then is where the next attempt goes on. When the work is done or has failed, the device's memory is free for work of another kind.
    pub(super) fn stage(
        &self,
        work: Work,
        key: &impl serde::Serialize,
        fill: impl FnOnce(&Path, &mut Checkpoint) -> Result<(), Error>,
    ) -> Result<Stage, Stop> {
        let found = self.stages.find_or_make(work, key, |folder, checkpoint| {
            checkpoint.check()?;
            let done = ops::caught(|| fill(folder, checkpoint)).unwrap_or_else(|failure| {
                let (chain, Work { kind, generation, .. }, advice) = (self.stages.chain(), work, failure.advice());
                Err(Error::Work(format!("{chain}, generation {generation}: {kind}: {failure}; {advice}")))
            });
            ops::memory::release(&self.run.device.device());
            done
        });
        found.map_err(|not_made| match not_made {
            NotMade::Missing { generation } => Stop::Missing(generation),
            NotMade::Failed(error) => error.into(),
        })
    }

    /// Notes a stage in the draft. Ends the chain, and writes that down, if the stage says that it cannot go on.
    pub(super) fn reached(&self, stage: &Stage, generation: &mut Generation<Draft>) -> Result<(), Stop> {
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

    pub(super) fn end(&self, generation: u32, draft: Draft, reason: String) -> Stop {
        let record = GenerationRecord::failed(&reason, draft.stages.into_values()).with_verdicts(draft.verdicts);
        let record = record.with_made_from(self.made_from.clone());
        match self.stages.dir().write_generation(self.stages.chain(), generation, &record) {
            Ok(()) => Stop::Failed(reason),
            Err(error) => error.into(),
        }
    }
}

impl History {
    /// Of a chain that has none yet.
    pub(super) fn new(measures: Box<dyn Measures>) -> Self {
        let (corpora, given, models, above_unigram) = Default::default();
        Self { corpora, given, models, measures, reader: None, baselines: None, above_unigram }
    }

    /// What the generation that is being scored has generated.
    pub(super) fn last(&self) -> &Corpus {
        self.corpora.last().expect("a generation is scored after it has generated")
    }

    /// A document as generations read it, with its tokens and whether these are truncated.
    pub(super) fn read<'d>(&'d self, setup: &'d Setup<'_>, entry: &Entry) -> (&'d Document, &'d [u32], bool) {
        let (documents, tokens): (&[Document], &TokenSet) = match entry.generation {
            None => (&setup.seed.human.documents, &setup.seed.human.tokens),
            Some(generation) => self.corpora[generation as usize].read(),
        };
        (&documents[entry.index], tokens.ids(entry.index), tokens.truncated(entry.index))
    }
}

impl Draft {
    /// The same, as a defence left it.
    pub(super) fn read<'d>(
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

/// The weights of a train stage, which must be as they were sealed.
pub(super) fn weights(stage: &Stage) -> Result<Weights, Error> {
    if !stage.path().join("model/model.safetensors").exists() {
        return Err(Error::Gone(format!("{}/model", stage.id())));
    }
    stage.verify()?;
    Weights::load(&stage.path().join("model")).map_err(Error::work)
}
