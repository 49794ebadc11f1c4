//! The optimizer with Muon for some parameters: several steps against the definition in `f64`.

use super::harness::{Errors, Matrix, fused, ndarray, read, wide};
use burn::tensor::{Device, Tensor};
use ops::{AdamWConfig, Optimizer, OptimizerConfig, Update};

const CONFIG: OptimizerConfig = OptimizerConfig {
    adamw: AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 },
    momentum: 0.9,
};
/// Rows of the matrices of each parameter, and columns: wide, tall, fused, one row, a square.
const SIZES: [(&[usize], usize); 5] = [(&[5], 9), (&[24], 7), (&[8, 4, 4], 8), (&[1], 16), (&[33, 33], 20)];
const STEPS: usize = 3;
/// What the gradients are multiplied by.
const SCALE: f64 = 1.0 / 37.0;
const RATE: f64 = 0.02;

fn matrices(seed: usize) -> Vec<Matrix> {
    let one = |(i, (parts, columns)): (usize, &(&[usize], usize))| {
        Matrix::random((100 * seed + i) as u64, parts.iter().sum(), *columns)
    };
    SIZES.iter().enumerate().map(one).collect()
}

/// `[rows, inner]` times `[inner, columns]`.
fn product(a: &[f64], b: &[f64], inner: usize) -> Vec<f64> {
    let (rows, columns) = (a.len() / inner, b.len() / inner);
    let element = |e: usize| (0..inner).map(|k| a[e / columns * inner + k] * b[k * columns + e % columns]).sum();
    (0..rows * columns).map(element).collect()
}

fn transposed(a: &[f64], columns: usize) -> Vec<f64> {
    let rows = a.len() / columns;
    (0..a.len()).map(|e| a[e % rows * columns + e / rows]).collect()
}

/// Jordan's iteration, without a choice of the shorter side: `X ← a X + (b A + c A²) X` with `A = X Xᵀ`.
fn orthogonalised(u: &[f64], columns: usize) -> Vec<f64> {
    let norm = u.iter().map(|u| u * u).sum::<f64>().sqrt() + 1e-7;
    let mut x: Vec<f64> = u.iter().map(|u| u / norm).collect();
    let rows = x.len() / columns;
    for _ in 0..5 {
        let gram = product(&x, &transposed(&x, columns), columns);
        let square = product(&gram, &gram, rows);
        let polynomial: Vec<f64> = gram.iter().zip(&square).map(|(a, aa)| -4.7750 * a + 2.0315 * aa).collect();
        let bent = product(&polynomial, &x, rows);
        x = x.iter().zip(&bent).map(|(x, bent)| 3.4445 * x + bent).collect();
    }
    x
}

/// Parameters after each step, by the definition.
fn definition() -> Vec<Vec<Vec<f64>>> {
    let mut p: Vec<Vec<f64>> = matrices(0).iter().map(|m| wide(&m.values)).collect();
    let mut momenta: Vec<_> = p.iter().map(|p| vec![0.0; p.len()]).collect();
    let step = |step: usize| {
        let g: Vec<Vec<f64>> = matrices(step + 1).iter().map(|m| wide(&m.values)).collect();
        let norm = g.iter().flatten().map(|g| g * g * SCALE * SCALE).sum::<f64>().sqrt();
        let scale = SCALE * (CONFIG.adamw.clip / (norm + 1e-6)).min(1.0);
        for (i, (parts, columns)) in SIZES.into_iter().enumerate() {
            let mut first = 0;
            for &rows in parts {
                let range = first * columns..(first + rows) * columns;
                first += rows;
                let mut ahead = Vec::new();
                for (m, g) in momenta[i][range.clone()].iter_mut().zip(&g[i][range.clone()]) {
                    *m = CONFIG.momentum * *m + (1.0 - CONFIG.momentum) * g * scale;
                    ahead.push(CONFIG.momentum * *m + (1.0 - CONFIG.momentum) * g * scale);
                }
                let size = 0.1 * (rows.max(columns) as f64).sqrt();
                for (p, o) in p[i][range].iter_mut().zip(orthogonalised(&ahead, columns)) {
                    *p = *p * (1.0 - RATE * CONFIG.adamw.weight_decay) - RATE * size * o;
                }
            }
        }
        p.clone()
    };
    (0..STEPS).map(step).collect()
}

fn optimizer() -> Optimizer {
    Optimizer::new(CONFIG, SIZES.iter().map(|(parts, _)| Update::Muon { parts: parts.to_vec() }).collect())
}

/// The same by the operation.
fn taken(device: &Device) -> Vec<Vec<Vec<f64>>> {
    let place = |list: Vec<Matrix>| -> Vec<Tensor<2>> { list.iter().map(|m| m.on(device)).collect() };
    let (mut p, mut optimizer) = (place(matrices(0)), optimizer());
    let step = |step: usize| {
        p = optimizer.step(std::mem::take(&mut p), place(matrices(step + 1)), SCALE, RATE).0;
        p.iter().map(|p| wide(&read(p.clone()))).collect()
    };
    (0..STEPS).map(step).collect()
}

#[test]
fn steps_equal_the_definition() {
    let truth = definition();
    let reference = taken(&ndarray().without_autodiff());
    for device in fused() {
        let taken = taken(&device.clone().without_autodiff());
        for (step, truth) in truth.iter().enumerate() {
            for (i, truth) in truth.iter().enumerate() {
                let what = format!("{device:?}, step {step}, parameter {i}");
                Errors::new(&taken[step][i], &reference[step][i], truth).judge(&what);
            }
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_moves_nothing() {
    for device in fused().into_iter().map(|device| device.without_autodiff()) {
        let (p, mut bad) = (matrices(0), matrices(1));
        bad[2].values[7] = f32::NAN;
        let place = |list: &[Matrix]| -> Vec<Tensor<2>> { list.iter().map(|m| m.on(&device)).collect() };
        let mut stepped = optimizer();
        let (moved, norm) = stepped.step(place(&p), place(&bad), SCALE, RATE);
        assert!(!norm.read().is_finite());
        moved.into_iter().zip(&p).for_each(|(moved, p)| assert_eq!(read(moved), p.values));
        // Nor does it leave a trace in the momenta.
        let step = |optimizer: &mut Optimizer| -> Vec<Vec<f32>> {
            optimizer.step(place(&p), place(&matrices(2)), SCALE, RATE).0.into_iter().map(read).collect()
        };
        assert_eq!(step(&mut stepped), step(&mut optimizer()));
    }
}
