//! Text and where it came from: documents with their provenance, readers, corpus cards and fetching, splitting by
//! document, cutting to a context, tokenizers, and packing into token windows.
//!
//! The way of human text to a model:
//!
//! ```
//! use corpus::{Document, Shares, TokenSet, Tokenizer, cut_all, pack, split};
//!
//! // From `corpus::read`, or `corpus::load` with a card; the split comes before anything is cut.
//! let text = "It is not down in any map; true places never are.\n\nCall me Ishmael.";
//! let documents = (0..200).map(|i| Document::human(format!("d{i}"), text, "example")).collect();
//! let parts = split(documents, Shares::default())?;
//!
//! // One tokenizer a run, trained on the human training split.
//! let texts: Vec<&str> = parts.train.iter().map(|document| document.text.as_str()).collect();
//! let tokenizer = Tokenizer::train_bpe(&texts, 280)?;
//!
//! // Pieces that fit a context of 32, and windows that hold whole pieces.
//! let context = 32;
//! let pieces = cut_all(&parts.train, &tokenizer, context - 1);
//! let tokens = TokenSet::encode(&pieces, &tokenizer);
//! let windows = pack(tokens.iter().map(|(ids, truncated)| (ids, truncated, 1.0)), context, tokenizer.separator());
//! assert_eq!(windows.fill().cut, 0);
//! assert!(windows.fill().padding() < 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `data/` at the project's root holds the cards; they are built into the binary.

mod card;
mod codec;
mod cut;
mod document;
mod fetch;
pub mod files;
mod form;
pub mod hash;
mod jsonl;
mod limits;
mod object;
mod pack;
mod panics;
mod printable;
mod read;
mod read_error;
mod segment;
mod source;
mod split;
mod summary;
mod tokenizer;
mod watermark;
mod words;

pub use card::{Card, Form, Registry, Source, Take, UnknownCorpus, VocabularyCard};
pub use codec::Codec;
pub use cut::{SMALLEST_PIECE, cut, cut_all, source_of};
pub use document::{Document, Origin, Prompt, Provenance, Span};
pub use fetch::{ClientFault, FetchError, archive_path, cache_dir, fetch, gpt2, load};
pub use jsonl::{JsonLines, json_fault, write_jsonl_zst};
pub use limits::{LimitError, Limits, in_bytes, parse_size, size};
pub use pack::{Fill, TokenSet, TokenSetError, Windows, best_fit, pack};
pub use printable::{is_hidden, printable};
pub use read::read;
pub use read_error::ReadError;
pub use split::{BLOCK_CHARACTERS, FEW_DOCUMENTS, Part, Shares, Split, SplitError, blocks, part_of, split};
pub use summary::{Summary, summary};
pub use tokenizer::{LARGEST_VOCABULARY, SEPARATOR, SMALLEST_VOCABULARY, Tokenizer, TokenizerError};
pub use watermark::Greens;
