//! Learners simple enough to solve: their chains have closed forms ([`crate::laws`]), or stand beside them.
//!
//! | learner | model | laws |
//! |---|---|---|
//! | [`Categories`] | relative frequencies of types | [`heterozygosity_replace`](crate::laws::heterozygosity_replace) and its kin, [`survival`](crate::laws::survival()), [`error_of_mixture`](crate::laws::error_of_mixture), ... |
//! | [`Gaussians`] | mean and covariance | [`gaussian`](crate::laws::gaussian) |
//! | [`KernelDensities`] | a Gaussian kernel on every draw | [`kernel`](crate::laws::kernel) |
//! | [`Regressions`] | least squares on the last model's labels | [`regression`](crate::laws::regression) |
//! | [`Mixtures`] | Gaussian components | far apart, each is a Gaussian and their weights are frequencies |
//! | [`NGram`] | interpolated Kneser-Ney | per n-gram a chain without drift, as frequencies are |
//!
//! All but the last are the same [`Learner`](crate::Learner), [`Independent`], with another [`Family`] of distributions in
//! it: a document is one draw, of size 1; training fits the family to the draws that the recipe picked, by the weights that
//! it gives them; writing draws from what was fitted. [`crate::solvable`] makes them from an experiment file's settings.

mod categorical;
mod gaussian;
mod independent;
mod kernel_density;
mod matrix;
mod mixture;
mod ngram;
mod regression;

pub use categorical::{Categorical, Categories};
pub use gaussian::{Estimator, Gaussian, Gaussians};
pub use independent::{Family, FitError, Independent, Weighted};
pub use kernel_density::{Bandwidth, KernelDensities, KernelDensity};
pub use matrix::{Lower, Symmetric};
pub use mixture::{Mixture, Mixtures};
pub use ngram::{NGram, NGramBaseline, NGramModel, NGramWriter};
pub use regression::{Example, Regressions};
