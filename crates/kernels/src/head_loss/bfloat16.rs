//! The three products with the processor's bfloat16 instructions.
//!
//! Logits exist as float32 for [`STEP`] rows of a task at a time, in the second-level cache. Their gradients are rounded and
//! laid out twice: by rows for the gradient of the hidden states, which is taken at once, and in pairs of rows for that of
//! the head.

use rayon::prelude::*;

use super::row::{Row, exponentials};
use super::{Inputs, Products};
use crate::bfloat::{Bfloat, DEPTH, Layout, Left, Line, Right, floats, scratch};
use crate::vector::{LANES, with_simd};

/// Rows of a task in the first step: a block of the inner dimension of the second.
const PIECE: usize = 2 * DEPTH;
/// Rows whose logits exist at a time in a task.
const STEP: usize = 64;
/// Tokens of the vocabulary of a task in the second step.
const TOKENS: usize = 128;
/// Gradients of logits of a chunk, roughly: 8 MiB.
const LOGITS: usize = 4 * 1024 * 1024;

/// Working memory of a chunk.
pub(super) struct Chunk<'a> {
    s: Bfloat,
    d: usize,
    vocabulary: usize,
    /// `headᵀ`, `[d, vocabulary]`.
    forward: Right<'a>,
    /// `head`, `[vocabulary, d]`.
    backward: Right<'a>,
    /// Rows of this chunk.
    rows: usize,
    /// Gradients of its logits in pairs of rows, as a left side.
    d_logits: &'a mut [Line],
    /// Its hidden states in pairs of rows, as a right side.
    hidden: &'a mut [Line],
    d_hidden: Vec<f32>,
    losses: Vec<(f32, f64)>,
}

/// Calls `f` with the products of `inputs`.
pub(super) fn with_chunk<R>(s: Bfloat, inputs: Inputs<'_>, f: impl FnOnce(Chunk<'_>) -> R) -> R {
    let (d, vocabulary) = (inputs.width, inputs.vocabulary());
    let rows = length(vocabulary).min(inputs.targets.len());
    let sizes = [
        Right::lines(d.div_ceil(2), vocabulary),
        Right::lines(vocabulary.div_ceil(2), d),
        Layout::Panels.lines(vocabulary, rows.div_ceil(2)),
        Right::lines(rows.div_ceil(2), d),
    ];
    scratch(sizes.iter().sum(), |lines| {
        let (forward, lines) = lines.split_at_mut(sizes[0]);
        let (backward, lines) = lines.split_at_mut(sizes[1]);
        let (d_logits, hidden) = lines.split_at_mut(sizes[2]);
        rayon::join(|| s.right_transposed(inputs.head, d, forward), || s.right_straight(inputs.head, d, backward));
        f(Chunk {
            s,
            d,
            vocabulary,
            forward: Right::new(forward, d.div_ceil(2), vocabulary),
            backward: Right::new(backward, vocabulary.div_ceil(2), d),
            rows: 0,
            d_logits,
            hidden,
            d_hidden: vec![0.0; rows * d],
            losses: vec![(0.0, 0.0); rows],
        })
    })
}

fn length(vocabulary: usize) -> usize {
    (LOGITS / vocabulary).clamp(2 * PIECE, 8 * PIECE).next_multiple_of(PIECE)
}

impl Products for Chunk<'_> {
    fn length(&self) -> usize {
        length(self.vocabulary)
    }

    fn run(&mut self, inputs: Inputs<'_>, rows: &[usize], want_gradients: bool) {
        let (s, d, vocabulary, forward, backward) = (self.s, self.d, self.vocabulary, self.forward, self.backward);
        self.rows = rows.len();
        let pieces = (
            rows.par_chunks(PIECE),
            self.losses.par_chunks_mut(PIECE),
            self.d_hidden.par_chunks_mut(PIECE * d),
            self.hidden.par_chunks_mut(Right::lines(DEPTH, d)),
            self.d_logits.par_chunks_mut(Layout::Panels.block(vocabulary)),
        );
        pieces.into_par_iter().for_each(|(rows, losses, d_hidden, hidden, d_logits)| {
            if want_gradients {
                s.right_block(
                    rows.chunks(2).map(|two| (inputs.hidden(two[0]), two.get(1).map(|&r| inputs.hidden(r)))),
                    d,
                    hidden,
                );
            }
            for (i, rows) in rows.chunks(STEP).enumerate() {
                let losses = &mut losses[i * STEP..][..rows.len()];
                let step = Step { s, inputs, forward, rows };
                let d_logits = want_gradients.then_some((&mut *d_logits, i * STEP / 2));
                step.run(losses, d_logits, |d_logits| {
                    s.multiply(d_logits, backward, &mut d_hidden[i * STEP * d..][..rows.len() * d], false);
                });
            }
        });
    }

    fn losses(&self) -> &[(f32, f64)] {
        &self.losses[..self.rows]
    }

    fn d_hidden(&self) -> &[f32] {
        &self.d_hidden[..self.rows * self.d]
    }

    fn head_gradient(&self, add: bool, head: &mut [f32]) {
        let pairs = self.rows.div_ceil(2);
        let d_logits = Left::new(self.d_logits, Layout::Panels, self.vocabulary, pairs);
        let hidden = Right::new(self.hidden, pairs, self.d);
        head.par_chunks_mut(TOKENS * self.d).enumerate().for_each(|(i, head)| {
            self.s.multiply(d_logits.part(i * TOKENS, head.len() / self.d), hidden, head, add);
        });
    }
}

/// A few rows of a task.
struct Step<'a> {
    s: Bfloat,
    inputs: Inputs<'a>,
    forward: Right<'a>,
    rows: &'a [usize],
}

impl Step<'_> {
    /// Losses and, if wanted, the gradients of the logits: into panels from a pair on, and to `then` by rows.
    fn run(self, losses: &mut [(f32, f64)], d_logits: Option<(&mut [Line], usize)>, then: impl FnOnce(Left<'_>)) {
        let (n, d, vocabulary) = (self.rows.len(), self.inputs.width, self.inputs.vocabulary());
        let by_rows = Layout::Rows.lines(n, d.max(vocabulary).div_ceil(2));
        scratch(by_rows + (n * vocabulary).div_ceil(LANES), |lines| {
            let (by_rows, logits) = lines.split_at_mut(by_rows);
            let logits = &mut floats(logits)[..n * vocabulary];
            self.s.rows(self.rows.iter().map(|&row| self.inputs.hidden(row)), d, by_rows);
            self.s.multiply(Left::new(by_rows, Layout::Rows, n, d.div_ceil(2)), self.forward, logits, false);
            let want = d_logits.is_some();
            let scales: Vec<f32> = logits
                .chunks_exact_mut(vocabulary)
                .zip(losses)
                .zip(self.rows)
                .map(|((logits, loss), &row)| {
                    let (row, scale) = self.row(logits, row, want);
                    *loss = (row.loss, row.counted);
                    scale
                })
                .collect();
            if let Some((panels, first)) = d_logits {
                self.s.scaled(logits, vocabulary, &scales, by_rows, panels, first);
                then(Left::new(by_rows, Layout::Rows, n, vocabulary.div_ceil(2)));
            }
        });
    }

    /// A row's loss. If wanted, its logits become their gradient but for the factor that is returned with it.
    fn row(&self, logits: &mut [f32], row: usize, want: bool) -> (Row<'_>, f32) {
        let (target, weight) = (self.inputs.targets[row] as usize, self.inputs.weights[row]);
        let row = with_simd!(|s| {
            let row = exponentials(s, logits, target, weight, self.inputs.rule, want);
            if want {
                row.less_target(s, logits, target, row.sum);
            }
            row
        });
        (row, row.factor / row.sum)
    }
}
