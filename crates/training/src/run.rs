use crate::micro::Micro;
use crate::{Batches, Checkpoint, Schedule, Settings, gather, gradients_in_parts, mean_loss, prior};
use burn::tensor::{Device, Tensor};
use corpus::Windows;
use model::{Transformer, Weights};
use ops::{AdamW, AdamWConfig, DeviceFailure, Late, Precision};
use serde::{Deserialize, Serialize};
use streams::Streams;

/// The optimizer's settings.
fn optimizer(settings: &Settings) -> AdamWConfig {
    let &Settings { beta1, beta2, weight_decay, clip, .. } = settings;
    AdamWConfig { beta1, beta2, epsilon: 1e-8, weight_decay, clip }
}

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
    /// Loss of the kept weights on held-out text of the training mixture, nats per token; none without such text.
    pub validation_loss: Option<f64>,
    /// Steps of float16 that were left out because their gradients were too large for it.
    #[serde(default)]
    pub skipped: u64,
    /// Windows that were computed at a time, where not all of a batch were: asked for, what the device had memory for,
    /// or what is best on a processor ([`windows_at_a_time`](crate::windows_at_a_time)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
}

/// One line of `train.jsonl`: one step of every ten, and every validation.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// Loss on held-out text of the mixture, where it was measured at this step.
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
    /// The device failed. Nothing of the run is left: it begins again.
    #[error("training: {0}; {advice}", advice = .0.advice())]
    Device(#[from] DeviceFailure),
}

const LOG_EVERY: u64 = 10;
/// Steps whose figures are read from a GPU together.
const READ_EVERY: usize = 10;
/// Steps whose memory is looked at before the optimizer takes them. Shapes never change: if these fit, the others do,
/// unless somebody else takes the device's memory, which ends the run.
const CHECKED: u64 = 10;
/// Steps of float16 in a row that may be left out before the run is taken to have run away.
const MOST_SKIPPED: u64 = 10;
/// Validations of a run that keeps its best checkpoint, evenly spread, the last one at its end. A run that keeps its last
/// weights has that one alone: ten would take a fifteenth of its time.
const VALIDATIONS: u64 = 10;

/// What a model is trained on, and how.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The training text; at least one window.
    pub windows: &'a Windows,
    /// Held-out text of the same mixture.
    pub validation: Option<&'a Windows>,
    /// Resolved ([`Settings::resolve`]), or with batch and rate named.
    pub settings: &'a Settings,
    /// What an objective mixes its targets with, `[vocabulary]`, if not frequencies of tokens in the windows.
    pub prior: Option<&'a [f32]>,
    /// Where draws come from.
    pub streams: &'a Streams,
    /// Which of those.
    pub generation: u32,
    /// Where the work is done.
    pub device: &'a Device,
}

impl<'a> Run<'a> {
    /// Generation 0's, without held-out text or a prior from elsewhere.
    pub fn new(windows: &'a Windows, settings: &'a Settings, streams: &'a Streams, device: &'a Device) -> Self {
        Self { windows, validation: None, settings, prior: None, streams, generation: 0, device }
    }

    /// Trains `start`.
    ///
    /// # Errors
    /// [`TrainError`] if the numbers run away, or the device fails with a single window at a time.
    ///
    /// # Panics
    /// If there are no windows, or the objective mixes and the prior is over another vocabulary.
    pub fn train(&self, start: Weights, progress: &mut dyn FnMut(Progress)) -> Result<Trained, TrainError> {
        // A GPU's failure is a panic.
        ops::caught(|| self.take_steps(&start, progress))?
    }

    fn take_steps(&self, start: &Weights, progress: &mut dyn FnMut(Progress)) -> Result<Trained, TrainError> {
        let Self { windows, validation, settings, prior, streams, generation, device } = *self;
        let own = || prior::of_training(settings, windows, start.config().vocabulary);
        let prior = prior.map_or_else(own, <[f32]>::to_vec);
        let size = settings.batch.unwrap_or(1);
        let steps = settings.steps(windows.len(), windows.context);
        let schedule = Schedule {
            peak: settings.learning_rate.unwrap_or(1e-3),
            steps,
            warmup: settings.warmup,
            final_rate: settings.final_rate,
        };
        let tracked = device.clone().autodiff();
        let mut transformer = Transformer::new(start, &tracked).with_precision(settings.precision);
        let decays = transformer.decays();
        let mut optimizer = AdamW::new(optimizer(settings));
        optimizer.prepare(&untracked(&mut transformer));
        // A batch is divided by what its targets weigh on average in the training set. Divided by their own weight, a batch
        // that happens to hold one source would count as if that source weighed 1.
        let mean_weight = windows.mean_weight();
        let validations = if settings.checkpoint == Checkpoint::Best { VALIDATIONS } else { 1 };
        let mut state = State {
            steps,
            micro: Micro::new(size, settings.micro_batch, start.config(), device),
            // The largest float16 is 65,504: a gradient beyond it says nothing about the model.
            may_skip: settings.precision == Precision::Float16,
            skipped: 0,
            in_a_row: 0,
            seen: 0,
            waiting: Vec::new(),
            tail: Tail::new(steps),
            log: Vec::new(),
            best: None,
        };

        for (step, batch) in Batches::new(windows, size, streams, generation).take(steps as usize).enumerate() {
            let step = step as u64;
            let rate = schedule.rate(step);
            let found = state.micro.fit(
                || ops::memory::release(device),
                |windows| {
                    let rule = settings.objective.rule(&prior);
                    let found = ops::caught(|| gradients_in_parts(&mut transformer, &batch, windows, rule, &tracked))?;
                    // Later steps take what the first ones gave back.
                    if step < CHECKED { ops::memory::check(&found.tensors).map(|()| found) } else { Ok(found) }
                },
            )?;
            let parameters = transformer.parameters_mut().into_iter().map(|p| p.extract().inner()).collect();
            let targets = batch.targets();
            let scale = 1.0 / (targets as f64 * mean_weight);
            let (moved, norm) = optimizer.step(parameters, found.tensors, &decays, scale, rate);
            for (slot, value) in transformer.parameters_mut().into_iter().zip(moved) {
                *slot = Tensor::from_inner(value).require_grad();
            }
            state.seen += targets;
            let done = step + 1;
            let validates = validation.filter(|_| done == steps || done.is_multiple_of(steps.div_ceil(validations)));
            let logged = validates.is_some() || done == steps || done.is_multiple_of(LOG_EVERY);
            let tokens = state.seen;
            state.waiting.push(Step { step, sum: found.sum, weight: found.weight, norm, rate, tokens, logged });
            if state.is_due() || validates.is_some() {
                state.settle(progress)?;
            }
            if let Some(held_out) = validates {
                let loss = state.validate(&transformer, held_out, device, settings.checkpoint);
                state.log.last_mut().expect("the step is logged").validation = Some(loss);
            }
        }
        state.settle(progress)?;
        Ok(state.finish(&transformer))
    }
}

/// The parameters without autodiff.
fn untracked(transformer: &mut Transformer) -> Vec<Tensor<2>> {
    transformer.parameters_mut().into_iter().map(|parameter| parameter.clone().inner()).collect()
}

/// A step whose figures the device may still be computing.
struct Step {
    /// Steps taken before.
    step: u64,
    /// The weighted sum of losses, and the weight.
    sum: Late,
    weight: f64,
    norm: Late,
    rate: f64,
    /// Tokens seen with this step.
    tokens: u64,
    /// Whether it has a line in the log.
    logged: bool,
}

/// What a run gathers on its way.
struct State {
    /// All steps.
    steps: u64,
    micro: Micro,
    /// Whether a step may be left out because its gradients are not finite, as [`AdamW::step`] does.
    may_skip: bool,
    skipped: u64,
    /// Steps left out just before.
    in_a_row: u64,
    seen: u64,
    /// Steps that are taken, but not yet looked at.
    waiting: Vec<Step>,
    tail: Tail,
    log: Vec<LogLine>,
    /// The lowest validation loss and its weights, where the best checkpoint is kept.
    best: Option<(f64, Weights)>,
}

impl State {
    /// Whether the waiting steps should be looked at: at once on the processor, where their figures are there; on a GPU
    /// some at a time, since whoever reads has to wait until the device has caught up, and the device then waits for
    /// new work.
    fn is_due(&self) -> bool {
        let is_pending = |step: &Step| step.sum.is_pending() || step.norm.is_pending();
        self.waiting.len() >= READ_EVERY || !self.waiting.last().is_some_and(is_pending)
    }

    /// Looks at the waiting steps in their order.
    fn settle(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), TrainError> {
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

    fn validate(&mut self, transformer: &Transformer, held_out: &Windows, device: &Device, keep: Checkpoint) -> f64 {
        let weights = transformer.weights();
        let loss = loss_of(&Transformer::new(&weights, device), held_out, self.micro.windows(), device);
        if keep == Checkpoint::Best && self.best.as_ref().is_none_or(|(lowest, _)| loss < *lowest) {
            self.best = Some((loss, weights));
        }
        loss
    }

    fn finish(self, transformer: &Transformer) -> Trained {
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
        let mut state = State {
            steps,
            micro: Micro::whole(1),
            may_skip,
            skipped: 0,
            in_a_row: 0,
            seen: 0,
            waiting: norms.iter().enumerate().map(step).collect(),
            tail: Tail::new(steps),
            log: Vec::new(),
            best: None,
        };
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
