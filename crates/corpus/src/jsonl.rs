//! Documents as JSON lines, read one by one and written.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::files::{Source, file_name, line_feeds};
use crate::limits::Limits;
use crate::object::{Object, Scalar, shown};
use crate::read_error::ReadError;

/// Documents from JSON lines, one after the other; the first error ends it.
pub struct JsonLines {
    source: Source,
    path: PathBuf,
    /// Where plain objects hold their text; none if every line must be a whole document.
    field: Option<String>,
    line: usize,
    offset: u64,
    /// Ids so far, with their lines.
    seen: BTreeMap<String, usize>,
    finished: bool,
}

impl JsonLines {
    /// Reads a file of whole documents, as [`write_jsonl_zst`] writes; `.gz`, `.zst` or plain by its name. It is a file of
    /// this program's own, so there are no bounds.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self::new(Source::open(path, &Limits::NONE, 0)?, path, None))
    }

    pub(crate) fn new(source: Source, path: &Path, field: Option<&str>) -> Self {
        let field = field.map(str::to_owned);
        Self { source, path: path.to_owned(), field, line: 0, offset: 0, seen: BTreeMap::new(), finished: false }
    }

    fn place(&self) -> String {
        format!("{}, line {}", self.path.display(), self.line)
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Result<Option<String>, ReadError> {
        loop {
            let mut bytes = Vec::new();
            let line = self.line as u64 + 1;
            let length = self.source.line(&mut bytes).map_err(|error| ReadError::at(&self.path, Some(line), error))?;
            if length == 0 {
                return Ok(None);
            }
            self.line += 1;
            let start = self.offset;
            self.offset += length as u64;
            let mut line = String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
                place: self.place(),
                offset: start + error.utf8_error().valid_up_to() as u64,
            })?;
            if start == 0 && line.starts_with('\u{feff}') {
                line.remove(0);
            }
            if !line.trim().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn parse(&self, line: &str) -> Result<Document, ReadError> {
        let json =
            |error: serde_json::Error| ReadError::Json { place: self.place(), what: json_fault_in(&error, line) };
        let Some(field) = &self.field else {
            return serde_json::from_str(line).map_err(json);
        };
        let object = Object::read(line, field).map_err(json)?;
        if field == "text" && object.has_provenance {
            let mut document: Document = serde_json::from_str(line).map_err(json)?;
            if document.provenance.generation.is_none() {
                document.text = line_feeds(document.text);
            }
            return Ok(document);
        }
        let source = file_name(&self.path);
        let id = match (object.id, &object.text) {
            (Some(Scalar::Text(id) | Scalar::Number(id)), _) => id,
            // The field of the text is `id` itself.
            (None, Some(Scalar::Text(text))) if field == "id" => text.clone(),
            _ => format!("{source}:{}", self.line),
        };
        match object.text {
            Some(Scalar::Text(text)) => Ok(Document::human(id, line_feeds(text), source)),
            other => Err(ReadError::NoField {
                place: self.place(),
                field: shown(field),
                is_null: other == Some(Scalar::Null),
                fields: object.fields,
            }),
        }
    }

    fn advance(&mut self) -> Result<Option<Document>, ReadError> {
        let Some(line) = self.next_line()? else {
            return Ok(None);
        };
        let document = self.parse(&line)?;
        if let Some(first) = self.seen.insert(document.id.clone(), self.line) {
            return Err(ReadError::Duplicate { place: self.place(), id: shown(&document.id), first });
        }
        Ok(Some(document))
    }
}

/// The parser's message with its column. Its line number is left out: the parser sees one line at a time.
pub fn json_fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    if error.column() > 0 { format!("column {}: {what}", error.column()) } else { what.to_owned() }
}

/// [`json_fault`] of a text: what JSON has no word for is named.
fn json_fault_in(error: &serde_json::Error, text: &str) -> String {
    let before = error.column().saturating_sub(1).min(text.len());
    // The parser stops at the first byte that it does not know, or one past the minus sign.
    let rest = text.as_bytes().get(before.saturating_sub(1)..).unwrap_or_default();
    let named = ["NaN", "-Infinity", "Infinity"].iter().find(|word| {
        let at = rest.windows(word.len().min(rest.len().max(1))).take(2).any(|bytes| bytes == word.as_bytes());
        at && error.is_syntax()
    });
    match named {
        Some(word) => format!("column {}: {word} is no JSON; write null, or leave the field out", error.column()),
        None => json_fault(error),
    }
}

impl Iterator for JsonLines {
    type Item = Result<Document, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let next = self.advance().transpose();
        self.finished = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Writes documents as zstd-compressed JSON lines; the same documents give the same bytes.
///
/// # Errors
/// What the writer says.
pub fn write_jsonl_zst<'a>(
    writer: impl Write,
    documents: impl IntoIterator<Item = &'a Document>,
) -> std::io::Result<()> {
    let mut encoder = zstd::Encoder::new(writer, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    for document in documents {
        serde_json::to_writer(&mut encoder, document)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()?.flush()
}
