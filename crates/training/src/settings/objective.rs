//! What a token's loss counts: in a file `"cross-entropy"`, `"truncated"`, `"focal"`, or one of the last two with its
//! parameter, as `{ truncated = { gamma = 0.9 } }`.
//!
//! Both make a model that is sure of a token learn less from it, which is to slow down what a chain repeats until it is
//! certain. Truncated: only tokens of a probability below `gamma` count (ForTIFAI, arXiv 2509.08972, published with 0.9 to
//! 0.999; there the mean is over the tokens that count, here over all). Focal: `(1 - p)^gamma` times the loss (Lin et al.
//! 2017, arXiv 1708.02002). The trap: neither has its minimum at the true distribution, so both pay for it in perplexity.
//! The losses of the training log are those of the rule; losses on held-out text are plain cross-entropy.

use std::fmt;

use ops::TokenRule;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::SettingsError;

/// The rule on each token's loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Objective {
    /// The loss itself.
    #[default]
    CrossEntropy,
    /// The loss of tokens whose probability is below this, and nothing of the others.
    Truncated(f64),
    /// The loss times (1 - p) to this power.
    Focal(f64),
}

/// Tokens of this probability or more are left out, where nothing else is said: the middle of what is published.
const TRUNCATED: f64 = 0.99;
/// The exponent of Lin et al.
const FOCAL: f64 = 2.0;

const NAMES: [&str; 3] = ["cross-entropy", "truncated", "focal"];

impl Objective {
    /// Whether every token counts what it costs.
    pub fn is_plain(&self) -> bool {
        *self == Self::CrossEntropy
    }

    /// The rule of the loss.
    pub fn rule(self) -> TokenRule {
        match self {
            Self::CrossEntropy => TokenRule::CrossEntropy,
            Self::Truncated(gamma) => TokenRule::Truncated { gamma: gamma as f32 },
            Self::Focal(gamma) => TokenRule::Focal { gamma: gamma as f32 },
        }
    }

    pub(super) fn check(self) -> Result<(), SettingsError> {
        let (key, gamma, fits, must) = match self {
            Self::CrossEntropy => return Ok(()),
            Self::Truncated(gamma) => {
                ("objective.truncated.gamma", gamma, gamma > 0.0 && gamma <= 1.0, "a probability above 0")
            }
            Self::Focal(gamma) => ("objective.focal.gamma", gamma, (0.0..=100.0).contains(&gamma), "from 0 to 100"),
        };
        if fits { Ok(()) } else { Err(SettingsError { key, value: gamma.to_string(), must }) }
    }

    fn named(name: &str, gamma: Option<f64>) -> Option<Self> {
        match name {
            "cross-entropy" if gamma.is_none() => Some(Self::CrossEntropy),
            "truncated" => Some(Self::Truncated(gamma.unwrap_or(TRUNCATED))),
            "focal" => Some(Self::Focal(gamma.unwrap_or(FOCAL))),
            _ => None,
        }
    }
}

/// The parameter of a rule.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Gamma {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gamma: Option<f64>,
}

impl Serialize for Objective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, gamma) = match *self {
            Self::CrossEntropy => return serializer.serialize_str(NAMES[0]),
            Self::Truncated(gamma) => (NAMES[1], gamma),
            Self::Focal(gamma) => (NAMES[2], gamma),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, &Gamma { gamma: Some(gamma) })?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Objective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectiveVisitor)
    }
}

struct ObjectiveVisitor;

impl<'de> Visitor<'de> for ObjectiveVisitor {
    type Value = Objective;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [plain, truncated, focal] = NAMES;
        write!(
            out,
            "\"{plain}\", \"{truncated}\", \"{focal}\", or one with its parameter, as {{ {focal} = {{ gamma = 2.0 }} }}"
        )
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Objective, E> {
        Objective::named(name, None).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Objective, A::Error> {
        let name = map.next_key::<String>()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        if !NAMES[1..].contains(&name.as_str()) {
            return Err(A::Error::unknown_variant(&name, &NAMES[1..]));
        }
        let Gamma { gamma } = map.next_value()?;
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::invalid_length(2, &self));
        }
        Ok(Objective::named(&name, gamma).expect("the name is one of those with a parameter"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn what_is_written_reads_back_and_cross_entropy_is_not_written() {
        for (text, objective) in [
            (r#"{"objective":"cross-entropy"}"#, Objective::CrossEntropy),
            (r#"{"objective":"truncated"}"#, Objective::Truncated(0.99)),
            (r#"{"objective":{"truncated":{"gamma":0.9}}}"#, Objective::Truncated(0.9)),
            (r#"{"objective":{"focal":{}}}"#, Objective::Focal(2.0)),
        ] {
            let settings: Settings = serde_json::from_str(text).unwrap();
            assert_eq!(settings.objective, objective, "{text}");
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(json.contains("objective"), !objective.is_plain(), "{json}");
            assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        }
        for bad in [
            r#"{"objective":"truncatd"}"#,
            r#"{"objective":{"foal":{}}}"#,
            r#"{"objective":{"focal":{"gama":1.0}}}"#,
            r#"{"objective":{}}"#,
            r#"{"objective":{"focal":{},"truncated":{}}}"#,
        ] {
            assert!(serde_json::from_str::<Settings>(bad).is_err(), "{bad}");
        }
        let check = |objective| Settings { objective, ..Settings::default() }.check();
        let wrong = check(Objective::Truncated(0.0)).unwrap_err().to_string();
        assert!(wrong.starts_with("train.objective.truncated.gamma = 0: must be a probability"), "{wrong}");
        assert!(check(Objective::Focal(f64::NAN)).is_err() && check(Objective::Focal(0.0)).is_ok());
    }
}
