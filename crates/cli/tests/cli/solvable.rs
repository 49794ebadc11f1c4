//! Learners that can be solved, in the same files.

use crate::lab::Lab;

const DRIFT: &str = r#"
name = "drift"
[model]
kind = "gaussian"
draws = 20
estimator = "biased"
[chain]
generations = 30
seeds = [0, 1, 2]
[[arm]]
name = "replace"
[[arm]]
name = "accumulate"
recipe = "accumulate"
[[arm]]
name = "golden"
recipe = "golden-ratio"
"#;

/// The mean over seeds of an arm's metric.
fn mean(metrics: &str, arm: &str, generation: u32, metric: &str) -> f64 {
    let rows = metrics.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let is_it = |row: &Vec<&str>| row[1] == arm && row[3] == generation.to_string() && row[5] == metric;
    let values: Vec<f64> = rows.filter(is_it).map(|row| row.last().unwrap().parse().unwrap()).collect();
    assert!(!values.is_empty(), "no {metric} of {arm} in generation {generation}");
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_learner_that_can_be_solved_writes_the_same_run_directory() {
    let lab = Lab::new();
    lab.write("drift.toml", DRIFT);
    let plan = lab.works("plan drift.toml").stdout;
    assert!(plan.contains("9 chains, 30 generations each"), "{plan}");
    lab.works("run drift.toml --out out --progress none");
    let metrics = lab.read("out/metrics.csv");
    assert!(metrics.starts_with(
        "experiment,arm,seed,generation,set,metric,member,reference,sample,order,unit,band,source,defence,part,value\n"
    ));
    // On average (1 - 1/20)^30 = .21 against ∏(1 - 1/(20 i²)) = .92; a typical chain of replace has far less.
    let variance = |arm| mean(&metrics, arm, 29, "variance");
    assert!(variance("replace") < 0.1 && variance("accumulate") > 0.3 && variance("golden") > 0.3, "{metrics}");
    assert!(lab.path("out/report.html").exists());
    let info: serde_json::Value = serde_json::from_str(&lab.read("out/run.json")).unwrap();
    assert_eq!(info["backend"], "exact");

    lab.write("again.toml", lab.read("out/experiment.toml"));
    assert!(!lab.read("again.toml").contains("corpus") && lab.read("again.toml").contains("sampling_bias = 1.0"));
    assert!(lab.works("run again.toml --out out").did_nothing());
    lab.works("run drift.toml --out out --progress none --set chain.seeds=[3]");
    let more = lab.read("out/metrics.csv");
    assert!(metrics.lines().all(|line| more.contains(line)) && more.contains(",replace,3,29,"));
    lab.refuses("run drift.toml --out out --set model.draws=21", "holds another experiment: arm `replace`.model.draws");
    lab.refuses("plan drift.toml --out steps", "model.kind = \"gaussian\" has no stages");
    lab.refuses("step out --chain replace/seed-0 --generation 0", "has no stages");
}

#[test]
fn a_grid_of_them_and_a_chain_that_ends() {
    let lab = Lab::new();
    lab.write(
        "grid.toml",
        "name = \"grid\"\n[model]\nkind = \"categorical\"\ntypes = 50\n[chain]\ngenerations = 5\nseeds = [0]\n\
         [sweep]\nsample.temperature = [0.7, 1.0]\nmodel.draws = [100, 1000]\n",
    );
    lab.works("run grid.toml --out out --progress none");
    let metrics = lab.read("out/metrics.csv");
    let support = |arm| mean(&metrics, arm, 4, "support");
    assert!(support("temperature-0.7_draws-1000") < support("temperature-1.0_draws-1000"));
    assert!(support("temperature-1.0_draws-100") < support("temperature-1.0_draws-1000"));
}

#[test]
fn wrong_requests() {
    let lab = Lab::new();
    lab.write("drift.toml", DRIFT);
    for (assignment, why) in [
        ("model.kind=\"gausian\"", "model.kind = \"gausian\": did you mean \"gaussian\"? (one of transformer, "),
        ("model.drws=5", "model.drws: unknown key for model.kind = \"gaussian\"; did you mean `draws`?"),
        ("kind=\"gaussian\"", "kind: unknown key"),
        (
            "model.kind=\"categorical\"",
            "model.estimator: unknown key for model.kind = \"categorical\"; a gaussian has it",
        ),
        ("model.draws=0", "draws = 0"),
        ("model.width=5", "model.width: unknown key for model.kind = \"gaussian\"; a transformer has it"),
        ("corpus.name=\"sotu\"", "corpus: unknown key"),
        ("train.start=\"latest\"", "train: unknown key"),
        ("members=2", "members: unknown key"),
        ("sample.tokens=5", "sample.tokens: unknown key"),
        ("sample.top_k=5", "sample.top_k: unknown key for model.kind = \"gaussian\"; a transformer, "),
        ("sample.temperature=0", "temperature = 0"),
        ("recipe={pool=21}", "recipe.pool cannot be filled in generation 1"),
        ("sweep.train.clip=[1.0]", "train: unknown key for model.kind = \"gaussian\"; a transformer has it"),
    ] {
        lab.refuses(&format!("run drift.toml --out out --set {assignment}"), why);
        lab.refuses(&format!("plan drift.toml --set {assignment}"), why);
    }
    lab.write("ngram.toml", DRIFT.replace("gaussian", "markov").replace("estimator = \"biased\"", ""));
    lab.refuses("plan ngram.toml", "counts whole documents; leave weights out");
    lab.refuses("run experiment.toml --out out --set model.draws=5", "model.draws: unknown key; ");
}
