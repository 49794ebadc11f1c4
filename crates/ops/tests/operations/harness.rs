//! Reproducible numbers, the comparison and its tolerance.

use burn::tensor::{Device, Tensor, TensorData};
use ops::{HeadLoss, Precision, TokenRule};
use std::sync::OnceLock;

/// A matrix that an operation reads.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f32>,
}

impl Matrix {
    /// Numbers in `[-1, 1)`, different for each seed.
    pub(crate) fn random(seed: u64, rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: numbers(seed, rows * columns) }
    }

    pub(crate) fn times(mut self, factor: f32) -> Self {
        self.values.iter_mut().for_each(|x| *x *= factor);
        self
    }

    pub(crate) fn on(&self, device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(self.values.clone(), [self.rows, self.columns]), device)
    }

    /// Rows and columns exchanged in memory.
    pub(crate) fn transposed(&self) -> Self {
        let (rows, columns) = (self.columns, self.rows);
        let values = (0..rows * columns).map(|e| self.values[e % columns * self.columns + e / columns]).collect();
        Self { rows, columns, values }
    }
}

/// The upper bits of a linear congruential generator, in `[-1, 1)`.
pub(crate) fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// The processor's fused operations, with autodiff.
pub(crate) fn flex() -> Device {
    ops::device::parse("flex").unwrap().device().autodiff()
}

/// Every device of this build and machine with operations of our own, with autodiff: Flex, and a GPU, or else a software one,
/// which CI has to have.
pub(crate) fn fused() -> Vec<Device> {
    std::iter::once(flex()).chain(gpu()).collect()
}

/// The GPU under test, with autodiff.
pub(crate) fn gpu() -> Option<Device> {
    static FOUND: OnceLock<Option<Device>> = OnceLock::new();
    let find = || {
        if !cfg!(feature = "gpu") {
            return None;
        }
        let found = ["auto", "wgpu:cpu"].map(ops::device::parse).into_iter().flatten().find(|d| !d.kind().is_cpu());
        if found.is_none() {
            assert!(std::env::var("HABSBURG_REQUIRE").as_deref() != Ok("1"), "no GPU, and no software device either");
            eprintln!("skipped on a GPU: there is none, and no software device either");
        }
        found.map(|chosen| chosen.device().autodiff())
    };
    FOUND.get_or_init(find).clone()
}

/// Where the reference bodies run, with autodiff.
pub(crate) fn ndarray() -> Device {
    ops::device::parse("ndarray").unwrap().device().autodiff()
}

pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

/// Largest errors of the fused operation and of the reference body, and the largest true number.
#[derive(Debug)]
pub(crate) struct Errors {
    fused: f64,
    reference: f64,
    scale: f64,
}

impl Errors {
    pub(crate) fn new(fused: &[f64], reference: &[f64], truth: &[f64]) -> Self {
        assert!(fused.len() == truth.len() && reference.len() == truth.len());
        // `max` would pass over a NaN.
        let worst = |x: &[f64]| {
            let off = x.iter().zip(truth).map(|(x, t)| (x - t).abs());
            off.fold(0.0, |most: f64, off| if off > most || off.is_nan() { off } else { most })
        };
        let scale = truth.iter().fold(1e-3, |most: f64, t| most.max(t.abs()));
        Self { fused: worst(fused), reference: worst(reference), scale }
    }

    /// The fused operation may be off by four times what the reference body is off by (which of two roundings of one sum is
    /// the luckier one is chance, and `exp` is allowed two units in the last place here, half a unit there), and by eight
    /// roundings of the largest number where that body happens to be exact. The body itself must be within float32's means,
    /// or the comparison would say nothing.
    #[track_caller]
    pub(crate) fn judge(&self, what: &str) {
        let rounding = f64::from(f32::EPSILON) / 2.0 * self.scale;
        assert!(self.reference <= 200.0 * rounding, "{what}: the reference body: {self:?}");
        assert!(self.fused <= 4.0 * self.reference + 8.0 * rounding, "{what}: {self:?}");
    }
}

/// An operation's result and the gradients of all inputs, when the result's gradient is `upstream`.
pub(crate) fn run(
    device: &Device,
    inputs: &[Matrix],
    upstream: &[f32],
    operation: impl Fn(&[Tensor<2>]) -> Tensor<2>,
) -> Vec<Vec<f32>> {
    let leaves: Vec<_> = inputs.iter().map(|m| m.on(device).require_grad()).collect();
    let out = operation(&leaves);
    let weights = Tensor::from_data(TensorData::new(upstream.to_vec(), out.dims()), device);
    let gradients = (out.clone() * weights).sum().backward();
    let slopes = leaves.iter().map(|leaf| read(leaf.grad(&gradients).expect("every input has a gradient")));
    let mut all: Vec<_> = slopes.collect();
    all.insert(0, read(out));
    all
}

/// More elements than this, and gradients are taken along a few random directions only.
const MANY: usize = 1500;

/// Compares an operation with its truth, in value and in the gradient of each input.
#[track_caller]
pub(crate) fn check(
    what: &str,
    inputs: &[Matrix],
    truth: impl Fn(&[Vec<f64>]) -> Vec<f64>,
    operation: impl Fn(&[Tensor<2>]) -> Tensor<2>,
) {
    let at: Vec<_> = inputs.iter().map(|m| wide(&m.values)).collect();
    let value = truth(&at);
    let upstream = numbers(77, value.len());
    let scalar = |x: &[Vec<f64>]| inner(&truth(x), &wide(&upstream));
    let results = |device: &Device| -> Vec<Vec<f64>> {
        run(device, inputs, &upstream, &operation).iter().map(|x| wide(x)).collect()
    };
    let reference = results(&ndarray());
    let fused: Vec<_> = fused().into_iter().map(|device| (results(&device), device)).collect();
    for (fused, device) in &fused {
        Errors::new(&fused[0], &reference[0], &value).judge(&format!("{what}, {device:?}: value"));
    }
    for (i, input) in inputs.iter().enumerate() {
        let directions = directions(input.values.len());
        let slopes: Vec<f64> = directions.iter().map(|direction| slope(&at, i, direction, scalar)).collect();
        let along = |gradient: &[f64]| directions.iter().map(|d| d.along(gradient)).collect::<Vec<_>>();
        for (fused, device) in &fused {
            let errors = Errors::new(&along(&fused[i + 1]), &along(&reference[i + 1]), &slopes);
            errors.judge(&format!("{what}, {device:?}: gradient of input {i}"));
        }
    }
}

/// Where a difference is taken.
enum Direction {
    Element(usize),
    Any(Vec<f64>),
}

impl Direction {
    fn along(&self, gradient: &[f64]) -> f64 {
        match self {
            Self::Element(e) => gradient[*e],
            Self::Any(d) => inner(gradient, d),
        }
    }

    fn step(&self, x: &mut [f64], by: f64) {
        match self {
            Self::Element(e) => x[*e] += by,
            Self::Any(d) => x.iter_mut().zip(d).for_each(|(x, d)| *x += by * d),
        }
    }
}

/// Each element's own direction, or where there are many, six random ones: a single wrong row still turns those.
fn directions(n: usize) -> Vec<Direction> {
    match n <= MANY {
        true => (0..n).map(Direction::Element).collect(),
        false => (0..6).map(|seed| Direction::Any(wide(&numbers(1000 + seed, n)))).collect(),
    }
}

/// Central difference of `f` in one input's direction: with a step of 1e-5 the error is some 1e-10 of the size of `f`.
fn slope(at: &[Vec<f64>], input: usize, direction: &Direction, f: impl Fn(&[Vec<f64>]) -> f64) -> f64 {
    const STEP: f64 = 1e-5;
    let [above, below] = [STEP, -STEP].map(|by| {
        let mut x = at.to_vec();
        direction.step(&mut x[input], by);
        f(&x)
    });
    (above - below) / (2.0 * STEP)
}

/// `Σ a b`.
pub(crate) fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// [`ops::linear()`] in float32.
pub(crate) fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    ops::linear(x, weight, Precision::Float32)
}

/// [`ops::head_loss()`] in float32.
pub(crate) fn head_loss(
    hidden: Tensor<2>,
    head: Tensor<2>,
    targets: &[u32],
    weights: &[f32],
    rule: TokenRule,
) -> HeadLoss {
    ops::head_loss(hidden, head, targets, weights, rule, Precision::Float32)
}
