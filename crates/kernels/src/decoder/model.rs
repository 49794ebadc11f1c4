//! The packed weights, and the way of a block of rows through them.

use super::ahead::Ahead;
use super::attention::Attend;
use super::buffer::{Buffer, padded};
use super::cache::{Layout, Rotary};
use super::product::{Packed, TILE_ROWS};
use super::{DecoderConfig, DecoderWeights, Row, rows};

/// Rows of a block at most: more would read each matrix for more tokens, but push their activations and logits out of the
/// second-level cache.
const BLOCK_ROWS: usize = 32;

/// What one thread works with: activations of a block of rows, each row filled up to whole vectors.
#[derive(Debug)]
pub(super) struct Scratch {
    stream: Buffer,
    normed: Buffer,
    projected: Buffer,
    gate_up: Buffer,
    logits: Buffer,
    scores: Buffer,
}

impl Scratch {
    pub(super) fn new(model: &Model) -> Self {
        let rows = |width: usize| Buffer::zeros(BLOCK_ROWS * width);
        let (width, layer) = (padded(model.config.width), &model.layers[0]);
        Self {
            stream: rows(width),
            normed: rows(width),
            projected: rows(layer.qkv.outputs()),
            gate_up: rows(layer.gate_up.outputs()),
            logits: rows(model.head.outputs()),
            scores: Buffer::zeros(model.layout.scores()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) input_norm: Buffer,
    pub(super) qkv: Packed,
    pub(super) output: Packed,
    post_norm: Buffer,
    pub(super) gate_up: Packed,
    down: Packed,
}

/// The weights as the step reads them.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) config: DecoderConfig,
    pub(super) layout: Layout,
    pub(super) rotary: Rotary,
    /// `[vocab]` rows, filled up.
    embedding: Buffer,
    pub(super) layers: Vec<Layer>,
    norm: Buffer,
    head: Packed,
}

impl Model {
    pub(super) fn new(config: DecoderConfig, weights: &DecoderWeights<'_>) -> Self {
        weights.check(&config);
        let DecoderConfig { width, heads, head_width, hidden, .. } = config;
        let layers = weights.layers.iter().map(|layer| Layer {
            input_norm: Buffer::filled(layer.input_layernorm),
            qkv: Packed::new(width, &[layer.q_proj, layer.k_proj, layer.v_proj]),
            output: Packed::new(heads * head_width, &[layer.o_proj]),
            post_norm: Buffer::filled(layer.post_attention_layernorm),
            gate_up: Packed::new(width, &[layer.gate_proj, layer.up_proj]),
            down: Packed::new(hidden, &[layer.down_proj]),
        });
        let mut embedding = Buffer::zeros(config.vocab * padded(width));
        for (place, row) in embedding.chunks_exact_mut(padded(width)).zip(weights.embed_tokens.chunks_exact(width)) {
            place[..width].copy_from_slice(row);
        }
        Self {
            layout: Layout::new(&config),
            rotary: Rotary::new(head_width, config.context, config.theta),
            embedding,
            layers: layers.collect(),
            norm: Buffer::filled(weights.norm),
            head: Packed::new(width, &[weights.embed_tokens]),
            config,
        }
    }

    /// Takes the rows through the model, in blocks as even as they come; `visit` gets each row's slot and logits.
    pub(super) fn run(
        &self,
        rows: &[Row],
        scratch: &mut Scratch,
        cache: &mut [f32],
        mut visit: impl FnMut(usize, &[f32]),
    ) {
        let blocks = rows.len().div_ceil(BLOCK_ROWS).max(1);
        let size = rows.len().div_ceil(blocks).next_multiple_of(TILE_ROWS).max(TILE_ROWS);
        let first = &rows[..size.min(rows.len())];
        let mut chunks = rows.chunks(size).peekable();
        while let Some(rows) = chunks.next() {
            let following = chunks.peek().copied().unwrap_or(first);
            self.block(rows, following, scratch, cache);
            let logits = scratch.logits.chunks_exact(self.head.outputs());
            for (row, logits) in rows.iter().zip(logits) {
                visit(row.slot as usize, &logits[..self.config.vocab]);
            }
        }
    }

    /// A block of at most [`BLOCK_ROWS`] rows, from embedding to logits.
    fn block(&self, rows: &[Row], following: &[Row], scratch: &mut Scratch, cache: &mut [f32]) {
        let Scratch { stream, normed, projected, gate_up, logits, scores } = scratch;
        let (n, width, eps) = (rows.len(), padded(self.config.width), self.config.eps as f32);
        let stream = &mut stream[..n * width];
        for (place, row) in stream.chunks_exact_mut(width).zip(rows) {
            place.copy_from_slice(&self.embedding[row.token as usize * width..][..width]);
        }
        let ahead_of = |rows, cache: &[f32], layer| Ahead::new(&self.layout, rows, cache, layer);
        let mut ahead = ahead_of(rows, cache, 0);
        for (index, layer) in self.layers.iter().enumerate() {
            let (qkv_width, gate_up_width) = (layer.qkv.outputs(), layer.gate_up.outputs());
            let projected = &mut projected[..n * qkv_width];
            rows::rms_norm(self.config.width, stream, &layer.input_norm, eps, normed);
            layer.qkv.product(n, normed, width, projected, qkv_width, false, &mut ahead);
            let mut attend = Attend {
                layout: &self.layout,
                rotary: &self.rotary,
                layer: index,
                rows,
                projected,
                stride: qkv_width,
                cache,
                scores,
            };
            attend.run();
            ahead = if index + 1 < self.layers.len() {
                ahead_of(rows, cache, index + 1)
            } else {
                ahead_of(following, cache, 0)
            };
            layer.output.product(n, projected, qkv_width, stream, width, true, &mut ahead);

            let gate_up = &mut gate_up[..n * gate_up_width];
            rows::rms_norm(self.config.width, stream, &layer.post_norm, eps, normed);
            layer.gate_up.product(n, normed, width, gate_up, gate_up_width, false, &mut ahead);
            rows::swiglu(gate_up_width / 2, gate_up);
            layer.down.product(n, gate_up, gate_up_width, stream, width, true, &mut ahead);
        }
        rows::rms_norm(self.config.width, stream, &self.norm, eps, normed);
        self.head.product(n, normed, width, logits, self.head.outputs(), false, &mut ahead);
    }
}
