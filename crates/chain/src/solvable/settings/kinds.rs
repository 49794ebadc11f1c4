//! The settings of each kind of learner, and their defaults.

use serde::{Deserialize, Serialize};

use crate::learners::{Bandwidth, Estimator};

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
pub struct NGram {
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

impl Default for NGram {
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
