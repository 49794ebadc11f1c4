//! Muon's part of the optimizer's step: see [`kernels::muon`] for the definition.

use crate::{Moments, fused};
use burn::tensor::Tensor;
use kernels::muon::{COEFFICIENTS, EPSILON, ITERATIONS, Step, size};
use kernels::spec::MuonConfig;

/// A parameter, `[rows, columns]`, its gradient and its momentum.
pub(crate) struct Matrices<'a> {
    pub(crate) p: Tensor<2>,
    pub(crate) g: Tensor<2>,
    pub(crate) moments: &'a mut Moments,
    /// Rows of each matrix that lies in it.
    pub(crate) parts: &'a [usize],
}

/// The parameters after a step; the momenta are moved in their places.
pub(crate) fn step(matrices: Vec<Matrices<'_>>, config: &MuonConfig, scale: f64, rate: f64) -> Vec<Tensor<2>> {
    if matrices.first().is_some_and(|one| fused::is_flex(&one.p.device())) {
        return fused::muon(Step { config, rate, gradient_scale: scale as f32 }, matrices);
    }
    let each = matrices.into_iter();
    each.map(|Matrices { p, g, moments, parts }| reference_update(p, g, &mut moments.first, parts, config, scale, rate))
        .collect()
}

/// One parameter's step of Burn's own operations.
pub fn reference_update(
    p: Tensor<2>,
    g: Tensor<2>,
    momentum: &mut Tensor<2>,
    parts: &[usize],
    config: &MuonConfig,
    scale: f64,
    rate: f64,
) -> Tensor<2> {
    let taken = g.mul_scalar((1.0 - config.momentum) * scale);
    *momentum = momentum.clone().mul_scalar(config.momentum) + taken.clone();
    let ahead = momentum.clone().mul_scalar(config.momentum) + taken;
    let columns = ahead.dims()[1];
    let directions = ahead.split_with_sizes(parts.to_vec(), 0).into_iter().zip(parts);
    let steps = directions.map(|(part, &rows)| orthogonalised(part).mul_scalar(rate * size(rows, columns)));
    p.mul_scalar(1.0 - rate * config.weight_decay) - Tensor::cat(steps.collect(), 0)
}

/// [`kernels::muon::orthogonalise`] of Burn's own operations.
fn orthogonalised(u: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = u.dims();
    let norm = u.clone().square().sum_dim(1).sum_dim(0).sqrt().add_scalar(EPSILON);
    let mut x = u / norm;
    if rows > columns {
        x = x.transpose();
    }
    let [a, b, c] = COEFFICIENTS;
    for _ in 0..ITERATIONS {
        let gram = x.clone().matmul(x.clone().transpose());
        let polynomial = gram.clone().mul_scalar(b) + gram.clone().matmul(gram).mul_scalar(c);
        x = x.clone().mul_scalar(a) + polynomial.matmul(x);
    }
    if rows > columns { x.transpose() } else { x }
}
