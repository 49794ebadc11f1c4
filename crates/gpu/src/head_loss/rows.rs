//! From logits to losses and the gradient of the logits, row by row.

use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::spec::{Precision, TokenRule};

use super::{Step, planes};
use crate::precision::{DevicePrecision, rounded};
use crate::product::{Operand, argument};

/// Units of a cube.
const UNITS: usize = 256;
/// Units of a plane.
const PLANE: usize = 32;
/// Vectors that a unit holds of a row, if the row is not too long for that.
const ITEMS: usize = 16;
/// Below every logit, and finite.
const LOWEST: f32 = -3.0e38;

/// How a cube works on rows: `lanes` units hold `items` vectors each of a row, `groups` rows at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shape {
    /// Vectors of a row.
    vectors: usize,
    lanes: usize,
    items: usize,
    groups: usize,
    /// Whether units add by plane instructions.
    planes: bool,
    rule: Rule,
}

/// [`TokenRule`] without its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rule {
    CrossEntropy,
    Truncated,
    Focal,
    Smoothed,
}

/// Losses of a chunk's rows, and the gradient of their logits if the step has a place for it.
pub(super) fn losses(step: &Step, first: usize, rows: usize) {
    let (client, inputs, vocabulary) = (step.client, step.inputs, step.inputs.vocabulary);
    let width = if vocabulary.is_multiple_of(4) { 4 } else { 1 };
    let vectors = vocabulary / width;
    let lanes = vectors.div_ceil(ITEMS).next_power_of_two().clamp(PLANE, UNITS);
    let (rule, number, prior) = match inputs.rule {
        TokenRule::CrossEntropy => (Rule::CrossEntropy, 0.0, None),
        TokenRule::Truncated { gamma } => (Rule::Truncated, gamma, None),
        TokenRule::Focal { gamma } => (Rule::Focal, gamma, None),
        TokenRule::Smoothed { share, prior } => (Rule::Smoothed, share, Some(prior)),
    };
    let prior = prior.map(|handle| argument(handle.into(), vocabulary, width));
    let shape =
        Shape { vectors, lanes, items: vectors.div_ceil(lanes), groups: UNITS / lanes, planes: planes(client), rule };
    let stored = step.slopes.as_ref().map_or(Precision::Float32, |it| it.1);
    let slopes = step
        .slopes
        .as_ref()
        .map(|(handle, stored)| argument(Operand { handle, stored: *stored }, rows * vocabulary, width));
    let column = |handle: &Handle| argument(handle.into(), inputs.rows, 1);
    // SAFETY: rows beyond the chunk's last read it again and write nothing, columns stop at the row's vectors; `argument` checks
    // the buffers' lengths; that targets are in the vocabulary is the caller's promise.
    unsafe {
        losses_kernel::launch_unchecked(
            client,
            CubeCount::Static(rows.div_ceil(shape.groups) as u32, 1, 1),
            CubeDim::new_2d(lanes as u32, shape.groups as u32),
            width,
            argument((&step.logits).into(), rows * vocabulary, width),
            column(inputs.targets),
            column(inputs.weights),
            column(&step.each),
            column(&step.counted),
            slopes.into(),
            prior.into(),
            first,
            rows,
            number,
            shape,
            stored,
            stored.element(),
        );
    }
}

#[cube(launch_unchecked)]
fn losses_kernel<D: Float, N: Size>(
    logits: &[Vector<f32, N>],
    targets: &[u32],
    weights: &[f32],
    each: &mut [f32],
    counted: &mut [f32],
    slopes: ComptimeOption<&mut [Vector<D, N>]>,
    prior: ComptimeOption<&[Vector<f32, N>]>,
    first: usize,
    rows: usize,
    number: f32,
    #[comptime] shape: Shape,
    #[comptime] stored: Precision,
    #[define(D)] _element: ElemType,
) {
    let Shape { vectors, lanes, items, groups, planes, rule } = comptime!(shape);
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    let row = CUBE_POS_X as usize * groups + UNIT_POS_Y as usize;
    let lane = UNIT_POS_X as usize;
    // Units beyond the last row read it again, for their part in the sums, and write nothing.
    let held_row = row.min(rows - 1);
    let base = held_row * vectors;

    let mut held = Array::<Vector<f32, N>>::new(items);
    let mut most = Vector::<f32, N>::new(LOWEST);
    #[unroll]
    for i in 0..items {
        let column = lane + comptime!(i * lanes);
        let value = logits[base + column.min(vectors - 1)];
        held[i] = select(column < vectors, value, Vector::<f32, N>::new(LOWEST));
        most = most.max(held[i]);
    }
    let mut largest = most.extract(0usize);
    #[unroll]
    for e in 1..N::value() {
        largest = largest.max(most.extract(e));
    }
    let largest = over_lanes(largest, &mut shared, lanes, planes, true);
    // How far below the largest the prior's logits lie on average.
    let mut below = 0.0f32;
    #[comptime]
    if let ComptimeOption::Some(prior) = &prior {
        let mut part = Vector::<f32, N>::new(0.0);
        #[unroll]
        for i in 0..items {
            let column = lane + comptime!(i * lanes);
            let of_prior = prior[column.min(vectors - 1)];
            let depth = of_prior * (Vector::<f32, N>::new(largest) - held[i]);
            part += select(column < vectors, depth, Vector::<f32, N>::new(0.0));
        }
        let mut own = part.extract(0usize);
        #[unroll]
        for e in 1..N::value() {
            own += part.extract(e);
        }
        below = over_lanes(own, &mut shared, lanes, planes, false);
    }
    let mut part = Vector::<f32, N>::new(0.0);
    #[unroll]
    for i in 0..items {
        held[i] = (held[i] - Vector::<f32, N>::new(largest)).exp();
        part += held[i];
    }
    let mut sum = part.extract(0usize);
    #[unroll]
    for e in 1..N::value() {
        sum += part.extract(e);
    }
    let sum = over_lanes(sum, &mut shared, lanes, planes, false);

    let width = N::value().comptime();
    let token = first + held_row;
    let (target, weight) = (targets[token] as usize, weights[token]);
    let logit = logits[base + target / width].extract_dynamic(target % width);
    let loss = sum.ln() + (largest - logit);
    let (counts, slope) = ruled(loss, below + sum.ln(), number, rule);
    let used = weight != 0.0;
    if row < rows && lane == 0 {
        each[token] = select(used, loss, 0.0);
        counted[token] = select(used, weight * counts, 0.0);
    }
    #[comptime]
    if let ComptimeOption::Some(slopes) = slopes {
        let scale = weight * slope;
        let share = Vector::<f32, N>::new(scale / sum);
        if row < rows {
            #[unroll]
            for i in 0..items {
                let column = lane + comptime!(i * lanes);
                if column < vectors {
                    let mut value = held[i] * share;
                    let mut of_target = scale;
                    #[comptime]
                    if let ComptimeOption::Some(prior) = &prior {
                        value -= prior[column] * Vector::<f32, N>::new(scale * number);
                        of_target = scale * (1.0 - number);
                    }
                    #[unroll]
                    for e in 0..N::value() {
                        let here = column * width + e == target;
                        let own = value.extract(e) - select(here, of_target, 0.0);
                        value.insert(e, select(used, own, 0.0));
                    }
                    slopes[base + column] = Vector::cast_from(rounded::<N>(value, stored));
                }
            }
        }
    }
}

/// What a token of this loss counts, and the derivative of that with respect to the loss; `of_prior` is what the prior loses
/// and `gamma` the rule's number.
#[cube]
fn ruled(loss: f32, of_prior: f32, gamma: f32, #[comptime] rule: Rule) -> (f32, f32) {
    match rule {
        Rule::CrossEntropy => (loss, 1.0),
        Rule::Smoothed => ((1.0 - gamma) * loss + gamma * of_prior, 1.0),
        Rule::Truncated => {
            let counts = (-loss).exp() < gamma;
            (select(counts, loss, 0.0), select(counts, 1.0, 0.0))
        }
        Rule::Focal => {
            let p = (-loss).exp();
            // Where the difference would cancel: 1 - exp(-l) as a series, to l^5 / 120.
            let series = loss * (1.0 - loss / 2.0 * (1.0 - loss / 3.0 * (1.0 - loss / 4.0)));
            let miss = select(loss < 0.05, series, 1.0 - p).max(0.0);
            let safe = miss.max(1.0e-30);
            let power = (gamma * safe.ln()).exp();
            // A miss of nothing counts nothing, unless the power is the zeroth.
            let factor = select(miss > 0.0 || gamma == 0.0, power, 0.0);
            // d(1 - p)/dl = p.
            let through = select(miss > 0.0, loss * gamma * factor / safe * p, 0.0);
            (factor * loss, factor + through)
        }
    }
}

/// Sum or largest number over the lanes of a row, to all of them. All units of the cube take part.
#[cube]
fn over_lanes(
    value: f32,
    shared: &mut Shared<[f32]>,
    #[comptime] lanes: usize,
    #[comptime] planes: bool,
    #[comptime] largest: bool,
) -> f32 {
    if comptime!(planes) {
        let own = if comptime!(largest) { plane_max(value) } else { plane_sum(value) };
        if comptime!(lanes == PLANE) {
            own
        } else {
            let group = UNIT_POS_Y as usize * comptime!(lanes / PLANE);
            sync_cube();
            let within = UNIT_POS_X as usize % PLANE;
            if within == 0 {
                shared[group + UNIT_POS_X as usize / PLANE] = own;
            }
            sync_cube();
            let mut all = shared[group];
            #[unroll]
            for i in 1..comptime!(lanes / PLANE) {
                all = if comptime!(largest) { all.max(shared[group + i]) } else { all + shared[group + i] };
            }
            all
        }
    } else {
        let place = UNIT_POS as usize;
        sync_cube();
        shared[place] = value;
        let mut distance = comptime!(lanes as u32 / 2).runtime();
        while distance > 0 {
            sync_cube();
            if UNIT_POS_X < distance {
                let (one, other) = (shared[place], shared[place + distance as usize]);
                shared[place] = if comptime!(largest) { one.max(other) } else { one + other };
            }
            distance /= 2;
        }
        sync_cube();
        shared[place - UNIT_POS_X as usize]
    }
}

/// Sum of `n` numbers in an order that depends on `n` alone: one number.
pub(super) fn total(client: &Client, numbers: &Handle, n: usize) -> Handle {
    let blocks = n.div_ceil(UNITS * 4).min(UNITS);
    let (parts, sum) = (client.empty(blocks * 4), client.empty(4));
    // SAFETY: units stop at `n`, cubes are as many as `to` has numbers; `argument` checks both lengths.
    let stage = |from: &Handle, n: usize, to: &Handle, blocks: usize| unsafe {
        total_kernel::launch_unchecked(
            client,
            CubeCount::Static(blocks as u32, 1, 1),
            CubeDim::new_1d(UNITS as u32),
            argument(from.into(), n, 1),
            argument(to.into(), blocks, 1),
            n,
            n.div_ceil(blocks),
        );
    };
    stage(numbers, n, &parts, blocks);
    stage(&parts, blocks, &sum, 1);
    sum
}

/// Each cube sums `share` neighbouring numbers.
#[cube(launch_unchecked)]
fn total_kernel(from: &[f32], to: &mut [f32], n: usize, share: usize) {
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    let begin = CUBE_POS_X as usize * share;
    let end = n.min(begin + share);
    let mut sum = 0.0f32;
    let mut i = begin + UNIT_POS as usize;
    while i < end {
        sum += from[i];
        i += UNITS;
    }
    let sum = over_lanes(sum, &mut shared, UNITS, false, false);
    if UNIT_POS == 0 {
        to[CUBE_POS_X as usize] = sum;
    }
}
