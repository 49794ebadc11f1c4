//! Readers of documents: text files, folders of them, JSON lines plain, gzip or zstd.

use std::path::Path;

use crate::document::Document;
use crate::files::{file_name, is_json_lines, open, read_text, text_files};
use crate::jsonl::JsonLines;
use crate::read_error::ReadError;

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
