use burn::tensor::{Int, Tensor, activation::log_softmax};

/// A rule on a token's own loss `l = −ln p`, `p` the probability that the model gives to the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenRule {
    /// `l` itself.
    CrossEntropy,
    /// `l` where `p < gamma`, nothing elsewhere; the mask carries no gradient (ForTIFAI, arXiv 2509.08972).
    Truncated {
        /// The confidence from which a token counts no more, in `(0, 1]`.
        gamma: f32,
    },
    /// `(1 − p)^gamma · l` (Lin et al. 2017, arXiv 1708.02002).
    Focal {
        /// The focusing exponent, 0 or more; 0 is cross-entropy.
        gamma: f32,
    },
}

/// What [`head_loss`] gives.
pub struct HeadLoss {
    /// `Σ weight · rule(loss)`, shape `[1]`; the one differentiable output.
    pub sum: Tensor<1>,
    /// Cross-entropy of each token in nats, without rule or weight, shape `[tokens]`; carries no gradient.
    pub per_token: Tensor<1>,
}

/// Output head and cross-entropy in one.
///
/// # Shapes
/// - `hidden`: `[tokens, width]`, after the last normalisation
/// - `head`: `[vocabulary, width]`, the tied embedding
/// - `targets`, `weights`: `[tokens]`; a weight of zero takes the token out of the sum
pub fn head_loss(
    hidden: Tensor<2>,
    head: Tensor<2>,
    targets: Tensor<1, Int>,
    weights: Tensor<1>,
    rule: TokenRule,
) -> HeadLoss {
    let log_p = log_softmax(super::linear(hidden, head), 1);
    let loss = log_p.gather(1, targets.unsqueeze_dim(1)).squeeze_dim::<1>(1).neg();
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
    };
    HeadLoss { sum: (ruled * weights).sum(), per_token }
}
