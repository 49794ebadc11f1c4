use crate::{Precision, fused};
use burn::tensor::Tensor;

/// `x · weightᵀ`, without bias. Activations stay two-dimensional (`tokens = batch × time`), so that every product is one
/// large matrix product.
///
/// # Shapes
/// - `x`: `[tokens, inputs]`
/// - `weight`: `[outputs, inputs]`, Hugging Face's and PyTorch's layout
/// - result: `[tokens, outputs]`
///
/// `precision` is that of the products, forward and backward; devices without kernels of ours multiply in float32.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, precision: Precision) -> Tensor<2> {
    if fused::has_kernels(&x.device()) {
        return fused::linear(x, weight, precision);
    }
    reference(x, weight)
}

/// [`linear()`] of Burn's own operations.
pub fn reference(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    x.matmul(weight.transpose())
}
