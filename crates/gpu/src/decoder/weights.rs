//! The weights as the kernels read them: `[inputs, outputs]`, filled up with zeros, and with every RMSNorm's weight multiplied
//! into the rows of the product that follows it.
//!
//! Columns of queries and keys stand in pairs that a rotary angle turns together, those of gate and up in twos, so that a unit
//! that sums four neighbouring columns can finish them alone.

use super::sizes::{Config, Sizes};

/// One layer's weights: Hugging Face's names, matrices row-major `[outputs, inputs]`.
#[derive(Clone, Copy, Debug)]
pub struct LayerWeights<'a> {
    /// `[width]`.
    pub input_layernorm: &'a [f32],
    /// `[heads × head_width, width]`.
    pub q_proj: &'a [f32],
    /// `[kv_heads × head_width, width]`.
    pub k_proj: &'a [f32],
    /// `[kv_heads × head_width, width]`.
    pub v_proj: &'a [f32],
    /// `[width, heads × head_width]`.
    pub o_proj: &'a [f32],
    /// `[width]`.
    pub post_attention_layernorm: &'a [f32],
    /// `[hidden, width]`.
    pub gate_proj: &'a [f32],
    /// `[hidden, width]`.
    pub up_proj: &'a [f32],
    /// `[width, hidden]`.
    pub down_proj: &'a [f32],
}

/// All weights. The head is the embedding (tied).
#[derive(Clone, Debug)]
pub struct Weights<'a> {
    /// `[vocab, width]`.
    pub embed_tokens: &'a [f32],
    /// The layers, first to last.
    pub layers: Vec<LayerWeights<'a>>,
    /// The last normalisation, `[width]`.
    pub norm: &'a [f32],
}

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
pub(super) fn layer(config: &Config, sizes: &Sizes, weights: &LayerWeights<'_>) -> PackedLayer {
    let &Config { width, heads, head_width, hidden, .. } = config;
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
pub(super) fn head(config: &Config, sizes: &Sizes, weights: &Weights<'_>) -> Packed {
    let mut head = Packed::zeros(sizes.stream, sizes.logits);
    head.put(weights.embed_tokens, config.width, Some(weights.norm), |c| c, |r| r);
    head
}

/// The embedding, `[vocab, stream]`.
pub(super) fn embedding(config: &Config, sizes: &Sizes, weights: &Weights<'_>) -> Vec<f32> {
    let mut table = vec![0.0; config.vocab * sizes.stream];
    for (place, row) in table.chunks_exact_mut(sizes.stream).zip(weights.embed_tokens.chunks_exact(config.width)) {
        place[..config.width].copy_from_slice(row);
    }
    table
}

/// Cosine and sine of the rotary angles (Su et al. 2021, arXiv 2104.09864), `[context, head]`: for each pair one after the other.
pub(super) fn rotary(config: &Config, sizes: &Sizes) -> Vec<f32> {
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

/// Checks every length.
pub(super) fn check(config: &Config, weights: &Weights<'_>) {
    let &Config { vocab, width, layers, heads, kv_heads, head_width, hidden, context, .. } = config;
    assert!(kv_heads > 0 && heads.is_multiple_of(kv_heads), "{kv_heads} key heads do not divide {heads} query heads");
    assert!(
        head_width.is_multiple_of(2) && head_width > 0,
        "rotary positions need an even head width, not {head_width}"
    );
    assert!(vocab > 0 && width > 0 && hidden > 0 && context > 0, "a size of the model is zero");
    assert!(
        layers > 0 && weights.layers.len() == layers,
        "{} layers where the configuration has {layers}",
        weights.layers.len()
    );
    let same = |name: &str, values: &[f32], expected: usize| {
        let found = values.len();
        assert_eq!(found, expected, "{name} holds {found} values, the configuration asks for {expected}");
    };
    same("embed_tokens", weights.embed_tokens, vocab * width);
    same("norm", weights.norm, width);
    for layer in &weights.layers {
        same("input_layernorm", layer.input_layernorm, width);
        same("q_proj", layer.q_proj, heads * head_width * width);
        same("k_proj", layer.k_proj, kv_heads * head_width * width);
        same("v_proj", layer.v_proj, kv_heads * head_width * width);
        same("o_proj", layer.o_proj, width * heads * head_width);
        same("post_attention_layernorm", layer.post_attention_layernorm, width);
        same("gate_proj", layer.gate_proj, hidden * width);
        same("up_proj", layer.up_proj, hidden * width);
        same("down_proj", layer.down_proj, width * hidden);
    }
}
