//! Training a generation's models, or finding them.

use super::{FAILURE, Member, Stop, Transformers, json, read_json, timed, weights, write_file};
use crate::Error;
use crate::human::hex;
use crate::observe::note_once;
use chain::{Entry, TrainingSet};
use corpus::Windows;
use model::{ModelConfig, Weights};
use rundir::{Stage, StageId, StageKind};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::path::Path;
use streams::Purpose;
use training::{Settings, Start, TrainError, prior};

#[derive(Serialize)]
struct TrainKey<'a> {
    compose: &'a StageId,
    model: &'a ModelConfig,
    train: &'a Settings,
    seed: u64,
    generation: u32,
    device: &'static str,
    /// Of a member that is not the first, which is what it would be alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<usize>,
    /// The model whose weights it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<StageId>,
    /// The model whose weights its own were averaged with, and their share.
    #[serde(skip_serializing_if = "Option::is_none")]
    average: Option<(StageId, f64)>,
    /// Human frequencies of tokens that its targets were mixed with: their hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    prior: Option<String>,
}

/// What a training reads beside its training set.
struct Beside {
    /// The model whose weights it begins with.
    start: Option<Stage>,
    /// The model that its weights are averaged with, and its share.
    average: Option<(Stage, f64)>,
    /// Human frequencies of tokens.
    prior: Option<Vec<f32>>,
}

impl Transformers<'_> {
    /// The generation whose weights this one's are averaged with, if any.
    pub(super) fn averaged_with(&self, generation: u32) -> Option<u32> {
        self.train.average?.ancestor(generation, self.train.start)
    }

    fn beside(&self, (generation, member): (u32, usize)) -> Beside {
        let model = |ancestor: u32| self.trained.borrow()[ancestor as usize].models[member].clone();
        let share = self.train.average.map_or(0.0, |average| average.share);
        Beside {
            start: self.train.start.parent(generation).map(model),
            average: self.averaged_with(generation).map(|ancestor| (model(ancestor), share)),
            prior: self.train.objective.reads_human().then(|| self.human_frequencies()),
        }
    }

    /// How often each token is there in the human training set, ends among them.
    fn human_frequencies(&self) -> Vec<f32> {
        let texts = &self.seed.texts.tokens;
        let separator = self.human.tokenizer.separator();
        let tokens = self.seed.set.training.iter().flat_map(|entry| {
            let end = (!texts.truncated(entry.index)).then_some(separator);
            texts.ids(entry.index).iter().copied().chain(end)
        });
        prior::unigram(tokens.map(|token| (token, 1.0)), self.config.vocabulary)
    }

    /// Training windows, and windows of documents that are held out of the same mixture.
    fn windows(&self, set: &TrainingSet, generation: u32) -> (Windows, Option<Windows>) {
        let count = set.documents.len();
        let held_out = (self.train.validation * count as f64).round() as usize;
        // Drawn from the recipe's stream with an item that no source has.
        let order = self.streams().stream(Purpose::Recipe, generation, u64::MAX).permutation(count);
        let mut is_held_out = vec![false; count];
        order.iter().take(held_out.min(count.saturating_sub(1))).for_each(|&index| is_held_out[index] = true);
        let (written, judged) = (self.written.borrow(), self.judged.borrow());
        let tokens = |entry: &Entry| {
            if let Some(edited) = judged.edited.get(&entry.id) {
                return (&edited.ids[..], edited.document.truncated);
            }
            let set = entry.generation.map_or(&self.seed.texts.tokens, |g| written[g as usize].read().1);
            (set.ids(entry.index), set.truncated(entry.index))
        };
        let pick = |wanted: bool| {
            let documents = set.documents.iter().zip(&is_held_out).filter(move |(_, held)| **held == wanted);
            corpus::pack(
                documents.map(|(pick, _)| {
                    let (ids, truncated) = tokens(&pick.entry);
                    (ids, truncated, pick.weight as f32)
                }),
                self.config.context,
                self.human.tokenizer.separator(),
            )
        };
        let validation = pick(true);
        (pick(false), (!validation.is_empty()).then_some(validation))
    }

    fn fill_train(
        &self,
        set: &TrainingSet,
        (generation, member): (u32, usize),
        beside: &Beside,
        folder: &Path,
    ) -> Result<(), Error> {
        let (windows, validation) = self.windows(set, generation);
        let streams = self.streams_of(member);
        let start = match &beside.start {
            Some(ancestor) => weights(ancestor)?,
            None => Weights::initialise(&self.config, &streams, generation),
        };
        let mut progress = |p: training::Progress| {
            if let Some(windows) = p.halved {
                let batch = self.train.micro_batch.or(self.train.batch).unwrap_or(1);
                let line = format!(
                    "training: {batch} windows do not fit this device's memory together; {windows} are computed at a time, \
                     which changes nothing but rounding (train.micro_batch)"
                );
                note_once(self.observer, line);
            }
            self.working(generation, StageKind::Train, p.step as f64 / p.steps as f64, format!("loss {:.3}", p.loss));
        };
        let device = self.device.device();
        let run = training::Run {
            validation: validation.as_ref(),
            prior: beside.prior.as_deref(),
            generation,
            ..training::Run::new(&windows, &self.train, &streams, &device)
        };
        let trained = timed("training", || run.train(start, &mut progress));
        match trained {
            Ok(mut trained) => {
                if let Some((ancestor, share)) = &beside.average {
                    trained.weights = trained.weights.averaged(&weights(ancestor)?, *share);
                }
                let model = folder.join("model");
                std::fs::create_dir(&model).map_err(Error::work)?;
                trained.weights.save(&model).map_err(Error::work)?;
                self.human.tokenizer.save(&model.join("tokenizer.json")).map_err(Error::work)?;
                let lines: Vec<String> = trained.log.iter().map(json).collect();
                write_file(&folder.join("train.jsonl"), &(lines.join("\n") + "\n"))?;
                write_file(&folder.join("record.json"), &json(&trained.record))
            }
            Err(error @ TrainError::NotFinite { .. }) => write_file(&folder.join(FAILURE), &error.to_string()),
            Err(error @ TrainError::Device(_)) => {
                Err(Error::Work(format!("{}, generation {generation}: {error}", self.chain)))
            }
        }
    }

    /// One member's training; of a chain of one, the generation's.
    pub(super) fn train_member(
        &self,
        set: &TrainingSet,
        (generation, member): (u32, usize),
        compose: &StageId,
    ) -> Result<Member, Stop> {
        let beside = self.beside((generation, member));
        let key = TrainKey {
            compose,
            model: &self.config,
            // What it begins with and is averaged with is named by its stage, so that arms share what they begin alike.
            train: &Settings { start: Start::Scratch, average: None, ..self.train.clone() },
            seed: self.chain.seed,
            generation,
            device: self.device.kind().name(),
            member: (member > 0).then_some(member),
            start: beside.start.as_ref().map(|stage| *stage.id()),
            average: beside.average.as_ref().map(|(stage, share)| (*stage.id(), *share)),
            prior: beside.prior.as_deref().map(hash_of),
        };
        let share = 1.0 / self.members() as f64;
        let stage = self.stage(StageKind::Train, generation, &key, share, &mut |folder| {
            self.fill_train(set, (generation, member), &beside, folder)
        })?;
        self.end_if_failed(&stage, generation)?;
        let record = Some(read_json(&stage.path().join("record.json"))?);
        Ok(Member { stage, record, written: Cell::new(None) })
    }
}

/// SHA-256 over numbers, in hexadecimal.
fn hash_of(numbers: &[f32]) -> String {
    let mut hash = Sha256::new();
    numbers.iter().for_each(|number| hash.update(number.to_le_bytes()));
    hex(hash)
}
