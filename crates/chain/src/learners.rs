//! Learners simple enough to solve: their chains have closed forms ([`crate::laws`]).

mod categorical;

pub use categorical::Categorical;
