//! Seal a corpus and find out later what was changed: a manifest with a hash for each document, one Merkle root over them,
//! and an Ed25519 signature under the root.
//!
//! Use it when a corpus changes hands. The labels that say which documents are human and which are synthetic
//! ([`corpus::Provenance`]) are only worth something while nobody changes them. [`seal`] writes the manifest, [`verify`]
//! compares it with the corpus and names every document that was changed, renamed, moved, lost or added. On the command
//! line these are `habsburg provenance key`, `seal` and `verify`.
//!
//! ```
//! use provenance::{PublicKey, SecretKey, Signed, make_key, manifest_path, seal, verify};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (key, data) = (folder.path().join("me.key"), folder.path().join("corpus.jsonl"));
//! std::fs::write(&data, "{\"id\":\"a\",\"text\":\"Call me Ishmael.\"}\n{\"id\":\"b\",\"text\":\"No.\"}\n")?;
//! let me: PublicKey = make_key(&key)?;
//! let manifest = manifest_path(&data)?;
//! seal(&data, Some(&SecretKey::load(&key)?), &manifest)?;
//! assert!(verify(&data, &manifest, Some(me))?.is_ok());
//!
//! std::fs::write(&data, "{\"id\":\"a\",\"text\":\"Call me Ahab.\"}\n{\"id\":\"b\",\"text\":\"No.\"}\n")?;
//! let report = verify(&data, &manifest, Some(me))?;
//! assert_eq!(report.signed, Signed::By(me));
//! assert_eq!(report.differences[0].to_string(), "changed  \"a\", line 1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Format
//!
//! A manifest is a file of JSON lines in UTF-8. Each line ends in a line feed. First comes a header, then a line for each
//! document in the corpus's order:
//!
//! ```text
//! {"format":"habsburg-provenance","version":1,"algorithm":"sha256-rfc8785-rfc6962","count":2,"root":H,"key":K,"signature":S}
//! {"hash":H,"id":"a"}
//! {"hash":H,"id":2}
//! ```
//!
//! - A document's `hash` is the SHA-256 of its JSON object in the canonical form of RFC 8785. It covers the text, the
//!   provenance and every other field. It leaves out the `id`, if that is a string or a number. Integers of up to 64 bits
//!   keep all digits. So a file may be compressed, or written again with other spaces, escapes or order of keys, and
//!   nothing is changed. A text file is the object `{"text": ...}` with its text as [`corpus::read`] gives it: line ends
//!   LF, no byte order mark.
//! - Its `id` is its own as a string; in a folder its file's path; else the document's number from 1.
//! - `root` is the Merkle tree hash of RFC 6962 with SHA-256. Its leaves are the lines after the header, byte for byte,
//!   without their line feeds: `SHA-256(0x00 ‖ line)`, inner nodes `SHA-256(0x01 ‖ left ‖ right)`.
//! - `signature` is Ed25519 (RFC 8032) by `key` on the statement, canonical too,
//!   `{"algorithm":…,"count":…,"format":…,"root":…,"version":…}`. Both are absent in an unsigned manifest.
//!
//! Hashes, keys and signatures are lower-case hexadecimal digits.
//!
//! A manifest does not say that the labels were true when they were sealed. It says that they are still what somebody
//! sealed, and who.

mod canonical;
mod compare;
mod error;
mod keys;
mod lines;
mod listing;
mod manifest;
mod merkle;
mod report;

use std::path::{Path, PathBuf};

pub use compare::{Difference, Place};
pub use error::Error;
pub use keys::{KeyError, PublicKey, SecretKey, make_key};
pub use merkle::{Hash, leaf, root};
pub use report::{Report, Signed};

use corpus::Limits;
use listing::Listing;

/// The result of [`seal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Number of documents.
    pub documents: usize,
    /// The Merkle root over them.
    pub root: Hash,
    /// The key that signed, if one did.
    pub key: Option<PublicKey>,
}

/// The default path of a corpus's manifest: `DATA.manifest.jsonl`, beside the corpus.
///
/// # Errors
/// [`Error::NoName`] for a path without a file name, such as `.`.
pub fn manifest_path(data: &Path) -> Result<PathBuf, Error> {
    let mut name = data.file_name().ok_or_else(|| Error::NoName(data.to_owned()))?.to_owned();
    name.push(".manifest.jsonl");
    Ok(data.with_file_name(name))
}

/// Seals the corpus `data` in a manifest at the path `manifest`. [`corpus::read`] says what `data` may be; JSON lines need
/// no field of a certain name. An older manifest is replaced, atomically; any other file is not. `data` is only read.
///
/// # Errors
/// A corpus that cannot be read, is empty, or has an id twice; a manifest path that is taken or cannot be written.
pub fn seal(data: &Path, key: Option<&SecretKey>, manifest: &Path) -> Result<Sealed, Error> {
    seal_within(data, key, manifest, &Limits::default())
}

/// [`seal`] of a corpus within other bounds than the usual.
///
/// # Errors
/// As [`seal`].
pub fn seal_within(data: &Path, key: Option<&SecretKey>, manifest: &Path, limits: &Limits) -> Result<Sealed, Error> {
    check_path(data, manifest)?;
    let entries = Listing::of(data, limits)?.check(data)?;
    let header = manifest::Header::of(&entries, key);
    manifest::write(&header, &entries, manifest)?;
    Ok(Sealed { documents: entries.len(), root: header.root, key: header.key })
}

/// Refuses to write over the corpus, into it, or over a file that is no manifest.
fn check_path(data: &Path, manifest: &Path) -> Result<(), Error> {
    let folder = manifest.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A corpus or folder that does not exist is reported when it is read or written.
    if let (Ok(data_path), Ok(folder)) = (data.canonicalize(), folder.canonicalize()) {
        let real = manifest.canonicalize().unwrap_or_else(|_| folder.join(manifest.file_name().unwrap_or_default()));
        if real.starts_with(&data_path) {
            return Err(Error::Inside { manifest: manifest.to_owned(), data: data.to_owned() });
        }
    }
    match manifest::header(manifest) {
        Err(Error::NoManifest(_) | Error::Open { .. }) => Err(Error::Occupied(manifest.to_owned())),
        // A damaged manifest or one of another version is still a manifest, and may be replaced.
        _ => Ok(()),
    }
}

/// Compares the corpus `data` with its manifest, and the manifest's signature with `key`.
///
/// # Errors
/// A file that is no manifest or contradicts itself; a corpus that cannot be read. A document that cannot be parsed is no
/// error but a [`Difference`], as is everything else that happened to the documents.
pub fn verify(data: &Path, manifest: &Path, key: Option<PublicKey>) -> Result<Report, Error> {
    verify_within(data, manifest, key, &Limits::default())
}

/// [`verify`] of a corpus within other bounds than the usual.
///
/// # Errors
/// As [`verify`].
pub fn verify_within(data: &Path, manifest: &Path, key: Option<PublicKey>, limits: &Limits) -> Result<Report, Error> {
    let (header, sealed) = manifest::read(manifest)?;
    let signed = match header.signed() {
        None => Signed::No,
        Some((by, false)) => Signed::Broken(by),
        Some((by, true)) if key.is_none_or(|key| key == by) => Signed::By(by),
        Some((by, true)) => Signed::ByAnother(by),
    };
    let listing = Listing::of(data, limits)?;
    let faults: Vec<_> = listing.faults.iter().map(|(index, fault)| (*index, fault.to_string())).collect();
    Ok(Report {
        sealed: sealed.len(),
        found: listing.entries.len(),
        root: header.root,
        signed,
        key_given: key.is_some(),
        differences: compare::compare(&sealed, &listing.entries, &faults),
    })
}
