//! Twenty training steps with the fused operations against the same twenty with the reference bodies of Burn's own
//! operations, within the noise of float32. The noise is measured: the reference runs again with every weight nudged by one
//! unit in its last place, up or down at random, before each step, and what that does to losses and weights is what rounding
//! alone can do.

use burn::tensor::{Tensor, TensorData};
use corpus::pack;
use model::{ModelConfig, Transformer, Weights};
use ops::device::{Device, parse};
use ops::{AdamWConfig, Optimizer, OptimizerConfig, TokenRule};
use streams::{Purpose, Streams};
use training::{Batches, gradients};

const STEPS: usize = 20;
/// Nudged runs.
const NUDGES: u64 = 6;
/// A nudge is one rounding of each weight; a step rounds at some ten places between a weight and the loss, and again on the
/// way back. Independent errors add up as the root of their number.
const ROUNDINGS: f64 = 4.0;

/// Odd everywhere, heads in groups.
fn config(head_width: usize) -> ModelConfig {
    ModelConfig {
        vocabulary: 101,
        width: 3 * head_width,
        layers: 2,
        heads: 3,
        kv_heads: 1,
        head_width,
        hidden: 37,
        context: 19,
        theta: 10_000.0,
        epsilon: 1e-5,
    }
}

/// Losses of every step, and the parameters after the last.
struct Run {
    losses: Vec<f64>,
    parameters: Vec<Vec<f32>>,
}

impl Run {
    fn of(device: &Device, config: &ModelConfig, muon: bool, nudge: Option<u64>) -> Self {
        let streams = Streams::new(5);
        let mut draws = streams.stream(Purpose::Learner, 0, 0);
        let mut document = || -> Vec<u32> {
            (0..3 + draws.below(15)).map(|_| 1 + (draws.below(100) * draws.below(100) / 100) as u32).collect()
        };
        // Documents weigh differently.
        let documents: Vec<Vec<u32>> = (0..120).map(|_| document()).collect();
        let weighted = documents.iter().enumerate().map(|(i, d)| (d.as_slice(), false, 0.5 + (i % 3) as f32));
        let windows = pack(weighted, config.context, 0);

        let place = device.clone().autodiff();
        let mut transformer = Transformer::new(&Weights::initialise(config, &streams, 0), &place);
        let adamw = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
        let updates = if muon { transformer.by_muon() } else { transformer.by_adamw() };
        let mut optimizer = Optimizer::new(OptimizerConfig { adamw, momentum: 0.95 }, updates);
        let mut signs = nudge.map(|seed| streams.stream(Purpose::Learner, 1, seed));
        let mut losses = Vec::new();
        for batch in Batches::new(&windows, 5, &streams, 0).take(STEPS) {
            if let Some(signs) = &mut signs {
                for parameter in transformer.parameters_mut() {
                    let nudged = read(parameter).into_iter().map(|x| match signs.below(2) {
                        0 => x.next_up(),
                        _ => x.next_down(),
                    });
                    let data = TensorData::new(nudged.collect(), parameter.dims());
                    *parameter = Tensor::from_data(data, &place).require_grad();
                }
            }
            let found = gradients(&mut transformer, &batch, TokenRule::CrossEntropy, &place);
            losses.push(found.loss());
            let parameters = transformer.parameters_mut().into_iter().map(|p| p.clone().inner()).collect();
            let (moved, _) = optimizer.step(parameters, found.tensors, 1.0 / found.weight, 0.01);
            for (slot, value) in transformer.parameters_mut().into_iter().zip(moved) {
                *slot = Tensor::from_inner(value).require_grad();
            }
        }
        Self { losses, parameters: transformer.parameters_mut().into_iter().map(|p| read(p)).collect() }
    }

    /// The largest difference of losses up to each step, and of each parameter's elements.
    fn difference(&self, other: &Self) -> Vec<f64> {
        let losses = self.losses.iter().zip(&other.losses).scan(0.0, |most: &mut f64, (a, b)| {
            *most = most.max((a - b).abs());
            Some(*most)
        });
        let elements = self
            .parameters
            .iter()
            .zip(&other.parameters)
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max));
        losses.chain(elements).collect()
    }
}

fn read(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.try_to_vec_as().unwrap()
}

fn named(device: &str) -> Device {
    parse(device).unwrap().device()
}

fn fused_equals_reference(muon: bool) {
    let config = config(10);
    let run = |device: &str, nudge| Run::of(&named(device), &config, muon, nudge);
    let (fused, reference) = (run("flex", None), run("ndarray", None));
    assert!(reference.losses[STEPS - 1] < reference.losses[0] - 0.2, "something is learnt: {:?}", reference.losses);
    // A loss is a float32 itself: one unit in its last place. The weights have their nudges.
    let mut noise: Vec<f64> = reference.losses.iter().map(|loss| loss * f64::from(f32::EPSILON)).collect();
    noise.resize(STEPS + reference.parameters.len(), 0.0);
    for seed in 0..NUDGES {
        let nudged = run("ndarray", Some(seed)).difference(&reference);
        noise = noise.into_iter().zip(nudged).map(|(a, b)| a.max(b)).collect();
    }
    let found = fused.difference(&reference);
    for (i, (found, noise)) in found.iter().zip(&noise).enumerate() {
        let what = if i < STEPS { format!("loss of step {i}") } else { format!("parameter {}", i - STEPS) };
        assert!(*found <= ROUNDINGS * noise, "{what}: off by {found:e}, noise {noise:e}");
    }
    assert!(fused.parameters.iter().flatten().all(|x| x.is_finite()));
}

#[test]
fn fused_steps_equal_reference_steps_within_the_noise_of_float32() {
    fused_equals_reference(false);
}

#[test]
fn fused_steps_of_muon_equal_reference_steps_within_the_noise_of_float32() {
    fused_equals_reference(true);
}

/// On a GPU, or else on a software one.
#[test]
fn steps_on_a_gpu_equal_those_on_the_processor() {
    let Some(gpu) = ["auto", "wgpu:cpu"].map(parse).into_iter().flatten().find(|device| !device.kind().is_cpu()) else {
        let required = std::env::var("HABSBURG_REQUIRE").as_deref() == Ok("1");
        assert!(!required, "no GPU, and no software device either");
        return eprintln!("skipped: no GPU, and no software device either");
    };
    // A width of heads that the GPU's kernel takes.
    let config = config(8);
    for muon in [false, true] {
        let [gpu, flex] = [gpu.device(), named("flex")].map(|device| Run::of(&device, &config, muon, None));
        let off = gpu.losses.iter().zip(&flex.losses).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-3, "muon {muon}: {:?} is not {:?}", gpu.losses, flex.losses);
        assert!(gpu.parameters.iter().flatten().all(|x| x.is_finite()));
    }
}
