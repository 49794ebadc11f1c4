//! Settings of targeted synthesis in an experiment file: `sample.target = "coverage"`, or a table.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::candidate::{About, Anchor, Cost, Parameter};
use crate::error::{Error, within};

const NAME: &str = "sample.target";

/// The kind of item that the generated text lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Find {
    /// Runs of tokens that the human text has.
    #[default]
    Coverage,
    /// A world's facts.
    Facts,
    /// Contexts after which the model is at a loss, and generation 0's was not.
    Contexts,
    /// Tokens of a decade of frequency.
    Frequency,
    /// Nothing: the same prompts, drawn evenly. The control.
    Even,
}

impl Find {
    /// Its name in an experiment file and in `metrics.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Facts => "facts",
            Self::Contexts => "contexts",
            Self::Frequency => "frequency",
            Self::Even => "even",
        }
    }

    /// Anchors of the search beside the prompts.
    pub fn anchors(self) -> &'static [Anchor] {
        match self {
            Self::Coverage | Self::Frequency => &[Anchor::HumanText],
            Self::Facts => &[Anchor::HumanText, Anchor::Truth],
            Self::Contexts => &[Anchor::HumanText, Anchor::FirstModel],
            Self::Even => &[],
        }
    }
}

/// The table `sample.target`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Target {
    /// The target of the search.
    pub find: Find,
    /// Share of the budget that is written from prompts, as long as there is a gap; 0 is no target.
    pub share: f64,
    /// Rounds in which it is written, looking anew before each.
    pub rounds: u32,
    /// Tokens of a run, of `coverage`.
    pub size: usize,
    /// A gap is closed when it is at most so much larger than that of a human sample of the same size.
    pub tolerance: f64,
}

impl Default for Target {
    fn default() -> Self {
        Self { find: Find::Coverage, share: 0.5, rounds: 4, size: 3, tolerance: 0.05 }
    }
}

/// Its description for `habsburg plan --defences`.
pub const TARGET: About = About {
    name: NAME,
    about: "writes a share of the budget from human prompts (sample.prompt_tokens each) that lead to what is missing",
    source: "ours",
    cost: Cost {
        anchors: &[Anchor::HumanText],
        compute: "the prompts, human text; a count of all text in every round",
    },
    parameters: &[
        Parameter {
            name: "find",
            default: "\"coverage\"",
            about: "\"coverage\", \"facts\" (of a world), \"contexts\" (of high loss), \"frequency\" or \"even\", the control",
        },
        Parameter { name: "share", default: "0.5", about: "of the budget, from prompts while there is a gap" },
        Parameter { name: "rounds", default: "4", about: "in which that is written" },
        Parameter { name: "size", default: "3", about: "tokens of a run, of coverage" },
        Parameter {
            name: "tolerance",
            default: "0.05",
            about: "tolerated excess of a gap over that of a human sample of the same size",
        },
    ],
};

impl Target {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the first that does not.
    pub fn check(&self) -> Result<(), Error> {
        let fits = (0.0..1.0).contains(&self.share);
        let wants = "from 0.0 to below 1.0: what is missing is seen in text that was written from nothing";
        within(fits, NAME, "share", self.share, wants)?;
        within((1..=1000).contains(&self.rounds), NAME, "rounds", self.rounds, "from 1 to 1000")?;
        within((1..=64).contains(&self.size), NAME, "size", self.size, "from 1 to 64 tokens")?;
        let fits = self.tolerance >= 0.0 && self.tolerance.is_finite();
        within(fits, NAME, "tolerance", self.tolerance, "a share from 0.0")
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Target::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = Target;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("what is to be found (\"coverage\") or a table ({ find = \"coverage\", share = 0.5 })")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Target, E> {
        Ok(Target { find: <Find as Deserialize>::deserialize(name.into_deserializer())?, ..Target::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
        Target::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Sample {
        target: Target,
    }

    fn read(target: &str) -> Result<Target, String> {
        let sample = toml::from_str::<Sample>(&format!("target = {target}"));
        sample.map(|sample| sample.target).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn a_name_or_a_table() {
        assert_eq!(read("\"facts\""), Ok(Target { find: Find::Facts, ..Target::default() }));
        assert_eq!(read("{}"), Ok(Target::default()));
        let table = read("{ find = \"even\", share = 0.25, rounds = 2 }").unwrap();
        assert_eq!(table, Target { find: Find::Even, share: 0.25, rounds: 2, ..Target::default() });
        let written = toml::to_string(&Sample { target: table }).unwrap();
        assert_eq!(toml::from_str::<Sample>(&written).unwrap().target, table);
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(json, r#"{"find":"even","share":0.25,"rounds":2,"size":3,"tolerance":0.05}"#);
        for (target, why) in [
            ("\"covrage\"", "unknown variant `covrage`, expected one of `coverage`, `facts`"),
            ("{ fnd = \"even\" }", "unknown field `fnd`"),
            ("3", "what is to be found"),
        ] {
            let message = read(target).unwrap_err();
            assert!(message.contains(why), "{target}: {message}");
        }
        for bad in ["share = 1.0", "share = -0.1", "share = nan", "rounds = 0", "size = 0", "tolerance = -1.0"] {
            let error = read(&format!("{{ {bad} }}")).unwrap().check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("sample.target.{}", bad.split(' ').next().unwrap())), "{error}");
        }
    }

    #[test]
    fn the_table_says_what_the_defaults_are() {
        let defaults = toml::Value::try_from(Target::default()).unwrap();
        let defaults = defaults.as_table().unwrap();
        assert_eq!(defaults.len(), TARGET.parameters.len());
        for parameter in TARGET.parameters {
            let said: toml::Table = toml::from_str(&format!("v = {}", parameter.default)).unwrap();
            assert_eq!(defaults.get(parameter.name), said.get("v"), "{}", parameter.name);
        }
        assert_eq!(Find::default().anchors(), TARGET.cost.anchors);
    }
}
