//! Decoding of sequences up to a token budget: documents in index order, whatever finishes first.

#[cfg(feature = "gpu")]
mod on_gpu;

use crate::systematic::Draws;
use crate::{Decoder, SampleError, Sampler, Scratch, Slot, Stepper};
use ops::DeviceFailure;
use sampling::{Sampling, SamplingError};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use streams::Streams;

/// Settings of a decoding.
pub struct Decoding<'a> {
    /// The sampler's settings.
    pub sampling: &'a Sampling,
    /// The streams of the chain's seed.
    pub streams: Streams,
    /// The generation that writes.
    pub generation: u32,
    /// The token that starts and ends a document.
    pub separator: u32,
    /// The index of the first document: what was written before it is not written again.
    pub first: u64,
    /// The tokens with which the document of an index starts; none for a document from nothing.
    pub prompt: &'a (dyn Fn(u64) -> Vec<u32> + Sync),
}

/// One generated sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Its tokens, with the prompt, without separators.
    pub ids: Vec<u32>,
    /// True if the context ended before the document did.
    pub truncated: bool,
}

/// Reason why a sequence could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The sampler's settings are out of range.
    #[error("sample.{0}")]
    Settings(#[from] SamplingError),
    /// A row of logits gave no distribution.
    #[error("writing: document {document}, position {position}: {source}")]
    Sample {
        /// The document, counted from the first that was to be written.
        document: u64,
        /// The position in it.
        position: usize,
        /// What was wrong.
        source: SampleError,
    },
    /// The device failed.
    #[error("writing: {0}; {advice}", advice = .0.advice())]
    Device(#[from] DeviceFailure),
}

/// Writes documents `first`, `first + 1`, ... until `n` of them have together at least `budget` tokens by `size`, and gives
/// exactly these; the document that crosses the budget is the last. `progress` is told the tokens finished so far, on the
/// calling thread.
///
/// Each stepper works on a thread of its own, the first on this one, and takes the next document whenever a slot is free.
/// Which of them writes a document changes nothing in it.
///
/// # Errors
/// If the settings are out of range, the model's logits are not numbers, or the device fails.
///
/// # Panics
/// If there is no stepper, or a GPU's decoder was made for settings that it cannot draw by.
pub fn decode(
    decoder: &mut Decoder,
    decoding: &Decoding,
    budget: u64,
    size: &(dyn Fn(&[u32], bool) -> u64 + Sync),
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Sequence>, DecodeError> {
    let sampler = Sampler::new(decoding.sampling)?.after(decoding.separator);
    let steppers = match decoder {
        Decoder::Steppers(steppers) => steppers,
        #[cfg(feature = "gpu")]
        Decoder::Gpu(decoder) => return on_gpu::decode(decoder, decoding, budget, size, progress),
    };
    let (first, others) = steppers.split_first_mut().expect("a stepper to write with");
    let begun = (0..=others.len()).map(|_| AtomicU64::new(0)).collect();
    let queue = WorkQueue {
        decoding,
        sampler,
        budget,
        size,
        begun,
        enough: AtomicBool::new(false),
        progress: Mutex::default(),
    };
    rayon::in_place_scope(|scope| {
        for (worker, stepper) in others.iter_mut().enumerate() {
            let queue = &queue;
            scope.spawn(move |_| queue.work(worker + 1, &mut **stepper, &mut |_| {}));
        }
        queue.work(0, &mut **first, progress);
    });
    queue.progress.into_inner().expect("no worker panicked").prefix.finished()
}

/// The work that all workers share: settings, the documents handed out, and those that are finished.
struct WorkQueue<'a> {
    decoding: &'a Decoding<'a>,
    sampler: Sampler,
    budget: u64,
    size: &'a (dyn Fn(&[u32], bool) -> u64 + Sync),
    /// Tokens of the documents that each worker has begun.
    begun: Vec<AtomicU64>,
    /// True if the first documents in order reach the budget: what else is begun is left.
    enough: AtomicBool,
    progress: Mutex<Progress>,
}

/// The next document to begin, and the finished ones.
#[derive(Default)]
struct Progress {
    next: u64,
    prefix: Prefix,
}

impl WorkQueue<'_> {
    /// Takes documents and writes them until there are enough.
    fn work(&self, worker: usize, stepper: &mut dyn Stepper, progress: &mut dyn FnMut(u64)) {
        let context = stepper.context();
        let mut slots: Vec<Slot> = (0..stepper.slots()).map(|_| Slot::idle()).collect();
        let mut finished = Vec::new();
        loop {
            let mut state = self.progress.lock().expect("no worker panics while it holds the lock");
            for (document, sequence, tokens) in finished.drain(..) {
                state.prefix.add(document, sequence, tokens);
            }
            if state.prefix.advance(self.budget) {
                self.enough.store(true, Ordering::Relaxed);
                return;
            }
            let total = state.prefix.total();
            // What is begun will surely hold this many tokens: while that is too few, another document is begun, and counts one
            // token at least. A number of another worker's that is a moment old starts a document too many, or one later.
            let begun = self.begun.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
            let missing = self.budget.saturating_sub(total + begun);
            let idle = slots.iter_mut().filter(|s| s.writing.is_none());
            for slot in idle.take(usize::try_from(missing).unwrap_or(usize::MAX)) {
                slot.writing = Some(Writing::new(state.next, self.decoding));
                state.next += 1;
            }
            drop(state);
            progress(total);
            self.advance(worker, stepper, &mut slots, context, &mut finished);
        }
    }

    /// Steps until a document is finished, or another worker has finished the last that was needed.
    fn advance(
        &self,
        worker: usize,
        stepper: &mut dyn Stepper,
        slots: &mut [Slot],
        context: usize,
        finished: &mut Vec<(u64, Result<Sequence, DecodeError>, u64)>,
    ) {
        while finished.is_empty() && !self.enough.load(Ordering::Relaxed) {
            let mut begun = 0;
            if slots.iter().all(|slot| slot.writing.is_none()) {
                // The others have all that is needed; one of them may yet turn out shorter than it looks.
                std::thread::yield_now();
                return self.begun[worker].store(0, Ordering::Relaxed);
            }
            let stepped = stepper.step(slots, &|writing: &mut Writing, logits: &[f32]| {
                writing.advance(logits, &self.sampler, self.decoding.separator, context);
            });
            if let Err(error) = stepped {
                let mut state = self.progress.lock().expect("no worker panics while it holds the lock");
                state.prefix.failed.get_or_insert(error);
                return;
            }
            for slot in &mut *slots {
                if let Some(writing) = slot.writing.take_if(|w| w.ended.is_some()) {
                    finished.push(writing.close(self.size));
                } else if let Some(writing) = &slot.writing {
                    begun += writing.ids.len() as u64;
                }
            }
            self.begun[worker].store(begun, Ordering::Relaxed);
        }
    }
}

/// A document that a slot is writing.
pub struct Writing {
    /// Counted from the first that is written now.
    document: u64,
    prompt: Vec<u32>,
    pub(crate) ids: Vec<u32>,
    separator: u32,
    draws: Draws,
    scratch: Scratch,
    /// True if it was truncated, once it has ended.
    ended: Option<Result<bool, SampleError>>,
}

impl Writing {
    fn new(document: u64, decoding: &Decoding) -> Self {
        Self {
            document,
            prompt: (decoding.prompt)(decoding.first + document),
            ids: Vec::new(),
            separator: decoding.separator,
            draws: Draws::of(decoding, decoding.first + document),
            scratch: Scratch::default(),
            ended: None,
        }
    }

    /// The token at the next position: the separator first, then the last one written.
    pub(crate) fn input(&self) -> u32 {
        self.ids.last().copied().unwrap_or(self.separator)
    }

    /// The document's index, what came out, and its size.
    fn close(self, size: &dyn Fn(&[u32], bool) -> u64) -> (u64, Result<Sequence, DecodeError>, u64) {
        let (document, position) = (self.document, self.ids.len());
        match self.ended.expect("only finished documents are closed") {
            Ok(truncated) => {
                let tokens = size(&self.ids, truncated);
                (document, Ok(Sequence { ids: self.ids, truncated }), tokens)
            }
            Err(source) => (document, Err(DecodeError::Sample { document, position, source }), 0),
        }
    }

    /// Takes the next token from its row of logits. Every position takes one draw, a prompt's too.
    fn advance(&mut self, logits: &[f32], sampler: &Sampler, separator: u32, context: usize) {
        let u = self.draws.next();
        let token = match self.prompt.get(self.ids.len()) {
            Some(&token) => Ok(token),
            None => {
                let chosen = sampler.choose(logits, &self.ids, u, &mut self.scratch);
                self.draws.passed(self.scratch.within());
                chosen
            }
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
    /// The first document, in index order, that could not be written.
    failed: Option<DecodeError>,
    /// Finished before an earlier one.
    waiting: BTreeMap<u64, (Result<Sequence, DecodeError>, u64)>,
    waiting_tokens: u64,
}

impl Prefix {
    fn total(&self) -> u64 {
        self.tokens + self.waiting_tokens
    }

    fn add(&mut self, index: u64, sequence: Result<Sequence, DecodeError>, tokens: u64) {
        self.waiting_tokens += tokens;
        self.waiting.insert(index, (sequence, tokens));
    }

    /// Moves what follows in order; whether the budget is reached, or will never be.
    fn advance(&mut self, budget: u64) -> bool {
        while self.tokens < budget && self.failed.is_none() {
            let Some((sequence, tokens)) = self.waiting.remove(&(self.done.len() as u64)) else { return false };
            self.tokens += tokens;
            self.waiting_tokens -= tokens;
            match sequence {
                Ok(sequence) => self.done.push(sequence),
                Err(error) => self.failed = Some(error),
            }
        }
        true
    }

    fn finished(self) -> Result<Vec<Sequence>, DecodeError> {
        self.failed.map_or(Ok(self.done), Err)
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

        fn step(
            &mut self,
            slots: &mut [Slot],
            each: &(dyn Fn(&mut Writing, &[f32]) + Sync),
        ) -> Result<(), DecodeError> {
            for writing in slots.iter_mut().filter_map(|s| s.writing.as_mut()) {
                let mut logits = [f32::NEG_INFINITY; 32];
                logits[0] = (1.0f32 / 8.0).ln();
                logits[1 + writing.input() as usize % 30] = (7.0f32 / 8.0).ln();
                each(writing, &logits);
            }
            Ok(())
        }
    }

    fn run(slots: usize, budget: u64, prompt: &(dyn Fn(u64) -> Vec<u32> + Sync)) -> Vec<Sequence> {
        run_by(1, slots, budget, prompt)
    }

    fn run_by(workers: usize, slots: usize, budget: u64, prompt: &(dyn Fn(u64) -> Vec<u32> + Sync)) -> Vec<Sequence> {
        let sampling = Sampling::default();
        let decoding =
            Decoding { sampling: &sampling, streams: Streams::new(4), generation: 2, separator: 0, first: 0, prompt };
        let mut decoder = Decoder::Steppers((0..workers).map(|_| Box::new(Counting { slots }) as _).collect());
        // Whatever the number of processors, every worker has a thread.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().unwrap();
        let size = |ids: &[u32], _| ids.len() as u64 + 1;
        pool.install(|| decode(&mut decoder, &decoding, budget, &size, &mut |_| {})).unwrap()
    }

    #[test]
    fn documents_do_not_depend_on_the_number_of_slots() {
        let one = run(1, 5000, &|_| Vec::new());
        for slots in [2, 3, 64, 1000] {
            assert_eq!(run(slots, 5000, &|_| Vec::new()), one, "{slots} slots");
        }
        for (workers, slots) in [(2, 1), (2, 16), (5, 3)] {
            assert_eq!(run_by(workers, slots, 5000, &|_| Vec::new()), one, "{workers} workers of {slots} slots");
        }
    }

    #[test]
    fn the_first_document_that_fails_ends_the_writing() {
        /// Documents of 20 tokens, of which every one with an odd index diverges at its third.
        struct Diverging;

        impl Stepper for Diverging {
            fn slots(&self) -> usize {
                4
            }

            fn context(&self) -> usize {
                20
            }

            fn step(
                &mut self,
                slots: &mut [Slot],
                each: &(dyn Fn(&mut Writing, &[f32]) + Sync),
            ) -> Result<(), DecodeError> {
                for writing in slots.iter_mut().filter_map(|s| s.writing.as_mut()) {
                    let bad = writing.document % 2 == 1 && writing.ids.len() == 2;
                    each(writing, if bad { &[f32::NAN; 2] } else { &[f32::NEG_INFINITY, 0.0] });
                }
                Ok(())
            }
        }

        let sampling = Sampling::default();
        let prompt = |_| Vec::new();
        let decoding = Decoding {
            sampling: &sampling,
            streams: Streams::new(4),
            generation: 2,
            separator: 0,
            first: 0,
            prompt: &prompt,
        };
        let size = |ids: &[u32], _| ids.len() as u64;
        let run = |budget| {
            let mut decoder = Decoder::Steppers(vec![Box::new(Diverging), Box::new(Diverging)]);
            decode(&mut decoder, &decoding, budget, &size, &mut |_| {})
        };
        assert_eq!(run(20).unwrap().len(), 1);
        assert!(matches!(run(21), Err(DecodeError::Sample { document: 1, position: 2, .. })));
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
