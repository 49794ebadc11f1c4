//! The codec of a medium: documents as tokens, and tokens as documents.

use crate::tokenizer::{Tokenizer, TokenizerError};
use rayon::prelude::*;
use std::path::Path;

/// Turns the content of documents into tokens and back. A run has one, and it does not change.
///
/// The content of a [`Document`](crate::Document) is a string: text itself, and of another medium the form in which its
/// documents are written down (numbers with spaces between them, an image's rows). [`Tokenizer`] is the codec of text.
///
/// Any ids below [`Codec::vocabulary`] can be sampled, so [`Codec::decode`] takes all of them. What it gives may encode to
/// other ids; how often it does is measured.
pub trait Codec: Send + Sync {
    /// How many ids there are: all are below it.
    fn vocabulary(&self) -> usize;

    /// The id that stands before and between documents, and in none.
    fn separator(&self) -> u32;

    /// SHA-256 of all that it does, in hexadecimal: its identity.
    fn hash(&self) -> &str;

    /// The ids of a content, without separators.
    fn encode(&self, content: &str) -> Vec<u32>;

    /// The content of ids; separators are nothing.
    fn decode(&self, ids: &[u32]) -> String;

    /// Writes what other programs need to read a model's ids into the model's folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn save_beside(&self, folder: &Path) -> Result<(), TokenizerError>;

    /// The ids of many contents, in their order, on all threads.
    fn encode_all(&self, contents: &[&str]) -> Vec<Vec<u32>> {
        contents.par_iter().map(|content| self.encode(content)).collect()
    }
}

impl Codec for Tokenizer {
    fn vocabulary(&self) -> usize {
        Tokenizer::vocabulary(self)
    }

    fn separator(&self) -> u32 {
        Tokenizer::separator(self)
    }

    fn hash(&self) -> &str {
        Tokenizer::hash(self)
    }

    fn encode(&self, content: &str) -> Vec<u32> {
        Tokenizer::encode(self, content)
    }

    fn decode(&self, ids: &[u32]) -> String {
        Tokenizer::decode(self, ids)
    }

    /// `tokenizer.json`, as Hugging Face's libraries open it.
    fn save_beside(&self, folder: &Path) -> Result<(), TokenizerError> {
        self.save(&folder.join("tokenizer.json"))
    }
}
