//! Chains of learners that can be solved, from the settings of an experiment file.
//!
//! [`Settings`] choose the learner by `kind` and say what the truth is; [`simulate`] draws the human set from it, goes
//! round by the same [`run`](crate::run()) and [`compose`](crate::compose) as the transformer, and measures each model
//! against the truth. It is quick, so that a thousand seeds can stand beside a law.
//!
//! ```
//! use chain::Recipe;
//! use chain::solvable::{Settings, simulate};
//! use sampling::Sampling;
//!
//! // Settings are a table of the experiment file; what is left out has a default.
//! let settings: Settings = toml::from_str("kind = \"gaussian\"\ndraws = 20\nestimator = \"biased\"")?;
//! let observations = simulate(&settings, Recipe::default(), Sampling::default(), 40, 7)?;
//! let variance = |generation| {
//!     observations.iter().find(|o| o.generation == generation && o.metric == "variance").unwrap().value
//! };
//! assert!(variance(39) < variance(0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is measured
//!
//! Always the model as it was fitted; a sampler changes what it writes, and so the next one. Logarithms are natural.
//!
//! | kind | metric | what |
//! |---|---|---|
//! | `categorical` | `support` | types that the model knows |
//! | | `missing-mass` | true probability of those that it does not |
//! | | `heterozygosity` | 1 - Σq² |
//! | | `entropy` | -Σ q ln q |
//! | | `squared-error` | ‖q - p‖² |
//! | | `divergence` | KL from the truth, given that the type is known, to the model. (Without that condition it is infinite as soon as a type is lost; a small one says nothing of what is missing.) |
//! | `gaussian` | `squared-error` | ‖μ̂ - μ‖² |
//! | | `variance` | tr Σ̂ / d |
//! | | `log-variance` | ln det Σ̂ / d |
//! | | `squared-wasserstein` | Wasserstein-2 distance to the truth, squared |
//! | | `divergence` | KL from the truth to the model |
//! | `gaussian-mixture` | `log-likelihood` | mean ln q of held-out true draws |
//! | | `excess` | mean ln p - ln q of the same draws: it estimates KL from the truth to the model |
//! | | `component-weight`, `component-error`, `component-variance` | by true component, for the fitted one that stands for it: weight, squared distance of the means, tr Σ̂ / d |
//! | `kernel-density` | `log-likelihood`, `excess` | as above |
//! | | `integrated-squared-error` | ∫ (q - p)², exact |
//! | | `variance` | of the density, per dimension |
//! | `linear-regression` | `excess-risk` | E (x·ŵ - x·w)² at a new x, exact |
//! | `markov` | `impossible` | share of held-out true documents that the model never writes |
//! | | `log-likelihood`, `excess` | per held-out document, of those that are possible: the smaller `impossible`, the more they say |
//! | | `ngrams` | different n-grams in the training set, by n |
//! | | `survival` | share of generation 0's that are among them, by n |
//!
//! What is not a finite number is left out: the log variance of a model without spread, for instance.

mod chains;
mod cost;
mod markov;
pub mod settings;

pub use chains::{Text, simulate, simulate_text};
pub use cost::Cost;
pub use settings::{Settings, SettingsError};

use crate::RecipeError;
use sampling::SamplingError;

/// One number about one generation's model.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The generation.
    pub generation: u32,
    /// What was measured.
    pub metric: &'static str,
    /// Of which part of the model.
    pub part: Part,
    /// The number; finite.
    pub value: f64,
}

/// What of a model an observation is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// What stands for a component of the truth, by its number from 0.
    Component(usize),
    /// N-grams of this length.
    Order(usize),
}

/// Why there is no chain, or only the beginning of one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The learner's settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The sampler's settings.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The recipe cannot be filled.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A generation could not be trained. That is a result as well.
    #[error("generation {generation} failed: {reason}")]
    Ended {
        /// The first generation that is not there.
        generation: u32,
        /// Why.
        reason: String,
        /// What was measured before.
        observed: Vec<Observation>,
    },
}
