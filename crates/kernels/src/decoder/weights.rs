//! A model as decoders take it, the processor's and the GPU's: sizes and plain slices.

/// Sizes of the model and of its positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecoderConfig {
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head_width: usize,
    /// Width of the feed-forward.
    pub hidden: usize,
    /// Positions of a slot.
    pub context: usize,
    /// Base of the rotary positions' wavelengths.
    pub theta: f64,
    /// Added to the mean square in RMSNorm.
    pub eps: f64,
}

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
pub struct DecoderWeights<'a> {
    /// `[vocab, width]`.
    pub embed_tokens: &'a [f32],
    /// The layers, first to last.
    pub layers: Vec<LayerWeights<'a>>,
    /// The last normalisation, `[width]`.
    pub norm: &'a [f32],
}

impl DecoderWeights<'_> {
    /// Checks every length, so that no decoder need look again.
    ///
    /// # Panics
    /// If one is not what `config` says, `kv_heads` does not divide `heads`, or the head's width is odd.
    pub fn check(&self, config: &DecoderConfig) {
        let &DecoderConfig { vocab, width, layers, heads, kv_heads, head_width, hidden, context, .. } = config;
        assert!(
            kv_heads > 0 && heads.is_multiple_of(kv_heads),
            "{kv_heads} key heads do not divide {heads} query heads"
        );
        assert!(
            head_width.is_multiple_of(2) && head_width > 0,
            "rotary positions need an even head width, not {head_width}"
        );
        assert!(vocab > 0 && width > 0 && hidden > 0 && context > 0, "a size of the model is zero");
        let found = self.layers.len();
        assert!(layers > 0 && found == layers, "{found} layers where the configuration has {layers}");
        let same = |name: &str, values: &[f32], expected: usize| {
            let found = values.len();
            assert_eq!(found, expected, "{name} holds {found} values, the configuration asks for {expected}");
        };
        same("embed_tokens", self.embed_tokens, vocab * width);
        same("norm", self.norm, width);
        for layer in &self.layers {
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
}
