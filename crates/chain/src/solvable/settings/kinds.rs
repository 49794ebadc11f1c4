//! The settings of each kind of learner, their defaults and their ranges.
//!
//! A new kind is a struct here with its [`Kind`], a line of the list below, and its chain in `solvable/chains.rs`.

use sampling::{Opt, Sampling};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::super::cost::Sizes;
use super::check::Check;
use super::{Kind, SettingsError};
use crate::learners::{Bandwidth, Estimator};

/// One type for all kinds, and what follows from the list of them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:literal => $variant:ident,)+) => {
        /// Which learner, and what it is to learn.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum Settings {
            $($(#[$doc])* #[serde(rename = $name)] $variant($variant),)+
        }

        impl Settings {
            /// All kinds, as the file says them.
            pub const KINDS: &'static [&'static str] = &[$($name),+];

            /// The learner's kind, as the file says it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            /// The settings of a kind, from a table that does not hold `kind`.
            ///
            /// # Errors
            /// If there is no such kind, or the table holds something else.
            pub fn read<'de, D: Deserializer<'de>>(kind: &str, table: D) -> Result<Self, D::Error> {
                match kind {
                    $($name => $variant::deserialize(table).map(Self::$variant),)+
                    _ => Err(D::Error::custom(format!("kind = \"{kind}\": one of {}", Self::KINDS.join(", ")))),
                }
            }

            pub(super) fn of_kind(&self) -> &dyn Kind {
                match self {
                    $(Self::$variant(settings) => settings,)+
                }
            }
        }
    };
}

kinds! {
    /// Relative frequencies of types.
    "categorical" => Categorical,
    /// Mean and covariance.
    "gaussian" => Gaussian,
    /// Gaussian components by expectation and maximisation.
    "gaussian-mixture" => GaussianMixture,
    /// A kernel on each draw.
    "kernel-density" => KernelDensity,
    /// Least squares on labels of the last model.
    "linear-regression" => LinearRegression,
    /// Kneser-Ney on texts of a known Markov language.
    "markov" => Markov,
}

/// Types of known frequency, learned by counting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Categorical {
    /// Human draws, and the budget that shares refer to: 1000.
    pub draws: usize,
    /// Draws that each generation writes: as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<usize>,
    /// Number of types: 100. Type r has a frequency that goes as r^-`exponent`.
    pub types: usize,
    /// Zipf's exponent: 1; 0 for equal frequencies.
    pub exponent: f64,
    /// The frequencies themselves, in place of `types` and `exponent`; divided by their sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequencies: Option<Vec<f64>>,
}

/// A standard normal truth, learned as a mean and a covariance. (Both commute with shifting and stretching the truth, so no
/// other truth would behave differently.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gaussian {
    /// Human draws, and the budget that shares refer to: 100.
    pub draws: usize,
    /// Draws that each generation writes: as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<usize>,
    /// Dimensions: 1.
    pub dimensions: usize,
    /// `"unbiased"` (over n - 1), `"biased"` (over n) or `"known"` (only the mean is learned).
    pub estimator: Estimator,
    /// λ: each model writes with λ times its covariance: 1. A temperature multiplies it.
    pub sampling_bias: f64,
}

/// A row of equal Gaussians, learned by expectation and maximisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianMixture {
    /// Human draws, and the budget that shares refer to: 1000.
    pub draws: usize,
    /// Draws that each generation writes: as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<usize>,
    /// Dimensions: 2.
    pub dimensions: usize,
    /// Components of the truth, and of the model: 2.
    pub components: usize,
    /// Distance of neighbouring components, in their standard deviations: 6.
    pub separation: f64,
    /// The fit ends when the mean log likelihood gains less: 1e-4 nats.
    pub tolerance: f64,
    /// The fit ends after as many turns in any case: 200.
    pub turns: usize,
    /// Added to the diagonal of every covariance, as a share of the draws' variance: 1e-6.
    pub floor: f64,
    /// Random starts a fit: 1.
    pub starts: usize,
    /// True draws held out for the likelihood: 1000.
    pub test: usize,
}

/// A row of equal Gaussians, learned by a kernel on each draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KernelDensity {
    /// Human draws, and the budget that shares refer to: 100.
    pub draws: usize,
    /// Draws that each generation writes: as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<usize>,
    /// Dimensions: 1.
    pub dimensions: usize,
    /// `"scott"`, `"silverman"`, or the kernel's standard deviation as a number.
    pub bandwidth: Bandwidth,
    /// Components of the truth: 2.
    pub components: usize,
    /// Distance of neighbouring components, in their standard deviations: 4.
    pub separation: f64,
    /// True draws held out for the likelihood: 100.
    pub test: usize,
}

/// A linear function with noise, learned by least squares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearRegression {
    /// Human examples, and the budget that shares refer to: 100.
    pub draws: usize,
    /// Examples that each generation labels: as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<usize>,
    /// Inputs, standard normal: 10.
    pub dimensions: usize,
    /// Standard deviation of the labels' noise, human or not: 1.
    pub noise: f64,
    /// New inputs each generation, or the human set's again (as published): false.
    pub fresh_inputs: bool,
}

/// Texts of a known language, learned by interpolated Kneser-Ney.
///
/// The language is a Markov chain: every symbol has its own Zipf order of what follows it, and ends the text with one
/// and the same chance. It is the same for all seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Markov {
    /// Human documents, and the budget that shares refer to: 300.
    pub draws: usize,
    /// Documents that each generation writes: as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<usize>,
    /// Symbols of the longest n-gram: 2.
    pub order: usize,
    /// Taken from each count and given to shorter contexts, 0 to below 1: 0.75. 0 is maximum likelihood.
    pub discount: f64,
    /// Symbols of the language: 50.
    pub symbols: usize,
    /// Zipf's exponent of what follows a symbol: 1.
    pub exponent: f64,
    /// Mean length of a document: 20 symbols.
    pub length: f64,
    /// Documents held out for the likelihood: 100.
    pub test: usize,
}

impl Default for Categorical {
    fn default() -> Self {
        Self { draws: 1000, writing: None, types: 100, exponent: 1.0, frequencies: None }
    }
}

impl Default for Gaussian {
    fn default() -> Self {
        Self { draws: 100, writing: None, dimensions: 1, estimator: Estimator::Unbiased, sampling_bias: 1.0 }
    }
}

impl Default for GaussianMixture {
    fn default() -> Self {
        Self {
            draws: 1000,
            writing: None,
            dimensions: 2,
            components: 2,
            separation: 6.0,
            tolerance: 1e-4,
            turns: 200,
            floor: 1e-6,
            starts: 1,
            test: 1000,
        }
    }
}

impl Default for KernelDensity {
    fn default() -> Self {
        Self {
            draws: 100,
            writing: None,
            dimensions: 1,
            bandwidth: Bandwidth::Scott,
            components: 2,
            separation: 4.0,
            test: 100,
        }
    }
}

impl Default for LinearRegression {
    fn default() -> Self {
        Self { draws: 100, writing: None, dimensions: 10, noise: 1.0, fresh_inputs: false }
    }
}

impl Default for Markov {
    fn default() -> Self {
        Self {
            draws: 300,
            writing: None,
            order: 2,
            discount: 0.75,
            symbols: 50,
            exponent: 1.0,
            length: 20.0,
            test: 100,
        }
    }
}

impl Kind for Categorical {
    fn draws(&self) -> usize {
        self.draws
    }

    fn writing(&self) -> Option<usize> {
        self.writing
    }

    fn honours(&self) -> &'static [Opt] {
        &Sampling::EXACT
    }

    fn cost(&self) -> Sizes {
        let types = self.frequencies.as_ref().map_or(self.types, Vec::len) as f64;
        Sizes {
            width: 1.0,
            tables: 4.0 * types,
            fit: 1.0,
            draw: types.max(2.0).log2(),
            model: 10.0 * types,
            pair: 0.0,
            sizes: vec![("types", types)],
        }
    }

    fn check(&self, check: &Check) -> Result<(), SettingsError> {
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

impl Kind for Gaussian {
    fn draws(&self) -> usize {
        self.draws
    }

    fn writing(&self) -> Option<usize> {
        self.writing
    }

    fn honours(&self) -> &'static [Opt] {
        &[Opt::Temperature]
    }

    fn cost(&self) -> Sizes {
        let d = self.dimensions as f64;
        Sizes {
            width: d,
            tables: 4.0 * d * d,
            fit: d * d,
            draw: d * d,
            model: 100.0 * d.powi(3),
            pair: 0.0,
            sizes: vec![("dimensions", d)],
        }
    }

    fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("dimensions", self.dimensions, 1)?;
        check.at_least("draws", self.draws, if self.estimator == Estimator::Unbiased { 2 } else { 1 })?;
        check.not_negative("sampling_bias", self.sampling_bias)
    }
}

impl Kind for GaussianMixture {
    fn draws(&self) -> usize {
        self.draws
    }

    fn writing(&self) -> Option<usize> {
        self.writing
    }

    fn cost(&self) -> Sizes {
        let (d, k, test) = (self.dimensions as f64, self.components as f64, self.test as f64);
        let (turns, starts) = (self.turns as f64, self.starts as f64);
        Sizes {
            width: d,
            tables: 4.0 * k * d * d + test * d + k * k,
            fit: k * d * d * starts * turns.min(1000.0),
            draw: d * d,
            model: k * d.powi(3) * starts * turns.min(1000.0) + test * k * d * d,
            pair: 0.0,
            sizes: vec![("dimensions", d), ("components", k), ("starts", starts), ("turns", turns), ("test", test)],
        }
    }

    fn check(&self, check: &Check) -> Result<(), SettingsError> {
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

impl Kind for KernelDensity {
    fn draws(&self) -> usize {
        self.draws
    }

    fn writing(&self) -> Option<usize> {
        self.writing
    }

    fn cost(&self) -> Sizes {
        let (d, k, test) = (self.dimensions as f64, self.components as f64, self.test as f64);
        Sizes {
            width: d,
            tables: 4.0 * k * d * d + test * d + k * k,
            fit: d * d + test * d * d + k * d * d,
            draw: d * d,
            model: 100.0 * d.powi(3) + test * k * d * d,
            pair: d * d,
            sizes: vec![("dimensions", d), ("components", k), ("test", test)],
        }
    }

    fn check(&self, check: &Check) -> Result<(), SettingsError> {
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

impl Kind for LinearRegression {
    fn draws(&self) -> usize {
        self.draws
    }

    fn writing(&self) -> Option<usize> {
        self.writing
    }

    fn cost(&self) -> Sizes {
        let d = self.dimensions as f64;
        Sizes {
            width: d + 1.0,
            tables: 4.0 * d * d,
            fit: d * d,
            draw: d,
            model: 10.0 * d.powi(3),
            pair: 0.0,
            sizes: vec![("dimensions", d)],
        }
    }

    fn check(&self, check: &Check) -> Result<(), SettingsError> {
        check.at_least("dimensions", self.dimensions, 1)?;
        // With fewer the risk has no mean: d < T - 1.
        check.at_least("draws", self.draws, self.dimensions + 2)?;
        check.not_negative("noise", self.noise)
    }
}

impl Kind for Markov {
    fn draws(&self) -> usize {
        self.draws
    }

    fn writing(&self) -> Option<usize> {
        self.writing
    }

    fn honours(&self) -> &'static [Opt] {
        &Sampling::EXACT
    }

    fn counts_documents(&self) -> bool {
        true
    }

    fn cost(&self) -> Sizes {
        let (symbols, length) = (self.symbols as f64, self.length);
        let (order, test) = (self.order as f64, self.test as f64);
        Sizes {
            // Counts of n-grams take most.
            width: length * (1.0 + order),
            tables: symbols * symbols + test * length,
            fit: 10.0 * length * order,
            draw: length * symbols,
            model: test * length * order * 10.0,
            pair: 0.0,
            sizes: vec![("symbols", symbols), ("length", length), ("order", order), ("test", test)],
        }
    }

    fn check(&self, check: &Check) -> Result<(), SettingsError> {
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
