//! Several run directories as pieces of one experiment.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rundir::{ChainId, GenerationRecord, Role, Row, RunDir, StageId, StageKind};
use serde_json::json;

const ARMS: [&str; 2] = ["replace", "human-refit"];

fn rows(arms: &[&str], seeds: std::ops::Range<u64>) -> Vec<Row> {
    let mut rows = Vec::new();
    for arm in arms {
        for seed in seeds.clone() {
            for generation in 0..3 {
                let climb = if *arm == "replace" { 0.3 * f64::from(generation) } else { 0.0 };
                let loss = 3.0 + climb + 0.01 * ((7 * seed + u64::from(generation)) % 5) as f64;
                rows.push(support::row(("x", arm, seed, generation), "test", "loss", &[], loss));
                rows.push(support::row(("x", arm, seed, generation), "test", "perplexity", &[], loss.exp()));
            }
        }
    }
    rows
}

/// A piece with some of the rows; all pieces state all arms.
fn piece(folder: &Path, name: &str, rows: Vec<Row>) -> PathBuf {
    let path = folder.join(name);
    let run = RunDir::create(&path).unwrap();
    support::state(&run, "x", ARMS.map(support::named).to_vec());
    support::write_rows(&run.metrics_path(), rows);
    path
}

/// Everything but who made it and where: the page without its first paragraph and its settings, the results, the figures.
fn shown(runs: &[PathBuf], out: &Path) -> (String, Vec<String>) {
    let written = report::write(runs, Some(out)).unwrap();
    let page = fs::read_to_string(&written.page).unwrap();
    let body = page.split_once("<h2>What came out").unwrap().1.split_once("<h2>Settings").unwrap().0.to_owned();
    let files = written.figures.iter().chain([&written.results]).map(|path| fs::read_to_string(path).unwrap());
    (body, files.collect())
}

#[test]
fn seeds_and_arms_made_apart_are_one_experiment() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let whole = piece(folder.path(), "whole", rows(&ARMS, 0..5));
    let expected = shown(std::slice::from_ref(&whole), &at("whole-page/page.html"));
    assert!(expected.0.contains("<td class=\"yes\">"), "five seeds decide");
    let first = piece(folder.path(), "first", rows(&ARMS, 0..2));
    let replace = piece(folder.path(), "replace", rows(&["replace"], 2..5));
    // The rows and run.json alone, as an experiment commits them.
    let kept = piece(folder.path(), "<kept>", rows(&["human-refit"], 2..5));
    fs::remove_dir_all(kept.join("stages")).unwrap();
    let pieces = [first.clone(), replace.clone(), kept.clone()];
    let joined = shown(&pieces, &at("joined-page/page.html"));
    assert!(joined == expected, "the pieces show what the whole shows");
    let page = fs::read_to_string(at("joined-page/page.html")).unwrap();
    assert!(page.contains("left out:") && page.contains("&lt;kept&gt;.</p>") && !page.contains("<kept>"));

    // The same row with the same value may be there twice.
    let again = [whole.clone(), first.clone()];
    assert!(shown(&again, &at("again-page/page.html")) == expected);
    let said = report::write(&again, None).unwrap_err().to_string();
    assert!(said.contains("--out"), "{said}");
    assert_eq!(report::terminal_table(&pieces).unwrap(), report::terminal_table(std::slice::from_ref(&whole)).unwrap());

    // Pieces are one run of a comparison; runs of the same seeds are compared.
    let compared = report::compare(&[first.clone(), replace.clone(), kept.clone(), whole]).unwrap();
    let lines: Vec<&str> = compared.lines().collect();
    assert_eq!(lines.len(), 1 + 2 * ARMS.len(), "{compared}");
    assert!(lines[1].starts_with("first + replace + <kept>  replace") && lines[3].starts_with("whole "), "{compared}");
}

#[test]
fn what_is_not_one_experiment_is_refused_with_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("page.html");
    let first = piece(folder.path(), "first", rows(&ARMS, 0..2));
    let refused = |other: &Path, why: &str| {
        let said = report::write(&[first.clone(), other.to_owned()], Some(&out)).unwrap_err().to_string();
        let names = [first.display().to_string(), other.display().to_string()];
        assert!(names.iter().all(|name| said.contains(name)) && said.contains(why), "{said}");
        assert_eq!(said.lines().count(), 1);
        assert!(!out.exists());
        // Beside each other they stand all the same.
        assert_eq!(report::compare(&[first.clone(), other.to_owned()]).unwrap().lines().count(), 1 + 2 * ARMS.len());
    };
    let mut changed = rows(&ARMS, 0..2);
    changed[5].value += 1e-9;
    let changed = piece(folder.path(), "changed", changed);
    refused(&changed, "replace/seed-0, generation 2: test perplexity is ");

    let state = |name: &str, experiment: &str, change: fn(&mut rundir::ArmInfo)| {
        let path = piece(folder.path(), name, rows(&ARMS, 2..4));
        let mut arms = ARMS.map(support::named).to_vec();
        change(&mut arms[0]);
        support::state(&RunDir::open(&path).unwrap(), experiment, arms);
        path
    };
    refused(&state("named", "y", |_| {}), "they are of `x` and of `y`");
    refused(&state("longer", "x", |arm| arm.settings = "others".to_owned()), "arm `replace` has other settings");
    refused(&state("mixed", "x", |arm| arm.recipe = json!({"pool": 0.1, "latest": 0.9})), "arm `replace`");
    refused(
        &state("second", "x", |arm| (arm.name, arm.role) = ("other".to_owned(), Role::Base)),
        "`replace` and `other`",
    );
}

/// A chain that two pieces have is read where it came farthest.
#[test]
fn a_chain_in_two_pieces_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let pieces = [("short", 1), ("long", 3)].map(|(name, generations)| {
        let path = piece(folder.path(), name, rows(&ARMS, 0..1));
        let run = RunDir::open(&path).unwrap();
        for generation in 0..generations {
            let id = StageId::of(StageKind::Score, 1, &(name, generation)).unwrap();
            run.make(&id, |dir| {
                let bins = format!("[{{\"from\": 4.0, \"to\": 4.757, \"generated\": {generations}, \"human\": 1}}]");
                fs::write(dir.join("perplexities.json"), bins).unwrap();
                Ok::<(), rundir::Error>(())
            })
            .unwrap();
            run.write_generation(&ChainId::new("replace", 0).unwrap(), generation, &GenerationRecord::done([id]))
                .unwrap();
        }
        path
    });
    let figure = |runs: &[PathBuf], name: &str| {
        report::write(runs, Some(&folder.path().join(name).join("page.html"))).unwrap();
        fs::read_to_string(folder.path().join(name).join("page-figures/perplexity-histogram.svg")).unwrap()
    };
    assert_eq!(figure(&pieces, "both"), figure(&pieces[1..], "one"));
}
