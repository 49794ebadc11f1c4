//! The decoder's step on a CPU: one token for each of many sequences, over a key-value cache that grows in place.
//!
//! The model is the tiny Llama (RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied head). A *slot* holds one
//! sequence. Each step goes over the slots that are not idle in blocks of a few rows; a block passes through all layers at
//! once, so its activations stay in the core's cache, and each matrix is read once a block. The step allocates nothing, copies
//! no cache and runs on the thread that calls it: each thread is best given slots of its own, in a
//! [`sibling`](CpuDecoder::sibling), so that none waits for another at the end of a step.
//!
//! A slot's logits have the same bits whatever its number and the other slots: every product is one
//! chain of multiply-adds over its inputs in order, and every other sum runs within the slot, in an order that its position
//! alone decides. Only another set of instructions (AVX-512, AVX2, plain) may round otherwise.
//!
//! ```
//! use kernels::decoder::{CpuDecoder, DecoderConfig, DecoderWeights, IDLE, LayerWeights};
//!
//! let config = DecoderConfig {
//!     vocab: 3, width: 2, layers: 1, heads: 1, kv_heads: 1, head_width: 2, hidden: 2, context: 4, theta: 1e4, eps: 1e-5,
//! };
//! let (embed_tokens, ones, square) = ([1.0, 0.0, 0.0, 1.0, 1.0, 1.0], [1.0; 2], [0.5; 4]);
//! let layer = LayerWeights {
//!     input_layernorm: &ones, q_proj: &square, k_proj: &square, v_proj: &square, o_proj: &square,
//!     post_attention_layernorm: &ones, gate_proj: &square, up_proj: &square, down_proj: &square,
//! };
//! let weights = DecoderWeights { embed_tokens: &embed_tokens, layers: vec![layer], norm: &ones };
//! let mut decoder = CpuDecoder::new(config, &weights, 2);
//! let mut logits = vec![0.0; 2 * 3];
//! decoder.step(&[0, IDLE], &[0, 0], &mut logits); // slot 0 begins
//! decoder.step(&[2, 0], &[1, 0], &mut logits); // slot 0 goes on, slot 1 begins
//! assert!(logits.iter().all(|value| value.is_finite()));
//! ```

mod ahead;
mod attention;
mod buffer;
mod cache;
mod exponentials;
mod model;
mod product;
mod rows;
#[cfg(test)]
mod tests;
mod weights;

use buffer::Buffer;
pub use exponentials::{GROUP, exponentials};
use model::{Model, Scratch};
use std::sync::Arc;
pub use weights::{DecoderConfig, DecoderWeights, LayerWeights};

/// The token of a slot that rests in this step.
pub const IDLE: u32 = u32::MAX;

/// A sequence's part in a step.
#[derive(Clone, Copy, Debug)]
struct Row {
    slot: u32,
    token: u32,
    position: u32,
}

/// Decodes one token a step for each of its slots.
#[derive(Debug)]
pub struct CpuDecoder {
    model: Arc<Model>,
    cache: Buffer,
    /// Positions of each slot that hold a key and a value.
    lengths: Vec<u32>,
    rows: Vec<Row>,
    scratch: Scratch,
}

impl CpuDecoder {
    /// Packs the weights (a copy, as large as they are) and sets the cache aside:
    /// `2 × layers × context × kv_heads × head_width` floats a slot.
    ///
    /// Few slots are fastest: each step reads the filled part of every slot's cache, and it should come from the processor's
    /// cache. Measured best are 8 to 16 slots for preset `small` and `medium`, 32 to 64 for `tiny`.
    ///
    /// # Panics
    /// If a weight's length is not what `config` says, `kv_heads` does not divide `heads`, or the head's width is odd.
    pub fn new(config: DecoderConfig, weights: &DecoderWeights<'_>, slots: usize) -> Self {
        Self::with_model(Arc::new(Model::new(config, weights)), slots)
    }

    /// Another decoder of the same weights (they are shared), with slots of its own.
    pub fn sibling(&self, slots: usize) -> Self {
        Self::with_model(self.model.clone(), slots)
    }

    fn with_model(model: Arc<Model>, slots: usize) -> Self {
        let cache = Buffer::zeros(slots * model.layout.slot());
        let scratch = Scratch::new(&model);
        Self { cache, lengths: vec![0; slots], rows: Vec::with_capacity(slots), scratch, model }
    }

    /// The sizes.
    pub fn config(&self) -> &DecoderConfig {
        &self.model.config
    }

    /// Slots.
    pub fn slots(&self) -> usize {
        self.lengths.len()
    }

    /// One step: slot `s` takes `tokens[s]` at `positions[s]`, or rests where the token is [`IDLE`] (its position is not
    /// looked at, and it costs nothing). Position 0 starts the slot anew. The logits of the next token are written to
    /// `logits[s]`; those of a resting slot stay as they are.
    ///
    /// # Shapes
    /// - `tokens`, `positions`: `[slots]`
    /// - `logits`: `[slots, vocab]`
    ///
    /// # Panics
    /// If a length is not as above, a token is outside the vocabulary, or a position is past the context or leaves a gap.
    pub fn step(&mut self, tokens: &[u32], positions: &[u32], logits: &mut [f32]) {
        let vocab = self.model.config.vocab;
        self.advance(tokens, positions, logits, vocab, |_, place, logits| place.copy_from_slice(logits));
    }

    /// As [`CpuDecoder::step`], but hands each active slot's logits to `each(slot, &mut states[slot], logits)` while they are
    /// still in the core's cache: the place to sample.
    ///
    /// # Panics
    /// As [`CpuDecoder::step`], and if there are not as many states as slots.
    pub fn step_with<T>(
        &mut self,
        tokens: &[u32],
        positions: &[u32],
        states: &mut [T],
        mut each: impl FnMut(usize, &mut T, &[f32]),
    ) {
        self.advance(tokens, positions, states, 1, |slot, state, logits| each(slot, &mut state[0], logits));
    }

    fn advance<T>(
        &mut self,
        tokens: &[u32],
        positions: &[u32],
        out: &mut [T],
        per_slot: usize,
        mut visit: impl FnMut(usize, &mut [T], &[f32]),
    ) {
        let slots = self.lengths.len();
        assert_eq!(
            (tokens.len(), positions.len(), out.len()),
            (slots, slots, slots * per_slot),
            "one token, position and place for each slot"
        );
        self.collect_rows(tokens, positions);
        self.model.run(&self.rows, &mut self.scratch, &mut self.cache, |slot, logits| {
            visit(slot, &mut out[slot * per_slot..][..per_slot], logits);
        });
    }

    fn collect_rows(&mut self, tokens: &[u32], positions: &[u32]) {
        let DecoderConfig { vocab, context, .. } = self.model.config;
        self.rows.clear();
        for (slot, (&token, &position)) in tokens.iter().zip(positions).enumerate() {
            if token == IDLE {
                continue;
            }
            assert!((token as usize) < vocab, "slot {slot}: token {token} is outside the vocabulary of {vocab}");
            assert!((position as usize) < context, "slot {slot}: position {position} is past the context of {context}");
            let length = &mut self.lengths[slot];
            assert!(position <= *length, "slot {slot}: position {position} leaves a gap, {length} are filled");
            *length = position + 1;
            self.rows.push(Row { slot: slot as u32, token, position });
        }
    }
}
