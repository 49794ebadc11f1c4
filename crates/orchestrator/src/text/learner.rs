//! The text learners: what each does ([`TextLearner`]), which one an arm has, and those that count: the oracle of a
//! world's grammar, and the n-gram over the tokenizer's ids.
//!
//! Their train stage holds `learned.json`, the counts; a generate stage holds the same files as a transformer's. Draws come
//! from the seed's streams, document by document, so that a text depends on the counts and its own index alone.
//!
//! What is measured is what a text says, and of the n-gram the losses on the test set, which it gives exactly. It generates
//! no symbol that it has never read, so a single one in the test set makes the loss infinite: the share of the documents that
//! it finds impossible and its loss on the others are metrics, and the test loss is given where there is none. The oracle has no loss of use: whatever it has not
//! read word for word is impossible to it.

use super::corpus::Corpus;
use super::files::{json, read_json, timed, write_file};
use super::measures;
use super::state::{Draft, FAILURE, History, Member, Models, Place, Setup, Stop};
use crate::human::hex;
use crate::{Error, Truth, texts};
use chain::learners::{NGramModel, NGramWriter};
use chain::{Finished, TrainingSet};
use corpus::{Document, Origin, Provenance, TokenSet};
use evaluation::{DocumentLoss, Measure, metric};
use experiment::learner::{NGram, NGramSettings, Oracle};
use experiment::{ArmSettings, Learner};
use rundir::{Checkpoint, Due, Stage, StageId, StageKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use streams::{Purpose, Stream};
use world::{Recount, World};

/// The operations of a text learner. An implementation for each variant of [`Learner`] that learns text.
pub(super) trait TextLearner {
    /// Trains a model of the generation, or finds it.
    fn train(
        &self,
        chain: (&Setup<'_>, &History, &Draft),
        set: &TrainingSet,
        place: Place,
        compose: &StageId,
    ) -> Result<Member, Stop>;

    /// The versions of the code that fills its train and its generate stages.
    fn versions(&self) -> Versions;

    /// Fills a generate stage, its folder, with `budget` tokens of what the model generates, from where its checkpoint left
    /// off.
    fn fill_generate(
        &self,
        chain: (&Setup<'_>, &History),
        model: &Stage,
        place: Place,
        budget: u64,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<(), Error>;

    /// What is measured of the models and of what they generated that depends on what the learner is. May leave files
    /// in the score stage.
    fn measure(
        &self,
        setup: &Setup<'_>,
        history: &mut History,
        finished: &Finished<'_, Draft, Models>,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<Vec<Measure>, Error>;
}

/// The versions of the code that fills a learner's stages.
pub(super) struct Versions {
    pub(super) train: u32,
    pub(super) generate: u32,
}

/// The learner of an arm in a generation.
///
/// # Panics
/// If it is an exact one: those have no text, and no chain of this kind is made of them.
pub(super) fn of(settings: &ArmSettings) -> &dyn TextLearner {
    match &settings.learner {
        Learner::Transformer(transformer) => transformer,
        Learner::NGram(ngram) => ngram,
        Learner::Oracle(oracle) => oracle,
        Learner::Exact(exact) => unreachable!("{} has no text", exact.model.kind()),
    }
}

/// Counts up when a train or generate stage of these learners gets other bytes.
const VERSION: u32 = 1;

/// In a train stage.
const LEARNED: &str = "learned.json";

#[derive(Serialize)]
struct Key<'a, S> {
    compose: &'a StageId,
    kind: &'a str,
    settings: S,
    context: usize,
    seed: u64,
    generation: u32,
}

/// A generated document: its text, its ids where they were drawn, whether it is truncated.
struct Generated {
    text: String,
    ids: Option<Vec<u32>>,
    truncated: bool,
}

/// Finds a generation's counts, or has `count` take them; `Err` within says why the chain cannot go on.
fn train<C: Serialize>(
    setup: &Setup<'_>,
    settings: impl Serialize,
    place: Place,
    compose: &StageId,
    count: impl FnOnce() -> Result<C, String>,
) -> Result<Member, Stop> {
    let (context, seed, kind) = (setup.context(), setup.stages.chain().seed, setup.arm.kind());
    let key = Key { compose, kind, settings, context, seed, generation: place.generation };
    let work = setup.work(StageKind::Train, VERSION, place.generation, 1.0);
    let stage = setup.stage(work, &key, |folder, _| {
        setup.stages.progress(work, 0.0, kind.to_owned());
        match timed("counting", count) {
            Ok(counts) => write_file(&folder.join(LEARNED), &json(&counts)),
            Err(reason) => write_file(&folder.join(FAILURE), &reason),
        }
    })?;
    Ok(Member { stage, record: None })
}

/// The documents of a generate stage so far, in their order.
#[derive(Default, Serialize, Deserialize)]
struct Drawn {
    /// Positions that they take.
    held: u64,
    documents: Vec<DrawnDocument>,
}

#[derive(Serialize, Deserialize)]
struct DrawnDocument {
    text: String,
    truncated: bool,
    /// True if the text encodes to other ids than were drawn.
    reencoded: bool,
}

/// Its name in the checkpoint.
const DRAWN: &str = "documents";

/// Fills a generate stage: the shortest prefix, in the documents' order, that reaches the budget.
fn fill_generate(
    setup: &Setup<'_>,
    (model, counts): (&Stage, &impl Serialize),
    generation: u32,
    budget: u64,
    (folder, checkpoint): (&Path, &mut Checkpoint),
    mut generate: impl FnMut(&mut Stream) -> Generated,
) -> Result<(), Error> {
    let parent = hex(Sha256::new_with_prefix(json(counts)));
    let (tokenizer, context) = (&setup.run.human.tokenizer, setup.context());
    let work = setup.work(StageKind::Generate, VERSION, generation, 1.0);
    let mut drawn: Drawn = checkpoint.load_value(DRAWN).unwrap_or_default();
    let mut reported = 0;
    while drawn.held < budget {
        if checkpoint.due() != Due::No {
            checkpoint.keep_value(DRAWN, &drawn);
            checkpoint.check()?;
        }
        let mut draws = setup.streams().stream(Purpose::Learner, generation, drawn.documents.len() as u64);
        let Generated { text, ids, truncated } = generate(&mut draws);
        let again = tokenizer.encode(&text);
        // What encodes to more than a window holds is cut there.
        drawn.held += (again.len() + usize::from(!truncated)).min(context) as u64;
        drawn.documents.push(DrawnDocument { text, truncated, reencoded: ids.is_some_and(|ids| ids != again) });
        if drawn.held > reported + budget / 10 {
            reported = drawn.held;
            setup.stages.progress(work, reported as f64 / budget as f64, format!("{reported} tokens"));
        }
    }
    let reencoded: Vec<bool> = drawn.documents.iter().map(|document| document.reencoded).collect();
    let document = |(index, DrawnDocument { text, truncated, .. }): (usize, DrawnDocument)| {
        let provenance = Provenance {
            generation: Some(generation),
            chain: Some(model.id().to_string()),
            parent: Some(parent.clone()),
            sampler: Some(setup.arm.at(generation).sampling()),
            ..Provenance::of(Origin::Synthetic)
        };
        Document { id: format!("{}/{generation}/{index:06}", model.id()), text, truncated, provenance }
    };
    let documents: Vec<Document> = drawn.documents.into_iter().enumerate().map(document).collect();
    let tokens = TokenSet::encode(&documents, tokenizer);
    Corpus::write(folder, &documents, &tokens, &reencoded)
}

/// The counts of a train stage, which must be as it was sealed.
fn learned<C: for<'de> Deserialize<'de>>(stage: &Stage) -> Result<C, Error> {
    if !stage.path().join(LEARNED).exists() {
        return Err(Error::Gone(format!("{}/{LEARNED}", stage.id())));
    }
    stage.verify()?;
    read_json(&stage.path().join(LEARNED))
}

/// The world whose grammar an oracle knows.
fn world<'a>(setup: &Setup<'a>) -> &'a World {
    setup.run.human.truth.as_ref().map(Truth::world).expect("an oracle needs a world: checked with the experiment")
}

impl TextLearner for Oracle {
    fn train(
        &self,
        (setup, history, draft): (&Setup<'_>, &History, &Draft),
        set: &TrainingSet,
        place: Place,
        compose: &StageId,
    ) -> Result<Member, Stop> {
        train(setup, (), place, compose, || {
            let (mut recount, world) = (Recount::default(), world(setup));
            for pick in &set.documents {
                let (document, ..) = draft.read((setup, history), &pick.entry);
                recount.add(world, &document.text, document.truncated, pick.weight);
            }
            let all = set.documents.len();
            match recount.writer(world).is_some() {
                true => Ok(recount),
                false => Err(format!("training: of {all} documents the oracle can parse none")),
            }
        })
    }

    fn versions(&self) -> Versions {
        Versions { train: VERSION, generate: VERSION }
    }

    fn fill_generate(
        &self,
        (setup, _): (&Setup<'_>, &History),
        model: &Stage,
        place: Place,
        budget: u64,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<(), Error> {
        let recount: Recount = learned(model)?;
        let writer = recount.writer(world(setup)).expect("a training stage without counts has ended its chain");
        let generate = |draws: &mut Stream| Generated { text: writer.write(draws), ids: None, truncated: false };
        fill_generate(setup, (model, &recount), place.generation, budget, stage, generate)
    }

    fn measure(
        &self,
        setup: &Setup<'_>,
        history: &mut History,
        finished: &Finished<'_, Draft, Models>,
        (_, checkpoint): (&Path, &mut Checkpoint),
    ) -> Result<Vec<Measure>, Error> {
        let recount: Recount = learned(&finished.model.members[0].stage)?;
        let unparsed = Measure::new(&metric::UNPARSED_DOCUMENTS, recount.unread() as f64);
        Ok([vec![unparsed], measures::generated(setup, history.last(), (checkpoint, "generated"))?].concat())
    }
}

impl TextLearner for NGram {
    fn train(
        &self,
        (setup, history, draft): (&Setup<'_>, &History, &Draft),
        set: &TrainingSet,
        place: Place,
        compose: &StageId,
    ) -> Result<Member, Stop> {
        let NGramSettings { order, discount, .. } = self.model;
        train(setup, (order, discount), place, compose, || {
            let documents = set.documents.iter().map(|pick| {
                let (_, ids, truncated) = draft.read((setup, history), &pick.entry);
                cut(ids, truncated, setup.context())
            });
            Ok(NGramModel::of(order, discount, documents))
        })
    }

    fn versions(&self) -> Versions {
        Versions { train: VERSION, generate: VERSION }
    }

    fn fill_generate(
        &self,
        (setup, _): (&Setup<'_>, &History),
        model: &Stage,
        place: Place,
        budget: u64,
        stage: (&Path, &mut Checkpoint),
    ) -> Result<(), Error> {
        let counts: NGramModel = learned(model)?;
        let (context, tokenizer) = (setup.context(), &setup.run.human.tokenizer);
        let mut writer = NGramWriter::new(&counts, self.sampling, context);
        let generate = |draws: &mut Stream| {
            let ids = writer.write(draws);
            Generated { text: tokenizer.decode(&ids), truncated: ids.len() >= context, ids: Some(ids) }
        };
        fill_generate(setup, (model, &counts), place.generation, budget, stage, generate)
    }

    fn measure(
        &self,
        setup: &Setup<'_>,
        history: &mut History,
        finished: &Finished<'_, Draft, Models>,
        (_, checkpoint): (&Path, &mut Checkpoint),
    ) -> Result<Vec<Measure>, Error> {
        let counts: NGramModel = learned(&finished.model.members[0].stage)?;
        let losses = timed("scoring", || losses(setup, &counts));
        let possible = || losses.iter().filter(|loss| loss.nats.is_finite());
        let impossible = losses.len() - possible().count();
        let share = impossible as f64 / losses.len().max(1) as f64;
        let mut list = vec![Measure::new(&metric::IMPOSSIBLE_DOCUMENTS, share)];
        let (nats, tokens) = possible().fold((0.0, 0), |(nats, tokens), loss| (nats + loss.nats, tokens + loss.tokens));
        list.extend((tokens > 0).then(|| Measure::new(&metric::POSSIBLE_LOSS, nats / tokens as f64)));
        if impossible == 0 {
            list.extend(measures::test(setup, &losses));
        }
        list.extend(measures::generated(setup, history.last(), (checkpoint, "generated"))?);
        Ok(list)
    }
}

/// The losses of an n-gram model on the human test set.
fn losses(setup: &Setup<'_>, model: &NGramModel) -> Vec<DocumentLoss> {
    let (test, context) = (&setup.run.human.test, setup.context());
    let loss = |(index, document): (usize, &Document)| {
        let (ids, truncated) = cut(test.tokens.ids(index), test.tokens.truncated(index), context);
        DocumentLoss {
            nats: -model.log_probability_of(ids, truncated),
            tokens: texts::positions(&test.tokens, index, context),
            bytes: document.text.len() as u64,
        }
    };
    test.documents.iter().enumerate().map(loss).collect()
}

/// A document as a window holds it: what is longer is cut there.
fn cut(ids: &[u32], truncated: bool, context: usize) -> (&[u32], bool) {
    let is_cut = ids.len() + usize::from(!truncated) > context;
    if is_cut { (&ids[..context], true) } else { (ids, truncated) }
}
