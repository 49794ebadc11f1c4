//! Training settings of a transformer: the `[train]` table.

mod average;
mod objective;
mod start;

pub use average::{Average, AverageWith};
pub(crate) use objective::OBJECTIVES;
pub use objective::{FloorOf, Objective};
pub use start::Start;

use crate::model::{ModelConfig, Preset};
use kernels::spec::Precision;
use serde::{Deserialize, Serialize};

/// The `[train]` table of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Passes over the training set. With neither this nor `tokens`, two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// Instead of `epochs`: tokens that are targets, with repetitions, whatever the size of the training set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Windows of a batch; the preset's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Windows of a batch that are computed at a time, their gradients added. By default all of them, or as many as a GPU has
    /// memory for, or on a processor as many as take two thirds of a gigabyte. Changes no result but by rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// What moves the weights.
    pub optimizer: OptimizerKind,
    /// Peak learning rate; by default that of [`OptimizerKind::rate`]. `habsburg tune` finds it for a text and a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Share of the steps over which the rate rises from zero.
    pub warmup: f64,
    /// Share of the steps over which the rate falls at the end, in a straight line; between the two it stays.
    pub decay: f64,
    /// The rate at the end, as a share of the peak.
    pub final_rate: f64,
    /// Decoupled decay of matrices per unit of rate.
    pub weight_decay: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Muon's decay of the mean of gradients.
    pub momentum: f64,
    /// Global norm to which gradients are clipped.
    pub clip: f64,
    /// Share of the training set's documents that is held out to measure the loss on its own mixture.
    pub validation: f64,
    /// Which weights are kept.
    pub checkpoint: Checkpoint,
    /// The initial weights of a generation's training; left out of a file where it is a new initialisation.
    #[serde(skip_serializing_if = "Start::is_scratch")]
    pub start: Start,
    /// The ancestor that the trained weights are averaged with; left out of a file where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<Average>,
    /// The objective: weight of a token's loss; left out of a file where that is the loss itself.
    #[serde(skip_serializing_if = "Objective::is_plain")]
    pub objective: Objective,
    /// Precision of the inputs of matrix products; weights, sums and all else are float32.
    pub precision: Precision,
}

/// What moves the weights of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// AdamW for every parameter (Loshchilov and Hutter 2019, arXiv 1711.05101).
    AdamW,
    /// Muon for the matrices of the blocks, AdamW for the embedding and the norms, at one rate (Jordan et al. 2024; the
    /// common rate after Liu et al. 2025, arXiv 2502.16982).
    Muon,
}

impl OptimizerKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::AdamW, Self::Muon];

    /// Its name in experiment files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdamW => "adamw",
            Self::Muon => "muon",
        }
    }

    /// The peak learning rate for a model of this width, to two digits: a share of `1 / √width`. The shares were found on
    /// Chronicle and the State of the Union, seeds of 1000 and above, widths of 32 to 128 and budgets of 120,000 to a million
    /// tokens in batches of 512 (`experiments/optimizer/README.md`). With Muon the best rate hardly depends on the budget.
    pub fn rate(self, width: usize) -> f64 {
        let share = match self {
            Self::AdamW => 0.04,
            Self::Muon => 0.2,
        };
        let rate = share / (width as f64).sqrt();
        format!("{rate:.1e}").parse().expect("a number")
    }

    /// The optimizer of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Which weights of a training run are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checkpoint {
    /// Those after the last step.
    Last,
    /// Those with the lowest loss on held-out text of the training mixture, where the budget passes over the training set
    /// more than once; else the last, which have seen nothing twice. They are never chosen on human text apart from the
    /// mixture, which would be implicit human supervision.
    Best,
}

impl Checkpoint {
    /// What is kept of a run of so many passes over its training set.
    #[must_use]
    pub fn of_passes(self, passes: f64) -> Self {
        if passes > 1.0 { self } else { Self::Last }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epochs: None,
            tokens: None,
            batch: None,
            micro_batch: None,
            optimizer: OptimizerKind::Muon,
            learning_rate: None,
            warmup: 0.05,
            decay: 0.6,
            final_rate: 0.0,
            weight_decay: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            momentum: 0.9,
            clip: 1.0,
            validation: 0.02,
            checkpoint: Checkpoint::Best,
            start: Start::Scratch,
            average: None,
            objective: Objective::CrossEntropy,
            precision: Precision::Float32,
        }
    }
}

/// A setting out of its range.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("train.{key} = {value}: must be {must}")]
pub struct SettingsError {
    key: &'static str,
    value: String,
    must: &'static str,
}

impl Settings {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let within = |key, value: f64, low: f64, high: f64, must| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(SettingsError { key, value: value.to_string(), must }),
        };
        if let (Some(_), Some(tokens)) = (self.epochs, self.tokens) {
            return Err(SettingsError {
                key: "tokens",
                value: tokens.to_string(),
                must: "left out where train.epochs is given",
            });
        }
        within("epochs", self.epochs.unwrap_or(1.0), 1e-6, 1e6, "from 0.000001 to 1000000")?;
        within("tokens", self.tokens.unwrap_or(1) as f64, 1.0, 1e15, "from 1 to 1e15")?;
        within("batch", self.batch.unwrap_or(1) as f64, 1.0, 65_536.0, "from 1 to 65536")?;
        within("micro_batch", self.micro_batch.unwrap_or(1) as f64, 1.0, 65_536.0, "from 1 to 65536")?;
        within("learning_rate", self.learning_rate.unwrap_or(1e-3), 1e-9, 10.0, "from 1e-9 to 10")?;
        within("warmup", self.warmup, 0.0, 1.0, "from 0 to 1")?;
        within("decay", self.decay, 0.0, 1.0, "from 0 to 1")?;
        within("final_rate", self.final_rate, 0.0, 1.0, "from 0 to 1")?;
        within("weight_decay", self.weight_decay, 0.0, 100.0, "from 0 to 100")?;
        within("beta1", self.beta1, 0.0, 0.999_999, "from 0 to 0.999999")?;
        within("beta2", self.beta2, 0.0, 0.999_999, "from 0 to 0.999999")?;
        within("momentum", self.momentum, 0.0, 0.999_999, "from 0 to 0.999999")?;
        within("clip", self.clip, 1e-9, 1e9, "from 1e-9 to 1e9")?;
        within("validation", self.validation, 0.0, 0.5, "from 0 to 0.5")?;
        self.average.map_or(Ok(()), |average| average.check(self.start))?;
        self.objective.check()
    }

    /// Every default written out, for a model of this preset.
    pub fn resolve(mut self, preset: &Preset, config: &ModelConfig) -> Self {
        if self.tokens.is_none() {
            self.epochs.get_or_insert(2.0);
        }
        self.batch.get_or_insert(preset.batch);
        self.learning_rate.get_or_insert(self.optimizer.rate(config.width));
        self
    }

    /// The generation with whose weights those of `generation` are averaged, if any.
    pub fn averaged_with(&self, generation: u32) -> Option<u32> {
        self.average?.ancestor(generation, self.start)
    }

    /// The generations whose weights the training of `generation` reads.
    pub fn ancestors(&self, generation: u32) -> impl Iterator<Item = u32> + use<> {
        self.start.parent(generation).into_iter().chain(self.averaged_with(generation))
    }

    /// Steps for a training set of so many windows with `targets` tokens to predict in all of them.
    pub fn steps(&self, windows: usize, targets: u64) -> u64 {
        let passes = match self.tokens {
            Some(tokens) => tokens as f64 / targets.max(1) as f64,
            None => self.epochs.unwrap_or(2.0),
        };
        let steps = passes * windows as f64 / self.batch.unwrap_or(1) as f64;
        (steps.round() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_give_steps() {
        let epochs = Settings { epochs: Some(2.0), batch: Some(8), ..Settings::default() };
        assert_eq!(epochs.steps(100, 6000), 25);
        // Windows of 50 and of 60 targets: 400 or 480 in a batch.
        let tokens = Settings { tokens: Some(12_000), batch: Some(8), ..Settings::default() };
        assert_eq!((tokens.steps(100, 5000), tokens.steps(10, 600), tokens.steps(1, 1_000_000)), (30, 25, 1));
    }

    #[test]
    fn ranges_are_checked() {
        let message = |s: Settings| s.check().unwrap_err().to_string();
        assert!(Settings::default().check().is_ok());
        assert!(message(Settings { warmup: 1.5, ..Settings::default() }).starts_with("train.warmup = 1.5"));
        assert!(message(Settings { learning_rate: Some(f64::NAN), ..Settings::default() }).contains("NaN"));
        assert!(message(Settings { epochs: Some(1.0), tokens: Some(1), ..Settings::default() }).contains("left out"));
    }
}
