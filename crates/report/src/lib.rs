//! Results for people: one HTML page, figures for a paper, a tidy table of results, and short tables for a terminal. This
//! crate reads run directories and nothing else, so a report can be made anywhere, at any time, again.
//!
//! [`write()`] makes `report.html` (no script, nothing fetched), `figures/*.svg` and `results.csv`. The same run gives the
//! same bytes. Generated text is hostile and reaches a page or a terminal escaped only.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("run");
//! # let run = rundir::RunDir::create(&path)?;
//! # let row = |generation: u32, value: f64| rundir::Row {
//! #     experiment: "small".into(), arm: "replace".into(), seed: 0, generation,
//! #     set: "test".into(), metric: "perplexity".into(), dimensions: Default::default(), value,
//! # };
//! # rundir::write_metrics(&run.metrics_path(), &rundir::Schema::default(), vec![row(0, 20.0), row(1, 30.0)])?;
//! # run.write_info(&rundir::RunInfo::new("small", rundir::Build::default(), "flex", "CPU"))?;
//! let written = report::write(&[path.clone()], None)?;
//! assert_eq!(written.page, path.join("report.html"));
//! assert!(written.figures[0].ends_with("figures/test-perplexity.svg"));
//! println!("{}", report::terminal_table(&[path])?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a metric is (title, unit, axis, scale, caption) stands in [`evaluation::METRICS`]; `quantity` says which of them tables
//! and terminals show, and each figure of the registry is drawn where something of it was measured. What an arm is (control,
//! base, recipe, place in a sweep) stands in `run.json`.
//!
//! Several run directories are pieces of one experiment: seeds or arms that were made apart. A piece is a folder with
//! `metrics.csv` and `run.json`; without `stages`, what is drawn from stages is left out. [`write_comparison()`] lays different
//! runs over each other: two devices, two settings, before and after. [`write_audit()`] makes the page of an audit, which
//! needs no run.
//!
//! # Intervals
//!
//! Over seeds, Student's t at 95 %, from three seeds on: a percentile bootstrap over few seeds covers far less than it
//! says. For loss, perplexity and bits per byte it is taken on the logarithm, where seeds scatter alike at all sizes, so
//! that their mean is geometric; for everything else on the plain scale. Two seeds are shown as two dots.

mod arm;
mod audit;
mod bands;
mod canvas;
mod comparison;
mod data;
mod descent;
mod document;
mod error;
mod escape;
mod excerpts;
mod figure;
mod figures;
mod genealogy;
mod heat;
mod histogram;
mod join;
mod key;
mod leaderboard;
mod look;
mod over_represented;
mod page;
mod panel;
mod pieces;
mod plot;
mod quantity;
mod results;
mod ruler;
mod settings;
mod stages;
mod survival;
mod tables;
mod terminal;
mod texts;
mod ticks;
mod tradeoff;
mod universal;
mod verdicts;
mod wrapped;

use std::fs;
use std::path::{Path, PathBuf};

pub use audit::write_audit;
pub use error::{Error, Result};
pub use evaluation::statistics::{Interval, Scale};
pub use terminal::{compare, terminal_table};

/// Files that [`write()`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// The figures, in the order of the page.
    pub figures: Vec<PathBuf>,
    /// Means and intervals over seeds as tidy CSV: `experiment`, `arm`, `generation`, `set`, `metric`, the
    /// dimensions, `n_seeds`, `mean`, `low`, `high`.
    pub results: PathBuf,
    /// The leaderboard as CSV, best arm first, where there are a control, a base without a defence and something else.
    pub leaderboard: Option<PathBuf>,
}

/// Writes the report of `runs`, read as pieces of one experiment: the page to `out` (of one run `RUN/report.html` if none is
/// given), and beside it `figures/`, `results.csv` and `leaderboard.csv`.
///
/// # Errors
/// If one of `runs` is no run directory, has no metrics yet or no `run.json`; [`Error::Apart`] if they are not of one
/// experiment, or say different things of one row; [`Error::NoPage`]; if the files cannot be written. Documents that cannot be
/// read are an error on the page, not of the page.
///
/// # Panics
/// If `runs` is empty.
pub fn write(runs: &[PathBuf], out: Option<&Path>) -> Result<Written> {
    let data = join::load(runs)?;
    let page = match (out, &data.origins[..]) {
        (Some(out), _) => out.to_owned(),
        (None, [origin]) => origin.run.report_path(),
        (None, origins) => return Err(Error::NoPage(origins.len())),
    };
    let folder = page.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let board = leaderboard::Board::of(&data);
    let drawn = figures::draw_all(&data, board.as_ref());
    let figures = write_figures(&folder.join("figures"), &drawn)?;
    let results = folder.join("results.csv");
    rundir::write_atomic(&results, &results::csv(&data))?;
    let leaderboard = board.as_ref().map(|board| (folder.join("leaderboard.csv"), board.csv()));
    if let Some((path, bytes)) = &leaderboard {
        rundir::write_atomic(path, bytes)?;
    }
    rundir::write_atomic(&page, page::page(&data, &drawn, board.as_ref()).as_bytes())?;
    Ok(Written { page, figures, results, leaderboard: leaderboard.map(|(path, _)| path) })
}

/// Writes one page of several runs, each of one or more run directories, to `out`, and beside it, in a folder that is
/// named after it (`both-figures/` of `both.html`), its figures and a `results.csv`: the curves of all runs' arms over
/// each other, and by how much the other runs differ from the first. Returns the figures, in the order of the page.
///
/// # Errors
/// As [`write()`].
///
/// # Panics
/// If `runs` is empty.
pub fn write_comparison(runs: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    let parts = comparison::parts(runs)?;
    let data = join::side_by_side(&parts);
    let drawn = figures::draw_all(&data, None);
    let mut name = out.file_stem().unwrap_or_default().to_owned();
    name.push("-figures");
    let folder = out.with_file_name(name);
    let figures = write_figures(&folder, &drawn)?;
    rundir::write_atomic(&folder.join("results.csv"), &results::csv(&data))?;
    rundir::write_atomic(out, page::comparison(&parts, &data, &drawn).as_bytes())?;
    Ok(figures)
}

/// Each figure as a file of its own.
fn write_figures(folder: &Path, drawn: &[figure::Drawn]) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    let write = |figure: &figure::Drawn| {
        let path = folder.join(format!("{}.svg", figure.name));
        rundir::write_atomic(&path, figure.standalone().as_bytes())?;
        Ok(path)
    };
    drawn.iter().map(write).collect()
}
