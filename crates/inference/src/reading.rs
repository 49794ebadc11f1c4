//! A model's view of given documents: the loss of each, its hidden state, and how sure it is of what follows.

use crate::logits::rows_at_once;
use crate::score::{Tokens, in_windows, over_batches, positions};
use burn::tensor::{Device, Tensor};
use kernels::decoder::{GROUP, exponentials};
use model::{Attention, Batch, Transformer, Weights, attention_shape};
use ops::{Precision, TokenRule, head_loss, linear};
use rayon::prelude::*;
use rundir::{Checkpoint, Stopped};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A model's view of one document: loss and hidden state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Its negative log-probability in nats.
    pub nats: f64,
    /// Tokens that this is of, its end among them.
    pub tokens: u64,
    /// The hidden state after the last norm, the mean over the document's positions: `width` numbers.
    pub state: Vec<f32>,
}

/// Reads documents, each alone from its separator. Of one that is longer than the context only as much as fits is read.
/// Sums are taken in f64, in the order of a document's tokens. Goes on with what `checkpoint` holds of the same documents.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
///
/// # Panics
/// If the device fails.
pub fn read(
    weights: &Weights,
    documents: &[Tokens<'_>],
    separator: u32,
    device: &Device,
    checkpoint: &mut Checkpoint,
) -> Result<Vec<Reading>, Stopped> {
    let (context, width) = (weights.config().context, weights.config().width);
    let documents: Vec<Tokens<'_>> = documents.iter().map(|document| cut(*document, context)).collect();
    let readings = Vec::with_capacity(documents.len());
    let place = (checkpoint, "read");
    let read = over_windows((weights, device), (&documents, separator), place, readings, |seen, readings| {
        let hidden: Vec<f32> = seen.hidden.clone().try_into_vec_as().expect("float32 states");
        for (document, at, losses) in seen.documents() {
            let nats = losses.iter().map(|&loss| f64::from(loss)).sum();
            let state = mean(&hidden[at.start * width..at.end * width], width);
            readings.push((document, Reading { nats, tokens: at.len() as u64, state }));
        }
    });
    let mut readings: Vec<(usize, Reading)> = read?;
    readings.sort_by_key(|(document, _)| *document);
    Ok(readings.into_iter().map(|(_, reading)| reading).collect())
}

/// A group of windows as a model has seen it.
struct Seen<'a> {
    transformer: &'a Transformer,
    windows: &'a [Vec<usize>],
    documents: &'a [Tokens<'a>],
    context: usize,
    batch: &'a Batch,
    /// `[positions, width]`.
    hidden: Tensor<2>,
    /// Of each position.
    losses: &'a [f32],
}

impl Seen<'_> {
    /// The documents in the order of their windows: the number of a document, its positions and their losses.
    fn documents(&self) -> impl Iterator<Item = (usize, Range<usize>, &[f32])> {
        in_windows(self.windows, self.documents, self.context)
            .map(|(document, at)| (document, at.clone(), &self.losses[at]))
    }
}

/// Calls `see` with each group of windows that the documents are packed into, and gives what it leaves in `start`.
fn over_windows<T: Serialize + DeserializeOwned>(
    (weights, device): (&Weights, &Device),
    (documents, separator): (&[Tokens<'_>], u32),
    place: (&mut Checkpoint, &str),
    start: T,
    mut see: impl FnMut(&Seen<'_>, &mut T),
) -> Result<T, Stopped> {
    let transformer = Transformer::new(weights, device);
    let config = weights.config();
    let context = config.context;
    over_batches(context, (documents, separator), device, place, start, |windows, batch, found| {
        let shape = attention_shape(config, batch.inputs.len() / context, context);
        let hidden = transformer.forward(&batch.inputs, &Attention::new(shape, &batch.starts, device));
        let (head, precision) = (transformer.head(), transformer.precision());
        let rule = TokenRule::CrossEntropy;
        let losses = head_loss(hidden.clone(), head, &batch.targets, &batch.weights, rule, precision).per_token;
        let losses: Vec<f32> = losses.try_into_vec_as().expect("float32 losses");
        let transformer = &transformer;
        see(&Seen { transformer, windows, documents, context, batch, hidden, losses: &losses }, found);
    })
}

/// As much of a document as a window holds. What was cut off before its first token reads as an empty document.
fn cut((ids, truncated): Tokens<'_>, context: usize) -> Tokens<'_> {
    match positions(&(ids, truncated)) {
        0 => (ids, false),
        whole if whole <= context => (ids, truncated),
        _ => (&ids[..context], true),
    }
}

/// The mean of rows.
fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let count = (rows.len() / width).max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

/// A model's view of a test set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The negative log-probability of each document in nats, as [`score`](crate::score()) gives it.
    pub nats: Vec<f64>,
    /// For each token of each document that was asked for, its end among them: the probability of what the model holds
    /// likeliest there, and whether it is what stands there. Of other documents nothing.
    pub confidences: Vec<Vec<(f64, bool)>>,
}

/// The score of each document, and how sure the model is of what follows in those of `asked`: one pass for both. Goes on with
/// what `checkpoint` holds of the same documents.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
///
/// # Panics
/// If a document does not fit the model's context, or the device fails.
pub fn test(
    weights: &Weights,
    documents: &[Tokens<'_>],
    asked: &[usize],
    separator: u32,
    device: &Device,
    checkpoint: &mut Checkpoint,
) -> Result<Tested, Stopped> {
    let mut is_asked = vec![false; documents.len()];
    asked.iter().for_each(|&document| is_asked[document] = true);
    let start = Tested { nats: vec![0.0; documents.len()], confidences: vec![Vec::new(); documents.len()] };
    over_windows((weights, device), (documents, separator), (checkpoint, "test"), start, |seen, found| {
        let mut wanted = Vec::new();
        for (document, at, losses) in seen.documents() {
            found.nats[document] = losses.iter().map(|&loss| f64::from(loss)).sum();
            if is_asked[document] {
                found.confidences[document] = Vec::with_capacity(at.len());
                wanted.extend(at.map(|at| (document, at)));
            }
        }
        for wanted in wanted.chunks(rows_at_once(device)) {
            let positions: Vec<i32> = wanted.iter().map(|&(_, at)| at as i32).collect();
            let chosen = seen.hidden.clone().select(0, Tensor::from_data(positions.as_slice(), device));
            let logits = linear(chosen, seen.transformer.head(), Precision::Float32);
            let logits: Vec<f32> = logits.try_into_vec_as().expect("float32 logits");
            let rows = logits.par_chunks(weights.config().vocabulary).zip(wanted);
            let sure: Vec<(f64, bool)> = rows
                .map_init(Default::default, |held, (row, &(_, at))| confidence(row, seen.batch.targets[at], held))
                .collect();
            wanted.iter().zip(sure).for_each(|(&(document, _), sure)| found.confidences[document].push(sure));
        }
    })
}

/// The probability of the likeliest token of a row of logits, and whether it is `target`; of equals the first.
fn confidence(row: &[f32], target: u32, (weights, groups): &mut (Vec<f32>, Vec<f32>)) -> (f64, bool) {
    weights.resize(row.len(), 0.0);
    groups.resize(row.len().div_ceil(GROUP), 0.0);
    let total = exponentials(row, 1.0, weights, groups);
    let (before, [logit, after @ ..]) = row.split_at(target as usize) else { unreachable!("a target is a token") };
    (1.0 / total, before.iter().all(|other| other < logit) && after.iter().all(|other| other <= logit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{score, token_losses};
    use corpus::{TokenSet, Tokenizer};
    use model::Settings;
    use streams::Streams;

    fn model() -> (Weights, Device) {
        let config = Settings { preset: "tiny".into(), context: Some(16), ..Settings::default() }.resolve(260).unwrap();
        (Weights::initialise(&config, &Streams::new(3), 0), ops::device::parse("flex").unwrap().device())
    }

    #[test]
    fn a_reading_is_the_score_and_the_mean_state() {
        let (weights, device) = model();
        let documents: [Tokens<'_>; 4] =
            [(&[5, 6, 7], false), (&[9; 16], true), (&[8, 9], true), (&[5, 6, 7, 8, 9, 10, 11, 12, 13, 14], false)];
        let readings = read(&weights, &documents, 0, &device, &mut Checkpoint::none()).unwrap();
        let scored =
            score(&weights, &TokenSet::from_ids(&documents, &Tokenizer::bytes()), 0, &device, &mut Checkpoint::none())
                .unwrap();
        assert_eq!(readings.iter().map(|r| r.nats).collect::<Vec<_>>(), scored);
        assert_eq!(readings.iter().map(|r| r.tokens).collect::<Vec<_>>(), [4, 16, 2, 11]);
        // Of a document alone in its window, by hand.
        let transformer = Transformer::new(&weights, &device);
        let context = Attention::new(attention_shape(weights.config(), 1, 4), &[0; 4], &device);
        let hidden: Vec<f32> = transformer.forward(&[0, 5, 6, 7], &context).try_into_vec_as().unwrap();
        let width = weights.config().width;
        for (at, state) in readings[0].state.iter().enumerate() {
            let mean = (0..4).map(|row| hidden[row * width + at]).sum::<f32>() / 4.0;
            assert!((mean - state).abs() < 1e-5, "{mean} {state}");
        }
        // What does not fit is not read.
        let long: [u32; 40] = [9; 40];
        let cut = &read(&weights, &[(&long, false)], 0, &device, &mut Checkpoint::none()).unwrap()[0];
        assert!(cut.tokens == 16 && (cut.nats - readings[1].nats).abs() < 1e-4, "{} {}", cut.nats, readings[1].nats);
    }

    #[test]
    fn confidences_are_the_likeliest_tokens() {
        let (weights, device) = model();
        let documents: [Tokens<'_>; 4] = [(&[5, 6, 7], false), (&[1, 2, 3], true), (&[], false), (&[8, 9], true)];
        let none = &mut Checkpoint::none();
        let tested = test(&weights, &documents, &[3, 0, 2], 0, &device, none).unwrap();
        let set = TokenSet::from_ids(&documents, &Tokenizer::bytes());
        assert_eq!(tested.nats, score(&weights, &set, 0, &device, none).unwrap());
        assert_eq!(tested.confidences.iter().map(Vec::len).collect::<Vec<_>>(), [4, 0, 1, 2]);
        let found = [0, 2, 3].map(|document: usize| &tested.confidences[document][..]).concat();
        // After the separator alone, over all that could follow.
        let all: Vec<[u32; 1]> = (0..260).map(|id| [id]).collect();
        let one: Vec<Tokens<'_>> = all.iter().map(|ids| (&ids[..], true)).collect();
        let losses: Vec<f32> = token_losses(&weights, &one, 0, &device, &mut Checkpoint::none()).unwrap().concat();
        let least = losses.iter().copied().fold(f32::INFINITY, f32::min);
        assert!((found[0].0 - f64::from(-least).exp()).abs() < 1e-6, "{} {least}", found[0].0);
        assert_eq!(found[0].1, losses[5] == least);
        assert!([4, 5].iter().all(|&first: &usize| (found[first].0 - found[0].0).abs() < 1e-6));
        // Who is right, is right.
        let likeliest = losses.iter().position(|loss| *loss == least).unwrap() as u32;
        assert!(test(&weights, &[(&[likeliest], true)], &[0], 0, &device, none).unwrap().confidences[0][0].1);
        // Of equals the first is the likeliest.
        let mut held = Default::default();
        let right = [0, 1, 2].map(|target| confidence(&[1.0, 2.0, 2.0], target, &mut held).1);
        assert_eq!(right, [false, true, false]);
    }
}
