//! Curation: what an arm's defences make of the documents that the recipe is offered, in a stage of its own for each
//! source.
//!
//! A verdict is a pure function of what was offered, of the human training set, of what the parent wrote and of the
//! models, so it is found again as any stage is. What it decides shows in the training set, whose stage is named by that;
//! so a defence that changes nothing shares every stage with the arm that has none.

use super::{FAILURE, Stop, Transformers, json, read_json, timed, weights, write_file};
use crate::Error;
use crate::scoring::Measured;
use chain::{Entry, Source};
use corpus::{Document, Origin, Sampling};
use curation::{Candidate, Context, Curation, Models, Place, Which};
use inference::{Sampler, Tokens};
use model::Weights;
use rundir::{Stage, StageId, StageKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

const VERDICT: &str = "verdict.json";

/// What the id of a document with other tokens than it was written with ends in.
const SUFFIX: &str = "+edited";

/// What the defences said about the training set of one generation.
#[derive(Default)]
pub(crate) struct Judged {
    /// The verdicts, one for each source that was judged.
    pub(super) stages: Vec<StageId>,
    pub(super) measures: Vec<Measured>,
    /// Edited documents by their ids.
    pub(super) edited: BTreeMap<String, Edited>,
}

/// A document whose tokens were changed.
pub(super) struct Edited {
    /// Its text and origin; its truncation is that of its tokens.
    pub(super) document: Document,
    /// What is trained on, which its text may not encode to.
    pub(super) ids: Vec<u32>,
}

impl Edited {
    /// Positions that it takes in a window: as many as before, but where tokens were dropped.
    fn size(&self, context: usize) -> u64 {
        (self.ids.len() + usize::from(!self.document.truncated)).min(context) as u64
    }
}

/// All that a verdict depends on. The models are named by their stages, which name what they were trained on: the human
/// training set is among it.
#[derive(Serialize)]
struct VerdictKey<'a> {
    prepare: &'a StageId,
    curation: &'a Curation,
    source: Source,
    offered: &'a [&'a Entry],
    seed: u64,
    generation: u32,
    first: Vec<&'a StageId>,
    parent: Vec<&'a StageId>,
    latest: StageId,
    /// Sources are judged whole: stages of before passed a history's human text by, and asked all defences about human sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    judged: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plant: Option<&'a crate::Plant>,
}

/// A verdict as its stage holds it.
#[derive(Serialize, Deserialize)]
struct Verdict {
    /// One for each document that was offered, in their order.
    decisions: Vec<curation::Decision>,
    measures: Vec<Measured>,
}

/// Whether a defence of this list judges a source.
pub(crate) fn is_judged(curation: &Curation, source: Source) -> bool {
    !curation.is_empty() && (!is_human(source) || curation.judges_human())
}

/// Whether a source is known to hold human text alone. A history is a web: who wrote what is what a defence has to find out.
pub(super) fn is_human(source: Source) -> bool {
    !matches!(source, Source::Latest | Source::History)
}

impl Transformers<'_> {
    /// What the recipe may draw of what a source offers.
    pub(super) fn decide(
        &self,
        source: Source,
        offered: &[&Entry],
        generation: u32,
    ) -> Result<Vec<chain::Decision>, Stop> {
        let curation = &self.arm.curation;
        if !is_judged(curation, source) {
            return Ok(vec![chain::Decision::AS_IT_IS; offered.len()]);
        }
        let written = self.written.borrow();
        let trained = self.trained.borrow();
        let models = |generation: usize| trained[generation].models.iter().map(Stage::id).collect::<Vec<_>>();
        let parent = generation as usize - 1;
        let key = VerdictKey {
            prepare: &self.human.id,
            curation,
            source,
            offered,
            seed: self.chain.seed,
            generation,
            first: models(0),
            parent: models(parent),
            latest: written[parent].stage,
            judged: (source != Source::Latest).then_some("whole"),
            plant: self.planted_by(generation),
        };
        let stage = self.stage(StageKind::Compose, generation, &key, 0.0, &mut |folder| {
            timed("curation", || self.fill_verdict(source, offered, generation, folder))
        })?;
        stage.verify()?;
        self.end_if_failed(&stage, generation)?;
        let verdict: Verdict = read_json(&stage.path().join(VERDICT))?;
        let mut edits = BTreeMap::new();
        let decide = |(entry, decision): (&&Entry, curation::Decision)| {
            let edited = decision.edited.map(|ids| {
                let edited = self.edited(entry, ids);
                let size = edited.size(self.config.context);
                let entry = Entry { id: edited.document.id.clone(), size, ..(*entry).clone() };
                edits.insert(entry.id.clone(), edited);
                entry
            });
            let copies = if decision.keep { decision.copies } else { 0 };
            chain::Decision { copies, weight: decision.weight.into(), edited }
        };
        let decisions = offered.iter().zip(verdict.decisions).map(decide).collect();
        let mut judged = self.judged.borrow_mut();
        judged.stages.push(*stage.id());
        judged.measures.extend(verdict.measures);
        judged.edited.extend(edits);
        Ok(decisions)
    }

    fn fill_verdict(&self, source: Source, offered: &[&Entry], generation: u32, folder: &Path) -> Result<(), Error> {
        let written = self.written.borrow();
        // As a window holds it: what is longer is cut there.
        let cut = |ids: &'_ [u32]| ids.len().min(self.config.context);
        let candidate = |entry: &Entry| {
            let (documents, tokens) = match entry.generation {
                None => (&self.seed.texts.documents[..], &self.seed.texts.tokens),
                Some(generation) => written[generation as usize].read(),
            };
            let ids = tokens.ids(entry.index);
            (&documents[entry.index], &ids[..cut(ids)])
        };
        let candidates: Vec<Candidate<'_>> = (offered.iter())
            .map(|entry| candidate(entry))
            .map(|(document, ids)| Candidate::new(document, ids))
            .collect();
        let human: Vec<Candidate<'_>> = (self.seed.set.training.iter())
            .map(candidate)
            .map(|(document, ids)| Candidate::new(document, ids))
            .collect();
        let (documents, tokens) = written[generation as usize - 1].read();
        let latest: Vec<Candidate<'_>> = (documents.iter().zip(tokens.iter()))
            .map(|(document, (ids, _))| Candidate::new(document, &ids[..cut(ids)]))
            .collect();
        let context = Context {
            human: &human,
            latest: &latest,
            streams: &self.streams(),
            generation,
            separator: self.human.tokenizer.separator(),
            world: self.human.truth.as_ref().map(crate::Truth::world),
            models: &Asked { of: self, generation },
        };
        let curation = &self.arm.curation;
        let verdict = match is_human(source) {
            true => curation.judge_human(&candidates, &context),
            false => curation.judge(&candidates, &context),
        };
        let verdict = match verdict {
            Ok(verdict) => verdict,
            // What a chain has come to, and no fault of the request.
            Err(error @ curation::Error::TooFew { .. }) => {
                return write_file(&folder.join(FAILURE), &format!("curation: {error}"));
            }
            Err(error) => return Err(Error::work(error)),
        };
        let several = self.arm.judged_sources().count() > 1;
        let measured = |measure: evaluation::Measure| {
            let evaluation::Measure { metric, mut detail, value } = measure;
            if several {
                detail = format!("{detail}/{}", source.name());
            }
            Measured { set: "training".to_owned(), metric, detail, value }
        };
        let measures = verdict.measures.into_iter().map(measured).collect();
        write_file(&folder.join(VERDICT), &json(&Verdict { decisions: verdict.decisions, measures }))
    }

    /// The document with other tokens: people and a model wrote it together, where people had a part in it.
    fn edited(&self, entry: &Entry, ids: Vec<u32>) -> Edited {
        let mut edited = None;
        self.document(entry, &mut |document| edited = Some(document.clone()));
        let mut document = edited.expect("every entry has its document");
        document.id.push_str(SUFFIX);
        document.text = self.human.tokenizer.decode(&ids);
        let whole = ids.len() + usize::from(!document.truncated);
        document.truncated |= whole > self.config.context;
        let provenance = &mut document.provenance;
        // Where the spans are in the new text nobody knows any more.
        let spans = std::mem::take(&mut provenance.spans);
        let of_people = |origin: Origin| origin != Origin::Synthetic;
        if of_people(provenance.origin) || spans.iter().any(|span| of_people(span.origin)) {
            provenance.origin = Origin::Assisted;
        }
        provenance.prompt = None;
        Edited { document, ids }
    }
}

/// The models of a chain, as defences ask them.
pub(super) struct Asked<'a> {
    pub(super) of: &'a Transformers<'a>,
    /// The generation whose training set is chosen: the one before is the parent.
    pub(super) generation: u32,
}

impl Asked<'_> {
    /// The weights of each model of a generation.
    fn weights(&self, which: Which) -> Result<Vec<Weights>, String> {
        let generation = match which {
            Which::First => 0,
            Which::Parent => self.generation as usize - 1,
        };
        let trained = self.of.trained.borrow();
        trained[generation].models.iter().map(|stage| weights(stage).map_err(|e| e.to_string())).collect()
    }

    fn separator(&self) -> u32 {
        self.of.human.tokenizer.separator()
    }
}

impl Models for Asked<'_> {
    fn token_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<f32>>, String> {
        Ok(mixed(self.member_losses(which, documents)?))
    }

    fn member_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<Vec<f32>>>, String> {
        let context = self.of.config.context;
        let tokens =
            |candidate: &Candidate<'_>| -> bool { candidate.document.truncated || candidate.ids.len() >= context };
        let tokens: Vec<Tokens<'_>> = documents.iter().map(|candidate| (candidate.ids, tokens(candidate))).collect();
        let device = self.of.device.device();
        let score = |weights: &Weights| inference::token_losses(weights, &tokens, self.separator(), &device);
        Ok(self.weights(which)?.iter().map(score).collect())
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
        let sampler = Sampler::new(sampling).map_err(|e| e.to_string())?;
        let device = self.of.device.device();
        inference::redraw(weights, &asked, &sampler, self.separator(), &device).map_err(|e| e.to_string())
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
            // The likeliest is taken out of the sum, which would else be zero.
            let least = sums.iter().copied().fold(f64::INFINITY, f64::min);
            let mean = sums.iter().map(|sum| (least - sum).exp()).sum::<f64>() / sums.len() as f64;
            let after = least - mean.ln();
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
