use crate::{SampleError, Sampler, Scratch, Slot, Stepper};
use corpus::{Sampling, SamplingError};
use std::collections::BTreeMap;
use streams::{Purpose, Streams};

/// How sequences are written.
pub struct Decoding<'a> {
    /// The sampler's settings.
    pub sampling: &'a Sampling,
    /// The streams of the chain's seed.
    pub streams: Streams,
    /// The generation that writes.
    pub generation: u32,
    /// The token that starts and ends a document.
    pub separator: u32,
    /// The tokens with which the document of an index starts; none for a document from nothing.
    pub prompt: &'a (dyn Fn(u64) -> Vec<u32> + Sync),
}

/// One written sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Its tokens, with the prompt, without separators.
    pub ids: Vec<u32>,
    /// Whether the context ended before the document did.
    pub truncated: bool,
}

/// Why nothing can be written.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The sampler's settings are out of range.
    #[error("sample.{0}")]
    Settings(#[from] SamplingError),
    /// A row of logits gave no distribution.
    #[error("writing: document {document}, position {position}: {source}")]
    Sample {
        /// The document's index.
        document: u64,
        /// The position in it.
        position: usize,
        /// What was wrong.
        source: SampleError,
    },
}

/// Writes documents 0, 1, 2, ... until the first `n` of them have together at least `budget` tokens by `size`, and gives
/// exactly these; the document that crosses the budget is the last. `progress` is told the tokens finished so far.
///
/// # Errors
/// If the model's logits are not numbers.
pub fn decode(
    stepper: &mut dyn Stepper,
    decoding: &Decoding,
    budget: u64,
    size: &dyn Fn(&[u32], bool) -> u64,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Sequence>, DecodeError> {
    let sampler = Sampler::new(decoding.sampling)?;
    let context = stepper.context();
    let mut slots: Vec<Slot> = (0..stepper.slots()).map(|_| Slot::idle()).collect();
    let mut prefix = Prefix::default();
    let mut next = 0;
    loop {
        // What is assigned will surely hold this many tokens: while that is too few, another document is begun, and counts
        // one token at least.
        let begun = slots.iter().filter_map(|s| s.writing.as_ref()).map(|w| w.ids.len() as u64).sum::<u64>();
        let missing = budget.saturating_sub(prefix.total() + begun);
        let idle = slots.iter_mut().filter(|s| s.writing.is_none());
        for slot in idle.take(usize::try_from(missing).unwrap_or(usize::MAX)) {
            slot.writing = Some(Writing::new(next, decoding));
            next += 1;
        }
        stepper.step(&mut slots, &|writing: &mut Writing, logits: &[f32]| {
            writing.advance(logits, &sampler, decoding.separator, context);
        });
        for slot in &mut slots {
            let Some(writing) = slot.writing.take_if(|w| w.ended.is_some()) else { continue };
            let truncated = match writing.ended {
                Some(Ok(truncated)) => truncated,
                Some(Err(source)) => {
                    let (document, position) = (writing.document, writing.ids.len());
                    return Err(DecodeError::Sample { document, position, source });
                }
                None => unreachable!("only finished documents are taken"),
            };
            let tokens = size(&writing.ids, truncated);
            prefix.add(writing.document, Sequence { ids: writing.ids, truncated }, tokens);
        }
        if prefix.advance(budget) {
            return Ok(prefix.done);
        }
        progress(prefix.total());
    }
}

/// A document that a slot is writing.
pub struct Writing {
    document: u64,
    prompt: Vec<u32>,
    pub(crate) ids: Vec<u32>,
    separator: u32,
    draws: streams::Stream,
    scratch: Scratch,
    /// Whether it was truncated, once it has ended.
    ended: Option<Result<bool, SampleError>>,
}

impl Writing {
    fn new(document: u64, decoding: &Decoding) -> Self {
        Self {
            document,
            prompt: (decoding.prompt)(document),
            ids: Vec::new(),
            separator: decoding.separator,
            draws: decoding.streams.stream(Purpose::Decoding, decoding.generation, document),
            scratch: Scratch::default(),
            ended: None,
        }
    }

    /// The token at the next position: the separator first, then the last one written.
    pub(crate) fn input(&self) -> u32 {
        self.ids.last().copied().unwrap_or(self.separator)
    }

    /// Takes the next token from its row of logits. Every position takes one draw, a prompt's too.
    fn advance(&mut self, logits: &[f32], sampler: &Sampler, separator: u32, context: usize) {
        let u = self.draws.uniform();
        let token = match self.prompt.get(self.ids.len()) {
            Some(&token) => Ok(token),
            None => sampler.choose(logits, &self.ids, u, &mut self.scratch),
        };
        match token {
            Ok(token) if token == separator => self.ended = Some(Ok(false)),
            Ok(token) => {
                self.ids.push(token);
                if self.ids.len() == context {
                    self.ended = Some(Ok(true));
                }
            }
            Err(error) => self.ended = Some(Err(error)),
        }
    }
}

/// Finished documents, of which the first in index order are gathered.
#[derive(Default)]
struct Prefix {
    done: Vec<Sequence>,
    tokens: u64,
    /// Finished before an earlier one.
    waiting: BTreeMap<u64, (Sequence, u64)>,
    waiting_tokens: u64,
}

impl Prefix {
    fn total(&self) -> u64 {
        self.tokens + self.waiting_tokens
    }

    fn add(&mut self, index: u64, sequence: Sequence, tokens: u64) {
        self.waiting_tokens += tokens;
        self.waiting.insert(index, (sequence, tokens));
    }

    /// Moves what follows in order; whether the budget is reached.
    fn advance(&mut self, budget: u64) -> bool {
        while self.tokens < budget {
            let Some((sequence, tokens)) = self.waiting.remove(&(self.done.len() as u64)) else { return false };
            self.done.push(sequence);
            self.tokens += tokens;
            self.waiting_tokens -= tokens;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model with known logits: from token `t` it goes on to `t + 1` or, with probability 1/8, ends.
    struct Counting {
        slots: usize,
    }

    impl Stepper for Counting {
        fn slots(&self) -> usize {
            self.slots
        }

        fn context(&self) -> usize {
            20
        }

        fn step(&mut self, slots: &mut [Slot], each: &(dyn Fn(&mut Writing, &[f32]) + Sync)) {
            for writing in slots.iter_mut().filter_map(|s| s.writing.as_mut()) {
                let mut logits = [f32::NEG_INFINITY; 32];
                logits[0] = (1.0f32 / 8.0).ln();
                logits[1 + writing.input() as usize % 30] = (7.0f32 / 8.0).ln();
                each(writing, &logits);
            }
        }
    }

    fn run(slots: usize, budget: u64, prompt: &(dyn Fn(u64) -> Vec<u32> + Sync)) -> Vec<Sequence> {
        let sampling = Sampling::default();
        let decoding = Decoding { sampling: &sampling, streams: Streams::new(4), generation: 2, separator: 0, prompt };
        decode(&mut Counting { slots }, &decoding, budget, &|ids, _| ids.len() as u64 + 1, &mut |_| {}).unwrap()
    }

    #[test]
    fn documents_do_not_depend_on_the_number_of_slots() {
        let one = run(1, 5000, &|_| Vec::new());
        for slots in [2, 3, 64, 1000] {
            assert_eq!(run(slots, 5000, &|_| Vec::new()), one, "{slots} slots");
        }
    }

    #[test]
    fn the_corpus_is_the_shortest_prefix() {
        let size = |s: &[Sequence]| s.iter().map(|d| d.ids.len() as u64 + 1).sum::<u64>();
        let all = run(8, 1000, &|_| Vec::new());
        assert!(size(&all) >= 1000 && size(&all[..all.len() - 1]) < 1000);
        // A larger budget only adds documents.
        assert_eq!(run(8, 2000, &|_| Vec::new())[..all.len()], all[..]);
    }

    #[test]
    fn lengths_follow_the_closed_form() {
        // A document ends after n < 20 tokens with probability 1/8 · (7/8)^n, else it is truncated at 20.
        let all = run(16, 200_000, &|_| Vec::new());
        let n = all.len() as f64;
        let truncated = all.iter().filter(|s| s.truncated).count() as f64 / n;
        let expected = (7.0f64 / 8.0).powi(20);
        assert!((truncated - expected).abs() < 4.0 * (expected * (1.0 - expected) / n).sqrt());
        assert!(all.iter().all(|s| s.truncated == (s.ids.len() == 20)));
        let empty = all.iter().filter(|s| s.ids.is_empty()).count() as f64 / n;
        assert!((empty - 0.125).abs() < 4.0 * (0.125f64 * 0.875 / n).sqrt());
    }

    #[test]
    fn prompts_are_kept_and_continued() {
        let all = run(5, 500, &|document| vec![10 + document as u32 % 3, 20]);
        for (document, sequence) in all.iter().enumerate() {
            assert_eq!(sequence.ids[..2], [10 + document as u32 % 3, 20]);
            assert!(sequence.ids[2..].iter().enumerate().all(|(i, &t)| t == 1 + (20 + i as u32) % 30));
        }
    }
}
