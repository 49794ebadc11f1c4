use crate::lab::Lab;
use serde_json::Value;

#[test]
fn a_plan_says_what_a_run_does() {
    let lab = Lab::new();
    let before = lab.files("");
    let shown = lab.works("plan experiment.toml --device flex").stdout;
    assert!(shown.contains("little: 4 chains, 2 generations each"), "{shown}");
    let plan: Value = serde_json::from_str(&lab.works("plan experiment.toml --json --device flex").stdout).unwrap();
    crate::lab::assert_same(&before, &lab.files(""), "plan");
    assert_eq!((&plan["experiment"], &plan["count"]), (&"little".into(), &4.into()));
    assert_eq!(plan["chains"][1]["recipe"], "accumulate");
    let steps = plan["chains"][1]["generations"][1]["steps"].as_f64().unwrap();

    lab.works("run experiment.toml --out out --device flex");
    // A plan knows how full human text makes the windows, and takes generated text to fill them alike.
    let taken = lab.rows("out", "accumulate", 0)["1,training,steps,"];
    assert!((taken / steps - 1.0).abs() < 0.05, "{taken} steps taken, {steps} planned");
}

#[test]
fn steps_in_any_order_of_chains_come_to_the_same() {
    let lab = Lab::new();
    lab.works("run experiment.toml --out whole --device flex");
    lab.works("plan experiment.toml --out out --device flex");
    let step =
        |chain: &str, generation: u32| format!("step out --chain {chain} --generation {generation} --device flex");
    lab.refuses(&step("replace/seed-1", 1), "replace/seed-1: generation 0 is not there yet");
    lab.works(&step("accumulate/seed-1", 0));
    lab.refuses(&step("replace/seed-0", 1), "replace/seed-0: generation 0 is not there yet");
    assert_eq!(lab.works(&step("replace/seed-1", 0)).made(), 0, "the arms share generation 0");
    for (chain, generation) in [
        ("accumulate/seed-1", 1),
        ("replace/seed-0", 0),
        ("replace/seed-0", 1),
        ("replace/seed-1", 1),
        ("accumulate/seed-0", 0),
        ("accumulate/seed-0", 1),
    ] {
        lab.works(&step(chain, generation));
    }
    assert_eq!(lab.works(&step("accumulate/seed-0", 1)).made(), 0);
    // Many may take steps at once, so none of them writes the metrics.
    assert!(!lab.path("out/metrics.csv").exists());
    assert!(lab.works("verify out --repair").stdout.contains("metrics.csv: derived again"));
    assert!(lab.read("out/metrics.csv") == lab.read("whole/metrics.csv"));
    assert_eq!(lab.stages("out"), lab.stages("whole"));

    let table = lab.works("report out").stdout;
    assert!(table.starts_with("Test perplexity, mean over seeds\n"), "{table}");
    assert!(lab.page("out") == lab.page("whole"));
    assert!(lab.works("run experiment.toml --out out --device flex").did_nothing());
}

#[test]
fn chains_and_generations_that_are_not_there() {
    let lab = Lab::new();
    lab.works("plan experiment.toml --out out --device flex");
    lab.refuses(
        "step out --chain replace/seed-7 --generation 0 --device flex",
        "this run has replace/seed-0, replace/seed-1",
    );
    lab.refuses("step out --chain ..x/seed-0 --generation 0 --device flex", "is not a usable name");
    lab.refuses("step out --chain replace --generation 0 --device flex", "is not a chain such as replace/seed-0");
    lab.refuses("step out --chain replace/seed-0 --generation 2 --device flex", "this run has 0 to 1");
    lab.refuses("step nowhere --chain replace/seed-0 --generation 0 --device flex", "is not a run directory");
    lab.refuses("report out", "has no metrics.csv yet");
}

#[test]
fn runs_are_compared_and_reported_elsewhere() {
    let lab = Lab::new();
    lab.works("run experiment.toml --out a --device flex --set chain.generations=1");
    lab.works("run experiment.toml --out b --device flex --set chain.generations=1 --set train.tokens=2000");
    let table = lab.works("compare a b").stdout;
    let arms = table.lines().filter(|line| line.contains("replace") || line.contains("accumulate")).count();
    assert_eq!((arms, table.lines().count()), (4, 5), "{table}");
    let told = lab.works("compare a b --out pages/both.html").stdout;
    assert!(told.starts_with(&table) && told.ends_with("Page: pages/both.html\n"), "{told}");
    assert!(lab.read("pages/both.html").contains("What differs"));
    lab.works("report a --out pages/a.html");
    assert!(lab.read("pages/a.html") == lab.read("a/report.html"));
    lab.refuses("report corpus.jsonl", "is not a run directory");
    lab.refuses("report pages", "is not a run directory");
    lab.refuses("compare a nowhere", "is not a run directory");
    lab.refuses("report a --out experiment.toml/x.html", "cannot create");
}
