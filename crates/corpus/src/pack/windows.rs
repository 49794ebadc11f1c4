//! Training windows that hold whole documents.
//!
//! With `T` positions in a window, a document of tokens `t1..tn` takes inputs `[separator, t1..tn]` with targets
//! `[t1..tn, separator]`, which is n + 1 positions; a truncated one takes inputs `[separator, t1..t(n-1)]` with targets
//! `[t1..tn]`, n positions and no end. What is left of a window is padding: separators of weight 0.

use std::collections::BTreeMap;

/// Windows of equal length, one after the other in flat arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// Positions in a window.
    pub context: usize,
    /// `[windows × context]`: what the model sees.
    pub inputs: Vec<u32>,
    /// `[windows × context]`: what it should say next.
    pub targets: Vec<u32>,
    /// `[windows × context]`: what each target counts; 0 in padding.
    pub weights: Vec<f32>,
    /// `[windows × context]`: for each position, where in its window its document begins; attention goes no further
    /// back. Padding is a document of its own.
    pub starts: Vec<u32>,
    fill: Fill,
}

/// How full windows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Documents in the windows.
    pub documents: usize,
    /// Positions that are not padding.
    pub positions: usize,
    /// Positions in all.
    pub capacity: usize,
    /// Documents that were longer than a window and lost their ends.
    pub cut: usize,
}

impl Fill {
    /// Share of positions that are padding.
    pub fn padding(&self) -> f64 {
        if self.capacity == 0 { 0.0 } else { 1.0 - self.positions as f64 / self.capacity as f64 }
    }
}

/// One document's place: its tokens, whether it ends, its weight.
struct Item<'a> {
    ids: &'a [u32],
    truncated: bool,
    weight: f32,
}

impl Item<'_> {
    fn positions(&self) -> usize {
        self.ids.len() + usize::from(!self.truncated)
    }
}

/// Packs documents (ids without separators, whether truncated, weight) into windows: the longest first, each into the
/// fullest window that has room (best-fit decreasing), ties in the documents' order. A document longer than a window is
/// cut at the window's end and counts as truncated. A truncated document without ids has no position and is left out.
///
/// # Panics
/// If `context` is zero or does not fit 32 bits.
pub fn pack<'a>(
    documents: impl IntoIterator<Item = (&'a [u32], bool, f32)>,
    context: usize,
    separator: u32,
) -> Windows {
    assert!(context > 0 && u32::try_from(context).is_ok(), "a window has at least one position");
    let mut fill = Fill::default();
    let mut items: Vec<Item<'a>> = Vec::new();
    for (ids, truncated, weight) in documents {
        let mut item = Item { ids, truncated, weight };
        if item.positions() > context {
            item = Item { ids: &ids[..context], truncated: true, weight };
            fill.cut += 1;
        }
        if item.positions() > 0 {
            items.push(item);
        }
    }
    let positions: Vec<usize> = items.iter().map(Item::positions).collect();
    let bins = best_fit(&positions, context);
    fill.documents = items.len();
    fill.capacity = bins.len() * context;
    let mut windows = Windows {
        context,
        inputs: vec![separator; fill.capacity],
        targets: vec![separator; fill.capacity],
        weights: vec![0.0; fill.capacity],
        starts: vec![0; fill.capacity],
        fill,
    };
    for (number, bin) in bins.iter().enumerate() {
        let mut offset = 0;
        for &index in bin {
            windows.place(number, offset, &items[index]);
            offset += items[index].positions();
        }
        windows.fill.positions += offset;
        let end = (number + 1) * context;
        windows.starts[number * context + offset..end].fill(offset as u32);
    }
    windows
}

/// Which documents of so many positions stand in each window of `context`: the longest first, each into the fullest window that
/// has room (best-fit decreasing: at most 11/9 of the fewest windows and a few more), ties in the documents' order.
///
/// # Panics
/// If a document has more positions than a window.
pub fn best_fit(positions: &[usize], context: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..positions.len()).collect();
    // Stable: documents of one length keep their order.
    order.sort_by_key(|&index| std::cmp::Reverse(positions[index]));
    let mut bins: Vec<Vec<usize>> = Vec::new();
    // Windows with room by their free positions, so that a document costs the logarithm of the context.
    let mut with_room: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in order {
        let need = positions[index];
        assert!(need <= context, "document {index} has {need} positions, the context {context}");
        let (free, bin) = match with_room.range_mut(need..).next() {
            Some((&free, numbers)) => {
                let bin = numbers.pop().expect("lists without windows are removed");
                if numbers.is_empty() {
                    with_room.remove(&free);
                }
                (free, bin)
            }
            None => {
                bins.push(Vec::new());
                (context, bins.len() - 1)
            }
        };
        bins[bin].push(index);
        if free > need {
            with_room.entry(free - need).or_default().push(bin);
        }
    }
    bins
}

impl Windows {
    fn place(&mut self, window: usize, offset: usize, item: &Item<'_>) {
        let at = window * self.context + offset;
        let (n, positions) = (item.ids.len(), item.positions());
        // The separator that begins the document and, unless it is truncated, the one that ends it are there already.
        self.inputs[at + 1..at + positions].copy_from_slice(&item.ids[..positions - 1]);
        self.targets[at..at + n].copy_from_slice(item.ids);
        self.weights[at..at + positions].fill(item.weight);
        self.starts[at..at + positions].fill(offset as u32);
    }

    /// How many windows.
    pub fn len(&self) -> usize {
        self.inputs.len() / self.context
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Inputs, targets, weights and starts of one window, each `[context]`.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn window(&self, number: usize) -> (&[u32], &[u32], &[f32], &[u32]) {
        let range = number * self.context..(number + 1) * self.context;
        (&self.inputs[range.clone()], &self.targets[range.clone()], &self.weights[range.clone()], &self.starts[range])
    }

    /// How many targets there are: padding, and what weighs nothing, left out.
    pub fn targets(&self) -> u64 {
        self.weights.iter().filter(|&&weight| weight > 0.0).count() as u64
    }

    /// The mean weight of a target, padding left out; exactly 1 where every document weighs 1.
    pub fn mean_weight(&self) -> f64 {
        let sum: f64 = self.weights.iter().map(|&weight| f64::from(weight)).sum();
        sum / self.targets() as f64
    }

    /// How full the windows are.
    pub fn fill(&self) -> Fill {
        self.fill
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEPARATOR: u32 = 0;

    #[test]
    fn the_layout_is_the_contract() {
        let documents: [(&[u32], bool, f32); 3] = [(&[5, 6], false, 1.0), (&[7, 8], true, 0.5), (&[], false, 2.0)];
        let windows = pack(documents, 7, SEPARATOR);
        assert_eq!(windows.len(), 1);
        let (inputs, targets, weights, starts) = windows.window(0);
        assert_eq!(inputs, [0, 5, 6, 0, 7, 0, 0]);
        assert_eq!(targets, [5, 6, 0, 7, 8, 0, 0]);
        assert_eq!(weights, [1.0, 1.0, 1.0, 0.5, 0.5, 2.0, 0.0]);
        assert_eq!(starts, [0, 0, 0, 3, 3, 5, 6]);
        assert_eq!(windows.fill(), Fill { documents: 3, positions: 6, capacity: 7, cut: 0 });
        assert_eq!(windows.mean_weight(), (3.0 + 2.0 * 0.5 + 2.0) / 6.0);
    }

    #[test]
    fn long_documents_are_cut_and_counted() {
        let ids = [1, 2, 3, 4];
        let windows = pack([(&ids[..], false, 1.0), (&ids[..3], false, 1.0), (&ids[..], true, 1.0)], 4, SEPARATOR);
        assert_eq!((windows.len(), windows.fill().cut), (3, 1));
        assert_eq!(windows.window(0).0, [0, 1, 2, 3]);
        assert_eq!(windows.window(0).1, [1, 2, 3, 4]);
        assert_eq!(windows.window(1).1, [1, 2, 3, 0]);
        let windows = pack([(&ids[..], true, 1.0)], 3, SEPARATOR);
        assert_eq!((windows.window(0).1, windows.fill().cut), (&[1, 2, 3][..], 1));
        assert!(pack([], 4, SEPARATOR).is_empty());
        assert!(pack([(&ids[..0], true, 1.0)], 4, SEPARATOR).is_empty());
    }

    #[test]
    fn best_fit_fills_well() {
        let ids: Vec<u32> = (0..64).collect();
        let lengths = (0..20_000).map(|i| 1 + i * 37 % 60);
        let windows = pack(lengths.map(|n| (&ids[..n], false, 1.0)), 64, SEPARATOR);
        assert!(windows.fill().padding() < 0.01, "{}", windows.fill().padding());
    }

    proptest! {
        #[test]
        fn every_token_is_a_target_once_and_nothing_mixes(
            documents in prop::collection::vec((0usize..12, any::<bool>(), 1u8..4), 0..60),
            context in 1usize..16,
        ) {
            // Every token of every document has an id of its own, from 1.
            let mut next = 1;
            let texts: Vec<(Vec<u32>, bool, f32)> = documents.iter().map(|&(n, truncated, weight)| {
                next += n as u32;
                ((next - n as u32..next).collect(), truncated, f32::from(weight))
            }).collect();
            let windows = pack(texts.iter().map(|(ids, t, w)| (&ids[..], *t, *w)), context, SEPARATOR);
            let mut found = Vec::new();
            let mut positions = 0;
            for number in 0..windows.len() {
                let (inputs, targets, weights, starts) = windows.window(number);
                for p in 0..context {
                    let start = starts[p] as usize;
                    prop_assert!(start <= p && starts[start] as usize == start);
                    prop_assert_eq!(inputs[p] == SEPARATOR, start == p || weights[p] == 0.0);
                    if weights[p] == 0.0 {
                        prop_assert_eq!((inputs[p], targets[p]), (SEPARATOR, SEPARATOR));
                        continue;
                    }
                    positions += 1;
                    // Within a document each input is the target before it.
                    prop_assert!(p == start || inputs[p] == targets[p - 1]);
                    if targets[p] != SEPARATOR {
                        found.push((targets[p], weights[p]));
                        // And each target follows from the ids' order: no two documents mix.
                        prop_assert!(p == start || targets[p] == inputs[p] + 1);
                    }
                }
            }
            let mut expected = Vec::new();
            let mut wanted = 0;
            for (ids, truncated, weight) in &texts {
                let room = if ids.len() + usize::from(!truncated) > context { context } else { ids.len() };
                expected.extend(ids[..room].iter().map(|&id| (id, *weight)));
                wanted += (ids.len() + usize::from(!truncated)).min(context);
            }
            found.sort_by_key(|pair| pair.0);
            prop_assert_eq!(found, expected);
            prop_assert_eq!(positions, wanted);
            prop_assert_eq!(windows.fill().positions, wanted);
        }
    }
}
