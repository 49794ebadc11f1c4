//! Byte-level tokenizers: trained byte-pair encoding, plain bytes, GPT-2's vocabulary.
//!
//! All of them cover every byte, so no text is unknown and the bytes of a text's tokens, joined, are the text. A run has
//! one tokenizer, trained on the human training split and frozen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    AddedToken, DecoderWrapper, Model as _, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    TokenizerImpl, Trainer as _,
};

use crate::files::read_small;
use crate::panics::caught;
use crate::read_error::ReadError;
use crate::words::words;

/// The separator's name in `tokenizer.json`. Spelled out inside a text it is text.
pub const SEPARATOR: &str = "<|endoftext|>";

/// The smallest vocabulary: 256 bytes and the separator.
pub const SMALLEST_VOCABULARY: usize = 257;

/// The largest vocabulary, which is also the largest of a model.
pub const LARGEST_VOCABULARY: usize = 1 << 20;

/// Bytes of the largest `tokenizer.json`: it has all tokens of the largest vocabulary twice, in words and in merges.
const LARGEST_FILE: u64 = 256 << 20;

type Inner = TokenizerImpl<BPE, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// Why there is no tokenizer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// The vocabulary cannot hold all bytes and the separator.
    #[error(
        "a vocabulary of {0} is too small: take at least {SMALLEST_VOCABULARY}, for 256 bytes and the separator, or \
         plain bytes"
    )]
    TooSmall(usize),
    /// Nothing to train on.
    #[error("there is no text to train a tokenizer on: look at the corpus and its training split")]
    NoText,
    /// The trainer gave up.
    #[error("training a tokenizer failed ({0}): try other texts or another vocabulary")]
    Training(String),
    /// The file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's message.
        source: std::io::Error,
    },
    /// The path is no file that could be one.
    #[error(transparent)]
    NoFile(ReadError),
    /// Another file than it should be.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Its fault.
        what: Box<TokenizerError>,
    },
    /// The bytes are no `tokenizer.json`.
    #[error("this is no tokenizer.json that can be read ({0}): try one that this program wrote")]
    Unreadable(String),
    /// Another kind of tokenizer.
    #[error("this tokenizer does not fit: {0}; take byte-level BPE without normalizer or prefix space, as GPT-2's")]
    Unfit(String),
}

/// A frozen byte-level tokenizer. Texts go in and come out whole; ids are below [`Tokenizer::vocabulary`].
#[derive(Clone)]
pub struct Tokenizer {
    inner: Inner,
    json: Vec<u8>,
    hash: String,
    separator: u32,
    /// The bytes of each token, by id; the separator has none.
    bytes: Vec<Vec<u8>>,
    characters: [char; 256],
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokenizer {{ vocabulary: {}, hash: {} }}", self.vocabulary(), self.hash)
    }
}

impl Tokenizer {
    /// Trains byte-pair encoding (Sennrich et al. 2016, on bytes as in GPT-2). The separator is id 0, the 256 bytes
    /// follow, then the merges. A text without enough repeated pairs gives a smaller vocabulary than was asked for. The
    /// same texts give the same tokenizer, whatever their order and the number of threads.
    ///
    /// # Errors
    /// A vocabulary below 257, or no text at all.
    pub fn train_bpe<S: AsRef<str> + Sync>(texts: &[S], vocabulary: usize) -> Result<Self, TokenizerError> {
        if vocabulary < SMALLEST_VOCABULARY {
            return Err(TokenizerError::TooSmall(vocabulary));
        }
        if texts.iter().all(|text| text.as_ref().is_empty()) {
            return Err(TokenizerError::NoText);
        }
        let mut trainer = BpeTrainer::builder()
            .vocab_size(vocabulary)
            .min_frequency(2)
            .show_progress(false)
            .special_tokens(vec![AddedToken::from(SEPARATOR, true)])
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        let failed = |error: tokenizers::Error| TokenizerError::Training(error.to_string());
        let characters = byte_characters();
        let words = |text: &str| Ok(words(text).map(|word| spell(word, &characters)).collect());
        trainer.feed(texts.iter().map(AsRef::as_ref), words).map_err(failed)?;
        let mut model = BPE::default();
        trainer.train(&mut model).map_err(failed)?;
        let mut inner = assemble(model);
        inner.add_special_tokens([AddedToken::from(SEPARATOR, true)]).map_err(failed)?;
        // Through the file's form, so that what was trained and what is loaded later are the same object.
        Self::from_inner(&inner)
    }

    /// Plain bytes: the separator is 0, byte b is b + 1.
    pub fn bytes() -> Self {
        let vocabulary: BTreeMap<String, u32> = (byte_characters().iter().enumerate())
            .map(|(byte, character)| (character.to_string(), byte as u32 + 1))
            .chain([(SEPARATOR.to_owned(), 0)])
            .collect();
        Self::from_vocabulary(vocabulary, Vec::new()).expect("every byte is in the vocabulary")
    }

    /// GPT-2's tokenizer from its two files: `encoder.json` (tokens to ids) and `vocab.bpe` (merges, a pair a line). Its
    /// separator is the last id.
    ///
    /// # Errors
    /// Files that are not these.
    pub fn gpt2(encoder_json: &[u8], vocab_bpe: &str) -> Result<Self, TokenizerError> {
        let vocabulary: BTreeMap<String, u32> = serde_json::from_slice(encoder_json)
            .map_err(|error| TokenizerError::Unreadable(format!("encoder.json: {error}")))?;
        let mut merges = Vec::new();
        for (number, line) in vocab_bpe.lines().enumerate() {
            if line.starts_with("#version") || line.is_empty() {
                continue;
            }
            let (left, right) = (line.split_once(' '))
                .ok_or_else(|| TokenizerError::Unreadable(format!("vocab.bpe, line {}: no pair", number + 1)))?;
            merges.push((left.to_owned(), right.to_owned()));
        }
        Self::from_vocabulary(vocabulary, merges)
    }

    fn from_vocabulary(
        vocabulary: BTreeMap<String, u32>,
        merges: Vec<(String, String)>,
    ) -> Result<Self, TokenizerError> {
        let separator = vocabulary.get(SEPARATOR).copied();
        let separator = separator.ok_or_else(|| TokenizerError::Unfit(format!("it has no {SEPARATOR}")))?;
        let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [{
                "id": separator, "content": SEPARATOR, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            }],
            "normalizer": null, "pre_tokenizer": level, "post_processor": null, "decoder": level,
            "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
        });
        // Through bytes: the library's reader wants strings that it can borrow.
        Self::from_bytes(file.to_string().as_bytes())
    }

    fn from_inner(inner: &Inner) -> Result<Self, TokenizerError> {
        let json = serde_json::to_vec(inner).map_err(|error| TokenizerError::Unreadable(error.to_string()))?;
        Self::from_bytes(&json)
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// Bytes that are none, or one that is not byte-level, or has no separator.
    pub fn from_bytes(json: &[u8]) -> Result<Self, TokenizerError> {
        // The library panics at some files that it should refuse, some of them not before they are used.
        let loaded = caught(|| Self::of_json(json).and_then(|tokenizer| tokenizer.probed()));
        loaded.unwrap_or_else(|panic| {
            let panic: String = panic.chars().take(200).collect();
            Err(TokenizerError::Unreadable(format!("the library fails at it: {panic}")))
        })
    }

    fn of_json(json: &[u8]) -> Result<Self, TokenizerError> {
        let mut inner: Inner = serde_json::from_slice(json).map_err(|error| {
            let error: String = error.to_string().chars().take(200).collect();
            TokenizerError::Unreadable(error)
        })?;
        check_kind(&inner)?;
        let separator = inner.token_to_id(SEPARATOR);
        let separator = separator.ok_or_else(|| TokenizerError::Unfit(format!("it has no {SEPARATOR}")))?;
        // `encode` does not use it, for it never looks for special tokens in a text; a test compares the two.
        inner.set_encode_special_tokens(true);
        let bytes = token_bytes(&inner, separator)?;
        // The canonical form, whatever white space the file had.
        let json = serde_json::to_vec(&inner).map_err(|error| TokenizerError::Unreadable(error.to_string()))?;
        let hash = hex::encode(Sha256::digest(&json));
        Ok(Self { inner, json, hash, separator, bytes, characters: byte_characters() })
    }

    /// Itself, after it has encoded and decoded every byte that UTF-8 has, and some of its own tokens.
    fn probed(self) -> Result<Self, TokenizerError> {
        /// Tokens that are tried.
        const TRIED: usize = 4096;
        let all = (0..0x800).chain([0x800, 0xFFFD]).chain((0x1000..=0xF000).step_by(0x1000));
        let all = all.chain((0x1_0000..=0x10_FFFF).step_by(0x1_FFFF)).filter_map(char::from_u32);
        let mut text: String = all.collect();
        for token in self.bytes.iter().step_by(self.bytes.len().div_ceil(TRIED).max(1)) {
            text.push_str(&String::from_utf8_lossy(token));
            text.push(' ');
        }
        let ids = self.encode(&text);
        if ids != self.encode(&text) || self.decode(&ids) != text {
            return Err(TokenizerError::Unfit("a text that it encodes does not come back the same".into()));
        }
        Ok(self)
    }

    /// Reads a `tokenizer.json` from a file.
    ///
    /// # Errors
    /// As [`Tokenizer::from_bytes`], and a file that cannot be read.
    pub fn load(path: &Path) -> Result<Self, TokenizerError> {
        let json = read_small(path, LARGEST_FILE).map_err(|error| match error {
            ReadError::File { path, source } => TokenizerError::File { path, source },
            other => TokenizerError::NoFile(other),
        })?;
        Self::from_bytes(&json).map_err(|what| TokenizerError::Content { path: path.to_owned(), what: Box::new(what) })
    }

    /// Writes `tokenizer.json` as Hugging Face's libraries open it. They, unlike us, take a spelled out separator for
    /// the token itself.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TokenizerError> {
        std::fs::write(path, &self.json).map_err(|source| TokenizerError::File { path: path.to_owned(), source })
    }

    /// The bytes that [`Tokenizer::save`] writes.
    pub fn to_bytes(&self) -> &[u8] {
        &self.json
    }

    /// The ids of a text, without separators.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        for word in words(text) {
            let tokens = self.inner.get_model().tokenize(&spell(word, &self.characters));
            ids.extend(tokens.expect("every byte has a token").iter().map(|token| token.id));
        }
        ids
    }

    /// The text of ids. Bytes that are no UTF-8 become U+FFFD; separators and unknown ids are nothing.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut bytes = Vec::with_capacity(4 * ids.len());
        ids.iter().for_each(|&id| bytes.extend_from_slice(self.token(id)));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The bytes of one token; none for the separator and for ids beyond the vocabulary.
    pub fn token(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// The id that stands before and between documents.
    pub fn separator(&self) -> u32 {
        self.separator
    }

    /// How many ids there are: all are below it.
    pub fn vocabulary(&self) -> usize {
        self.bytes.len()
    }

    /// SHA-256 of the tokenizer's canonical file, in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// Refuses a tokenizer that changes text, splits it otherwise, or draws at random.
fn check_kind(inner: &Inner) -> Result<(), TokenizerError> {
    let byte_level = match inner.get_pre_tokenizer() {
        Some(PreTokenizerWrapper::ByteLevel(level)) => !level.add_prefix_space && level.use_regex,
        _ => false,
    };
    if !byte_level || inner.get_normalizer().is_some() {
        return Err(TokenizerError::Unfit("it changes text before it splits it, or splits otherwise".into()));
    }
    if let Some(dropout) = inner.get_model().dropout.filter(|&dropout| dropout != 0.0) {
        let what =
            format!("its model.dropout is {dropout}, so it encodes a text another way each time; set it to null");
        return Err(TokenizerError::Unfit(what));
    }
    let size = inner.get_vocab_size(true);
    if size > LARGEST_VOCABULARY {
        return Err(TokenizerError::Unfit(format!("it has {size} ids, and {LARGEST_VOCABULARY} are the most")));
    }
    Ok(())
}

/// A tokenizer around a model: byte-level splitting and decoding, nothing else.
fn assemble(model: BPE) -> Inner {
    let level = ByteLevel::default().add_prefix_space(false);
    let mut inner = Inner::new(model);
    inner.with_pre_tokenizer(Some(PreTokenizerWrapper::ByteLevel(level)));
    inner.with_decoder(Some(DecoderWrapper::ByteLevel(level)));
    inner
}

/// A word with GPT-2's printable stand-in for each byte.
fn spell(word: &str, characters: &[char; 256]) -> String {
    word.bytes().map(|byte| characters[usize::from(byte)]).collect()
}

/// GPT-2's printable stand-in for each byte: itself where it prints, else the next free character from U+0100.
fn byte_characters() -> [char; 256] {
    let mut next = 0x100;
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        if matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) {
            return char::from(byte);
        }
        next += 1;
        char::from_u32(next - 1).expect("below the surrogates")
    })
}

/// The bytes of every token, by id.
fn token_bytes(inner: &Inner, separator: u32) -> Result<Vec<Vec<u8>>, TokenizerError> {
    let of_character: BTreeMap<char, u8> = byte_characters().into_iter().zip(0..=255).collect();
    let vocabulary: BTreeMap<u32, String> = inner.get_vocab(true).into_iter().map(|(token, id)| (id, token)).collect();
    let mut bytes = vec![Vec::new(); vocabulary.len()];
    for (&id, token) in &vocabulary {
        let slot = (bytes.get_mut(id as usize)).ok_or_else(|| {
            TokenizerError::Unfit(format!("it has {} ids, and {id} is one of them", vocabulary.len()))
        })?;
        if id != separator {
            *slot = (token.chars().map(|c| of_character.get(&c).copied()).collect::<Option<_>>())
                .ok_or_else(|| TokenizerError::Unfit(format!("its token {token:?} stands for no bytes")))?;
        }
    }
    let single: std::collections::BTreeSet<u8> =
        bytes.iter().filter(|token| token.len() == 1).map(|token| token[0]).collect();
    if single.len() < 256 {
        return Err(TokenizerError::Unfit(format!("it has tokens for {} of 256 bytes", single.len())));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
