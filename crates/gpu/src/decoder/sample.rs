//! The next token of every slot. The rule is the processor's: the first token, in vocabulary order, at which the
//! cumulative probability exceeds the slot's uniform number.
//!
//! Weights are `exp(logit - max)`, summed in quads, then in segments of a few quads, then in sixteenths; the search goes the same way
//! down. No order depends on anything but the vocabulary's size.

#![allow(clippy::collapsible_if, reason = "conditions of the compiled form stand apart from the kernel's own")]

use cubecl::prelude::*;

use super::product::Quad;
use super::sizes::Sizes;
use super::{FAILED, IDLE, NONE};

/// Segments of the vocabulary at the highest level.
const TOP: usize = 16;
/// Numbers of a slot's state.
pub(super) const STATE: usize = 3;
/// Which of the block's two documents the slot writes.
const WHICH: usize = 0;
/// How many tokens of it were written in this block.
const INDEX: usize = 1;
/// Whether there is a second one.
const FOLLOWS: usize = 2;

/// What the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub sizes: Sizes,
    /// Units of a cube.
    pub units: usize,
    /// Units of a slot, a multiple of sixteen and a power of two.
    pub lanes: usize,
    /// Steps of a block.
    pub steps: usize,
    pub separator: u32,
    pub greedy: bool,
    /// Whether some documents begin with given tokens.
    pub prompts: bool,
    /// Whether tokens that were written are penalised.
    pub penalty: bool,
    pub min_p: bool,
}

impl Shape {
    /// Quads of a lane's segment of the vocabulary.
    fn segment(self) -> usize {
        self.sizes.vocab.div_ceil(4 * self.lanes)
    }

    /// Quads of all segments.
    fn quads(self) -> usize {
        self.segment() * self.lanes
    }

    /// Slots of a cube.
    pub(super) fn slots(self) -> usize {
        self.units / self.lanes
    }

    /// Words of a slot's set of tokens.
    pub(super) fn words(self) -> usize {
        self.sizes.vocab.div_ceil(32)
    }

    /// Bytes of shared memory.
    pub(super) fn shared_memory(self) -> usize {
        4 * (self.slots() * (self.quads() + TOP + 3) + 3 * self.units)
    }
}

/// Settings that change nothing in the kernel's code.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Factors {
    /// One over the temperature.
    pub scale: f32,
    pub penalty: f32,
    pub min_p: f32,
}

/// Puts every slot's first token in, and clears the block's ids.
#[cube(launch_unchecked)]
pub(super) fn begin_kernel(
    starts: &[u32],
    embedding: &[Vector<f32, Quad>],
    x: &mut [Vector<f32, Quad>],
    positions: &mut [u32],
    states: &mut [u32],
    seen: &mut [u32],
    ids: &mut [u32],
    #[comptime] shape: Shape,
) {
    let (units, steps, words) = comptime!((shape.units, shape.steps, shape.words()));
    let slot = CUBE_POS_X as usize;
    let position = starts[slot * 3];
    if UNIT_POS == 0 {
        positions[slot] = position;
        states[slot * STATE + WHICH] = 0;
        states[slot * STATE + INDEX] = 0;
        states[slot * STATE + FOLLOWS] = starts[slot * 3 + 2];
    }
    let mut index = UNIT_POS as usize;
    while index < comptime!(2 * steps) {
        ids[slot * comptime!(2 * steps) + index] = NONE;
        index += units;
    }
    if comptime!(shape.penalty) {
        if position == 0 {
            let mut word = UNIT_POS as usize;
            while word < words {
                seen[slot * words + word] = separator_alone(word, shape);
                word += units;
            }
        }
    }
    if position != IDLE {
        embed(embedding, x, slot, starts[slot * 3 + 1] as usize, UNIT_POS as usize, units, shape.sizes.stream);
    }
}

/// The token's row of the embedding becomes the slot's.
#[cube]
fn embed(
    embedding: &[Vector<f32, Quad>],
    x: &mut [Vector<f32, Quad>],
    slot: usize,
    token: usize,
    lane: usize,
    #[comptime] lanes: usize,
    #[comptime] stream: usize,
) {
    let mut quad = lane;
    while quad < comptime!(stream / 4) {
        x[slot * comptime!(stream / 4) + quad] = embedding[token * comptime!(stream / 4) + quad];
        quad += lanes;
    }
}

/// Chooses every slot's token, writes it down and puts it in as the next.
#[cube(launch_unchecked)]
pub(super) fn sample_kernel(
    logits: &[Vector<f32, Quad>],
    uniforms: &[f32],
    prompts: &[u32],
    embedding: &[Vector<f32, Quad>],
    x: &mut [Vector<f32, Quad>],
    positions: &mut [u32],
    states: &mut [u32],
    seen: &mut [u32],
    ids: &mut [u32],
    factors: Factors,
    #[comptime] shape: Shape,
) {
    let lanes = comptime!(shape.lanes);
    let (row, lane) = (UNIT_POS as usize / lanes, UNIT_POS as usize % lanes);
    let slot = CUBE_POS_X as usize * comptime!(shape.slots()) + row;
    let position = positions[slot];
    let (which, index) = (states[slot * STATE + WHICH], states[slot * STATE + INDEX]);
    let at = (slot * 2 + which as usize) * shape.steps + index as usize;
    let best = largest(logits, &*seen, slot, &factors, shape);
    // The largest number, of which the smaller is always the token.
    let mut chosen = NONE.runtime();
    if comptime!(shape.greedy) {
        chosen = chosen.min(first(logits, &*seen, slot, best, &factors, shape));
    } else {
        let mut u = 0.0f32;
        if position != IDLE {
            u = uniforms[at];
        }
        chosen = chosen.min(draw(logits, &*seen, slot, best, u, &factors, shape));
    }
    // What the slot's other lanes must know: the next position, the next token, whether the document ended.
    let mut next = Shared::<[u32]>::new_slice(comptime!(3 * shape.slots()));
    if lane == 0 {
        if position != IDLE {
            if comptime!(shape.prompts) {
                if prompts[at] != NONE {
                    chosen = prompts[at];
                }
            }
            ids[at] = chosen;
            let after = position + 1;
            if chosen == shape.separator || chosen == FAILED || after == comptime!(shape.sizes.context as u32) {
                next[row * 3] = IDLE.runtime();
                if which == 0 && states[slot * STATE + FOLLOWS] != 0 {
                    states[slot * STATE + WHICH] = 1;
                    states[slot * STATE + INDEX] = 0;
                    next[row * 3] = 0;
                }
                next[row * 3 + 1] = shape.separator.runtime();
                next[row * 3 + 2] = 1;
            } else {
                states[slot * STATE + INDEX] = index + 1;
                next[row * 3] = after;
                next[row * 3 + 1] = chosen;
                next[row * 3 + 2] = 0;
            }
            positions[slot] = next[row * 3];
        } else {
            next[row * 3] = IDLE.runtime();
        }
    }
    sync_cube();
    if next[row * 3] != IDLE {
        embed(embedding, x, slot, next[row * 3 + 1] as usize, lane, lanes, shape.sizes.stream);
    }
    if comptime!(shape.penalty) {
        if position != IDLE {
            let words = comptime!(shape.words());
            if next[row * 3 + 2] != 0 {
                let mut word = lane;
                while word < words {
                    seen[slot * words + word] = separator_alone(word, shape);
                    word += lanes;
                }
            } else if lane == 0 {
                let at = slot * words + next[row * 3 + 1] as usize / 32;
                seen[at] |= 1u32 << (next[row * 3 + 1] % 32);
            }
        }
    }
}

/// A word of what a document holds at its beginning: the separator.
#[cube]
fn separator_alone(word: usize, #[comptime] shape: Shape) -> u32 {
    let mut bits = 0u32.runtime();
    if word == comptime!(shape.separator as usize / 32) {
        bits = comptime!(1u32 << (shape.separator % 32)).runtime();
    }
    bits
}

/// Four scores: logits, after the penalty; the lowest after the vocabulary's end.
#[cube]
fn scores(
    logits: &[Vector<f32, Quad>],
    seen: &[u32],
    slot: usize,
    quad: usize,
    factors: &Factors,
    #[comptime] shape: Shape,
) -> Vector<f32, Quad> {
    // Not −∞: WGSL has no word for it.
    let mut scores = Vector::<f32, Quad>::new(f32::MIN);
    if quad < comptime!(shape.sizes.vocab.div_ceil(4)) {
        scores = logits[slot * comptime!(shape.sizes.logits / 4) + quad];
        if comptime!(shape.penalty) {
            let bits = seen[slot * comptime!(shape.words()) + quad / 8] >> (quad % 8 * 4) as u32;
            #[unroll]
            for i in 0..4usize {
                if (bits >> comptime!(i as u32)) & 1 != 0 {
                    let score = scores.extract(i);
                    scores.insert(i, select(score < 0.0, score * factors.penalty, score / factors.penalty));
                }
            }
        }
        if comptime!(!shape.sizes.vocab.is_multiple_of(4)) {
            #[unroll]
            for i in 0..4usize {
                if quad * 4 + i >= shape.sizes.vocab {
                    scores.insert(i, f32::MIN);
                }
            }
        }
    }
    scores
}

/// Four weights: probabilities up to a factor.
#[cube]
fn weights(scores: Vector<f32, Quad>, best: f32, factors: &Factors, #[comptime] shape: Shape) -> Vector<f32, Quad> {
    let mut weights = Vector::<f32, Quad>::empty();
    #[unroll]
    for i in 0..4usize {
        let mut weight = ((scores.extract(i) - best) * factors.scale).exp();
        if comptime!(shape.min_p) {
            // The best token's weight is 1: a share of its probability is the weight itself.
            if weight < factors.min_p {
                weight = 0.0f32;
            }
        }
        weights.insert(i, weight);
    }
    weights
}

/// The slot's largest score.
#[cube]
fn largest(
    logits: &[Vector<f32, Quad>],
    seen: &[u32],
    slot: usize,
    factors: &Factors,
    #[comptime] shape: Shape,
) -> f32 {
    let lanes = comptime!(shape.lanes);
    let lane = UNIT_POS as usize % lanes;
    let mut best = f32::MIN.runtime();
    for i in 0..comptime!(shape.segment()) {
        let scores = scores(logits, seen, slot, lane + i * lanes, factors, shape);
        let pair =
            scores.extract(0usize).max(scores.extract(1usize)).max(scores.extract(2usize).max(scores.extract(3usize)));
        best = best.max(pair);
    }
    let mut shared = Shared::<[f32]>::new_slice(shape.units);
    shared[UNIT_POS as usize] = best;
    #[unroll]
    for level in 0..comptime!(lanes.ilog2() as usize) {
        let half = comptime!(lanes >> (level + 1));
        sync_cube();
        if lane < half {
            shared[UNIT_POS as usize] = shared[UNIT_POS as usize].max(shared[UNIT_POS as usize + half]);
        }
    }
    sync_cube();
    shared[UNIT_POS as usize / lanes * lanes]
}

/// The first token of the largest score; known to the slot's first lane.
#[cube]
fn first(
    logits: &[Vector<f32, Quad>],
    seen: &[u32],
    slot: usize,
    best: f32,
    factors: &Factors,
    #[comptime] shape: Shape,
) -> u32 {
    let lanes = comptime!(shape.lanes);
    let lane = UNIT_POS as usize % lanes;
    // One more than the token; zero for what is no distribution.
    let mut token = NONE.runtime();
    for i in 0..comptime!(shape.segment()) {
        let quad = lane + i * lanes;
        let scores = scores(logits, seen, slot, quad, factors, shape);
        #[unroll]
        for e in 0..4usize {
            let score = scores.extract(e);
            if score.is_nan() {
                token = 0u32;
            } else if score == best {
                token = token.min((quad * 4 + e) as u32 + 1);
            }
        }
    }
    if best.is_inf() {
        token = 0u32;
    }
    let mut shared = Shared::<[u32]>::new_slice(shape.units);
    shared[UNIT_POS as usize] = token;
    sync_cube();
    if lane == 0 {
        for other in 0..lanes {
            token = token.min(shared[UNIT_POS as usize + other]);
        }
    }
    let mut chosen = FAILED.runtime();
    if token != 0 {
        chosen = token - 1;
    }
    chosen
}

/// The token at `u` of the distribution; known to the slot's first lane.
#[cube]
fn draw(
    logits: &[Vector<f32, Quad>],
    seen: &[u32],
    slot: usize,
    best: f32,
    u: f32,
    factors: &Factors,
    #[comptime] shape: Shape,
) -> u32 {
    let (lanes, segment, quads) = comptime!((shape.lanes, shape.segment(), shape.quads()));
    let per_top = comptime!(lanes / TOP);
    let (row, lane) = (UNIT_POS as usize / lanes, UNIT_POS as usize % lanes);
    let mut by_quad = Shared::<[f32]>::new_slice(comptime!(shape.slots() * quads));
    let mut by_segment = Shared::<[f32]>::new_slice(shape.units);
    let mut by_top = Shared::<[f32]>::new_slice(comptime!(shape.slots() * TOP));
    for i in 0..segment {
        let quad = lane + i * lanes;
        let weights = weights(scores(logits, seen, slot, quad, factors, shape), best, factors, shape);
        by_quad[row * quads + quad] =
            (weights.extract(0usize) + weights.extract(1usize)) + (weights.extract(2usize) + weights.extract(3usize));
    }
    sync_cube();
    let mut sum = 0.0f32;
    for i in 0..segment {
        sum += by_quad[row * quads + lane * segment + i];
    }
    by_segment[UNIT_POS as usize] = sum;
    sync_cube();
    if lane < TOP {
        let mut sum = 0.0f32;
        for i in 0..per_top {
            sum += by_segment[row * lanes + lane * per_top + i];
        }
        by_top[row * TOP + lane] = sum;
    }
    sync_cube();
    let mut chosen = FAILED.runtime();
    if lane == 0 {
        let mut total = 0.0f32;
        for i in 0..TOP {
            total += by_top[row * TOP + i];
        }
        if !(total.is_nan() || total.is_inf()) {
            let target = u * total;
            let (top, before) = descend(&by_top, row * TOP, 0.0, target, TOP);
            let (place, before) = descend(&by_segment, row * lanes + top * per_top, before, target, per_top);
            let first = (top * per_top + place) * segment;
            let (place, before) = descend(&by_quad, row * quads + first, before, target, segment);
            let quad = first + place;
            let weights = weights(scores(logits, seen, slot, quad, factors, shape), best, factors, shape);
            let mut sum = before;
            let mut found = false;
            #[unroll]
            for i in 0..4usize {
                let weight = weights.extract(i);
                if weight > 0.0 && !found {
                    chosen = (quad * 4 + i) as u32;
                    sum += weight;
                    found = sum > target;
                }
            }
        }
    }
    chosen
}

/// The first of `count` values at which the sum exceeds `target`, and the sum before it. Rounding can leave none: then it is
/// the last that is not zero.
#[cube]
fn descend(values: &Shared<[f32]>, first: usize, before: f32, target: f32, #[comptime] count: usize) -> (usize, f32) {
    let mut place = 0usize;
    let mut at_place = before;
    let mut sum = before;
    let mut found = false;
    for i in 0..count {
        let value = values[first + i];
        if value > 0.0 && !found {
            place = i;
            at_place = sum;
            sum += value;
            found = sum > target;
        }
    }
    (place, at_place)
}
