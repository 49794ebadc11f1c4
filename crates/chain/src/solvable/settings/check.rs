//! The range of every setting.

use super::{Categorical, Gaussian, GaussianMixture, KernelDensity, LinearRegression, NGram, SettingsError};
use crate::learners::{Bandwidth, Estimator};

/// Refuses what is out of range.
pub(super) struct Check {
    pub(super) kind: &'static str,
}

impl Check {
    fn that(
        &self,
        holds: bool,
        key: &'static str,
        value: impl ToString,
        range: impl Into<String>,
    ) -> Result<(), SettingsError> {
        let error = || SettingsError::Range { kind: self.kind, key, value: value.to_string(), range: range.into() };
        if holds { Ok(()) } else { Err(error()) }
    }

    pub(super) fn at_least(&self, key: &'static str, value: usize, least: usize) -> Result<(), SettingsError> {
        self.that(value >= least, key, value, format!("{least} or more"))
    }

    fn not_negative(&self, key: &'static str, value: f64) -> Result<(), SettingsError> {
        self.that(value.is_finite() && value >= 0.0, key, value, "a finite number, 0 or more")
    }

    fn positive(&self, key: &'static str, value: f64) -> Result<(), SettingsError> {
        self.that(value.is_finite() && value > 0.0, key, value, "a finite number above 0")
    }
}

impl Categorical {
    pub(super) fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("draws", self.draws, 1)?;
        check.at_least("types", self.types, 1)?;
        check.not_negative("exponent", self.exponent)?;
        let Some(frequencies) = &self.frequencies else { return Ok(()) };
        for &frequency in frequencies {
            check.not_negative("frequencies", frequency)?;
        }
        let sum: f64 = frequencies.iter().sum();
        check.that(
            sum.is_finite() && sum > 0.0,
            "frequencies",
            format!("{} numbers", frequencies.len()),
            "a finite sum above 0",
        )
    }
}

impl Gaussian {
    pub(super) fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("dimensions", self.dimensions, 1)?;
        check.at_least("draws", self.draws, if self.estimator == Estimator::Unbiased { 2 } else { 1 })?;
        check.not_negative("sampling_bias", self.sampling_bias)
    }
}

impl GaussianMixture {
    pub(super) fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("dimensions", self.dimensions, 1)?;
        check.at_least("components", self.components, 1)?;
        check.at_least("draws", self.draws, self.components.max(2))?;
        check.not_negative("separation", self.separation)?;
        check.not_negative("tolerance", self.tolerance)?;
        check.at_least("turns", self.turns, 1)?;
        check.positive("floor", self.floor)?;
        check.at_least("starts", self.starts, 1)?;
        check.at_least("test", self.test, 1)
    }
}

impl KernelDensity {
    pub(super) fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("dimensions", self.dimensions, 1)?;
        check.at_least("components", self.components, 1)?;
        check.not_negative("separation", self.separation)?;
        check.at_least("test", self.test, 1)?;
        match self.bandwidth {
            Bandwidth::Fixed(width) => {
                check.at_least("draws", self.draws, 1)?;
                check.positive("bandwidth", width)
            }
            // The draws' covariance must be regular.
            _ => check.at_least("draws", self.draws, self.dimensions + 1),
        }
    }
}

impl LinearRegression {
    pub(super) fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("dimensions", self.dimensions, 1)?;
        // With fewer the risk has no mean: d < T - 1.
        check.at_least("draws", self.draws, self.dimensions + 2)?;
        check.not_negative("noise", self.noise)
    }
}

impl NGram {
    pub(super) fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("draws", self.draws, 1)?;
        check.at_least("order", self.order, 1)?;
        check.that((0.0..1.0).contains(&self.discount), "discount", self.discount, "0 or more and less than 1")?;
        check.at_least("symbols", self.symbols, 1)?;
        check.not_negative("exponent", self.exponent)?;
        check.that(
            self.length.is_finite() && self.length >= 1.0,
            "length",
            self.length,
            "a finite number, 1 or more",
        )?;
        check.at_least("test", self.test, 1)
    }
}
