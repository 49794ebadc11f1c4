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
    /// Instead of `epochs`: positions computed, padding included, whatever the size of the training set (equal compute).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Windows of a batch; the preset's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Windows of a batch that are computed at a time, their gradients added. By default all of them, or as many as a GPU has
    /// memory for, or on a processor as many as take two thirds of a gigabyte. Changes no result but by rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// Peak learning rate; `0.03 / √width` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Share of the steps over which the rate rises from zero.
    pub warmup: f64,
    /// The rate at the end, as a share of the peak.
    pub final_rate: f64,
    /// Decoupled decay of matrices per unit of rate.
    pub weight_decay: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
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

/// Which weights of a training run are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checkpoint {
    /// Those after the last step.
    Last,
    /// Those with the lowest loss on held-out text of the training mixture. They are never chosen on human text apart from it,
    /// which would be implicit human supervision.
    Best,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epochs: None,
            tokens: None,
            batch: None,
            micro_batch: None,
            learning_rate: None,
            warmup: 0.05,
            final_rate: 0.1,
            weight_decay: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            clip: 1.0,
            validation: 0.02,
            checkpoint: Checkpoint::Last,
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
        within("final_rate", self.final_rate, 0.0, 1.0, "from 0 to 1")?;
        within("weight_decay", self.weight_decay, 0.0, 100.0, "from 0 to 100")?;
        within("beta1", self.beta1, 0.0, 0.999_999, "from 0 to 0.999999")?;
        within("beta2", self.beta2, 0.0, 0.999_999, "from 0 to 0.999999")?;
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
        self.learning_rate.get_or_insert(0.03 / (config.width as f64).sqrt());
        self
    }

    /// Steps for a training set of so many windows of `context` positions.
    pub fn steps(&self, windows: usize, context: usize) -> u64 {
        let batch = self.batch.unwrap_or(1);
        let steps = match self.tokens {
            Some(tokens) => tokens as f64 / (batch * context) as f64,
            None => self.epochs.unwrap_or(2.0) * windows as f64 / batch as f64,
        };
        (steps.round() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_give_steps() {
        let epochs = Settings { epochs: Some(2.0), batch: Some(8), ..Settings::default() };
        assert_eq!(epochs.steps(100, 64), 25);
        let tokens = Settings { tokens: Some(8 * 64 * 30), batch: Some(8), ..Settings::default() };
        assert_eq!((tokens.steps(100, 64), tokens.steps(9, 64)), (30, 30));
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
