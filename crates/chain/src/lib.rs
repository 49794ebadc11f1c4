//! The loop of an experiment, with no model in it: what each generation is trained on, and how generations follow one
//! another.
//!
//! A [`Recipe`] says from which sources a training set is filled and what each counts; [`compose`] fills it from the
//! [`Ledger`] of what humans and earlier generations wrote; [`run`](run()) runs as many generations as asked, with
//! any [`Learner`]. The transformer is one learner; those that can be solved on paper are others, and all go through this
//! same code, so the closed forms are tests of the loop that makes the curves.
//!
//! | module | what |
//! |---|---|
//! | [`learners`] | frequencies, Gaussians, mixtures, kernel densities, regressions and n-grams, with their samplers |
//! | [`laws`] | what their chains do, derived and held against the loop by [`laws::suite`] |
//! | [`forecast`] | the laws at the scale of the web, from word frequencies alone |
//! | [`solvable`] | chains of those learners from an experiment file's settings |
//!
//! ```
//! use chain::{HumanSet, Learner, Plan, Recipe, learners::Categorical, run};
//! use streams::Streams;
//!
//! // Fifty human draws from four equally frequent types; each generation learns the last one's fifty draws.
//! let streams = Streams::new(0);
//! let (mut learner, human) = Categorical::with_human_draws(&[0.25; 4], 50, streams);
//! let plan = Plan { recipe: "replace".parse::<Recipe>()?.into(), generations: 6, writing: 50.into(), streams };
//! let mut diversity = Vec::new();
//! let outcome = run(&plan, HumanSet::whole(human), &mut learner.watched(|finished| {
//!     diversity.push(chain::laws::heterozygosity(finished.model));
//!     Ok(())
//! }));
//! assert_eq!((outcome.generations, outcome.ended.is_none()), (6, true));
//! assert!(diversity[5] < 0.75);
//! # Ok::<(), chain::RecipeError>(())
//! ```

mod by_generation;
mod compose;
mod error;
pub mod forecast;
pub mod laws;
pub mod learners;
mod ledger;
mod listing;
mod recipe;
mod run;
pub mod solvable;

pub use by_generation::ByGeneration;
pub use compose::{
    ComposeError, Count, Decision, OfGeneration, OfOrigin, OfSource, Pick, Totals, TrainingSet, compose, compose_judged,
};
pub use error::RecipeError;
pub use ledger::{Entry, HumanSet, Ledger, Origin, human_subset, human_subset_by};
pub use listing::{Listing, Range};
pub use recipe::{Amount, GOLDEN_RATIO, Kept, NAMES, Named, Recipe, Sizes, Source};
pub use run::{Ended, Finished, Generation, Learner, Outcome, Plan, Watched, run};
