//! Readers of documents: text files, folders of them, JSON lines plain, gzip or zstd.

use std::path::Path;

use crate::document::Document;
use crate::files::{Source, Text, file_name, open, read_text, text_files};
use crate::jsonl::JsonLines;
use crate::limits::{Limits, RECORD};
use crate::read_error::ReadError;

/// Reads documents from `path`: a text file (one document, its id the file's name), a folder (every `.txt` below it in
/// the order of their relative paths, which are the ids), or JSON lines (`.jsonl`, `.ndjson`, `.json`, also with `.gz` or
/// `.zst` after it) with the text in `field`. There the id is the object's `id` if that is a string or a number, else
/// `file:line`; lines that are whole [`Document`]s are taken with their provenance. Line ends become LF, a byte order mark
/// is dropped. Text without provenance counts as human. A pipe that something writes into is read as JSON lines if it begins
/// with `{`, else as one text.
///
/// # Errors
/// The first thing that is wrong, with its file and line or byte; text beyond `limits`.
pub fn read(path: &Path, field: &str, limits: &Limits) -> Result<Vec<Document>, ReadError> {
    let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ReadError::Missing(path.to_owned()),
        _ => ReadError::File { path: path.to_owned(), source },
    })?;
    let documents = if metadata.is_dir() {
        read_folder(path, limits)?
    } else {
        match open(path, limits)? {
            Text::Lines(source) => JsonLines::new(source, path, Some(field)).collect::<Result<Vec<_>, _>>()?,
            Text::Whole(source) => {
                let name = file_name(path);
                vec![Document::human(&name, read_text(source, path)?.0, &name)]
            }
        }
    };
    if documents.iter().all(|document| document.text.trim().is_empty()) {
        return Err(ReadError::Empty(path.to_owned()));
    }
    Ok(documents)
}

fn read_folder(root: &Path, limits: &Limits) -> Result<Vec<Document>, ReadError> {
    let name = file_name(root);
    let mut total = 0;
    let document = |(id, path): (String, std::path::PathBuf)| {
        let (text, so_far) = read_text(Source::open(&path, limits, total)?, &path)?;
        total = so_far.saturating_add(RECORD);
        Ok(Document::human(id, text, &name))
    };
    text_files(root, limits)?.into_iter().map(document).collect()
}
