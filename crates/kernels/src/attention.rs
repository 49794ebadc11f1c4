//! Causal attention within documents, straight from the fused projection, rotary positions inside.
//!
//! Position `p` of a window attends to the positions from `starts[p]`, the first of its document, to `p` itself. Queries and
//! keys are rotated by their place in the document (Su et al. 2021; pairs are a head's first and second half, as in Hugging
//! Face's Llama). The forward pass saves the log-sum-exp of each row of scores; the backward pass makes the probabilities again
//! from it (Dao 2023), so nothing of size `[time, time]` is kept.
//!
//! A task is one key-value head of one window. It turns the keys into blocks of sixteen positions, transposed, so that the
//! scores of a query against sixteen keys are one vector; sixteen queries at a time then hold a strip of scores as long as
//! their documents, which fits the first-level cache at contexts of a few hundred. At such lengths a strip is exponentiated
//! whole, after its maximum is known: no rescaling as in attention over long contexts.

use rayon::prelude::*;

mod rotary;
mod strip;
mod task;
#[cfg(test)]
mod tests;

pub use rotary::Rotary;
use task::{Saved, Scratch, Task};

use super::spec::AttentionShape;
use super::vector::{LANES, with_simd};

impl AttentionShape {
    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Blocks of sixteen positions in a window.
    fn key_blocks(&self) -> usize {
        self.time.div_ceil(LANES)
    }

    /// Blocks of sixteen columns in a head.
    fn head_blocks(&self) -> usize {
        self.head_width.div_ceil(LANES)
    }

    fn check(&self, qkv: &[f32], starts: &[u32], rotary: &Rotary, out: usize, lse: usize) {
        assert!(
            self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads) && self.head_width.is_multiple_of(2),
            "attention: {self:?}"
        );
        let rows = self.batch * self.time;
        assert!(
            [qkv.len(), starts.len(), out, lse]
                == [rows * self.qkv_width(), rows, rows * self.width(), self.heads * rows],
            "attention: {self:?} with {} in qkv, {} starts, {out} in the output, {lse} in the log-sum-exp",
            qkv.len(),
            starts.len()
        );
        assert!(
            rotary.head_width() == self.head_width && rotary.places() >= self.time,
            "attention: {self:?} with a rotary table of {} places for heads of width {}",
            rotary.places(),
            rotary.head_width()
        );
        for window in starts.chunks_exact(self.time) {
            assert!(
                window.iter().enumerate().all(|(p, &start)| start as usize <= p),
                "attention: a document starts after its position"
            );
        }
    }
}

/// Attention of every window; writes the output and the log-sum-exp.
pub fn forward(shape: AttentionShape, qkv: &[f32], starts: &[u32], rotary: &Rotary, out: &mut [f32], lse: &mut [f32]) {
    shape.check(qkv, starts, rotary, out.len(), lse.len());
    let (time, group) = (shape.time, shape.group());
    let tasks: Vec<_> = out
        .par_chunks_mut(time * shape.width())
        .zip(lse.par_chunks_mut(time * shape.heads))
        .enumerate()
        .flat_map_iter(|(window, (out, lse))| {
            let out = columns(out, &vec![group * shape.head_width; shape.kv_heads]);
            let heads = out.into_iter().zip(lse.chunks_mut(time * group)).enumerate();
            heads.map(move |(kv_head, (out, lse))| (window, kv_head, out, lse)).collect::<Vec<_>>()
        })
        .collect();
    tasks.into_par_iter().for_each_init(Scratch::default, |scratch, (window, kv_head, mut out, lse)| {
        let task = Task::new(shape, qkv, starts, rotary, window, kv_head);
        if kv_head == 0 {
            read_ahead(task.qkv());
        }
        with_simd!(|s| task.forward(s, scratch, &mut out, lse));
    });
}

/// Gradient of [`forward`] with respect to `qkv`, from its output `out`, its log-sum-exp and the gradient `d_out` of the output.
///
/// `d_qkv` is overwritten.
pub fn backward(
    shape: AttentionShape,
    qkv: &[f32],
    starts: &[u32],
    rotary: &Rotary,
    out: &[f32],
    lse: &[f32],
    d_out: &[f32],
    d_qkv: &mut [f32],
) {
    shape.check(qkv, starts, rotary, out.len(), lse.len());
    assert!(
        d_out.len() == out.len() && d_qkv.len() == qkv.len(),
        "attention: gradients of {} and {}",
        d_out.len(),
        d_qkv.len()
    );
    let (time, group) = (shape.time, shape.group());
    let tasks: Vec<_> = d_qkv
        .par_chunks_mut(time * shape.qkv_width())
        .enumerate()
        .flat_map_iter(|(window, d_qkv)| {
            let mut widths = vec![group * shape.head_width; shape.kv_heads];
            widths.resize(3 * shape.kv_heads, shape.head_width);
            let mut dq = columns(d_qkv, &widths);
            let mut dk = dq.split_off(shape.kv_heads);
            let dv = dk.split_off(shape.kv_heads);
            let heads = dq.into_iter().zip(dk).zip(dv).enumerate();
            heads.map(move |(kv_head, ((dq, dk), dv))| (window, kv_head, [dq, dk, dv])).collect::<Vec<_>>()
        })
        .collect();
    tasks.into_par_iter().for_each_init(Scratch::default, |scratch, (window, kv_head, mut gradients)| {
        let task = Task::new(shape, qkv, starts, rotary, window, kv_head);
        let rows = window * time..(window + 1) * time;
        let lse = &lse[(window * shape.heads + kv_head * group) * time..][..group * time];
        let saved = Saved {
            out: &out[rows.start * shape.width()..rows.end * shape.width()],
            d_out: &d_out[rows.start * shape.width()..rows.end * shape.width()],
            lse,
        };
        if kv_head == 0 {
            for rows in [task.qkv(), saved.out, saved.d_out] {
                read_ahead(rows);
            }
        }
        with_simd!(|s| task.backward(s, scratch, saved, &mut gradients));
    });
}

/// Brings a window's rows into the second-level cache, in the order of memory, before its first head picks its columns out of
/// them, row by row, which no prefetcher follows: forward a third faster at 32 windows of 128 positions.
fn read_ahead(rows: &[f32]) {
    let bits = rows.iter().step_by(LANES).fold(0, |bits, x| bits ^ x.to_bits());
    core::hint::black_box(bits);
}

/// Cuts each row of a matrix into columns of the given widths: for each width, its part of every row.
fn columns<'a>(matrix: &'a mut [f32], widths: &[usize]) -> Vec<Vec<&'a mut [f32]>> {
    let width: usize = widths.iter().sum();
    let mut parts: Vec<Vec<&mut [f32]>> = widths.iter().map(|_| Vec::with_capacity(matrix.len() / width)).collect();
    for mut row in matrix.chunks_exact_mut(width) {
        for (part, &width) in parts.iter_mut().zip(widths) {
            let (head, rest) = row.split_at_mut(width);
            part.push(head);
            row = rest;
        }
    }
    parts
}
