//! The three products of a linear layer with the processor's bfloat16 instructions.

use rayon::prelude::*;

use crate::bfloat::{Bfloat, DEPTH, Layout, Left, Line, Right, floats, scratch, twos};
use crate::vector::{LANES, accumulate, with_simd};

/// Rows of `x` in a task.
const ROWS: usize = 256;
/// Pairs of the left side in a task, at most: 512 KiB, half of a second-level cache.
const PAIRS: usize = 128 * 1024;
/// Weight matrices up to this size get their gradient from partial sums over rows; larger ones are cut themselves.
const PARTIAL: usize = 512 * 1024;
/// Rows of `x` whose products make one partial weight gradient.
const TOKENS: usize = 1024;
/// Rows of `x` that are laid out at a time for the gradient of a large weight matrix.
const CHUNK: usize = 2048;
/// Rows of a large weight matrix in a task.
const OUTPUTS: usize = 64;

/// `y = x wᵀ`; shapes as in [`super::forward`].
pub(super) fn forward(s: Bfloat, x: &[f32], w: &[f32], input: usize, output: usize, y: &mut [f32]) {
    let pairs = input.div_ceil(2);
    scratch(Right::lines(pairs, output), |lines| {
        s.right_transposed(w, input, lines);
        times(s, x, input, Right::new(lines, pairs, output), y);
    });
}

/// `dx = dy w`; shapes as in [`super::backward_input`].
pub(super) fn backward_input(s: Bfloat, dy: &[f32], w: &[f32], input: usize, output: usize, dx: &mut [f32]) {
    let pairs = output.div_ceil(2);
    scratch(Right::lines(pairs, input), |lines| {
        s.right_straight(w, input, lines);
        times(s, dy, output, Right::new(lines, pairs, input), dx);
    });
}

/// `out = x right`, where `x` is `[n, k]`.
fn times(s: Bfloat, x: &[f32], k: usize, right: Right<'_>, out: &mut [f32]) {
    let (pairs, columns) = (k.div_ceil(2), right.columns());
    let rows = (PAIRS / pairs).clamp(64, ROWS) / 8 * 8;
    (x.par_chunks(rows * k), out.par_chunks_mut(rows * columns)).into_par_iter().for_each(|(x, out)| {
        let rows = x.len() / k;
        scratch(Layout::Rows.lines(rows, pairs), |lines| {
            s.rows(x.chunks_exact(k), k, lines);
            s.multiply(Left::new(lines, Layout::Rows, rows, pairs), right, out, false);
        });
    });
}

/// `dw (+)= dyᵀ x`; shapes as in [`super::backward_weight`].
pub(super) fn backward_weight(
    s: Bfloat,
    dy: &[f32],
    x: &[f32],
    input: usize,
    output: usize,
    add: bool,
    dw: &mut [f32],
) {
    if x.is_empty() && !add {
        dw.fill(0.0);
    }
    if dw.len() <= PARTIAL {
        let len = x.len().div_ceil(TOKENS * input) * dw.len();
        return scratch(len.div_ceil(LANES), |partial| {
            let partial = &mut floats(partial)[..len];
            (partial.par_chunks_mut(dw.len()), dy.par_chunks(TOKENS * output), x.par_chunks(TOKENS * input))
                .into_par_iter()
                .for_each(|(dw, dy, x)| partial_gradient(s, dy, x, [output, input], dw));
            sum(partial, add, dw);
        });
    }
    let pairs = (x.len() / input).min(CHUNK).div_ceil(2);
    let size = Layout::Panels.lines(output, pairs);
    scratch(size + Right::lines(pairs, input), |lines| {
        let (left, right) = lines.split_at_mut(size);
        for (i, (dy, x)) in dy.chunks(CHUNK * output).zip(x.chunks(CHUNK * input)).enumerate() {
            lay_out(s, dy, x, [output, input], left, right);
            let pairs = (x.len() / input).div_ceil(2);
            let (left, right) = (Left::new(left, Layout::Panels, output, pairs), Right::new(right, pairs, input));
            dw.par_chunks_mut(OUTPUTS * input).enumerate().for_each(|(j, dw)| {
                s.multiply(left.part(j * OUTPUTS, dw.len() / input), right, dw, add || i > 0);
            });
        }
    });
}

/// `dw = dyᵀ x` of some rows on one thread, block by block: each is laid out and multiplied while it is in the second-level
/// cache.
fn partial_gradient(s: Bfloat, dy: &[f32], x: &[f32], [output, input]: [usize; 2], dw: &mut [f32]) {
    let size = Layout::Panels.block(output);
    scratch(size + Right::lines(DEPTH, input), |lines| {
        let (left, right) = lines.split_at_mut(size);
        for (i, (dy, x)) in dy.chunks(2 * DEPTH * output).zip(x.chunks(2 * DEPTH * input)).enumerate() {
            s.left_block(dy, output, left);
            s.right_block(twos(x, input), input, right);
            let pairs = (x.len() / input).div_ceil(2);
            s.multiply(Left::new(left, Layout::Panels, output, pairs), Right::new(right, pairs, input), dw, i > 0);
        }
    });
}

/// `dw (+)= Σ partial`, in the order of the parts.
fn sum(partial: &[f32], add: bool, dw: &mut [f32]) {
    let size = dw.len();
    dw.par_chunks_mut(8 * 1024).enumerate().for_each(|(i, dw)| {
        for (number, partial) in partial.chunks_exact(size).enumerate() {
            let partial = &partial[i * 8 * 1024..][..dw.len()];
            if number == 0 && !add {
                dw.copy_from_slice(partial);
            } else {
                with_simd!(|s| accumulate(s, dw, partial));
            }
        }
    });
}

/// Both sides of a weight gradient, block by block.
fn lay_out(s: Bfloat, dy: &[f32], x: &[f32], [output, input]: [usize; 2], left: &mut [Line], right: &mut [Line]) {
    let blocks = (
        dy.par_chunks(2 * DEPTH * output),
        x.par_chunks(2 * DEPTH * input),
        left.par_chunks_mut(Layout::Panels.block(output)),
        right.par_chunks_mut(Right::lines(DEPTH, input)),
    );
    blocks.into_par_iter().for_each(|(dy, x, left, right)| {
        s.left_block(dy, output, left);
        s.right_block(twos(x, input), input, right);
    });
}
