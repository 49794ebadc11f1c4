//! State of a run between its steps: figures that are waited for, the log, the best weights.

use crate::micro::Micro;
use crate::record::{LogLine, Progress, Record, TrainError, Trained};
use crate::saved::{Figures, Saved};
use crate::{Checkpoint, gather, mean_loss};
use burn::tensor::Device;
use corpus::Windows;
use model::{Transformer, Weights};
use ops::Late;

/// Steps whose figures are read from a GPU together.
const READ_EVERY: usize = 10;
/// Steps of float16 in a row that may be left out before the run is taken to have run away.
const MOST_SKIPPED: u64 = 10;

/// A step whose figures the device may still be computing.
pub(crate) struct Step {
    /// Steps taken before.
    pub(crate) step: u64,
    /// The weighted sum of losses, and the weight.
    pub(crate) sum: Late,
    pub(crate) weight: f64,
    pub(crate) norm: Late,
    pub(crate) rate: f64,
    /// Tokens seen with this step.
    pub(crate) tokens: u64,
    /// Whether it has a line in the log.
    pub(crate) logged: bool,
}

/// What a run gathers on its way.
pub(crate) struct State {
    /// All steps.
    steps: u64,
    pub(crate) micro: Micro,
    /// Whether a step may be left out because its gradients are not finite, as [`ops::Optimizer::step`] does.
    may_skip: bool,
    skipped: u64,
    /// Steps left out just before.
    in_a_row: u64,
    pub(crate) seen: u64,
    /// Steps that are taken, but not yet looked at.
    pub(crate) waiting: Vec<Step>,
    tail: Tail,
    pub(crate) log: Vec<LogLine>,
    /// Targets of the validations so far.
    validated: u64,
    /// The lowest validation loss and its weights, where the best checkpoint is kept.
    best: Option<(f64, Weights)>,
}

impl State {
    /// The state of a run of so many steps before its first.
    pub(crate) fn new(steps: u64, micro: Micro, may_skip: bool) -> Self {
        Self {
            steps,
            micro,
            may_skip,
            skipped: 0,
            in_a_row: 0,
            seen: 0,
            waiting: Vec::new(),
            tail: Tail::new(steps),
            log: Vec::new(),
            validated: 0,
            best: None,
        }
    }

    /// Whether the waiting steps should be looked at: at once on the processor, where their figures are there; on a GPU
    /// some at a time, since whoever reads has to wait until the device has caught up, and the device then waits for
    /// new work.
    pub(crate) fn is_due(&self) -> bool {
        let is_pending = |step: &Step| step.sum.is_pending() || step.norm.is_pending();
        self.waiting.len() >= READ_EVERY || !self.waiting.last().is_some_and(is_pending)
    }

    /// Looks at the waiting steps in their order.
    pub(crate) fn settle(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), TrainError> {
        let figures = Late::read_all(self.waiting.iter().flat_map(|step| [&step.sum, &step.norm]));
        for (Step { step, weight, rate, tokens, logged, .. }, figures) in self.waiting.drain(..).zip(figures.chunks(2))
        {
            let (loss, norm) = (figures[0] / weight, figures[1]);
            if !loss.is_finite() || !norm.is_finite() {
                self.in_a_row += 1;
                if !self.may_skip || self.in_a_row > MOST_SKIPPED {
                    return Err(TrainError::NotFinite { step, loss, norm });
                }
                self.skipped += 1;
            } else {
                self.in_a_row = 0;
                self.tail.add(step, loss);
            }
            if logged {
                self.log.push(LogLine { step: step + 1, loss, rate, norm, tokens, validation: None });
            }
            progress(Progress { step: step + 1, steps: self.steps, loss, halved: self.micro.halved() });
        }
        Ok(())
    }

    /// Takes up what was saved, and gives the steps that were taken.
    pub(crate) fn resume(&mut self, saved: Saved) -> u64 {
        let Saved { figures, best, .. } = saved;
        self.micro = self.micro.at_most(figures.windows);
        (self.skipped, self.in_a_row, self.seen) = (figures.skipped, figures.in_a_row, figures.seen);
        (self.tail.sum, self.tail.count) = figures.tail;
        (self.log, self.validated, self.best) = (figures.log, figures.validated, best);
        figures.step
    }

    /// What to save of a run that has taken `step` steps, all of them looked at.
    pub(crate) fn to_save(&self, step: u64) -> (Figures, Option<&Weights>) {
        let figures = Figures {
            step,
            seen: self.seen,
            skipped: self.skipped,
            in_a_row: self.in_a_row,
            tail: (self.tail.sum, self.tail.count),
            windows: self.micro.windows(),
            validated: self.validated,
            best_loss: self.best.as_ref().map(|(loss, _)| *loss),
            log: self.log.clone(),
        };
        (figures, self.best.as_ref().map(|(_, weights)| weights))
    }

    pub(crate) fn validate(
        &mut self,
        transformer: &Transformer,
        held_out: &Windows,
        device: &Device,
        keep: Checkpoint,
    ) -> f64 {
        let weights = transformer.weights();
        self.validated += held_out.targets();
        let loss = loss_of(&Transformer::new(&weights, device), held_out, self.micro.windows(), device);
        if keep == Checkpoint::Best && self.best.as_ref().is_none_or(|(lowest, _)| loss < *lowest) {
            self.best = Some((loss, weights));
        }
        loss
    }

    pub(crate) fn finish(self, transformer: &Transformer) -> Trained {
        let last = self.log.iter().rev().find_map(|line| line.validation);
        let (validation_loss, weights) = match self.best {
            Some((loss, weights)) => (Some(loss), weights),
            None => (last, transformer.weights()),
        };
        let record = Record {
            steps: self.steps,
            seen_tokens: self.seen,
            final_loss: self.tail.mean(),
            validation_loss,
            validated_tokens: self.validated,
            skipped: self.skipped,
            micro_batch: self.micro.in_parts(),
        };
        Trained { weights, record, log: self.log }
    }
}

/// The mean loss over all windows, nats per token, in batches of `size` windows.
fn loss_of(transformer: &Transformer, windows: &Windows, size: usize, device: &Device) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for first in (0..windows.len()).step_by(size) {
        let batch = gather(windows, first..(first + size).min(windows.len()));
        sum += mean_loss(transformer, &batch, device) * batch.weight();
        total += batch.weight();
    }
    sum / total
}

/// The mean loss over the last tenth of the steps.
struct Tail {
    from: u64,
    sum: f64,
    count: u64,
}

impl Tail {
    fn new(steps: u64) -> Self {
        Self { from: steps - steps.div_ceil(10), sum: 0.0, count: 0 }
    }

    fn add(&mut self, step: u64, loss: f64) {
        if step >= self.from {
            self.sum += loss;
            self.count += 1;
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state after steps of these norms, loss 2 nats each.
    fn after(may_skip: bool, norms: &[f64]) -> Result<State, TrainError> {
        let steps = norms.len() as u64;
        let step = |(step, &norm): (usize, &f64)| Step {
            step: step as u64,
            sum: Late::from(2.0),
            weight: 1.0,
            norm: Late::from(norm),
            rate: 1e-3,
            tokens: 1,
            logged: true,
        };
        let mut state = State::new(steps, Micro::whole(1), may_skip);
        state.waiting = norms.iter().enumerate().map(step).collect();
        state.settle(&mut |_| {}).map(|()| state)
    }

    #[test]
    fn steps_that_overflow_are_left_out_where_that_says_nothing() {
        let norms = [1.0, f64::INFINITY, 1.0, f64::NAN];
        assert_eq!(after(true, &norms).ok().map(|state| (state.skipped, state.log.len())), Some((2, 4)));
        assert!(matches!(after(false, &norms), Err(TrainError::NotFinite { step: 1, .. })));
    }

    #[test]
    fn a_run_of_nothing_else_has_run_away() {
        let most = MOST_SKIPPED as usize;
        assert!(after(true, &vec![f64::INFINITY; most]).is_ok());
        assert!(matches!(after(true, &vec![f64::INFINITY; most + 1]), Err(TrainError::NotFinite { .. })));
    }
}
