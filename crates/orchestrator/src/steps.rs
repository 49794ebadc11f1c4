//! A chain of learners with stages: the loop's [`chain::Learner`](::chain::Learner), through stages that are found or made.
//!
//! | file | step |
//! |---|---|
//! | `state`, `chain` | what a chain works with and what its steps leave; the chain as the loop's learner |
//! | `judge` | what the defences say of the documents that the recipe is offered |
//! | `compose` | the training set, and the documents of it that were changed |
//! | `learner`, `train`, `counting`, `oracle` | the generation's models: which learner an arm has; transformers, and learners that count |
//! | `generate`, `matched`, `target`, `corpus` | the documents that the models generate |
//! | `score`, `measures`, `reading`, `given` | what is measured of them |
//!
//! None of it knows what a document is: that is behind the [`Medium`](crate::Medium). A chain never keeps a model in memory
//! between steps: it reads weights from their stage, and checks them against the stage's seal, each time it needs them. So a
//! chain that was killed goes on from what is there.

mod chain;
mod compose;
mod corpus;
mod counting;
mod files;
mod generate;
mod given;
mod judge;
mod learner;
mod matched;
mod measures;
mod oracle;
mod reading;
mod score;
mod state;
mod target;
mod train;

pub(crate) use chain::{StageChain, versions};
pub(crate) use files::{json, timed, write_file};
pub(crate) use matched::POSITIONS;
pub(crate) use state::{Setup, Shared, Stop};
pub(crate) use target::can_begin;
