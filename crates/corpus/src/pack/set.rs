//! The ids of many documents, in one safetensors file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::codec::Codec;
use crate::document::Document;
use crate::files::read_small;
use crate::read_error::ReadError;

/// Why a token file was not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenSetError {
    /// The system could not read or write.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's message.
        source: std::io::Error,
    },
    /// The path is no file.
    #[error(transparent)]
    NoFile(ReadError),
    /// The file is none of ours, or damaged.
    #[error("{}: this is no token file ({what}): delete it and let it be made again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
}

/// Documents as ids, without separators, in the order they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    vocabulary: usize,
    tokenizer: String,
    ids: Vec<u32>,
    /// Where each document begins in `ids`, and the end of the last.
    offsets: Vec<u64>,
    truncated: Vec<bool>,
    bytes: Vec<u64>,
}

impl TokenSet {
    /// Encodes documents, on all threads.
    pub fn encode(documents: &[Document], codec: &dyn Codec) -> Self {
        let contents: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
        let encoded = codec.encode_all(&contents);
        let mut offsets = vec![0];
        let mut ids = Vec::with_capacity(encoded.iter().map(Vec::len).sum());
        for document in encoded {
            ids.extend(document);
            offsets.push(ids.len() as u64);
        }
        Self {
            vocabulary: codec.vocabulary(),
            tokenizer: codec.hash().to_owned(),
            ids,
            offsets,
            truncated: documents.iter().map(|document| document.truncated).collect(),
            bytes: contents.iter().map(|content| content.len() as u64).collect(),
        }
    }

    /// Documents whose ids are given, each with whether it is truncated; the bytes are those of the decoded content.
    pub fn from_ids(documents: &[(&[u32], bool)], codec: &dyn Codec) -> Self {
        let mut offsets = vec![0];
        for (ids, _) in documents {
            offsets.push(offsets[offsets.len() - 1] + ids.len() as u64);
        }
        Self {
            vocabulary: codec.vocabulary(),
            tokenizer: codec.hash().to_owned(),
            ids: documents.iter().flat_map(|(ids, _)| ids.iter().copied()).collect(),
            offsets,
            truncated: documents.iter().map(|(_, truncated)| *truncated).collect(),
            bytes: documents.iter().map(|(ids, _)| codec.decode(ids).len() as u64).collect(),
        }
    }

    /// How many documents.
    pub fn len(&self) -> usize {
        self.truncated.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.truncated.is_empty()
    }

    /// The ids of one document.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn ids(&self, document: usize) -> &[u32] {
        &self.ids[self.offsets[document] as usize..self.offsets[document + 1] as usize]
    }

    /// True if that document's text stops before its end.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn truncated(&self, document: usize) -> bool {
        self.truncated[document]
    }

    /// Bytes of that document's text in UTF-8, for bits per byte.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn bytes(&self, document: usize) -> u64 {
        self.bytes[document]
    }

    /// Documents in order, as [`super::pack`] takes them with a weight beside: ids, truncated.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], bool)> {
        (0..self.len()).map(|document| (self.ids(document), self.truncated[document]))
    }

    /// Some of the documents, in this order.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn pick(&self, documents: &[usize]) -> Self {
        let mut offsets = vec![0];
        for &document in documents {
            offsets.push(offsets[offsets.len() - 1] + self.ids(document).len() as u64);
        }
        Self {
            vocabulary: self.vocabulary,
            tokenizer: self.tokenizer.clone(),
            ids: documents.iter().flat_map(|&document| self.ids(document)).copied().collect(),
            offsets,
            truncated: documents.iter().map(|&document| self.truncated[document]).collect(),
            bytes: documents.iter().map(|&document| self.bytes[document]).collect(),
        }
    }

    /// Ids in all documents, separators not counted.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Bytes of all texts.
    pub fn total_bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }

    /// How many ids the tokenizer has.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The tokenizer's hash.
    pub fn tokenizer(&self) -> &str {
        &self.tokenizer
    }

    /// Writes `ids` (u16 if the vocabulary allows, else u32), `offsets` (u64, one more than documents), `truncated` (u8)
    /// and `bytes` (u64) as safetensors. The same set gives the same bytes.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TokenSetError> {
        let wide = |numbers: &[u64]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_le_bytes()).collect() };
        let small = self.vocabulary <= 1 << 16;
        let ids: Vec<u8> = if small {
            self.ids.iter().flat_map(|&id| (id as u16).to_le_bytes()).collect()
        } else {
            self.ids.iter().flat_map(|id| id.to_le_bytes()).collect()
        };
        let dtype = if small { Dtype::U16 } else { Dtype::U32 };
        let (offsets, bytes) = (wide(&self.offsets), wide(&self.bytes));
        let truncated: Vec<u8> = self.truncated.iter().map(|&flag| u8::from(flag)).collect();
        let view = |dtype, count, data| TensorView::new(dtype, vec![count], data).expect("lengths are counted");
        let tensors = [
            ("bytes", view(Dtype::U64, self.bytes.len(), &bytes)),
            ("ids", view(dtype, self.ids.len(), &ids)),
            ("offsets", view(Dtype::U64, self.offsets.len(), &offsets)),
            ("truncated", view(Dtype::U8, truncated.len(), &truncated)),
        ];
        // One key: the order of several would be the map's, and so the bytes.
        let metadata = HashMap::from([("tokenizer".to_owned(), format!("{} {}", self.vocabulary, self.tokenizer))]);
        let file = safetensors::serialize(tensors, Some(metadata)).expect("names and lengths are right");
        std::fs::write(path, file).map_err(|source| TokenSetError::File { path: path.to_owned(), source })
    }

    /// Reads what [`TokenSet::save`] wrote, and checks that it holds together.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of these.
    pub fn load(path: &Path) -> Result<Self, TokenSetError> {
        let file = read_small(path, u64::MAX).map_err(|error| match error {
            ReadError::File { path, source } => TokenSetError::File { path, source },
            other => TokenSetError::NoFile(other),
        })?;
        Self::parse(&file).map_err(|what| TokenSetError::Damaged { path: path.to_owned(), what })
    }

    fn parse(file: &[u8]) -> Result<Self, String> {
        let said = |error: safetensors::SafeTensorError| error.to_string().chars().take(200).collect::<String>();
        let (_, header) = SafeTensors::read_metadata(file).map_err(said)?;
        let tensors = SafeTensors::deserialize(file).map_err(said)?;
        let named = (header.metadata().as_ref())
            .and_then(|metadata| metadata.get("tokenizer")?.split_once(' '))
            .and_then(|(vocabulary, hash)| Some((vocabulary.parse::<usize>().ok()?, hash.to_owned())));
        let (vocabulary, tokenizer) = named.ok_or("no tokenizer is named")?;
        let ids = match tensor(&tensors, "ids")? {
            (Dtype::U16, data) => elements(data, |bytes| u32::from(u16::from_le_bytes(bytes))),
            (Dtype::U32, data) => elements(data, u32::from_le_bytes),
            (other, _) => return Err(format!("ids are {other:?}")),
        };
        let wide = |name: &str| match tensor(&tensors, name)? {
            (Dtype::U64, data) => Ok(elements(data, u64::from_le_bytes)),
            (other, _) => Err(format!("{name} are {other:?}")),
        };
        let (offsets, bytes) = (wide("offsets")?, wide("bytes")?);
        let truncated: Vec<bool> = tensor(&tensors, "truncated")?.1.iter().map(|&flag| flag != 0).collect();
        let ordered = offsets.first() == Some(&0)
            && offsets.is_sorted()
            && offsets.last() == Some(&(ids.len() as u64))
            && offsets.len() == truncated.len() + 1
            && bytes.len() == truncated.len()
            && bytes.iter().try_fold(0u64, |sum, &bytes| sum.checked_add(bytes)).is_some();
        if !ordered || ids.iter().any(|&id| id as usize >= vocabulary) {
            return Err("its parts do not fit together".into());
        }
        Ok(Self { vocabulary, tokenizer, ids, offsets, truncated, bytes })
    }
}

fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str) -> Result<(Dtype, &'a [u8]), String> {
    let view = tensors.tensor(name).map_err(|error| error.to_string())?;
    Ok((view.dtype(), view.data()))
}

fn elements<const N: usize, T>(data: &[u8], element: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|&bytes| element(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tokenizer;

    #[test]
    fn sets_come_back_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.safetensors");
        let mut documents = vec![
            Document::human("a", "Call me Ishmael.", "s"),
            Document::human("b", "", "s"),
            Document::human("c", "é\u{0}", "s"),
        ];
        documents[2].truncated = true;
        let set = TokenSet::encode(&documents, &Tokenizer::bytes());
        assert_eq!((set.len(), set.tokens(), set.total_bytes(), set.bytes(2)), (3, 19, 19, 3));
        assert_eq!(set.ids(2), [0xC3 + 1, 0xA9 + 1, 1]);
        assert_eq!(set.iter().map(|(ids, t)| (ids.len(), t)).collect::<Vec<_>>(), [(16, false), (0, false), (3, true)]);
        set.save(&path).unwrap();
        assert_eq!(TokenSet::load(&path).unwrap(), set);
        let small = std::fs::metadata(&path).unwrap().len();
        let wide = TokenSet { vocabulary: 65_537, ..set };
        wide.save(&path).unwrap();
        assert_eq!(TokenSet::load(&path).unwrap(), wide);
        assert!(std::fs::metadata(&path).unwrap().len() >= small + 2 * 19 - 8);
    }

    #[test]
    fn damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.safetensors");
        let set = TokenSet::encode(&[Document::human("a", "abc", "s")], &Tokenizer::bytes());
        let broken = TokenSet { offsets: vec![0, 2], ..set };
        broken.save(&path).unwrap();
        assert!(matches!(TokenSet::load(&path), Err(TokenSetError::Damaged { .. })));
        std::fs::write(&path, b"junk").unwrap();
        assert!(matches!(TokenSet::load(&path), Err(TokenSetError::Damaged { .. })));
        assert!(matches!(
            TokenSet::load(&folder.path().join("none")),
            Err(TokenSetError::NoFile(ReadError::Missing(_)))
        ));
    }
}
