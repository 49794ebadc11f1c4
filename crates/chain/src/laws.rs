//! Closed forms for chains of learners that are simple enough to solve, each derived where it stands and each checked
//! against the loop by simulation ([`suite`], `habsburg laws`).
//!
//! Throughout: n draws per generation, p the true distribution, H0 = 1 - Σp² its heterozygosity, and generations
//! numbered as everywhere: model 0 is fitted to n human draws, model g to what the recipe gives. The literature often
//! counts the human draw as step 1; its k is g + 1.
//!
//! A law is *exact* (the mean over chains is the formula's), a *bound*, or an *approximation* with a stated error: a
//! test that takes an approximation for exact fails as soon as enough is simulated.
//!
//! | laws | of |
//! |---|---|
//! | [`survival`], [`exact`] | types that are still there: for rare types in closed form, for any count by its Markov chain |
//! | [`heterozygosity_replace`] and its kin | diversity of counts under replace, accumulate, accumulate-subsample |
//! | [`error_of_mixture`] | squared error with a share of fresh, anchored or pooled human draws |
//! | [`error_of_weighted`], [`golden_weight`] | the best weight of fresh human against synthetic draws |
//! | [`unfixed`], [`fixation_time`] | when one type alone is left |
//! | [`gaussian`] | variance and mean of a Gaussian that is fitted again and again |
//! | [`kernel`] | how a kernel density widens by its own kernel |
//! | [`regression`] | coefficients of least squares that are fitted to their own predictions |
//! | [`temper`], [`top_p_support`], [`divergence_of_mixture`] | temperature and truncation without sampling noise |
//! | [`value_of_labels`] | what knowing the origin of text is worth |
//! | [`missing_mass`] and its kin | what a sample has not seen; power-law tails |
//! | [`verifier_breakdown`] | how wrong synthetic text may be before a verifier fails |

mod diversity;
pub mod exact;
mod fixation;
pub mod gaussian;
mod golden;
pub mod kernel;
mod labels;
mod mixture;
pub mod regression;
mod sampler;
pub mod suite;
mod survival;
mod tail;
mod verifier;
mod written;

pub use diversity::{
    heterozygosity, heterozygosity_accumulate, heterozygosity_replace, heterozygosity_sizes, heterozygosity_subsample,
    squared_error,
};
pub use fixation::{fixation_time, fixation_time_diffusion, unfixed, unfixed_bounds};
pub use golden::{error_of_weighted, error_of_weighted_limit, golden_weight};
pub use labels::{value_of_labels, value_of_oracle};
pub use mixture::{Human, effective_size, error_of_coin_mixture_limit, error_of_mixture, error_of_mixture_limit};
pub(crate) use sampler::normalised;
pub use sampler::{divergence_of_mixture, effective_types, entropy, temper, temper_with_truth, top_p_support, zipf};
pub(crate) use survival::Lineage;
pub use survival::{Regime, survival, survival_accumulate, survival_given, survival_replace};
pub use tail::{missing_mass, missing_mass_zipf, missing_mass_zipf_cut, once_seen_share, types_seen};
pub use verifier::{verifier_breakdown, wrong_after, wrong_of_generation};
pub use written::{survival_written, survival_written_given};
