//! Output head and cross-entropy in one: logits exist for some thousand rows at a time, never as `[tokens, vocabulary]`.
//!
//! Each chunk of rows takes four steps: its logits; losses and, in their place, the gradient of the logits; from that the
//! gradient of its hidden states; and its part of the head's gradient, added to that of the chunks before it.

use cubecl::features::Plane;
use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::spec::{Precision, TokenRule};

use crate::linear::{self, Sizes};
use crate::precision::DevicePrecision;
use crate::product::{Operand, Target, multiply};

mod rows;
#[cfg(test)]
mod tests;

/// Logits of a chunk.
const LOGITS: usize = 16 << 20;

/// What is read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Hidden states, `[rows, width]`.
    pub hidden: &'a Handle,
    /// Output head, `[vocabulary, width]`: the tied embedding.
    pub head: Operand<'a>,
    /// Target tokens, `[rows]`, 32-bit integers below `vocabulary`.
    pub targets: &'a Handle,
    /// Weights of the rows, `[rows]`.
    pub weights: &'a Handle,
    /// Rows.
    pub rows: usize,
    /// Numbers of a hidden state.
    pub width: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// What a token's loss counts.
    pub rule: TokenRule<&'a Handle>,
    /// Of the products: logits, gradient of the hidden states, gradient of the head. All else is float32.
    pub precision: Precision,
}

/// Losses and their sum.
#[derive(Clone, Debug)]
pub struct Losses {
    /// Cross-entropy of each row in nats, without weight or rule; 0 where the weight is 0. `[rows]`.
    pub each: Handle,
    /// `Σ weight * rule(loss)`, not normalised: one number.
    pub sum: Handle,
}

/// Gradients of the weighted sum.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// `[rows, width]`.
    pub hidden: Handle,
    /// `[vocabulary, width]`.
    pub head: Handle,
}

/// Losses of all rows, and their weighted sum.
pub fn losses(client: &Client, inputs: Inputs) -> Losses {
    over_chunks(client, inputs, LOGITS, false).0
}

/// Losses of all rows, their weighted sum and its gradients.
pub fn losses_and_gradients(client: &Client, inputs: Inputs) -> (Losses, Gradients) {
    let (losses, gradients) = over_chunks(client, inputs, LOGITS, true);
    (losses, gradients.expect("they were wanted"))
}

/// The same with chunks of `logits` numbers, to measure other lengths.
pub fn over_chunks(
    client: &Client,
    inputs: Inputs,
    logits: usize,
    want_gradients: bool,
) -> (Losses, Option<Gradients>) {
    let Inputs { rows: n, width, vocabulary, precision, .. } = inputs;
    assert!(n > 0 && width > 0 && vocabulary > 0, "head_loss: {n} rows of {width}, {vocabulary} tokens");
    // A multiple of a tile's rows: also keeps a chunk's offset in its buffer at a multiple of 512 bytes.
    let length = (logits / vocabulary / 128).max(1) * 128;
    let step = Step {
        client,
        logits: client.empty(length.min(n) * vocabulary * 4),
        slopes: want_gradients.then(|| slopes(client, length.min(n) * vocabulary, precision)),
        each: client.empty(n * 4),
        counted: client.empty(n * 4),
        inputs,
    };
    let gradients = want_gradients
        .then(|| Gradients { hidden: client.empty(n * width * 4), head: client.empty(vocabulary * width * 4) });
    for first in (0..n).step_by(length) {
        step.run(first, length.min(n - first), gradients.as_ref());
    }
    let sum = rows::total(client, &step.counted, n);
    (Losses { each: step.each, sum }, gradients)
}

/// How the gradient of the logits is stored: in the precision of the products that read it, where the device can.
fn slopes(client: &Client, numbers: usize, precision: Precision) -> (Handle, Precision) {
    let stored =
        if precision.cooperative(client) && precision.storable(client) { precision } else { Precision::Float32 };
    (client.empty(numbers * stored.bytes()), stored)
}

/// What the chunks share.
struct Step<'a> {
    client: &'a Client,
    inputs: Inputs<'a>,
    /// Of a chunk.
    logits: Handle,
    /// Gradient of a chunk's logits.
    slopes: Option<(Handle, Precision)>,
    each: Handle,
    /// Weighted losses.
    counted: Handle,
}

impl Step<'_> {
    fn run(&self, first: usize, rows: usize, gradients: Option<&Gradients>) {
        let (client, inputs) = (self.client, self.inputs);
        let Inputs { width, vocabulary, precision, head, .. } = inputs;
        let at = |handle: &Handle| handle.clone().offset_start((first * width * 4) as u64);
        let hidden = at(inputs.hidden);
        let sizes = Sizes { rows, input: width, output: vocabulary };
        multiply(client, precision, sizes.forward(), (&hidden).into(), head, Target::Over(&self.logits));
        rows::losses(self, first, rows);
        if let (Some((handle, stored)), Some(gradients)) = (&self.slopes, gradients) {
            let slopes = Operand { handle, stored: *stored };
            let to = at(&gradients.hidden);
            multiply(client, precision, sizes.backward_input(), slopes, head, Target::Over(&to));
            let target = if first == 0 { Target::Over(&gradients.head) } else { Target::Onto(&gradients.head) };
            linear::backward_weight(client, precision, slopes, &hidden, target, sizes);
        }
    }
}

/// Whether 32 neighbouring units are one plane on this device.
fn planes(client: &Client) -> bool {
    let hardware = &client.properties().hardware;
    client.features().plane.contains(Plane::Ops) && hardware.plane_size_min == 32 && hardware.plane_size_max == 32
}
