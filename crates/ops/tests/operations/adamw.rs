//! The optimizer: several steps of several parameters against the definition in `f64`.

use super::harness::{Errors, Matrix, fused, ndarray, numbers, read, wide};
use burn::tensor::{Device, Tensor};
use ops::{AdamWConfig, Optimizer, OptimizerConfig, Update};

const CONFIG: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
const SIZES: [(usize, usize); 6] = [(1, 1), (1, 37), (13, 1), (3, 5), (67, 31), (211, 193)];
const DECAYS: [bool; 6] = [true, false, true, false, true, true];
const STEPS: usize = 7;

fn optimizer(decays: &[bool]) -> Optimizer {
    let updates = decays.iter().map(|&decays| Update::AdamW { decays }).collect();
    Optimizer::new(OptimizerConfig { adamw: CONFIG, momentum: 0.95 }, updates)
}
/// What the gradients are multiplied by: one over the weight of the batch.
const SCALE: f64 = 1.0 / 37.0;
const RATE: f64 = 0.013;

fn parameters() -> Vec<Matrix> {
    SIZES.iter().enumerate().map(|(i, &(rows, columns))| Matrix::random(i as u64, rows, columns)).collect()
}

/// Of the first steps so large that the norm is clipped, of the others so small that it is not.
fn gradients(step: usize) -> Vec<Matrix> {
    let size = if step < 3 { 20.0 } else { 0.1 };
    let one = |(i, &(rows, columns)): (usize, &(usize, usize))| {
        Matrix::random((100 * step + i) as u64, rows, columns).times(size)
    };
    SIZES.iter().enumerate().map(one).collect()
}

/// Parameters and norm after each step, by the definition.
fn definition() -> Vec<(Vec<Vec<f64>>, f64)> {
    let AdamWConfig { beta1, beta2, epsilon, weight_decay, clip } = CONFIG;
    let mut p: Vec<Vec<f64>> = parameters().iter().map(|m| wide(&m.values)).collect();
    let zeros: Vec<_> = p.iter().map(|p| vec![0.0; p.len()]).collect();
    let (mut first, mut second) = (zeros.clone(), zeros);
    let step = |step: usize| {
        let g: Vec<Vec<f64>> =
            gradients(step).iter().map(|m| m.values.iter().map(|&g| f64::from(g) * SCALE).collect()).collect();
        let norm = g.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        let clip = (clip / (norm + 1e-6)).min(1.0);
        let power = step as i32 + 1;
        for i in 0..p.len() {
            for e in 0..p[i].len() {
                let g = g[i][e] * clip;
                first[i][e] = beta1 * first[i][e] + (1.0 - beta1) * g;
                second[i][e] = beta2 * second[i][e] + (1.0 - beta2) * g * g;
                let (m, v) = (first[i][e] / (1.0 - beta1.powi(power)), second[i][e] / (1.0 - beta2.powi(power)));
                let decay = if DECAYS[i] { 1.0 - RATE * weight_decay } else { 1.0 };
                p[i][e] = p[i][e] * decay - RATE * m / (v.sqrt() + epsilon);
            }
        }
        (p.clone(), norm)
    };
    (0..STEPS).map(step).collect()
}

/// The same by the operation.
fn taken(device: &Device) -> Vec<(Vec<Vec<f64>>, f64)> {
    let place = |list: Vec<Matrix>| -> Vec<Tensor<2>> { list.iter().map(|m| m.on(device)).collect() };
    let (mut p, mut optimizer) = (place(parameters()), optimizer(&DECAYS));
    let step = |step: usize| {
        let (moved, norm) = optimizer.step(std::mem::take(&mut p), place(gradients(step)), SCALE, RATE);
        p = moved;
        (p.iter().map(|p| wide(&read(p.clone()))).collect(), norm.read())
    };
    (0..STEPS).map(step).collect()
}

#[test]
fn seven_steps_equal_the_definition() {
    let truth = definition();
    assert!(truth[2].1 > 1.0 && truth[3].1 < 1.0, "both sides of the clip");
    let reference = taken(&ndarray().without_autodiff());
    for device in fused() {
        let taken = taken(&device.clone().without_autodiff());
        for (step, (truth, norm)) in truth.iter().enumerate() {
            let ((fused, fused_norm), (reference, reference_norm)) = (&taken[step], &reference[step]);
            let what = format!("{device:?}, step {step}");
            Errors::new(&[*fused_norm], &[*reference_norm], &[*norm]).judge(&format!("{what}: norm"));
            for (i, truth) in truth.iter().enumerate() {
                Errors::new(&fused[i], &reference[i], truth).judge(&format!("{what}, parameter {i}"));
            }
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_moves_nothing() {
    for device in fused().into_iter().map(|device| device.without_autodiff()) {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut stepped = optimizer(&[true]);
            let p = Matrix::random(1, 3, 5);
            let mut g = Matrix::random(2, 3, 5);
            g.values[7] = bad;
            let (moved, norm) = stepped.step(vec![p.on(&device)], vec![g.on(&device)], 1.0, RATE);
            assert!(!norm.read().is_finite());
            assert_eq!(read(moved[0].clone()), p.values);
            // Nor does it leave a trace in the moments or the count of steps.
            let good = Matrix::random(3, 3, 5);
            let step = |optimizer: &mut Optimizer| {
                read(optimizer.step(vec![p.on(&device)], vec![good.on(&device)], 1.0, RATE).0.remove(0))
            };
            assert_eq!(step(&mut stepped), step(&mut optimizer(&[true])));
        }
    }
}

#[test]
fn views_and_copies_are_stepped_as_what_they_show() {
    for device in fused().into_iter().map(|device| device.without_autodiff()) {
        let (rows, columns) = (13, 17);
        let (p, g) = (Matrix::random(1, rows, columns), Matrix::random(2, rows, columns));
        let step = |p: Tensor<2>, g: Tensor<2>| read(optimizer(&[true]).step(vec![p], vec![g], 1.0, RATE).0.remove(0));
        let want = step(p.on(&device), g.on(&device));
        let turned = |m: &Matrix| m.transposed().on(&device).transpose();
        // The matrix in the middle of a larger one, whole rows of it or not.
        let within = |m: &Matrix, columns: usize| {
            let around = Tensor::from_data(
                burn::tensor::TensorData::new(numbers(5, (rows + 3) * columns), [rows + 3, columns]),
                &device,
            );
            let from = (columns - m.columns) / 2;
            let area = [2..2 + rows, from..from + m.columns];
            around.slice_assign(area.clone(), m.on(&device)).slice(area)
        };
        assert_eq!(step(turned(&p), turned(&g)), want);
        assert_eq!(step(within(&p, columns), within(&g, columns)), want);
        assert_eq!(step(within(&p, columns + 5), within(&g, columns + 5)), want);
        // The step is in place, but nobody else's tensor moves.
        let (mine, gradient) = (p.on(&device), g.on(&device));
        assert_eq!(step(mine.clone(), gradient.clone()), want);
        assert_eq!((read(mine), read(gradient)), (p.values, g.values));
    }
}
