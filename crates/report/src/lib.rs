//! Results for people: one HTML page, figures for a paper, a tidy table of results, and short tables for a terminal. This
//! crate reads run directories and nothing else, so a report can be made anywhere, at any time, again.
//!
//! [`write()`] makes `report.html` (no script, nothing fetched), `figures/*.svg` and `results.csv`; a page of another name has
//! its files in a folder that is named after it. The same run gives the same bytes. Generated text is hostile and reaches a page or a terminal escaped only.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("run");
//! # let run = rundir::RunDir::create(&path)?;
//! # let row = |generation: u32, value: f64| rundir::Row {
//! #     experiment: "small".into(), arm: "replace".into(), seed: 0, generation,
//! #     set: "test".into(), metric: "perplexity".into(), dimensions: Default::default(), value,
//! # };
//! # let claim = run.lock(&mut |_| {})?;
//! # claim.write_metrics(&rundir::Schema::default(), vec![row(0, 20.0), row(1, 30.0)])?;
//! # claim.write_info(&rundir::RunInfo::new("small", rundir::Build::default(), "flex", "CPU"))?;
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
mod excerpts;
mod figure;
mod figures;
mod files;
mod genealogy;
mod heat;
mod histogram;
mod join;
mod key;
mod leaderboard;
mod levels;
mod look;
mod markup;
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
mod unfinished;
mod universal;
mod untrained;
mod verdicts;
mod visible;
mod wrapped;

use std::path::{Path, PathBuf};

pub use audit::write_audit;
pub use error::{Error, Result};
pub use evaluation::statistics::{Interval, Scale};
pub use terminal::compare;

use files::Place;

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
    /// True if any file was written or removed; false if all said this already.
    pub changed: bool,
}

/// What one or more run directories, pieces of one experiment, have measured. A run that is still going on is read as far
/// as it is, and its report says what is not there yet.
pub struct Report {
    data: data::Data,
}

impl Report {
    /// Reads `runs` as pieces of one experiment.
    ///
    /// # Errors
    /// If one of `runs` is no run directory, has no metrics yet or no `run.json`; [`rundir::Error::Damaged`] if something that
    /// is read is not as it was written; [`Error::Apart`] if they are not of one experiment, or say different things of one
    /// row.
    ///
    /// # Panics
    /// If `runs` is empty.
    pub fn read(runs: &[PathBuf]) -> Result<Self> {
        let data = join::load(runs)?;
        stages::verify(&data)?;
        Ok(Self { data })
    }

    /// Writes the report: the page to `out`, and in a folder that is named after it (`both-figures/` of `both.html`) its
    /// figures, `results.csv` and `leaderboard.csv`. Of one run, without `out`, the page is `RUN/report.html`, its figures
    /// are in `RUN/figures/`, and the tables beside it. Files that say the same already are not touched; figures that
    /// the page has no more are removed after it.
    ///
    /// # Errors
    /// [`Error::NoPage`]; if the files cannot be written. Documents that cannot be read are an error on the page, not of
    /// the page.
    pub fn write(&self, out: Option<&Path>) -> Result<Written> {
        let place = match (out, &self.data.origins[..]) {
            (out, [origin]) if out.is_none_or(|out| out == origin.run.report_path()) => Place::of_run(&origin.run),
            (Some(out), _) => Place::of_new_page(out)?,
            (None, origins) => return Err(Error::NoPage(origins.len())),
        };
        let board = leaderboard::Board::of(&self.data);
        let drawn = figures::draw_all(&self.data, board.as_ref());
        let page = page::page(&self.data, &drawn, board.as_ref());
        let leaderboard = board.as_ref().map(leaderboard::Board::csv);
        let tables = [(RESULTS, Some(results::csv(&self.data))), (LEADERBOARD, leaderboard)];
        let (figures, changed) = place.write(&page, &drawn, &tables)?;
        let leaderboard = board.is_some().then(|| place.table(LEADERBOARD));
        Ok(Written { page: place.page().to_owned(), figures, results: place.table(RESULTS), leaderboard, changed })
    }

    /// What came out, for a terminal: two tables by arm and generation, means over seeds; verdicts, where there are any and
    /// few arms; the first table as a plot; the first document of the first and of the last generation; failed chains,
    /// and what is not finished. The tables are of test perplexity and surviving vocabulary; where the run is on a
    /// generated world, of the excess over the floor and of the rare facts still known; of an exact learner, of the first
    /// two things that were measured against its truth.
    pub fn terminal_table(&self) -> String {
        terminal::tables(&self.data)
    }
}

/// Reads `runs` and writes their report; see [`Report`].
///
/// # Errors
/// As [`Report::read`] and [`Report::write`].
///
/// # Panics
/// If `runs` is empty.
pub fn write(runs: &[PathBuf], out: Option<&Path>) -> Result<Written> {
    Report::read(runs)?.write(out)
}

/// Reads `runs` and gives their tables for a terminal; see [`Report`].
///
/// # Errors
/// As [`Report::read`].
///
/// # Panics
/// If `runs` is empty.
pub fn terminal_table(runs: &[PathBuf]) -> Result<String> {
    Ok(Report::read(runs)?.terminal_table())
}

/// Writes one page of several runs, each of one or more run directories, to `out`, and in a folder that is named after it
/// (`both-figures/` of `both.html`) its figures and a `results.csv`: the curves of all runs' arms over each other, and by
/// how much the other runs differ from the first. Returns the figures, in the order of the page.
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
    let page = page::comparison(&parts, &data, &drawn);
    let (figures, _) = Place::of_new_page(out)?.write(&page, &drawn, &[(RESULTS, Some(results::csv(&data)))])?;
    Ok(figures)
}

/// Names of the tables beside a page.
const RESULTS: &str = "results.csv";
const LEADERBOARD: &str = "leaderboard.csv";
