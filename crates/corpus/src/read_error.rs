//! Why documents cannot be read.

use std::path::PathBuf;

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
    #[error("{place}: there is no text in a field named {field:?} (the fields are {}): name another field", fields.join(", "))]
    NoField {
        /// File and line.
        place: String,
        /// The field that was asked for.
        field: String,
        /// The names that the object has.
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
        source: std::io::Error,
    },
}
