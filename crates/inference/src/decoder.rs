//! Which decoder a device has.

use crate::Stepper;
use crate::steppers::{CpuStepper, TensorStepper};
use model::{ModelConfig, Weights};
use ops::device::{Chosen, Kind};
use ops::memory::Limits;
use sampling::Sampling;

/// A decoder of sequences for one model on one device.
pub enum Decoder {
    /// Gives logits to a sampler on this processor.
    Steppers(Vec<Box<dyn Stepper>>),
    /// Draws on the GPU.
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::decoder::GpuDecoder>),
}

/// The fastest decoder of a device for these settings, with `slots` sequences together, or a few more: on Flex one stepper for
/// each of rayon's threads that gets enough of them; on a GPU our own decoder, which draws there too unless the distribution
/// is to be cut in a way that needs it sorted (top-k, top-p), marked or sampled systematically; elsewhere the reference.
///
/// # Panics
/// If a GPU has no memory for so many slots.
pub fn decoder(weights: &Weights, device: &Chosen, sampling: &Sampling, slots: usize) -> Decoder {
    let steppers: Vec<Box<dyn Stepper>> = match device.kind() {
        Kind::Flex => CpuStepper::several(weights, slots).into_iter().map(|stepper| Box::new(stepper) as _).collect(),
        Kind::NdArray => vec![Box::new(TensorStepper::new(weights, slots, &device.device()))],
        Kind::Vulkan | Kind::Wgpu => return on_gpu(weights, device, sampling, slots),
    };
    Decoder::Steppers(steppers)
}

#[cfg(feature = "gpu")]
fn on_gpu(weights: &Weights, device: &Chosen, sampling: &Sampling, slots: usize) -> Decoder {
    use crate::steppers::{GpuStepper, with_parts};
    use gpu::decoder::{GpuDecoder, Options, Stored, Tile};

    let reference = || Decoder::Steppers(vec![Box::new(TensorStepper::new(weights, slots, &device.device()))]);
    let Some(client) = device.client() else { return reference() };
    let decoder = with_parts(weights, |config, parts| {
        let tile = if slots < Tile::USUAL.rows { Tile::LOW } else { Tile::USUAL };
        let options = Options { slots, cache: Stored::Float32, weights: Stored::Float32, tile };
        GpuDecoder::fits(&client, &config).then(|| GpuDecoder::new(client, config, parts, options))
    });
    match decoder {
        Some(decoder) if gpu::decoder::draws(sampling) => Decoder::Gpu(Box::new(decoder)),
        Some(decoder) => Decoder::Steppers(vec![Box::new(GpuStepper::new(decoder))]),
        None => reference(),
    }
}

#[cfg(not(feature = "gpu"))]
fn on_gpu(weights: &Weights, device: &Chosen, _: &Sampling, slots: usize) -> Decoder {
    Decoder::Steppers(vec![Box::new(TensorStepper::new(weights, slots, &device.device()))])
}

/// Sequences that are worth writing at once: on a processor as many as keep their keys and values near it, which decides the
/// speed, at least one block of rows; on a GPU as many as its units need and its memory should have room for. Changes nothing
/// but the speed.
pub fn slots(config: &ModelConfig, device: &Chosen) -> usize {
    /// Bytes of keys and values: about a CPU's cache.
    const NEAR: usize = 8 << 20;
    match device.kind() {
        Kind::Flex | Kind::NdArray => (NEAR / cache(config)).next_multiple_of(16).clamp(16, 128),
        Kind::Vulkan | Kind::Wgpu => slots_within(config, ops::memory::limits(&device.device())),
    }
}

/// Bytes of a sequence's keys and values.
fn cache(config: &ModelConfig) -> usize {
    2 * 4 * config.layers * config.kv_heads * config.head_width * config.context
}

/// Slots of a GPU: its keys and values take a part that any GPU worth the name can spare, at most half of what it has; and no
/// buffer, of a layer's keys or of all logits, is larger than one can be.
fn slots_within(config: &ModelConfig, limits: Option<Limits>) -> usize {
    const MOST: usize = 4 << 30;
    let room = limits.and_then(|limits| limits.all).map_or(MOST, |all| MOST.min(all as usize / 2));
    let largest = limits.map_or(usize::MAX, |limits| limits.largest as usize);
    let buffer = (cache(config) / (2 * config.layers)).max(4 * config.vocabulary);
    let slots = (room / cache(config)).min(largest / buffer);
    if slots < 64 { slots.max(1) } else { (slots / 64 * 64).min(4096) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_keep_to_a_gpus_limits() {
        let config = model::Settings { preset: "large".into(), ..Default::default() }.resolve(8192).unwrap();
        // 8 MiB of keys and values a sequence.
        assert_eq!(cache(&config), 8 << 20);
        assert_eq!(slots_within(&config, None), 512);
        assert_eq!(slots_within(&config, Some(Limits { largest: 4 << 30, all: Some(80 << 30) })), 512);
        assert_eq!(slots_within(&config, Some(Limits { largest: 4 << 30, all: Some(2 << 30) })), 128);
        // A layer's keys of one sequence are half a MiB.
        assert_eq!(slots_within(&config, Some(Limits { largest: 20 << 20, all: None })), 40);
        assert_eq!(slots_within(&config, Some(Limits { largest: 1, all: Some(1) })), 1);
    }
}
