//! A chain of text learners: the loop's [`chain::Learner`](::chain::Learner), through stages that are found or made.
//!
//! | file | step |
//! |---|---|
//! | `state`, `chain` | what a chain works with and what its steps leave; the chain as the loop's learner |
//! | `judge` | what the defences say of the documents that the recipe is offered |
//! | `compose` | the training set, and the documents of it that were changed |
//! | `learner`, `train` | the generation's models: which learner an arm has; learners that count, and transformers |
//! | `generate`, `target`, `corpus` | the documents that the models generate |
//! | `score`, `measures`, `reading`, `over_represented` | what is measured of them |
//!
//! A chain never keeps a model in memory between steps: it reads weights from their stage, and checks them against the
//! stage's seal, each time it needs them. So a chain that was killed goes on from what is there.

mod chain;
mod compose;
mod corpus;
mod files;
mod generate;
mod judge;
mod learner;
mod measures;
mod over_represented;
mod reading;
mod score;
mod state;
mod target;
mod train;

pub(crate) use chain::{TextChain, versions};
pub(crate) use state::{Setup, Shared, Stop};
pub(crate) use target::can_begin;
