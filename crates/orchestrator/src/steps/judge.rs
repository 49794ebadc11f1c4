//! Verdicts of an arm's defences about the documents that the recipe is offered, in a stage of its own for each source.
//!
//! A verdict is a pure function of what was offered, of the human training set, of what the parent generated and of the
//! models, so it is found again as any stage is. What it decides shows in the training set, whose stage is named by that;
//! so a defence that changes nothing shares every stage with the arm that has none.

use super::files::{json, read_json, timed, write_file};
use super::state::{Draft, Edited, FAILURE, History, Setup, Stop, weights};
use crate::Error;
use crate::human::hex;
use chain::{Entry, Generation, Source};
use corpus::{Document, Origin};
use curation::{Candidate, Context, Curation, Models, Place, Which};
use evaluation::statistics::log_mean_exp;
use evaluation::{Dimension, Measure};
use experiment::Plant;
use inference::{Sampler, Tokens};
use model::Weights;
use rundir::{Checkpoint, Stage, StageId, StageKind};
use sampling::Sampling;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Counts up when a judge stage gets other bytes.
pub(crate) const VERSION: u32 = 2;

const VERDICT: &str = "verdict.json";

/// End of the id of a document that has other tokens than it was generated with.
const SUFFIX: &str = "+edited";

/// All that a verdict depends on. The models are named by their stages, which name what they were trained on: the human
/// training set is among it.
#[derive(Serialize)]
struct Key<'a> {
    prepare: &'a StageId,
    curation: &'a Curation,
    source: Source,
    offered: &'a [&'a Entry],
    seed: u64,
    generation: u32,
    first: Vec<&'a StageId>,
    parent: Vec<&'a StageId>,
    latest: StageId,
    plant: Option<&'a Plant>,
}

/// A verdict as its stage holds it.
#[derive(Serialize, Deserialize)]
struct Verdict {
    /// One for each document that was offered, in their order.
    decisions: Vec<curation::Decision>,
    measures: Vec<Measure>,
}

/// The documents that the recipe may draw of those that a source offers.
pub(super) fn decide(
    setup: &Setup<'_>,
    history: &History,
    generation: &mut Generation<Draft>,
    source: Source,
    offered: &[&Entry],
) -> Result<Vec<chain::Decision>, Stop> {
    let settings = setup.arm.at(generation.number);
    if !settings.judges(source) {
        return Ok(vec![chain::Decision::AS_IT_IS; offered.len()]);
    }
    let number = generation.number;
    let models = |generation: usize| history.models[generation].models.iter().map(Stage::id).collect::<Vec<_>>();
    let parent = number as usize - 1;
    let key = Key {
        prepare: &setup.run.human.id,
        curation: settings.curation(),
        source,
        offered,
        seed: setup.stages.chain().seed,
        generation: number,
        first: models(0),
        parent: models(parent),
        latest: history.corpora[parent].stage,
        plant: setup.planted_by(number),
    };
    let stage = setup.stage(setup.work(StageKind::Judge, VERSION, number, 0.0), &key, |folder, checkpoint| {
        timed("curation", || fill((setup, history), source, offered, number, (folder, checkpoint)))
    })?;
    stage.verify()?;
    setup.reached(&stage, generation)?;
    let verdict: Verdict = read_json(&stage.path().join(VERDICT))?;
    let draft = &mut generation.state;
    draft.judged.extend(verdict.measures);
    draft.offered.extend(offered.iter().map(|entry| (*entry).clone()));
    let decide = |(entry, decision): (&&Entry, curation::Decision)| {
        let edited = decision.edited.map(|ids| {
            let edited = edit((setup, history), entry, ids);
            let size = edited.size(setup.context());
            let entry = Entry { id: edited.document.id.clone(), size, ..(*entry).clone() };
            draft.edited.insert(entry.id.clone(), edited);
            entry
        });
        let copies = if decision.keep { decision.copies } else { 0 };
        chain::Decision { copies, weight: decision.weight.into(), edited }
    };
    Ok(offered.iter().zip(verdict.decisions).map(decide).collect())
}

fn fill(
    (setup, history): (&Setup<'_>, &History),
    source: Source,
    offered: &[&Entry],
    generation: u32,
    (folder, checkpoint): (&Path, &Checkpoint),
) -> Result<(), Error> {
    let candidate = |entry: &Entry| {
        let (document, ids, _) = history.read(setup, entry);
        setup.as_read(document, ids)
    };
    let candidates: Vec<Candidate<'_>> = offered.iter().map(|entry| candidate(entry)).collect();
    let human: Vec<Candidate<'_>> = setup.seed.set.training.iter().map(candidate).collect();
    let (documents, tokens) = history.corpora[generation as usize - 1].read();
    let latest = documents.iter().zip(tokens.iter());
    let latest: Vec<Candidate<'_>> = latest.map(|(document, (ids, _))| setup.as_read(document, ids)).collect();
    let context = Context {
        human: &human,
        latest: &latest,
        streams: &setup.streams(),
        generation,
        separator: setup.separator(),
        world: setup.run.human.medium.world(),
        models: &ChainModels { setup, history, generation, checkpoint },
    };
    let settings = setup.arm.at(generation);
    let curation = settings.curation();
    let verdict = match source.is_human() {
        true => curation.judge_human(&candidates, &context),
        false => curation.judge(&candidates, &context),
    };
    // Of a model that was stopped, curation knows that it did not answer.
    checkpoint.check()?;
    let verdict = match verdict {
        Ok(verdict) => verdict,
        // What a chain has come to, and no fault of the request.
        Err(error @ curation::Error::TooFew { .. }) => {
            return write_file(&folder.join(FAILURE), &format!("curation: {error}"));
        }
        Err(error) => return Err(Error::work(error)),
    };
    let several = settings.judged_sources().count() > 1;
    let of_source = |measure: Measure| match several {
        true => measure.with(Dimension::Source, source.name()),
        false => measure,
    };
    let measures = verdict.measures.into_iter().map(of_source).collect();
    write_file(&folder.join(VERDICT), &json(&Verdict { decisions: verdict.decisions, measures }))
}

/// The document with other tokens: people and a model wrote it together, where people had a part in it.
fn edit((setup, history): (&Setup<'_>, &History), entry: &Entry, ids: Vec<u32>) -> Edited {
    let mut document = history.read(setup, entry).0.clone();
    document.id.push_str(SUFFIX);
    document.text = setup.run.human.codec.decode(&ids);
    let whole = ids.len() + usize::from(!document.truncated);
    document.truncated |= whole > setup.context();
    let provenance = &mut document.provenance;
    // Where the spans are in the new content nobody knows any more.
    let spans = std::mem::take(&mut provenance.spans);
    let of_people = |origin: Origin| origin != Origin::Synthetic;
    if of_people(provenance.origin) || spans.iter().any(|span| of_people(span.origin)) {
        provenance.origin = Origin::Assisted;
    }
    provenance.prompt = None;
    Edited { document, ids }
}

impl Setup<'_> {
    /// A document as a window holds it: what is longer is cut there.
    pub(super) fn as_read<'d>(&self, document: &'d Document, ids: &'d [u32]) -> Candidate<'d> {
        Candidate::new(document, &ids[..ids.len().min(self.context())])
    }
}

/// The models of a chain, as defences ask them.
pub(super) struct ChainModels<'a> {
    pub(super) setup: &'a Setup<'a>,
    pub(super) history: &'a History,
    /// The generation whose training set is chosen: the one before is the parent.
    pub(super) generation: u32,
    /// The stage's: what models have answered is kept there, named by the question.
    pub(super) checkpoint: &'a Checkpoint,
}

impl ChainModels<'_> {
    /// The weights of each model of a generation.
    fn weights(&self, which: Which) -> Result<Vec<Weights>, String> {
        let generation = match which {
            Which::First => 0,
            Which::Parent => self.generation as usize - 1,
        };
        let models = self.history.models[generation].models.iter();
        models.map(|stage| weights(stage).map_err(|e| e.to_string())).collect()
    }

    /// A checkpoint for the losses of documents under a generation's models.
    fn checkpoint_of(&self, which: Which, documents: &[Tokens<'_>]) -> Checkpoint {
        let mut hash = Sha256::new();
        for (ids, truncated) in documents {
            hash.update([u8::from(*truncated)]);
            hash.update((ids.len() as u64).to_le_bytes());
            ids.iter().for_each(|id| hash.update(id.to_le_bytes()));
        }
        let model = match which {
            Which::First => "first",
            Which::Parent => "parent",
        };
        self.checkpoint.within(&format!("{model}-{}", &hex(hash)[..16]))
    }
}

impl Models for ChainModels<'_> {
    fn token_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<f32>>, String> {
        Ok(mixed(self.member_losses(which, documents)?))
    }

    fn member_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<Vec<f32>>>, String> {
        let context = self.setup.context();
        let is_cut = |candidate: &Candidate<'_>| candidate.document.truncated || candidate.ids.len() >= context;
        let tokens: Vec<Tokens<'_>> = documents.iter().map(|candidate| (candidate.ids, is_cut(candidate))).collect();
        let device = self.setup.run.device.device();
        let checkpoint = self.checkpoint_of(which, &tokens);
        let score = |(member, weights): (usize, &Weights)| {
            let mut checkpoint = checkpoint.within(&member.to_string());
            inference::token_losses(weights, &tokens, self.setup.separator(), &device, &mut checkpoint)
        };
        self.weights(which)?.iter().enumerate().map(score).collect::<Result<_, _>>().map_err(|e| e.to_string())
    }

    fn redraw(
        &self,
        which: Which,
        documents: &[Candidate<'_>],
        places: &[Vec<Place>],
        sampling: &Sampling,
    ) -> Result<Vec<Vec<u32>>, String> {
        let weights = self.weights(which)?;
        let [weights] = &weights[..] else {
            return Err("tokens are drawn again from one model, and there are several".to_owned());
        };
        let places: Vec<Vec<(usize, f64)>> =
            places.iter().map(|places| places.iter().map(|place| (place.position, place.uniform)).collect()).collect();
        let asked: Vec<inference::Redrawn<'_>> =
            documents.iter().zip(&places).map(|(candidate, places)| (candidate.ids, &places[..])).collect();
        let sampler = Sampler::new(sampling).map_err(|e| e.to_string())?.after(self.setup.separator());
        let device = self.setup.run.device.device();
        let drawn = inference::redraw(weights, &asked, &sampler, self.setup.separator(), &device, self.checkpoint);
        drawn.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
    }
}

/// Token losses under models of which each document has one for its author, all equally likely: the probability of its
/// first tokens is the mean of theirs, and a token's is how much that falls with it. Of one model, its own.
fn mixed(mut models: Vec<Vec<Vec<f32>>>) -> Vec<Vec<f32>> {
    if models.len() == 1 {
        return models.remove(0);
    }
    let documents = models.first().map_or(0, Vec::len);
    let of_document = |document: usize| {
        let mut sums = vec![0.0_f64; models.len()];
        let mut before = 0.0;
        let tokens = models[0][document].len();
        let token = |at: usize| {
            sums.iter_mut().zip(&models).for_each(|(sum, model)| *sum += f64::from(model[document][at]));
            let after = -log_mean_exp(sums.iter().map(|sum| -sum));
            let loss = after - before;
            before = after;
            loss as f32
        };
        (0..tokens).map(token).collect()
    };
    (0..documents).map(of_document).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_models_write_a_document_each() {
        let one = vec![vec![0.5_f32, 1.0]];
        assert_eq!(mixed(vec![one.clone()]), one);
        assert_eq!(mixed(vec![one.clone(), one.clone()]), one);
        // The first model finds the document impossible from its first token on: the second wrote it.
        let both = mixed(vec![vec![vec![900.0, 0.0]], vec![vec![0.25, 3.0]]]);
        assert!((f64::from(both[0][0]) - (0.25 + 2_f64.ln())).abs() < 1e-6 && both[0][1] == 3.0, "{both:?}");
    }
}
