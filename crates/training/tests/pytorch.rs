//! The transformer against PyTorch: logits, losses, every gradient, twenty optimizer steps, on every CPU backend.
//! The fixture holds numbers only; `scripts/make-fixture.py` makes it, from Hugging Face's own Llama.

use burn::tensor::Tensor;
use model::{Attention, Batch, ModelConfig, Transformer, Weights};
use ops::{AdamWConfig, Optimizer, OptimizerConfig, Precision, TokenRule, device::Device, head_loss};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use training::gradients;

const TIME: usize = 16;

struct Fixture {
    tensors: BTreeMap<String, Vec<f32>>,
    batch: Batch,
    config: ModelConfig,
}

fn fixture() -> Fixture {
    let raw = include_bytes!("fixture/llama.safetensors");
    let file = SafeTensors::deserialize(raw).unwrap();
    let words = |name: &str| file.tensor(name).unwrap().data().chunks_exact(4).map(|b| b.try_into().unwrap()).collect();
    let ids = |name: &str| -> Vec<u32> {
        let words: Vec<[u8; 4]> = words(name);
        words.into_iter().map(|b| u32::try_from(i32::from_le_bytes(b)).unwrap()).collect()
    };
    let floats = |name: &str| -> Vec<f32> {
        let words: Vec<[u8; 4]> = words(name);
        words.into_iter().map(f32::from_le_bytes).collect()
    };
    let integers = ["inputs", "targets", "starts"];
    let tensors =
        file.names().into_iter().filter(|n| !integers.contains(n)).map(|n| (n.to_owned(), floats(n))).collect();
    let config = ModelConfig {
        vocabulary: 61,
        width: 24,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_width: 6,
        hidden: 40,
        context: TIME,
        theta: 10_000.0,
        epsilon: 1e-5,
    };
    let batch =
        Batch { inputs: ids("inputs"), targets: ids("targets"), weights: floats("weights"), starts: ids("starts") };
    Fixture { tensors, batch, config }
}

impl Fixture {
    fn weights(&self) -> Weights {
        self.by_name("weight.")
    }

    fn by_name(&self, prefix: &str) -> Weights {
        let parts = self.tensors.iter().filter_map(|(n, v)| Some((n.strip_prefix(prefix)?.to_owned(), v.clone())));
        Weights::from_tensors(self.config.clone(), parts.collect()).unwrap()
    }

    fn attention(&self, device: &Device) -> Attention {
        Attention::new(model::attention_shape(&self.config, 3, TIME), &self.batch.starts, device)
    }
}

fn each_cpu(test: impl Fn(&str, Device)) {
    for name in ["flex", "ndarray"] {
        test(name, ops::device::parse(name).unwrap().device());
    }
}

fn farthest(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_and_losses() {
    let fixture = fixture();
    each_cpu(|name, device| {
        let transformer = Transformer::new(&fixture.weights(), &device);
        let hidden = transformer.forward(&fixture.batch.inputs, &fixture.attention(&device));
        let logits: Vec<f32> =
            ops::linear(hidden.clone(), transformer.head(), Precision::Float32).try_into_vec_as().unwrap();
        let off = farthest(&logits, &fixture.tensors["logits"]);
        assert!(off < 1e-4, "{name}: logits are off by {off}");

        let batch = &fixture.batch;
        let ones = vec![1.0; batch.targets.len()];
        let losses =
            head_loss(hidden, transformer.head(), &batch.targets, &ones, TokenRule::CrossEntropy, Precision::Float32)
                .per_token;
        let off = farthest(&losses.try_into_vec_as::<f32>().unwrap(), &fixture.tensors["losses"]);
        assert!(off < 1e-4, "{name}: losses are off by {off}");
    });
}

#[test]
fn every_gradient() {
    let fixture = fixture();
    each_cpu(|name, device| {
        let device = device.autodiff();
        let mut transformer = Transformer::new(&fixture.weights(), &device);
        let found = gradients(&mut transformer, &fixture.batch, TokenRule::CrossEntropy, &device);
        assert!((found.loss() - f64::from(fixture.tensors["loss"][0])).abs() < 1e-5, "{name}: loss {}", found.loss());
        // A transformer made of the gradients has them by Hugging Face's names.
        let scaled = found.tensors.into_iter().map(|g| g.div_scalar(found.weight));
        for (slot, gradient) in transformer.parameters_mut().into_iter().zip(scaled) {
            *slot = gradient;
        }
        let (ours, theirs) = (transformer.weights(), fixture.by_name("gradient."));
        for tensor in fixture.tensors.keys().filter_map(|n| n.strip_prefix("gradient.")) {
            let (ours, theirs) = (ours.tensor(tensor), theirs.tensor(tensor));
            let size = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let off = farthest(ours, theirs) / size;
            assert!(off < 1e-3, "{name}: the gradient of {tensor} is off by {off} of its largest entry");
        }
    });
}

#[test]
fn twenty_steps() {
    let fixture = fixture();
    each_cpu(|name, device| {
        let tracked = device.autodiff();
        let mut transformer = Transformer::new(&fixture.weights(), &tracked);
        let adamw = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 0.5 };
        let mut optimizer = Optimizer::new(OptimizerConfig { adamw, momentum: 0.95 }, transformer.by_adamw());
        for (step, (&loss, &norm)) in fixture.tensors["trajectory"].iter().zip(&fixture.tensors["norms"]).enumerate() {
            let found = gradients(&mut transformer, &fixture.batch, TokenRule::CrossEntropy, &tracked);
            let off = (found.loss() - f64::from(loss)).abs();
            assert!(off < 1e-3, "{name}: the loss of step {step} is off by {off}");
            let parameters = transformer.parameters_mut().into_iter().map(|p| p.extract().inner()).collect();
            let (moved, ours) = optimizer.step(parameters, found.tensors, 1.0 / found.weight, 3e-3);
            let ours = ours.read();
            assert!(
                (ours / f64::from(norm) - 1.0).abs() < 1e-3,
                "{name}: the norm of step {step} is {ours}, not {norm}"
            );
            for (slot, value) in transformer.parameters_mut().into_iter().zip(moved) {
                *slot = Tensor::from_inner(value).require_grad();
            }
        }
    });
}
