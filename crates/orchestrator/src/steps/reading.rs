//! Scores of a generation's documents under generation 0's model, and the change that each generation's training makes.

use super::files::{json, write_file};
use super::state::{History, Place, Setup, weights};
use crate::reader::{PERPLEXITIES, Reader};
use crate::{Error, scoring};
use evaluation::{Dimension, DocumentLoss, Measure, metric};
use experiment::PromptFrom;
use inference::{DecodeError, Decoding, Sequence, Tokens, decode, decoder};
use model::Weights;
use rayon::prelude::*;
use rundir::Checkpoint;
use std::path::Path;
use streams::{Streams, item_of_name};

/// Tokens drawn to measure what a step added, at most: two models read them, and more are worth less than they cost.
const DRAWN: u64 = 20_000;

/// Scores of the documents under generation 0's model and under its own `authors`; the first of generation 0's members, where
/// they are several.
pub(super) fn measure(
    setup: &Setup<'_>,
    history: &mut History,
    generation: u32,
    authors: &[Weights],
    (folder, checkpoint): (&Path, &mut Checkpoint),
) -> Result<Vec<Measure>, Error> {
    let seed = setup.stages.chain().seed;
    let (list, histogram) = checkpoint.part("reading", |checkpoint| -> Result<_, Error> {
        let reader = match history.reader.take() {
            Some(reader) => reader,
            None => new_reader(setup, history, seed, checkpoint)?,
        };
        let found =
            reader.measures((&history.last().tokens, &history.last().nats), authors, (seed, generation), checkpoint)?;
        history.reader = Some(reader);
        Ok(found)
    })?;
    write_file(&folder.join(PERPLEXITIES), &json(&histogram))?;
    Ok(list)
}

fn new_reader(setup: &Setup<'_>, history: &History, seed: u64, checkpoint: &mut Checkpoint) -> Result<Reader, Error> {
    let stage = &history.models[0].models[0];
    let model = (stage.id(), weights(stage)?);
    let human = &setup.seed.human.tokens;
    let training = setup.seed.set.training.iter().map(|e| (human.ids(e.index), human.truncated(e.index)));
    let training: Vec<Tokens<'_>> = training.collect();
    let read = (&training[..], seed);
    Ok(Reader::new(model, setup.run.reading_cache, setup.run.human, read, setup.run.device.device(), checkpoint)?)
}

/// The divergence that this generation's training added: the mean of log q_(k-1)(x) - log q_k(x) in nats per token,
/// over documents x that model k-1 generated for this alone, about as many tokens as the test set has, or 20,000. No
/// model was trained on them.
///
/// At temperature 1 without truncation this estimates KL(q_(k-1) ‖ q_k), so that it is zero or more but for its scatter. Of
/// another sampler's documents it is the difference of the two models' losses on what that sampler generates, no divergence,
/// and may be below zero. The ids are those that were sampled, since the models' probabilities are of them. Where the
/// temperature is matched to human documents, these are drawn at 1 all the same. Members are a mixture, each the author of its
/// share. Not measured of documents that begin with a prompt, which no model generated.
///
/// No model is ever trained on sampled ids, but on those that the documents encode to. So the same is measured of these, too
/// (part `own-ids`): what the two differ by, the codec adds and not the training.
pub(super) fn step_divergence(
    setup: &Setup<'_>,
    history: &History,
    generation: u32,
    models: &[Weights],
    checkpoint: &mut Checkpoint,
) -> Result<Vec<Measure>, Error> {
    let is_of_model = |generation: &u32| setup.arm.at(*generation).sample().prompt == PromptFrom::None;
    let Some(before) = generation.checked_sub(1).filter(is_of_model) else { return Ok(Vec::new()) };
    let stages = history.models[before as usize].models.iter();
    let parents = stages.map(weights).collect::<Result<Vec<_>, Error>>()?;
    let mut drawn = Vec::new();
    for (member, parent) in parents.iter().enumerate() {
        let place = Place { generation: before, member };
        drawn.extend(checkpoint.part(&format!("drawn-{member}"), |inside| draw(setup, parent, place, inside))?);
    }
    let documents: Vec<Tokens<'_>> = drawn.iter().map(|s| (&s.ids[..], s.truncated)).collect();
    // Of one parent the losses are known from drawing, where its sampler drew from the model alone.
    let known: Option<Vec<f64>> = drawn.iter().map(|sequence| sequence.nats.filter(|_| parents.len() == 1)).collect();
    let before = match known {
        Some(nats) => vec![nats],
        None => losses(setup, &parents, &documents, (checkpoint, "before"))?,
    };
    let now = losses(setup, models, &documents, (checkpoint, "now"))?;
    let sampled = divergence(&documents, (&before, &now), &Vec::clone);
    let own = Encoded::of(setup, &documents);
    let before = own.losses(before, |differing| losses(setup, &parents, differing, (checkpoint, "before-own")))?;
    let now = own.losses(now, |differing| losses(setup, models, differing, (checkpoint, "now-own")))?;
    let encoded = divergence(&own.tokens(), (&before, &now), &Vec::clone);
    let row = |value| Measure::new(&metric::STEP_DIVERGENCE, value);
    let encoded = encoded.map(|value| row(value).with(Dimension::Part, "own-ids"));
    Ok(sampled.map(row).into_iter().chain(encoded).collect())
}

/// By model, what it loses on each document, in nats.
fn losses(
    setup: &Setup<'_>,
    models: &[Weights],
    documents: &[Tokens<'_>],
    (checkpoint, part): (&mut Checkpoint, &str),
) -> Result<Vec<Vec<f64>>, Error> {
    let device = setup.run.device.device();
    let of = |(member, weights): (usize, &Weights)| {
        checkpoint.part(&format!("{part}-{member}"), |inside| {
            let losses = inference::token_losses(weights, documents, setup.separator(), &device, inside)?;
            Ok(losses.iter().map(|losses| losses.iter().map(|&loss| f64::from(loss)).sum()).collect())
        })
    };
    models.iter().enumerate().map(of).collect()
}

/// Sampled documents by the ids that they encode to, with whether they are truncated.
struct Encoded {
    documents: Vec<(Vec<u32>, bool)>,
    /// Those of other ids than were sampled.
    differing: Vec<usize>,
}

impl Encoded {
    fn of(setup: &Setup<'_>, sampled: &[Tokens<'_>]) -> Self {
        let (codec, context) = (&*setup.run.human.codec, setup.context());
        let encode = |&(ids, truncated): &Tokens<'_>| {
            let mut again = codec.encode(&codec.decode(ids));
            // What encodes to more than a window holds is cut there.
            let truncated = truncated || again.len() >= context;
            again.truncate(context);
            (again, truncated)
        };
        let documents: Vec<(Vec<u32>, bool)> = sampled.par_iter().map(encode).collect();
        let differs = |at: &usize| documents[*at].0 != sampled[*at].0 || documents[*at].1 != sampled[*at].1;
        let differing = (0..documents.len()).filter(differs).collect();
        Self { documents, differing }
    }

    fn tokens(&self) -> Vec<Tokens<'_>> {
        self.documents.iter().map(|(ids, truncated)| (&ids[..], *truncated)).collect()
    }

    /// Losses of models on these, given those on the sampled ids; what differs is asked for.
    fn losses(
        &self,
        mut sampled: Vec<Vec<f64>>,
        ask: impl FnOnce(&[Tokens<'_>]) -> Result<Vec<Vec<f64>>, Error>,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let all = self.tokens();
        let differing: Vec<Tokens<'_>> = self.differing.iter().map(|&at| all[at]).collect();
        for (of_model, asked) in sampled.iter_mut().zip(ask(&differing)?) {
            self.differing.iter().zip(asked).for_each(|(&at, nats)| of_model[at] = nats);
        }
        Ok(sampled)
    }
}

/// Documents that no model is trained on: a member's share of as many tokens as the test set has, [`DRAWN`] at most, by the
/// arm's sampler.
fn draw(
    setup: &Setup<'_>,
    weights: &Weights,
    place: Place,
    checkpoint: &mut Checkpoint,
) -> Result<Vec<Sequence>, Error> {
    let (sampling, seed) = (setup.arm.at(place.generation).sampling(), setup.stages.chain().seed);
    let budget = (setup.run.human.test.tokens.tokens() as u64).min(DRAWN) / u64::from(setup.arm.members());
    let decoding = Decoding {
        sampling: &sampling,
        streams: Streams::new(item_of_name(&format!("{seed}/member-{}/drawn-anew", place.member))),
        generation: place.generation,
        separator: setup.separator(),
        first: 0,
        prompt: &|_| Vec::new(),
    };
    // A document has a token at least.
    let slots = inference::slots(weights.config(), setup.run.device).min(budget as usize).max(1);
    let size = |ids: &[u32], truncated: bool| ids.len() as u64 + u64::from(!truncated);
    let mut decoder = decoder(weights, setup.run.device, &sampling, slots);
    decode(&mut decoder, &decoding, budget, &size, checkpoint, &mut |_| {}).map_err(|error| match error {
        DecodeError::Stopped(stopped) => stopped.into(),
        error => Error::work(error),
    })
}

/// The mixtures' difference in nats per token, given what one model loses on each document; none of no tokens.
fn divergence<M>(
    documents: &[Tokens<'_>],
    (before, now): (&[M], &[M]),
    losses: &dyn Fn(&M) -> Vec<f64>,
) -> Option<f64> {
    let tokens: usize = documents.iter().map(|(ids, truncated)| ids.len() + usize::from(!truncated)).sum();
    let nats = |models: &[M]| {
        let loss = |nats| DocumentLoss { nats, ..DocumentLoss::default() };
        let of = |model: &M| losses(model).into_iter().map(loss).collect();
        scoring::mixed(models.iter().map(of).collect()).iter().map(|loss| loss.nats).sum::<f64>()
    };
    (tokens > 0).then(|| (nats(now) - nats(before)) / tokens as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::Purpose;

    /// A model that writes documents of one of two tokens without an end, the first with this chance.
    fn losses<'a>(documents: &'a [Tokens<'a>]) -> impl Fn(&f64) -> Vec<f64> + 'a {
        move |p| documents.iter().map(|(ids, _)| -if ids[0] == 1 { *p } else { 1.0 - p }.ln()).collect()
    }

    #[test]
    fn coins() {
        let mut stream = Streams::new(0).stream(Purpose::Evaluation, 0, 0);
        let ids: Vec<[u32; 1]> = (0..100_000).map(|_| [if stream.uniform() < 0.7 { 1 } else { 2 }]).collect();
        let documents: Vec<Tokens<'_>> = ids.iter().map(|ids| (&ids[..], true)).collect();
        let of = losses(&documents);
        let found = |before: &[f64], now: &[f64]| divergence(&documents, (before, now), &of).unwrap();
        assert_eq!(found(&[0.7], &[0.7]), 0.0);
        // KL in closed form, within four standard errors.
        let exact = 0.7 * (0.7_f64 / 0.5).ln() + 0.3 * (0.3_f64 / 0.5).ln();
        let error = (0.7 * 0.3_f64).sqrt() * (0.7_f64 / 0.3).ln() / (documents.len() as f64).sqrt();
        assert!((found(&[0.7], &[0.5]) - exact).abs() < 4.0 * error, "{} {exact}", found(&[0.7], &[0.5]));
        // Two authors, half of the documents each, are one coin of the mean chance.
        assert!((found(&[0.9, 0.5], &[0.5, 0.5]) - found(&[0.7], &[0.5])).abs() < 1e-12);
        assert_eq!(divergence(&[], (&[0.5], &[0.5]), &|_: &f64| Vec::new()), None);
    }
}
