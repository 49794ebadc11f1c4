//! Source of logits for many sequences, one token each.

use crate::DecodeError;
use crate::decode::Writing;
use burn::tensor::Device;
use kernels::decoder::{CpuDecoder, DecoderConfig, DecoderWeights, IDLE, LayerWeights};
use model::{Cache, Transformer, Weights};
use ops::DeviceFailure;

/// A slot of the decoder: the document it writes, if any.
pub struct Slot {
    pub(crate) writing: Option<Writing>,
}

impl Slot {
    pub(crate) fn idle() -> Self {
        Self { writing: None }
    }

    /// The token that goes in at this step, and its position.
    fn input(&self) -> Option<(u32, u32)> {
        self.writing.as_ref().map(|w| (w.input(), w.ids.len() as u32))
    }
}

/// Source of logits for many sequences, one token each.
pub trait Stepper: Send {
    /// Sequences that advance together.
    fn slots(&self) -> usize;
    /// Positions of a sequence.
    fn context(&self) -> usize;
    /// Puts each slot's next token in, and gives every busy slot its row of logits.
    ///
    /// # Errors
    /// [`DecodeError::Device`].
    fn step(&mut self, slots: &mut [Slot], each: &(dyn Fn(&mut Writing, &[f32]) + Sync)) -> Result<(), DecodeError>;
}

/// Our own decoder for the processor.
pub(crate) struct CpuStepper {
    decoder: CpuDecoder,
    tokens: Vec<u32>,
    positions: Vec<u32>,
}

/// Sequences for which a thread reads all weights at each step: with fewer, it would do little else.
const FEWEST_SLOTS: usize = 8;

impl CpuStepper {
    /// One for each thread, as far as the slots go round.
    pub(crate) fn several(weights: &Weights, slots: usize) -> Vec<Self> {
        let workers = rayon::current_num_threads().min(slots / FEWEST_SLOTS).max(1);
        let first = Self::new(weights, slots.div_ceil(workers));
        let others: Vec<Self> = (1..workers).map(|_| first.sibling()).collect();
        std::iter::once(first).chain(others).collect()
    }

    fn sibling(&self) -> Self {
        let slots = self.tokens.len();
        Self { decoder: self.decoder.sibling(slots), tokens: vec![IDLE; slots], positions: vec![0; slots] }
    }

    fn new(weights: &Weights, slots: usize) -> Self {
        let decoder = with_parts(weights, |config, parts| CpuDecoder::new(config, parts, slots));
        Self { decoder, tokens: vec![IDLE; slots], positions: vec![0; slots] }
    }
}

/// A model as our own decoders take it.
pub(crate) fn with_parts<T>(weights: &Weights, make: impl FnOnce(DecoderConfig, &DecoderWeights<'_>) -> T) -> T {
    let config = weights.config();
    let layer = |index: usize| {
        let tensor = |part: &str| weights.tensor(&format!("model.layers.{index}.{part}.weight"));
        LayerWeights {
            input_layernorm: tensor("input_layernorm"),
            q_proj: tensor("self_attn.q_proj"),
            k_proj: tensor("self_attn.k_proj"),
            v_proj: tensor("self_attn.v_proj"),
            o_proj: tensor("self_attn.o_proj"),
            post_attention_layernorm: tensor("post_attention_layernorm"),
            gate_proj: tensor("mlp.gate_proj"),
            up_proj: tensor("mlp.up_proj"),
            down_proj: tensor("mlp.down_proj"),
        }
    };
    let parts = DecoderWeights {
        embed_tokens: weights.tensor("model.embed_tokens.weight"),
        layers: (0..config.layers).map(layer).collect(),
        norm: weights.tensor("model.norm.weight"),
    };
    let sizes = DecoderConfig {
        vocab: config.vocabulary,
        width: config.width,
        layers: config.layers,
        heads: config.heads,
        kv_heads: config.kv_heads,
        head_width: config.head_width,
        hidden: config.hidden,
        context: config.context,
        theta: config.theta,
        eps: config.epsilon,
    };
    make(sizes, &parts)
}

impl Stepper for CpuStepper {
    fn slots(&self) -> usize {
        self.tokens.len()
    }

    fn context(&self) -> usize {
        self.decoder.config().context
    }

    fn step(&mut self, slots: &mut [Slot], each: &(dyn Fn(&mut Writing, &[f32]) + Sync)) -> Result<(), DecodeError> {
        for (index, slot) in slots.iter().enumerate() {
            (self.tokens[index], self.positions[index]) = slot.input().unwrap_or((IDLE, 0));
        }
        self.decoder.step_with(&self.tokens, &self.positions, slots, |_, slot, logits| {
            if let Some(writing) = &mut slot.writing {
                each(writing, logits);
            }
        });
        Ok(())
    }
}

/// The GPU's decoder, with its logits read back at every token: for settings by which only the host draws.
#[cfg(feature = "gpu")]
pub(crate) struct GpuStepper {
    decoder: gpu::decoder::GpuDecoder,
}

#[cfg(feature = "gpu")]
impl GpuStepper {
    pub(crate) fn new(decoder: gpu::decoder::GpuDecoder) -> Self {
        Self { decoder }
    }
}

#[cfg(feature = "gpu")]
impl Stepper for GpuStepper {
    fn slots(&self) -> usize {
        self.decoder.slots()
    }

    fn context(&self) -> usize {
        self.decoder.config().context
    }

    fn step(&mut self, slots: &mut [Slot], each: &(dyn Fn(&mut Writing, &[f32]) + Sync)) -> Result<(), DecodeError> {
        use rayon::prelude::*;
        let input = |slot: &Slot| slot.input().map(|(token, position)| (token, position as usize));
        let inputs: Vec<_> = slots.iter().map(input).collect();
        let logits = self.decoder.logits(&inputs).map_err(|error| DeviceFailure::of(&error.to_string()))?;
        slots.par_iter_mut().zip(logits.par_chunks(self.decoder.config().vocab)).for_each(|(slot, row)| {
            if let Some(writing) = &mut slot.writing {
                each(writing, row);
            }
        });
        Ok(())
    }
}

/// The reference decoder, for every device.
pub(crate) struct TensorStepper {
    transformer: Transformer,
    cache: Cache,
    slots: usize,
}

/// The fewest rows of a matrix product: below, the CPU's products take other paths with other sums.
const FEWEST_ROWS: usize = 16;

impl TensorStepper {
    pub(crate) fn new(weights: &Weights, slots: usize, device: &Device) -> Self {
        let rows = slots.next_multiple_of(FEWEST_ROWS);
        Self {
            transformer: Transformer::new(weights, device),
            cache: Cache::new(weights.config(), rows, device),
            slots,
        }
    }
}

impl Stepper for TensorStepper {
    fn slots(&self) -> usize {
        self.slots
    }

    fn context(&self) -> usize {
        self.transformer.config().context
    }

    fn step(&mut self, slots: &mut [Slot], each: &(dyn Fn(&mut Writing, &[f32]) + Sync)) -> Result<(), DecodeError> {
        // Idle rows go through with the separator at position 0.
        let inputs = slots.iter().map(|s| s.input().unwrap_or((0, 0)));
        let inputs: Vec<(u32, u32)> = inputs.chain(std::iter::repeat((0, 0))).take(self.cache.slots()).collect();
        let (tokens, positions): (Vec<u32>, Vec<u32>) = inputs.into_iter().unzip();
        let logits = self.transformer.step(&tokens, &positions, &mut self.cache);
        let logits = logits.try_into_vec_as::<f32>().map_err(|error| DeviceFailure::of(&format!("{error:?}")))?;
        for (slot, row) in slots.iter_mut().zip(logits.chunks(self.transformer.config().vocabulary)) {
            if let Some(writing) = &mut slot.writing {
                each(writing, row);
            }
        }
        Ok(())
    }
}
