//! The manifest's file: written beside its place and renamed; read as what a stranger may have written.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use corpus::files::open_file;
use corpus::{ReadError, json_fault};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::canonical::write_string;
use crate::keys::{PublicKey, SecretKey, Signature};
use crate::lines::{self, Line};
use crate::listing::{Entry, LONGEST_ID, repeated};
use crate::merkle::{Hash, leaf, root};

const FORMAT: &str = "habsburg-provenance";
const VERSION: u64 = 1;
/// Document hashes, canonical form, tree.
const ALGORITHM: &str = "sha256-rfc8785-rfc6962";

/// A header that this build writes has less than 500 bytes.
const LONGEST_HEADER: u64 = 4096;
/// A byte of an id takes six as an escape; the hash and the names of both take less than 100.
const LONGEST_LINE: u64 = 6 * LONGEST_ID as u64 + 128;

/// The first line of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    format: String,
    version: u64,
    algorithm: String,
    /// Documents.
    pub(crate) count: u64,
    /// The root of the Merkle tree whose leaves are the lines that follow, without their line feeds.
    pub(crate) root: Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PublicKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
}

/// What tells a manifest, of this version or another.
#[derive(Deserialize)]
struct Kind {
    format: String,
    version: u64,
}

/// A document's line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<'a> {
    hash: Hash,
    #[serde(borrow)]
    id: Id<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id<'a> {
    /// The number of a document that has no id, from 1.
    Number(u64),
    Own(std::borrow::Cow<'a, str>),
}

impl Header {
    /// The header of these documents.
    pub(crate) fn of(entries: &[Entry], key: Option<&SecretKey>) -> Self {
        let leaves: Vec<Hash> = entries.par_iter().enumerate().map(|(index, entry)| leaf(&row(entry, index))).collect();
        let mut header = Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            algorithm: ALGORITHM.to_owned(),
            count: entries.len() as u64,
            root: root(&leaves),
            key: key.map(SecretKey::public),
            signature: None,
        };
        header.signature = key.map(|key| key.sign(header.statement().as_bytes()));
        header
    }

    /// What is signed: a canonical JSON object that names the format, so that it cannot pass for a statement of another kind.
    pub(crate) fn statement(&self) -> String {
        let Self { algorithm, count, format, root, version, .. } = self;
        format!(
            r#"{{"algorithm":"{algorithm}","count":{count},"format":"{format}","root":"{root}","version":{version}}}"#
        )
    }

    /// Whether the signature holds under the header's own key; none if there is no signature.
    pub(crate) fn signed(&self) -> Option<(PublicKey, bool)> {
        let (key, signature) = self.key.zip(self.signature)?;
        Some((key, key.holds(self.statement().as_bytes(), &signature)))
    }

    fn parse(line: &str, path: &Path) -> Result<Self, Error> {
        let kind: Kind = serde_json::from_str(line).map_err(|_| Error::NoManifest(path.to_owned()))?;
        if kind.format != FORMAT {
            return Err(Error::NoManifest(path.to_owned()));
        }
        let unknown = |what: String| Error::Unknown { path: path.to_owned(), what };
        if kind.version != VERSION {
            return Err(unknown(format!("version {}", kind.version)));
        }
        let damaged = |what: String| Error::Damaged { place: format!("{}, line 1", path.display()), what };
        let header: Self = serde_json::from_str(line).map_err(|error| damaged(json_fault(&error)))?;
        if header.algorithm != ALGORITHM {
            return Err(unknown(format!("algorithm {:?}", header.algorithm)));
        }
        if header.key.is_some() != header.signature.is_some() {
            return Err(damaged("a key and a signature belong together".to_owned()));
        }
        Ok(header)
    }
}

/// The line of a document without its line feed, in canonical form: a leaf of the tree.
fn row(entry: &Entry, index: usize) -> Vec<u8> {
    let mut row = format!(r#"{{"hash":"{}","id":"#, entry.hash).into_bytes();
    match &entry.id {
        Some(id) => write_string(id, &mut row),
        None => row.extend_from_slice((index + 1).to_string().as_bytes()),
    }
    row.push(b'}');
    row
}

/// Writes a manifest so that a reader, or a crash, sees what was there before or all of it.
pub(crate) fn write(header: &Header, entries: &[Entry], path: &Path) -> Result<(), Error> {
    /// Documents whose lines are in memory at once.
    const TOGETHER: usize = 1 << 14;
    let written = || -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".manifest-");
        // As any file that a program makes; the system takes off what the user's mask forbids.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut beside = builder.tempfile_in(folder)?;
        let mut out = BufWriter::new(beside.as_file_mut());
        serde_json::to_writer(&mut out, header)?;
        out.write_all(b"\n")?;
        for (chunk, entries) in entries.chunks(TOGETHER).enumerate() {
            let first = chunk * TOGETHER;
            let rows: Vec<Vec<u8>> =
                entries.par_iter().enumerate().map(|(index, entry)| row(entry, first + index)).collect();
            for row in rows {
                out.write_all(&row)?;
                out.write_all(b"\n")?;
            }
        }
        out.flush()?;
        drop(out);
        beside.as_file().sync_all()?;
        beside.persist(path)?;
        Ok(())
    };
    written().map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// The first line of a file, if it may be a manifest's.
pub(crate) fn header(path: &Path) -> Result<Header, Error> {
    open(path).map(|(header, _)| header)
}

fn open(path: &Path) -> Result<(Header, BufReader<File>), Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing(path.to_owned()),
        _ => Error::Open { path: path.to_owned(), source },
    };
    // Not opened: what is neither a file nor a pipe.
    let file = open_file(path).map_err(|error| match error {
        ReadError::Kind { .. } => Error::NoManifest(path.to_owned()),
        error => failed(error.into_io()),
    })?;
    let mut reader = BufReader::new(file.0);
    let mut line = Vec::new();
    reader.by_ref().take(LONGEST_HEADER).read_until(b'\n', &mut line).map_err(failed)?;
    let line = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
    let header = Header::parse(line.ok_or_else(|| Error::NoManifest(path.to_owned()))?, path)?;
    Ok((header, reader))
}

/// Reads a manifest and checks that it agrees with itself. The signature is the caller's to judge.
///
/// Memory follows what the file holds, never what it says that it holds.
pub(crate) fn read(path: &Path) -> Result<(Header, Vec<Entry>), Error> {
    let (header, reader) = open(path)?;
    let (mut entries, mut leaves) = (Vec::new(), Vec::new());
    let read = lines::for_each(
        reader,
        LONGEST_LINE,
        |line| document(&line, path),
        |document| {
            let (entry, leaf) = document?;
            entries.push(entry);
            leaves.push(leaf);
            match entries.len() as u64 > header.count {
                true => Err(Error::Count { path: path.to_owned(), count: header.count, more: true }),
                false => Ok(()),
            }
        },
    );
    read.map_err(|source| Error::Open { path: path.to_owned(), source })??;
    if (entries.len() as u64) < header.count {
        return Err(Error::Count { path: path.to_owned(), count: header.count, more: false });
    }
    if root(&leaves) != header.root {
        return Err(Error::Root(path.to_owned()));
    }
    if let Some((first, second)) = repeated(&entries) {
        let what = format!("the id of line {} is repeated", first + 2);
        return Err(damaged(path, second as u64 + 2, what));
    }
    Ok((header, entries))
}

fn damaged(path: &Path, line: u64, what: String) -> Error {
    Error::Damaged { place: format!("{}, line {line}", path.display()), what }
}

/// A document's line; the header is line 1 of the file and not counted in `line`.
fn document(line: &Line, path: &Path) -> Result<(Entry, Hash), Error> {
    let damaged = |what: String| damaged(path, line.number + 1, what);
    if !line.ended {
        return Err(damaged("the file ends within this line".to_owned()));
    }
    let row: Row = serde_json::from_slice(line.bytes).map_err(|error| damaged(json_fault(&error)))?;
    let id = match row.id {
        Id::Own(id) if id.len() <= LONGEST_ID => Some(Box::from(id)),
        Id::Own(_) => return Err(damaged(format!("an id of more than {LONGEST_ID} bytes"))),
        Id::Number(number) if number == line.number => None,
        Id::Number(number) => return Err(damaged(format!("document {} has the number {number}", line.number))),
    };
    Ok((Entry { id, hash: row.hash, line: None }, leaf(line.bytes)))
}
