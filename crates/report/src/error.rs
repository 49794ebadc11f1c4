use std::path::PathBuf;

/// Errors of a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The run cannot be read, or a file not written.
    #[error(transparent)]
    Run(#[from] rundir::Error),
    /// Nothing has been measured yet.
    #[error(
        "{path} has no metrics.csv yet: `habsburg run` writes it after each generation, `habsburg verify {path} --repair` after \
         steps",
        path = .0.display()
    )]
    NoMetrics(PathBuf),
    /// The output folder cannot be made.
    #[error("cannot create {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's message.
        source: std::io::Error,
    },
    /// Something else is where the page is to be.
    #[error("{} is there and is no page: choose another --out", .0.display())]
    Taken(PathBuf),
    /// Nothing says what the arms are.
    #[error("{} has no run.json, which states the arms: copy it from the run beside metrics.csv", .0.display())]
    NoInfo(PathBuf),
    /// A file whose content is not what it should be.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Its fault.
        why: String,
    },
    /// Run directories that are not of one experiment.
    #[error("{} and {} are not pieces of one experiment: {why}; `habsburg compare` lays runs beside each other", first.display(), other.display())]
    Apart {
        /// The one.
        first: PathBuf,
        /// The other.
        other: PathBuf,
        /// The difference.
        why: String,
    },
    /// Several run directories, and no page's name.
    #[error("a page of {0} run directories has no place of its own: name the file with --out")]
    NoPage(usize),
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
