//! `habsburg bench`: how fast a preset trains and generates here, with the CPU's multiply-add peak.
//!
//! Token ids are random, since speed does not depend on them. A training step is forward, mean cross-entropy over all
//! positions, backward, a clip to global norm 1 and a step of the optimizer, on windows of one document each. Decoding writes `context` tokens
//! in each of some sequences at temperature 1, through the same [`inference::decode`] as a chain.

use crate::Failure;
use crate::args::{BenchArgs, Measured};
use crate::output::Output;
use burn::tensor::{Device, Tensor};
use inference::{Decoding, decode, decoder};
use model::{Batch, ModelConfig, Preset, Transformer, Weights};
use ops::device::{Chosen, Kind};
use ops::{AdamWConfig, Optimizer, OptimizerConfig, Precision, TokenRule};
use sampling::Sampling;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Instant;
use streams::{Purpose, Streams};
use training::{OptimizerKind, gradients_in_parts, windows_at_a_time};

/// Training steps before the clock starts: the first ones allocate, and compile on a GPU.
const WARM_UP: u32 = 3;
/// Rounds of decoding last at least so long together, seconds.
const DECODING: f64 = 1.0;
/// Rounds at least, of decoding, and of training on a GPU; the median counts.
const ROUNDS: usize = 3;
/// The token that starts a document.
const SEPARATOR: u32 = 0;

/// `habsburg bench`
pub(crate) fn bench(args: BenchArgs, out: &mut Output) -> Result<(), Failure> {
    let device = ops::device::parse(&args.device.device).map_err(Failure::request)?;
    device.supports(args.precision).map_err(Failure::request)?;
    let settings = model::Settings { preset: args.shape, ..model::Settings::default() };
    let preset = settings.preset().map_err(Failure::request)?;
    let config = settings.resolve(preset.vocabulary).map_err(Failure::request)?;
    let batch = args.batch.map_or(preset.batch, |batch| batch as usize);
    let bench =
        Bench { preset, config, device, precision: args.precision, optimizer: args.optimizer, batch, json: args.json };
    if !bench.json {
        let (name, parameters) = (preset.name, bench.config.parameters());
        let (device, precision) = (bench.device.description(), bench.precision.name());
        let optimizer = bench.optimizer.name();
        writeln!(out, "{name} on {}, {precision}, {optimizer}, {parameters} parameters", corpus::printable(&device))?;
    }
    let wanted = |what| args.only.is_none_or(|only| only == what);
    if wanted(Measured::Peak) && bench.on_processor() {
        bench.show_peak(kernels::peak::gflops(), out)?;
    }
    if wanted(Measured::Train) {
        let operations = bench.config.training_operations();
        let mut operation_times = Vec::new();
        let (rate, peak) = bench.beside_peak(|| {
            let (rate, times) = bench.train(args.steps);
            operation_times = times;
            Ok(rate)
        })?;
        bench.show("train", rate, operations, peak, bench.batch, out)?;
        bench.show_operations(&operation_times, out)?;
    }
    if wanted(Measured::Decode) {
        let operations = bench.config.forward_operations(bench.config.context as f64 / 2.0);
        let weights = unending(&bench.config).map_err(Failure::work)?;
        for sequences in bench.decode_batches() {
            let (rate, peak) = bench.beside_peak(|| bench.decode(&weights, sequences))?;
            bench.show("decode", rate, operations, peak, sequences, out)?;
        }
    }
    if let (false, Some(peak)) = (bench.json, peak_memory()) {
        writeln!(out, "memory   {peak} MB at most")?;
    }
    Ok(())
}

/// What is measured, where.
struct Bench {
    preset: &'static Preset,
    config: ModelConfig,
    device: Chosen,
    /// Of training.
    precision: Precision,
    optimizer: OptimizerKind,
    /// Windows of a training batch.
    batch: usize,
    json: bool,
}

impl Bench {
    /// The multiply-add peak of the processor says nothing about a GPU.
    fn on_processor(&self) -> bool {
        self.device.kind().is_cpu()
    }

    /// A measurement, and the mean of the peaks just before and just after it.
    fn beside_peak(&self, work: impl FnOnce() -> Result<f64, Failure>) -> Result<(f64, Option<f64>), Failure> {
        let peak = || self.on_processor().then(kernels::peak::gflops);
        let before = peak();
        let rate = work()?;
        Ok((rate, before.zip(peak()).map(|(before, after)| (before + after) / 2.0)))
    }

    /// Tokens per second of training; and on the processor the seconds of each operation in a step, by the mean over as many
    /// other steps.
    fn train(&self, steps: u32) -> (f64, Vec<(&'static str, f64)>) {
        let mut training = Training::new(self);
        training.seconds(WARM_UP);
        let tokens = (self.batch * self.config.context) as f64;
        if !self.on_processor() {
            // A GPU works on one step while the next is being asked for: only many together have a time.
            let seconds = (0..ROUNDS).map(|_| training.seconds(steps) / f64::from(steps)).collect();
            return (tokens / median(seconds), Vec::new());
        }
        let seconds = (0..steps).map(|_| training.seconds(1)).collect();
        let (whole, parts) = ops::clock::timed(|| (0..steps).map(|_| training.seconds(1)).sum::<f64>());
        let mut parts: Vec<_> = parts.into_iter().map(|(name, time)| (name, time.as_secs_f64())).collect();
        if !parts.is_empty() {
            parts.push(("everything else", whole - parts.iter().map(|(_, seconds)| seconds).sum::<f64>()));
        }
        parts.iter_mut().for_each(|(_, seconds)| *seconds /= f64::from(steps));
        (tokens / median(seconds), parts)
    }

    /// Windows of random tokens, each one document.
    fn batch(&self, streams: &Streams, number: u32) -> Batch {
        let mut stream = streams.stream(Purpose::Order, 0, number.into());
        let context = self.config.context;
        let mut batch = Batch::default();
        for _ in 0..self.batch {
            let ids: Vec<u32> = (0..=context).map(|_| stream.below(self.config.vocabulary as u64) as u32).collect();
            batch.inputs.extend(&ids[..context]);
            batch.targets.extend(&ids[1..]);
        }
        batch.weights = vec![1.0; batch.inputs.len()];
        batch.starts = vec![0; batch.inputs.len()];
        batch
    }

    /// Sequences that are worth a try: on the processor few, whose keys and values stay in its cache.
    fn decode_batches(&self) -> Vec<usize> {
        match (self.device.kind(), self.preset.name) {
            (Kind::Vulkan | Kind::Wgpu, _) => vec![256, 1024, 2048, 4096],
            (_, "tiny") => vec![64, 128],
            _ => vec![16, 32],
        }
    }

    /// Tokens per second of decoding with `weights` that end no document, by the median round.
    fn decode(&self, weights: &Weights, sequences: usize) -> Result<f64, Failure> {
        let mut decoder = decoder(weights, &self.device, &Sampling::default(), sequences);
        let budget = (sequences * self.config.context) as u64;
        let mut round = |number: u32| -> Result<f64, Failure> {
            let decoding = Decoding {
                sampling: &Sampling::default(),
                streams: Streams::new(0),
                generation: number,
                separator: SEPARATOR,
                first: 0,
                prompt: &|_| Vec::new(),
            };
            let start = Instant::now();
            let size = |ids: &[u32], _| ids.len() as u64;
            let none = &mut rundir::Checkpoint::none();
            let written = decode(&mut decoder, &decoding, budget, &size, none, &mut |_| {}).map_err(Failure::work)?;
            let seconds = start.elapsed().as_secs_f64();
            assert!(written.len() == sequences && written.iter().all(|s| s.truncated), "no document ends");
            Ok(seconds)
        };
        round(0)?;
        let mut seconds: Vec<f64> = Vec::new();
        while seconds.len() < ROUNDS || seconds.iter().sum::<f64>() < DECODING {
            seconds.push(round(1 + seconds.len() as u32)?);
        }
        Ok(budget as f64 / median(seconds))
    }

    fn show_peak(&self, gflops: f64, out: &mut Output) -> Result<(), Failure> {
        match self.json {
            true => self.print("peak", json!({"gflops": rounded(gflops)}), out),
            false => writeln!(out, "peak     {gflops:.0} GFLOP/s of multiply-adds"),
        }
    }

    /// One measurement: tokens per second, the operations of a token's matrix products, the peak beside it.
    fn show(
        &self,
        what: &str,
        rate: f64,
        operations: f64,
        peak: Option<f64>,
        batch: usize,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let gflops = rate * operations * 1e-9;
        if self.json {
            let mut values = json!({"tokens_per_second": rounded(rate), "batch": batch, "gflops": rounded(gflops)});
            if let Some(peak) = peak {
                values["peak_gflops"] = rounded(peak).into();
                values["share_of_peak"] = ((1e4 * gflops / peak).round() / 1e4).into();
            }
            return self.print(what, values, out);
        }
        let share = peak.map_or(String::new(), |p| format!(", {:.1} % of the peak of {p:.0}", 100.0 * gflops / p));
        writeln!(out, "{what:8} {rate:.0} tokens/s in {batch} sequences, {gflops:.0} GFLOP/s{share}")?;
        // The next measurement takes seconds: what is known is shown.
        out.flush()
    }

    /// Where the time of a training step goes; nothing on a device whose operations are only queued.
    fn show_operations(&self, parts: &[(&str, f64)], out: &mut Output) -> Result<(), Failure> {
        let whole: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
        for (name, seconds) in parts {
            match self.json {
                true => {
                    self.print("operation", json!({"operation": name, "milliseconds": rounded(1e3 * seconds)}), out)?
                }
                false => writeln!(out, "  {name:24} {:8.2} ms {:5.1} %", 1e3 * seconds, 100.0 * seconds / whole)?,
            }
        }
        Ok(())
    }

    /// One line in the form of the peer, `torch_peer.py`.
    fn print(&self, what: &str, values: Value, out: &mut Output) -> Result<(), Failure> {
        let mut line = Map::from_iter([("what".to_owned(), json!(what))]);
        let common = json!({
            "shape": self.preset.name,
            "mode": if what == "decode" { "f32" } else { self.precision.name() },
            "optimizer": (what == "train").then(|| self.optimizer.name()),
            "threads": kernels::peak::threads(),
            "device": self.device.kind().name(),
            "parameters": self.config.parameters(),
        });
        for part in [values, common] {
            line.extend(part.as_object().cloned().unwrap_or_default());
        }
        line.extend(peak_memory().map(|peak| ("peak_mb".to_owned(), json!(peak))));
        writeln!(out, "{}", Value::Object(line))?;
        out.flush()
    }
}

/// A model in training, step by step as [`training::Run::train`] takes them.
struct Training<'a> {
    bench: &'a Bench,
    device: Device,
    transformer: Transformer,
    optimizer: Optimizer,
    /// Steps taken.
    taken: u32,
}

impl<'a> Training<'a> {
    fn new(bench: &'a Bench) -> Self {
        let device = bench.device.device().autodiff();
        let weights = Weights::initialise(&bench.config, &Streams::new(0), 0);
        let transformer = Transformer::new(&weights, &device).with_precision(bench.precision);
        let constants = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
        let updates = match bench.optimizer {
            OptimizerKind::AdamW => transformer.by_adamw(),
            OptimizerKind::Muon => transformer.by_muon(),
        };
        let optimizer = Optimizer::new(OptimizerConfig { adamw: constants, momentum: 0.95 }, updates);
        Self { bench, device, transformer, optimizer, taken: 0 }
    }

    /// Seconds that so many steps take, until the device has finished the last. The batches are there before.
    fn seconds(&mut self, steps: u32) -> f64 {
        let streams = Streams::new(0);
        let batches: Vec<Batch> = (0..steps).map(|step| self.bench.batch(&streams, self.taken + step)).collect();
        self.taken += steps;
        let start = Instant::now();
        for batch in &batches {
            self.step(batch);
        }
        self.device.sync().expect("the device finishes its work");
        start.elapsed().as_secs_f64()
    }

    fn step(&mut self, batch: &Batch) {
        let at_a_time = windows_at_a_time(&self.bench.config, self.bench.batch, &self.bench.device.device());
        let found = gradients_in_parts(&mut self.transformer, batch, at_a_time, TokenRule::CrossEntropy, &self.device);
        let parameters = self.transformer.parameters_mut().into_iter().map(|p| p.extract().inner()).collect();
        let (moved, _) = self.optimizer.step(parameters, found.tensors, 1.0 / found.weight, 3e-4);
        for (slot, value) in self.transformer.parameters_mut().into_iter().zip(moved) {
            *slot = Tensor::from_inner(value).require_grad();
        }
    }
}

/// Fresh weights that never draw the separator, so that every document takes the whole context and all sequences stay in step.
///
/// Column 0 of the (tied) embedding is large and positive and outweighs what the blocks add to it; the last norm turns its
/// sign, so it lowers every logit, and the separator's by more than a hundred beyond
/// the others'.
fn unending(config: &ModelConfig) -> Result<Weights, String> {
    const OTHERS: f32 = 1.0;
    const SEPARATORS: f32 = 24.0;
    let fresh = Weights::initialise(config, &Streams::new(0), 0);
    let mut tensors: BTreeMap<String, Vec<f32>> =
        fresh.names().map(|name| (name.to_owned(), fresh.tensor(name).to_vec())).collect();
    for (name, tensor) in &mut tensors {
        match name.as_str() {
            "model.embed_tokens.weight" => {
                for (token, row) in tensor.chunks_mut(config.width).enumerate() {
                    row[0] = if token == SEPARATOR as usize { SEPARATORS } else { OTHERS };
                }
            }
            "model.norm.weight" => tensor[0] = -1.0,
            _ => {}
        }
    }
    Weights::from_tensors(config.clone(), tensors)
}

/// The most memory that this process has held, in MB of 2^20 bytes, where the system says it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes.div_ceil(1024))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() % 2 {
        0 => (values[half - 1] + values[half]) / 2.0,
        _ => values[half],
    }
}

/// To a tenth.
fn rounded(value: f64) -> f64 {
    (10.0 * value).round() / 10.0
}
