//! What came out of a run, for people: one HTML page, figures for a paper, a tidy table of results, and short tables for a
//! terminal. This room reads run directories and nothing else, so a report can be made anywhere, at any time, again.
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
//! #     set: "test".into(), metric: "perplexity".into(), detail: String::new(), value,
//! # };
//! # rundir::write_metrics(&run.metrics_path(), vec![row(0, 20.0), row(1, 30.0)])?;
//! let written = report::write(&path, None)?;
//! assert_eq!(written.page, path.join("report.html"));
//! assert!(written.figures[0].ends_with("figures/test-perplexity.svg"));
//! println!("{}", report::terminal_table(&path)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A run on a generated world, whose truth is known, has more: the excess over the floor, what is remembered and what
//! survives by how frequent it was, and the genealogy of a false fact.
//!
//! With a control arm that refits human text there are verdicts: for each arm, in which of the eight published senses of the
//! word it has collapsed. A grid of settings is drawn as a heat map; what survives of the vocabulary stands beside what the
//! law of survival foretells.
//!
//! [`write_comparison()`] lays several runs over each other: two devices, two settings, before and after.
//! [`write_audit()`] makes the page of an audit, which needs no run.
//!
//! # Intervals
//!
//! Over seeds, Student's t at 95 %, from three seeds on: a percentile bootstrap over few seeds covers far less than it
//! says. For loss, perplexity and bits per byte it is taken on the logarithm, where seeds scatter alike at all sizes, so
//! that their mean is geometric; for everything else on the plain scale. Two seeds are shown as two dots.

mod audit;
mod beside;
mod catalogue;
mod chronicle;
mod data;
mod decades;
mod descent;
mod escape;
mod excerpts;
mod figure;
mod genealogy;
mod heat;
mod histogram;
mod leaderboard;
mod look;
mod more;
mod page;
mod panel;
mod plot;
mod results;
mod ruler;
mod sections;
mod seen;
mod stages;
mod survival;
mod tells;
mod terminal;
mod ticks;
mod tradeoff;
mod universal;
mod verdicts;
mod wrapped;

use std::fs;
use std::path::{Path, PathBuf};

pub use audit::write_audit;
pub use evaluation::statistics::{Interval, Scale};
pub use terminal::{compare, terminal_table};

/// What goes wrong with a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The run cannot be read, or a file not written.
    #[error(transparent)]
    Run(#[from] rundir::Error),
    /// Nothing has been measured yet.
    #[error("{} has no metrics.csv yet: finish the run first, the same `habsburg run` goes on where it stopped", .0.display())]
    NoMetrics(PathBuf),
    /// The output folder cannot be made.
    #[error("cannot create {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The settings of the run are not TOML.
    #[error("{}: {why}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        why: String,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What [`write()`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// The figures, in the order of the page.
    pub figures: Vec<PathBuf>,
    /// Means and intervals over seeds as tidy CSV: `experiment,arm,generation,set,metric,detail,n_seeds,mean,low,high`.
    pub results: PathBuf,
    /// The leaderboard as CSV, best arm first, where there are a control, a base without a defence and something else.
    pub leaderboard: Option<PathBuf>,
}

/// Writes the report of the run directory `run`: the page to `out` (`RUN/report.html` if none is given), and beside it
/// `figures/` and `results.csv`.
///
/// # Errors
/// If `run` is no run directory, has no metrics yet, or the files cannot be written. Documents that cannot be read are an
/// error on the page, not of the page.
pub fn write(run: &Path, out: Option<&Path>) -> Result<Written> {
    let data = data::Data::load(run)?;
    let page = out.map_or_else(|| data.run.report_path(), Path::to_owned);
    let folder = page.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let board = leaderboard::Board::of(&data);
    let drawn = figure::draw_all(&data, board.as_ref());
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

/// Writes one page of several run directories to `out`, and beside it, in a folder that is named after it (`both-figures/` of
/// `both.html`), its figures and a `results.csv`: the curves of all runs' arms over each other, and by how much the other runs
/// differ from the first. Returns the figures, in the order of the page.
///
/// # Errors
/// As [`write()`].
///
/// # Panics
/// If `runs` is empty.
pub fn write_comparison(runs: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    let parts = beside::parts(runs)?;
    let data = data::Data::beside(&parts);
    let drawn = figure::draw_all(&data, None);
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
