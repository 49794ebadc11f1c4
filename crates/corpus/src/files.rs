//! Text files as bytes and lines, below [`read`](crate::read): opened by their names, decompressed, cleaned. For those who
//! read a corpus without making [`Document`](crate::Document)s of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::read_error::ReadError;

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

/// Opens a file, decompressed if its name ends in `.gz` or `.zst`.
///
/// # Errors
/// A file that cannot be opened.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, ReadError> {
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

/// The text of a file that [`open`] opens, with LF line ends and without a byte order mark.
///
/// # Errors
/// A file that cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
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

/// Every `.txt` file below a folder, by its relative path with `/` between the parts.
///
/// # Errors
/// A folder that cannot be read.
pub fn text_files(root: &Path) -> Result<BTreeMap<String, PathBuf>, ReadError> {
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
