//! What an operation is told besides its tensors: precisions, sizes, the rule of a token's loss, the optimizer's constants.
//!
//! One definition each, for the CPU kernels of this crate, the GPU kernels of `gpu` and the operations on tensors of `ops`.

use serde::{Deserialize, Serialize};

/// What the inputs of a product with a weight matrix are rounded to, to nearest, ties to even; its sums, and all that lies in
/// memory, are float32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Precision {
    /// Not rounded: float32 products; on a GPU never on tensor cores.
    #[default]
    #[serde(rename = "f32")]
    Float32,
    /// Rounded to bfloat16: 8 bits of significand instead of 24, the same exponents. Where [`Precision::available`] says so, the
    /// CPU takes two such products in one step (`vdpbf16ps`).
    ///
    /// That instruction reads subnormal numbers as zero and writes zero for a subnormal sum; a pair is two fused
    /// multiply-adds, each rounded, the element of the odd index first.
    #[serde(rename = "bf16")]
    Bfloat16,
    /// Rounded to float16: 11 bits of significand, nothing above 65,504, steps of 2^-24 below 2^-14. Gradients must be of a size
    /// that it holds: see [`crate::head_loss`], whose gradients are those of a sum over tokens, not of their mean. For GPUs; no
    /// CPU that we know of has it with float32 sums.
    #[serde(rename = "f16")]
    Float16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Float32, Self::Bfloat16, Self::Float16];

    /// Its name in experiment files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "f32",
            Self::Bfloat16 => "bf16",
            Self::Float16 => "f16",
        }
    }

    /// One line on what it is and where it is fast.
    pub fn help(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Bfloat16 => {
                "bfloat16, fast on CPUs that multiply it (avx512_bf16) and on GPUs with tensor cores; weights and sums stay \
                 float32"
            }
            Self::Float16 => {
                "float16, on GPUs with tensor cores; steps whose gradients overflow are left out and counted"
            }
        }
    }

    /// The precision of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name)
    }
}

/// Sizes of causal attention over a batch of windows. Tensors, all row-major:
/// `qkv` `[batch * time, (heads + 2 * kv_heads) * head_width]` (queries, keys, values), output `[batch * time, heads * head_width]`,
/// log-sum-exp `[batch, heads, time]`, `starts` `[batch * time]` (`u32`; each at most its position, rising in a window).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Windows.
    pub batch: usize,
    /// Positions of a window.
    pub time: usize,
    /// Query heads.
    pub heads: usize,
    /// Key-value heads; each serves `heads / kv_heads` neighbouring query heads (grouped-query attention).
    pub kv_heads: usize,
    /// Width of a head; even, for the GPU kernels a multiple of 8.
    pub head_width: usize,
    /// Base of the rotary positions' wavelengths (Su et al. 2021, arXiv 2104.09864).
    pub theta: f64,
}

impl AttentionShape {
    /// Positions of all windows.
    pub fn rows(&self) -> usize {
        self.batch * self.time
    }

    /// Columns of the fused projection: queries, then keys, then values.
    pub fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_width
    }

    /// Columns of the output.
    pub fn width(&self) -> usize {
        self.heads * self.head_width
    }
}

/// What a token's own loss `l = -ln p` counts, `p` being the probability of the target. `P` is where a prior lies: a slice, or
/// a buffer on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenRule<P> {
    /// `l` itself.
    CrossEntropy,
    /// `l` where `p < gamma`, 0 elsewhere; no gradient flows through the comparison.
    Truncated {
        /// Tokens predicted with this probability or more are not trained on.
        gamma: f32,
    },
    /// `(1 - p)^gamma l` (Lin et al. 2017), through which the gradient flows.
    Focal {
        /// 0 is cross-entropy; larger values count confident tokens less.
        gamma: f32,
    },
    /// `(1 - share) l + share Σ prior(v) (-ln q(v))`: cross-entropy with a target that is mixed with a distribution over the
    /// vocabulary, so that the gradient of the logits is `q` less that mixture. With a uniform prior, label smoothing.
    Smoothed {
        /// The prior's share of the target; 0 is cross-entropy.
        share: f32,
        /// `[vocabulary]`, of sum 1.
        prior: P,
    },
}

impl<P> TokenRule<P> {
    /// What a token of loss `loss` counts, and the derivative of that with respect to `loss`. Of a smoothed target, only what
    /// the token itself has to do with it: the part of the prior takes all logits.
    pub fn apply(&self, loss: f32) -> (f64, f64) {
        let l = f64::from(loss);
        match *self {
            Self::CrossEntropy | Self::Smoothed { .. } => (l, 1.0),
            Self::Truncated { gamma } if (-l).exp() < f64::from(gamma) => (l, 1.0),
            Self::Truncated { .. } => (0.0, 0.0),
            Self::Focal { gamma } => {
                let (gamma, p, miss) = (f64::from(gamma), (-l).exp(), -(-l).exp_m1());
                let factor = miss.powf(gamma);
                // d(1 - p)/dl = p; the second term vanishes with l, but its power alone does not where gamma < 1.
                let through = if miss > 0.0 { l * gamma * factor / miss * p } else { 0.0 };
                (factor * l, factor + through)
            }
        }
    }

    /// The same rule with its prior elsewhere.
    pub fn map<Q>(self, place: impl FnOnce(P) -> Q) -> TokenRule<Q> {
        match self {
            Self::CrossEntropy => TokenRule::CrossEntropy,
            Self::Truncated { gamma } => TokenRule::Truncated { gamma },
            Self::Focal { gamma } => TokenRule::Focal { gamma },
            Self::Smoothed { share, prior } => TokenRule::Smoothed { share, prior: place(prior) },
        }
    }

    /// The same rule, its prior borrowed.
    pub fn as_ref(&self) -> TokenRule<&P> {
        match self {
            Self::CrossEntropy => TokenRule::CrossEntropy,
            Self::Truncated { gamma } => TokenRule::Truncated { gamma: *gamma },
            Self::Focal { gamma } => TokenRule::Focal { gamma: *gamma },
            Self::Smoothed { share, prior } => TokenRule::Smoothed { share: *share, prior },
        }
    }
}

/// AdamW's constants (Loshchilov and Hutter 2019, arXiv 1711.05101).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig<T = f64> {
    /// Decay of the mean of gradients.
    pub beta1: T,
    /// Decay of the mean of squared gradients.
    pub beta2: T,
    /// Added to the root of the second moment, outside the root, as PyTorch does.
    pub epsilon: T,
    /// Decoupled weight decay per unit of learning rate, for matrices alone.
    pub weight_decay: T,
    /// The global norm to which gradients are clipped.
    pub clip: T,
}

/// Muon's constants (Jordan, K., et al. 2024, "Muon: an optimizer for hidden layers in neural networks",
/// <https://kellerjordan.github.io/posts/muon/>).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MuonConfig {
    /// Decay of the mean of gradients.
    pub momentum: f64,
    /// Decoupled weight decay per unit of learning rate.
    pub weight_decay: f64,
}

/// The constants of a model's optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimizerConfig {
    /// AdamW's, the clip of the global norm among them, which is over all parameters.
    pub adamw: AdamWConfig,
    /// Muon's decay of the mean of gradients. Its weight decay is AdamW's.
    pub momentum: f64,
}

impl OptimizerConfig {
    /// Muon's constants.
    pub fn muon(&self) -> MuonConfig {
        MuonConfig { momentum: self.momentum, weight_decay: self.adamw.weight_decay }
    }
}

impl AdamWConfig {
    /// The constants as the kernels have them.
    pub fn float32(&self) -> AdamWConfig<f32> {
        let Self { beta1, beta2, epsilon, weight_decay, clip } = *self;
        AdamWConfig {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            epsilon: epsilon as f32,
            weight_decay: weight_decay as f32,
            clip: clip as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_have_names() {
        for precision in Precision::ALL {
            assert_eq!(Precision::named(precision.name()), Some(precision));
        }
        assert_eq!(Precision::named("float32"), None);
        assert_eq!(Precision::default(), Precision::Float32);
    }

    #[test]
    fn a_rule_keeps_its_numbers_when_its_prior_moves() {
        let rules = [
            TokenRule::CrossEntropy,
            TokenRule::Truncated { gamma: 0.3 },
            TokenRule::Focal { gamma: 2.0 },
            TokenRule::Smoothed { share: 0.1, prior: 7 },
        ];
        for rule in rules {
            assert_eq!(rule.as_ref().map(|&prior| prior), rule);
        }
    }
}
