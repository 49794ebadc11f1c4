//! The leaderboard of runs whose numbers are known.

use rundir::{ChainId, Error, GenerationRecord, Row, RunDir, StageId, StageKind};
use std::fs;
use std::path::PathBuf;

const ARMS: [(&str, &str); 6] = [
    ("replace", "recipe = { latest = \"all\" }"),
    // Human text that somebody judges is no control.
    ("edited", "recipe = { anchor = \"all\" }\ncuration = [\"token-editing\"]"),
    // A defence that does not judge human text leaves a control one, as where the file names it for all arms.
    (
        "human-refit",
        "recipe = { anchor = \"all\" }\ncuration = [{ detector = { keep = 0.5 } }, { token-editing = { of = \"synthetic\" } }]",
    ),
    ("half", "recipe = { latest = \"all\" }\ncuration = [\"near-duplicates\"]"),
    ("<ruin>", "recipe = { latest = \"all\" }\nsample.temperature = 0.1"),
    ("ended", "recipe = { latest = \"all\" }\ncuration = [\"dispersion\"]"),
];

/// Loss, tell rate and share of distinct 2-grams in the last generation.
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
    let id = StageId::of(kind, &at).unwrap();
    let path = run.make(&id, |_| Ok::<(), Error>(())).unwrap().path().join(rundir::SEAL);
    let mut seal: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    seal["milliseconds"] = milliseconds.into();
    fs::write(&path, seal.to_string()).unwrap();
    id
}

/// The stages of a generation: all take a second, but that `half` writes for three and judges for two; generation 0 and scoring take
/// as long as they like.
fn stages(run: &RunDir, arm: &str, seed: u64, generation: u32) {
    let chain = ChainId::new(arm, seed).unwrap();
    // While one seed of `half` was made, the machine had other work.
    let slow = if arm == "half" && seed == 1 { 50_000 } else { 1000 };
    let of = |kind, seconds| stage(run, kind, (arm, seed, generation), slow * seconds);
    let (write, odd) = (if arm == "half" { 3 } else { 1 }, if generation == 0 { 70 } else { 1 });
    let made = [of(StageKind::Train, odd), of(StageKind::Write, write), of(StageKind::Score, 5 + seed)];
    let mut record = GenerationRecord::done(made);
    if arm == "half" && generation > 0 {
        record = record.with_verdicts(vec![of(StageKind::Compose, 2)]);
    }
    run.write_generation(&chain, generation, &record).unwrap();
}

fn run(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let (mut settings, mut rows) = ("name = \"board\"\n".to_owned(), Vec::new());
    for (arm, keys) in ARMS {
        settings.push_str(&format!("[[arm]]\nname = \"{arm}\"\n{keys}\n"));
        let generations = if arm == "ended" { 2 } else { 3 };
        for seed in 0..3_u64 {
            for generation in 0..generations {
                if arm != "<ruin>" {
                    stages(&run, arm, seed, generation);
                }
                let [loss, tells, distinct] = if generation == 0 { last("human-refit") } else { last(arm) };
                // What all arms of a seed share is no damage.
                let shared = 0.1 * seed as f64;
                let mut row = |set: &str, metric: &str, detail: &str, value: f64| {
                    rows.push(Row {
                        experiment: "board".into(),
                        arm: arm.into(),
                        seed,
                        generation,
                        set: set.into(),
                        metric: metric.into(),
                        detail: detail.into(),
                        value,
                    });
                };
                row("test", "loss", "", loss + shared);
                row("test", "perplexity", "", (loss + shared).exp());
                row("written", "tell-rate", "", tells + shared);
                row("written", "distinct", "2", distinct);
                row("written", "distinct", "human-2", 0.4);
                row("written", "tokens", "", if arm == "half" { 200.0 } else { 100.0 });
                row(
                    "training",
                    "tokens-by-origin",
                    "human",
                    if arm == "human-refit" || generation == 0 { 50.0 } else { 5.0 },
                );
                if arm == "half" {
                    // What the last generation wrote is read by nobody.
                    row("written", "prompt-tokens", "", [3.0, 4.0, 500.0][generation as usize]);
                }
                if arm == "edited" && generation > 0 {
                    row("training", "kept", "token-editing", 1.0);
                }
                if arm == "half" && generation > 0 {
                    row("training", "hidden-anchor", "truth", 1.0);
                }
            }
        }
    }
    fs::write(run.experiment_path(), settings).unwrap();
    rundir::write_metrics(&run.metrics_path(), rows).unwrap();
    path
}

#[test]
fn what_is_spared_is_counted_from_the_control_to_the_base() {
    let folder = tempfile::tempdir().unwrap();
    let written = report::write(&run(&folder), None).unwrap();
    let csv = fs::read_to_string(written.leaderboard.unwrap()).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..6], ["arm", "n_seeds", "score", "low", "high", "test loss"]);
    let names: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(names, ["human-refit", "edited", "half", "<ruin>", "replace", "ended"]);
    let value = |arm: &str, column: &str| -> f64 {
        let at = rows[0].iter().position(|name| *name == column).unwrap();
        let row = rows.iter().find(|row| row[0] == arm).unwrap();
        row[at].parse().unwrap_or_else(|_| panic!("{arm} {column}: `{}`", row[at]))
    };
    let near = |arm: &str, column: &str, expected: f64| {
        let found = value(arm, column);
        assert!((found - expected).abs() < 1e-9, "{arm} {column}: {found}, not {expected}");
    };
    // Twice as many kinds as human text is as far from it as half as many.
    for (column, spared) in [("test loss spared", 0.5), ("tells spared", 0.75), ("distinct 2-grams spared", 0.0)] {
        near("half", column, spared);
        near("human-refit", column, 1.0);
        near("replace", column, 0.0);
    }
    near("half", "score", (0.5 + 0.75 + 0.0) / 3.0);
    near("half", "written", 2.0);
    near("replace", "time", 1.0);
    near("half", "time", 3.0);
    // Its chains came to an end before, or are not there.
    for arm in ["ended", "<ruin>"] {
        assert!(rows.iter().any(|row| row[0] == arm && row.last() == Some(&"")), "{arm}");
    }
    near("half", "human tokens", 10.0);
    near("half", "prompt tokens", 7.0);
    near("replace", "prompt tokens", 0.0);
    near("human-refit", "human tokens", 100.0);
    // Five times the damage counts as one, and so does more than what is spared by the control.
    near("<ruin>", "test loss spared", -5.0);
    near("<ruin>", "tells spared", 1.01);
    near("<ruin>", "score", (-1.0 + 1.0 + 1.0) / 3.0);
    let page = fs::read_to_string(written.page).unwrap();
    assert!(page.contains("<h2>Leaderboard</h2>") && page.contains("&lt;ruin&gt;") && !page.contains("<ruin>"));
    assert!(page.contains(">truth</td>") && page.contains(">ended</td>"));
    let svg = fs::read_to_string(folder.path().join("run/figures/perplexity-against-diversity.svg")).unwrap();
    assert!(svg.contains("half") && !svg.contains("NaN"));
}

/// Without an undefended arm there is nothing to spare.
#[test]
fn without_a_base_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(&folder);
    let settings = fs::read_to_string(path.join("experiment.toml")).unwrap();
    let defended = settings.replacen("latest = \"all\" }", "latest = \"all\" }\ncuration = [\"watermark\"]", 1);
    fs::write(path.join("experiment.toml"), defended).unwrap();
    let written = report::write(&path, None).unwrap();
    assert_eq!(written.leaderboard, None);
    assert!(!fs::read_to_string(written.page).unwrap().contains("Leaderboard"));
}
