//! Reports of runs that are still going on: what is there is shown, and what is not is said.

mod support;

use std::fs;
use std::path::PathBuf;

use rundir::{ChainId, GenerationRecord, Row, RunDir, RunInfo};

const PLAN: &str = "name = \"x\"\n[chain]\ngenerations = 4\nseeds = [0, 1]\n[[arm]]\nname = \"replace\"\n";
const ARMS: [&str; 3] = ["replace", "accumulate", "human-refit"];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, arm) in ARMS.iter().enumerate() {
        for (seed, generation) in (0..2).flat_map(|seed| (0..4).map(move |generation| (seed, generation))) {
            let loss = 3.0 + 0.1 * number as f64 * f64::from(generation) + 0.01 * seed as f64;
            rows.push(support::row(("x", arm, seed, generation), "test", "loss", &[], loss));
            rows.push(support::row(("x", arm, seed, generation), "test", "perplexity", &[], loss.exp()));
        }
    }
    rows
}

struct Run {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let run = RunDir::create(&path).unwrap();
        support::state(&run, "x", ARMS.map(support::named).to_vec());
        let info = run.info().unwrap().unwrap();
        support::write_info(&run, &RunInfo { resolved: PLAN.to_owned(), ..info });
        Self { folder, path }
    }

    /// The run with those rows of all that `keep` keeps: its page, its table for a terminal, and the table of a comparison.
    fn shown(&self, keep: impl Fn(&Row) -> bool) -> [String; 3] {
        let run = RunDir::open(&self.path).unwrap();
        support::write_rows(&run.metrics_path(), rows().into_iter().filter(|row| keep(row)).collect());
        let report = report::Report::read(std::slice::from_ref(&self.path)).unwrap();
        let page = fs::read_to_string(report.write(None).unwrap().page).unwrap();
        let both = [self.path.clone(), self.path.clone()];
        report::write_comparison(&both, &self.folder.path().join("both.html")).unwrap();
        [page, report.terminal_table(), report::compare(&both).unwrap()]
    }
}

#[test]
fn a_finished_run_is_not_called_unfinished() {
    for text in Run::new().shown(|_| true) {
        assert!(!text.contains("not finished"), "{text}");
    }
}

#[test]
fn what_is_still_to_come_is_said_at_the_top_and_in_the_tables() {
    let run = Run::new();
    let [page, terminal, compared] = run.shown(|row| row.arm != "accumulate" || row.generation < 2);
    assert!(page.contains("<li><b>accumulate</b>: not finished: 2 of 4 generations</li>"), "{page}");
    assert!(page.find("not finished").unwrap() < page.find("<h2>").unwrap());
    assert!(page.contains("colspan") && page.matches("not finished: 2 of 4 generations").count() >= 2);
    assert!(terminal.ends_with("accumulate: not finished: 2 of 4 generations\n"), "{terminal}");
    assert!(compared.contains("run #2, accumulate: not finished: 2 of 4 generations\n"), "{compared}");

    // Seeds that differ are named; a chain that failed will not go on.
    let late = |row: &Row| row.arm != "replace" || row.generation < if row.seed == 0 { 3 } else { 1 };
    let [_, terminal, _] = run.shown(late);
    let both = "replace: not finished: 1 of 4 generations (seed 1), 3 of 4 generations (seed 0)\n";
    assert!(terminal.ends_with(both), "{terminal}");
    let failed = GenerationRecord::failed("the loss is not finite", []);
    let dir = RunDir::open(&run.path).unwrap();
    dir.write_generation(&ChainId::new("replace", 1).unwrap(), 1, &failed).unwrap();
    // A generation that has begun has a folder and no record.
    fs::create_dir_all(run.path.join("chains/replace/seed-0/gen-3")).unwrap();
    let [page, terminal, _] = run.shown(late);
    assert!(terminal.ends_with("replace: not finished: 3 of 4 generations (seed 0)\n"), "{terminal}");
    assert!(page.contains("<b>replace/seed-1</b> ended at generation 1"));
}

#[test]
fn arms_without_rows_are_named_whichever_they_are() {
    for missing in ARMS {
        let run = Run::new();
        let [page, terminal, compared] = run.shown(|row| row.arm != missing);
        assert!(page.contains(&format!("<li><b>{missing}</b>: not finished: 0 of 4 generations</li>")), "{page}");
        assert!(terminal.contains(&format!("{missing}: not finished: 0 of 4 generations\n")), "{terminal}");
        assert!(compared.contains(&format!("run #2, {missing}: not finished: 0 of 4 generations\n")), "{compared}");
        assert_eq!(compared.lines().filter(|line| line.contains(missing)).count(), 4, "a row and a line of each run");
    }
    let run = Run::new();
    let [page, ..] = run.shown(|_| false);
    assert_eq!(page.matches("not finished: 0 of 4 generations").count(), 3, "{page}");
    // Without a plan nobody knows what is missing.
    let dir = RunDir::open(&run.path).unwrap();
    let info = dir.info().unwrap().unwrap();
    support::write_info(&dir, &RunInfo { resolved: "name = \"x\"\n".to_owned(), ..info });
    let [page, ..] = run.shown(|row| row.arm == "replace");
    assert!(!page.contains("not finished"));
}
