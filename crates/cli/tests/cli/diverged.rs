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
