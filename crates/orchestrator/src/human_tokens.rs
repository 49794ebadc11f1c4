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
use evaluation::Measure;
use evaluation::metric::HUMAN_TOKENS;
use serde::Serialize;
use std::collections::BTreeMap;

/// Documents, and how many of the tokens of each were read: by the generation that generated it (none of a human one) and its
/// number there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents(BTreeMap<Option<u32>, Vec<u32>>);

/// What a generation was given of people.
#[derive(Clone, Debug, Default)]
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

/// What a chain was given up to a generation, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct HumanTokens {
    distinct: u64,
    reads: f64,
    by_weights: u64,
}

impl Documents {
    /// Adds a document of which so many tokens were read; of one that is there, the larger part counts.
    pub(crate) fn add(&mut self, generation: Option<u32>, index: usize, tokens: u64) {
        let of_generation = self.0.entry(generation).or_default();
        if of_generation.len() <= index {
            of_generation.resize(index + 1, 0);
        }
        of_generation[index] = of_generation[index].max(tokens as u32);
    }

    /// Adds whole documents.
    pub(crate) fn add_all<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        entries.into_iter().for_each(|entry| self.add(entry.generation, entry.index, entry.size));
    }

    /// Adds all of another list.
    pub(crate) fn join(&mut self, other: &Self) {
        for (&generation, documents) in &other.0 {
            let read = documents.iter().enumerate().filter(|(_, tokens)| **tokens > 0);
            read.for_each(|(index, &tokens)| self.add(generation, index, tokens.into()));
        }
    }

    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn tokens(&self) -> u64 {
        self.0.values().flatten().map(|&tokens| u64::from(tokens)).sum()
    }
}

impl Given {
    /// Adds what the next generation was given, and says what it all comes to.
    pub(crate) fn with(&mut self, next: &Self) -> HumanTokens {
        self.documents.join(&next.documents);
        // The same documents in every generation.
        self.held_out = self.held_out.max(next.held_out);
        self.reads += next.reads;
        self.by_weights.join(&next.by_weights);
        HumanTokens {
            distinct: self.documents.tokens() + self.held_out,
            reads: self.reads,
            by_weights: self.by_weights.tokens(),
        }
    }
}

impl HumanTokens {
    /// As rows.
    pub(crate) fn measures(&self) -> [Measure; 3] {
        let row = |part, value| Measure::new(&HUMAN_TOKENS, value).with(evaluation::Dimension::Part, part);
        let Self { distinct, reads, by_weights } = *self;
        [row("distinct", distinct as f64), row("reads", reads), row("by-weights", by_weights as f64)]
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
        let mut sum = Given::default();
        let given = |list: &[_], reads, by_weights: &[_]| Given {
            documents: documents(list),
            held_out: 5,
            reads,
            by_weights: documents(by_weights),
        };
        let mut values = |given: &Given| sum.with(given).measures().map(|row| row.value);
        // A prompt of 3 tokens of document 4, and a labelled document of generation 0.
        let first = given(&[(None, 4, 3), (Some(0), 4, 7)], 20.0, &[(None, 1, 100)]);
        assert_eq!(values(&first), [15.0, 20.0, 100.0]);
        // All of document 4, in two passes.
        let second = given(&[(None, 4, 9)], 18.0, &[(None, 1, 100), (None, 2, 50)]);
        assert_eq!(values(&second), [21.0, 38.0, 150.0]);
        assert_eq!(values(&Given::default()), [21.0, 38.0, 150.0]);
    }
}
