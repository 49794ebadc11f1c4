//! The dimensions of a measured value: what it is of, beyond the set and the metric. One column of `metrics.csv` each.
//!
//! A row has at most one value in each dimension. A dimension that does not apply is empty. Rows that are meant to be
//! compared differ in one dimension only: a value of the held-out human reference has the dimensions of the generated
//! text's value and `reference` besides.
//!
//! | dimension | values | metrics |
//! |---|---|---|
//! | `member` | `0`, `1`, ... | whatever is measured of a single model where a generation has several |
//! | `reference` | empty: generated text; `human`: the held-out human reference | all that is measured of generated text beside human text |
//! | | `expected`: a sample of the same size of the true distribution | `persons`, `facts`, `forms`, `entangled`, `bias`, `tic`, `gap` |
//! | `sample` | `equal`: mean over samples with an equal number of words; empty: all of the text | `types`, `hapax-share`, `unigram-entropy`, `vocabulary-survival`, `distinct`, `entropy`, `hill`, `zipf-*`, `heaps-*`, `missing-mass`, `uncovered-mass`, `coverage`, `jensen-shannon`, `over-represented-rate` |
//! | `order` | length of n-grams | `distinct`, `entropy`, `repetition`, `coverage`, `jensen-shannon`, `ngrams`, `survival` |
//! | | order of a Hill number | `hill` |
//! | `unit` | `words`, `tokens`, `characters` | `mean-length`, `length-quantile`, `ceiling-share`, `tail-token-rate` |
//! | `band` | `rare`, `medium`, `frequent` | `coverage` |
//! | | expected number in a document: `1e-3` is 0.001 to 0.01 | `persons`, `facts`, `forms` |
//! | | statements in the text of generation 0: `0`, `1-9`, `10-99`, ...; empty: all | `recall*`, `calibration-error` of `asked` |
//! | | quantile in percent: `05`, `10`, `50`, ... | `length-quantile`, `document-perplexity` |
//! | `source` | origin of tokens: `human`, `synthetic` | `tokens-by-origin` |
//! | | generation that tokens come from: `human`, `0`, `1`, ... | `tokens-by-generation` |
//! | | source of the recipe that was judged, where several were | what defences measure |
//! | `defence` | the defence's name | `kept*`, `detector-*`, `disagreement`, `least-weight`, `*-tokens` of `training` |
//! | | how a targeted sampler looks for gaps | `gap` |
//! | `part` | bins of a calibration: `equal-width`, `equal-mass` | `calibration-error` of `test` |
//! | | `exact`, `near` | `duplicate-share` |
//! | | the model that scores: `generation-0`, `own-model` | `perplexity` of `generated` |
//! | | `compared`: documents on each side of MAUVE and the Vendi score | `documents-read` |
//! | | a judgement: `true`, `false`, `invented`, `stray`, `ungrammatical` | `sentences` |
//! | | `all`: how many there are in the world | `persons`, `facts`, `forms` |
//! | | `repeated`, `shared`, `inherited` | `inheritance` |
//! | | the way of implicit human supervision: `human-text`, `first-model`, `prompt`, ... | `human-supervision` |
//! | | `distinct`, `reads`, `by-weights` | `human-tokens` |
//! | | round of targeted sampling | `gap` |
//! | | the words of a ratio: `he+him/she+her` | `word-ratio` |
//! | | the metric that is compared, whose order and band stand in their own dimensions | `relative` |
//! | | number of a component of the truth | `component-*` |

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Number of the model among a generation's members.
    Member,
    /// What is measured in the place of the generated text.
    Reference,
    /// How much of the text is measured.
    Sample,
    /// Order of n-grams or of a Hill number.
    Order,
    /// Unit that is counted.
    Unit,
    /// Band of frequency, or a quantile.
    Band,
    /// Where tokens or documents come from.
    Source,
    /// Name of the defence.
    Defence,
    /// Any other category.
    Part,
}

impl Dimension {
    /// All, in the order of the columns.
    pub const ALL: [Self; 9] = [
        Self::Member,
        Self::Reference,
        Self::Sample,
        Self::Order,
        Self::Unit,
        Self::Band,
        Self::Source,
        Self::Defence,
        Self::Part,
    ];

    /// Name of the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Reference => "reference",
            Self::Sample => "sample",
            Self::Order => "order",
            Self::Unit => "unit",
            Self::Band => "band",
            Self::Source => "source",
            Self::Defence => "defence",
            Self::Part => "part",
        }
    }

    /// Description of the column.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Member => "number of the model among the generation's members; empty: all together",
            Self::Reference => {
                "empty: generated text; human: held-out human text; expected: a sample of the same size of the true \
                 distribution"
            }
            Self::Sample => "equal: mean over samples with an equal number of words; empty: all of the text",
            Self::Order => "length of n-grams, or order of a Hill number",
            Self::Unit => "what is counted: words, tokens, characters",
            Self::Band => "band of frequency, or a quantile in percent",
            Self::Source => "source of the recipe, origin of tokens, or the generation that they come from",
            Self::Defence => "name of the defence, or of the finder of gaps",
            Self::Part => "any other category",
        }
    }

    /// The dimension of a column; none if no dimension has this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name)
    }
}

/// Values of some dimensions, at most one of each.
///
/// ```
/// use evaluation::{Dimension, Dimensions};
///
/// const PAIRS: Dimensions = Dimensions::of(&[(Dimension::Order, "2"), (Dimension::Sample, "equal")]);
/// let human = PAIRS.with(Dimension::Reference, "human");
/// assert_eq!(human.get(Dimension::Order), Some("2"));
/// assert_eq!(human.to_string(), "reference human, sample equal, order 2");
/// assert_eq!(human.without(Dimension::Reference), PAIRS);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dimensions([Option<Cow<'static, str>>; Dimension::ALL.len()]);

impl Dimensions {
    /// No dimension.
    pub const NONE: Self = Self([const { None }; Dimension::ALL.len()]);

    /// These values; of a dimension that is named twice, the last.
    // `Option::replace` is no constant expression for a type with a destructor.
    #[allow(clippy::mem_replace_option_with_some)]
    pub const fn of(values: &[(Dimension, &'static str)]) -> Self {
        let mut all = [const { None }; Dimension::ALL.len()];
        let mut at = 0;
        while at < values.len() {
            let (dimension, value) = values[at];
            // What was there borrows its text, so there is nothing to free: `const` cannot run destructors.
            std::mem::forget(std::mem::replace(&mut all[dimension as usize], Some(Cow::Borrowed(value))));
            at += 1;
        }
        Self(all)
    }

    /// The same with a value in a dimension, in place of the one that it had. An empty value is none.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, value: impl Into<Cow<'static, str>>) -> Self {
        self.0[dimension as usize] = Some(value.into()).filter(|value| !value.is_empty());
        self
    }

    /// The same without a dimension.
    #[must_use]
    pub fn without(mut self, dimension: Dimension) -> Self {
        self.0[dimension as usize] = None;
        self
    }

    /// The same with another's values in the dimensions where it has none.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            if own.is_none() {
                own.clone_from(other);
            }
        }
        self
    }

    /// The value in a dimension.
    pub fn get(&self, dimension: Dimension) -> Option<&str> {
        self.0[dimension as usize].as_deref()
    }

    /// True if a dimension has this value.
    pub fn is(&self, dimension: Dimension, value: &str) -> bool {
        self.get(dimension) == Some(value)
    }

    /// True if no dimension has a value.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The dimensions that have a value, in the order of the columns.
    pub fn iter(&self) -> impl Iterator<Item = (Dimension, &str)> {
        Dimension::ALL.into_iter().filter_map(|dimension| Some((dimension, self.get(dimension)?)))
    }
}

impl FromIterator<(Dimension, String)> for Dimensions {
    fn from_iter<T: IntoIterator<Item = (Dimension, String)>>(values: T) -> Self {
        values.into_iter().fold(Self::NONE, |all, (dimension, value)| all.with(dimension, value))
    }
}

/// For people: `order 2, band rare`.
impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (dimension, value)) in self.iter().enumerate() {
            write!(f, "{}{} {value}", if at == 0 { "" } else { ", " }, dimension.name())?;
        }
        Ok(())
    }
}

/// A map from the names of the dimensions that have a value.
impl Serialize for Dimensions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(dimension, value)| (dimension.name(), value)))
    }
}

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
        let values = named.into_iter().map(|(name, value)| match Dimension::named(&name) {
            Some(dimension) => Ok((dimension, value)),
            None => Err(serde::de::Error::custom(format!("unknown dimension {name:?}"))),
        });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_the_order_of_their_numbers() {
        for (number, dimension) in Dimension::ALL.into_iter().enumerate() {
            assert_eq!((dimension as usize, Dimension::named(dimension.name())), (number, Some(dimension)));
        }
        assert_eq!(Dimension::named("detail"), None);
    }

    #[test]
    fn the_last_value_counts_and_an_empty_one_is_none() {
        const TWICE: Dimensions = Dimensions::of(&[(Dimension::Band, "rare"), (Dimension::Band, "medium")]);
        assert_eq!(TWICE, Dimensions::NONE.with(Dimension::Band, "medium".to_owned()));
        assert!(TWICE.with(Dimension::Band, "").is_empty());
    }

    #[test]
    fn json_has_what_is_there_and_refuses_what_is_unknown() {
        let dimensions = Dimensions::of(&[(Dimension::Part, "a \"b\""), (Dimension::Member, "0")]);
        let json = serde_json::to_string(&dimensions).unwrap();
        assert_eq!(json, r#"{"member":"0","part":"a \"b\""}"#);
        assert_eq!(serde_json::from_str::<Dimensions>(&json).unwrap(), dimensions);
        let error = serde_json::from_str::<Dimensions>(r#"{"detail":"x"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown dimension \"detail\""), "{error}");
    }
}
