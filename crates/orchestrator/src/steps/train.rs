//! Training a generation's transformers, or finding them.

use super::files::{json, read_json, timed, write_file};
use super::state::{Draft, FAILURE, History, Member, Place, Setup, Stop, weights};
use crate::Error;
use crate::human::hex;
use chain::{Entry, TrainingSet};
use corpus::Windows;
use experiment::train::{Settings, Start};
use model::{ModelConfig, Weights};
use rundir::{Checkpoint, Stage, StageId, StageKind, Work};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;
use streams::Purpose;
use training::{TrainError, prior};

/// Counts up when a train stage of a transformer gets other bytes.
pub(crate) const VERSION: u32 = 4;

#[derive(Serialize)]
struct Key<'a> {
    compose: &'a StageId,
    model: &'a ModelConfig,
    train: &'a Settings,
    seed: u64,
    generation: u32,
    device: &'static str,
    member: usize,
    /// The model whose weights it began with.
    start: Option<StageId>,
    /// The model whose weights its own were averaged with, and their share.
    average: Option<(StageId, f64)>,
    /// Human frequencies of tokens that its targets were mixed with: their hash.
    prior: Option<String>,
}

/// Inputs of a training beside its training set.
struct Inputs {
    /// The model whose weights it begins with.
    start: Option<Stage>,
    /// The model that its weights are averaged with, and its share.
    average: Option<(Stage, f64)>,
    /// Human frequencies of tokens.
    prior: Option<Vec<f32>>,
}

impl Inputs {
    fn of(setup: &Setup<'_>, history: &History, train: &Settings, place: Place) -> Self {
        let model = |ancestor: u32| history.models[ancestor as usize].models[place.member].clone();
        let share = train.average.map_or(0.0, |average| average.share);
        Self {
            start: train.start.parent(place.generation).map(model),
            average: train.averaged_with(place.generation).map(|ancestor| (model(ancestor), share)),
            prior: train.objective.reads_human().then(|| human_frequencies(setup)),
        }
    }
}

/// One member's training; of a chain of one, the generation's.
pub(super) fn member(
    (setup, history, draft): (&Setup<'_>, &History, &Draft),
    train: &Settings,
    set: &TrainingSet,
    place: Place,
    compose: &StageId,
) -> Result<Member, Stop> {
    let inputs = Inputs::of(setup, history, train, place);
    let key = Key {
        compose,
        model: setup.configs.at(place.generation),
        // What it begins with and is averaged with is named by its stage, so that arms share what they begin alike.
        train: &Settings { start: Start::Scratch, average: None, ..train.clone() },
        seed: setup.stages.chain().seed,
        generation: place.generation,
        device: setup.run.device.kind().name(),
        member: place.member,
        start: inputs.start.as_ref().map(|stage| *stage.id()),
        average: inputs.average.as_ref().map(|(stage, share)| (*stage.id(), *share)),
        prior: inputs.prior.as_deref().map(hash_of),
    };
    let work = setup.work_of_member(StageKind::Train, VERSION, place.generation);
    let stage = setup.stage(work, &key, |folder, checkpoint| {
        let (windows, held_out) = windows((setup, history, draft), train, set);
        fill(setup, train, (&windows, held_out.as_ref(), &inputs), (place, work), (folder, checkpoint))
    })?;
    let failed = stage.path().join(FAILURE).exists();
    let record = if failed { None } else { Some(read_json(&stage.path().join("record.json"))?) };
    Ok(Member { stage, record })
}

/// Trains on `windows` from where the checkpoint left off, and writes weights, log and record; or why the training failed.
fn fill(
    setup: &Setup<'_>,
    train: &Settings,
    (windows, held_out, inputs): (&Windows, Option<&Windows>, &Inputs),
    (place, work): (Place, Work),
    (folder, checkpoint): (&Path, &mut Checkpoint),
) -> Result<(), Error> {
    let streams = setup.streams_of(place.member);
    let start = match &inputs.start {
        Some(ancestor) => weights(ancestor)?,
        None => Weights::initialise(setup.configs.at(place.generation), &streams, place.generation),
    };
    let mut progress = |p: training::Progress| {
        if let Some(windows) = p.halved {
            setup.stages.note_once(&format!(
                "training: {} windows do not fit this device's memory together; {windows} are computed at a time, which \
                 changes nothing but rounding (train.micro_batch)",
                train.micro_batch.or(train.batch).unwrap_or(1)
            ));
        }
        setup.stages.progress(work, p.step as f64 / p.steps as f64, format!("loss {:.3}", p.loss));
    };
    let device = setup.run.device.device();
    let run = training::Run {
        validation: held_out,
        prior: inputs.prior.as_deref(),
        generation: place.generation,
        ..training::Run::new(windows, train, &streams, &device)
    };
    match timed("training", || run.train(start, checkpoint, &mut progress)) {
        Ok(mut trained) => {
            if let Some((ancestor, share)) = &inputs.average {
                trained.weights = trained.weights.averaged(&weights(ancestor)?, *share);
            }
            let model = folder.join("model");
            std::fs::create_dir(&model).map_err(Error::work)?;
            trained.weights.save(&model).map_err(Error::work)?;
            setup.run.human.codec.save_beside(&model).map_err(Error::work)?;
            rundir::write_sums(&model)?;
            let lines: Vec<String> = trained.log.iter().map(json).collect();
            write_file(&folder.join("train.jsonl"), &(lines.join("\n") + "\n"))?;
            write_file(&folder.join("record.json"), &json(&trained.record))
        }
        Err(error @ TrainError::NotFinite { .. }) => write_file(&folder.join(FAILURE), &error.to_string()),
        Err(TrainError::Stopped(stopped)) => Err(stopped.into()),
        Err(error @ TrainError::Device(_)) => {
            Err(Error::Work(format!("{}, generation {}: {error}", setup.stages.chain(), place.generation)))
        }
    }
}

/// Counts of each token in the human training set, ends among them.
fn human_frequencies(setup: &Setup<'_>) -> Vec<f32> {
    let human = &setup.seed.human.tokens;
    let tokens = setup.seed.set.training.iter().flat_map(|entry| {
        let end = (!human.truncated(entry.index)).then_some(setup.separator());
        human.ids(entry.index).iter().copied().chain(end)
    });
    prior::unigram(tokens.map(|token| (token, 1.0)), setup.run.human.codec.vocabulary())
}

/// Training windows, and windows of documents that are held out of the same mixture.
fn windows(
    (setup, history, draft): (&Setup<'_>, &History, &Draft),
    train: &Settings,
    set: &TrainingSet,
) -> (Windows, Option<Windows>) {
    let count = set.documents.len();
    let held_out = (train.validation * count as f64).round() as usize;
    let order = setup.streams().stream(Purpose::HeldOut, set.generation, 0).permutation(count);
    let mut is_held_out = vec![false; count];
    order.iter().take(held_out.min(count.saturating_sub(1))).for_each(|&index| is_held_out[index] = true);
    let tokens = |entry: &Entry| {
        let (_, ids, truncated) = draft.read((setup, history), entry);
        (ids, truncated)
    };
    let pick = |wanted: bool| {
        let documents = set.documents.iter().zip(&is_held_out).filter(move |(_, held)| **held == wanted);
        let documents = documents.map(|(pick, _)| {
            let (ids, truncated) = tokens(&pick.entry);
            (ids, truncated, pick.weight as f32)
        });
        corpus::pack(documents, setup.context(), setup.separator())
    };
    let validation = pick(true);
    (pick(false), (!validation.is_empty()).then_some(validation))
}

/// SHA-256 over numbers, in hexadecimal.
fn hash_of(numbers: &[f32]) -> String {
    let mut hash = Sha256::new();
    numbers.iter().for_each(|number| hash.update(number.to_le_bytes()));
    hex(hash)
}
