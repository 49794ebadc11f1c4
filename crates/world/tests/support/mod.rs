//! Learners on documents of a world, for the loop's tests and the figure of survival: one that knows the grammar, one
//! that does not.

#![allow(dead_code)] // Each of those who use this use a part of it.

pub(crate) mod oracle;
pub(crate) mod texts;
pub(crate) mod words;

use world::{Judged, World};

/// The subjects of a text's runs, as far as it can be read: of each sentence of the language that names its person, true
/// or not, if that is a person of the world.
pub(crate) fn subjects(world: &World, text: &str) -> Vec<usize> {
    let opens = |judged: &Judged| judged.form.is_some_and(|form| world.forms()[form].is_opening());
    world.judge(text).into_iter().filter(opens).filter_map(|judged| judged.subject).collect()
}

/// A mean over chains and its standard error.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Mean {
    /// One more chain.
    pub(crate) fn add(&mut self, x: f64) {
        (self.n, self.sum, self.squares) = (self.n + 1.0, self.sum + x, self.squares + x * x);
    }

    /// The mean.
    pub(crate) fn value(&self) -> f64 {
        self.sum / self.n
    }

    /// Its standard error.
    pub(crate) fn error(&self) -> f64 {
        ((self.squares / self.n - self.value().powi(2)).max(0.0) / (self.n - 1.0)).sqrt()
    }

    /// How many standard errors it is above `exact`.
    pub(crate) fn above(&self, exact: f64) -> f64 {
        (self.value() - exact) / self.error()
    }
}
