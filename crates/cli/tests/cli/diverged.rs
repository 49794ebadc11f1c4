use crate::lab::{EXPERIMENT, Lab};

/// A rate and a decay that multiply every weight by -999 a step.
const WILD: &str = "[[arm]]
name = \"wild\"
[arm.train]
learning_rate = 10.0
weight_decay = 100.0
clip = 1e9
warmup = 0.0
";

#[test]
fn a_chain_that_runs_away_ends_and_the_others_go_on() {
    let lab = Lab::new();
    let (base, arms) = EXPERIMENT.split_once("[[arm]]").unwrap();
    lab.write("wild.toml", format!("{base}{WILD}[[arm]]{arms}"));
    let done = lab.works("run wild.toml --out out --device flex --jobs 2");
    for seed in [0, 1] {
        assert!(done.stderr.contains(&format!("wild/seed-{seed} ended: training: loss ")), "{}", done.stderr);
        assert!(
            done.stdout.contains(&format!("failed: wild/seed-{seed} at generation 0: training: ")),
            "{}",
            done.stdout
        );
    }
    let metrics = lab.read("out/metrics.csv");
    let wild: Vec<&str> = metrics.lines().filter(|line| line.contains(",wild,")).collect();
    assert_eq!(wild, ["little,wild,0,0,training,failed,,,,,,,,,,0", "little,wild,1,0,training,failed,,,,,,,,,,0"]);

    // The other arms are what they are without it.
    lab.works("run experiment.toml --out calm --device flex");
    let calm: Vec<&str> = metrics.lines().filter(|line| !line.contains(",wild,")).collect();
    assert_eq!(calm, lab.read("calm/metrics.csv").lines().collect::<Vec<_>>());

    let page = lab.read("out/report.html");
    assert!(page.contains("wild/seed-0") && page.contains("is not finite"), "the page does not name it");
    assert!(lab.works("run wild.toml --out out --device flex").did_nothing());
    let step = lab.works("step out --chain wild/seed-1 --generation 1 --device flex");
    assert!(step.stderr.contains("wild/seed-1 ended: training: "), "{}", step.stderr);
}

#[test]
fn a_model_that_generates_nothing_ends_its_chain() {
    let lab = Lab::new();
    // Each document is a letter, so that half of all targets are ends, and what a model guesses first.
    let line = |letter: char| format!("{{\"text\":\"{letter}\"}}\n");
    lab.write("letters.jsonl", ('a'..='z').cycle().take(3000).map(line).collect::<String>());
    let (base, _) = EXPERIMENT.split_once("[[arm]]").unwrap();
    let settings = base.replace("corpus.jsonl", "letters.jsonl").replace("vocabulary = 300", "kind = \"bytes\"");
    let settings =
        settings.replace("tokens = 5000", "tokens = 1500").replace("test_tokens = 1000", "test_tokens = 500");
    lab.write(
        "empty.toml",
        format!("{settings}[[arm]]\nname = \"greedy\"\nsample.greedy = true\n[[arm]]\nname = \"drawn\"\n"),
    );
    let words = "run empty.toml --out out --device flex";
    let done = lab.works(words);
    for seed in [0, 1] {
        let reason = format!("greedy/seed-{seed} ended: generating: all ");
        assert!(done.stderr.contains(&reason) && done.stderr.contains(" documents are empty"), "{}", done.stderr);
    }
    assert!(!lab.rows("out", "drawn", 0).is_empty(), "the other arm went on");
    let page = lab.read("out/report.html");
    assert!(page.contains("greedy/seed-0") && page.contains("documents are empty"), "the page does not name it");
    assert!(lab.works(words).did_nothing());
}

/// Worse than a table of token counts: named while the run goes on, and on the page.
#[test]
fn models_that_have_learnt_nothing_are_named() {
    let lab = Lab::new();
    let words = "run experiment.toml --device flex --set chain.seeds=[0] --out";
    let done = lab.works(&format!("{words} out --set train.learning_rate=1e-6"));
    let said = "replace/seed-0, generation 0: test loss ";
    let line = done.stderr.lines().find(|line| line.starts_with(said)).unwrap_or_else(|| panic!("{}", done.stderr));
    assert!(line.contains("the loss of token frequencies alone: the model has learnt less than that"), "{line}");
    assert_eq!(done.stderr.lines().filter(|line| line.starts_with("replace/seed-0, ")).count(), 1, "said once");
    let page = lab.read("out/report.html");
    assert!(page.contains("<b>replace/seed-0</b> from generation 0 on: "), "the page does not name it");
    lab.works(&format!("{words} calm --set train.tokens=20000 --set chain.generations=1"));
    assert!(!lab.read("calm/report.html").contains("less than token frequencies"));
}
