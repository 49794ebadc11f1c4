use crate::groups;
use burn::tensor::Device;
use corpus::{TokenSet, best_fit};
use model::{Batch, Transformer, Weights};
use rundir::{Checkpoint, Stopped};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Range;

/// Positions that go through the model at once, at most.
const POSITIONS: usize = 8192;

/// The negative log-probability of each document in nats, each scored alone from its separator, its end included unless
/// it is truncated. Documents share windows ([`best_fit`]), but attention stops at their borders. Sums are taken in
/// f64, in the order of a document's tokens. Goes on with what `checkpoint` holds of the same documents.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
///
/// # Panics
/// If a document does not fit the model's context, or the device fails.
pub fn score(
    weights: &Weights,
    documents: &TokenSet,
    separator: u32,
    device: &Device,
    checkpoint: &mut Checkpoint,
) -> Result<Vec<f64>, Stopped> {
    let documents: Vec<Tokens<'_>> = documents.iter().collect();
    let nats = vec![0.0; documents.len()];
    each(weights, &documents, separator, device, (checkpoint, "score"), nats, |nats, document, losses| {
        nats[document] = losses.iter().map(|&l| f64::from(l)).sum();
    })
}

/// A document's ids, and whether it is truncated.
pub type Tokens<'a> = (&'a [u32], bool);

/// The negative log-probability of each token of each document in nats, scored as [`score`] does; the end is the last,
/// unless the document is truncated.
///
/// # Errors
/// As [`score`].
///
/// # Panics
/// As [`score`].
pub fn token_losses(
    weights: &Weights,
    documents: &[Tokens<'_>],
    separator: u32,
    device: &Device,
    checkpoint: &mut Checkpoint,
) -> Result<Vec<Vec<f32>>, Stopped> {
    let all = vec![Vec::new(); documents.len()];
    let place = (checkpoint, "token-losses");
    each(weights, documents, separator, device, place, all, |all, document, losses| all[document] = losses.to_vec())
}

/// Calls `see` with the losses of each document, in no order, and gives what it leaves in `start`.
fn each<T: Serialize + DeserializeOwned>(
    weights: &Weights,
    documents: &[Tokens<'_>],
    separator: u32,
    device: &Device,
    place: (&mut Checkpoint, &str),
    start: T,
    see: impl Fn(&mut T, usize, &[f32]),
) -> Result<T, Stopped> {
    let transformer = Transformer::new(weights, device);
    let context = weights.config().context;
    over_batches(context, (documents, separator), device, place, start, |windows, batch, found| {
        let losses = transformer.token_losses(batch, device);
        in_windows(windows, documents, context).for_each(|(document, at)| see(found, document, &losses[at]));
    })
}

/// Calls `see` with each group of the windows that the documents are packed into, and with its batch, and gives what it
/// leaves in `start`. All batches have one shape: the last is filled up with padding.
pub(crate) fn over_batches<T: Serialize + DeserializeOwned>(
    context: usize,
    (documents, separator): (&[Tokens<'_>], u32),
    device: &Device,
    place: (&mut Checkpoint, &str),
    start: T,
    mut see: impl FnMut(&[Vec<usize>], &Batch, &mut T),
) -> Result<T, Stopped> {
    let windows = best_fit(&documents.iter().map(positions).collect::<Vec<_>>(), context);
    let size = at_once(windows.len(), context, device);
    groups::each((&windows, size), place, start, |group, found| {
        let mut batch = Batch::default();
        for window in group {
            fill(&mut batch, window, documents, separator, context);
        }
        (group.len()..size).for_each(|_| fill(&mut batch, &[], documents, separator, context));
        see(group, &batch, found);
    })
}

/// The documents of a group of windows, in their order, and where in its batch the positions of each are.
pub(crate) fn in_windows(
    windows: &[Vec<usize>],
    documents: &[Tokens<'_>],
    context: usize,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    windows.iter().enumerate().flat_map(move |(number, window)| {
        window.iter().scan(number * context, |at, &document| {
            let start = *at;
            *at += positions(&documents[document]);
            Some((document, start..*at))
        })
    })
}

/// Bytes that scoring holds on a CPU at its fullest: weights, the logits of all positions that go through at once, and what a
/// layer passes on. All float32; an estimate.
pub fn scoring_bytes(config: &model::ModelConfig) -> f64 {
    let passing = config.vocabulary + 4 * config.width + 2 * config.hidden;
    4.0 * (config.parameters() + POSITIONS * passing) as f64
}

/// How many windows go through the model at once: equal parts with as little padding in the last one as there can be; on a GPU,
/// which has a kernel for each shape, powers of two.
pub(crate) fn at_once(windows: usize, context: usize, device: &Device) -> usize {
    let most = (POSITIONS / context).max(1);
    let even = windows.div_ceil(windows.div_ceil(most).max(1)).max(1);
    if ops::memory::limits(device).is_some() { even.next_power_of_two().min(most) } else { even }
}

/// Documents of so many positions in windows, in their own order: the documents of each.
///
/// # Panics
/// If a document is longer than a window.
pub(crate) fn windows(positions: impl Iterator<Item = usize>, context: usize) -> Vec<Vec<usize>> {
    let mut windows: Vec<Vec<usize>> = vec![Vec::new()];
    let mut free = context;
    for (document, positions) in positions.enumerate() {
        assert!(positions <= context, "document {document} has {positions} positions, the context {context}");
        if positions > free {
            windows.push(Vec::new());
            free = context;
        }
        windows.last_mut().expect("there is a window").push(document);
        free -= positions;
    }
    windows
}

/// Appends one window to a batch.
fn fill(batch: &mut Batch, window: &[usize], documents: &[Tokens<'_>], separator: u32, context: usize) {
    let start_of_window = batch.inputs.len();
    for &document in window {
        let start = (batch.inputs.len() - start_of_window) as u32;
        let (ids, _) = documents[document];
        let positions = positions(&documents[document]);
        batch.inputs.push(separator);
        batch.inputs.extend(&ids[..positions - 1]);
        batch.targets.extend(ids);
        batch.targets.resize(batch.inputs.len(), separator);
        batch.weights.resize(batch.inputs.len(), 1.0);
        batch.starts.resize(batch.inputs.len(), start);
    }
    while batch.inputs.len() < start_of_window + context {
        batch.starts.push((batch.inputs.len() - start_of_window) as u32);
        batch.inputs.push(separator);
        batch.targets.push(separator);
        batch.weights.push(0.0);
    }
}

/// Positions that a document takes: its tokens, and its end unless it is truncated.
pub(crate) fn positions((ids, truncated): &Tokens<'_>) -> usize {
    ids.len() + usize::from(!truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_shared_out_evenly() {
        let device = ops::device::parse("flex").unwrap().device();
        // 8,192 positions are 128 windows of 64.
        assert_eq!([0, 1, 128, 129, 312].map(|windows| at_once(windows, 64, &device)), [1, 1, 128, 65, 104]);
        assert_eq!(at_once(3, 10_000, &device), 1);
    }
}
