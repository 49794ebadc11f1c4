//! What a token's loss counts: in a file `"cross-entropy"`, `"truncated"`, `"focal"`, `"label-smoothing"`, `"entropy-floor"`,
//! or one of the last four with its parameters, as `{ truncated = { gamma = 0.9 } }`, `{ label-smoothing = { share = 0.1 } }`,
//! `{ entropy-floor = { share = 0.05, of = "training" } }`.
//!
//! The first two make a model that is sure of a token learn less from it, which is to slow down what a chain repeats until it is
//! certain. Truncated: only tokens of a probability below `gamma` count (ForTIFAI, arXiv 2509.08972, published with 0.9 to
//! 0.999; there the mean is over the tokens that count, here over all). Focal: `(1 - p)^gamma` times the loss (Lin et al.
//! 2017, arXiv 1708.02002). The trap: neither has its minimum at the true distribution, so both pay for it in perplexity.
//!
//! The last two mix the target with a prior over the vocabulary, (1 - share) · one hot + share · prior, so that the model is
//! never asked for certainty. Label smoothing: the prior is uniform (Szegedy et al. 2016, arXiv 1512.00567, with 0.1).
//! Entropy floor: it is the add-one smoothed frequencies of tokens, ends among them, in the human training set, or with `of =
//! "training"` in the training set at hand (an entropy reservoir that is coupled to each projection, arXiv 2512.14879; that
//! the reservoir is a unigram is ours). The trap: the best model is the mixture, and text is written from it, so unlikely
//! tokens are written, and learnt, more often from generation to generation: a floor, but also a share of noise in every
//! text, and of ends that come at random. The human prior is a hidden human anchor, a small one; the prior of the training
//! set sinks with the chain.
//!
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
    /// Cross-entropy with a target of which this share is uniform.
    LabelSmoothing(f64),
    /// Cross-entropy with a target of which this share are frequencies of tokens.
    EntropyFloor(f64, FloorOf),
}

/// Whose frequencies of tokens are a model's floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloorOf {
    /// The human training set's, in every generation: a hidden human anchor.
    #[default]
    Human,
    /// Those of the training set at hand.
    Training,
}

/// Tokens of this probability or more are left out, where nothing else is said: the middle of what is published.
const TRUNCATED: f64 = 0.99;
/// The exponent of Lin et al.
const FOCAL: f64 = 2.0;

/// The share of Szegedy et al.
const SHARE: f64 = 0.1;

const NAMES: [&str; 5] = ["cross-entropy", "truncated", "focal", "label-smoothing", "entropy-floor"];

impl Objective {
    /// Whether every token counts what it costs.
    pub fn is_plain(&self) -> bool {
        *self == Self::CrossEntropy
    }

    /// Whether it mixes human frequencies of tokens into every generation's targets.
    pub fn reads_human(self) -> bool {
        matches!(self, Self::EntropyFloor(share, FloorOf::Human) if share > 0.0)
    }

    /// The rule of the loss; `prior` is what the target is mixed with, where it is ([`crate::prior`]).
    pub fn rule(self, prior: &[f32]) -> TokenRule<'_> {
        match self {
            Self::CrossEntropy => TokenRule::CrossEntropy,
            Self::Truncated(gamma) => TokenRule::Truncated { gamma: gamma as f32 },
            Self::Focal(gamma) => TokenRule::Focal { gamma: gamma as f32 },
            Self::LabelSmoothing(share) | Self::EntropyFloor(share, _) => {
                TokenRule::Smoothed { share: share as f32, prior }
            }
        }
    }

    pub(super) fn check(self) -> Result<(), SettingsError> {
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        let (key, value, fits, must) = match self {
            Self::CrossEntropy => return Ok(()),
            Self::Truncated(gamma) => {
                ("objective.truncated.gamma", gamma, gamma > 0.0 && gamma <= 1.0, "a probability above 0")
            }
            Self::Focal(gamma) => ("objective.focal.gamma", gamma, (0.0..=100.0).contains(&gamma), "from 0 to 100"),
            Self::LabelSmoothing(share) => ("objective.label-smoothing.share", share, is_share(share), SHARES),
            Self::EntropyFloor(share, _) => ("objective.entropy-floor.share", share, is_share(share), SHARES),
        };
        if fits { Ok(()) } else { Err(SettingsError { key, value: value.to_string(), must }) }
    }

    /// The rule of this name with its defaults.
    fn named(name: &str) -> Option<Self> {
        match name {
            "cross-entropy" => Some(Self::CrossEntropy),
            "truncated" => Some(Self::Truncated(TRUNCATED)),
            "focal" => Some(Self::Focal(FOCAL)),
            "label-smoothing" => Some(Self::LabelSmoothing(SHARE)),
            "entropy-floor" => Some(Self::EntropyFloor(SHARE, FloorOf::Human)),
            _ => None,
        }
    }

    /// The same with the parameters that are given; none of a rule that has no such parameter.
    fn with(self, given: Parameters) -> Option<Self> {
        match (self, given) {
            (Self::Truncated(gamma), Parameters { gamma: given, share: None, of: None }) => {
                Some(Self::Truncated(given.unwrap_or(gamma)))
            }
            (Self::Focal(gamma), Parameters { gamma: given, share: None, of: None }) => {
                Some(Self::Focal(given.unwrap_or(gamma)))
            }
            (Self::LabelSmoothing(share), Parameters { gamma: None, share: given, of: None }) => {
                Some(Self::LabelSmoothing(given.unwrap_or(share)))
            }
            (Self::EntropyFloor(share, default), Parameters { gamma: None, share: given, of }) => {
                Some(Self::EntropyFloor(given.unwrap_or(share), of.unwrap_or(default)))
            }
            _ => None,
        }
    }

    /// The parameters that are written into a file.
    fn parameters(self) -> Parameters {
        let (mut gamma, mut share, mut of) = (None, None, None);
        match self {
            Self::CrossEntropy => {}
            Self::Truncated(value) | Self::Focal(value) => gamma = Some(value),
            Self::LabelSmoothing(value) => share = Some(value),
            Self::EntropyFloor(value, whose) => (share, of) = (Some(value), Some(whose)),
        }
        Parameters { gamma, share, of }
    }

    fn name(self) -> &'static str {
        let at = match self {
            Self::CrossEntropy => 0,
            Self::Truncated(_) => 1,
            Self::Focal(_) => 2,
            Self::LabelSmoothing(_) => 3,
            Self::EntropyFloor(..) => 4,
        };
        NAMES[at]
    }
}

const SHARES: &str = "a share from 0 to below 1";

/// The parameters of all rules; each has its own.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gamma: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<FloorOf>,
}

impl Serialize for Objective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_plain() {
            return serializer.serialize_str(self.name());
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.name(), &self.parameters())?;
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
        let [plain, truncated, focal, smoothing, floor] = NAMES;
        write!(
            out,
            "\"{plain}\", \"{truncated}\", \"{focal}\", \"{smoothing}\", \"{floor}\", or one with its parameters, as {{ {focal} \
             = {{ gamma = 2.0 }} }} or {{ {smoothing} = {{ share = 0.1 }} }}"
        )
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Objective, E> {
        Objective::named(name).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Objective, A::Error> {
        let name = map.next_key::<String>()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        if !NAMES[1..].contains(&name.as_str()) {
            return Err(A::Error::unknown_variant(&name, &NAMES[1..]));
        }
        let given = map.next_value::<Parameters>()?;
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::invalid_length(2, &self));
        }
        let default = Objective::named(&name).expect("the name is one of those with parameters");
        default.with(given).ok_or_else(|| {
            let own = if default.parameters().gamma.is_some() { "gamma" } else { "share" };
            let more = if name == NAMES[4] { " and of" } else { "" };
            A::Error::custom(format!("{name} has other parameters: {own}{more}"))
        })
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
            (r#"{"objective":"label-smoothing"}"#, Objective::LabelSmoothing(0.1)),
            (r#"{"objective":{"label-smoothing":{"share":0.2}}}"#, Objective::LabelSmoothing(0.2)),
            (r#"{"objective":"entropy-floor"}"#, Objective::EntropyFloor(0.1, FloorOf::Human)),
            (
                r#"{"objective":{"entropy-floor":{"share":0.0,"of":"training"}}}"#,
                Objective::EntropyFloor(0.0, FloorOf::Training),
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
        let wrong = check(Objective::Truncated(0.0)).unwrap_err().to_string();
        assert!(wrong.starts_with("train.objective.truncated.gamma = 0: must be a probability"), "{wrong}");
        assert!(check(Objective::Focal(f64::NAN)).is_err() && check(Objective::Focal(0.0)).is_ok());
        let whole = check(Objective::LabelSmoothing(1.0)).unwrap_err().to_string();
        assert!(whole.starts_with("train.objective.label-smoothing.share = 1: must be a share"), "{whole}");
        assert!(check(Objective::EntropyFloor(f64::NAN, FloorOf::Human)).is_err());
        assert!(check(Objective::EntropyFloor(0.0, FloorOf::Human)).is_ok());
    }
}
