//! Documents as JSON lines, read one by one and written.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::document::Document;
use crate::files::{file_name, line_feeds, open};
use crate::read_error::ReadError;

/// Documents from JSON lines, one after the other; the first error ends it.
pub struct JsonLines {
    reader: Box<dyn BufRead>,
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
    /// Reads a file of whole documents, as [`write_jsonl_zst`] writes; `.gz`, `.zst` or plain by its name.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self::new(open(path)?, path, None))
    }

    pub(crate) fn new(reader: Box<dyn BufRead>, path: &Path, field: Option<&str>) -> Self {
        let field = field.map(str::to_owned);
        Self { reader, path: path.to_owned(), field, line: 0, offset: 0, seen: BTreeMap::new(), finished: false }
    }

    fn place(&self) -> String {
        format!("{}, line {}", self.path.display(), self.line)
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Result<Option<String>, ReadError> {
        loop {
            let mut bytes = Vec::new();
            let length = (self.reader.read_until(b'\n', &mut bytes))
                .map_err(|source| ReadError::File { path: self.path.clone(), source })?;
            if length == 0 {
                return Ok(None);
            }
            self.line += 1;
            let start = self.offset;
            self.offset += length as u64;
            let line = String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
                place: self.place(),
                offset: start + error.utf8_error().valid_up_to() as u64,
            })?;
            let line = if start == 0 { line.strip_prefix('\u{feff}').unwrap_or(&line) } else { &line };
            if !line.trim().is_empty() {
                return Ok(Some(line.to_owned()));
            }
        }
    }

    fn parse(&self, line: &str) -> Result<Document, ReadError> {
        let json = |error: serde_json::Error| ReadError::Json { place: self.place(), what: json_fault(&error) };
        let Some(field) = &self.field else {
            return serde_json::from_str(line).map_err(json);
        };
        let value: Value = serde_json::from_str(line).map_err(json)?;
        let Value::Object(mut object) = value else {
            return Err(ReadError::Json { place: self.place(), what: "this is no object".into() });
        };
        if field == "text" && object.contains_key("provenance") {
            let mut document: Document = serde_json::from_value(Value::Object(object)).map_err(json)?;
            if document.provenance.generation.is_none() {
                document.text = line_feeds(&document.text);
            }
            return Ok(document);
        }
        let id = match object.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => format!("{}:{}", file_name(&self.path), self.line),
        };
        match object.remove(field) {
            Some(Value::String(text)) => Ok(Document::human(id, line_feeds(&text), file_name(&self.path))),
            _ => {
                let fields = object.keys().cloned().collect();
                Err(ReadError::NoField { place: self.place(), field: field.clone(), fields })
            }
        }
    }

    fn advance(&mut self) -> Result<Option<Document>, ReadError> {
        let Some(line) = self.next_line()? else {
            return Ok(None);
        };
        let document = self.parse(&line)?;
        if let Some(first) = self.seen.insert(document.id.clone(), self.line) {
            return Err(ReadError::Duplicate { place: self.place(), id: document.id, first });
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
