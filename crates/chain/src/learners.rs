//! Learners simple enough to solve: their chains have closed forms ([`crate::laws`]), or stand beside them.
//!
//! All but the n-gram learner are the same [`Learner`](crate::Learner), [`Independent`], with another [`Family`] of
//! distributions in it: a document is one draw, of size 1; training fits the family to the draws that the recipe picked;
//! writing draws from what was fitted. [`crate::solvable`] makes them from an experiment file's settings.

mod categorical;
mod gaussian;
mod independent;
mod kernel_density;
mod matrix;
mod mixture;
mod ngram;
mod regression;
mod sampling;

pub use categorical::{Categorical, Categories};
pub use gaussian::{Estimator, Gaussian, Gaussians};
pub use independent::{Family, FitError, Independent, Weighted};
pub use kernel_density::{Bandwidth, KernelDensities, KernelDensity};
pub use matrix::{Lower, Symmetric};
pub use mixture::{Mixture, Mixtures};
pub use ngram::{NGram, NGramModel};
pub use regression::{Example, Regressions};
pub use sampling::{Sampling, SamplingError};
