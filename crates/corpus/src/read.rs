//! Readers of documents: text files, folders of them, JSON lines plain, gzip or zstd.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::document::Document;
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

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The file's name without `.gz` and `.zst`, in small letters.
fn plain_name(path: &Path) -> String {
    let name = file_name(path).to_lowercase();
    name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name).to_owned()
}

pub(crate) fn is_json_lines(path: &Path) -> bool {
    let name = plain_name(path);
    [".jsonl", ".ndjson", ".json"].iter().any(|end| name.ends_with(end))
}

/// Opens a file, decompressed if its name ends in `.gz` or `.zst`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>, ReadError> {
    let error = |source| ReadError::File { path: path.to_owned(), source };
    let file = BufReader::new(File::open(path).map_err(error)?);
    let name = file_name(path).to_lowercase();
    Ok(if name.ends_with(".gz") {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else if name.ends_with(".zst") {
        Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(error)?))
    } else {
        Box::new(file)
    })
}

pub(crate) fn read_text(path: &Path) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|source| ReadError::File { path: path.to_owned(), source })?;
    clean(bytes).map_err(|offset| ReadError::NotUtf8 { place: path.display().to_string(), offset: offset as u64 })
}

/// Bytes as text with LF line ends and without a byte order mark.
///
/// # Errors
/// The offset of the first byte that is not UTF-8.
pub(crate) fn clean(bytes: Vec<u8>) -> Result<String, usize> {
    let text = String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to())?;
    Ok(line_feeds(text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

pub(crate) fn line_feeds(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n") } else { text.to_owned() }
}

fn read_folder(root: &Path) -> Result<Vec<Document>, ReadError> {
    let name = file_name(root);
    text_files(root)?.into_iter().map(|(id, path)| Ok(Document::human(id, read_text(&path)?, &name))).collect()
}

/// Every `.txt` below a folder, by its relative path.
pub(crate) fn text_files(root: &Path) -> Result<BTreeMap<String, PathBuf>, ReadError> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let error = |source| ReadError::File { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(error)? {
            let entry = entry.map_err(error)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(error)?);
            // Links to folders are not followed: they may lead in circles.
            if kind.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("txt")) && path.is_file() {
                let relative = path.strip_prefix(root).expect("it was found below the root");
                let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
                files.insert(parts.join("/"), path);
            }
        }
    }
    Ok(files)
}
