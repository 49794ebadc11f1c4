//! Why documents cannot be read.

use std::io;
use std::path::{Path, PathBuf};

use crate::limits::{in_bytes, next};

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No such file or folder.
    #[error("{}: there is no such file or folder: check the path", .0.display())]
    Missing(PathBuf),
    /// No text in it.
    #[error("{}: there is no text in it: give a text file, a folder with .txt files, or JSON lines", .0.display())]
    Empty(PathBuf),
    /// Neither a regular file nor a pipe.
    #[error("{}: this is {what}, not a file: give a file, or a pipe that something writes into", path.display())]
    Kind {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A pipe into which nobody writes.
    #[error("{}: this is a pipe and nothing writes into it: start the writer first, or give a file", .0.display())]
    NoWriter(PathBuf),
    /// Another length than when it was opened.
    #[error("{}: the file changed while it was read: try again when nothing writes to it", .0.display())]
    Changed(PathBuf),
    /// A bound was reached.
    #[error("{}: {message}", path.display())]
    Excess {
        /// The file or folder.
        path: PathBuf,
        /// The bound, the line where lines count, and what to try.
        message: String,
    },
    /// A file that should be small.
    #[error("{}: the file has more than {most}, which no file of this kind needs: check the path", path.display())]
    Small {
        /// The file.
        path: PathBuf,
        /// The bound, in words.
        most: String,
    },
    /// Not UTF-8.
    #[error("{place}: not UTF-8 at byte {offset} (after decompression, if any): convert it, as with iconv -t UTF-8")]
    NotUtf8 {
        /// File, and line where lines count.
        place: String,
        /// First byte that is wrong, from 0, in the whole file.
        offset: u64,
    },
    /// A line is no JSON object.
    #[error("{place}: {what}: each line must be one JSON object")]
    Json {
        /// File and line.
        place: String,
        /// What the parser said.
        what: String,
    },
    /// An object has no such text.
    #[error("{place}: {} (the fields are {}): name another field", no_text(field, *is_null), fields.join(", "))]
    NoField {
        /// File and line.
        place: String,
        /// The field that was asked for.
        field: String,
        /// Whether the field is there and holds null.
        is_null: bool,
        /// The names that the object has; many are cut short.
        fields: Vec<String>,
    },
    /// Two documents with one id.
    #[error("{place}: the id {id:?} was already used at line {first}: give every document its own")]
    Duplicate {
        /// File and line.
        place: String,
        /// The id.
        id: String,
        /// The line that used it first.
        first: usize,
    },
    /// The system could not read or write.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn no_text(field: &str, is_null: bool) -> String {
    match is_null {
        true => format!("the field {field:?} is null and not a text"),
        false => format!("there is no text in a field named {field:?}"),
    }
}

/// A bound of [`Limits`](crate::Limits), or what else ends the reading of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    LineBytes,
    TextBytes,
    Expansion,
    Files,
    NoWriter,
    Changed,
}

/// A bound that was reached. Readers pass it on inside an [`io::Error`]; [`ReadError::of`] takes it out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    bound: Bound,
    most: u64,
    /// What is too much: "is longer than".
    what: &'static str,
}

impl Excess {
    pub(crate) fn new(bound: Bound, most: u64, what: &'static str) -> Self {
        Self { bound, most, what }
    }

    pub(crate) fn changed() -> Self {
        Self::new(Bound::Changed, 0, "the file changed while it was read")
    }

    pub(crate) fn no_writer() -> Self {
        Self::new(Bound::NoWriter, 0, "nothing writes into this pipe")
    }

    fn message(&self) -> String {
        let Self { bound, most, what } = self;
        let (key, size, larger) = match bound {
            Bound::LineBytes => ("line_bytes", in_bytes(*most), next(*most)),
            Bound::TextBytes => ("text_bytes", in_bytes(*most), next(*most)),
            Bound::Expansion => ("expansion", format!("{most} times"), (10 * u128::from(*most)).to_string()),
            Bound::Files => ("files", format!("{most} entries"), (10 * u128::from(*most)).to_string()),
            Bound::Changed | Bound::NoWriter => return (*what).to_owned(),
        };
        format!(
            "{what} {size}; if it is meant to be, raise limits.{key} (--limit {key}={larger}, or limits.{key} in an \
             experiment file)"
        )
    }
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Excess {}

impl From<Excess> for io::Error {
    fn from(excess: Excess) -> Self {
        Self::new(io::ErrorKind::FileTooLarge, excess)
    }
}

impl ReadError {
    /// What a reader said of a file: a bound, or the system's own error.
    pub fn of(path: &Path, error: io::Error) -> Self {
        Self::at(path, None, error)
    }

    /// A line beyond [`Limits::line_bytes`](crate::Limits::line_bytes).
    pub fn too_long(path: &Path, line: u64, longest: u64) -> Self {
        Self::at(path, Some(line), Excess::new(Bound::LineBytes, longest, "is longer than").into())
    }

    /// The system's error, or one in its form without the path.
    pub fn into_io(self) -> io::Error {
        match self {
            Self::File { source, .. } => source,
            Self::Missing(_) => io::ErrorKind::NotFound.into(),
            Self::Kind { what, .. } => io::Error::other(format!("this is {what}, not a file")),
            other => io::Error::other(other),
        }
    }

    /// What a reader said of a file, in this line where the bound is a line's.
    pub fn at(path: &Path, line: Option<u64>, error: io::Error) -> Self {
        let Some(excess) = excess_in(&error) else { return Self::File { path: path.to_owned(), source: error } };
        match excess.bound {
            Bound::Changed => Self::Changed(path.to_owned()),
            Bound::NoWriter => Self::NoWriter(path.to_owned()),
            Bound::LineBytes => {
                let line = line.map_or("a line".to_owned(), |line| format!("line {line}"));
                Self::Excess { path: path.to_owned(), message: format!("{line} {excess}") }
            }
            _ => Self::Excess { path: path.to_owned(), message: excess.to_string() },
        }
    }
}

/// The bound inside an error, however many readers have wrapped it.
fn excess_in(error: &io::Error) -> Option<&Excess> {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(error) = inner {
        if let Some(excess) = error.downcast_ref::<Excess>() {
            return Some(excess);
        }
        inner = match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => error.source(),
        };
    }
    None
}
