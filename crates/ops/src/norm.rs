use crate::fused;
use burn::tensor::Tensor;

/// Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467): `x / √(mean(x²) + epsilon) · weight`.
///
/// # Shapes
/// - `x`: `[tokens, width]`
/// - `weight`: `[1, width]`
/// - result: `[tokens, width]`
pub fn rms_norm(x: Tensor<2>, weight: Tensor<2>, epsilon: f64) -> Tensor<2> {
    if fused::has_kernels(&x.device()) {
        return fused::rms_norm(x, weight, epsilon);
    }
    reference(x, weight, epsilon)
}

/// [`rms_norm()`] of Burn's own operations.
pub fn reference(x: Tensor<2>, weight: Tensor<2>, epsilon: f64) -> Tensor<2> {
    let mean_square = x.clone().square().mean_dim(1);
    x / mean_square.add_scalar(epsilon).sqrt() * weight
}
