//! `habsburg tune`: a rate for one's own text, on seeds that results do not use.

use crate::lab::Lab;

#[test]
fn a_rate_is_found_and_written_and_nothing_is_trained_twice() {
    let lab = Lab::new();
    let words =
        "tune experiment.toml --out trials --optimizer adamw,muon --seeds 1000 --set train.tokens=2000 --device flex";
    let done = lab.works(words);
    assert_eq!(done.stdout.matches("<- best").count(), 2, "one for each optimizer: {}", done.stdout);
    let best = done.stdout.lines().find_map(|line| line.strip_prefix("Best: ")).unwrap();
    // The file with what was found runs, and says so.
    let tuned: toml::Table = lab.read("trials/tuned.toml").parse().unwrap();
    let (optimizer, rate) = (tuned["train"]["optimizer"].as_str().unwrap(), &tuned["train"]["learning_rate"]);
    assert_eq!(best, format!("optimizer = \"{optimizer}\", learning_rate = {rate}"));
    lab.write("tuned.toml", lab.read("trials/tuned.toml"));
    lab.works("plan tuned.toml");
    // Every trial stands in the rows, with the loss that the table shows, on the seed of tuning alone.
    let metrics = lab.read("trials/metrics.csv");
    let losses = metrics.lines().filter(|line| line.contains(",training,validation-loss,")).count();
    let shown =
        done.stdout.lines().filter(|line| ["adamw ", "muon "].iter().any(|name| line.starts_with(name))).count();
    assert!(losses == shown && losses >= 14, "{losses} losses, {shown} shown");
    assert!(metrics.lines().skip(1).all(|line| line.split(',').nth(2) == Some("1000")));
    // Again: the same answer from what is there.
    let stages = lab.files("trials/stages");
    assert_eq!(lab.works(words).stdout, done.stdout);
    assert!(lab.files("trials/stages") == stages, "no stage is made again");
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let lab = Lab::new();
    lab.refuses("tune experiment.toml --seeds 3", "seed 3: results are for seeds below 1000");
    lab.refuses("tune missing.toml", "missing.toml");
    lab.refuses("tune experiment.toml --set model.kind=\"n-gram\" --set train.batch=4", "");
    let done = lab.call("tune experiment.toml --optimizer sgd");
    assert!(done.code == Some(2) && done.stderr.contains("[possible values: adamw, muon]"), "{}", done.stderr);
}
