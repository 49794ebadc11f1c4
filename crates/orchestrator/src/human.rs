//! The human documents of a run, as its medium has opened them.

use crate::{Encoded, Error, Medium};
use corpus::{Codec, Document};
use rundir::{Stage, StageId};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The human documents of a run, whatever they are: the frozen codec, and what every generation is measured on. A prepare
/// stage holds them.
pub struct Human {
    /// The stage.
    pub id: StageId,
    /// SHA-256 of the human documents as they were read: their identity.
    pub hash: String,
    /// The frozen codec.
    pub codec: Box<dyn Codec>,
    /// The documents that every generation is measured on.
    pub test: Encoded,
    /// What its documents are.
    pub medium: Box<dyn Medium>,
}

impl Human {
    /// The human documents of a prepare stage that has the test set as [`Encoded::save`] writes it, under the name `test`.
    ///
    /// # Errors
    /// Files that are not as they were sealed.
    pub fn open(stage: &Stage, hash: String, codec: Box<dyn Codec>, medium: Box<dyn Medium>) -> Result<Self, Error> {
        stage.verify()?;
        Ok(Self { id: *stage.id(), hash, codec, test: Encoded::load(stage.path(), "test")?, medium })
    }
}

/// A hash in hexadecimal.
pub(crate) fn hex(hash: Sha256) -> String {
    hex::encode(hash.finalize())
}

/// Writes documents as zstd-compressed JSON lines.
pub(crate) fn write_documents(path: &Path, documents: &[Document]) -> Result<(), Error> {
    std::fs::File::create(path)
        .and_then(|file| corpus::write_jsonl_zst(file, documents))
        .map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}

/// Reads what [`write_documents`] wrote.
pub(crate) fn read_documents(path: &Path) -> Result<Vec<Document>, Error> {
    corpus::JsonLines::open(path).map_err(Error::work)?.collect::<Result<_, _>>().map_err(Error::work)
}
