//! The README's first command, whole: four arms, three seeds, six generations, 2 to 4 minutes on two cores.

use crate::lab::Lab;

/// Mean over seeds of the test loss (nats per token) of an arm's generation.
fn test_loss(metrics: &str, arm: &str, generation: u32) -> f64 {
    let of_seed = |seed: u32| -> f64 {
        let begin = format!("quickstart,{arm},{seed},{generation},test,loss,");
        // The row without dimensions: nothing but commas before its value.
        let mut rows =
            metrics.lines().filter_map(|line| line.strip_prefix(&begin)?.trim_start_matches(',').parse().ok());
        rows.next().unwrap_or_else(|| panic!("no row {begin}"))
    };
    [0, 1, 2].map(of_seed).iter().sum::<f64>() / 3.0
}

/// Replacing human text is worse than adding to it, and that is worse than training on the human text again.
#[test]
fn the_quickstart_shows_collapse_and_what_prevents_it() {
    if std::env::var("HABSBURG_REQUIRE").as_deref() != Ok("1") {
        eprintln!("skipped: the whole quickstart takes minutes; HABSBURG_REQUIRE=1 runs it");
        return;
    }
    let lab = Lab::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments/quickstart.toml");
    let done = lab.works(&format!("run {file} --out out --device flex --jobs 2"));
    assert!(lab.read("out/report.html").contains("replace"), "{}", done.stdout);
    let metrics = lab.read("out/metrics.csv");
    let [replace, accumulate, mixed, control] =
        ["replace", "accumulate", "ten-percent-human", "human-refit"].map(|arm| test_loss(&metrics, arm, 5));
    let first = test_loss(&metrics, "replace", 0);
    // The distances are 0.2 to 0.5 nats; seeds differ by a tenth of that.
    let shown = format!("replace {replace}, accumulate {accumulate}, control {control}, generation 0 {first}");
    assert!(replace > accumulate + 0.1, "{shown}");
    assert!(accumulate > control + 0.05, "{shown}");
    assert!(replace > mixed, "{shown}, ten percent human {mixed}");
    assert!((control - first).abs() < 0.05, "{shown}");
}
