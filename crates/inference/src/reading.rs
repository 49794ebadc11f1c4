//! A model's view of given documents: the loss of each, its hidden state, and how sure it is of what follows.

use crate::groups;
use crate::logits::{Model, Places};
use crate::score::{Tokens, at_once, fill, positions};
use burn::tensor::Device;
use corpus::best_fit;
use model::{Attention, Batch, Transformer, Weights, attention_shape};
use ops::{TokenRule, head_loss};
use rundir::{Checkpoint, Stopped};
use serde::{Deserialize, Serialize};

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
    let transformer = Transformer::new(weights, device);
    let config = weights.config();
    let (context, width) = (config.context, config.width);
    let documents: Vec<Tokens<'_>> = documents.iter().map(|document| cut(*document, context)).collect();
    let windows = best_fit(&documents.iter().map(positions).collect::<Vec<_>>(), context);
    let size = at_once(windows.len(), context, device);
    let readings = Vec::with_capacity(documents.len());
    let read = groups::each((&windows, size), (checkpoint, "read"), readings, |group, readings| {
        let mut batch = Batch::default();
        for window in group {
            fill(&mut batch, window, &documents, separator, context);
        }
        // Equal shapes throughout: the last batch is filled up with padding.
        (group.len()..size).for_each(|_| fill(&mut batch, &[], &documents, separator, context));
        let place = Attention::new(attention_shape(config, size, context), &batch.starts, device);
        let hidden = transformer.forward(&batch.inputs, &place);
        let (head, precision) = (transformer.head(), transformer.precision());
        let rule = TokenRule::CrossEntropy;
        let losses = head_loss(hidden.clone(), head, &batch.targets, &batch.weights, rule, precision).per_token;
        let losses: Vec<f32> = losses.try_into_vec_as().expect("float32 losses");
        let hidden: Vec<f32> = hidden.try_into_vec_as().expect("float32 states");
        for (number, window) in group.iter().enumerate() {
            let mut at = number * context;
            for &document in window {
                let end = at + positions(&documents[document]);
                let nats = losses[at..end].iter().map(|&loss| f64::from(loss)).sum();
                let state = mean(&hidden[at * width..end * width], width);
                readings.push((document, Reading { nats, tokens: (end - at) as u64, state }));
                at = end;
            }
        }
    });
    let mut readings: Vec<(usize, Reading)> = read?;
    readings.sort_by_key(|(document, _)| *document);
    Ok(readings.into_iter().map(|(_, reading)| reading).collect())
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

/// For each token of each document, its end among them: the probability of what the model holds likeliest there, and whether
/// it is what stands there. Of a document that is longer than the context as much as fits.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set; nothing is saved.
///
/// # Panics
/// If the device fails.
pub fn confidences(
    weights: &Weights,
    documents: &[Tokens<'_>],
    separator: u32,
    device: &Device,
    checkpoint: &Checkpoint,
) -> Result<Vec<(f64, bool)>, Stopped> {
    let context = weights.config().context;
    let documents: Vec<Tokens<'_>> = documents.iter().map(|document| cut(*document, context)).collect();
    let places: Vec<Vec<usize>> = documents.iter().map(|document| (0..positions(document)).collect()).collect();
    let texts: Vec<Places<'_>> = documents
        .iter()
        .zip(&places)
        // The last prediction need not be read.
        .map(|((ids, _), places)| (&ids[..places.len() - 1], &places[..]))
        .collect();
    let mut found = Vec::new();
    Model::new(weights, separator, device).at(&texts, checkpoint, &mut |text, place, logits| {
        let target = documents[text].0.get(place).copied().unwrap_or(separator);
        let (likeliest, top) = (logits.iter().enumerate())
            .fold((0, f32::NEG_INFINITY), |best, (id, &logit)| if logit > best.1 { (id, logit) } else { best });
        let sum: f64 = logits.iter().map(|&logit| f64::from((logit - top).exp())).sum();
        found.push((1.0 / sum, likeliest as u32 == target));
    })?;
    Ok(found)
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
        let documents: [Tokens<'_>; 3] = [(&[5, 6, 7], false), (&[], true), (&[8, 9], true)];
        let found = confidences(&weights, &documents, 0, &device, &Checkpoint::none()).unwrap();
        assert_eq!(found.len(), 4 + 1 + 2);
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
        assert!(confidences(&weights, &[(&[likeliest], true)], 0, &device, &Checkpoint::none()).unwrap()[0].1);
    }
}
