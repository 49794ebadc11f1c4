//! Finished documents in index order, and how a checkpoint keeps them.

use super::{DecodeError, Sequence};
use rundir::{Checkpoint, Due, Stopped};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Finished documents, of which the first in index order are gathered.
#[derive(Default)]
pub(super) struct Prefix {
    done: Vec<Sequence>,
    tokens: u64,
    /// The first document, in index order, that could not be written; or why all of it ends.
    pub(super) failed: Option<DecodeError>,
    /// Finished before an earlier one.
    waiting: BTreeMap<u64, (Result<Sequence, DecodeError>, u64)>,
    waiting_tokens: u64,
}

/// Documents as a checkpoint keeps them. One that could not be written fails again.
#[derive(Serialize, Deserialize)]
struct Saved<S> {
    done: Vec<S>,
    tokens: u64,
    /// Index, document, size.
    waiting: Vec<(u64, S, u64)>,
}

impl Prefix {
    /// The documents that a checkpoint holds of those from number `first` on.
    pub(super) fn load(checkpoint: &mut Checkpoint, first: u64) -> Self {
        let mut prefix = Self::default();
        if let Some(saved) = checkpoint.load_value::<Saved<Sequence>>(&part(first)) {
            (prefix.done, prefix.tokens) = (saved.done, saved.tokens);
            saved.waiting.into_iter().for_each(|(index, sequence, tokens)| prefix.add(index, Ok(sequence), tokens));
        }
        prefix
    }

    /// Saves the documents if that is due. Once the checkpoint's interrupt is set, there is nothing more to write.
    pub(super) fn keep(&mut self, checkpoint: &mut Checkpoint, first: u64) {
        let due = checkpoint.due();
        if due != Due::No {
            let waiting = self.waiting.iter().filter_map(|(&index, (sequence, tokens))| {
                sequence.as_ref().ok().map(|sequence| (index, sequence, *tokens))
            });
            let saved = Saved { done: self.done.iter().collect(), tokens: self.tokens, waiting: waiting.collect() };
            checkpoint.keep_value(&part(first), &saved);
        }
        if due == Due::Stop {
            self.failed.get_or_insert(Stopped.into());
        }
    }

    /// The first document from this one on that is not finished, and whether a later one is: then it is needed, however many
    /// tokens there are. That happens where a checkpoint has the later one alone.
    pub(super) fn missing(&self, from: u64) -> (u64, bool) {
        let mut index = from.max(self.done.len() as u64);
        while self.waiting.contains_key(&index) {
            index += 1;
        }
        (index, self.waiting.last_key_value().is_some_and(|(&last, _)| index < last))
    }

    /// Finished documents.
    #[cfg(feature = "gpu")]
    pub(super) fn documents(&self) -> u64 {
        (self.done.len() + self.waiting.len()) as u64
    }

    /// Tokens of finished documents.
    pub(super) fn total(&self) -> u64 {
        self.tokens + self.waiting_tokens
    }

    pub(super) fn add(&mut self, index: u64, sequence: Result<Sequence, DecodeError>, tokens: u64) {
        self.waiting_tokens += tokens;
        self.waiting.insert(index, (sequence, tokens));
    }

    /// Moves what follows in order; whether the budget is reached, or will never be.
    pub(super) fn advance(&mut self, budget: u64) -> bool {
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

    pub(super) fn finished(self) -> Result<Vec<Sequence>, DecodeError> {
        self.failed.map_or(Ok(self.done), Err)
    }
}

/// The name of the documents from number `first` on.
fn part(first: u64) -> String {
    format!("sequences-{first}")
}
