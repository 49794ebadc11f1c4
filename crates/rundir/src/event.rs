use crate::StageKind;

/// What happens while a run is made.
#[derive(Clone, Debug)]
pub enum Event {
    /// The work begins. Costs are floating-point operations, as far as they can be predicted.
    Begin {
        /// Chains.
        chains: usize,
        /// Cost of all stages that are not there yet.
        cost: f64,
    },
    /// A stage is being made.
    Working {
        /// The chain, `ARM/seed-S`.
        chain: String,
        /// The generation.
        generation: u32,
        /// Which stage.
        kind: StageKind,
        /// The share that is done, 0 to 1.
        done: f64,
        /// Its predicted cost.
        cost: f64,
        /// A figure to show beside it (a loss, tokens generated).
        note: String,
    },
    /// A stage is there.
    Finished {
        /// The chain, `ARM/seed-S`.
        chain: String,
        /// The generation.
        generation: u32,
        /// Which stage.
        kind: StageKind,
        /// Whether it was made now; else it was found.
        made: bool,
        /// Its predicted cost.
        cost: f64,
    },
    /// A generation of a chain is recorded.
    Generation {
        /// The chain, `ARM/seed-S`.
        chain: String,
        /// The generation.
        generation: u32,
        /// Its last training loss, nats per token, where it took steps.
        loss: Option<f64>,
        /// Its perplexity on the human test set, where it was measured.
        perplexity: Option<f64>,
    },
    /// `metrics.csv` holds more than before.
    Metrics,
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

/// Who is told what happens. Called from several threads.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Sync> Observer for F {
    fn event(&self, event: Event) {
        self(event);
    }
}
