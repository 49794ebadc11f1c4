//! The loop on a GPU, whose figures are read some steps late, against the processor, where they are there at once: the same
//! log, and the same step is named when the numbers run away.

use corpus::{Windows, pack};
use model::{Settings as ModelSettings, Weights};
use ops::device::{Chosen, parse};
use rundir::{Checkpoint, Interrupt, Stopped};
use std::time::Duration;
use streams::Streams;
use training::{Checkpoint as Kept, Run, Settings, TrainError, Trained};

/// A GPU, or else a software one.
fn gpu() -> Option<Chosen> {
    let found = ["auto", "wgpu:cpu"].map(parse).into_iter().flatten().find(|device| !device.kind().is_cpu());
    if found.is_none() {
        let required = std::env::var("HABSBURG_REQUIRE").as_deref() == Ok("1");
        assert!(!required, "no GPU, and no software device either");
        eprintln!("skipped: no GPU, and no software device either");
    }
    found
}

/// Three epochs of nine steps and a few more, of documents with these weights.
fn run(device: &Chosen, weight: impl Fn(usize) -> f32) -> Result<(Trained, Vec<u64>), TrainError> {
    attempt(device, weight, &mut Checkpoint::none(), &mut |_| {})
}

fn attempt(
    device: &Chosen,
    weight: impl Fn(usize) -> f32,
    checkpoint: &mut Checkpoint,
    after: &mut dyn FnMut(u64),
) -> Result<(Trained, Vec<u64>), TrainError> {
    let model = ModelSettings {
        preset: "tiny".into(),
        width: Some(32),
        heads: Some(2),
        context: Some(16),
        ..Default::default()
    };
    let config = model.resolve(24).unwrap();
    let documents: Vec<Vec<u32>> = (0..36).map(|i| (0..12).map(|p| 1 + (i * 5 + p * 3) % 23).collect()).collect();
    let windows = |documents: &[Vec<u32>]| -> Windows {
        pack(documents.iter().enumerate().map(|(i, ids)| (ids.as_slice(), false, weight(i))), config.context, 0)
    };
    let settings = Settings {
        tokens: Some(25 * 4 * 13),
        batch: Some(4),
        learning_rate: Some(0.01),
        checkpoint: Kept::Last,
        ..Settings::default()
    };
    let streams = Streams::new(7);
    let start = Weights::initialise(&config, &streams, 0);
    let mut seen = Vec::new();
    let (training, held_out, device) = (windows(&documents), windows(&documents[..6]), device.device());
    let run = Run { validation: Some(&held_out), ..Run::new(&training, &settings, &streams, &device) };
    let mut progress = |progress: training::Progress| {
        seen.push(progress.step);
        after(progress.step);
    };
    let trained = run.train(start, checkpoint, &mut progress)?;
    Ok((trained, seen))
}

#[test]
fn a_gpu_writes_the_processors_log() {
    let Some(gpu) = gpu() else { return };
    let [(gpu, gpu_seen), (flex, flex_seen)] =
        [gpu, parse("flex").unwrap()].map(|device| run(&device, |i| 0.5 + (i % 3) as f32).unwrap());
    assert_eq!(gpu_seen, (1..=25).collect::<Vec<_>>());
    assert_eq!(gpu_seen, flex_seen);
    assert_eq!(flex.log.iter().map(|line| line.step).collect::<Vec<_>>(), [10, 20, 25]);
    for (gpu, flex) in gpu.log.iter().zip(&flex.log) {
        assert_eq!((gpu.step, gpu.rate, gpu.tokens), (flex.step, flex.rate, flex.tokens));
        assert!((gpu.loss - flex.loss).abs() < 1e-3 && (gpu.norm / flex.norm - 1.0).abs() < 1e-2, "{gpu:?}, {flex:?}");
        assert_eq!(gpu.validation.is_some(), flex.validation.is_some());
    }
    assert!((gpu.record.final_loss - flex.record.final_loss).abs() < 1e-3);
    let [a, b] = [&gpu, &flex].map(|trained| trained.record.validation_loss.unwrap());
    assert!((a - b).abs() < 1e-3, "{a} is not {b}");
}

/// The optimizer's moments and its count of steps, which a GPU has, come back from the checkpoint.
#[test]
fn a_gpu_goes_on_from_a_checkpoint() {
    let Some(gpu) = gpu() else { return };
    let weight = |i: usize| 0.5 + (i % 3) as f32;
    let (whole, _) = run(&gpu, weight).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |interrupt| Checkpoint::at(folder.path().to_owned(), Duration::MAX, interrupt);
    for stop in [3, 17] {
        let interrupt = Interrupt::new();
        let mut set = |step: u64| {
            if step >= stop {
                interrupt.set();
            }
        };
        let ended = attempt(&gpu, weight, &mut at(interrupt.clone()), &mut set);
        assert_eq!(ended.err().map(|error| error.to_string()), Some(format!("training: {Stopped}")));
    }
    let (resumed, seen) = attempt(&gpu, weight, &mut at(Interrupt::new()), &mut |_| {}).unwrap();
    assert!(seen.first().is_some_and(|&step| step > 17) && seen.last() == Some(&25), "{seen:?}");
    assert_eq!(resumed.log.iter().map(|line| line.step).collect::<Vec<_>>(), [10, 20, 25]);
    assert!((resumed.record.final_loss - whole.record.final_loss).abs() < 1e-3);
    for name in whole.weights.names() {
        let pairs = whole.weights.tensor(name).iter().zip(resumed.weights.tensor(name));
        let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-3, "{name}: {most}");
    }
}

/// One that comes late in the first epoch.
const DOCUMENT: usize = 11;

#[test]
fn both_name_the_step_whose_loss_is_not_finite() {
    let Some(gpu) = gpu() else { return };
    let [gpu, flex] = [gpu, parse("flex").unwrap()].map(|device| {
        // One document of so large a weight that its batch has no loss.
        match run(&device, |i| if i == DOCUMENT { f32::INFINITY } else { 1.0 }) {
            Err(TrainError::NotFinite { step, loss, .. }) => (step, loss.is_finite()),
            Err(error) => panic!("{}: {error}", device.description()),
            Ok(_) => panic!("{} goes on", device.description()),
        }
    });
    assert_eq!(gpu, flex);
    assert!(flex.0 > 0, "a step that others go before");
}
