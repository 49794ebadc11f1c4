//! The transformer as a learner of the loop, through stages that are found or made.

use crate::cost::ChainPlan;
use crate::human::{read_documents, write_documents};
use crate::scoring::Measured;
use crate::seed::Seed;
use crate::{Arm, Error, Event, Human, Observer, PromptFrom, Truth, scoring, truth};
use chain::{Entry, Learner, TrainingSet, Trip};
use corpus::{Document, Sampling, TokenSet, Windows};
use inference::{DecodeError, Prompts, WriteSettings};
use model::{ModelConfig, Weights};
use ops::device::Chosen;
use rundir::{ChainId, GenerationRecord, RunDir, Stage, StageId, StageKind};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;
use streams::{Purpose, Streams};
use training::{Record, TrainError};

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

/// One chain of transformers.
pub(crate) struct Transformers<'a> {
    pub(crate) run: &'a RunDir,
    pub(crate) human: &'a Human,
    pub(crate) arm: &'a Arm,
    pub(crate) chain: ChainId,
    pub(crate) config: ModelConfig,
    pub(crate) train: training::Settings,
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
}

/// Fills a stage's folder.
pub(crate) type Make<'m> = &'m mut dyn FnMut(&Path) -> Result<(), Error>;

/// A trained model, in its stage.
pub(crate) struct Trained {
    stage: Stage,
    record: Record,
}

/// What a generation wrote.
pub(crate) struct Corpus {
    stage: StageId,
    documents: Vec<Document>,
    tokens: TokenSet,
    reencoded: Vec<bool>,
}

#[derive(Serialize)]
struct ComposeKey<'a> {
    prepare: &'a StageId,
    set: &'a TrainingSet,
}

#[derive(Serialize)]
struct TrainKey<'a> {
    compose: &'a StageId,
    model: &'a ModelConfig,
    train: &'a training::Settings,
    seed: u64,
    generation: u32,
    device: &'static str,
}

#[derive(Serialize)]
struct WriteKey<'a> {
    train: &'a StageId,
    sampling: &'a Sampling,
    budget: u64,
    prompt: PromptFrom,
    prompt_tokens: Option<usize>,
    prompts: Option<StageId>,
    seed: u64,
    generation: u32,
}

#[derive(Serialize)]
struct ScoreKey<'a> {
    prepare: &'a StageId,
    compose: &'a StageId,
    train: &'a StageId,
    write: &'a StageId,
    equal_words: usize,
    draws: u32,
    questions: Option<usize>,
}

impl Transformers<'_> {
    fn streams(&self) -> Streams {
        Streams::new(self.chain.seed)
    }

    fn working(&self, generation: u32, kind: StageKind, done: f64, note: String) {
        self.observer.event(Event::Working { chain: self.chain.to_string(), generation, kind, done, note });
    }

    /// Finds a stage or makes it, and says so.
    fn stage(
        &self,
        kind: StageKind,
        generation: u32,
        key: &impl Serialize,
        fill: &mut dyn FnMut(&Path) -> Result<(), Error>,
    ) -> Result<Stage, Stop> {
        let id = StageId::of(kind, key)?;
        let found = self.run.find(&id)?;
        let made = found.is_none();
        let stage = match found {
            Some(stage) => stage,
            None if generation < self.first => return Err(Stop::Missing(generation)),
            None => (self.make)(&id, fill)?,
        };
        self.stages.borrow_mut().insert(kind, id);
        let cost = self.plan.generations[generation as usize].cost(kind);
        self.observer.event(Event::Finished { chain: self.chain.to_string(), generation, kind, made, cost });
        Ok(stage)
    }

    /// Ends the chain, and writes that down, if this stage says that the model's numbers ran away.
    fn end_if_failed(&self, stage: &Stage, generation: u32) -> Result<(), Stop> {
        let Ok(reason) = std::fs::read_to_string(stage.path().join(FAILURE)) else { return Ok(()) };
        let record = GenerationRecord::failed(&reason, self.stages.take().into_values());
        self.run.write_generation(&self.chain, generation, &record)?;
        Err(Stop::Failed(reason))
    }

    /// Training windows, and windows of documents that are held out of the same mixture.
    fn windows(&self, set: &TrainingSet, generation: u32) -> (Windows, Option<Windows>) {
        let count = set.documents.len();
        let held_out = (self.train.validation * count as f64).round() as usize;
        // Drawn from the recipe's stream with an item that no source has.
        let order = self.streams().stream(Purpose::Recipe, generation, u64::MAX).permutation(count);
        let mut is_held_out = vec![false; count];
        order.iter().take(held_out.min(count.saturating_sub(1))).for_each(|&index| is_held_out[index] = true);
        let written = self.written.borrow();
        let tokens = |entry: &Entry| {
            let set = entry.generation.map_or(&self.seed.texts.tokens, |g| &written[g as usize].tokens);
            (set.ids(entry.index), set.truncated(entry.index))
        };
        let pick = |wanted: bool| {
            let documents = set.documents.iter().zip(&is_held_out).filter(move |(_, held)| **held == wanted);
            corpus::pack(
                documents.map(|(pick, _)| {
                    let (ids, truncated) = tokens(&pick.entry);
                    (ids, truncated, 1.0)
                }),
                self.config.context,
                self.human.tokenizer.separator(),
            )
        };
        let validation = pick(true);
        (pick(false), (!validation.is_empty()).then_some(validation))
    }

    fn fill_train(&self, set: &TrainingSet, generation: u32, folder: &Path) -> Result<(), Error> {
        let (windows, validation) = self.windows(set, generation);
        let start = Weights::initialise(&self.config, &self.streams(), generation);
        let mut progress = |p: training::Progress| {
            self.working(generation, StageKind::Train, p.step as f64 / p.steps as f64, format!("loss {:.3}", p.loss));
        };
        let device = self.device.device();
        let streams = self.streams();
        let held_out = validation.as_ref();
        let trained = timed("training", || {
            training::train(start, &windows, held_out, &self.train, &streams, generation, &device, &mut progress)
        });
        match trained {
            Ok(trained) => {
                let model = folder.join("model");
                std::fs::create_dir(&model).map_err(Error::work)?;
                trained.weights.save(&model).map_err(Error::work)?;
                self.human.tokenizer.save(&model.join("tokenizer.json")).map_err(Error::work)?;
                let lines: Vec<String> = trained.log.iter().map(json).collect();
                write_file(&folder.join("train.jsonl"), &(lines.join("\n") + "\n"))?;
                write_file(&folder.join("record.json"), &json(&trained.record))
            }
            Err(error @ TrainError::NotFinite { .. }) => write_file(&folder.join(FAILURE), &error.to_string()),
        }
    }

    fn fill_write(&self, model: &Stage, generation: u32, budget: u64, folder: &Path) -> Result<(), Error> {
        let weights = weights(model)?;
        let last = self.written.borrow().last().cloned();
        let prompt = self.arm.sample.prompt_tokens;
        let prompts = match (self.arm.sample.prompt, &last) {
            (PromptFrom::None, _) => Prompts::Unprompted,
            (PromptFrom::Latest, Some(last)) if !has_prompts(&last.tokens, prompt) => {
                let reason = format!("writing: the last generation wrote no document of {prompt} tokens to begin with");
                return write_file(&folder.join(FAILURE), &reason);
            }
            (PromptFrom::Latest, Some(last)) => Prompts::Documents { documents: &last.documents, tokens: prompt },
            // Generation 0 has nobody before it but humans.
            _ => Prompts::Documents { documents: &self.seed.texts.documents, tokens: prompt },
        };
        let chain = model.id().to_string();
        let settings = WriteSettings {
            sampling: &self.arm.sample.sampling(),
            streams: self.streams(),
            generation,
            chain: &chain,
            budget,
            prompts,
            slots: inference::slots(&self.config, self.device),
        };
        let mut told = 0;
        let mut progress = |tokens: u64| {
            if tokens > told + budget / 50 {
                told = tokens;
                let done = tokens as f64 / budget as f64;
                self.working(generation, StageKind::Write, done, format!("{tokens} tokens"));
            }
        };
        let written = timed("decoding", || {
            inference::write(&weights, &self.human.tokenizer, &settings, self.device, &mut progress)
        });
        let written = match written {
            Ok(written) => written,
            // The last step of a training run can break a model that no loss was taken of any more.
            Err(error @ DecodeError::Sample { .. }) => return write_file(&folder.join(FAILURE), &error.to_string()),
            Err(error) => return Err(Error::work(error)),
        };
        let documents: Vec<Document> = written.iter().map(|w| w.document.clone()).collect();
        let tokens = TokenSet::encode(&documents, &self.human.tokenizer);
        let reencoded: Vec<bool> =
            written.iter().enumerate().map(|(index, w)| w.ids.as_slice() != tokens.ids(index)).collect();
        write_documents(&folder.join("documents.jsonl.zst"), &documents)?;
        tokens.save(&folder.join("tokens.safetensors")).map_err(Error::work)?;
        write_file(&folder.join("reencoded.json"), &json(&reencoded))
    }

    /// The model's losses on the test set, and where the truth is known its distance from it.
    fn test(&self, weights: &Weights) -> Vec<Measured> {
        let losses = scoring::test_losses(weights, self.human, &self.device.device());
        let excess = self.human.truth.as_ref().map(|truth| truth.of_predictions(&losses));
        scoring::test_measures(&losses).into_iter().chain(excess.into_iter().flatten()).collect()
    }

    /// What the truth says of a model and of what it wrote.
    fn against(&self, truth: &Truth, weights: &Weights, corpus: &Corpus) -> Vec<Measured> {
        let (separator, device) = (self.human.tokenizer.separator(), self.device.device());
        let mut list = truth.of_knowledge(weights, &self.seed.stated, separator, &device);
        // Only what begins from nothing is drawn from the model alone.
        if self.arm.sample.prompt == PromptFrom::None {
            let budget = self.human.test.tokens.tokens() as u64;
            let (written, drawn) = ((&corpus.documents[..], &corpus.tokens), self.arm.sample.sampling());
            list.extend(truth.of_drawn(weights, written, (&drawn, budget), separator, &device));
        }
        list
    }

    /// Scores a generation and writes down its stages.
    pub(crate) fn finish(&self, trip: &Trip<'_, Trained>) -> Result<(), Stop> {
        let generation = trip.generation;
        let at = |kind| self.stages.borrow()[&kind];
        let key = ScoreKey {
            prepare: &self.human.id,
            compose: &at(StageKind::Compose),
            train: &at(StageKind::Train),
            write: &at(StageKind::Write),
            equal_words: scoring::EQUAL_WORDS,
            draws: scoring::DRAWS,
            questions: self.questions,
        };
        self.stage(StageKind::Score, generation, &key, &mut |folder| {
            self.working(generation, StageKind::Score, 0.0, String::new());
            let weights = weights(&trip.model.stage)?;
            let corpus = self.written.borrow().last().cloned().expect("this generation has written");
            let mut list = timed("scoring", || self.test(&weights));
            list.extend(scoring::written_measures(
                &corpus.documents,
                &corpus.tokens,
                &corpus.reencoded,
                &self.seed.reference,
            ));
            if let Some(known) = &self.human.truth {
                list.extend(timed("scoring against the truth", || self.against(known, &weights, &corpus)));
                let (measured, false_facts) = known.of_text(&corpus.documents);
                list.extend(measured);
                write_file(&folder.join(truth::FALSE_FACTS), &json(&false_facts))?;
            }
            list.extend(scoring::training_measures(trip.training, &trip.model.record));
            write_file(&folder.join("metrics.json"), &json(&list))
        })?;
        let stages = self.stages.take();
        self.run.write_generation(&self.chain, generation, &GenerationRecord::done(stages.into_values()))?;
        Ok(())
    }
}

impl Learner for &Transformers<'_> {
    type Model = Trained;
    type Error = Stop;

    fn train(&mut self, set: &TrainingSet, generation: u32) -> Result<Trained, Stop> {
        self.stages.replace(BTreeMap::from([(StageKind::Prepare, self.human.id)]));
        let key = ComposeKey { prepare: &self.human.id, set };
        let compose = self.stage(StageKind::Compose, generation, &key, &mut |folder| {
            write_file(&folder.join("training-set.json"), &json(set))
        })?;
        let key = TrainKey {
            compose: compose.id(),
            model: &self.config,
            train: &self.train,
            seed: self.chain.seed,
            generation,
            device: self.device.kind().name(),
        };
        let stage =
            self.stage(StageKind::Train, generation, &key, &mut |folder| self.fill_train(set, generation, folder))?;
        self.end_if_failed(&stage, generation)?;
        let record = read_json(&stage.path().join("record.json"))?;
        Ok(Trained { stage, record })
    }

    fn write(&mut self, model: &Trained, generation: u32, budget: u64) -> Result<Vec<Entry>, Stop> {
        let sample = &self.arm.sample;
        let prompted = sample.prompt != PromptFrom::None;
        let from_latest = sample.prompt == PromptFrom::Latest;
        let key = WriteKey {
            train: model.stage.id(),
            sampling: &sample.sampling(),
            budget,
            prompt: sample.prompt,
            prompt_tokens: prompted.then_some(sample.prompt_tokens),
            prompts: self.written.borrow().last().filter(|_| from_latest).map(|c| c.stage),
            seed: self.chain.seed,
            generation,
        };
        let stage = self.stage(StageKind::Write, generation, &key, &mut |folder| {
            self.fill_write(&model.stage, generation, budget, folder)
        })?;
        stage.verify()?;
        self.end_if_failed(&stage, generation)?;
        let corpus = Corpus {
            stage: *stage.id(),
            documents: read_documents(&stage.path().join("documents.jsonl.zst"))?,
            tokens: TokenSet::load(&stage.path().join("tokens.safetensors")).map_err(Error::work)?,
            reencoded: read_json(&stage.path().join("reencoded.json"))?,
        };
        let entry = |(index, document): (usize, &Document)| Entry {
            id: document.id.clone(),
            generation: Some(generation),
            index,
            size: scoring::positions(&corpus.tokens, index, self.config.context),
        };
        let entries = corpus.documents.iter().enumerate().map(entry).collect();
        self.written.borrow_mut().push(Rc::new(corpus));
        Ok(entries)
    }
}

/// The weights of a train stage, which must be as they were sealed.
fn weights(stage: &Stage) -> Result<Weights, Error> {
    stage.verify()?;
    Weights::load(&stage.path().join("model")).map_err(Error::work)
}

/// Whether some document has as many tokens as a prompt.
pub(crate) fn has_prompts(tokens: &TokenSet, prompt: usize) -> bool {
    (0..tokens.len()).any(|document| tokens.ids(document).len() >= prompt)
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
