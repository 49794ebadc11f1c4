//! Settings by generation in runs: each step takes those of its generation, and stages are named by their plain values.

use corpus::{JsonLines, Provenance};
use experiment::Experiment;
use orchestrator::{Error, RunOptions, Summary, plan, run};
use rundir::{ChainId, GenerationRecord, RunDir, StageKind};
use std::path::Path;

const EXPERIMENT: &str = r#"
name = "schedules"
[corpus]
name = "chronicle"
tokens = 12_000
test_tokens = 3_000
questions = 6
[tokenizer]
kind = "bytes"
[model]
preset = "tiny"
width = 16
heads = 2
layers = 1
hidden = 32
context = 512
[train]
tokens = { by_generation = [4096, 8192] }
batch = 4
[sample]
tokens = 12_000
temperature = { from = 0.9, factor = 0.5, floor = 0.4 }
[chain]
generations = 4
seeds = [0]
[[arm]]
name = "fading"
recipe = { pool = { from = 1.0, factor = 0.5, floor = 0.2 }, latest = { by_generation = [1.0, 0.5, 0.75] } }
"#;

fn parse(more: &str, assignments: &[&str]) -> Experiment {
    let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
    Experiment::parse(&format!("{EXPERIMENT}{more}"), &assignments).unwrap()
}

fn options() -> RunOptions {
    RunOptions { device: "flex".into(), jobs: Some(1), ..RunOptions::default() }
}

fn go(experiment: &Experiment, out: &Path) -> Summary {
    let summary = run(experiment, out, &options(), &|_| {}).unwrap();
    assert!(summary.failed.is_empty(), "{summary:?}");
    summary
}

fn record(out: &Path, arm: &str, generation: u32) -> GenerationRecord {
    let chain = ChainId::new(arm, 0).unwrap();
    RunDir::open(out).unwrap().resolve(&chain, generation).unwrap().unwrap()
}

/// The values of a metric without dimensions, from generation 0 on.
fn values(out: &Path, arm: &str, metric: &str) -> Vec<f64> {
    let rows = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    let of = |generation: usize| {
        let row = format!("schedules,{arm},0,{generation},training,{metric},");
        rows.lines().find(|line| line.starts_with(&row))?.rsplit(',').next()?.parse().ok()
    };
    (0..).map_while(of).collect()
}

/// What the documents of a generation say of their origin.
fn provenance(out: &Path, arm: &str, generation: u32) -> Provenance {
    let id = record(out, arm, generation).stages[&StageKind::Generate];
    let stage = RunDir::open(out).unwrap().find(&id).unwrap().unwrap();
    let mut documents = JsonLines::open(&stage.path().join("documents.jsonl.zst")).unwrap();
    documents.next().unwrap().unwrap().provenance
}

#[test]
fn each_step_takes_the_settings_of_its_generation() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, resumed) = (folder.path().join("whole"), folder.path().join("resumed"));
    let experiment = parse("", &[]);
    go(&experiment, &whole);
    // Positions of a batch: 4 windows of 512.
    let steps = values(&whole, "fading", "steps");
    assert!(steps[0] < steps[1] && steps[1..].windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 1.0), "{steps:?}");
    // Of human text a half, a quarter, and the floor: 0.2 beside 0.75.
    let shares = values(&whole, "fading", "human-share");
    for (found, expected) in shares.iter().zip([1.0, 0.5, 0.25, 0.2 / 0.95]) {
        assert!((found - expected).abs() < 0.02, "{shares:?}");
    }
    assert_eq!(shares.len(), 4);
    let temperatures = [0, 1, 2].map(|of| provenance(&whole, "fading", of).sampler.unwrap().temperature);
    assert_eq!(temperatures, [0.9, 0.45, 0.4]);

    // Two generations first: the schedule goes on where they end.
    go(&parse("", &["chain.generations=2"]), &resumed);
    let summary = go(&experiment, &resumed);
    assert!(summary.found >= 8 && summary.made > 0, "{summary:?}");
    let read = |out: &Path| std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    assert!(read(&whole) == read(&resumed), "resumed chains differ");
    assert_eq!(go(&experiment, &resumed).made, 0);
}

#[test]
fn arms_whose_values_agree_share_their_stages() {
    let folder = tempfile::tempdir().unwrap();
    let arms = "[[arm]]\nname = \"list\"\nrecipe = { pool = { by_generation = [0.3, 0.5, 0.1] }, latest = 0.5 }\n\
        sample.temperature = { by_generation = [0.9, 0.45, 0.7] }\n\
        [[arm]]\nname = \"plain\"\nsample.temperature = 0.9\ntrain.tokens = 4096\n";
    go(&parse(arms, &["chain.generations=3"]), folder.path());
    let stage = |arm, generation, kind| record(folder.path(), arm, generation).stages[&kind];
    let kinds = [StageKind::Compose, StageKind::Train, StageKind::Generate];
    for kind in kinds {
        assert_eq!(stage("fading", 0, kind), stage("plain", 0, kind), "an arm without schedules shares generation 0");
        assert_eq!(stage("fading", 1, kind), stage("list", 1, kind));
        assert_ne!(stage("fading", 2, kind), stage("list", 2, kind));
    }
    assert_ne!(stage("fading", 1, StageKind::Train), stage("plain", 1, StageKind::Train));
}

#[test]
fn sizes_change_where_weights_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let grows = "[[arm]]\nname = \"grows\"\nmodel.width = { by_generation = [16, 32] }\n";
    let experiment = parse(grows, &["chain.generations=2"]);
    let planned = plan(&experiment, &options(), &|_| {}).unwrap();
    let [fading, grows] = &planned.chains[..] else { panic!("two arms") };
    assert!(fading.parameters.is_constant() && grows.parameters.at(0) < grows.parameters.at(1));
    assert!(grows.generations[1].train > 2.0 * grows.generations[0].train);
    let varying = grows.varying.iter().find(|varying| varying.key == "model.width").unwrap();
    assert_eq!(varying.values.iter().collect::<Vec<_>>(), ["16", "32"]);
    go(&experiment, folder.path());
    let width = |generation| {
        let id = record(folder.path(), "grows", generation).stages[&StageKind::Train];
        let stage = RunDir::open(folder.path()).unwrap().find(&id).unwrap().unwrap();
        model::Weights::load(&stage.path().join("model")).unwrap().config().width
    };
    assert_eq!([0, 1].map(width), [16, 32]);
    // Generation 1 is read by the smaller model of generation 0.
    let rows = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    assert!(
        rows.lines().any(|row| row.starts_with("schedules,grows,0,1,") && row.contains("step-divergence")),
        "{rows}"
    );
}

#[test]
fn a_recipe_that_a_generation_cannot_fill_is_refused_before_anything_is_trained() {
    let refused = |more: &str| match plan(&parse(more, &[]), &options(), &|_| {}) {
        Err(Error::Request(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let latest = "[[arm]]\nname = \"late\"\nrecipe.latest = { by_generation = [0.9, 0.9, 20_000] }\n";
    let reason = refused(latest);
    assert!(reason.starts_with("arm `late`: ") && reason.contains("generation 2"), "{reason}");
    let short =
        "[[arm]]\nname = \"short\"\nrecipe.latest = 0.9\nsample.tokens = { by_generation = [12_000, 12_000, 6_000] }\n";
    let reason = refused(short);
    assert!(reason.starts_with("arm `short`: ") && reason.contains("generation 3"), "{reason}");
    let batch = "[[arm]]\nname = \"wide\"\ntrain.batch = { by_generation = [4, 400] }\n";
    let reason = refused(batch);
    assert!(reason.contains("lower train.batch (in generation 1)"), "{reason}");
}
