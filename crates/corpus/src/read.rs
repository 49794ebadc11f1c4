//! Readers of documents: text files, folders of them, JSON lines plain, gzip or zstd.

use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::files::{file_name, is_json_lines, open, read_text, text_files};
use crate::jsonl::JsonLines;

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

/// Reads documents from `path`: a text file (one document, its id the file's name), a folder (every `.txt` below it in
/// the order of their relative paths, which are the ids), or JSON lines (`.jsonl`, `.ndjson`, `.json`, also with `.gz` or
/// `.zst` after it) with the text in `field`. There the id is the object's `id` if that is a string or a number, else
/// `file:line`; lines that are whole [`Document`]s are taken with their provenance. Line ends become LF, a byte order mark
/// is dropped. Text without provenance counts as human.
///
/// # Errors
/// The first thing that is wrong, with its file and line or byte.
pub fn read(path: &Path, field: &str) -> Result<Vec<Document>, ReadError> {
    let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ReadError::Missing(path.to_owned()),
        _ => ReadError::File { path: path.to_owned(), source },
    })?;
    let documents = if metadata.is_dir() {
        read_folder(path)?
    } else if is_json_lines(path) {
        let lines = JsonLines::new(open(path)?, path, Some(field));
        lines.collect::<Result<Vec<_>, _>>()?
    } else {
        let name = file_name(path);
        vec![Document::human(&name, read_text(path)?, &name)]
    };
    if documents.iter().all(|document| document.text.trim().is_empty()) {
        return Err(ReadError::Empty(path.to_owned()));
    }
    Ok(documents)
}

fn read_folder(root: &Path) -> Result<Vec<Document>, ReadError> {
    let name = file_name(root);
    text_files(root)?.into_iter().map(|(id, path)| Ok(Document::human(id, read_text(&path)?, &name))).collect()
}
