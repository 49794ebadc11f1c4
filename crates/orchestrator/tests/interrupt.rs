//! A run that is interrupted at any point and started again is the run that was never disturbed: the same rows, and the same
//! bytes in every stage.

use experiment::Experiment;
use orchestrator::{Error, RunOptions, run};
use rundir::{Event, Interrupt, RunDir, StageId, StageKind};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Stages of every kind: members, a judge that asks models, targeted synthesis, a matched temperature, a learner that counts.
const EXPERIMENT: &str = r#"
name = "resumed"
[corpus]
name = "chronicle"
tokens = 12_000
test_tokens = 3_000
questions = 6
[tokenizer]
kind = "bytes"
[model]
context = 512
[chain]
generations = 2
seeds = [0]
[[arm]]
name = "members"
members = 2
model = { preset = "tiny", width = 16, heads = 2, layers = 1, hidden = 32 }
train = { tokens = 24_576, batch = 2, checkpoint = "best", validation = 0.1 }
sample = { tokens = 6_000, entropy_match = true }
recipe = { pool = 0.5, latest = 0.2 }
curation = [{ perplexity-low = { keep = 0.8 } }]
[[arm]]
name = "targeted"
model = { preset = "tiny", width = 16, heads = 2, layers = 1, hidden = 32 }
train = { tokens = 8_192, batch = 2 }
sample = { tokens = 6_000, target = { find = "even" }, prompt_tokens = 8 }
[[arm]]
name = "n-gram"
model = { kind = "n-gram", order = 3 }
"#;

fn parse() -> Experiment {
    Experiment::parse(EXPERIMENT, &[]).unwrap()
}

/// Saves whenever twenty times the last save have passed.
fn options(interrupt: &Interrupt) -> RunOptions {
    RunOptions {
        device: "flex".into(),
        jobs: Some(1),
        interrupt: interrupt.clone(),
        checkpoint_every: Duration::ZERO,
        ..RunOptions::default()
    }
}

/// Runs the experiment, and interrupts it at the `stop`-th of the events that `counts`.
fn go(out: &Path, stop: usize, counts: &(dyn Fn(&Event) -> bool + Sync)) -> Result<orchestrator::Summary, Error> {
    let interrupt = Interrupt::new();
    let (seen, since) = (AtomicUsize::new(0), std::sync::Mutex::new(None));
    let ended = run(&parse(), out, &options(&interrupt), &|event: Event| {
        if counts(&event) && seen.fetch_add(1, Ordering::Relaxed) + 1 == stop {
            interrupt.set();
            *since.lock().unwrap() = Some(Instant::now());
        }
    });
    if let Some(since) = *since.lock().unwrap() {
        assert!(since.elapsed() < Duration::from_secs(10), "it took {:?} to end", since.elapsed());
    }
    ended
}

/// The rows of a run, and the names and checksums of all files of all stages.
type Content = (String, BTreeMap<String, Vec<(String, String)>>);

fn content(out: &Path) -> Content {
    let dir = RunDir::open(out).unwrap();
    let mut stages = BTreeMap::new();
    for entry in std::fs::read_dir(out.join("stages")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stage = dir.find(&name.parse::<StageId>().unwrap_or_else(|_| panic!("{name} is left"))).unwrap().unwrap();
        stage.verify().unwrap();
        stages.insert(name, stage.files().iter().map(|file| (file.name.clone(), file.sha256.clone())).collect());
    }
    (std::fs::read_to_string(out.join("metrics.csv")).unwrap(), stages)
}

fn checkpoints(out: &Path) -> usize {
    std::fs::read_dir(out.join("checkpoints")).map_or(0, |entries| entries.count())
}

fn assert_same(out: &Path, whole: &Content) {
    let found = content(out);
    for (name, files) in &whole.1 {
        assert_eq!(found.1.get(name), Some(files), "{name}");
    }
    assert!(found == *whole);
    assert_eq!(checkpoints(out), 0, "finished stages need no checkpoints");
}

#[test]
fn a_run_that_is_interrupted_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let summary = go(&whole, usize::MAX, &|_| false).unwrap();
    assert!(summary.failed.is_empty(), "{summary:?}");
    let whole = content(&whole);
    let kinds = [StageKind::Train, StageKind::Generate, StageKind::Judge, StageKind::Score];
    for kind in kinds {
        assert!(whole.1.keys().any(|name| name.starts_with(&format!("{kind}-"))), "no {kind} stage");
    }
    // In every kind of stage, some way in.
    let mut saved = 0;
    for (kind, stops) in
        [(StageKind::Train, &[1, 25][..]), (StageKind::Generate, &[7, 60]), (StageKind::Score, &[1, 2])]
    {
        for &stop in stops {
            let out = folder.path().join(format!("{kind}-{stop}"));
            let working = |event: &Event| matches!(event, Event::Working { kind: of, .. } if *of == kind);
            let ended = go(&out, stop, &working);
            assert!(matches!(ended, Err(Error::Interrupted)), "{kind}, {stop}: {ended:?}");
            saved += checkpoints(&out);
            go(&out, usize::MAX, &|_| false).unwrap();
            assert_same(&out, &whole);
        }
    }
    assert!(saved > 0);
}

#[test]
fn a_run_that_is_interrupted_again_and_again_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, often] = ["whole", "often"].map(|name| folder.path().join(name));
    go(&whole, usize::MAX, &|_| false).unwrap();
    let working = |event: &Event| matches!(event, Event::Working { .. });
    let mut attempts = 0;
    while let Err(error) = go(&often, 5 + attempts % 9, &working) {
        assert!(matches!(error, Error::Interrupted), "{error}");
        attempts += 1;
        assert!(attempts < 100, "it does not come to its end");
    }
    assert!(attempts > 3, "{attempts}");
    assert_same(&often, &content(&whole));
}

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    go(&whole, usize::MAX, &|_| false).unwrap();
    for stop in [10, 30, 40] {
        let seen = AtomicUsize::new(0);
        let observer = |event: Event| {
            // A panic while several threads decode would leave the others waiting; a killed process has no others.
            let counts = matches!(event, Event::Working { kind: StageKind::Train | StageKind::Score, .. });
            assert!(!counts || seen.fetch_add(1, Ordering::Relaxed) < stop, "killed");
        };
        let ended =
            catch_unwind(AssertUnwindSafe(|| run(&parse(), &killed, &options(&Interrupt::new()), &observer).is_ok()));
        assert!(ended.is_err(), "it ended before event {stop}");
    }
    go(&killed, usize::MAX, &|_| false).unwrap();
    assert_same(&killed, &content(&whole));
}
