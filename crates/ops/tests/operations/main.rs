//! Every fused operation at the level of tensors, values and gradients through autodiff.
//!
//! The truth is a formula in `f64`, written here once more, and its central differences. Beside it runs the reference body,
//! composed of Burn's own operations on the NdArray device: a fused operation has to be as near the truth as that is
//! ([`harness::Errors`]), so the tolerance is the noise of float32 itself, measured in the same test.

mod adamw;
mod attention;
mod failing;
mod formulas;
mod graph;
mod halves;
mod harness;
mod layers;
mod loss;
mod muon;
mod smoothed;
mod views;
