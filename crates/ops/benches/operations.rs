//! Each operation, forward and backward, on Flex: the fused kernel beside the reference body of Burn's own operations.
//!
//! `MIMALLOC_PURGE_DELAY=-1 cargo bench -p habsburg-ops --features bench` runs for about two minutes, with memory kept as the binary
//! keeps it; a filter at the end (`-- small/attention`) takes one operation. A time alone says little on a shared machine:
//! compare `fused` with the `reference` that ran next to it.

use burn::tensor::{Device, Tensor, TensorData};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use ops::{
    AdamWConfig, Attention, AttentionShape, Optimizer, OptimizerConfig, Precision, TokenRule, Update, reference,
};
use std::time::Duration;

/// As in the binary: the system's allocator gives large blocks back, and each new one costs a fault for every page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sizes of a preset's training step, by the names of `model`.
struct Sizes {
    preset: &'static str,
    layers: usize,
    width: usize,
    hidden: usize,
    vocabulary: usize,
    attention: AttentionShape,
}

const fn windows(batch: usize, time: usize, heads: usize) -> AttentionShape {
    AttentionShape { batch, time, heads, kv_heads: heads, head_width: 32, theta: 10_000.0 }
}

const PRESETS: [Sizes; 2] = [
    Sizes { preset: "small", layers: 4, width: 128, hidden: 384, vocabulary: 2048, attention: windows(32, 128, 4) },
    Sizes { preset: "medium", layers: 6, width: 256, hidden: 768, vocabulary: 4096, attention: windows(16, 256, 8) },
];

impl Sizes {
    fn tokens(&self) -> usize {
        self.attention.batch * self.attention.time
    }

    /// Every parameter's rows and columns.
    fn parameters(&self) -> Vec<[usize; 2]> {
        let Self { layers, width, hidden, vocabulary, .. } = *self;
        let block = [[1, width], [3 * width, width], [width, width], [1, width], [2 * hidden, width], [width, hidden]];
        [vec![[vocabulary, width]], block.repeat(layers), vec![[1, width]]].concat()
    }
}

/// Numbers in `[-1, 1)` by the golden ratio, the same in every run.
fn numbers(rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    let number = |i: usize| ((i as f64 * 0.618_033_988_749_895) % 1.0 * 2.0 - 1.0) as f32;
    Tensor::from_data(TensorData::new((0..rows * columns).map(number).collect(), [rows, columns]), device)
}

/// An operation on two leaves; the second is not read by all.
type Body<'a> = &'a dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<2>;

/// Times both bodies with their gradients.
fn compare(criterion: &mut Criterion, name: String, leaves: [Tensor<2>; 2], fused: Body<'_>, reference: Body<'_>) {
    let leaves = leaves.map(Tensor::require_grad);
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    for (name, body) in [("fused", fused), ("reference", reference)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let [a, b] = leaves.clone();
                body(a, b).backward()
            });
        });
    }
    group.finish();
}

fn layers(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    for sizes in &PRESETS {
        let Sizes { preset, width, hidden, .. } = *sizes;
        let of = |rows: usize, columns: usize| numbers(rows, columns, &device);
        compare(
            criterion,
            format!("{preset}/linear"),
            [of(sizes.tokens(), width), of(2 * hidden, width)],
            &|x, w| ops::linear(x, w, Precision::Float32),
            &reference::linear,
        );
        compare(
            criterion,
            format!("{preset}/rms_norm"),
            [of(sizes.tokens(), width), of(1, width)],
            &|x, w| ops::rms_norm(x, w, 1e-5),
            &|x, w| reference::rms_norm(x, w, 1e-5),
        );
        compare(
            criterion,
            format!("{preset}/swiglu"),
            [of(sizes.tokens(), 2 * hidden), of(1, 1)],
            &|x, _| ops::swiglu(x),
            &|x, _| reference::swiglu(x),
        );
    }
}

fn attention(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    for sizes in &PRESETS {
        let shape = sizes.attention;
        // One document fills each window: no work can be left out but that above the diagonal.
        let starts = vec![0; sizes.tokens()];
        let [fused, reference] =
            [Attention::new(shape, &starts, &device), Attention::reference(shape, &starts, &device)];
        compare(
            criterion,
            format!("{}/attention", sizes.preset),
            [numbers(sizes.tokens(), shape.qkv_width(), &device), numbers(1, 1, &device)],
            &|x, _| ops::attention(x, &fused),
            &|x, _| ops::attention(x, &reference),
        );
    }
}

fn head_loss(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    for sizes in &PRESETS {
        let (tokens, vocabulary) = (sizes.tokens(), sizes.vocabulary);
        let targets: Vec<u32> = (0..tokens).map(|i| (i * 7919 % vocabulary) as u32).collect();
        let (weights, rule) = (vec![1.0; tokens], TokenRule::CrossEntropy);
        compare(
            criterion,
            format!("{}/head_loss", sizes.preset),
            [numbers(tokens, sizes.width, &device), numbers(vocabulary, sizes.width, &device)],
            &|x, w| ops::head_loss(x, w, &targets, &weights, rule, Precision::Float32).sum.reshape([1, 1]),
            &|x, w| reference::head_loss(x, w, &targets, &weights, rule).sum.reshape([1, 1]),
        );
    }
}

/// A whole optimizer step with its global norm, every parameter decayed.
fn adamw(criterion: &mut Criterion) {
    const RATE: f64 = 1e-3;
    let device = Device::flex();
    let config = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
    for sizes in &PRESETS {
        let place = || -> Vec<Tensor<2>> { sizes.parameters().iter().map(|&[r, c]| numbers(r, c, &device)).collect() };
        let gradients = place();
        let updates = vec![Update::AdamW { decays: true }; sizes.parameters().len()];
        let mut group = criterion.benchmark_group(format!("{}/adamw", sizes.preset));
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function("fused", |bencher| {
            let (mut optimizer, mut p) =
                (Optimizer::new(OptimizerConfig { adamw: config, momentum: 0.95 }, updates.clone()), place());
            bencher.iter(|| p = optimizer.step(std::mem::take(&mut p), gradients.clone(), 1.0, RATE).0);
        });
        group.bench_function("reference", |bencher| {
            let mut p = place();
            let zeros = |p: &Tensor<2>| [p.zeros_like(), p.zeros_like()];
            let mut moments: Vec<_> = p.iter().map(zeros).collect();
            bencher.iter(|| {
                let scale = (config.clip / reference::global_norm(&gradients)).min(1.0);
                let parameters = std::mem::take(&mut p).into_iter().zip(&gradients).zip(&mut moments);
                p = parameters
                    .map(|((p, g), [m, v])| reference::adamw(p, g.clone(), [m, v], &config, 1, scale, RATE, true))
                    .collect();
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = operations;
    // Differences here are by factors: ten samples in two seconds show them.
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = layers, attention, head_loss, adamw
}
criterion_main!(operations);
