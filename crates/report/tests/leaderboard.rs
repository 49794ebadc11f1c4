//! The leaderboard of runs whose numbers are known.

mod support;

use evaluation::Dimension::{Order, Part, Reference, Sample};
use rundir::{ChainId, Error, GenerationRecord, Role, RunDir, StageId, StageKind};
use std::fs;
use std::path::PathBuf;
use support::By;

const ARMS: [&str; 6] = ["replace", "edited", "human-refit", "half", "<ruin>", "ended"];

/// Loss, rate of over-represented n-grams and share of distinct 2-grams in the last generation.
fn last(arm: &str) -> [f64; 3] {
    match arm {
        "replace" => [4.0, 101.0, 0.2],
        "human-refit" => [3.0, 1.0, 0.4],
        "half" => [3.5, 26.0, 0.8],
        "edited" => [3.5, 26.0, 0.4],
        _ => [9.0, 0.0, 0.4],
    }
}

/// A stage whose seal says that it took so long.
fn stage(run: &RunDir, kind: StageKind, at: (&str, u64, u32), milliseconds: u64) -> StageId {
    let id = StageId::of(kind, 1, &at).unwrap();
    let path = run.make(&id, |_| Ok::<(), Error>(())).unwrap().path().join(rundir::SEAL);
    let mut seal: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    seal["content"]["milliseconds"] = milliseconds.into();
    seal["sha256"] = rundir::digest(&("", &seal["content"])).unwrap().into();
    fs::write(&path, seal.to_string()).unwrap();
    id
}

/// The stages of a generation: all take a second, but that `half` writes for three and judges for two; generation 0 and
/// scoring take as long as they like.
fn stages(run: &RunDir, arm: &str, seed: u64, generation: u32) {
    let chain = ChainId::new(arm, seed).unwrap();
    // While one seed of `half` was made, the machine had other work.
    let slow = if arm == "half" && seed == 1 { 50_000 } else { 1000 };
    let of = |kind, seconds| stage(run, kind, (arm, seed, generation), slow * seconds);
    let (write, odd) = (if arm == "half" { 3 } else { 1 }, if generation == 0 { 70 } else { 1 });
    let made = [of(StageKind::Train, odd), of(StageKind::Generate, write), of(StageKind::Score, 5 + seed)];
    let mut record = GenerationRecord::done(made);
    if arm == "half" && generation > 0 {
        record = record.with_verdicts(vec![of(StageKind::Judge, 2)]);
    }
    run.write_generation(&chain, generation, &record).unwrap();
}

/// A run whose base has this role.
fn run(folder: &tempfile::TempDir, base: Role) -> PathBuf {
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let mut rows = Vec::new();
    for arm in ARMS {
        let generations = if arm == "ended" { 2 } else { 3 };
        for seed in 0..3_u64 {
            for generation in 0..generations {
                if arm != "<ruin>" {
                    stages(&run, arm, seed, generation);
                }
                let [loss, over_represented, distinct] = if generation == 0 { last("human-refit") } else { last(arm) };
                // What all arms of a seed share is no damage.
                let shared = 0.1 * seed as f64;
                let mut row = |set: &str, metric: &str, by: By, value: f64| {
                    rows.push(support::row(("board", arm, seed, generation), set, metric, by, value));
                };
                row("test", "loss", &[], loss + shared);
                row("test", "perplexity", &[], (loss + shared).exp());
                row("generated", "over-represented-rate", &[(Sample, "equal")], over_represented + shared);
                row("generated", "distinct", &[(Sample, "equal"), (Order, "2")], distinct);
                row("generated", "distinct", &[(Reference, "human"), (Sample, "equal"), (Order, "2")], 0.4);
                row("generated", "tokens", &[], if arm == "half" { 200.0 } else { 100.0 });
                let human = if arm == "human-refit" { 50.0 } else { 5.0 };
                row("training", "human-tokens", &[(Part, "distinct")], human);
                row("training", "human-tokens", &[(Part, "reads")], human * f64::from(generation));
                if arm == "half" && generation > 0 {
                    row("training", "human-supervision", &[(Part, "truth")], 1.0);
                }
            }
        }
    }
    let mut arms = ARMS.map(support::named).to_vec();
    arms[0].role = base;
    support::state(&run, "board", arms);
    support::write_rows(&run.metrics_path(), rows);
    path
}

#[test]
fn arms_are_ranked_by_their_loss_each_against_its_control() {
    let folder = tempfile::tempdir().unwrap();
    let written = report::write(&[run(&folder, Role::Base)], None).unwrap();
    let csv = fs::read_to_string(written.leaderboard.unwrap()).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..6], ["arm", "n_seeds", "loss", "low", "high", "difference"]);
    let names: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
    // Of equals, in the order of the file.
    assert_eq!(names, ["human-refit", "stop-at-generation-0", "edited", "half", "replace", "<ruin>", "ended"]);
    let value = |arm: &str, column: &str| -> f64 {
        let at = rows[0].iter().position(|name| *name == column).unwrap_or_else(|| panic!("no column {column}"));
        let row = rows.iter().find(|row| row[0] == arm).unwrap();
        row[at].parse().unwrap_or_else(|_| panic!("{arm} {column}: `{}`", row[at]))
    };
    let near = |arm: &str, column: &str, expected: f64| {
        let found = value(arm, column);
        assert!((found - expected).abs() < 1e-9, "{arm} {column}: {found}, not {expected}");
    };
    near("half", "loss", 3.6);
    near("half", "difference", -0.5);
    near("half", "p", 0.0);
    for (arm, recovery) in
        [("half", 0.5), ("human-refit", 1.0), ("replace", 0.0), ("stop-at-generation-0", 1.0), ("<ruin>", -5.0)]
    {
        near(arm, "recovery", recovery);
    }
    // Twice as many kinds as human text is as far from it as half as many; nothing is capped.
    near("half", "over-represented n-grams recovered", 0.75);
    near("<ruin>", "over-represented n-grams recovered", 1.01);
    near("half", "distinct 2-grams recovered", 0.0);
    near("half", "generated", 2.0);
    near("replace", "time", 1.0);
    near("half", "time", 3.0);
    near("half", "human tokens", 5.0);
    near("half", "human reads", 10.0);
    near("human-refit", "human tokens", 50.0);
    near("stop-at-generation-0", "human tokens", 0.0);
    assert!(rows.iter().any(|row| row[0] == "half" && row.contains(&"truth")));
    // Its chains came to an end before, or are not there.
    for arm in ["ended", "<ruin>"] {
        assert!(rows.iter().any(|row| row[0] == arm && row.last() == Some(&"")), "{arm}");
    }
    let page = fs::read_to_string(written.page).unwrap();
    assert!(page.contains("<h2>Leaderboard</h2>") && page.contains("&lt;ruin&gt;") && !page.contains("<ruin>"));
    assert!(page.contains(">truth</td>") && page.contains(">ended</td>"));
    let svg = fs::read_to_string(folder.path().join("run/figures/perplexity-against-diversity.svg")).unwrap();
    assert!(svg.contains("half") && !svg.contains("NaN"));
}

/// Without an arm that has no defence there is no damage to recover.
#[test]
fn without_a_base_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let written = report::write(&[run(&folder, Role::Arm)], None).unwrap();
    assert_eq!(written.leaderboard, None);
    assert!(!fs::read_to_string(written.page).unwrap().contains("Leaderboard"));
}
