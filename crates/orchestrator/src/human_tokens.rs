//! Human tokens in one currency: how much of what people wrote a chain was given after generation 0.
//!
//! *Definition.* Direct ways only: what reached a model inside generated documents does not count. Three numbers, each from
//! generation 1 up to a generation.
//!
//! - *Distinct*: tokens of the union of the documents that were read, by training sets, prompts, detectors and other defences
//!   that read human text, targets, objectives, a matched temperature, or labels. Of a document read in part, as a prompt,
//!   the part counts. A document that was labelled counts whether it is human or not: somebody looked at it.
//! - *Reads*: the same with every pass of training and every reading.
//! - *By weights*: tokens of the union of the human documents that weights had read which were used directly: those that
//!   training began with or was averaged with, or generation 0's as a defence asks them.
//!
//! Generation 0 and the tokenizer are the same in all arms and count nothing.
//!
//! *Trap.* Documents held out of the training set to choose a checkpoint are of that set, and counted with it. A scorer that is
//! the last generation's model counts nothing.

use chain::Entry;
use evaluation::metric::HUMAN_TOKENS;
use evaluation::{Dimension, Measure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// In a score stage: what the generation was given.
pub(crate) const FILE: &str = "human-tokens.json";

/// Documents, and how many of the tokens of each were read: by the generation that generated it (none of a human one) and its
/// number there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Run>", into = "Vec<Run>")]
pub(crate) struct Documents(BTreeMap<(Option<u32>, u32), u32>);

/// Documents that follow one another, as the file has them.
#[derive(Serialize, Deserialize)]
struct Run {
    generation: Option<u32>,
    first: u32,
    tokens: Vec<u32>,
}

/// What a generation was given of people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// What was read directly.
    pub(crate) documents: Documents,
    /// Tokens of human documents that no training set has.
    pub(crate) held_out: u64,
    /// Tokens read, with every pass.
    pub(crate) reads: f64,
    /// What weights had read that were used directly.
    pub(crate) by_weights: Documents,
}

/// What a chain was given up to a generation.
#[derive(Default)]
pub(crate) struct Sum(Given);

impl Documents {
    /// Adds a document of which so many tokens were read; of one that is there, the larger part counts.
    pub(crate) fn add(&mut self, generation: Option<u32>, index: usize, tokens: u64) {
        let held = self.0.entry((generation, index as u32)).or_default();
        *held = (*held).max(tokens as u32);
    }

    /// Adds whole documents.
    pub(crate) fn add_all<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        entries.into_iter().for_each(|entry| self.add(entry.generation, entry.index, entry.size));
    }

    /// Adds all of another list.
    pub(crate) fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|(&(generation, index), &tokens)| self.add(generation, index as usize, tokens.into()));
    }

    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn tokens(&self) -> u64 {
        self.0.values().map(|&tokens| u64::from(tokens)).sum()
    }
}

impl Sum {
    /// The rows of the next generation, which was given this.
    pub(crate) fn with(&mut self, given: &Given) -> [Measure; 3] {
        let Self(sum) = self;
        sum.documents.join(&given.documents);
        // The same documents in every generation.
        sum.held_out = sum.held_out.max(given.held_out);
        sum.reads += given.reads;
        sum.by_weights.join(&given.by_weights);
        let row = |part, value| Measure::new(&HUMAN_TOKENS, value).with(Dimension::Part, part);
        [
            row("distinct", (sum.documents.tokens() + sum.held_out) as f64),
            row("reads", sum.reads),
            row("by-weights", sum.by_weights.tokens() as f64),
        ]
    }
}

impl From<Vec<Run>> for Documents {
    fn from(runs: Vec<Run>) -> Self {
        let mut documents = Self::default();
        for Run { generation, first, tokens } in runs {
            (first as usize..).zip(tokens).for_each(|(index, tokens)| documents.add(generation, index, tokens.into()));
        }
        documents
    }
}

impl From<Documents> for Vec<Run> {
    fn from(documents: Documents) -> Self {
        let mut runs = Self::new();
        for ((generation, index), tokens) in documents.0 {
            match runs.last_mut() {
                Some(run) if run.generation == generation && run.first + run.tokens.len() as u32 == index => {
                    run.tokens.push(tokens);
                }
                _ => runs.push(Run { generation, first: index, tokens: vec![tokens] }),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(list: &[(Option<u32>, usize, u64)]) -> Documents {
        let mut documents = Documents::default();
        list.iter().for_each(|&(generation, index, tokens)| documents.add(generation, index, tokens));
        documents
    }

    #[test]
    fn a_union_counts_each_document_once() {
        let mut sum = Sum::default();
        let given = |list: &[_], reads, by_weights: &[_]| Given {
            documents: documents(list),
            held_out: 5,
            reads,
            by_weights: documents(by_weights),
        };
        let mut values = |given: &Given| sum.with(given).map(|row| row.value);
        // A prompt of 3 tokens of document 4, and a labelled document of generation 0.
        let first = given(&[(None, 4, 3), (Some(0), 4, 7)], 20.0, &[(None, 1, 100)]);
        assert_eq!(values(&first), [15.0, 20.0, 100.0]);
        // All of document 4, in two passes.
        let second = given(&[(None, 4, 9)], 18.0, &[(None, 1, 100), (None, 2, 50)]);
        assert_eq!(values(&second), [21.0, 38.0, 150.0]);
        assert_eq!(values(&Given::default()), [21.0, 38.0, 150.0]);
    }

    #[test]
    fn neighbours_are_one_run_in_the_file() {
        let all = documents(&[(None, 2, 5), (None, 3, 6), (None, 7, 1), (Some(1), 8, 2)]);
        let text = serde_json::to_string(&all).unwrap();
        let expected = r#"[{"generation":null,"first":2,"tokens":[5,6]},{"generation":null,"first":7,"tokens":[1]},{"generation":1,"first":8,"tokens":[2]}]"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Documents>(&text).unwrap(), all);
        assert!(serde_json::from_str::<Documents>("[]").unwrap().is_empty());
    }
}
