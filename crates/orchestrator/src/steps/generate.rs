//! What a generation's models generate, each in a stage of its own; the documents of several models pooled in one more.

use super::corpus::{Corpus, MATCHED, NATS, TARGETED};
use super::files::{json, timed, write_file};
use super::learner::{self, StageLearner, Versions};
use super::matched::{self, Matched};
use super::state::{Draft, FAILURE, History, Member, Models, Place, Setup, Stop, weights};
use super::target::{self, Part, TargetKey};
use super::{score, train};
use crate::{Error, plant};
use chain::{Finished, Generation, TrainingSet};
use corpus::{Document, TokenSet};
use evaluation::Measure;
use experiment::{PromptFrom, Transformer};
use inference::{DecodeError, Prompts, WriteSettings, Written};
use model::Weights;
use rundir::{Checkpoint, Stage, StageId, StageKind};
use sampling::Sampling;
use serde::Serialize;
use std::path::Path;

/// Counts up when a generate stage of a transformer gets other bytes.
pub(crate) const VERSION: u32 = 3;
/// Counts up when a pool stage gets other bytes.
pub(crate) const POOL_VERSION: u32 = 1;

#[derive(Serialize)]
struct Key<'a> {
    train: &'a StageId,
    sampling: &'a Sampling,
    budget: u64,
    prompt: PromptFrom,
    prompt_tokens: Option<usize>,
    /// The documents that prompts are of, where they are the last generation's.
    prompts: Option<StageId>,
    seed: u64,
    generation: u32,
    /// Where the temperature is matched: positions of the human documents that it is matched on.
    entropy_match: Option<u64>,
    target: Option<TargetKey<'a>>,
}

/// The documents of a generation's members, one after the other.
#[derive(Serialize)]
struct PoolKey<'a> {
    members: &'a [StageId],
}

/// Finds or makes what a generation generates, `budget` tokens of it.
pub(super) fn corpus(
    setup: &Setup<'_>,
    history: &History,
    generation: &mut Generation<Draft>,
    models: &Models,
    budget: u64,
) -> Result<Corpus, Stop> {
    let of_all = models.members.len() as u64;
    // Whole tokens that add up to the budget.
    let share = |member: u64| budget * (member + 1) / of_all - budget * member / of_all;
    let mut parts = Vec::new();
    for (number, member) in models.members.iter().enumerate() {
        let place = Place { generation: generation.number, member: number };
        let stage = of_member(setup, history, member, place, share(number as u64))?;
        setup.reached(&stage, generation)?;
        generation.state.generated.push(*stage.id());
        parts.push(stage);
    }
    let stage = if parts.len() > 1 { pool(setup, &parts, generation)? } else { parts.remove(0) };
    let codec = &*setup.run.human.codec;
    let mut corpus = Corpus::open(&stage, codec)?;
    if corpus.documents.iter().all(|document| document.continuation().is_empty()) {
        let count = corpus.documents.len();
        let reason = format!(
            "generating: all {count} documents are empty, the model ends each at once; train for longer, or lower \
             train.learning_rate"
        );
        return Err(setup.end(generation.number, std::mem::take(&mut generation.state), reason));
    }
    if let Some(plant) = setup.arm.plant().filter(|plant| plant.generation == generation.number + 1) {
        let among: Vec<(usize, &Document)> = corpus.documents.iter().enumerate().collect();
        let chosen = plant::choose(plant, &among, codec, setup.context(), &setup.streams());
        corpus.planted = Some(plant::replaced(&corpus.documents, &chosen, codec));
    }
    Ok(corpus)
}

/// What one member generates: of a chain of one, all of it.
fn of_member(setup: &Setup<'_>, history: &History, model: &Member, place: Place, budget: u64) -> Result<Stage, Stop> {
    let settings = setup.arm.at(place.generation);
    let (learner, sample) = (learner::of(settings), settings.sample());
    let from_latest = sample.prompt == PromptFrom::Latest;
    let key = Key {
        train: model.stage.id(),
        sampling: &settings.sampling(),
        budget,
        prompt: sample.prompt,
        prompt_tokens: (sample.prompt != PromptFrom::None).then_some(sample.prompt_tokens),
        prompts: history.corpora.last().filter(|_| from_latest).map(|corpus| corpus.stage),
        seed: setup.stages.chain().seed,
        generation: place.generation,
        entropy_match: sample.entropy_match.then_some(matched::POSITIONS),
        target: TargetKey::of(sample, history),
    };
    let work = setup.work_of_member(StageKind::Generate, learner.versions().generate, place.generation);
    setup.stage(work, &key, |folder, checkpoint| {
        learner.fill_generate((setup, history), &model.stage, place, budget, (folder, checkpoint))
    })
}

/// The members' documents as one corpus.
fn pool(setup: &Setup<'_>, parts: &[Stage], generation: &mut Generation<Draft>) -> Result<Stage, Stop> {
    let members: Vec<StageId> = parts.iter().map(|part| *part.id()).collect();
    let work = setup.work(StageKind::Pool, POOL_VERSION, generation.number, 0.0);
    let codec = &*setup.run.human.codec;
    let stage = setup.stage(work, &PoolKey { members: &members }, |folder, _| {
        let (mut documents, mut reencoded) = (Vec::new(), Vec::new());
        let (mut matched, mut targeted) = (Vec::new(), Vec::new());
        for (member, part) in parts.iter().enumerate() {
            let part = Corpus::open(part, codec)?;
            matched.extend(part.matched);
            documents.extend(part.documents.into_iter().map(|document| named_by_member(document, member)));
            reencoded.extend(part.reencoded);
            targeted.extend(part.targeted);
        }
        if !targeted.is_empty() {
            write_file(&folder.join(TARGETED), &json(&targeted))?;
        }
        if let Some(Matched { positions, .. }) = matched.first() {
            let sum: f64 = matched.iter().map(|member| member.temperature).sum();
            let mean = Matched { temperature: sum / matched.len() as f64, positions: *positions };
            write_file(&folder.join(MATCHED), &json(&mean))?;
        }
        let tokens = TokenSet::encode(&documents, codec);
        Corpus::write(folder, &documents, &tokens, &reencoded)
    })?;
    setup.reached(&stage, generation)?;
    Ok(stage)
}

/// A document among those of other members, which count theirs from 0 as well: what is drawn about a document (a label that
/// errs, a verifier's mistake) is drawn by its number, and must not be the same in all members.
fn named_by_member(mut document: Document, member: usize) -> Document {
    if member > 0 {
        document.id.push_str(&format!("/member-{member}"));
    }
    document
}

impl StageLearner for Transformer {
    fn train(
        &self,
        chain: (&Setup<'_>, &History, &Draft),
        set: &TrainingSet,
        place: Place,
        compose: &StageId,
    ) -> Result<Member, Stop> {
        train::member(chain, &self.train, set, place, compose)
    }

    fn versions(&self) -> Versions {
        Versions { train: train::VERSION, generate: VERSION }
    }

    fn fill_generate(
        &self,
        chain: (&Setup<'_>, &History),
        model: &Stage,
        place: Place,
        budget: u64,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<(), Error> {
        fill(self, chain, model, place, budget, stage)
    }

    fn measure(
        &self,
        setup: &Setup<'_>,
        history: &mut History,
        finished: &Finished<'_, Draft, Models>,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<Vec<Measure>, Error> {
        score::transformers(setup, history, finished, stage)
    }
}

fn fill(
    transformer: &Transformer,
    (setup, history): (&Setup<'_>, &History),
    model: &Stage,
    place: Place,
    budget: u64,
    (folder, checkpoint): (&Path, &mut Checkpoint),
) -> Result<(), Error> {
    let weights = weights(model)?;
    let sample = &transformer.sample;
    let last = history.corpora.last();
    if let (PromptFrom::Latest, Some(last)) = (sample.prompt, last)
        && !has_prompts(&last.tokens, sample.prompt_tokens)
    {
        let tokens = sample.prompt_tokens;
        let reason = format!("generating: the last generation has no document of {tokens} tokens to begin with");
        return write_file(&folder.join(FAILURE), &reason);
    }
    let mut sampling = transformer.sampling;
    if sample.entropy_match {
        match checkpoint.part("matched", |checkpoint| matched(setup, &weights, checkpoint))? {
            Ok(matched) => {
                sampling.temperature = matched.temperature;
                write_file(&folder.join(MATCHED), &json(&matched))?;
            }
            Err(reason) => return write_file(&folder.join(FAILURE), &reason),
        }
    }
    let of_training = setup.seed.of_training();
    let prompts = match (sample.prompt, last) {
        (PromptFrom::None, _) => Prompts::Unprompted,
        (PromptFrom::Latest, Some(last)) => {
            Prompts::Documents { documents: &last.documents, tokens: sample.prompt_tokens }
        }
        // Generation 0 has nobody before it but humans. The reserve is for recipes that ask for it.
        _ => Prompts::Weighted {
            documents: &setup.seed.human.documents,
            tokens: sample.prompt_tokens,
            weights: &of_training,
        },
    };
    let mut decode = decoder(setup, (model, &weights), place, &sampling, budget);
    let generated = match sample.target() {
        None => decode(Part::all(budget, prompts), checkpoint).map(|documents| (documents, None)),
        Some(target) => {
            target::generate((setup, history), target, place.generation, budget, (&mut decode, checkpoint))?
                .map(|(documents, targeted)| (documents, Some(targeted)))
        }
    };
    let (generated, targeted) = match generated {
        Ok(generated) => generated,
        // The last step of a training run can break a model of which no loss was taken any more.
        Err(error @ DecodeError::Sample { .. }) => return write_file(&folder.join(FAILURE), &error.to_string()),
        Err(DecodeError::Stopped(stopped)) => return Err(stopped.into()),
        Err(error) => {
            let (chain, generation) = (setup.stages.chain(), place.generation);
            return Err(Error::Work(format!("{chain}, generation {generation}: {error}")));
        }
    };
    if let Some(targeted) = targeted {
        write_file(&folder.join(TARGETED), &json(&[targeted]))?;
    }
    let documents: Vec<Document> = generated.iter().map(|one| one.document.clone()).collect();
    let tokens = TokenSet::encode(&documents, &*setup.run.human.codec);
    let reencoded = generated.iter().enumerate().map(|(index, one)| one.ids.as_slice() != tokens.ids(index));
    let reencoded: Vec<bool> = reencoded.collect();
    // Of the ids that were sampled: other ids of the same content have another probability.
    let nats = generated.iter().zip(&reencoded).map(|(one, differs)| one.nats.filter(|_| !differs));
    let nats: Vec<Option<f64>> = nats.collect();
    if nats.iter().any(Option::is_some) {
        write_file(&folder.join(NATS), &json(&nats))?;
    }
    Corpus::write(folder, &documents, &tokens, &reencoded)
}

/// The temperature matched to human documents; within, why the model's numbers gave none.
fn matched(setup: &Setup<'_>, weights: &Weights, checkpoint: &Checkpoint) -> Result<Result<Matched, String>, Error> {
    let (run, human) = (setup.stages.dir(), setup.run.human);
    let held_out = human.medium.held_out(run, human, matched::POSITIONS, setup.context())?;
    let device = setup.run.device.device();
    let found = timed("matching the temperature", || {
        matched::matched(weights, &held_out, setup.separator(), &device, checkpoint)
    });
    Ok(found?.map_err(|error| error.to_string()))
}

/// The decoder of the parts of `budget` tokens, which reports its progress.
fn decoder<'a>(
    setup: &'a Setup<'_>,
    (model, weights): (&'a Stage, &'a Weights),
    place: Place,
    sampling: &'a Sampling,
    budget: u64,
) -> impl FnMut(Part<'_>, &mut Checkpoint) -> Result<Vec<Written>, DecodeError> + 'a {
    let chain = model.id().to_string();
    let work = setup.work_of_member(StageKind::Generate, VERSION, place.generation);
    let mut reported = 0;
    move |part, checkpoint| {
        let settings = WriteSettings {
            sampling,
            streams: setup.streams_of(place.member),
            generation: place.generation,
            chain: &chain,
            first: part.first,
            budget: part.budget,
            prompts: part.prompts,
            slots: inference::slots(weights.config(), setup.run.device),
        };
        let mut progress = |tokens: u64| {
            let tokens = part.held + tokens;
            if tokens > reported + budget / 50 {
                reported = tokens;
                let note = format!("{}{tokens} tokens", part.note);
                setup.stages.progress(work, tokens as f64 / budget as f64, note);
            }
        };
        timed("decoding", || {
            let codec = &*setup.run.human.codec;
            inference::write(weights, codec, &settings, setup.run.device, checkpoint, &mut progress)
        })
    }
}

/// True if some document has as many tokens as a prompt.
fn has_prompts(tokens: &TokenSet, prompt: usize) -> bool {
    (0..tokens.len()).any(|document| tokens.ids(document).len() >= prompt)
}
