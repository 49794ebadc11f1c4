//! The fused operations as a Burn backend extension: kernels on Flex and on GPUs, gradients through `Autodiff`. Other devices
//! keep the reference bodies.

mod autodiff;
#[cfg(feature = "gpu")]
mod cube;
mod flex;

#[cfg(feature = "gpu")]
pub(crate) use cube::{
    OptimizerState, check, client, forget, has_shared_memory, is_gpu, limits, multiplies, optimizer as optimizer_on_gpu,
};
pub(crate) use flex::{adamw, is_flex, muon, square_norm};

use crate::{AttentionShape, Precision, TokenRule};
use burn::backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor};
use burn::tensor::{Device, Tensor};
use std::sync::Arc;

/// What a head's loss is taken over: `[tokens]` each.
pub(crate) type Targets = Arc<(Vec<u32>, Vec<f32>)>;

/// Whether we have kernels for this device.
pub(crate) fn has_kernels(device: &Device) -> bool {
    is_flex(device) || is_gpu(device)
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn is_gpu(_: &Device) -> bool {
    false
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn multiplies(_: &Device, precision: Precision) -> bool {
    precision == Precision::Float32
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn has_shared_memory(_: &Device) -> bool {
    true
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn limits(_: &Device) -> Option<crate::limits::Limits> {
    None
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn check(_: &[Tensor<2>]) -> Result<(), String> {
    Ok(())
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn forget() {}

/// What all layers' attention over one batch shares, for the device's kernel.
#[derive(Debug)]
pub(crate) enum AttentionContext {
    Flex(flex::AttentionContext),
    #[cfg(feature = "gpu")]
    Cube(cube::AttentionContext),
}

impl AttentionContext {
    /// Nothing where the device's kernel cannot take the shape, or there is none.
    pub(crate) fn new(shape: AttentionShape, starts: &[u32], device: &Device) -> Option<Self> {
        if is_flex(device) {
            return Some(Self::Flex(flex::AttentionContext::new(shape, starts)));
        }
        #[cfg(feature = "gpu")]
        return cube::AttentionContext::new(shape, starts, device).map(Self::Cube);
        #[cfg(not(feature = "gpu"))]
        None
    }
}

/// Operations with kernels of our own. Shapes are those of the functions of the same names at the crate's root.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "gpu"))]
pub(crate) trait FusedOps: Backend {
    /// `x · weightᵀ`
    fn fused_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>, precision: Precision) -> FloatTensor<Self>;
    /// Root-mean-square normalisation.
    fn fused_rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self>;
    /// `silu(gate) · up`
    fn fused_swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Causal attention within documents.
    fn fused_attention(projected: FloatTensor<Self>, context: Arc<AttentionContext>) -> FloatTensor<Self>;
    /// Rows of a table.
    fn fused_embedding(table: FloatTensor<Self>, ids: Arc<[u32]>) -> FloatTensor<Self>;
    /// The weighted sum, which carries the gradient, and the loss of each token, which does not.
    fn fused_head_loss(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        targets: Targets,
        rule: TokenRule,
        precision: Precision,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

pub(crate) fn linear(x: Tensor<2>, weight: Tensor<2>, precision: Precision) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused_linear(x.into_dispatch(), weight.into_dispatch(), precision))
}

pub(crate) fn rms_norm(x: Tensor<2>, weight: Tensor<2>, epsilon: f64) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused_rms_norm(x.into_dispatch(), weight.into_dispatch(), epsilon))
}

pub(crate) fn swiglu(gate_up: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused_swiglu(gate_up.into_dispatch()))
}

pub(crate) fn attention(projected: Tensor<2>, context: Arc<AttentionContext>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused_attention(projected.into_dispatch(), context))
}

pub(crate) fn embedding(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FusedOps>::fused_embedding(table.into_dispatch(), ids.into()))
}

pub(crate) fn head_loss(
    hidden: Tensor<2>,
    head: Tensor<2>,
    targets: Targets,
    rule: TokenRule,
    precision: Precision,
) -> (Tensor<1>, Tensor<1>) {
    let (sum, per_token) =
        <Dispatch as FusedOps>::fused_head_loss(hidden.into_dispatch(), head.into_dispatch(), targets, rule, precision);
    (Tensor::from_dispatch(sum), Tensor::from_dispatch(per_token))
}
