use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, FORMAT, Result, canonical_json};

/// What a stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageKind {
    /// Human data to splits, tokenizer and token files.
    Prepare,
    /// Documents that a recipe is offered to what the defences say of them.
    Judge,
    /// Recipe to training set.
    Compose,
    /// Training set to model.
    Train,
    /// Model to documents.
    Generate,
    /// The documents of several models to one corpus.
    Pool,
    /// Model and documents to metrics.
    Score,
}

impl StageKind {
    /// All kinds, in the order in which a generation runs them.
    pub const ALL: [Self; 7] =
        [Self::Prepare, Self::Judge, Self::Compose, Self::Train, Self::Generate, Self::Pool, Self::Score];

    /// The name as in folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Judge => "judge",
            Self::Compose => "compose",
            Self::Train => "train",
            Self::Generate => "generate",
            Self::Pool => "pool",
            Self::Score => "score",
        }
    }
}

impl fmt::Display for StageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a stage: its kind and 64 bits of the hash of all that it reads, shown as `train-0123456789abcdef`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct StageId {
    kind: StageKind,
    hash: u64,
}

impl StageId {
    /// The stage of `kind` that reads `reads`: settings, device, seed, generation, the ids or seals of its parents.
    /// `version` is that of the code that fills it, a constant beside the fill function: code that would fill the same
    /// stage with other bytes has another version, so that its stages have other names. The hash is SHA-256 over the
    /// format's version, the kind, the code's version and [`canonical_json`] of `reads`.
    ///
    /// # Errors
    /// [`Error::Canonical`] if `reads` holds a float that is not finite or cannot be written as JSON.
    pub fn of(kind: StageKind, version: u32, reads: &impl Serialize) -> Result<Self> {
        let mut hash = Sha256::new();
        hash.update(format!("habsburg-stage-{FORMAT}\0{kind}\0{version}\0"));
        hash.update(canonical_json(reads)?);
        let hash: [u8; 32] = hash.finalize().into();
        let first: [u8; 8] = hash[..8].try_into().expect("a hash has 32 bytes");
        Ok(Self { kind, hash: u64::from_be_bytes(first) })
    }

    /// What the stage does.
    pub fn kind(&self) -> StageKind {
        self.kind
    }

    /// Sixteen hexadecimal digits.
    pub fn hash(&self) -> String {
        format!("{:016x}", self.hash)
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.kind, self.hash)
    }
}

impl FromStr for StageId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (kind, digits) = text.split_once('-')?;
            let kind = StageKind::ALL.into_iter().find(|k| k.name() == kind)?;
            let hash = u64::from_str_radix(digits, 16).ok()?;
            let id = Self { kind, hash };
            (id.to_string() == text).then_some(id) // refuses capitals, signs and other lengths
        };
        parse()
            .ok_or_else(|| Error::Parse { what: text.to_owned(), expected: "a stage such as train-0123456789abcdef" })
    }
}

impl From<StageId> for String {
    fn from(id: StageId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for StageId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shown_and_read_back() {
        let id = StageId::of(StageKind::Generate, 1, &json!({"seed": 3})).unwrap();
        assert_eq!(id.to_string().len(), "generate-".len() + 16);
        assert_eq!(id.to_string().parse::<StageId>().unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        for bad in
            ["train", "train-12", "bake-0123456789abcdef", "train-0123456789ABCDEF", "train-+123456789abcdef", "../x"]
        {
            assert!(bad.parse::<StageId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn kind_and_content_matter_and_order_of_keys_does_not() {
        let id = |kind, value| StageId::of(kind, 1, &value).unwrap();
        let base = id(StageKind::Train, json!({"seed": 1, "generation": 2}));
        assert_eq!(base, id(StageKind::Train, json!({"generation": 2, "seed": 1})));
        assert_ne!(base, id(StageKind::Train, json!({"generation": 2, "seed": 2})));
        assert_ne!(base.hash(), id(StageKind::Score, json!({"generation": 2, "seed": 1})).hash());
        assert!(StageId::of(StageKind::Train, 1, &f64::NAN).is_err());
    }

    /// Another version of the code that fills a stage gives it another name. The expected hash is the first eight bytes of
    /// `printf 'habsburg-stage-3\0train\0007\0[1,"a"]' | sha256sum`.
    #[test]
    fn versions_name_stages_apart() {
        let of = |version| StageId::of(StageKind::Train, version, &(1, "a")).unwrap().hash();
        assert_eq!(of(7), "5ae74f349db3d676");
        assert_ne!(of(7), of(8));
    }
}
