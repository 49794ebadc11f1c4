//! What a training run gives and says: weights, figures, log lines, progress, errors.

use model::Weights;
use ops::DeviceFailure;
use rundir::Stopped;
use serde::{Deserialize, Serialize};

/// A finished training run.
pub struct Trained {
    /// The weights that are kept.
    pub weights: Weights,
    /// What happened.
    pub record: Record,
    /// Lines of `train.jsonl`.
    pub log: Vec<LogLine>,
}

/// The figures of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Optimizer steps.
    pub steps: u64,
    /// Tokens that were targets, with repetitions.
    pub seen_tokens: u64,
    /// Mean training loss over the last tenth of the steps, nats per token as the objective counts them.
    pub final_loss: f64,
    /// Loss of the kept weights on held-out documents of the training mixture, nats per token; none without such documents.
    pub validation_loss: Option<f64>,
    /// Held-out tokens that were scored on the way to find the best weights, or at the end, with repetitions.
    pub validated_tokens: u64,
    /// Steps of float16 that were left out because their gradients were too large for it.
    #[serde(default)]
    pub skipped: u64,
    /// Windows that were computed at a time, where not all of a batch were: asked for, what the device had memory for,
    /// or what is best on a processor ([`windows_at_a_time`](crate::windows_at_a_time)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
}

/// One line of `train.jsonl`: one step of every ten, and every validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Steps taken.
    pub step: u64,
    /// The batch's loss, nats per token.
    pub loss: f64,
    /// The learning rate.
    pub rate: f64,
    /// The gradient's global norm before clipping.
    pub norm: f64,
    /// Tokens seen so far.
    pub tokens: u64,
    /// Loss on held-out documents of the mixture, where it was measured at this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps taken.
    pub step: u64,
    /// All steps.
    pub steps: u64,
    /// The last batch's loss, nats per token.
    pub loss: f64,
    /// Windows that are computed at a time, where the device has not the memory for those that it should.
    pub halved: Option<usize>,
}

/// Why a run ended early.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// The loss or the gradient is not a finite number any more.
    #[error(
        "training: loss {loss}, gradient norm {norm} at step {step} is not finite; try a lower train.learning_rate"
    )]
    NotFinite {
        /// Steps taken before.
        step: u64,
        /// The loss.
        loss: f64,
        /// The gradient's norm.
        norm: f64,
    },
    /// The run was interrupted, and its state saved where there is a checkpoint.
    #[error("training: {0}")]
    Stopped(#[from] Stopped),
    /// The device failed. The run begins again with what its checkpoint holds.
    #[error("training: {0}; {advice}", advice = .0.advice())]
    Device(#[from] DeviceFailure),
}
