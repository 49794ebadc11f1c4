//! Which decoder a device has.

use crate::Stepper;
use crate::steppers::{CpuStepper, TensorStepper};
use corpus::Sampling;
use model::{ModelConfig, Weights};
use ops::device::{Chosen, Kind};

/// What writes sequences with one model on one device.
pub enum Decoder {
    /// Gives logits to a sampler on this processor.
    Steppers(Vec<Box<dyn Stepper>>),
    /// Draws on the GPU.
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::decoder::GpuDecoder>),
}

/// The fastest decoder of a device for these settings, with `slots` sequences together, or a few more: on Flex one stepper for
/// each of rayon's threads that gets enough of them; on a GPU our own decoder, which draws there too unless the distribution
/// is to be cut in a way that needs it sorted (top-k, top-p) or marked; elsewhere the reference.
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
        Some(decoder) if crate::decode::on_gpu::drawing(sampling, 0).is_some() => Decoder::Gpu(Box::new(decoder)),
        Some(decoder) => Decoder::Steppers(vec![Box::new(GpuStepper::new(decoder))]),
        None => reference(),
    }
}

#[cfg(not(feature = "gpu"))]
fn on_gpu(weights: &Weights, device: &Chosen, _: &Sampling, slots: usize) -> Decoder {
    Decoder::Steppers(vec![Box::new(TensorStepper::new(weights, slots, &device.device()))])
}

/// Sequences that are worth writing at once: on a processor as many as keep their keys and values near it, which decides the
/// speed, at least one block of rows; on a GPU as many as its units need. Changes nothing but the speed.
pub fn slots(config: &ModelConfig, device: &Chosen) -> usize {
    /// Bytes of keys and values: about a processor's cache, and a part that any GPU worth the name can spare.
    const NEAR: usize = 8 << 20;
    const ON_GPU: usize = 4 << 30;
    let cache = 2 * 4 * config.layers * config.kv_heads * config.head_width * config.context;
    match device.kind() {
        Kind::Flex | Kind::NdArray => (NEAR / cache).next_multiple_of(16).clamp(16, 128),
        Kind::Vulkan | Kind::Wgpu => (ON_GPU / cache / 64 * 64).clamp(64, 4096),
    }
}
