//! The oracle and the n-gram in a transformer's place: they obey the law, they resume, they refuse what takes a transformer.

use chain::laws::{Regime, survival_written_given};
use experiment::Experiment;
use orchestrator::{RunOptions, run};
use rundir::{ChainId, Event, RunDir, StageKind};
use std::path::Path;
use std::sync::Mutex;

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
    // The n-gram is nothing where it reads a symbol that it has never read, the baselines are finite.
    let value = |row: &str| -> f64 {
        let line = rows.lines().find(|line| line.starts_with(&format!("text-learners,{row},")));
        line.unwrap_or_else(|| panic!("{row} is missing")).rsplit(',').next().unwrap().parse().unwrap()
    };
    let mut some = 0;
    for (seed, generation) in (0..8).flat_map(|seed| [(seed, 0), (seed, 1)]) {
        let of = |name: &str| format!("n-gram,{seed},{generation},test,{name}");
        let (impossible, possible) = (value(&of("impossible-documents")), value(&of("possible-loss")));
        assert!((0.0..1.0).contains(&impossible) && possible.is_finite() && has(&of("loss")) == (impossible == 0.0));
        assert!(impossible > 0.0 || value(&of("loss")) == possible);
        some += usize::from(impossible > 0.0);
    }
    println!("impossible documents in {some} of 16 generations");
    assert!(some > 0);
    let baseline = |name: &str| value(&format!("oracle,0,0,test,{name}-loss"));
    let (unigram, bigram, fourgram) = (baseline("unigram"), baseline("bigram"), baseline("fourgram"));
    println!("unigram {unigram:.3}, bigram {bigram:.3}, 4-gram {fourgram:.3}");
    assert!(fourgram < bigram && bigram < unigram && unigram < 1200_f64.ln());
    assert!((value("n-gram,0,0,test,possible-loss") - fourgram).abs() < 0.5, "a trigram and a 4-gram of one text");
    assert_eq!(value("n-gram,0,0,test,bigram-loss"), bigram, "all arms have those of the seed");
    assert!(!has("oracle,0,1,test,bigram-loss"), "they are of generation 0");
    let unread = rows.lines().filter(|line| line.contains("unparsed-documents"));
    assert!(unread.into_iter().all(|line| line.ends_with(",0")), "an oracle writes what it can parse");

    // One generation and one seed first, then all; then nothing is left to do.
    go(&parse(&["chain.generations=1", "chain.seeds=[0]"]), &resumed);
    go(&parse(&[]), &resumed);
    assert!(metrics(&resumed) == rows, "resumed chains differ");
    assert_eq!(go(&parse(&[]), &resumed).made, 0);
}

/// Two arms that share a model of generation 0 which has hardly been trained.
const UNTRAINED: &str = r#"
name = "untrained"
[corpus]
name = "chronicle"
tokens = 12_000
test_tokens = 3_000
questions = 6
[tokenizer]
kind = "bytes"
[model]
context = 512
preset = "tiny"
width = 16
heads = 2
layers = 1
hidden = 32
[train]
tokens = 4096
batch = 4
[sample]
tokens = 6_000
[chain]
generations = 3
seeds = [0]
[[arm]]
name = "replace"
[[arm]]
name = "human-refit"
recipe = "human-refit"
"#;

#[test]
fn a_model_above_the_baselines_is_told_once_and_so_are_refits_that_scatter() {
    let folder = tempfile::tempdir().unwrap();
    let notes = || {
        let notes = Mutex::new(Vec::new());
        let observer = |event: Event| {
            if let Event::Note(note) = event {
                notes.lock().unwrap().push(note);
            }
        };
        let options = RunOptions { device: "flex".into(), jobs: Some(1), ..RunOptions::default() };
        let summary = run(&Experiment::parse(UNTRAINED, &[]).unwrap(), folder.path(), &options, &observer).unwrap();
        assert!(summary.failed.is_empty(), "{summary:?}");
        notes.into_inner().unwrap()
    };
    let of =
        |notes: &[String], what: &str| notes.iter().filter(|note| note.contains(what)).cloned().collect::<Vec<_>>();
    let said = notes();
    println!("{}", said.join("\n"));
    let first = of(&said, "generation 0: test loss");
    assert!(
        first.len() == 1 && first[0].starts_with("replace/seed-0") && first[0].contains("nats a token"),
        "{said:?}"
    );
    // Nothing is left to do, so no model is met again; the refits are those of the run.
    let resumed = notes();
    assert_eq!(of(&resumed, "generation 0"), [""; 0]);
    assert_eq!(of(&resumed, "scatter"), of(&said, "scatter"));
}
