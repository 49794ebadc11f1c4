//! Ratios of words that an experiment watches: of two ways to say something, how often the one is taken. A choice that
//! people make can drift when models read models ([`evaluation::ratio_of_words`]).
//!
//! *Trap.* Drift alone is no bias: copying at random moves a ratio too. A bias moves all seeds one way.

use crate::Error;
use corpus::Document;
use evaluation::metric::WORD_RATIO;
use evaluation::{Dimension, Doc, Measure, ratio_of_words};
use serde::{Deserialize, Serialize};

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
    /// # Errors
    /// [`Error::Request`] with what could never be found.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let fail = |text: String| Err(Error::Request(text));
        for (key, words) in [("these", &self.these), ("those", &self.those)] {
            if words.is_empty() {
                return fail(format!("follow.{key} = []: at least one word"));
            }
            let is_whole = |word: &&String| {
                let mut ends = [word.chars().next(), word.chars().next_back()].into_iter();
                !word.chars().any(char::is_whitespace) && ends.all(|end| end.is_some_and(char::is_alphanumeric))
            };
            if let Some(word) = words.iter().find(|word| !is_whole(word)) {
                return fail(format!("follow.{key}: {word:?} is no word: no spaces, a letter or a digit at both ends"));
            }
        }
        match self.these.iter().find(|word| self.those.contains(word)) {
            Some(word) => fail(format!("follow: {word:?} is in `these` and in `those`")),
            None => Ok(()),
        }
    }

    /// What its rows are named by.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.these.join("+"), self.those.join("+"))
    }

    /// The share in what was written, and in other human text; nothing where neither choice is there.
    pub(crate) fn measures(&self, written: &[Document], human: &[Document]) -> Vec<Measure> {
        let texts = [("", written), ("human", human)];
        let share = |documents: &[Document]| {
            let doc = |document| Doc { text: document, ids: &[], truncated: false, reencoded_differs: false };
            let docs: Vec<Doc<'_>> = documents.iter().map(|document| doc(document.text.as_str())).collect();
            let [these, those] =
                [&self.these, &self.those].map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
            ratio_of_words(&docs, &these, &those)
        };
        let row = |(reference, documents): (&'static str, &[Document])| {
            let of_words = Measure::new(&WORD_RATIO, share(documents)?).with(Dimension::Part, self.name());
            Some(of_words.with(Dimension::Reference, reference))
        };
        texts.into_iter().filter_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corpus::{Origin, Provenance};

    fn ratio(these: &[&str], those: &[&str]) -> WordRatio {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        WordRatio { these: owned(these), those: owned(those) }
    }

    #[test]
    fn shares_are_counted_beside_human_text() {
        let document = |text: &str| Document {
            id: text.to_owned(),
            text: text.to_owned(),
            truncated: false,
            provenance: Provenance::of(Origin::Human),
        };
        let (written, human) = ([document("He came. she, he and she"), document("he")], [document("she he")]);
        let found = ratio(&["he", "He"], &["she"]).measures(&written, &human);
        let found: Vec<(String, f64)> = found.iter().map(|row| (row.dimensions.to_string(), row.value)).collect();
        assert_eq!(found, [("part he+He/she".into(), 0.6), ("reference human, part he+He/she".into(), 0.5)]);
        assert!(ratio(&["colour"], &["color"]).measures(&written, &human).is_empty());
    }

    #[test]
    fn what_could_never_be_found_is_refused() {
        for (these, those, why) in [
            (&["he"][..], &[][..], "follow.those = []"),
            (&["he said"], &["she"], "\"he said\" is no word"),
            (&["he."], &["she"], "\"he.\" is no word"),
            (&["he"], &["she", "he"], "\"he\" is in `these` and in `those`"),
        ] {
            let error = ratio(these, those).check().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(ratio(&["he", "don't"], &["she"]).check().is_ok());
    }
}
