//! What lies on the device: the weights, and what belongs to the slots.

use cubecl::ir::{ElemType, FloatKind};
use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::decoder::{DecoderConfig, DecoderWeights};

use super::sizes::Sizes;
use super::weights;
use super::{UNITS, product, sample};
use crate::Client;

/// How numbers are stored; all sums are in float32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// 32 bits.
    Float32,
    /// 16 bits, with 11 of precision.
    Float16,
}

impl Stored {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Float16 => 2,
        }
    }

    pub(super) fn element(self) -> ElemType {
        ElemType::Float(match self {
            Self::Float32 => FloatKind::F32,
            Self::Float16 => FloatKind::F16,
        })
    }
}

/// The weights on the device.
pub(super) struct Model {
    pub(super) embedding: Handle,
    pub(super) head: Handle,
    pub(super) rotary: Handle,
    pub(super) layers: Vec<Layer>,
}

pub(super) struct Layer {
    pub(super) qkv: Handle,
    pub(super) output: Handle,
    pub(super) gate_up: Handle,
    pub(super) down: Handle,
}

/// What belongs to the slots.
pub(super) struct State {
    pub(super) positions: Handle,
    pub(super) states: Handle,
    pub(super) seen: Handle,
    pub(super) stream: Handle,
    pub(super) queries: Handle,
    pub(super) mixed: Handle,
    pub(super) hidden: Handle,
    pub(super) logits: Handle,
    /// Keys and values of each layer.
    pub(super) cache: Vec<[Handle; 2]>,
}

impl Model {
    pub(super) fn new(
        client: &Client,
        config: &DecoderConfig,
        sizes: &Sizes,
        weights: &DecoderWeights<'_>,
        stored: Stored,
    ) -> Self {
        let upload = |packed: weights::Packed| store(client, &packed.numbers, stored);
        let layers = weights.layers.iter().map(|layer| {
            let packed = weights::layer(config, sizes, layer);
            Layer {
                qkv: upload(packed.qkv),
                output: upload(packed.output),
                gate_up: upload(packed.gate_up),
                down: upload(packed.down),
            }
        });
        Self {
            layers: layers.collect(),
            embedding: store(client, &weights::embedding(config, sizes, weights), Stored::Float32),
            head: upload(weights::head(config, sizes, weights)),
            rotary: store(client, &weights::rotary(config, sizes), Stored::Float32),
        }
    }
}

impl State {
    pub(super) fn new(client: &Client, config: &DecoderConfig, sizes: &Sizes, rows: usize, stored: Stored) -> Self {
        let zeros = |width: usize| store(client, &vec![0.0; rows * width], Stored::Float32);
        let empty = |width: usize| client.empty(rows * width * 4);
        let cache = || client.empty(rows * sizes.cache() * stored.bytes());
        Self {
            positions: empty(1),
            states: empty(sample::STATE),
            seen: empty(config.vocab.div_ceil(32)),
            // What idle slots hold goes through the products, too: numbers, not leftovers.
            stream: zeros(sizes.stream),
            queries: zeros(sizes.queries),
            mixed: zeros(sizes.queries),
            hidden: zeros(sizes.hidden),
            logits: empty(sizes.logits),
            cache: (0..config.layers).map(|_| [cache(), cache()]).collect(),
        }
    }
}

/// Numbers on the device.
fn store(client: &Client, numbers: &[f32], stored: Stored) -> Handle {
    let from = client.create_from_slice(f32::as_bytes(numbers));
    if stored == Stored::Float32 {
        return from;
    }
    let to = client.empty(numbers.len() * stored.bytes());
    let quads = numbers.len() / 4;
    let cubes = quads.div_ceil(UNITS);
    // SAFETY: units stop at the length of `from`, and `to` is made for as many numbers.
    unsafe {
        round_kernel::launch_unchecked(
            client,
            CubeCount::Static(cubes.min(1 << 15) as u32, cubes.div_ceil(1 << 15) as u32, 1),
            CubeDim::new_1d(UNITS as u32),
            argument(&from, quads),
            argument(&to, quads),
            stored.element(),
        );
    }
    to
}

#[cube(launch_unchecked)]
fn round_kernel<F: Float>(
    from: &[Vector<f32, product::Quad>],
    to: &mut [Vector<F, product::Quad>],
    #[define(F)] _stored: ElemType,
) {
    if ABSOLUTE_POS < from.len() {
        to[ABSOLUTE_POS] = Vector::<F, product::Quad>::cast_from(from[ABSOLUTE_POS]);
    }
}

/// A buffer as a kernel's argument: so many elements of the kernel's type.
pub(super) fn argument(handle: &Handle, elements: usize) -> BufferArg {
    // SAFETY: every buffer is made in this folder, by the sizes with which it is passed.
    unsafe { BufferArg::from_raw_parts(handle.clone(), elements) }
}
