//! Splitting a corpus into train, validation and test, by the source document, before anything is cut.
//!
//! A document's part follows from the hash of its id alone. So it does not depend on what else the corpus holds, pieces
//! of one source never stand on both sides, and more text later moves nothing from one part to another.

use sha2::{Digest, Sha256};

use crate::document::Document;
use crate::segment::{paragraphs, sentences, trimmed};

/// With fewer source documents than this, sources are first divided into blocks.
pub const FEW_DOCUMENTS: usize = 50;

/// Blocks end at the first paragraph border after so many characters.
pub const BLOCK_CHARACTERS: usize = 2000;

/// A part of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Trained on.
    Train,
    /// Looked at while settings are chosen.
    Validation,
    /// Measured on.
    Test,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// Expected shares of documents outside training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Share held out for validation.
    pub validation: f64,
    /// Share held out for the test.
    pub test: f64,
}

impl Default for Shares {
    /// Five and ten percent.
    fn default() -> Self {
        Self { validation: 0.05, test: 0.1 }
    }
}

/// Why a corpus was not split.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Shares that are none.
    #[error(
        "shares of {validation} for validation and {test} for the test leave no parts: take two positive shares with a sum below 1"
    )]
    Shares {
        /// The validation share.
        validation: f64,
        /// The test share.
        test: f64,
    },
    /// A part without documents.
    #[error(
        "the {part} part would be empty: {documents} {unit} are too few for these shares; take more text, or larger shares for what is held out"
    )]
    Empty {
        /// The part.
        part: Part,
        /// How much was to be split.
        documents: usize,
        /// The unit that was split: documents or blocks of them.
        unit: &'static str,
    },
}

/// A corpus in its three parts, each in the corpus's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// For training.
    pub train: Vec<Document>,
    /// For choosing.
    pub validation: Vec<Document>,
    /// For measuring.
    pub test: Vec<Document>,
}

/// The part of the document `id`: the first 53 bits of the id's SHA-256 as a number in `[0, 1)`, below the test share,
/// below the sum of both, or above. The test comes first, so that another validation share leaves it as it is.
pub fn part_of(id: &str, shares: Shares) -> Part {
    let hash = Sha256::digest(id.as_bytes());
    let bits = u64::from_be_bytes(hash[..8].try_into().expect("a hash has 32 bytes"));
    let place = (bits >> 11) as f64 / (1u64 << 53) as f64;
    if place < shares.test {
        Part::Test
    } else if place < shares.test + shares.validation {
        Part::Validation
    } else {
        Part::Train
    }
}

/// Splits a corpus. With fewer than [`FEW_DOCUMENTS`] documents they are divided by [`blocks`] first, and the blocks are
/// split: then neighbouring blocks of one source can stand on both sides, which a larger corpus avoids.
///
/// # Errors
/// Shares that are none, or a part that stays empty.
pub fn split(documents: Vec<Document>, shares: Shares) -> Result<Split, SplitError> {
    let Shares { validation, test } = shares;
    if !(validation > 0.0 && test > 0.0 && validation + test < 1.0) {
        return Err(SplitError::Shares { validation, test });
    }
    let few = documents.len() < FEW_DOCUMENTS;
    let (documents, unit) =
        if few { (documents.iter().flat_map(blocks).collect(), "blocks of text") } else { (documents, "documents") };
    let count = documents.len();
    let mut split = Split { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
    for document in documents {
        match part_of(&document.id, shares) {
            Part::Train => split.train.push(document),
            Part::Validation => split.validation.push(document),
            Part::Test => split.test.push(document),
        }
    }
    let blank = |documents: &[Document]| documents.iter().all(|document| document.text.trim().is_empty());
    for (part, documents) in
        [(Part::Train, &split.train), (Part::Validation, &split.validation), (Part::Test, &split.test)]
    {
        if blank(documents) {
            return Err(SplitError::Empty { part, documents: count, unit });
        }
    }
    Ok(split)
}

/// Divides a document into blocks of about [`BLOCK_CHARACTERS`] characters, at paragraphs; paragraphs of more than twice
/// that are divided at sentences. A last block of less than half joins the one before. Ids are `id#0001` and so on.
pub fn blocks(document: &Document) -> Vec<Document> {
    let text = &document.text;
    let length = |start: usize, end: usize| text[start..end].chars().count();
    let mut borders = vec![0];
    for paragraph in paragraphs(text) {
        let long = length(paragraph.start, paragraph.end) > 2 * BLOCK_CHARACTERS;
        let parts = if long { sentences(text, &paragraph) } else { vec![paragraph] };
        for part in parts {
            let start = borders[borders.len() - 1];
            if length(start, part.end) >= BLOCK_CHARACTERS {
                borders.push(part.end);
            }
        }
    }
    let last = borders[borders.len() - 1];
    if borders.len() > 1 && length(last, text.len()) < BLOCK_CHARACTERS / 2 {
        borders.pop();
    }
    borders.push(text.len());
    let ranges: Vec<_> = borders.windows(2).map(|pair| trimmed(text, pair[0]..pair[1])).collect();
    let count = ranges.len();
    (ranges.into_iter().enumerate())
        .map(|(number, range)| {
            let mut block = document.part(format!("{}#{:04}", document.id, number + 1), range.start, range.end);
            block.truncated = document.truncated && number + 1 == count;
            block
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(count: usize) -> Vec<Document> {
        (0..count).map(|i| Document::human(format!("d{i}"), "some text", "s")).collect()
    }

    #[test]
    fn shares_come_out() {
        let split = split(corpus(20_000), Shares::default()).unwrap();
        // Five standard errors of a binomial share: 5 √(0.1 · 0.9 · 20000) = 212 and 154.
        assert!(split.test.len().abs_diff(2000) < 212, "{}", split.test.len());
        assert!(split.validation.len().abs_diff(1000) < 154, "{}", split.validation.len());
        assert_eq!(split.train.len() + split.validation.len() + split.test.len(), 20_000);
    }

    #[test]
    fn parts_depend_on_the_id_alone_and_are_frozen() {
        // The first 53 bits of `printf 1790-Washington-1 | sha256sum` as a fraction.
        let place = 0.707_422_953_641_450_4;
        let at = |test| part_of("1790-Washington-1", Shares { validation: 1e-12, test });
        assert_eq!((at(place + 1e-9), at(place - 1e-9)), (Part::Test, Part::Train));
        let wide = split(corpus(500), Shares { validation: 0.3, test: 0.1 }).unwrap();
        assert_eq!(wide.test, split(corpus(500), Shares { validation: 0.05, test: 0.1 }).unwrap().test);
    }

    #[test]
    fn few_documents_become_blocks() {
        let paragraph = "A sentence of some length stands here. ".repeat(20);
        let text = format!("{paragraph}\n\n").repeat(200);
        let document = Document::human("book", &text, "s");
        let blocks = blocks(&document);
        assert_eq!((blocks[0].id.as_str(), blocks[1].id.as_str()), ("book#0001", "book#0002"));
        for block in &blocks[..blocks.len() - 1] {
            let length = block.text.len();
            assert!((BLOCK_CHARACTERS..BLOCK_CHARACTERS + 1700).contains(&length), "{length}");
        }
        let spaceless = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(blocks.iter().map(|block| spaceless(&block.text)).collect::<String>(), spaceless(&text));
        let parts = split(vec![document], Shares::default()).unwrap();
        assert!(parts.train.len() > 50 && !parts.test.is_empty() && !parts.validation.is_empty());
    }

    #[test]
    fn one_endless_paragraph_is_divided_at_sentences() {
        let document = Document::human("book", "A sentence of some length stands here. ".repeat(500), "s");
        assert!(blocks(&document).iter().all(|block| block.text.len() < 3100 && block.text.ends_with('.')));
    }

    #[test]
    fn empty_parts_are_errors() {
        let error = split(corpus(1), Shares::default()).unwrap_err();
        assert!(matches!(error, SplitError::Empty { documents: 1, .. }), "{error}");
        assert!(split(corpus(100), Shares { validation: 0.0, test: 0.1 }).is_err());
        assert!(split(corpus(100), Shares { validation: 0.5, test: 0.5 }).is_err());
    }
}
