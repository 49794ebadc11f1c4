//! Targeted synthesis: find what the written text lacks, write there, and stop when the gap is closed.
//!
//! All pure functions; whoever writes calls them between two rounds of writing:
//!
//! 1. *Find.* Runs of tokens ([`count_grams`], [`coverage`], [`frequency_bands`], [`missing`]), a world's facts
//!    ([`fact_gaps`]), any other items ([`shortfall`]), contexts whose loss is high ([`hard_contexts`]).
//! 2. *Aim.* Weights of human documents as prompts ([`prompt_weights`], or the contexts themselves), drawn in
//!    proportion ([`draw`]). Against what is over-represented, weights of written documents by log-odds ([`log_odds`],
//!    [`weights_against`]).
//! 3. *Stop.* A gap is closed when it is no larger than that of an honest twin ([`is_closed`]).
//!
//! *Trap.* Prompts from human documents are human text: a hidden anchor, to be counted in tokens. And an honest sample
//! has gaps too (a third of a sample's singletons are absent from its twin): who writes until nothing is absent copies.

mod contexts;
mod counts;
mod facts;
mod odds;
mod prompts;

pub use contexts::{HardContext, hard_contexts};
pub use counts::{Counts, Coverage, FrequencyBand, count_grams, coverage, frequency_bands, missing, shortfall};
pub use facts::{FactGap, fact_gaps};
pub use odds::{log_odds, weights_against};
pub use prompts::{draw, is_closed, prompt_weights};
