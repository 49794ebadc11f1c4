//! Rotary positions, the growing key-value cache, and attention of one new position over it.

use super::ahead::fetch;
use super::buffer::padded;
use super::{DecoderConfig, Row};
use crate::tile;
use crate::vector::{Block, LANES, Simd, with_simd};

/// How a slot's cache lies in memory: by layer, then by key head, its keys and then its values.
///
/// Keys stand in blocks of sixteen positions, `[block][column][position]`: a vector holds one column of sixteen keys, so
/// sixteen scores grow together and nothing is summed across a vector. Values stand as `[position][column]`, columns filled
/// up to whole vectors: the result grows by one row times one probability. Both are read as one stream.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_width: usize,
    /// First columns of keys and of values in a row of the fused projection.
    pub(super) keys_at: usize,
    pub(super) values_at: usize,
    /// Floats of one head's keys, of one head's values.
    keys: usize,
    values: usize,
    layers: usize,
    context: usize,
}

impl Layout {
    pub(super) fn new(config: &DecoderConfig) -> Self {
        let &DecoderConfig { heads, kv_heads, head_width, layers, context, .. } = config;
        let keys_at = padded(heads * head_width);
        Self {
            heads,
            kv_heads,
            head_width,
            keys_at,
            values_at: keys_at + padded(kv_heads * head_width),
            keys: context.next_multiple_of(LANES) * head_width,
            values: context * padded(head_width),
            layers,
            context,
        }
    }

    /// Floats of a slot in one layer.
    fn layer(&self) -> usize {
        self.kv_heads * (self.keys + self.values)
    }

    /// Where a head's keys begin.
    pub(super) fn place(&self, slot: usize, layer: usize, kv_head: usize) -> usize {
        slot * self.slot() + layer * self.layer() + kv_head * (self.keys + self.values)
    }

    /// Floats of one head's keys, after which its values begin.
    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    /// The last blocks of a head's keys, and of its values, that hold something of the positions before `position`.
    pub(super) fn last_lines(&self, position: usize) -> (usize, usize) {
        let keys = (position / LANES + 1) * self.head_width;
        (keys - 1, (position * padded(self.head_width) / LANES).saturating_sub(1))
    }

    /// Keys and values of one head, of a slot's part in a layer.
    fn head<'a>(&self, cache: &'a [f32], kv_head: usize) -> (&'a [Block], &'a [Block]) {
        let head = &cache[kv_head * (self.keys + self.values)..][..self.keys + self.values];
        let (keys, values) = head.split_at(self.keys);
        (keys.as_chunks().0, values.as_chunks().0)
    }

    /// Turns the keys of one row's projected `[keys, values]` and puts both in their places.
    fn store(&self, rotary: &Rotary, projected: &mut [f32], position: usize, cache: &mut [f32]) {
        let (projected_keys, projected_values) = projected.split_at_mut(self.values_at - self.keys_at);
        rotary.turn(&mut projected_keys[..self.kv_heads * self.head_width], position, 1.0);
        let heads = projected_keys.chunks_exact(self.head_width).zip(projected_values.chunks_exact(self.head_width));
        for (cache, (key, value)) in cache.chunks_exact_mut(self.keys + self.values).zip(heads) {
            let (keys, values) = cache.split_at_mut(self.keys);
            let block = &mut keys.as_chunks_mut::<LANES>().0[position / LANES * self.head_width..][..self.head_width];
            for (column, &value) in block.iter_mut().zip(key) {
                column[position % LANES] = value;
            }
            values[position * padded(self.head_width)..][..self.head_width].copy_from_slice(value);
        }
    }

    /// Floats of a slot.
    pub(super) fn slot(&self) -> usize {
        self.layers * self.layer()
    }

    /// Scores of one row, at most.
    pub(super) fn scores(&self) -> usize {
        self.heads * self.context.next_multiple_of(LANES)
    }
}

/// Cosines and sines of the rotary angles, `[context][head_width / 2]` each (Su et al. 2021, arXiv 2104.09864).
#[derive(Debug)]
pub(super) struct Rotary {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotary {
    pub(super) fn new(head_width: usize, context: usize, theta: f64) -> Self {
        let half = head_width / 2;
        let angles = (0..context).flat_map(|position| {
            (0..half).map(move |column| position as f64 * theta.powf(-(column as f64) / half as f64))
        });
        let (cos, sin) = angles.map(|angle| (angle.cos() as f32, angle.sin() as f32)).unzip();
        Self { half, cos, sin }
    }

    /// Turns heads at `position`; columns `i` and `i + half` of each turn together (rotate-half). Scales them, too.
    #[inline(always)]
    fn turn(&self, heads: &mut [f32], position: usize, scale: f32) {
        let cos = &self.cos[position * self.half..][..self.half];
        let sin = &self.sin[position * self.half..][..self.half];
        for head in heads.chunks_exact_mut(2 * self.half) {
            let (low, high) = head.split_at_mut(self.half);
            for (((low, high), &cos), &sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                let (a, b) = (*low * scale, *high * scale);
                *low = a * cos - b * sin;
                *high = b * cos + a * sin;
            }
        }
    }
}

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
