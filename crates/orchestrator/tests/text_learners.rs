//! The oracle and the n-gram in a transformer's place: they obey the law, they resume, they refuse what takes a transformer.

use chain::laws::{Regime, survival_written_given};
use experiment::Experiment;
use orchestrator::{RunOptions, run};
use rundir::{ChainId, RunDir, StageKind};
use std::path::Path;

const EXPERIMENT: &str = r#"
name = "text-learners"
[corpus]
name = "chronicle"
tokens = 30_000
test_tokens = 5_000
[tokenizer]
vocabulary = 1200
[model]
context = 64
[chain]
generations = 2
seeds = [0, 1, 2, 3, 4, 5, 6, 7]
[[arm]]
name = "oracle"
model = { kind = "oracle" }
[[arm]]
name = "n-gram"
model = { kind = "n-gram", order = 3 }
"#;

fn parse(assignments: &[&str]) -> Experiment {
    let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
    Experiment::parse(EXPERIMENT, &assignments).unwrap()
}

fn go(experiment: &Experiment, out: &Path) -> orchestrator::Summary {
    let options = RunOptions { device: "flex".into(), ..RunOptions::default() };
    run(experiment, out, &options, &|_| {}).unwrap()
}

fn metrics(out: &Path) -> String {
    std::fs::read_to_string(out.join("metrics.csv")).unwrap()
}

/// Of facts that one to five human documents hold, the mean over seeds of how much larger a share is alive than the law
/// says, and its standard error.
fn above_the_law(out: &Path, arm: &str, generation: u32) -> (f64, f64) {
    let dir = RunDir::open(out).unwrap();
    let of_seed = |seed: u64| {
        let record = dir.resolve(&ChainId::new(arm, seed).unwrap(), generation).unwrap().unwrap();
        let stage = dir.find(&record.stages[&StageKind::Score]).unwrap().unwrap();
        let text = std::fs::read_to_string(stage.path().join("survivors.json")).unwrap();
        let facts = &serde_json::from_str::<serde_json::Value>(&text).unwrap()["facts"];
        let ratio = facts["generated"].as_f64().unwrap() / facts["human"].as_f64().unwrap();
        let (mut all, mut above) = (0.0, 0.0);
        for class in facts["classes"].as_array().unwrap() {
            let [count, types, alive] = [0, 1, 2].map(|at| class[at].as_f64().unwrap());
            if count <= 5.0 {
                let law = survival_written_given(Regime::Replace, 1.0, 0.0, count * ratio, generation);
                (all, above) = (all + types, above + alive - types * law);
            }
        }
        assert!(all > 500.0, "{all} facts are too few");
        above / all
    };
    let found: Vec<f64> = (0..8).map(of_seed).collect();
    let mean = found.iter().sum::<f64>() / 8.0;
    let spread = found.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / 7.0;
    (mean, (spread / 8.0).sqrt())
}

#[test]
fn they_obey_the_law_and_resume() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, resumed) = (folder.path().join("whole"), folder.path().join("resumed"));
    let all = go(&parse(&[]), &whole);
    assert!(all.failed.is_empty(), "{all:?}");
    for generation in [0, 1] {
        let (above, error) = above_the_law(&whole, "oracle", generation);
        println!("oracle, generation {generation}: {above:.4} ± {error:.4} above the law");
        assert!(above.abs() < 4.0 * error && error < 0.01, "generation {generation}: {above} ± {error}");
    }
    let (above, error) = above_the_law(&whole, "n-gram", 1);
    println!("n-gram, generation 1: {above:.4} ± {error:.4} above the law");

    let rows = metrics(&whole);
    let has = |row: &str| rows.lines().any(|line| line.starts_with(&format!("text-learners,{row},")));
    for row in
        ["oracle,0,1,training,unparsed-documents", "n-gram,0,1,test,impossible-documents", "oracle,0,0,training,tokens"]
    {
        assert!(has(row), "{row} is missing");
    }
    for row in [
        "oracle,0,0,test,loss",
        "oracle,0,0,training,steps",
        "n-gram,0,0,training,final-loss",
        "n-gram,0,0,asked,recall",
    ] {
        assert!(!rows.contains(&format!("text-learners,{row},")), "{row}");
    }
    let unread = rows.lines().filter(|line| line.contains("unparsed-documents"));
    assert!(unread.into_iter().all(|line| line.ends_with(",0")), "an oracle writes what it can parse");

    // One generation and one seed first, then all; then nothing is left to do.
    go(&parse(&["chain.generations=1", "chain.seeds=[0]"]), &resumed);
    go(&parse(&[]), &resumed);
    assert!(metrics(&resumed) == rows, "resumed chains differ");
    assert_eq!(go(&parse(&[]), &resumed).made, 0);
}
