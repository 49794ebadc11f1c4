use crate::fused;
use burn::tensor::Tensor;

/// `x · weightᵀ`, without bias. Activations stay two-dimensional (`tokens = batch × time`), so that every product is one
/// large matrix product.
///
/// # Shapes
/// - `x`: `[tokens, inputs]`
/// - `weight`: `[outputs, inputs]`, Hugging Face's and PyTorch's layout
/// - result: `[tokens, outputs]`
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    if fused::is_flex(&x.device()) {
        return fused::linear(x, weight);
    }
    x.matmul(weight.transpose())
}
