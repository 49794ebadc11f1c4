//! The human text that written text is held against.

use std::collections::HashMap;

use streams::Streams;

use crate::measure::Measures;
use crate::tail::{self, Tail};
use crate::text::Words;
use crate::vocabulary::Richness;
use crate::{Doc, Measure, repetition};

/// How texts are brought to equal size (see the trap in `vocabulary.rs`).
#[derive(Clone, Copy, Debug)]
pub struct Equal {
    /// Words in a sample.
    pub words: usize,
    /// Samples to take the mean over; twenty will do.
    pub draws: u32,
    /// Where the draws come from.
    pub streams: Streams,
}

/// What is kept of the human text: built once, used for every generation.
#[derive(Debug)]
pub struct Reference {
    /// How often each human word occurs.
    words: HashMap<Box<str>, u64>,
    /// How often each token occurs in the human text.
    tokens: HashMap<u32, u64>,
    tail: Tail,
    equal: Equal,
    /// What the twin shows; the same beside every generation.
    human: Vec<Measure>,
}

impl Reference {
    /// A reference of `human`, the text that generation 0 is trained on. `twin` is other human text of the same kind
    /// (the test split): what it shows are the `human` values beside each generation's. It may be empty; then there are
    /// none.
    ///
    /// Samples have `equal.words` words, or as many as the twin has if these are fewer.
    pub fn of(human: &[Doc<'_>], twin: &[Doc<'_>], equal: Equal) -> Self {
        let (mut words, mut tokens) = (HashMap::<Box<str>, u64>::new(), HashMap::new());
        for doc in human {
            for word in crate::words(doc.text) {
                // `entry` would allocate for every word.
                match words.get_mut(word) {
                    Some(count) => *count += 1,
                    None => drop(words.insert(word.into(), 1)),
                }
            }
            doc.ids.iter().for_each(|&id| *tokens.entry(id).or_insert(0) += 1);
        }
        let tail = Tail { words: tail::highest_count(words.values()), tokens: tail::highest_count(tokens.values()) };
        let mut reference = Self { words, tokens, tail, equal, human: Vec::new() };
        let twin_words = Words::of(twin);
        if twin_words.len() > 0 {
            reference.equal.words = equal.words.min(twin_words.len());
            reference.human = reference.of_twin(twin, &twin_words);
        }
        reference
    }

    /// The number of words of the samples.
    pub fn words(&self) -> usize {
        self.equal.words
    }

    fn of_twin(&self, twin: &[Doc<'_>], words: &Words<'_>) -> Vec<Measure> {
        let (counts, mut measures) = (self.counts(words), Measures::default());
        if let Some(richness) = self.at_equal_size(words, &counts) {
            richness.report("human", &mut measures);
            richness.report_distinct("human-", &mut measures);
        }
        repetition::report(words, "human-", &mut measures);
        tail::report(self, twin, words, &counts, &tail::HUMAN, &mut measures);
        measures.into_vec()
    }

    /// How often each type of a text occurs in the human text.
    pub(crate) fn counts(&self, words: &Words<'_>) -> Vec<u64> {
        words.types.iter().map(|&word| self.words.get(word).copied().unwrap_or(0)).collect()
    }

    /// How often a token occurs in the human text.
    pub(crate) fn token_count(&self, id: u32) -> u64 {
        self.tokens.get(&id).copied().unwrap_or(0)
    }

    pub(crate) fn tail(&self) -> Tail {
        self.tail
    }

    /// Number of human types.
    pub(crate) fn vocabulary(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn at_equal_size(&self, words: &Words<'_>, counts: &[u64]) -> Option<Richness> {
        let Equal { words: size, draws, streams } = self.equal;
        Richness::at(size, draws, &streams, words, counts, self.vocabulary())
    }

    /// What the twin shows.
    pub(crate) fn human(&self) -> &[Measure] {
        &self.human
    }
}
