//! A run that is stopped and goes on from its checkpoint: on the CPU the bits of one that was never stopped.

use corpus::{Windows, pack};
use model::{Settings as ModelSettings, Weights};
use ops::Precision;
use rundir::{Checkpoint, Interrupt, Stopped};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;
use streams::Streams;
use training::{Checkpoint as Kept, OptimizerKind, Run, Settings, TrainError, Trained};

const STEPS: u64 = 25;
/// Of a window: a document of twelve ids and its end.
const TARGETS: u64 = 13;

fn windows(count: u32) -> Windows {
    let documents: Vec<Vec<u32>> = (0..count).map(|i| (0..12).map(|p| 1 + (i * 5 + p * 3) % 23).collect()).collect();
    let weighed = documents.iter().enumerate().map(|(i, ids)| (ids.as_slice(), false, 0.5 + (i % 3) as f32));
    pack(weighed, 16, 0)
}

/// Twenty-five steps, nearly three epochs of nine; interrupted after the step `stop`.
fn run(settings: &Settings, checkpoint: &Path, stop: u64) -> Result<Trained, TrainError> {
    let interrupt = Interrupt::new();
    let mut checkpoint = Checkpoint::at(checkpoint.to_owned(), Duration::MAX, interrupt.clone());
    attempt(settings, &mut checkpoint, &mut |step| {
        if step == stop {
            interrupt.set();
        }
    })
}

fn attempt(
    settings: &Settings,
    checkpoint: &mut Checkpoint,
    after: &mut dyn FnMut(u64),
) -> Result<Trained, TrainError> {
    let sizes = ModelSettings {
        preset: "tiny".into(),
        width: Some(32),
        heads: Some(2),
        context: Some(16),
        ..ModelSettings::default()
    };
    let (streams, device) = (Streams::new(7), ops::device::parse("flex").unwrap().device());
    let start = Weights::initialise(&sizes.resolve(24).unwrap(), &streams, 0);
    let (training, held_out) = (windows(36), windows(6));
    let run = Run { validation: Some(&held_out), ..Run::new(&training, settings, &streams, &device) };
    run.train(start, checkpoint, &mut |progress| after(progress.step))
}

fn settings(keep: Kept, precision: Precision) -> Settings {
    Settings {
        tokens: Some(STEPS * 4 * TARGETS),
        batch: Some(4),
        learning_rate: Some(0.01),
        checkpoint: keep,
        precision,
        ..Settings::default()
    }
}

fn assert_same(found: &Trained, whole: &Trained) {
    assert_eq!(found.weights.hash(), whole.weights.hash());
    assert_eq!((&found.record, &found.log), (&whole.record, &whole.log));
}

#[test]
fn a_resumed_run_is_the_undisturbed_one() {
    let flex = ops::device::parse("flex").unwrap();
    for precision in [Precision::Float32, Precision::Bfloat16, Precision::Float16] {
        if flex.supports(precision).is_err() {
            continue;
        }
        for (keep, optimizer) in [(Kept::Best, OptimizerKind::Muon), (Kept::Last, OptimizerKind::AdamW)] {
            let settings = Settings { optimizer, ..settings(keep, precision) };
            let folder = tempfile::tempdir().unwrap();
            let whole = run(&settings, &folder.path().join("whole"), u64::MAX).unwrap();
            assert_eq!(whole.record.steps, STEPS);
            assert!(!folder.path().join("whole").exists(), "nothing was due");
            for stop in [1, 3, 9, 10, 18, 24] {
                let place = folder.path().join(format!("stopped-{stop}"));
                assert_eq!(run(&settings, &place, stop).err(), Some(TrainError::Stopped(Stopped)), "{stop}");
                assert!(place.is_dir());
                assert_same(&run(&settings, &place, u64::MAX).unwrap(), &whole);
            }
            // Stopped three times.
            let place = folder.path().join("often");
            for stop in [2, 11, 20] {
                assert_eq!(run(&settings, &place, stop).err(), Some(TrainError::Stopped(Stopped)));
            }
            assert_same(&run(&settings, &place, u64::MAX).unwrap(), &whole);
        }
    }
}

/// What is saved on the way is as good as what an interrupt leaves.
#[test]
fn a_killed_run_goes_on_from_its_last_save() {
    let settings = settings(Kept::Best, Precision::Float32);
    let folder = tempfile::tempdir().unwrap();
    let whole = run(&settings, &folder.path().join("whole"), u64::MAX).unwrap();
    for kill in [2, 12, 23] {
        let mut steps = Vec::new();
        let saving = || Checkpoint::at(folder.path().join(format!("killed-{kill}")), Duration::ZERO, Interrupt::new());
        let killed = catch_unwind(AssertUnwindSafe(|| {
            attempt(&settings, &mut saving(), &mut |step| {
                // Twenty times what a save takes.
                std::thread::sleep(Duration::from_millis(5));
                assert!(step < kill, "killed");
            })
        }));
        assert!(killed.is_err());
        assert_same(&attempt(&settings, &mut saving(), &mut |step| steps.push(step)).unwrap(), &whole);
        assert!(steps[0] > 1 && steps.last() == Some(&STEPS), "killed at {kill}, it went on at {}", steps[0]);
    }
}

#[test]
fn a_checkpoint_that_does_not_fit_is_left_alone() {
    let settings = settings(Kept::Last, Precision::Float32);
    let folder = tempfile::tempdir().unwrap();
    let [whole, place] = ["whole", "stopped"].map(|name| folder.path().join(name));
    let whole = run(&settings, &whole, u64::MAX).unwrap();
    assert!(run(&settings, &place, 12).is_err());
    // A run with another rate begins again.
    let other = Settings { learning_rate: Some(0.005), ..settings.clone() };
    let fresh = run(&other, &folder.path().join("other"), u64::MAX).unwrap();
    assert_same(&run(&other, &place, u64::MAX).unwrap(), &fresh);
    // So does one whose checkpoint is damaged.
    let file = fs::read_dir(&place).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&file).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], &[bytes.clone(), vec![0]].concat()[..], &[]] {
        fs::write(&file, damaged).unwrap();
        assert_same(&run(&settings, &place, u64::MAX).unwrap(), &whole);
    }
}
