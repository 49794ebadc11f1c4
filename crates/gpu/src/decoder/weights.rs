//! The weights as the kernels read them: `[inputs, outputs]`, filled up with zeros, and with every RMSNorm's weight multiplied
//! into the rows of the product that follows it.
//!
//! Columns of queries and keys stand in pairs that a rotary angle turns together, those of gate and up in twos, so that a unit
//! that sums four neighbouring columns can finish them alone.

use super::sizes::Sizes;
use kernels::decoder::{DecoderConfig, DecoderWeights, LayerWeights};

/// A matrix on its way to the device.
pub(super) struct Packed {
    pub(super) numbers: Vec<f32>,
    columns: usize,
}

impl Packed {
    fn zeros(rows: usize, columns: usize) -> Self {
        Self { numbers: vec![0.0; rows * columns], columns }
    }

    /// Puts `matrix` (`[outputs, inputs]`) in: output `o` becomes column `column(o)`, input `i` row `row(i)`, times `norm[i]`.
    fn put(
        &mut self,
        matrix: &[f32],
        inputs: usize,
        norm: Option<&[f32]>,
        column: impl Fn(usize) -> usize,
        row: impl Fn(usize) -> usize,
    ) {
        for (output, weights) in matrix.chunks_exact(inputs).enumerate() {
            let column = column(output);
            for (input, &weight) in weights.iter().enumerate() {
                let scale = norm.map_or(1.0, |norm| norm[input]);
                self.numbers[row(input) * self.columns + column] = weight * scale;
            }
        }
    }
}

/// One layer's packed matrices.
pub(super) struct PackedLayer {
    pub(super) qkv: Packed,
    pub(super) output: Packed,
    pub(super) gate_up: Packed,
    pub(super) down: Packed,
}

/// Packs a layer.
pub(super) fn layer(config: &DecoderConfig, sizes: &Sizes, weights: &LayerWeights<'_>) -> PackedLayer {
    let &DecoderConfig { width, heads, head_width, hidden, .. } = config;
    let half = head_width / 2;
    let same = |i: usize| i;
    // Where column `c` of all heads stands: head by head, each filled up.
    let straight = |c: usize| c / head_width * sizes.head + c % head_width;
    // The same with the two halves of a head in turn.
    let turned = |c: usize| c / head_width * sizes.head + c % head_width % half * 2 + c % head_width / half;
    let mut qkv = Packed::zeros(sizes.stream, sizes.projected());
    let norm = Some(weights.input_layernorm);
    qkv.put(weights.q_proj, width, norm, turned, same);
    qkv.put(weights.k_proj, width, norm, |c| sizes.queries + turned(c), same);
    qkv.put(weights.v_proj, width, norm, |c| sizes.queries + sizes.keys + straight(c), same);
    let mut output = Packed::zeros(sizes.queries, sizes.stream);
    output.put(weights.o_proj, heads * head_width, None, same, straight);
    let mut gate_up = Packed::zeros(sizes.stream, 2 * sizes.hidden);
    let norm = Some(weights.post_attention_layernorm);
    gate_up.put(weights.gate_proj, width, norm, |c| c / 2 * 4 + c % 2, same);
    gate_up.put(weights.up_proj, width, norm, |c| c / 2 * 4 + 2 + c % 2, same);
    let mut down = Packed::zeros(sizes.hidden, sizes.stream);
    down.put(weights.down_proj, hidden, None, same, same);
    PackedLayer { qkv, output, gate_up, down }
}

/// The head, `[stream, logits]`.
pub(super) fn head(config: &DecoderConfig, sizes: &Sizes, weights: &DecoderWeights<'_>) -> Packed {
    let mut head = Packed::zeros(sizes.stream, sizes.logits);
    head.put(weights.embed_tokens, config.width, Some(weights.norm), |c| c, |r| r);
    head
}

/// The embedding, `[vocab, stream]`.
pub(super) fn embedding(config: &DecoderConfig, sizes: &Sizes, weights: &DecoderWeights<'_>) -> Vec<f32> {
    let mut table = vec![0.0; config.vocab * sizes.stream];
    for (place, row) in table.chunks_exact_mut(sizes.stream).zip(weights.embed_tokens.chunks_exact(config.width)) {
        place[..config.width].copy_from_slice(row);
    }
    table
}

/// Cosine and sine of the rotary angles (Su et al. 2021, arXiv 2104.09864), `[context, head]`: for each pair one after the other.
pub(super) fn rotary(config: &DecoderConfig, sizes: &Sizes) -> Vec<f32> {
    let half = config.head_width / 2;
    let mut table = vec![0.0; config.context * sizes.head];
    for (position, row) in table.chunks_exact_mut(sizes.head).enumerate() {
        for (column, pair) in row[..config.head_width].as_chunks_mut().0.iter_mut().enumerate() {
            let angle = position as f64 * config.theta.powf(-(column as f64) / half as f64);
            *pair = [angle.cos() as f32, angle.sin() as f32];
        }
    }
    table
}
