//! Ratios of words that an experiment watches: of two ways to say something, how often the one is taken.

use crate::error::{Error, fail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One entry of `follow = [{ these = ["he", "him"], those = ["she", "her"] }]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordRatio {
    /// The words whose share is followed, case as given and without punctuation around them.
    pub these: Vec<String>,
    /// The words that stand for the other choice.
    pub those: Vec<String>,
}

impl WordRatio {
    /// The name of its rows: `he+him/she+her`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.these.join("+"), self.those.join("+"))
    }

    fn check(&self) -> Result<(), Error> {
        for (key, words) in [("these", &self.these), ("those", &self.those)] {
            if words.is_empty() {
                fail!("follow.{key} = []: at least one word");
            }
            let is_whole = |word: &&String| {
                let mut ends = [word.chars().next(), word.chars().next_back()].into_iter();
                !word.chars().any(char::is_whitespace) && ends.all(|end| end.is_some_and(char::is_alphanumeric))
            };
            if let Some(word) = words.iter().find(|word| !is_whole(word)) {
                fail!("follow.{key}: {word:?} is no word: no spaces, a letter or a digit at both ends");
            }
        }
        match self.these.iter().find(|word| self.those.contains(word)) {
            Some(word) => fail!("follow: {word:?} is in `these` and in `those`"),
            None => Ok(()),
        }
    }
}

/// Checks all ratios of an arm: each can be found, and no two have one name.
pub(crate) fn check(follow: &[WordRatio]) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    for ratio in follow {
        ratio.check()?;
        if !names.insert(ratio.name()) {
            fail!("follow: duplicate ratio {}; leave one out", ratio.name());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_that_can_never_be_found_are_refused() {
        let ratio = |these: &[&str], those: &[&str]| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            WordRatio { these: owned(these), those: owned(those) }
        };
        for (these, those, why) in [
            (&["he"][..], &[][..], "follow.those = []"),
            (&["he said"], &["she"], "\"he said\" is no word"),
            (&["he."], &["she"], "\"he.\" is no word"),
            (&["he"], &["she", "he"], "\"he\" is in `these` and in `those`"),
        ] {
            let error = check(&[ratio(these, those)]).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let good = ratio(&["he", "don't"], &["she"]);
        assert!(check(std::slice::from_ref(&good)).is_ok());
        assert!(check(&[good.clone(), good]).unwrap_err().to_string().contains("duplicate ratio he+don't/she"));
    }
}
