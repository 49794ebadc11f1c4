//! Learners simple enough to solve: their chains have closed forms ([`crate::laws`]), or stand beside them.

mod categorical;
mod ngram;

pub use categorical::Categorical;
pub use ngram::{NGram, NGramModel};
