//! The files of a page: whose they are, what is written again and what is removed.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rundir::{Row, RunDir};

fn rows(metrics: &[&str]) -> Vec<Row> {
    let of = |metric: &&str| {
        (0..3)
            .map(|g| support::row(("x", "replace", 0, g), "test", metric, &[], 1.0 + f64::from(g)))
            .collect::<Vec<_>>()
    };
    metrics.iter().flat_map(of).collect()
}

fn run(folder: &Path, name: &str, metrics: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let run = RunDir::create(&path).unwrap();
    support::state(&run, "x", vec![support::named("replace")]);
    support::write_rows(&run.metrics_path(), rows(metrics));
    path
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn pages_side_by_side_do_not_share_files() {
    let folder = tempfile::tempdir().unwrap();
    let one = run(folder.path(), "one", &["loss"]);
    let two = run(folder.path(), "two", &["loss", "perplexity"]);
    let pages = folder.path().join("pages");
    let first = report::write(std::slice::from_ref(&one), Some(&pages.join("a.html"))).unwrap();
    let results = fs::read(&first.results).unwrap();
    report::write(std::slice::from_ref(&two), Some(&pages.join("b.html"))).unwrap();
    report::write_comparison(&[one, two], &pages.join("c.html")).unwrap();
    let expected = ["a-figures", "a.html", "b-figures", "b.html", "c-figures", "c.html"];
    assert_eq!(names(&pages), expected);
    assert_eq!(names(&pages.join("a-figures")), ["results.csv", "test-loss.svg"]);
    assert_eq!(names(&pages.join("b-figures")), ["results.csv", "test-loss.svg", "test-perplexity.svg"]);
    assert!(fs::read(&first.results).unwrap() == results);
}

#[test]
fn only_what_changes_is_written_and_what_goes_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), "run", &["loss", "perplexity"]);
    let runs = std::slice::from_ref(&path);
    let written = report::write(runs, None).unwrap();
    assert!(written.changed && written.figures.len() == 2);
    let old = SystemTime::now() - Duration::from_secs(9000);
    let page = || fs::metadata(&written.page).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&written.page).unwrap().set_modified(old).unwrap();
    let before = page();
    // The same page under its own name is the same page.
    assert!(!report::write(runs, Some(&written.page)).unwrap().changed);
    assert_eq!(page(), before, "it was written again");
    // An emptied page is not complete.
    fs::write(&written.page, "").unwrap();
    assert!(report::write(runs, None).unwrap().changed && fs::metadata(&written.page).unwrap().len() > 1000);

    // One figure less, beside a drawing that is not ours and what a killed writer left.
    fs::write(path.join("figures/mine.svg"), "<svg/>").unwrap();
    for folder in [path.clone(), path.join("figures")] {
        fs::File::create(folder.join(".writing-x-1-1")).unwrap().set_modified(old).unwrap();
    }
    support::write_rows(&path.join("metrics.csv"), rows(&["loss"]));
    assert!(report::write(runs, None).unwrap().changed);
    assert_eq!(names(&path.join("figures")), ["mine.svg", "test-loss.svg"]);
    assert!(names(&path).iter().all(|name| !name.starts_with('.')));
}

#[test]
fn a_page_that_cannot_be_written_keeps_the_old_figures() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), "run", &["loss", "perplexity"]);
    let page = folder.path().join("page.html");
    report::write(std::slice::from_ref(&path), Some(&page)).unwrap();
    fs::remove_file(&page).unwrap();
    fs::create_dir(&page).unwrap();
    support::write_rows(&path.join("metrics.csv"), rows(&["loss"]));
    let said = report::write(std::slice::from_ref(&path), Some(&page)).unwrap_err().to_string();
    assert!(said.contains("page.html"), "{said}");
    assert!(folder.path().join("page-figures/test-perplexity.svg").exists());
}
