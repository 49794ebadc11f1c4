//! Human documents with their tokens, and how long they are.

use crate::Error;
use crate::human::{read_documents, write_documents};
use chain::Entry;
use corpus::{Codec, Document, TokenSet};
use std::path::Path;

/// Documents that fit the context, and their tokens.
pub struct Encoded {
    /// The documents.
    pub documents: Vec<Document>,
    /// Their tokens.
    pub tokens: TokenSet,
}

impl Encoded {
    /// Documents and what they encode to.
    pub fn of(documents: Vec<Document>, codec: &dyn Codec) -> Self {
        let tokens = TokenSet::encode(&documents, codec);
        Self { documents, tokens }
    }

    /// Writes `NAME.jsonl.zst` and `NAME.safetensors` into a stage.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn save(&self, folder: &Path, name: &str) -> Result<(), Error> {
        write_documents(&folder.join(format!("{name}.jsonl.zst")), &self.documents)?;
        self.tokens.save(&folder.join(format!("{name}.safetensors"))).map_err(Error::work)
    }

    /// Reads what [`Encoded::save`] wrote.
    ///
    /// # Errors
    /// Files that are not those.
    pub fn load(folder: &Path, name: &str) -> Result<Self, Error> {
        Ok(Self {
            documents: read_documents(&folder.join(format!("{name}.jsonl.zst")))?,
            tokens: TokenSet::load(&folder.join(format!("{name}.safetensors"))).map_err(Error::work)?,
        })
    }

    /// The documents as a recipe sees them, for windows of `context` positions.
    pub fn entries(&self, context: usize) -> Vec<Entry> {
        let entry = |(index, document): (usize, &Document)| Entry {
            id: document.id.clone(),
            generation: None,
            index,
            size: positions(&self.tokens, index, context),
        };
        self.documents.iter().enumerate().map(entry).collect()
    }
}

/// Positions that a document takes in a window: its tokens, and its end unless it is truncated. A generated document may encode to
/// more than a window holds; it is cut there.
pub(crate) fn positions(tokens: &TokenSet, document: usize, context: usize) -> u64 {
    let whole = tokens.ids(document).len() + usize::from(!tokens.truncated(document));
    whole.min(context) as u64
}
