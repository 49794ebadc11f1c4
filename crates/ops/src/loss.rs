use crate::{Precision, TokenRule, fused};
use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use std::sync::Arc;

/// What [`head_loss()`] gives.
pub struct HeadLoss {
    /// `Σ weight · rule(loss)`, shape `[1]`; the one differentiable output.
    pub sum: Tensor<1>,
    /// Cross-entropy of each token in nats, without rule or weight, shape `[tokens]`; carries no gradient. Where the weight is
    /// zero it may be left out, as zero.
    pub per_token: Tensor<1>,
}

/// Output head and cross-entropy in one.
///
/// # Shapes
/// - `hidden`: `[tokens, width]`, after the last normalisation
/// - `head`: `[vocabulary, width]`, the tied embedding
/// - `targets`, `weights`: `[tokens]`; a weight of zero takes the token out of the sum
///
/// `precision` is that of the products with the head, as in [`linear()`](crate::linear()).
pub fn head_loss(
    hidden: Tensor<2>,
    head: Tensor<2>,
    targets: &[u32],
    weights: &[f32],
    rule: TokenRule,
    precision: Precision,
) -> HeadLoss {
    if fused::has_kernels(&hidden.device()) {
        let targets = Arc::new((targets.to_vec(), weights.to_vec()));
        let (sum, per_token) = fused::head_loss(hidden, head, targets, rule, precision);
        return HeadLoss { sum, per_token };
    }
    reference(hidden, head, targets, weights, rule)
}

/// [`head_loss()`] of Burn's own operations, all logits at once.
pub fn reference(hidden: Tensor<2>, head: Tensor<2>, targets: &[u32], weights: &[f32], rule: TokenRule) -> HeadLoss {
    let device = hidden.device();
    let targets: Vec<i32> = targets.iter().map(|&id| id as i32).collect();
    let targets = Tensor::<1, Int>::from_data(TensorData::from(targets.as_slice()), &device);
    let weights = Tensor::<1>::from_data(TensorData::from(weights), &device);
    let log_p = log_softmax(crate::linear::reference(hidden, head), 1);
    let loss = log_p.clone().gather(1, targets.unsqueeze_dim(1)).squeeze_dim::<1>(1).neg();
    let per_token = loss.clone().detach();
    let ruled = match rule {
        TokenRule::CrossEntropy => loss,
        TokenRule::Truncated { gamma } => {
            let confident = per_token.clone().neg().exp().greater_equal_elem(gamma);
            loss.mask_fill(confident, 0.0)
        }
        TokenRule::Focal { gamma } => {
            let doubt = loss.clone().neg().exp().neg().add_scalar(1.0);
            doubt.powf_scalar(gamma) * loss
        }
        TokenRule::Smoothed { share, prior } => {
            let prior = Tensor::<1>::from_data(TensorData::from(prior), &device).unsqueeze_dim::<2>(0);
            let of_prior = (log_p * prior).sum_dim(1).squeeze_dim::<1>(1).neg();
            loss.mul_scalar(1.0 - share) + of_prior.mul_scalar(share)
        }
    };
    HeadLoss { sum: (ruled * weights).sum(), per_token }
}
