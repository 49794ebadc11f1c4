use crate::fused;
use burn::tensor::{Tensor, activation::sigmoid};

/// The gated activation of the feed-forward (Shazeer 2020, arXiv 2002.05202): `silu(gate) · up`, `silu(x) = x · sigmoid(x)`.
///
/// # Shapes
/// - `gate_up`: `[tokens, 2 × hidden]`, the gate in the first half of the columns
/// - result: `[tokens, hidden]`
pub fn swiglu(gate_up: Tensor<2>) -> Tensor<2> {
    if fused::has_kernels(&gate_up.device()) {
        return fused::swiglu(gate_up);
    }
    reference(gate_up)
}

/// [`swiglu()`] of Burn's own operations.
pub fn reference(gate_up: Tensor<2>) -> Tensor<2> {
    let hidden = gate_up.dims()[1] / 2;
    let gate = gate_up.clone().narrow(1, 0, hidden);
    let up = gate_up.narrow(1, hidden, hidden);
    gate.clone() * sigmoid(gate) * up
}
