//! Attention of each slot's newest position over its part of the cache: one cube a slot.
//!
//! The scores of all heads stay in shared memory. Units take one position each for the scores, one quad of columns each for the
//! mixture, so both keys and values are read whole lines at a time, once. Every sum's order depends on the position alone.

use cubecl::prelude::*;

use super::IDLE;
use super::product::{Quad, key_place, value_place};
use super::sizes::{BLOCK, Sizes};

/// Units that share a head's softmax at most.
const LANES: usize = 16;

/// How a cube of `units` units goes over a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub sizes: Sizes,
    pub units: usize,
}

impl Shape {
    /// Units that share a head's softmax.
    fn lanes(self) -> usize {
        LANES.min(self.units / self.sizes.heads)
    }

    /// Quads of the result.
    fn quads(self) -> usize {
        self.sizes.heads * self.sizes.head / 4
    }

    /// Units that share a quad of the result, each taking every so many positions.
    fn splits(self) -> usize {
        (self.units / self.quads()).max(1)
    }

    /// Scores of a head.
    fn span(self) -> usize {
        self.sizes.blocks() * BLOCK
    }

    /// Bytes of shared memory.
    pub(super) fn shared_memory(self) -> usize {
        4 * (self.sizes.heads * (self.span() + self.sizes.head) + 2 * self.units + 4 * self.splits() * self.quads())
    }
}

/// `mixed = softmax(queries keys) values`, for every slot that is not idle.
#[cube(launch_unchecked)]
pub(super) fn attention_kernel<C: Float>(
    queries: &[Vector<f32, Quad>],
    keys: &[Vector<C, Quad>],
    values: &[Vector<C, Quad>],
    positions: &[u32],
    mixed: &mut [Vector<f32, Quad>],
    #[comptime] shape: Shape,
    #[define(C)] _stored: ElemType,
) {
    let sizes = comptime!(shape.sizes);
    let (units, quads, span) = comptime!((shape.units, shape.quads(), shape.span()));
    let mut query = Shared::<[Vector<f32, Quad>]>::new_slice(quads);
    let mut scores = Shared::<[f32]>::new_slice(comptime!(sizes.heads * span));
    let slot = CUBE_POS_X as usize;
    let unit = UNIT_POS as usize;
    let mut count = 0usize;
    if positions[slot] != IDLE {
        count = positions[slot] as usize + 1;
    }

    let mut quad = unit;
    while quad < quads {
        query[quad] = queries[slot * comptime!(sizes.queries / 4) + quad];
        quad += units;
    }
    sync_cube();
    score::<C>(&query, keys, &mut scores, slot, count, shape);
    sync_cube();
    let sums = softmax(&mut scores, count, shape);
    mix::<C>(&scores, &sums, values, mixed, slot, count, shape);
}

/// `scores[head, t] = query · key[t]`; the lowest number after the last position of its block.
#[cube]
fn score<C: Float>(
    query: &Shared<[Vector<f32, Quad>]>,
    keys: &[Vector<C, Quad>],
    scores: &mut Shared<[f32]>,
    slot: usize,
    count: usize,
    #[comptime] shape: Shape,
) {
    let sizes = comptime!(shape.sizes);
    let (head_quads, group) = comptime!((sizes.head / 4, sizes.heads / sizes.kv_heads));
    let lane = UNIT_POS as usize % BLOCK;
    let blocks = count.div_ceil(BLOCK);
    let mut task = UNIT_POS as usize / BLOCK;
    while task < blocks * sizes.heads {
        let (head, position) = (task / blocks, task % blocks * BLOCK + lane);
        let at = key_place(slot, position, head / group * head_quads, sizes);
        let mut sum = Vector::<f32, Quad>::new(0.0);
        #[unroll]
        for quad in 0..head_quads {
            let key = Vector::<f32, Quad>::cast_from(keys[at + comptime!(quad * BLOCK)]);
            sum = fma(query[head * head_quads + quad], key, sum);
        }
        let mut score = f32::MIN.runtime();
        if position < count {
            score = (sum.extract(0usize) + sum.extract(1usize)) + (sum.extract(2usize) + sum.extract(3usize));
        }
        scores[head * comptime!(shape.span()) + position] = score;
        task += comptime!(shape.units / BLOCK);
    }
}

/// `scores = exp(scores - max)`; the sums of each head, in parts.
#[cube]
fn softmax(scores: &mut Shared<[f32]>, count: usize, #[comptime] shape: Shape) -> Shared<[f32]> {
    let (units, lanes, span) = comptime!((shape.units, shape.lanes(), shape.span()));
    let mut largest = Shared::<[f32]>::new_slice(units);
    let mut sums = Shared::<[f32]>::new_slice(units);
    let (head, lane) = (UNIT_POS as usize / lanes, UNIT_POS as usize % lanes);
    let active = head < shape.sizes.heads;
    let end = count.div_ceil(BLOCK) * BLOCK;
    let mut best = f32::MIN.runtime();
    if active {
        let mut position = lane;
        while position < end {
            best = best.max(scores[head * span + position]);
            position += lanes;
        }
    }
    largest[UNIT_POS as usize] = best;
    sync_cube();
    let mut sum = 0.0f32;
    if active {
        #[unroll]
        for other in 0..lanes {
            best = best.max(largest[head * lanes + other]);
        }
        let mut position = lane;
        while position < end {
            let weight = (scores[head * span + position] - best).exp();
            scores[head * span + position] = weight;
            sum += weight;
            position += lanes;
        }
    }
    sums[UNIT_POS as usize] = sum;
    sync_cube();
    sums
}

/// `mixed[head] = Σ scores[head, t] value[t] / sum[head]`.
#[cube]
fn mix<C: Float>(
    scores: &Shared<[f32]>,
    sums: &Shared<[f32]>,
    values: &[Vector<C, Quad>],
    mixed: &mut [Vector<f32, Quad>],
    slot: usize,
    count: usize,
    #[comptime] shape: Shape,
) {
    let sizes = comptime!(shape.sizes);
    let (units, quads, splits, span) = comptime!((shape.units, shape.quads(), shape.splits(), shape.span()));
    let (head_quads, group, lanes) = comptime!((sizes.head / 4, sizes.heads / sizes.kv_heads, shape.lanes()));
    let mut parts = Shared::<[Vector<f32, Quad>]>::new_slice(comptime!(splits * quads));
    let mut task = UNIT_POS as usize;
    while task < comptime!(splits * quads) {
        // Neighbouring units: first the quads of a row, then rows that follow one another, then heads.
        let (quad, split, head) =
            (task % head_quads, task / head_quads % splits, task / comptime!(head_quads * splits));
        let at = value_place(slot, 0usize, head / group * head_quads + quad, sizes);
        let mut sum = Vector::<f32, Quad>::new(0.0);
        let mut t = split;
        // Loads of four rows wait together.
        while t + comptime!(3 * splits) < count {
            let mut rows = Array::<Vector<f32, Quad>>::new(4usize);
            #[unroll]
            for i in 0..4usize {
                rows[i] = Vector::<f32, Quad>::cast_from(values[at + (t + comptime!(i * splits)) * head_quads]);
            }
            #[unroll]
            for i in 0..4usize {
                let weight = scores[head * span + t + comptime!(i * splits)];
                sum = fma(Vector::<f32, Quad>::new(weight), rows[i], sum);
            }
            t += comptime!(4 * splits);
        }
        while t < count {
            let row = Vector::<f32, Quad>::cast_from(values[at + t * head_quads]);
            sum = fma(Vector::<f32, Quad>::new(scores[head * span + t]), row, sum);
            t += splits;
        }
        parts[task] = sum;
        task += units;
    }
    sync_cube();
    if count > 0 {
        let mut task = UNIT_POS as usize;
        while task < quads {
            let (quad, head) = (task % head_quads, task / head_quads);
            let mut sum = Vector::<f32, Quad>::new(0.0);
            #[unroll]
            for split in 0..splits {
                sum += parts[(head * splits + split) * head_quads + quad];
            }
            let mut total = 0.0f32;
            #[unroll]
            for lane in 0..lanes {
                total += sums[head * lanes + lane];
            }
            mixed[slot * comptime!(sizes.queries / 4) + task] = sum * Vector::<f32, Quad>::new(1.0 / total);
            task += units;
        }
    }
}
