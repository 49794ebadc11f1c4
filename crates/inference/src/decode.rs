//! Decoding of sequences up to a token budget: documents in index order, whatever finishes first.

#[cfg(feature = "gpu")]
mod on_gpu;
mod prefix;

use self::prefix::Prefix;
use crate::systematic::Draws;
use crate::{Decoder, SampleError, Sampler, Scratch, Slot, Stepper};
use ops::DeviceFailure;
use rundir::{Checkpoint, Due, Stopped};
use sampling::{Sampling, SamplingError};
use serde::{Deserialize, Serialize};
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its tokens, with the prompt, without separators.
    pub ids: Vec<u32>,
    /// True if the context ended before the document did.
    pub truncated: bool,
    /// Its negative log-probability in nats under the model, its end included unless it is truncated: from the logits that
    /// its tokens were drawn from. None where something else than the model's own distribution was drawn from, where a
    /// prompt began it, and of a GPU that draws itself.
    pub nats: Option<f64>,
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
    /// The work was interrupted, and what is finished saved where there is a checkpoint.
    #[error("writing: {0}")]
    Stopped(#[from] Stopped),
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
/// Finished documents are saved in `checkpoint` when that is due, and those that it holds are not written again. Documents
/// that are begun are not saved: those of all slots are lost at a kill.
///
/// # Errors
/// If the settings are out of range, the model's logits are not numbers, the device fails, or the checkpoint's interrupt is
/// set.
///
/// # Panics
/// If there is no stepper, or a GPU's decoder was made for settings that it cannot draw by.
pub fn decode(
    decoder: &mut Decoder,
    decoding: &Decoding,
    budget: u64,
    size: &(dyn Fn(&[u32], bool) -> u64 + Sync),
    checkpoint: &mut Checkpoint,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Sequence>, DecodeError> {
    let sampler = Sampler::new(decoding.sampling)?.after(decoding.separator);
    let steppers = match decoder {
        Decoder::Steppers(steppers) => steppers,
        #[cfg(feature = "gpu")]
        Decoder::Gpu(decoder) => return on_gpu::decode(decoder, decoding, budget, size, checkpoint, progress),
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
        progress: Mutex::new(Progress { next: 0, prefix: Prefix::load(checkpoint, decoding.first) }),
    };
    rayon::in_place_scope(|scope| {
        for (worker, stepper) in others.iter_mut().enumerate() {
            let queue = &queue;
            scope.spawn(move |_| queue.work(worker + 1, &mut **stepper, None));
        }
        queue.work(0, &mut **first, Some(Caller { checkpoint, progress }));
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

/// What the calling thread's worker does for all: it saves, and says how far they are.
struct Caller<'a> {
    checkpoint: &'a mut Checkpoint,
    progress: &'a mut dyn FnMut(u64),
}

/// The next document to begin, and the finished ones.
struct Progress {
    next: u64,
    prefix: Prefix,
}

impl Progress {
    /// The next document to begin; none if there are tokens enough, unless it was lost between finished ones.
    fn begin(&mut self, is_enough: bool) -> Option<u64> {
        let (index, is_needed) = self.prefix.missing(self.next);
        (is_needed || !is_enough).then(|| {
            self.next = index + 1;
            index
        })
    }
}

/// Ends the other workers if this one panics: they would wait for its documents for ever.
struct EndOfAll<'a>(&'a AtomicBool);

impl Drop for EndOfAll<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

impl WorkQueue<'_> {
    /// Takes documents and writes them until there are enough.
    fn work(&self, worker: usize, stepper: &mut dyn Stepper, mut caller: Option<Caller<'_>>) {
        let _end = EndOfAll(&self.enough);
        let context = stepper.context();
        let mut slots: Vec<Slot> = (0..stepper.slots()).map(|_| Slot::idle()).collect();
        let mut finished = Vec::new();
        loop {
            let mut state = self.progress.lock().expect("no worker panics while it holds the lock");
            for (document, sequence, tokens) in finished.drain(..) {
                state.prefix.add(document, sequence, tokens);
            }
            let is_enough = state.prefix.advance(self.budget);
            if let (Some(caller), false) = (&mut caller, is_enough) {
                state.prefix.keep(caller.checkpoint, self.decoding.first);
            }
            if is_enough || state.prefix.failed.is_some() || self.enough.load(Ordering::Relaxed) {
                self.enough.store(true, Ordering::Relaxed);
                return;
            }
            let total = state.prefix.total();
            // What is begun will surely hold this many tokens: while that is too few, another document is begun, and counts one
            // token at least. A number of another worker's that is a moment old starts a document too many, or one later.
            let begun = self.begun.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
            let missing = self.budget.saturating_sub(total + begun);
            for (number, slot) in (0..).zip(slots.iter_mut().filter(|s| s.writing.is_none())) {
                let Some(document) = state.begin(number >= missing) else { break };
                slot.writing = Some(Writing::new(document, self.decoding));
            }
            drop(state);
            let checkpoint = caller.as_mut().map(|caller| {
                (caller.progress)(total);
                &*caller.checkpoint
            });
            self.advance((worker, checkpoint), stepper, &mut slots, context, &mut finished);
        }
    }

    /// Steps until a document is finished, another worker has finished the last that was needed, or a checkpoint is due.
    fn advance(
        &self,
        (worker, checkpoint): (usize, Option<&Checkpoint>),
        stepper: &mut dyn Stepper,
        slots: &mut [Slot],
        context: usize,
        finished: &mut Vec<(u64, Result<Sequence, DecodeError>, u64)>,
    ) {
        let is_due = || checkpoint.is_some_and(|checkpoint| checkpoint.due() != Due::No);
        let mut steps = 0;
        while finished.is_empty() && !self.enough.load(Ordering::Relaxed) && (steps == 0 || !is_due()) {
            steps += 1;
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
    /// See [`Sequence::nats`]; so far.
    nats: Option<f64>,
    /// True if it was truncated, once it has ended.
    ended: Option<Result<bool, SampleError>>,
}

impl Writing {
    fn new(document: u64, decoding: &Decoding) -> Self {
        let prompt = (decoding.prompt)(decoding.first + document);
        Self {
            document,
            nats: (prompt.is_empty() && decoding.sampling.is_of_model()).then_some(0.0),
            prompt,
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
                (document, Ok(Sequence { ids: self.ids, truncated, nats: self.nats }), tokens)
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
                let within = self.scratch.within();
                self.draws.passed(within);
                self.nats = self.nats.zip(within).map(|(nats, within)| nats - within.share.ln());
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

#[cfg(test)]
mod tests;
