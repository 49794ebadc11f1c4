//! Training a generation's models, or finding them.

use super::{FAILURE, Member, Stop, Transformers, json, read_json, timed, weights, write_file};
use crate::Error;
use crate::observe::note_once;
use chain::{Entry, TrainingSet};
use corpus::Windows;
use model::{ModelConfig, Weights};
use rundir::{Stage, StageId, StageKind};
use serde::Serialize;
use std::cell::Cell;
use std::path::Path;
use streams::Purpose;
use training::{Settings, Start, TrainError};

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
}

impl Transformers<'_> {
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
        ancestor: Option<&Stage>,
        folder: &Path,
    ) -> Result<(), Error> {
        let (windows, validation) = self.windows(set, generation);
        let streams = self.streams_of(member);
        let start = match ancestor {
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
        let parent = self.train.start.parent(generation);
        let ancestor = parent.map(|parent| self.trained.borrow()[parent as usize].models[member].clone());
        let key = TrainKey {
            compose,
            model: &self.config,
            // What it begins with is named by its stage, so that arms share what they begin alike.
            train: &Settings { start: Start::Scratch, ..self.train.clone() },
            seed: self.chain.seed,
            generation,
            device: self.device.kind().name(),
            member: (member > 0).then_some(member),
            start: ancestor.as_ref().map(|stage| *stage.id()),
        };
        let share = 1.0 / self.members() as f64;
        let stage = self.stage(StageKind::Train, generation, &key, share, &mut |folder| {
            self.fill_train(set, (generation, member), ancestor.as_ref(), folder)
        })?;
        self.end_if_failed(&stage, generation)?;
        let record = Some(read_json(&stage.path().join("record.json"))?);
        Ok(Member { stage, record, written: Cell::new(None) })
    }
}
