//! Sealing a corpus: a manifest with a hash for each document, one root over them, and a signature under it; and finding
//! what was changed since.
//!
//! ```
//! use corpus::manifest::{self, PublicKey, SecretKey, Signed};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (key, data) = (folder.path().join("me.key"), folder.path().join("corpus.jsonl"));
//! std::fs::write(&data, "{\"id\":\"a\",\"text\":\"Call me Ishmael.\"}\n{\"id\":\"b\",\"text\":\"No.\"}\n")?;
//! let me: PublicKey = manifest::make_key(&key)?;
//! let place = manifest::place_of(&data)?;
//! manifest::seal(&data, Some(&SecretKey::load(&key)?), &place)?;
//! assert!(manifest::verify(&data, &place, Some(me))?.is_well());
//!
//! std::fs::write(&data, "{\"id\":\"a\",\"text\":\"Call me Ahab.\"}\n{\"id\":\"b\",\"text\":\"No.\"}\n")?;
//! let report = manifest::verify(&data, &place, Some(me))?;
//! assert_eq!(report.signed, Signed::By(me));
//! assert_eq!(report.differences[0].to_string(), "changed  \"a\", line 1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Format
//!
//! JSON lines, UTF-8, each line ended by a line feed. First a header, then a line for each document in the corpus's order:
//!
//! ```text
//! {"format":"habsburg-provenance","version":1,"algorithm":"sha256-rfc8785-rfc6962","count":2,"root":H,"key":K,"signature":S}
//! {"hash":H,"id":"a"}
//! {"hash":H,"id":2}
//! ```
//!
//! - A document's `hash` is the SHA-256 of its JSON object in the canonical form of RFC 8785: text, provenance and every
//!   other field, but not the `id`, if that is a string or a number. (Integers of up to 64 bits keep all digits.) So a
//!   file may be compressed, or written anew with other spaces, escapes or order of keys, and nothing is changed. A text
//!   file is the object `{"text": ...}` with its text as [`crate::read`] gives it: line ends LF, no byte order mark.
//! - Its `id` is its own as a string, in a folder its file's path; else the document's number from 1.
//! - `root` is the Merkle tree hash of RFC 6962 with SHA-256. Its leaves are the lines after the header, byte for byte,
//!   without their line feeds: `SHA-256(0x00 ‖ line)`, inner nodes `SHA-256(0x01 ‖ left ‖ right)`.
//! - `signature` is Ed25519 (RFC 8032) by `key` on the statement, canonical too,
//!   `{"algorithm":…,"count":…,"format":…,"root":…,"version":…}`. Both are absent if nobody signed.
//!
//! Hashes, keys and signatures are small hexadecimal digits. What a manifest does not say: that the labels were true when
//! they were sealed. It says that they are still what somebody sealed, and who.

mod canonical;
mod compare;
mod documents;
mod file;
mod keys;
mod lines;
mod merkle;

use std::path::{Path, PathBuf};

pub use compare::{Difference, Place};
pub use keys::{KeyError, PublicKey, SecretKey, make_key};
pub use merkle::{Hash, leaf, root};

use crate::read::ReadError;
use documents::Listing;

/// Why nothing was sealed, or could be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The corpus.
    #[error(transparent)]
    Data(#[from] ReadError),
    /// No manifest's name follows from the corpus's.
    #[error("{}: no manifest's name follows from this: name its place with --out or --manifest", .0.display())]
    NoName(PathBuf),
    /// The manifest would lie in what it seals, or take its place.
    #[error("{}: the manifest would be a part of {}: choose a place outside", place.display(), data.display())]
    Inside {
        /// The manifest.
        place: PathBuf,
        /// The corpus.
        data: PathBuf,
    },
    /// There is another file.
    #[error("{}: is there and no manifest: choose another place, or move it away", .0.display())]
    Occupied(PathBuf),
    /// No such manifest.
    #[error("{}: there is no such manifest: make one with `habsburg provenance seal`, or name it with --manifest", .0.display())]
    Missing(PathBuf),
    /// Another kind of file.
    #[error("{}: no manifest: its first line must be the header that `habsburg provenance seal` writes", .0.display())]
    NoManifest(PathBuf),
    /// A format of other builds.
    #[error("{}: a manifest of {what}, which this build does not know: use the build that sealed, or a newer one", path.display())]
    Unknown {
        /// The manifest.
        path: PathBuf,
        /// The version or algorithm.
        what: String,
    },
    /// A line that makes no sense.
    #[error("{place}: {what}: the manifest is damaged; take it from where it came from")]
    Damaged {
        /// File and line.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// Lines lack, or there are too many.
    #[error(
        "{}: the header counts {count} documents and there are {}: the manifest is damaged; take it from where it came from",
        path.display(), if *more { "more" } else { "fewer" }
    )]
    Count {
        /// The manifest.
        path: PathBuf,
        /// The header's count.
        count: u64,
        /// Whether there are more.
        more: bool,
    },
    /// The lines are not those that were sealed.
    #[error("{}: the root is not that of its lines: the manifest was changed; take it from where it came from", .0.display())]
    Root(PathBuf),
    /// A manifest that cannot be read.
    #[error("{}: {source}", path.display())]
    Open {
        /// The manifest.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A manifest that cannot be written.
    #[error("{}: the manifest could not be written: {source}", path.display())]
    Write {
        /// The manifest.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ManifestError {
    /// Whether the request was in order and the work failed: a corpus that cannot be read to its end, a full disk.
    pub fn is_of_the_work(&self) -> bool {
        matches!(self, Self::Data(ReadError::File { .. }) | Self::Write { .. })
    }
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Documents.
    pub documents: usize,
    /// The root over them.
    pub root: Hash,
    /// Who signed.
    pub key: Option<PublicKey>,
}

/// Whether the manifest's signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// There is none.
    No,
    /// It holds under this key. If no key was asked for, the manifest alone says so: whoever changes a corpus can sign anew.
    By(PublicKey),
    /// It holds under this key, and another was asked for.
    ByAnother(PublicKey),
    /// It does not hold under the key that the manifest names.
    Broken(PublicKey),
}

/// What a corpus is, compared with its manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Documents that were sealed.
    pub sealed: usize,
    /// Documents that are there.
    pub found: usize,
    /// The root over what was sealed.
    pub root: Hash,
    /// Who sealed it.
    pub signed: Signed,
    /// Whether a key was asked for.
    pub asked: bool,
    /// What became of the documents; empty if they are as they were.
    pub differences: Vec<Difference>,
}

/// The place of a corpus's manifest unless another is named: beside it, `DATA.manifest.jsonl`.
///
/// # Errors
/// [`ManifestError::NoName`] for a path like `.` that ends in no name.
pub fn place_of(data: &Path) -> Result<PathBuf, ManifestError> {
    file::beside(data).ok_or_else(|| ManifestError::NoName(data.to_owned()))
}

/// Seals the corpus `data` (see [`crate::read`] for what that may be; JSON lines need no field of a certain name) in a
/// manifest at `place`. An older manifest there is replaced at once and whole; another file is not. `data` is only read.
///
/// # Errors
/// A corpus that cannot be read, holds nothing, or an id twice; a place that is taken or cannot be written.
pub fn seal(data: &Path, key: Option<&SecretKey>, place: &Path) -> Result<Sealed, ManifestError> {
    check_place(data, place)?;
    let entries = Listing::of(data)?.check(data)?;
    let header = file::Header::of(&entries, key);
    file::write(&header, &entries, place)?;
    Ok(Sealed { documents: entries.len(), root: header.root, key: header.key })
}

/// Refuses to write over the corpus, into it, or over a file that is no manifest.
fn check_place(data: &Path, place: &Path) -> Result<(), ManifestError> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A corpus or folder that is not there is told when it is read or written.
    if let (Ok(data_place), Ok(folder)) = (data.canonicalize(), folder.canonicalize()) {
        let real = place.canonicalize().unwrap_or_else(|_| folder.join(place.file_name().unwrap_or_default()));
        if real.starts_with(&data_place) {
            return Err(ManifestError::Inside { place: place.to_owned(), data: data.to_owned() });
        }
    }
    match file::header(place) {
        Err(ManifestError::NoManifest(_) | ManifestError::Open { .. }) => {
            Err(ManifestError::Occupied(place.to_owned()))
        }
        // A manifest may be damaged or of another version; it is one all the same, and to be replaced.
        _ => Ok(()),
    }
}

/// Compares the corpus `data` with its manifest, and the manifest's signature with `key`.
///
/// # Errors
/// A manifest that is none, or does not agree with itself; a corpus that cannot be read. A document that makes no sense is a
/// [`Difference`], not an error, and so is everything that became of the others.
pub fn verify(data: &Path, manifest: &Path, key: Option<PublicKey>) -> Result<Report, ManifestError> {
    let (header, sealed) = file::read(manifest)?;
    let signed = match header.signed() {
        None => Signed::No,
        Some((by, false)) => Signed::Broken(by),
        Some((by, true)) if key.is_none_or(|key| key == by) => Signed::By(by),
        Some((by, true)) => Signed::ByAnother(by),
    };
    let listing = Listing::of(data)?;
    let faults: Vec<_> = listing.faults.iter().map(|(index, fault)| (*index, fault.to_string())).collect();
    Ok(Report {
        sealed: sealed.len(),
        found: listing.entries.len(),
        root: header.root,
        signed,
        asked: key.is_some(),
        differences: compare::compare(&sealed, &listing.entries, &faults),
    })
}

impl Report {
    /// Whether every document is as it was sealed, and the signature as it was asked for.
    pub fn is_well(&self) -> bool {
        self.differences.is_empty() && self.signature_is_well()
    }

    fn signature_is_well(&self) -> bool {
        match self.signed {
            Signed::By(_) => true,
            Signed::No => !self.asked,
            Signed::ByAnother(_) | Signed::Broken(_) => false,
        }
    }

    /// One line about the signature.
    pub fn signature(&self) -> String {
        match self.signed {
            Signed::No => "not signed".to_owned(),
            Signed::By(key) if self.asked => format!("signed by {key}"),
            Signed::By(key) => format!("signed by {key}, if that is whom you expect: ask for a key with --key"),
            Signed::ByAnother(key) => format!("signed by {key}, which is not the key that was asked for"),
            Signed::Broken(key) => format!("the signature does not hold: it was not made by {key} for these documents"),
        }
    }

    /// One line about the documents: counts of what became of them.
    pub fn documents(&self) -> String {
        let count = |is: fn(&Difference) -> bool| self.differences.iter().filter(|&difference| is(difference)).count();
        let counts = [
            (count(|d| matches!(d, Difference::Changed { .. })), "changed"),
            (count(|d| matches!(d, Difference::Renamed { .. })), "renamed"),
            (count(|d| matches!(d, Difference::Moved { .. })), "moved"),
            (count(|d| matches!(d, Difference::Lost(_))), "lost"),
            (count(|d| matches!(d, Difference::Added { .. })), "added"),
        ];
        let told: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}")).collect();
        let told = if told.is_empty() { "all as sealed".to_owned() } else { told.join(", ") };
        format!("{} documents sealed, {} found: {told}", self.sealed, self.found)
    }

    /// What is wrong, in one line; none if all is well.
    pub fn fault(&self) -> Option<String> {
        match (self.differences.is_empty(), self.signature_is_well()) {
            (true, true) => None,
            (false, true) => Some("the corpus is not what was sealed".to_owned()),
            (true, false) => Some(format!("the corpus is what was sealed, but: {}", self.signature())),
            (false, false) => Some(format!("the corpus is not what was sealed; and: {}", self.signature())),
        }
    }
}
