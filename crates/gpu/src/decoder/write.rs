//! The host's side of writing: which document each slot writes, block after block.

use std::collections::VecDeque;

use cubecl::server::ServerError;
use sampling::Sampling;

use super::{FAILED, GpuDecoder, Passage, Turn};

/// Where documents come from, and where they go.
pub trait Source {
    /// Draws the uniform numbers of one document.
    type Draws: FnMut() -> f64;
    /// The next document; none when enough have begun.
    fn begin(&mut self) -> Option<Document<Self::Draws>>;
    /// A document that has ended. They end in no particular order.
    fn end(&mut self, document: Document<Self::Draws>);
}

/// How a document ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the separator.
    Separator,
    /// The context was full.
    Truncated,
    /// The logits of its next token were no distribution.
    Failed,
}

/// A document that is written.
#[derive(Clone, Debug)]
pub struct Document<D> {
    /// The source's own number for it.
    pub index: u64,
    /// The tokens with which it begins.
    pub prompt: Vec<u32>,
    /// Its tokens so far, with the prompt, without separators.
    pub ids: Vec<u32>,
    /// How it ended, if it has.
    pub end: Option<End>,
    draws: D,
    /// Drawn for the positions to come.
    ahead: VecDeque<f64>,
}

impl<D: FnMut() -> f64> Document<D> {
    /// A document of which nothing is written yet. Every position takes one of `draws`, a prompt's too.
    pub fn new(index: u64, prompt: Vec<u32>, draws: D) -> Self {
        Self { index, prompt, draws, ids: Vec::new(), end: None, ahead: VecDeque::new() }
    }

    /// Draws what the next `steps` tokens need.
    fn prepare(&mut self, steps: usize) {
        while self.ahead.len() < steps {
            self.ahead.push_back((self.draws)());
        }
        self.ahead.make_contiguous();
    }

    fn passage(&self, separator: u32) -> Passage<'_> {
        let position = self.ids.len();
        Passage {
            token: self.ids.last().copied().unwrap_or(separator),
            position,
            uniforms: self.ahead.as_slices().0,
            prompt: self.prompt.get(position..).unwrap_or_default(),
        }
    }

    /// Takes what was written.
    fn take(&mut self, ids: &[u32], separator: u32, context: usize) {
        self.ahead.drain(..ids.len());
        for &id in ids {
            self.end = match id {
                FAILED => Some(End::Failed),
                id if id == separator => Some(End::Separator),
                id => {
                    self.ids.push(id);
                    (self.ids.len() == context).then_some(End::Truncated)
                }
            };
        }
    }
}

/// Writes documents until the source has no more and all that began have ended, or until `enough`, which is asked after each
/// block of `steps` tokens. A document begins and ends with the separator.
///
/// # Errors
/// If the device fails.
pub fn write<S: Source>(
    decoder: &mut GpuDecoder,
    (sampling, separator): (&Sampling, u32),
    steps: usize,
    source: &mut S,
    mut enough: impl FnMut(&mut S) -> bool,
) -> Result<(), ServerError> {
    let context = decoder.config().context;
    let mut slots: Vec<Option<Document<S::Draws>>> = (0..decoder.slots()).map(|_| None).collect();
    // Begun, but not by a slot yet.
    let mut waiting: VecDeque<Document<S::Draws>> = VecDeque::new();
    while !enough(source) {
        let mut next = || waiting.pop_front().or_else(|| source.begin());
        for slot in slots.iter_mut().filter(|slot| slot.is_none()) {
            *slot = next();
        }
        let mut following: Vec<Option<Document<S::Draws>>> =
            slots.iter().map(|slot| slot.as_ref().and_then(|_| next())).collect();
        slots.iter_mut().chain(&mut following).flatten().for_each(|document| document.prepare(steps));
        let pairs = slots.iter().zip(&following);
        let turns: Vec<Turn<'_>> = pairs
            .map(|(now, then)| {
                let [now, then] = [now, then].map(|document| document.as_ref().map(|d| d.passage(separator)));
                Turn { now, then }
            })
            .collect();
        if turns.iter().all(|turn| turn.now.is_none()) {
            return Ok(());
        }
        let block = decoder.advance(&turns, steps, sampling, separator)?;
        for (index, (slot, then)) in slots.iter_mut().zip(&mut following).enumerate() {
            let Some(now) = slot else { continue };
            now.take(block.ids(index, 0), separator, context);
            if now.end.is_none() {
                continue;
            }
            slot.take().into_iter().for_each(|document| source.end(document));
            let Some(mut document) = then.take() else { continue };
            let ids = block.ids(index, 1);
            document.take(ids, separator, context);
            match document.end {
                Some(_) => source.end(document),
                None if ids.is_empty() => *then = Some(document),
                None => *slot = Some(document),
            }
        }
        following.into_iter().flatten().for_each(|document| waiting.push_back(document));
        waiting.make_contiguous().sort_by_key(|document| document.index);
    }
    Ok(())
}
