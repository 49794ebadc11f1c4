//! Planted artifacts: a phrase put into a known share of one text, whose share is then followed in what generations generate.
//!
//! What a chain repeats without being asked (a turn of phrase, a false fact) is hard to tell from what it was given. A phrase
//! that no document holds by itself is given to a share of them, and every later document that holds it has it from there.

use crate::error::{Error, fail};
use serde::{Deserialize, Serialize};

/// The `[plant]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    /// The phrase, put after a space at the end of a document.
    pub phrase: String,
    /// The share of the documents that get it, above 0 and up to 1.
    pub share: f64,
    /// The generation whose training reads it first: with 0 it is put into the human training set, with `k` into what
    /// generation `k - 1` generated.
    #[serde(default)]
    pub generation: u32,
}

impl Plant {
    /// The number of documents among so many that get the phrase.
    pub fn count(&self, documents: usize) -> usize {
        (self.share * documents as f64).round() as usize
    }

    /// True if a text holds the phrase.
    pub fn is_in(&self, text: &str) -> bool {
        text.contains(&self.phrase)
    }

    pub(crate) fn check(&self, generations: u32) -> Result<(), Error> {
        if self.phrase.is_empty() || self.phrase.trim() != self.phrase {
            fail!("plant.phrase = {:?}: some text without space at its ends, which is added", self.phrase);
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            fail!("plant.share = {}: above 0 and at most 1", self.share);
        }
        if self.generation >= generations {
            let (given, last) = (self.generation, generations - 1);
            fail!("plant.generation = {given}: this experiment trains generations 0 to {last}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        let plant = |share: f64| Plant { phrase: "so it is.".into(), share, generation: 1 };
        let message = |plant: Plant| plant.check(3).unwrap_err().to_string();
        assert!(plant(1.0).check(3).is_ok());
        assert!(message(plant(0.0)).starts_with("plant.share = 0:"));
        assert!(message(plant(f64::NAN)).starts_with("plant.share = NaN:"));
        assert!(message(Plant { phrase: " x".into(), ..plant(1.0) }).starts_with("plant.phrase = \" x\":"));
        assert!(message(Plant { generation: 3, ..plant(1.0) }).contains("generations 0 to 2"));
    }
}
