//! Text files as bytes and lines, below [`read`](crate::read): opened by their names, decompressed, cleaned. For those who
//! read a corpus without making [`Document`](crate::Document)s of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::limits::Limits;
use crate::read_error::{Bound, Excess, ReadError};
pub use crate::source::{Source, open_file, read_small, read_small_text};

/// The last part of a path; the whole path where it has none, such as `..`.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The file's name without `.gz` and `.zst`, in lower case.
fn plain_name(path: &Path) -> String {
    let name = file_name(path).to_lowercase();
    name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name).to_owned()
}

/// True if a file holds JSON lines, by its name: `.jsonl`, `.ndjson` or `.json`, also with `.gz` or `.zst` after it.
pub fn is_json_lines(path: &Path) -> bool {
    let name = plain_name(path);
    [".jsonl", ".ndjson", ".json"].iter().any(|end| name.ends_with(end))
}

/// The forms of a file of text.
pub enum Text {
    /// JSON lines, to be read line by line.
    Lines(Source),
    /// One text.
    Whole(Source),
}

/// Opens a file as what its name says it is. A pipe has no such name: it holds JSON lines if it begins with `{`.
///
/// # Errors
/// A file that cannot be opened.
pub fn open(path: &Path, limits: &Limits) -> Result<Text, ReadError> {
    let mut source = Source::open(path, limits, 0)?;
    let is_lines = is_json_lines(path)
        || (source.is_pipe() && source.peek().map_err(|error| ReadError::of(path, error))? == Some(b'{'));
    Ok(if is_lines { Text::Lines(source.of_documents()) } else { Text::Whole(source) })
}

/// The text of a source, with LF line ends and without a byte order mark; and what was read of the corpus so far.
///
/// # Errors
/// A file that cannot be read or is not UTF-8, and one beyond its bounds.
pub fn read_text(mut source: Source, path: &Path) -> Result<(String, u64), ReadError> {
    let (mut bytes, mut line) = (Vec::new(), 1);
    while source.line(&mut bytes).map_err(|error| ReadError::at(path, Some(line), error))? > 0 {
        line += 1;
    }
    let text = clean(bytes)
        .map_err(|offset| ReadError::NotUtf8 { place: path.display().to_string(), offset: offset as u64 })?;
    Ok((text, source.total()))
}

/// Bytes as text with LF line ends and without a byte order mark.
///
/// # Errors
/// The offset of the first byte that is not UTF-8.
pub(crate) fn clean(bytes: Vec<u8>) -> Result<String, usize> {
    let text = String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to())?;
    Ok(line_feeds(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }))
}

pub(crate) fn line_feeds(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n") } else { text }
}

/// Every `.txt` file below a folder, by its relative path with `/` between the parts.
///
/// # Errors
/// A folder that cannot be read, or has more entries than [`Limits::files`].
pub fn text_files(root: &Path, limits: &Limits) -> Result<BTreeMap<String, PathBuf>, ReadError> {
    let mut files = BTreeMap::new();
    let mut entries = 0;
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let error = |source| ReadError::File { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(error)? {
            let entry = entry.map_err(error)?;
            entries += 1;
            if entries > limits.files {
                return Err(ReadError::of(
                    root,
                    Excess::new(Bound::Files, limits.files, "the folder has more than").into(),
                ));
            }
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
