//! The objective, the weight of a token's loss: in a file `"cross-entropy"`, `"truncated"`, `"focal"`,
//! `"label-smoothing"`, `"entropy-floor"`, or one of the last four with its parameters, as `{ truncated = { gamma = 0.9
//! } }`, `{ label-smoothing = { share = 0.1 } }`, `{ entropy-floor = { share = 0.05, of = "training" } }`.
//!
//! The first two make a model that is sure of a token learn less from it, which is to slow down what a chain repeats
//! until it is certain. Truncated: only tokens of a probability below `gamma` count (ForTIFAI, arXiv 2509.08972,
//! published with 0.9 to 0.999; there the mean is over the tokens that count, here over all). Focal: `(1 - p)^gamma`
//! times the loss (Lin et al. 2017, arXiv 1708.02002). The trap: neither has its minimum at the true distribution, so
//! both pay for it in perplexity.
//!
//! The last two mix the target with a prior over the vocabulary, (1 - share) · one hot + share · prior, so that the
//! model is never asked for certainty. Label smoothing: the prior is uniform (Szegedy et al. 2016, arXiv 1512.00567,
//! with 0.1). Entropy floor: it is the add-one smoothed frequencies of tokens, ends among them, in the human training
//! set, or with `of = "training"` in the training set at hand (an entropy reservoir that is coupled to each projection,
//! arXiv 2512.14879; that the reservoir is a unigram is ours). The trap: the best model is the mixture, and text is
//! written from it, so unlikely tokens are written, and learnt, more often from generation to generation: a floor, but
//! also a share of noise in every text, and of ends that come at random. The human prior is implicit human supervision,
//! a small one; the prior of the training set sinks with the chain.
//!
//! The losses of the training log are those of the rule; losses on held-out text are plain cross-entropy.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeMap;

use super::SettingsError;
use curation::{About, Anchor, Cost, Parameter};
use kernels::spec::TokenRule;

/// The rule on each token's loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, remote = "Self")]
pub enum Objective {
    /// The loss itself.
    #[default]
    CrossEntropy,
    /// The loss of tokens whose probability is below `gamma`, and nothing of the others.
    Truncated {
        /// Tokens of this probability or more are left out; the default is the middle of the published range.
        #[serde(default = "truncated")]
        gamma: f64,
    },
    /// The loss times (1 - p) to a power.
    Focal {
        /// The power; the default is that of Lin et al.
        #[serde(default = "focal")]
        gamma: f64,
    },
    /// Cross-entropy with a target of which a share is uniform.
    LabelSmoothing {
        /// The share; the default is that of Szegedy et al.
        #[serde(default = "share")]
        share: f64,
    },
    /// Cross-entropy with a target of which a share are frequencies of tokens.
    EntropyFloor {
        /// The share.
        #[serde(default = "share")]
        share: f64,
        /// The text that is counted.
        #[serde(default)]
        of: FloorOf,
    },
}

/// Whose frequencies of tokens are a model's floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloorOf {
    /// The human training set's, in every generation: implicit human supervision.
    #[default]
    Human,
    /// Those of the training set at hand.
    Training,
}

fn truncated() -> f64 {
    0.99
}

fn focal() -> f64 {
    2.0
}

fn share() -> f64 {
    0.1
}

/// The objectives as defences, each with the line that sets it, for `habsburg plan --defences`.
pub(crate) const OBJECTIVES: &[(&str, About)] = &[
    (
        r#"train.objective = "truncated""#,
        About {
            name: "truncated",
            about: "leaves out of the loss what the model is already sure of",
            source: "ForTIFAI 2025, arXiv 2509.08972",
            cost: Cost { anchors: &[], compute: "nothing" },
            parameters: &[Parameter { name: "gamma", default: "0.99", about: "tokens of this probability or more" }],
        },
    ),
    (
        r#"train.objective = "focal""#,
        About {
            name: "focal",
            about: "counts a token's loss less, the surer the model is of it",
            source: "Lin et al. 2017, arXiv 1708.02002",
            cost: Cost { anchors: &[], compute: "nothing" },
            parameters: &[Parameter { name: "gamma", default: "2.0", about: "power of 1 - p; 0 is cross-entropy" }],
        },
    ),
    (
        r#"train.objective = "label-smoothing""#,
        About {
            name: "label-smoothing",
            about: "mixes the uniform distribution into what the model is to say",
            source: "Szegedy et al. 2016, arXiv 1512.00567",
            cost: Cost { anchors: &[], compute: "one more pass over the logits" },
            parameters: &[SHARE],
        },
    ),
    (
        r#"train.objective = "entropy-floor""#,
        About {
            name: "entropy-floor",
            about: "mixes smoothed frequencies of tokens into what the model is to say",
            source: "after the entropy reservoir of arXiv 2512.14879; that it is a unigram is ours",
            cost: Cost { anchors: &[Anchor::HumanText], compute: "one more pass over the logits" },
            parameters: &[
                SHARE,
                Parameter {
                    name: "of",
                    default: "\"human\"",
                    about: "whose: the \"human\" training set's, or those of the \"training\" set at hand (no anchor)",
                },
            ],
        },
    ),
];

const SHARE: Parameter =
    Parameter { name: "share", default: "0.1", about: "the prior's share of the target; 0 is none" };

impl Objective {
    /// True if every token counts its whole loss.
    pub fn is_plain(&self) -> bool {
        *self == Self::CrossEntropy
    }

    /// The rule on each token's loss; `prior`, `[vocabulary]`, is what targets are mixed with, where they are.
    pub fn rule(self, prior: &[f32]) -> TokenRule<&[f32]> {
        match self {
            Self::CrossEntropy => TokenRule::CrossEntropy,
            Self::Truncated { gamma } => TokenRule::Truncated { gamma: gamma as f32 },
            Self::Focal { gamma } => TokenRule::Focal { gamma: gamma as f32 },
            Self::LabelSmoothing { share } | Self::EntropyFloor { share, .. } => {
                TokenRule::Smoothed { share: share as f32, prior }
            }
        }
    }

    /// True if it mixes human frequencies of tokens into every generation's targets.
    pub fn reads_human(self) -> bool {
        matches!(self, Self::EntropyFloor { share, of: FloorOf::Human } if share > 0.0)
    }

    pub(super) fn check(self) -> Result<(), SettingsError> {
        const SHARE: &str = "a share from 0 to below 1";
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        let (key, value, fits, must) = match self {
            Self::CrossEntropy => return Ok(()),
            Self::Truncated { gamma } => {
                ("objective.truncated.gamma", gamma, gamma > 0.0 && gamma <= 1.0, "a probability above 0")
            }
            Self::Focal { gamma } => ("objective.focal.gamma", gamma, (0.0..=100.0).contains(&gamma), "from 0 to 100"),
            Self::LabelSmoothing { share } => ("objective.label-smoothing.share", share, is_share(share), SHARE),
            Self::EntropyFloor { share, .. } => ("objective.entropy-floor.share", share, is_share(share), SHARE),
        };
        if fits { Ok(()) } else { Err(SettingsError { key, value: value.to_string(), must }) }
    }
}

impl Serialize for Objective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Objective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrTable)
    }
}

/// A name stands for the table of that name with nothing in it.
struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = Objective;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "an objective's name (\"focal\"), or a table of one name and its parameters ({ focal = { gamma = 2.0 } })",
        )
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Objective, E> {
        if name == "cross-entropy" {
            return Ok(Objective::CrossEntropy);
        }
        let table = std::iter::once((name, BTreeMap::<&str, f64>::new()));
        Objective::deserialize(MapAccessDeserializer::new(MapDeserializer::new(table)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Objective, A::Error> {
        let objective = Objective::deserialize(MapAccessDeserializer::new(&mut table))?;
        match table.next_key::<String>()? {
            None => Ok(objective),
            Some(other) => Err(A::Error::custom(format!("one objective at a time; leave out {other}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Settings;

    #[test]
    fn what_is_written_reads_back_and_cross_entropy_is_not_written() {
        for (text, objective) in [
            (r#"{"objective":"cross-entropy"}"#, Objective::CrossEntropy),
            (r#"{"objective":"truncated"}"#, Objective::Truncated { gamma: 0.99 }),
            (r#"{"objective":{"truncated":{"gamma":0.9}}}"#, Objective::Truncated { gamma: 0.9 }),
            (r#"{"objective":{"focal":{}}}"#, Objective::Focal { gamma: 2.0 }),
            (r#"{"objective":"label-smoothing"}"#, Objective::LabelSmoothing { share: 0.1 }),
            (r#"{"objective":{"label-smoothing":{"share":0.2}}}"#, Objective::LabelSmoothing { share: 0.2 }),
            (r#"{"objective":"entropy-floor"}"#, Objective::EntropyFloor { share: 0.1, of: FloorOf::Human }),
            (
                r#"{"objective":{"entropy-floor":{"share":0.0,"of":"training"}}}"#,
                Objective::EntropyFloor { share: 0.0, of: FloorOf::Training },
            ),
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
            r#"{"objective":{"focal":{"share":1.0}}}"#,
            r#"{"objective":{"label-smoothing":{"of":"human"}}}"#,
            r#"{"objective":{"entropy-floor":{"of":"humans"}}}"#,
            r#"{"objective":{}}"#,
            r#"{"objective":{"focal":{},"truncated":{}}}"#,
        ] {
            assert!(serde_json::from_str::<Settings>(bad).is_err(), "{bad}");
        }
        let check = |objective| Settings { objective, ..Settings::default() }.check();
        let wrong = check(Objective::Truncated { gamma: 0.0 }).unwrap_err().to_string();
        assert!(wrong.starts_with("train.objective.truncated.gamma = 0: must be a probability"), "{wrong}");
        assert!(check(Objective::Focal { gamma: f64::NAN }).is_err() && check(Objective::Focal { gamma: 0.0 }).is_ok());
        let whole = check(Objective::LabelSmoothing { share: 1.0 }).unwrap_err().to_string();
        assert!(whole.starts_with("train.objective.label-smoothing.share = 1: must be a share"), "{whole}");
        assert!(check(Objective::EntropyFloor { share: f64::NAN, of: FloorOf::Human }).is_err());
        assert!(check(Objective::EntropyFloor { share: 0.0, of: FloorOf::Human }).is_ok());
    }
}
