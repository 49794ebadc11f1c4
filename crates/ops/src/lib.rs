//! The operations of a small language model, each a function on Burn tensors that autodiff can follow.
//!
//! | function | what it is |
//! |---|---|
//! | [`embedding()`] | rows of a table |
//! | [`linear()`] | product with a weight in Hugging Face's layout |
//! | [`rms_norm()`] | root-mean-square normalisation |
//! | [`attention()`] | causal attention that stops at a document's borders, rotary positions inside |
//! | [`swiglu()`] | the gated activation of the feed-forward |
//! | [`head_loss()`] | output head and cross-entropy in one |
//! | [`Optimizer`] | the optimizer's step, by AdamW or Muon, with the true global norm |
//!
//! Each has a *reference body*, composed of Burn's own operations, that runs on every device and says what the operation
//! means. On Flex they are nodes of the graph with [`kernels`] of their own, forward and backward (a Burn backend
//! extension). [`device`] names the devices, [`clock`] says which of them takes how long.
//!
//! ```
//! use burn::tensor::Tensor;
//!
//! let device = ops::device::parse("flex").unwrap().device();
//! let gate_up = Tensor::<2>::from_floats([[0.0, 2.0, 3.0, 4.0]], &device);
//! let y: Vec<f32> = ops::swiglu(gate_up).try_into_vec_as().unwrap();
//! assert_eq!(y[0], 0.0); // silu(0) · 3
//! assert!((y[1] - 2.0 / (1.0 + (-2f32).exp()) * 4.0).abs() < 1e-5);
//! ```

mod attention;
pub mod clock;
pub mod device;
mod embedding;
mod failure;
mod fused;
mod late;
mod limits;
mod linear;
mod loss;
pub mod memory;
mod muon;
mod norm;
mod optimizer;
mod swiglu;

pub use attention::{Attention, attention};
pub use embedding::embedding;
pub use failure::{DeviceFailure, caught};
pub use kernels::instruction_set;
pub use kernels::spec::{AdamWConfig, AttentionShape, OptimizerConfig, Precision};
pub use late::Late;
pub use linear::linear;
pub use loss::{HeadLoss, head_loss};
pub use norm::rms_norm;
pub use optimizer::{Moments, Optimizer, Update};
pub use swiglu::swiglu;

/// What a token's own loss counts, with a prior on the host.
pub type TokenRule<'a> = kernels::spec::TokenRule<&'a [f32]>;

/// The reference bodies on any device, Flex too, for tests and benchmarks; attention's is [`Attention::reference`].
#[doc(hidden)]
pub mod reference {
    pub use crate::embedding::reference as embedding;
    pub use crate::linear::reference as linear;
    pub use crate::loss::reference as head_loss;
    pub use crate::muon::reference_update as muon;
    pub use crate::norm::reference as rms_norm;
    pub use crate::optimizer::{reference_norm as global_norm, reference_update as adamw};
    pub use crate::swiglu::reference as swiglu;
}
