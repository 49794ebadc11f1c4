//! The three products in float32, by the `gemm` crate.

use rayon::prelude::*;

use super::row::exponentials;
use super::{Inputs, Products};
use crate::matrix::{Matrix, multiply, transpose};
use crate::spec::Precision;
use crate::vector::with_simd;

/// Rows of a task in the first step.
const PIECE: usize = 128;
/// Tokens of the vocabulary of a task in the second step.
const TOKENS: usize = 256;
/// Logits of a chunk, roughly: 4 MiB.
const LOGITS: usize = 1024 * 1024;

/// Working memory of a chunk, row for row.
pub(super) struct Chunk {
    d: usize,
    vocabulary: usize,
    /// The head with rows and columns exchanged.
    head_t: Vec<f32>,
    /// What gradients of the logits are rounded to.
    precision: Precision,
    /// Rows of this chunk.
    rows: usize,
    hidden: Vec<f32>,
    d_hidden: Vec<f32>,
    logits: Vec<f32>,
    losses: Vec<(f32, f64)>,
}

impl Chunk {
    pub(super) fn new(inputs: Inputs<'_>, precision: Precision) -> Self {
        let (d, vocabulary) = (inputs.width, inputs.vocabulary());
        let length = length(vocabulary).min(inputs.targets.len());
        Self {
            d,
            vocabulary,
            head_t: transpose(inputs.head, d),
            precision,
            rows: 0,
            hidden: vec![0.0; length * d],
            d_hidden: vec![0.0; length * d],
            logits: vec![0.0; length * vocabulary],
            losses: vec![(0.0, 0.0); length],
        }
    }
}

fn length(vocabulary: usize) -> usize {
    (LOGITS / vocabulary).clamp(4 * PIECE, 16 * PIECE).next_multiple_of(PIECE)
}

impl Products for Chunk {
    fn length(&self) -> usize {
        length(self.vocabulary)
    }

    fn run(&mut self, inputs: Inputs<'_>, rows: &[usize], want_gradients: bool) {
        let (d, vocabulary) = (self.d, self.vocabulary);
        let (head, head_t) = (Matrix::new(inputs.head, d), Matrix::new(&self.head_t, vocabulary));
        let precision = self.precision;
        self.rows = rows.len();
        let pieces = (
            rows.par_chunks(PIECE),
            self.hidden.par_chunks_mut(PIECE * d),
            self.d_hidden.par_chunks_mut(PIECE * d),
            self.logits.par_chunks_mut(PIECE * vocabulary),
            self.losses.par_chunks_mut(PIECE),
        );
        pieces.into_par_iter().for_each(|(rows, hidden, d_hidden, logits, losses)| {
            let (hidden, logits) = (&mut hidden[..rows.len() * d], &mut logits[..rows.len() * vocabulary]);
            for (to, &row) in hidden.chunks_exact_mut(d).zip(rows) {
                to.copy_from_slice(inputs.hidden(row));
            }
            multiply(Matrix::new(hidden, d), head_t, logits, false);
            for ((logits, loss), &row) in logits.chunks_exact_mut(vocabulary).zip(losses).zip(rows) {
                let (target, weight) = (inputs.targets[row] as usize, inputs.weights[row]);
                *loss = with_simd!(|s| {
                    let row = exponentials(s, logits, target, weight, inputs.rule, want_gradients);
                    if want_gradients {
                        row.gradient(s, logits, target);
                    }
                    (row.loss, row.counted)
                });
                if want_gradients && precision != Precision::Float32 {
                    logits.iter_mut().for_each(|x| *x = precision.round(*x));
                }
            }
            if want_gradients {
                multiply(Matrix::new(logits, vocabulary), head, &mut d_hidden[..rows.len() * d], false);
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
        let d_logits = Matrix::new(&self.logits[..self.rows * self.vocabulary], self.vocabulary).transposed();
        let hidden = Matrix::new(&self.hidden[..self.rows * self.d], self.d);
        head.par_chunks_mut(TOKENS * self.d).enumerate().for_each(|(i, head)| {
            multiply(d_logits.rows(i * TOKENS, head.len() / self.d), hidden, head, add);
        });
    }
}
