use crate::micro::Micro;
use crate::record::{Progress, TrainError, Trained};
use crate::saved;
use crate::state::{State, Step};
use crate::{Batches, Checkpoint, Schedule, Settings, gradients_in_parts, prior};
use burn::tensor::{Device, Tensor};
use corpus::Windows;
use experiment::train::OptimizerKind;
use model::{ModelConfig, Transformer, Weights};
use ops::{AdamWConfig, Optimizer, OptimizerConfig, Precision};
use rundir::{Due, Stopped};
use streams::Streams;

/// The optimizer before its first step.
fn optimizer(settings: &Settings, transformer: &Transformer) -> Optimizer {
    let &Settings { beta1, beta2, momentum, weight_decay, clip, .. } = settings;
    let adamw = AdamWConfig { beta1, beta2, epsilon: 1e-8, weight_decay, clip };
    let updates = match settings.optimizer {
        OptimizerKind::AdamW => transformer.by_adamw(),
        OptimizerKind::Muon => transformer.by_muon(),
    };
    Optimizer::new(OptimizerConfig { adamw, momentum }, updates)
}

const LOG_EVERY: u64 = 10;
/// Steps whose memory is looked at before the optimizer takes them. Shapes never change: if these fit, the others do,
/// unless somebody else takes the device's memory, which ends the run.
const CHECKED: u64 = 10;
/// Validations of a run that keeps its best checkpoint, evenly spread, the last one at its end. A run that keeps its last
/// weights has that one alone.
const VALIDATIONS: u64 = 10;

/// What a model is trained on, and how.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The training set; at least one window.
    pub windows: &'a Windows,
    /// Held-out documents of the same mixture.
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
    /// Generation 0's, without held-out documents or a prior from elsewhere.
    pub fn new(windows: &'a Windows, settings: &'a Settings, streams: &'a Streams, device: &'a Device) -> Self {
        Self { windows, validation: None, settings, prior: None, streams, generation: 0, device }
    }

    /// Trains `start`, or goes on with the state that `checkpoint` holds of this very run. The bits are those of a run that
    /// was never stopped, but for those of GPUs that do not repeat theirs.
    ///
    /// # Errors
    /// [`TrainError`] if the numbers run away, the device fails with a single window at a time, or the run is interrupted.
    ///
    /// # Panics
    /// If there are no windows, or the objective mixes and the prior is over another vocabulary.
    pub fn train(
        &self,
        start: Weights,
        checkpoint: &mut rundir::Checkpoint,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Trained, TrainError> {
        // A GPU's failure is a panic.
        ops::caught(|| self.take_steps(&start, checkpoint, progress))?
    }

    fn take_steps(
        &self,
        start: &Weights,
        checkpoint: &mut rundir::Checkpoint,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Trained, TrainError> {
        let Self { windows, validation, settings, prior, streams, generation, device } = *self;
        let own = || prior::of_training(settings, windows, start.config().vocabulary);
        let prior = prior.map_or_else(own, <[f32]>::to_vec);
        let size = settings.batch.unwrap_or(1);
        let steps = settings.steps(windows.len(), windows.targets());
        let schedule = Schedule {
            peak: settings.learning_rate.unwrap_or(1e-3),
            steps,
            warmup: settings.warmup,
            decay: settings.decay,
            final_rate: settings.final_rate,
        };
        let tracked = device.clone().autodiff();
        let mut transformer = Transformer::new(start, &tracked).with_precision(settings.precision);
        let mut optimizer = optimizer(settings, &transformer);
        optimizer.prepare(&untracked(&mut transformer));
        // A batch is divided by what its targets weigh on average in the training set. Divided by their own weight, a batch
        // that happens to hold one source would count as if that source weighed 1.
        let mean_weight = windows.mean_weight();
        let keep = settings.checkpoint.of_passes(steps as f64 * size as f64 / windows.len() as f64);
        let validations = if keep == Checkpoint::Best { VALIDATIONS } else { 1 };
        let micro = Micro::new(size, settings.micro_batch, start.config(), device);
        // The largest float16 is 65,504: a gradient beyond it says nothing about the model.
        let mut state = State::new(steps, micro, settings.precision == Precision::Float16);
        let identity = self.identity(start.config(), steps);
        let first = match saved::load(checkpoint, &identity, &mut transformer) {
            Some(saved) => {
                optimizer = saved.put_back(&mut transformer, optimizer, &tracked);
                state.resume(saved)
            }
            None => 0,
        };

        for (step, batch) in (first..steps).zip(Batches::new(windows, size, streams, generation).from_step(first)) {
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
            let (moved, norm) = optimizer.step(parameters, found.tensors, scale, rate);
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
                let loss = state.validate(&transformer, held_out, device, keep);
                state.log.last_mut().expect("the step is logged").validation = Some(loss);
            }
            let due = if done < steps { checkpoint.due() } else { Due::No };
            if due != Due::No {
                // The figures of all steps so far belong to the state.
                state.settle(progress)?;
                saved::keep(checkpoint, &identity, || state.to_save(done), &mut transformer, &optimizer);
            }
            if due == Due::Stop {
                return Err(Stopped.into());
            }
        }
        state.settle(progress)?;
        Ok(state.finish(&transformer))
    }

    /// What a saved state belongs to: a run with other settings, windows or sizes must not go on with it.
    fn identity(&self, config: &ModelConfig, steps: u64) -> String {
        let Self { windows, validation, settings, generation, .. } = self;
        let sizes = (windows.len(), windows.context, validation.map(|held_out| held_out.len()), generation, steps);
        serde_json::to_string(&(sizes, config, settings)).expect("settings are JSON")
    }
}

/// The parameters without autodiff.
fn untracked(transformer: &mut Transformer) -> Vec<Tensor<2>> {
    transformer.parameters_mut().into_iter().map(|parameter| parameter.clone().inner()).collect()
}
