//! The bytes of a tiny stage of each kind are pinned. Code that fills a stage with other bytes has another `VERSION`, so that
//! runs of earlier builds are not mixed with it.

use experiment::Experiment;
use orchestrator::{RunOptions, run};
use rundir::{ChainId, GenerationRecord, RunDir, StageId, StageKind};
use sha2::{Digest, Sha256};
use std::path::Path;

/// One arm fills a stage of each kind with transformers, the others with learners that count.
const EXPERIMENT: &str = r#"
name = "pinned"
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
name = "transformers"
members = 2
model = { preset = "tiny", width = 16, heads = 2, layers = 1, hidden = 32 }
train = { tokens = 4096, batch = 4 }
sample = { tokens = 6_000, temperature = 0.7 }
recipe = { pool = 0.5, latest = 0.2 }
curation = [{ filter-by-label = { passes = 0.5 } }]
[[arm]]
name = "n-gram"
model = { kind = "n-gram", order = 3 }
[[arm]]
name = "oracle"
model = { kind = "oracle" }
"#;

/// The kind of a stage, the file with its `VERSION`, that version, and SHA-256 over the names and bytes of its files.
type Pin = (&'static str, StageKind, &'static str, u32, &'static str);

/// Of format 3: documents are named by the stage of their model, whose name holds the format.
const PINS: &[Pin] = &[
    ("transformers", StageKind::Prepare, "text/prepare.rs", 1, "315fd7379e673384"),
    ("transformers", StageKind::Judge, "steps/judge.rs", 2, "df60598bf9269af6"),
    ("transformers", StageKind::Compose, "steps/compose.rs", 3, "6d0ad433afb41df4"),
    ("transformers", StageKind::Train, "steps/train.rs", 4, "45d9290d0cbe48ce"),
    ("transformers", StageKind::Generate, "steps/generate.rs", 3, "ee581ee59c01a44e"),
    ("transformers", StageKind::Pool, "steps/generate.rs (POOL_VERSION)", 1, "8bdfd89e8784f5db"),
    ("transformers", StageKind::Score, "steps/score.rs", 4, "ff0c408af00d548a"),
    ("n-gram", StageKind::Train, "steps/counting.rs", 1, "02403a45433ce20c"),
    ("n-gram", StageKind::Generate, "steps/counting.rs", 1, "e382f764ca2e3b92"),
    ("n-gram", StageKind::Score, "steps/score.rs", 4, "c140b724b0abc130"),
    ("oracle", StageKind::Train, "steps/counting.rs", 1, "e20acc70976b8043"),
    ("oracle", StageKind::Generate, "steps/counting.rs", 1, "14ea0b181861275c"),
    ("oracle", StageKind::Score, "steps/score.rs", 4, "2dca78070151af1b"),
];

/// The instruction set whose roundings are pinned. On others transformers differ in their last bits, and so do the stages
/// that come of them; there only their versions are checked.
const INSTRUCTIONS: &str = "x86-64-v4";

/// SHA-256 over the names and bytes of a stage's files, in the order of the names.
fn digest(dir: &RunDir, id: &StageId) -> String {
    let stage = dir.find(id).unwrap().unwrap();
    stage.verify().unwrap();
    let mut hash = Sha256::new();
    stage.files().iter().for_each(|file| hash.update(format!("{} {}\n", file.name, file.sha256)));
    hex::encode(hash.finalize())[..16].to_owned()
}

/// Runs the experiment, and gives each arm's record of generation 1.
fn records(out: &Path) -> impl Fn(&str) -> GenerationRecord {
    let options = RunOptions { device: "flex".into(), jobs: Some(1), ..RunOptions::default() };
    let summary = run(&Experiment::parse(EXPERIMENT, &[]).unwrap(), out, &options, &|_| {}).unwrap();
    assert!(summary.failed.is_empty(), "{summary:?}");
    let dir = RunDir::open(out).unwrap();
    move |arm| dir.resolve(&ChainId::new(arm, 0).unwrap(), 1).unwrap().unwrap()
}

#[test]
fn the_bytes_of_every_kind_of_stage_are_pinned() {
    let has_pins = ops::instruction_set() == INSTRUCTIONS;
    if !has_pins {
        println!("transformers' bytes are pinned for {INSTRUCTIONS}; this CPU has {}", ops::instruction_set());
    }
    let folder = tempfile::tempdir().unwrap();
    let record = records(folder.path());
    let dir = RunDir::open(folder.path()).unwrap();
    let mut wrong = String::new();
    for &(arm, kind, file, version, pinned) in PINS {
        let record = record(arm);
        let id = if kind == StageKind::Judge { record.verdicts[0] } else { record.stages[&kind] };
        // A record does not say the version of a prepare stage: its medium has it.
        let (found, versions) = (digest(&dir, &id), &record.made_from.versions);
        let found_version = versions.get(&kind).copied().unwrap_or(version);
        if found_version != version {
            wrong += &format!("{arm}, {kind}: {file} has version {found_version}; pin it with the bytes {found}\n");
        } else if found != pinned && (has_pins || arm != "transformers" || kind == StageKind::Prepare) {
            wrong += &format!("{arm}, {kind}: other bytes ({found}, pinned {pinned}); bump VERSION in {file}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
