//! The objective: the weighted mean over tokens of a rule on each token's own loss.

use burn::tensor::{Device, Tensor};
use model::{Batch, Transformer};
use ops::{Late, TokenRule};

/// What one backward pass gives.
pub struct Gradients {
    /// The weighted sum of the batch's losses, nats.
    pub sum: Late,
    /// Gradients of the sum, in the order of the transformer's parameters, untracked.
    pub tensors: Vec<Tensor<2>>,
    /// Σ of the batch's weights: what the sum is to be divided by.
    pub weight: f64,
}

impl Gradients {
    /// The weighted mean loss of the batch, nats per token; waits for the device.
    ///
    /// # Panics
    /// If the device fails.
    pub fn loss(&self) -> f64 {
        self.sum.read() / self.weight
    }
}

/// The batch's loss and the gradient of every parameter. On a GPU both are only under way when this returns.
///
/// # Panics
/// If the transformer is not on a device with autodiff, or the device fails.
pub fn gradients(transformer: &mut Transformer, batch: &Batch, rule: TokenRule, device: &Device) -> Gradients {
    let (sum, tensors) = backward(transformer, batch, rule, device);
    Gradients { sum: Late::new(sum), tensors, weight: batch.weight() }
}

/// The weighted sum of losses, and its gradients in the order of the parameters; none of it tracked.
pub(crate) fn backward(
    transformer: &mut Transformer,
    batch: &Batch,
    rule: TokenRule,
    device: &Device,
) -> (Tensor<1>, Vec<Tensor<2>>) {
    let sum = transformer.loss(batch, rule, device).sum;
    let mut graph = sum.backward();
    let tensors = transformer
        .parameters_mut()
        .into_iter()
        .map(|p| p.grad_remove(&mut graph).expect("every parameter has a part in the loss"))
        .collect();
    (sum.inner(), tensors)
}

/// The weighted mean loss of a batch in nats per token, without gradients.
///
/// # Panics
/// If the device fails.
pub fn mean_loss(transformer: &Transformer, batch: &Batch, device: &Device) -> f64 {
    let losses = transformer.token_losses(batch, device);
    let sum: f64 = losses.iter().zip(&batch.weights).map(|(&l, &w)| f64::from(l) * f64::from(w)).sum();
    sum / batch.weight()
}
