//! The initial weights of a training: in a file `"scratch"`, `"latest"`, or the number of a generation.
//!
//! Generation 0's weights have seen human text, and weights that begin with them carry what they learnt of it: a implicit
//! human supervision. Gerstgrasser et al. (2024) begin from scratch; chains of pre-trained models (Shumailov et al. 2024, Kazdan
//! et al. 2025) begin every generation with the same ancestor; fine-tuning a model on its own text (Herel and Mikolov 2024)
//! goes on with the last weights.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// The weights that a generation's training begins with. Generation 0 has no other choice than new ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// New ones, drawn for each generation.
    #[default]
    Scratch,
    /// Those of the generation before.
    Latest,
    /// Those of this generation of the chain, in every generation after it; it and those before begin with new ones.
    Generation(u32),
}

impl Start {
    /// True if every generation begins with new weights.
    pub fn is_scratch(&self) -> bool {
        *self == Self::Scratch
    }

    /// The generation whose weights `generation` begins with; none if they are new.
    ///
    /// ```
    /// use experiment::train::Start;
    ///
    /// assert_eq!((Start::Latest.parent(0), Start::Latest.parent(3)), (None, Some(2)));
    /// assert_eq!((Start::Generation(1).parent(1), Start::Generation(1).parent(3)), (None, Some(1)));
    /// ```
    pub fn parent(self, generation: u32) -> Option<u32> {
        match self {
            Self::Scratch => None,
            Self::Latest => generation.checked_sub(1),
            Self::Generation(ancestor) => (generation > ancestor).then_some(ancestor),
        }
    }
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scratch => serializer.serialize_str("scratch"),
            Self::Latest => serializer.serialize_str("latest"),
            Self::Generation(ancestor) => serializer.serialize_u32(*ancestor),
        }
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StartVisitor)
    }
}

struct StartVisitor;

impl Visitor<'_> for StartVisitor {
    type Value = Start;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"scratch\", \"latest\", or the number of a generation")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Start, E> {
        match word {
            "scratch" => Ok(Start::Scratch),
            "latest" => Ok(Start::Latest),
            _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Start, E> {
        let ancestor = u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(Start::Generation(ancestor))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Start, E> {
        let number = u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        self.visit_u64(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Settings;

    #[test]
    fn what_is_written_reads_back_and_scratch_is_not_written() {
        for (start, text) in [
            (Start::Scratch, None),
            (Start::Latest, Some(r#""start":"latest""#)),
            (Start::Generation(3), Some(r#""start":3"#)),
        ] {
            let settings = Settings { start, ..Settings::default() };
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(text.is_some_and(|text| json.contains(text)), json.contains("start"), "{json}");
            assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        }
        for bad in [r#"{"start":"human"}"#, r#"{"start":-1}"#, r#"{"start":1.5}"#, r#"{"start":4294967296}"#] {
            let error = serde_json::from_str::<Settings>(bad).unwrap_err().to_string();
            assert!(error.contains("the number of a generation"), "{bad}: {error}");
        }
    }
}
