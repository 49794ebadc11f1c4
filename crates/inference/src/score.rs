use burn::tensor::Device;
use corpus::TokenSet;
use model::{Transformer, Weights};
use std::collections::BTreeMap;
use training::Batch;

/// Positions that go through the model at once.
const POSITIONS: usize = 8192;

/// The negative log-probability of each document in nats, each scored alone from its separator, its end included unless
/// it is truncated. Documents share windows, but attention stops at their borders. Sums are taken in f64, in the order of
/// a document's tokens.
///
/// # Panics
/// If a document does not fit the model's context, or the device fails.
pub fn score(weights: &Weights, documents: &TokenSet, separator: u32, device: &Device) -> Vec<f64> {
    let documents: Vec<Tokens<'_>> = documents.iter().collect();
    let mut nats = vec![0.0; documents.len()];
    each(weights, &documents, separator, device, |document, losses| {
        nats[document] = losses.iter().map(|&l| f64::from(l)).sum();
    });
    nats
}

/// A document's ids, and whether it is truncated.
pub type Tokens<'a> = (&'a [u32], bool);

/// The negative log-probability of each token of each document in nats, scored as [`score`] does; the end is the last,
/// unless the document is truncated.
///
/// # Panics
/// As [`score`].
pub fn token_losses(weights: &Weights, documents: &[Tokens<'_>], separator: u32, device: &Device) -> Vec<Vec<f32>> {
    let mut all = vec![Vec::new(); documents.len()];
    each(weights, documents, separator, device, |document, losses| all[document] = losses.to_vec());
    all
}

/// Calls `see` with the losses of each document, in no order.
fn each(
    weights: &Weights,
    documents: &[Tokens<'_>],
    separator: u32,
    device: &Device,
    mut see: impl FnMut(usize, &[f32]),
) {
    let transformer = Transformer::new(weights, device);
    let context = weights.config().context;
    let windows = packed(documents.iter().map(positions), context);
    let size = (POSITIONS / context).max(1);
    for group in windows.chunks(size) {
        let mut batch = Batch::default();
        for window in group {
            fill(&mut batch, window, documents, separator, context);
        }
        // Equal shapes throughout: the last batch is filled up with padding.
        (group.len()..size).for_each(|_| fill(&mut batch, &[], documents, separator, context));
        let losses = training::token_losses(&transformer, &batch, device);
        let mut window_losses = losses.chunks(context);
        for window in group {
            let losses = window_losses.next().expect("one row of losses for each window");
            let mut at = 0;
            for &document in window {
                let end = at + positions(&documents[document]);
                see(document, &losses[at..end]);
                at = end;
            }
        }
    }
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

/// The same in few windows and in no order: the longest document first, each into the fullest window that has room (best fit
/// decreasing, Johnson 1973: at most 11/9 of the fewest windows and a few more). Of documents a third as long as the context a
/// fifth of the windows in their order is empty.
///
/// # Panics
/// If a document is longer than a window.
pub(crate) fn packed(positions: impl Iterator<Item = usize>, context: usize) -> Vec<Vec<usize>> {
    let mut longest_first: Vec<(usize, usize)> = positions.enumerate().collect();
    longest_first.sort_by_key(|&(_, positions)| std::cmp::Reverse(positions));
    let mut windows: Vec<Vec<usize>> = Vec::new();
    // By what is free in them.
    let mut open: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (document, positions) in longest_first {
        assert!(positions <= context, "document {document} has {positions} positions, the context {context}");
        let fullest = open.range(positions..).next().map_or(context, |(&free, _)| free);
        let window = open.get_mut(&fullest).and_then(Vec::pop).unwrap_or_else(|| {
            windows.push(Vec::new());
            windows.len() - 1
        });
        if open.get(&fullest).is_some_and(Vec::is_empty) {
            open.remove(&fullest);
        }
        windows[window].push(document);
        open.entry(fullest - positions).or_default().push(window);
    }
    windows
}

/// Appends one window to a batch.
pub(crate) fn fill(batch: &mut Batch, window: &[usize], documents: &[Tokens<'_>], separator: u32, context: usize) {
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
    fn windows_are_filled_by_the_best_fit() {
        let packed = |positions: &[usize], context| packed(positions.iter().copied(), context);
        // In their order these would take four windows of six.
        assert_eq!(packed(&[2, 5, 3, 1, 4, 3], 6), [vec![1, 3], vec![4, 0], vec![2, 5]]);
        assert_eq!(packed(&[6, 6], 6), [[0], [1]]);
        assert!(packed(&[], 6).is_empty());
        // Each stands once, none reaches over a window's end, and what is free is what no document would fit.
        let positions: Vec<usize> = (0..1000).map(|i| 1 + (i * i * 7 + i * 13) % 61).collect();
        let windows = packed(&positions, 64);
        let mut all: Vec<usize> = windows.concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        let held = |window: &Vec<usize>| window.iter().map(|&document| positions[document]).sum::<usize>();
        assert!(windows.iter().all(|window| held(window) <= 64));
        let least = positions.iter().sum::<usize>().div_ceil(64);
        assert!(windows.len() <= least + 1, "{} windows for what {least} could hold", windows.len());
    }
}
