//! What a chain of an exact learner costs, before it is begun.

use super::Settings;
use crate::{Amount, ByGeneration, Recipe};

/// Memory and work of a chain, estimated from its settings: within a factor of ten of what it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Numbers that it holds: draws, each as many as it has dimensions, and tables.
    pub numbers: f64,
    /// Multiplications and additions.
    pub operations: f64,
    /// The sizes that these are products of, by their keys.
    pub sizes: Vec<(&'static str, f64)>,
}

/// What one kind's sizes mean for memory and work.
pub(super) struct Sizes {
    /// Numbers of a draw.
    pub(super) width: f64,
    /// Numbers apart from draws.
    pub(super) tables: f64,
    /// Operations for each draw that is fitted, for each that is made, and for each model.
    pub(super) fit: f64,
    pub(super) draw: f64,
    pub(super) model: f64,
    /// Operations for each pair of draws of a training set.
    pub(super) pair: f64,
    pub(super) sizes: Vec<(&'static str, f64)>,
}

impl Settings {
    /// The cost of a chain of so many models.
    pub fn cost(&self, recipes: &ByGeneration<Recipe>, generations: u32) -> Cost {
        let found = self.sizes(recipes, generations);
        let (human, writing, models) = (found.human as f64, self.writing() as f64, f64::from(generations));
        // A growing recipe writes 2, 3, ... times as much.
        let grown = if recipes.at(0).writing_budget(0, 1) > 1 { (models + 3.0) / 2.0 } else { 1.0 };
        let written = writing * models * grown;
        let held = human + found.reserve as f64 + written;
        let amount = |amount: Amount| amount.tokens(found.human).map_or(held, |tokens| tokens as f64);
        let training = |recipe: &Recipe| recipe.amounts().map(|(_, of)| amount(of)).sum::<f64>();
        let training = recipes.after_the_first().map(training).fold(0.0, f64::max).clamp(human, held);
        let of = self.cost_of_sizes();
        let operations = models * (training * of.fit + training * training * of.pair + of.model) + held * of.draw;
        let mut sizes = vec![("draws", human)];
        sizes.extend(of.sizes);
        Cost { numbers: held * of.width + of.tables, operations, sizes }
    }
}
