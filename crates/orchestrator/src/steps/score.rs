//! Measures of a generation, and its record.

use super::corpus::Corpus;
use super::files::{json, timed, write_file};
use super::state::{Draft, History, Member, Models, Setup, Stop, weights};
use super::{given, learner, measures, reading, target};
use crate::baselines::Baselines;
use crate::calibrate::{RELIABILITY, calibrate};
use crate::human_tokens::HumanTokens;
use crate::medium::{Answers, Asked, Generated, Observed};
use crate::{Error, plant, scoring};
use chain::Finished;
use evaluation::{Dimension, Dimensions, Measure, Metric, metric};
use experiment::{Plant, PromptFrom, WordRatio};
use model::Weights;
use rundir::{Checkpoint, Event, GenerationRecord, Stage, StageId, StageKind};
use serde::Serialize;
use std::path::Path;
use training::Record;

/// Counts up when a score stage gets other bytes: when a metric is added, removed, renamed or measured otherwise.
pub(crate) const VERSION: u32 = 4;

#[derive(Serialize)]
struct Key<'a> {
    prepare: &'a StageId,
    compose: &'a StageId,
    models: Vec<&'a StageId>,
    documents: StageId,
    questions: Option<usize>,
    /// True if models read the documents.
    read: bool,
    plant: Option<&'a Plant>,
    follow: &'a [WordRatio],
    verdicts: &'a [StageId],
    /// What earlier generations generated: it is measured, and their models with this one's.
    before: Vec<StageId>,
    human_tokens: HumanTokens,
}

/// Scores a generation and writes down its stages.
pub(super) fn finish(
    setup: &Setup<'_>,
    history: &mut History,
    finished: Finished<'_, Draft, Models>,
) -> Result<(), Stop> {
    let (number, members) = (finished.generation.number, &finished.model.members);
    let draft = &finished.generation.state;
    let given = given::of(setup, history, &finished);
    let human_tokens = history.given.with(&given);
    let before = &history.corpora[..number as usize];
    let key = Key {
        prepare: &setup.run.human.id,
        compose: &draft.stages[&StageKind::Compose],
        models: members.iter().map(|member| member.stage.id()).collect(),
        documents: history.last().stage,
        questions: setup.run.questions,
        read: setup.reads(number),
        plant: setup.arm.plant(),
        follow: setup.arm.follow(),
        verdicts: &draft.verdicts,
        before: before.iter().map(|corpus| corpus.stage).collect(),
        human_tokens,
    };
    let work = setup.work(StageKind::Score, VERSION, number, 1.0);
    let score = setup.stage(work, &key, |folder, checkpoint| {
        setup.stages.progress(work, 0.0, String::new());
        fill(setup, history, &finished, human_tokens, (folder, checkpoint))
    })?;
    let Draft { mut stages, verdicts, generated, .. } = finished.generation.state;
    stages.insert(StageKind::Score, *score.id());
    let mut record =
        GenerationRecord::done(stages.into_values()).with_verdicts(verdicts).with_made_from(setup.made_from.clone());
    if members.len() > 1 {
        record = record.with_members(members.iter().zip(generated).map(|(member, of)| [*member.stage.id(), of]));
    }
    setup.stages.dir().write_generation(setup.stages.chain(), number, &record)?;
    let measures = scoring::read(&score)?;
    let value = |metric: &Metric| {
        let is = |m: &&Measure| m.metric == metric && m.dimensions == Dimensions::NONE;
        measures.iter().find(is).map(|measure| measure.value)
    };
    let (chain, loss) = (setup.stages.chain().to_string(), value(&metric::FINAL_LOSS));
    let perplexity = value(&metric::TEST_PERPLEXITY);
    setup.stages.observer().event(Event::Generation { chain, generation: number, loss, perplexity });
    warn(setup, history, (number, members), &measures);
    Ok(())
}

/// Says where generation 0's test loss is above that of models that count, once for all chains that have this generation; and
/// where a later one's rises above that of token frequencies.
fn warn(setup: &Setup<'_>, history: &mut History, (generation, members): (u32, &[Member]), measures: &[Measure]) {
    if generation == 0 {
        history.baselines = Baselines::of_measures(measures);
    }
    let is_loss = |m: &&Measure| *m.metric == metric::TEST_LOSS && m.dimensions == Dimensions::NONE;
    let loss = measures.iter().find(is_loss).map(|measure| measure.value);
    let (Some(loss), Some(baselines)) = (loss, &history.baselines) else { return };
    let (chain, unigram) = (setup.stages.chain(), baselines.unigram());
    let is_above = loss > unigram;
    if generation == 0 {
        let models = members.iter().map(|member| member.stage.id().to_string()).collect::<Vec<_>>().join(" ");
        if let Some(note) = baselines.note(loss, setup.arm.is_transformer()) {
            setup.stages.note_once_of(&models, &format!("{chain}, generation 0: {note}"));
        }
    } else if is_above && !history.above_unigram {
        setup.stages.observer().event(Event::Note(format!(
            "{chain}, generation {generation}: test loss {loss:.3} is above {unigram:.3} nats a token, the loss of token \
             frequencies alone: the chain has lost more than training had taught"
        )));
    }
    history.above_unigram = is_above;
}

fn fill(
    setup: &Setup<'_>,
    history: &mut History,
    finished: &Finished<'_, Draft, Models>,
    human_tokens: HumanTokens,
    (folder, checkpoint): (&Path, &mut Checkpoint),
) -> Result<(), Error> {
    let mut list = learner::of(setup.arm.at(finished.generation.number)).measure(
        setup,
        history,
        finished,
        (folder, &mut *checkpoint),
    )?;
    checkpoint.check()?;
    let generations: Vec<Generated<'_>> = history.corpora.iter().map(Corpus::own).collect();
    let (arm, test) = (setup.arm, &setup.run.human.test);
    let corpus = history.corpora.last().expect("a generation is scored after it has generated");
    let observed = Observed { arm, generations: &generations, whole: &corpus.documents, test };
    list.extend(history.measures.of_generation(&observed, folder)?);
    checkpoint.check()?;
    if finished.generation.number == 0 {
        let baselines = timed("baselines", || setup.seed.baselines(setup.run.human));
        list.extend(baselines.iter().flat_map(Baselines::measures));
    }
    let records: Vec<&Record> = finished.model.members.iter().filter_map(|member| member.record.as_ref()).collect();
    list.extend(scoring::training_measures(finished.training, &records));
    list.extend(finished.generation.state.judged.iter().cloned());
    list.extend(supervision(setup, finished, corpus));
    list.extend(human_tokens.measures());
    list.extend(planted((setup, history), finished));
    write_file(&folder.join(scoring::MEASURES), &json(&list))
}

/// Metrics of each transformer of a generation, and of all of them together. A document of the pooled corpus has one of them
/// for its author, so together they give it the mean of their probabilities; so do they answer questions. The checkpoint
/// keeps each part that is finished.
pub(super) fn transformers(
    setup: &Setup<'_>,
    history: &mut History,
    finished: &Finished<'_, Draft, Models>,
    (folder, checkpoint): (&Path, &mut Checkpoint),
) -> Result<Vec<Measure>, Error> {
    let (generation, members) = (finished.generation.number, &finished.model.members);
    let models = members.iter().map(|member| weights(&member.stage)).collect::<Result<Vec<Weights>, Error>>()?;
    let device = setup.run.device.device();
    let (mut losses, mut own, mut answers, mut reliability) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, (member, weights)) in members.iter().zip(&models).enumerate() {
        let part = |name: &str| format!("{name}-{number}");
        let (tested, confidences) = timed("scoring", || {
            checkpoint.part(&part("test"), |inside| scoring::test(weights, setup.run.human, &device, inside))
        })?;
        let (calibrated, table) = calibrate(&confidences);
        reliability.push(table);
        if members.len() == 1 {
            own.extend(calibrated);
            let asked = (&mut *checkpoint, &*part("asked"));
            own.extend(ask((setup, history, generation), weights, history.last(), &mut answers, asked)?);
        } else {
            let corpus = of_member(setup, &finished.generation.state, number)?;
            let mut list = measures::test(history, &tested);
            list.extend(calibrated);
            list.extend(measures::generated(history, &corpus, (checkpoint, &part("generated")))?);
            let asked = (&mut *checkpoint, &*part("asked"));
            list.extend(ask((setup, history, generation), weights, &corpus, &mut answers, asked)?);
            list.extend(member.record.iter().flat_map(scoring::run_measures));
            // Human documents is the same beside every member.
            let of_model = list.into_iter().filter(|measure| !measure.dimensions.is(Dimension::Reference, "human"));
            own.extend(of_model.map(|measure| measure.with(Dimension::Member, number.to_string())));
        }
        losses.push(tested);
    }
    let mut list = measures::test(history, &scoring::mixed(losses));
    list.extend(measures::generated(history, history.last(), (checkpoint, "generated"))?);
    list.extend(own);
    if members.len() > 1 {
        list.extend(history.measures.of_answers(&scoring::pooled(&answers)));
    }
    write_file(&folder.join(RELIABILITY), &json(&reliability))?;
    if !setup.reads(generation) {
        return Ok(list);
    }
    list.extend(timed("reading the documents", || {
        reading::measure(setup, history, generation, &models, (folder, checkpoint))
    })?);
    list.extend(timed("step divergence", || {
        checkpoint.part("step", |inside| reading::step_divergence(setup, history, generation, &models, inside))
    })?);
    Ok(list)
}

/// What one member generated.
fn of_member(setup: &Setup<'_>, draft: &Draft, member: usize) -> Result<Corpus, Error> {
    let id = &draft.generated[member];
    let stage: Option<Stage> = setup.stages.dir().find(id)?;
    let stage = stage.ok_or_else(|| Error::Work(format!("{id} is gone since it was made; run again")))?;
    Corpus::open(&stage, &*setup.run.human.codec)
}

/// What the medium measures of a model by asking it; its answers go to `all_answers`.
fn ask(
    (setup, history, generation): (&Setup<'_>, &History, u32),
    weights: &Weights,
    corpus: &Corpus,
    all_answers: &mut Vec<Answers>,
    (checkpoint, part): (&mut Checkpoint, &str),
) -> Result<Vec<Measure>, Error> {
    // Only what begins from nothing is drawn from the model alone.
    let settings = setup.arm.at(generation);
    let is_prompted = settings.sample().prompt != PromptFrom::None;
    let unprompted = corpus.unprompted();
    let all = (&corpus.documents[..], &corpus.tokens, &corpus.nats[..]);
    let drawn = unprompted.as_ref().map_or(all, |(documents, tokens, nats)| (documents, tokens, nats));
    let device = setup.run.device.device();
    let asked = Asked {
        weights,
        device: &device,
        drawn: (!is_prompted).then_some(drawn),
        sampling: corpus.sampling(settings.sampling()),
    };
    let (list, answers) = checkpoint.part(part, |inside| history.measures.of_model(&asked, inside))?;
    all_answers.push(answers);
    Ok(list)
}

/// What is human and reached this generation by another way than its training set.
fn supervision(setup: &Setup<'_>, finished: &Finished<'_, Draft, Models>, corpus: &Corpus) -> Vec<Measure> {
    let number = finished.generation.number;
    let settings = setup.arm.at(number);
    let mut list = Vec::new();
    let mut training = |way: &'static str, value| {
        list.push(Measure::new(&metric::TRAINING_SUPERVISION, value).with(Dimension::Part, way));
    };
    given::anchors(settings, &finished.generation.state).into_iter().for_each(|way| training(way.key(), 1.0));
    for (way, saw_human) in [("start", finished.model.start_saw_human), ("average", finished.model.average_saw_human)] {
        if let Some(saw_human) = saw_human {
            training(way, f64::from(u8::from(saw_human)));
        }
    }
    // Generation 0 is trained on those documents themselves.
    if number > 0 && settings.train().is_some_and(|train| train.objective.reads_human()) {
        training("entropy-floor", 1.0);
    }
    let generated =
        |way: &'static str, value| Measure::new(&metric::GENERATED_SUPERVISION, value).with(Dimension::Part, way);
    if let Some(matched) = corpus.matched {
        list.push(generated("entropy-match", matched.positions as f64));
    }
    if settings.sample().is_prompted() {
        let prompts = scoring::human_prompts(&corpus.documents);
        list.push(Measure::new(&metric::PROMPT_TOKENS, (prompts * settings.sample().prompt_tokens) as f64));
        list.push(generated("prompt", scoring::human_bytes(&corpus.documents)));
    }
    list.extend(target::measures(settings.sample(), &corpus.targeted));
    list
}

/// How much of what was generated, and of the training set, holds the planted phrase.
fn planted((setup, history): (&Setup<'_>, &History), finished: &Finished<'_, Draft, Models>) -> Vec<Measure> {
    let (corpus, draft) = (history.last(), &finished.generation.state);
    let mut list = Vec::new();
    if let Some(plant) = setup.arm.plant() {
        let texts = corpus.documents.iter().map(|document| document.text.as_str());
        list.push(Measure::new(&metric::GENERATED_PLANTED, plant::share_of(plant, texts)));
        let documents = &finished.training.documents;
        let texts = documents.iter().map(|pick| draft.read((setup, history), &pick.entry).0.text.as_str());
        list.push(Measure::new(&metric::TRAINING_PLANTED, plant::share_of(plant, texts)));
    }
    list
}
