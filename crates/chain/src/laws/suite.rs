//! Every law held against the loop: closed form beside simulation.
//!
//! A [`Case`] is a law, a recipe and a learner: those of [`crate::learners`], and where a law is about what none of them
//! does (a detector, a verifier, text without sampling noise), another [`Family`](crate::learners::Family) in the same
//! [`Independent`](crate::learners::Independent). Checking it sends many chains through [`crate::run`] and holds the mean
//! of a statistic against the law's value, so what is tested is the code that makes the curves. Each chain has streams
//! of its own, keyed by the seed, the case and the chain's number, and sums are taken in the chains' order: the numbers
//! do not depend on how many threads there are. With an exact law, four standard errors are passed by chance about six
//! times in 100,000; the streams are fixed by the seed, so a suite that passes passes always.
//!
//! ```
//! use chain::laws::suite;
//!
//! let case = suite::cases().into_iter().find(|case| case.law == "heterozygosity").unwrap();
//! for row in case.check(0)? {
//!     assert!(row.holds, "{row:?}");
//! }
//! // The same law, and a loop that does something else.
//! let broken = case.with_recipe("human-refit".parse()?);
//! assert!(broken.check(0)?.iter().any(|row| !row.holds));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod case;
mod counts;
mod gaussian;
mod labels;
mod regression;
mod samplers;
mod setting;
mod survivors;
mod tails;

pub use case::{Case, Claim, Kind, Row, TOLERANCE};
pub use setting::{CheckError, Setting};

/// All cases, law by law.
pub fn cases() -> Vec<Case> {
    let themes = [
        survivors::cases(),
        survivors::forecast(),
        counts::heterozygosity(),
        counts::mixture(),
        counts::golden_ratio(),
        counts::fixation(),
        gaussian::variance(),
        gaussian::drift(),
        gaussian::kernel_density(),
        regression::cases(),
        samplers::cases(),
        labels::labels(),
        tails::cases(),
        labels::verifier(),
    ];
    themes.into_iter().flatten().collect()
}

/// The laws' names, in the order of the cases.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = cases().iter().map(|case| case.law).collect();
    names.dedup();
    names
}
