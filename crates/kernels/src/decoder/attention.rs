//! Attention of one new position over the key-value cache.

use super::Row;
use super::ahead::fetch;
use super::cache::{Layout, Rotary};
use crate::tile;
use crate::vector::{Block, LANES, Simd, with_simd};

/// Attention of a block of rows in one layer: turns queries and keys, writes keys and values to the cache, and puts the
/// result in the place of the queries.
pub(super) struct Attend<'a> {
    pub(super) layout: &'a Layout,
    pub(super) rotary: &'a Rotary,
    pub(super) layer: usize,
    pub(super) rows: &'a [Row],
    /// `[rows, stride]`: queries, keys, values.
    pub(super) projected: &'a mut [f32],
    pub(super) stride: usize,
    /// The cache of all slots.
    pub(super) cache: &'a mut [f32],
    pub(super) scores: &'a mut [f32],
}

impl Attend<'_> {
    pub(super) fn run(&mut self) {
        with_simd!(|s| self.run_with(s));
    }

    #[inline(always)]
    pub(super) fn run_with<S: Simd>(&mut self, s: S) {
        let head_width = self.layout.head_width;
        for (index, (row, projected)) in self.rows.iter().zip(self.projected.chunks_exact_mut(self.stride)).enumerate()
        {
            // While this row's keys are read, its values are fetched; while these are, the next row's keys.
            let next = self.rows.get(index + 1).unwrap_or(row).slot;
            let next = self.cache[self.layout.place(next as usize, self.layer, 0)..].as_ptr();
            let place = self.layout.place(row.slot as usize, self.layer, 0);
            let cache = &mut self.cache[place..][..self.layout.layer()];
            let position = row.position as usize;
            let blocks = position / LANES + 1;
            let scores = &mut self.scores.as_chunks_mut::<LANES>().0[..self.layout.heads * blocks];

            let (queries, rest) = projected.split_at_mut(self.layout.keys_at);
            let queries = &mut queries[..self.layout.heads * head_width];
            self.rotary.turn(queries, position, 1.0 / (head_width as f32).sqrt());
            self.layout.store(self.rotary, rest, position, cache);

            let group = self.layout.heads / self.layout.kv_heads;
            for (head, (query, scores)) in
                queries.chunks_exact(head_width).zip(scores.chunks_exact_mut(blocks)).enumerate()
            {
                let (keys, values) = self.layout.head(cache, head / group);
                all_scores(s, query, keys, scores, values.as_ptr());
            }
            for scores in scores.chunks_exact_mut(blocks) {
                softmax(s, scores, position);
            }
            for (head, (query, scores)) in
                queries.chunks_exact_mut(head_width).zip(scores.chunks_exact(blocks)).enumerate()
            {
                let (_, values) = self.layout.head(cache, head / group);
                let ahead = next.wrapping_add(head / group * (self.layout.keys + self.layout.values)).cast();
                mix(s, &scores.as_flattened()[..=position], values, query, ahead);
            }
        }
    }
}

/// `scores[t] = query · key[t]`, each one chain of multiply-adds over the columns, several blocks of positions together.
#[inline(always)]
fn all_scores<S: Simd>(s: S, query: &[f32], keys: &[Block], scores: &mut [Block], ahead: *const Block) {
    let mut block = 0;
    while block < scores.len() {
        let (keys, scores, ahead) =
            (&keys[block * query.len()..], &mut scores[block..], ahead.wrapping_add(block * query.len()));
        block += match scores.len() {
            4.. => some_scores::<S, 4>(s, query, keys, scores, ahead),
            2.. => some_scores::<S, 2>(s, query, keys, scores, ahead),
            _ => some_scores::<S, 1>(s, query, keys, scores, ahead),
        };
    }
}

/// The scores of `N` blocks; returns `N`.
#[inline(always)]
fn some_scores<S: Simd, const N: usize>(
    s: S,
    query: &[f32],
    keys: &[Block],
    scores: &mut [Block],
    ahead: *const Block,
) -> usize {
    let width = query.len();
    let keys: [&[Block]; N] = std::array::from_fn(
        #[inline(always)]
        |n| &keys[n * width..][..width],
    );
    let [sums] = tile::product(
        s,
        width,
        [[s.zero(); N]],
        #[inline(always)]
        |k, _| query[k],
        #[inline(always)]
        |k| {
            let mut columns = [s.zero(); N];
            for n in 0..N {
                columns[n] = s.load(&keys[n][k]);
                fetch(ahead.wrapping_add(n * width + k));
            }
            columns
        },
    );
    for n in 0..N {
        s.store(sums[n], &mut scores[n]);
    }
    N
}

/// `scores[t] = exp(scores[t] - max) / sum` up to `position`, zero after it.
#[inline(always)]
fn softmax<S: Simd>(s: S, scores: &mut [Block], position: usize) {
    let lowest = s.splat(f32::NEG_INFINITY);
    let (last, whole) = scores.split_last_mut().expect("a position has a block");
    let seen = u16::MAX >> (LANES - 1 - position % LANES);
    let tail = s.select(seen, s.load(last), lowest);
    let mut largest = tail;
    for block in &*whole {
        largest = s.max(largest, s.load(block));
    }
    let largest = s.splat(s.largest(largest));
    let mut sum = s.zero();
    for block in &mut *whole {
        let weight = s.exp(s.sub(s.load(block), largest));
        sum = s.add(sum, weight);
        s.store(weight, block);
    }
    let weight = s.select(seen, s.exp(s.sub(tail, largest)), s.zero());
    let scale = s.splat(1.0 / s.total(s.add(sum, weight)));
    s.store(s.mul(weight, scale), last);
    for block in whole {
        s.store(s.mul(s.load(block), scale), block);
    }
}

/// `result = Σ weights[t] · values[t]`.
#[inline(always)]
fn mix<S: Simd>(s: S, weights: &[f32], values: &[Block], result: &mut [f32], ahead: *const Block) {
    let strips = result.len().div_ceil(LANES);
    let mut strip = 0;
    while strip < strips {
        let (values, result, ahead) = (&values[strip..], &mut result[strip * LANES..], ahead.wrapping_add(strip));
        // AVX2's registers hold the sums of one strip.
        strip += match (align_of::<S::V>(), strips - strip) {
            (64, 4..) => mix_strips::<S, 4>(s, weights, values, strips, result, ahead),
            (64, 2..) => mix_strips::<S, 2>(s, weights, values, strips, result, ahead),
            _ => mix_strips::<S, 1>(s, weights, values, strips, result, ahead),
        };
    }
}

/// `N` strips of columns; returns `N`. Four sums over the positions that are equal modulo four hide the latency of the
/// multiply-add; they are joined in one order.
#[inline(always)]
fn mix_strips<S: Simd, const N: usize>(
    s: S,
    weights: &[f32],
    values: &[Block],
    strips: usize,
    result: &mut [f32],
    ahead: *const Block,
) -> usize {
    const CHAINS: usize = 4;
    assert!(values.len() >= (weights.len() - 1) * strips + N);
    let mut sums = [[s.zero(); N]; CHAINS];
    let (quads, rest) = weights.as_chunks::<CHAINS>();
    for (quad, weights) in quads.iter().enumerate() {
        for c in 0..CHAINS {
            let at = (quad * CHAINS + c) * strips;
            // SAFETY: this is the row of one of the weights, for all of which the length was asserted.
            let row = unsafe { values.get_unchecked(at..at + N) };
            add_row(s, weights[c], row, &mut sums[c], ahead.wrapping_add(at));
        }
    }
    for (c, &weight) in rest.iter().enumerate() {
        let at = (quads.len() * CHAINS + c) * strips;
        add_row(s, weight, &values[at..at + N], &mut sums[c], ahead.wrapping_add(at));
    }
    for n in 0..N {
        let sum = s.add(s.add(sums[0][n], sums[1][n]), s.add(sums[2][n], sums[3][n]));
        s.put(sum, result, n * LANES);
    }
    N
}

/// `sums += weight · row`.
#[inline(always)]
fn add_row<S: Simd, const N: usize>(s: S, weight: f32, row: &[Block], sums: &mut [S::V; N], ahead: *const Block) {
    for n in 0..N {
        sums[n] = s.fma(s.splat(weight), s.load(&row[n]), sums[n]);
        fetch(ahead.wrapping_add(n));
    }
}
