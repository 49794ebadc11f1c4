use rundir::StageKind;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What happens while a run is made.
#[derive(Clone, Debug)]
pub enum Event {
    /// The work begins; costs are in floating-point operations, as far as they can be foretold.
    Begin {
        /// Chains.
        chains: usize,
        /// Cost of all stages that are not there yet.
        cost: f64,
    },
    /// A stage is being made.
    Working {
        /// The chain, `ARM/seed-S`; empty for what all chains share.
        chain: String,
        /// The generation.
        generation: u32,
        /// Which stage.
        kind: StageKind,
        /// The share that is done, 0 to 1.
        done: f64,
        /// Its cost, as foretold.
        cost: f64,
        /// A figure to show beside it (a loss, tokens written).
        note: String,
    },
    /// A stage is there.
    Finished {
        /// The chain, `ARM/seed-S`; empty for what all chains share.
        chain: String,
        /// The generation.
        generation: u32,
        /// Which stage.
        kind: StageKind,
        /// Whether it was made now; else it was found.
        made: bool,
        /// Its cost, as foretold.
        cost: f64,
    },
    /// A chain ended before its time; the others go on.
    Failed {
        /// The chain, `ARM/seed-S`.
        chain: String,
        /// Why.
        reason: String,
    },
    /// Something worth a line.
    Note(String),
}

/// Who is told. Called from several threads.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Sync> Observer for F {
    fn event(&self, event: Event) {
        self(event);
    }
}

/// Says what is worth a line, but no second one in this process: every generation would say it again.
pub(crate) fn note_once(observer: &dyn Observer, line: String) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        observer.event(Event::Note(line));
    }
}
