//! Averaging the trained weights with an ancestor's: in a file `average = { with = "first", share = 0.5 }`, beside a `start`
//! from which both descend.
//!
//! *Definition.* After training, each weight becomes (1 - share) · trained + share · ancestor, taken in float64 and rounded to
//! float32 once. `"first"` is generation 0, `"previous"` the generation before as it was kept, itself an average: then the
//! weights are an exponential mean over generations. What is written, scored and begun with is the average; losses in the
//! training log are of the weights before it.
//!
//! *Source.* Wortsman et al. 2022 (WiSE-FT, arXiv 2109.01903: with the ancestor of a fine-tuning; model soups, arXiv
//! 2203.05482: among the descendants of one). That it is done in each generation of a chain is ours.
//!
//! *Trap.* Models that began from different first weights have no meaningful mean (their hidden units are in another
//! order), so a new initialisation in each generation is refused. And it is a brake on learning as on forgetting: what is
//! gained on fresh human text is averaged away too.
//!
//! *Cost.* Weights of an ancestor that has seen human text are implicit human supervision.

use serde::{Deserialize, Serialize};

use super::{SettingsError, Start};

/// The ancestor's part in the weights of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average {
    /// Which ancestor.
    pub with: AverageWith,
    /// Its share; 0 leaves the trained weights as they are.
    #[serde(default = "half")]
    pub share: f64,
}

fn half() -> f64 {
    0.5
}

/// An ancestor of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AverageWith {
    /// Generation 0.
    First,
    /// The generation before.
    Previous,
}

impl Average {
    /// The generation with whose weights those of `generation` are averaged, where training begins as `start` says; none
    /// where it begins with new weights, or the share is nothing.
    ///
    /// ```
    /// use experiment::train::{Average, AverageWith, Start};
    ///
    /// let [first, previous] = [AverageWith::First, AverageWith::Previous].map(|with| Average { with, share: 0.5 });
    /// assert_eq!([0, 1, 3].map(|k| first.ancestor(k, Start::Latest)), [None, Some(0), Some(0)]);
    /// assert_eq!([0, 1, 3].map(|k| previous.ancestor(k, Start::Generation(1))), [None, None, Some(2)]);
    /// ```
    pub fn ancestor(self, generation: u32, start: Start) -> Option<u32> {
        start.parent(generation).filter(|_| self.share != 0.0)?;
        match self.with {
            AverageWith::First => Some(0),
            AverageWith::Previous => generation.checked_sub(1),
        }
    }

    pub(super) fn check(self, start: Start) -> Result<(), SettingsError> {
        let share = self.share;
        if !(0.0..=1.0).contains(&share) {
            return Err(SettingsError { key: "average.share", value: share.to_string(), must: "from 0 to 1" });
        }
        let descends = match (self.with, start) {
            (_, Start::Scratch) => false,
            (AverageWith::First, Start::Generation(ancestor)) => ancestor == 0,
            _ => true,
        };
        match descends || share == 0.0 {
            true => Ok(()),
            false => Err(SettingsError {
                key: "average.with",
                value: match self.with {
                    AverageWith::First => "first".to_owned(),
                    AverageWith::Previous => "previous".to_owned(),
                },
                must: "an ancestor that training began with: models of different first weights have no mean; set \
                       train.start = \"latest\" or 0",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Settings;

    #[test]
    fn what_is_written_reads_back_and_none_is_not_written() {
        assert!(!serde_json::to_string(&Settings::default()).unwrap().contains("average"));
        let settings: Settings = serde_json::from_str(r#"{"start":"latest","average":{"with":"previous"}}"#).unwrap();
        assert_eq!(settings.average, Some(Average { with: AverageWith::Previous, share: 0.5 }));
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        for bad in [r#"{"average":"first"}"#, r#"{"average":{"share":0.5}}"#, r#"{"average":{"with":"last"}}"#] {
            assert!(serde_json::from_str::<Settings>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_descends_from_an_ancestor_is_averaged_with_it() {
        let check = |with, share, start| Average { with, share }.check(start);
        let (first, previous) = (AverageWith::First, AverageWith::Previous);
        let refused = check(first, 0.5, Start::Scratch).unwrap_err().to_string();
        assert!(refused.starts_with("train.average.with = first: must be an ancestor"), "{refused}");
        assert!(check(previous, 0.5, Start::Scratch).is_err() && check(previous, 0.0, Start::Scratch).is_ok());
        assert!(check(first, 0.5, Start::Generation(1)).is_err() && check(previous, 0.5, Start::Generation(1)).is_ok());
        assert!(check(first, 1.0, Start::Latest).is_ok() && check(first, 0.5, Start::Generation(0)).is_ok());
        assert!([-0.1, 1.1, f64::NAN].iter().all(|&share| check(first, share, Start::Latest).is_err()));
        assert_eq!(Average { with: first, share: 0.0 }.ancestor(3, Start::Latest), None);
    }
}
