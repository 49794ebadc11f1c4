//! The model's sizes, and how they lie in the device's buffers.

/// Rows and columns of every matrix are filled up to a multiple of this, so that no product needs a guard.
pub(super) const EDGE: usize = 64;
/// Positions of a block of keys: what neighbouring units read together.
pub(super) const BLOCK: usize = 32;

use kernels::decoder::DecoderConfig;

/// Sizes as the kernels see them; all widths but the first are filled up with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sizes {
    /// The residual stream's true width, for its mean.
    pub width: usize,
    pub stream: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// Width of one head.
    pub head: usize,
    /// Width of all queries.
    pub queries: usize,
    /// Width of all keys, or of all values.
    pub keys: usize,
    pub hidden: usize,
    /// Tokens, and columns of the logits.
    pub vocab: usize,
    pub logits: usize,
    pub context: usize,
}

impl Sizes {
    pub(super) fn new(config: &DecoderConfig) -> Self {
        let &DecoderConfig { vocab, width, heads, kv_heads, head_width, hidden, context, .. } = config;
        let head = head_width.next_multiple_of(4);
        Self {
            width,
            stream: width.next_multiple_of(EDGE),
            heads,
            kv_heads,
            head,
            queries: (heads * head).next_multiple_of(EDGE),
            keys: (kv_heads * head).next_multiple_of(EDGE),
            hidden: hidden.next_multiple_of(EDGE),
            vocab,
            logits: vocab.next_multiple_of(EDGE),
            context,
        }
    }

    /// Columns of the fused projection.
    pub(super) fn projected(&self) -> usize {
        self.queries + 2 * self.keys
    }

    /// Blocks of keys of one head.
    pub(super) fn blocks(&self) -> usize {
        self.context.div_ceil(BLOCK)
    }

    /// Numbers of one slot's keys, or values, in one layer. Values have room for the keys' last block, too.
    pub(super) fn cache(&self) -> usize {
        self.kv_heads * self.blocks() * BLOCK * self.head
    }
}
