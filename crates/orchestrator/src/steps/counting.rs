//! The learners that count, and among them the n-gram over the codec's ids.
//!
//! Their train stage holds `learned.json`, the counts; a generate stage holds the same files as a transformer's. Draws come
//! from the seed's streams, document by document, so that a document depends on the counts and its own index alone.
//!
//! An n-gram's losses on the test set are exact. It generates no symbol that it has never read, so a single one in the test
//! set makes the loss infinite: the share of the documents that it finds impossible and its loss on the others are metrics,
//! and the test loss is given where there is none.

use super::corpus::Corpus;
use super::files::{json, read_json, timed, write_file};
use super::learner::{StageLearner, Versions};
use super::measures;
use super::state::{Draft, FAILURE, History, Member, Models, Place, Setup, Stop};
use crate::Error;
use crate::encoded::positions;
use crate::human::hex;
use chain::learners::{NGramModel, NGramWriter};
use chain::{Finished, TrainingSet};
use corpus::{Document, Origin, Provenance, TokenSet};
use evaluation::{DocumentLoss, Measure, metric};
use experiment::learner::{NGram, NGramSettings};
use rundir::{Checkpoint, Due, Stage, StageId, StageKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use streams::{Purpose, Stream};

/// Counts up when a train or generate stage of these learners gets other bytes.
pub(super) const VERSION: u32 = 1;

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

/// A generated document: its content, its ids where they were drawn, whether it is truncated.
pub(super) struct Generated {
    pub(super) content: String,
    pub(super) ids: Option<Vec<u32>>,
    pub(super) truncated: bool,
}

/// Finds a generation's counts, or has `count` take them; `Err` within says why the chain cannot go on.
pub(super) fn train<C: Serialize>(
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
    content: String,
    truncated: bool,
    /// True if the content encodes to other ids than were drawn.
    reencoded: bool,
}

/// Its name in the checkpoint.
const DRAWN: &str = "documents";

/// Fills a generate stage: the shortest prefix, in the documents' order, that reaches the budget.
pub(super) fn fill_generate(
    setup: &Setup<'_>,
    (model, counts): (&Stage, &impl Serialize),
    generation: u32,
    budget: u64,
    (folder, checkpoint): (&Path, &mut Checkpoint),
    mut generate: impl FnMut(&mut Stream) -> Generated,
) -> Result<(), Error> {
    let parent = hex(Sha256::new_with_prefix(json(counts)));
    let (codec, context) = (&*setup.run.human.codec, setup.context());
    let work = setup.work(StageKind::Generate, VERSION, generation, 1.0);
    let mut drawn: Drawn = checkpoint.load_value(DRAWN).unwrap_or_default();
    let mut reported = 0;
    while drawn.held < budget {
        if checkpoint.due() != Due::No {
            checkpoint.keep_value(DRAWN, &drawn);
            checkpoint.check()?;
        }
        let mut draws = setup.streams().stream(Purpose::Learner, generation, drawn.documents.len() as u64);
        let Generated { content, ids, truncated } = generate(&mut draws);
        let again = codec.encode(&content);
        // What encodes to more than a window holds is cut there.
        drawn.held += (again.len() + usize::from(!truncated)).min(context) as u64;
        drawn.documents.push(DrawnDocument { content, truncated, reencoded: ids.is_some_and(|ids| ids != again) });
        if drawn.held > reported + budget / 10 {
            reported = drawn.held;
            setup.stages.progress(work, reported as f64 / budget as f64, format!("{reported} tokens"));
        }
    }
    let reencoded: Vec<bool> = drawn.documents.iter().map(|document| document.reencoded).collect();
    let document = |(index, DrawnDocument { content, truncated, .. }): (usize, DrawnDocument)| {
        let provenance = Provenance {
            generation: Some(generation),
            chain: Some(model.id().to_string()),
            parent: Some(parent.clone()),
            sampler: Some(setup.arm.at(generation).sampling()),
            ..Provenance::of(Origin::Synthetic)
        };
        Document { id: format!("{}/{generation}/{index:06}", model.id()), text: content, truncated, provenance }
    };
    let documents: Vec<Document> = drawn.documents.into_iter().enumerate().map(document).collect();
    let tokens = TokenSet::encode(&documents, codec);
    Corpus::write(folder, &documents, &tokens, &reencoded)
}

/// The counts of a train stage, which must be as it was sealed.
pub(super) fn learned<C: for<'de> Deserialize<'de>>(stage: &Stage) -> Result<C, Error> {
    if !stage.path().join(LEARNED).exists() {
        return Err(Error::Gone(format!("{}/{LEARNED}", stage.id())));
    }
    stage.verify()?;
    read_json(&stage.path().join(LEARNED))
}

impl StageLearner for NGram {
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
        let (context, codec) = (setup.context(), &*setup.run.human.codec);
        let mut writer = NGramWriter::new(&counts, self.sampling, context);
        let generate = |draws: &mut Stream| {
            let ids = writer.write(draws);
            Generated { content: codec.decode(&ids), truncated: ids.len() >= context, ids: Some(ids) }
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
            list.extend(measures::test(history, &losses));
        }
        list.extend(measures::generated(history, history.last(), (checkpoint, "generated"))?);
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
            tokens: positions(&test.tokens, index, context),
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
