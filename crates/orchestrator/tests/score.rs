//! How often the costliest measures are taken, and what is left of them then.

use evaluation::Measure;
use experiment::Experiment;
use orchestrator::{RunOptions, run};
use rundir::{ChainId, RunDir, StageKind};
use std::path::Path;

const EXPERIMENT: &str = r#"
name = "every"
[corpus]
name = "chronicle"
tokens = 12_000
test_tokens = 3_000
questions = 6
[tokenizer]
kind = "bytes"
[model]
preset = "tiny"
context = 512
width = 16
heads = 2
layers = 1
hidden = 32
[train]
tokens = 8192
batch = 4
[chain]
generations = 4
seeds = [0]
[[arm]]
name = "replace"
"#;

/// The measures of each generation, and the key of its score stage.
fn measured(out: &Path, assignments: &[String]) -> Vec<(Vec<Measure>, String)> {
    let options = RunOptions { device: "flex".into(), jobs: Some(1), ..RunOptions::default() };
    let summary = run(&Experiment::parse(EXPERIMENT, assignments).unwrap(), out, &options, &|_| {}).unwrap();
    assert!(summary.failed.is_empty(), "{summary:?}");
    let (dir, chain) = (RunDir::open(out).unwrap(), ChainId::new("replace", 0).unwrap());
    let of = |generation| {
        let record = dir.resolve(&chain, generation).unwrap().unwrap();
        let stage = dir.find(&record.stages[&StageKind::Score]).unwrap().unwrap();
        let measures = serde_json::from_slice(&stage.read("metrics.json").unwrap()).unwrap();
        (measures, record.stages[&StageKind::Score].to_string())
    };
    (0..4).map(of).collect()
}

#[test]
fn models_read_text_as_often_as_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let [all, some] = ["all", "some"].map(|name| folder.path().join(name));
    let all = measured(&all, &[]);
    let some = measured(&some, &["score.every=2".to_owned()]);
    let of_reading = |measure: &&Measure| {
        let names = ["perplexity", "document-perplexity", "documents-read", "mauve", "vendi", "step-divergence"];
        measure.metric.set == evaluation::Set::Generated && names.contains(&measure.metric.name)
    };
    for (generation, ((all, key), (some, other))) in all.iter().zip(&some).enumerate() {
        let read = generation != 1;
        assert!(all.iter().any(|measure| of_reading(&measure)), "{generation}");
        assert_eq!(some.iter().any(|measure| of_reading(&measure)), read, "{generation}");
        // Everything else is the same, and where everything is measured the stage is.
        let left: Vec<&Measure> = all.iter().filter(|measure| read || !of_reading(measure)).collect();
        assert_eq!(some.iter().collect::<Vec<_>>(), left, "{generation}");
        assert_eq!(key == other, read, "{generation}");
    }
}
