//! Batches in parts: the same step as the batch at once within float32's noise, the very same where the part is the whole; and a
//! device that fails, which ends a run with one line.

use burn::tensor::Tensor;
use corpus::{Windows, pack};
use model::{ModelConfig, Settings as ModelSettings, Transformer, Weights};
use ops::device::{Chosen, parse};
use ops::{DeviceFailure, TokenRule};
use rundir::Checkpoint;
use streams::Streams;
use training::{Batches, Gradients, Run, Settings, TrainError, Trained, gradients, gradients_in_parts};

/// Windows of a batch; some parts divide it and some do not.
const BATCH: usize = 6;

fn config() -> ModelConfig {
    let model = ModelSettings {
        preset: "tiny".into(),
        width: Some(32),
        heads: Some(2),
        context: Some(16),
        ..Default::default()
    };
    model.resolve(24).unwrap()
}

/// Documents of different weights and lengths.
fn windows() -> Windows {
    let ids = |i: u32| (0..3 + i % 12).map(|p| 1 + (i * 5 + p * 3) % 23).collect::<Vec<u32>>();
    let documents: Vec<Vec<u32>> = (0..60).map(ids).collect();
    let weighted = documents.iter().enumerate().map(|(i, ids)| (ids.as_slice(), false, 0.5 + (i % 3) as f32));
    pack(weighted, config().context, 0)
}

fn numbers(found: Gradients) -> (f64, Vec<Vec<f32>>) {
    let read = |tensor: Tensor<2>| tensor.try_into_vec_as::<f32>().unwrap();
    (found.sum.read(), found.tensors.into_iter().map(read).collect())
}

fn parts_add_up_on(device: &Chosen) {
    let (place, streams) = (device.device().autodiff(), Streams::new(3));
    let mut transformer = Transformer::new(&Weights::initialise(&config(), &streams, 0), &place);
    let windows = windows();
    let batch = Batches::new(&windows, BATCH, &streams, 0).next().unwrap();
    let rule = TokenRule::CrossEntropy;
    let (loss, whole) = numbers(gradients(&mut transformer, &batch, rule, &place));
    for size in [BATCH, BATCH + 1] {
        let same = numbers(gradients_in_parts(&mut transformer, &batch, size, rule, &place));
        assert!(same == (loss, whole.clone()), "{size} windows at a time are all of them");
    }
    for size in [1, 3, 4] {
        let (sum, parts) = numbers(gradients_in_parts(&mut transformer, &batch, size, rule, &place));
        assert!((sum / loss - 1.0).abs() < 1e-6, "{size} windows at a time: {sum} for {loss}");
        for (index, (part, whole)) in parts.iter().zip(&whole).enumerate() {
            let most = whole.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            let off = part.iter().zip(whole).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
            assert!(
                most > 0.0 && off < 2e-6 * most,
                "{size} windows at a time, parameter {index}: {off:e} of {most:e}"
            );
        }
    }
}

#[test]
fn parts_add_up_on_the_processor() {
    parts_add_up_on(&parse("flex").unwrap());
}

/// On a GPU, or else on a software one.
#[test]
fn parts_add_up_on_a_gpu() {
    let Some(gpu) = ["auto", "wgpu:cpu"].map(parse).into_iter().flatten().find(|device| !device.kind().is_cpu()) else {
        let required = std::env::var("HABSBURG_REQUIRE").as_deref() == Ok("1");
        assert!(!required, "no GPU, and no software device either");
        return eprintln!("skipped: no GPU, and no software device either");
    };
    parts_add_up_on(&gpu);
    // What was made before is there, and what was never made is said to be missing.
    let tensor = Tensor::<2>::ones([2, 3], &gpu.device());
    assert_eq!(ops::memory::check(&[tensor]), Ok(()));
}

fn run(micro_batch: Option<usize>, progress: &mut dyn FnMut(training::Progress)) -> Result<Trained, TrainError> {
    let settings = Settings {
        tokens: Some(12 * (BATCH * 16) as u64),
        batch: Some(BATCH),
        micro_batch,
        learning_rate: Some(0.01),
        ..Settings::default()
    };
    let streams = Streams::new(7);
    let start = Weights::initialise(&config(), &streams, 0);
    Run::new(&windows(), &settings, &streams, &parse("flex").unwrap().device()).train(
        start,
        &mut Checkpoint::none(),
        progress,
    )
}

#[test]
fn a_run_in_parts_is_the_run() {
    let [whole, same, parts] = [None, Some(BATCH), Some(2)].map(|micro| run(micro, &mut |_| {}).unwrap());
    assert_eq!((whole.record.micro_batch, same.record.micro_batch, parts.record.micro_batch), (None, None, Some(2)));
    assert_eq!(whole.weights.hash(), same.weights.hash());
    assert_ne!(whole.weights.hash(), parts.weights.hash());
    assert!((whole.record.final_loss - parts.record.final_loss).abs() < 1e-5);
    // A default is in no key and no file.
    let written = serde_json::to_string(&(Settings::default(), &whole.record)).unwrap();
    assert!(!written.contains("micro_batch"), "{written}");
}

/// The progress of a step is told where the device's figures are read, which is where a lost device panics.
#[test]
fn a_lost_device_ends_the_run_with_one_line() {
    let lost = "Error while reading data: use `try_execute` to handle error at runtime: An error happened during \
        execution\nCaused by:\n  The device is poisoned\nCaused by:\n  Unknown: Device is lost";
    let ended = run(None, &mut |progress| {
        if progress.step == 5 {
            panic!("{lost}")
        }
    });
    let error = ended.err().expect("the device is gone");
    assert_eq!(error, TrainError::Device(DeviceFailure::Lost("Unknown: Device is lost".to_owned())));
    let line = "training: the device was lost (Unknown: Device is lost); \
        what is finished is kept; run the command again to go on";
    assert_eq!(error.to_string(), line);
}
