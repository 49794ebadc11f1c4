use std::path::PathBuf;

use corpus::ReadError;

/// Why a corpus was not sealed or could not be compared with its manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The corpus could not be read.
    #[error(transparent)]
    Data(#[from] ReadError),
    /// The corpus's path has no file name to derive the manifest's from.
    #[error("{}: cannot derive a manifest path from this; pass --out or --manifest", .0.display())]
    NoName(PathBuf),
    /// The manifest would be a part of the corpus, or replace it.
    #[error("{}: the manifest would be inside {}; choose a path outside", manifest.display(), data.display())]
    Inside {
        /// The manifest.
        manifest: PathBuf,
        /// The corpus.
        data: PathBuf,
    },
    /// Another file has the manifest's path.
    #[error("{}: this file exists and is no manifest; choose another path, or move it away", .0.display())]
    Occupied(PathBuf),
    /// There is no manifest.
    #[error("{}: no such manifest; make one with `habsburg provenance seal`, or name it with --manifest", .0.display())]
    Missing(PathBuf),
    /// The file is of another kind.
    #[error("{}: not a manifest; its first line must be the header that `habsburg provenance seal` writes", .0.display())]
    NoManifest(PathBuf),
    /// A format that this build does not know.
    #[error("{}: a manifest of {what}, which this build does not know; use the build that sealed, or a newer one", path.display())]
    Unknown {
        /// The manifest.
        path: PathBuf,
        /// The version or algorithm.
        what: String,
    },
    /// A line cannot be parsed.
    #[error("{place}: {what}; the manifest is damaged, take it from its source again")]
    Damaged {
        /// File and line.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// The number of lines differs from the header's count.
    #[error(
        "{}: the header counts {count} documents and there are {}; the manifest is damaged, take it from its source again",
        path.display(), if *more { "more" } else { "fewer" }
    )]
    Count {
        /// The manifest.
        path: PathBuf,
        /// The header's count.
        count: u64,
        /// Whether there are more.
        more: bool,
    },
    /// The lines are not those that were sealed.
    #[error("{}: Merkle root mismatch; the manifest was modified, take it from its source again", .0.display())]
    Root(PathBuf),
    /// The manifest cannot be read.
    #[error("{}: {source}", path.display())]
    Open {
        /// The manifest.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The manifest cannot be written.
    #[error("{}: cannot write the manifest: {source}", path.display())]
    Write {
        /// The manifest.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
