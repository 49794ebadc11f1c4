//! The recipe: how much of each source a generation's training set takes.
//!
//! Every published regime is a point of one family of five amounts, so there is one code path for all of them. Three
//! kinds of human share look alike in a table and obey three laws ([`crate::laws`]): `anchor` is a fixed subset of the
//! human set, `pool` is drawn from it anew each generation, `fresh` is human text that was never used before.

mod named;
mod wire;

pub use named::{NAMES, Named};

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::RecipeError;

/// Where documents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A fixed subset of the human set, the same documents each generation. A larger anchor contains a smaller one.
    Anchor,
    /// Human documents drawn anew each generation from generation 0's human set.
    Pool,
    /// Human documents that no generation has used.
    Fresh,
    /// What the last generation wrote.
    Latest,
    /// Generation 0's human set and all that was written since, drawn uniformly over documents.
    History,
}

impl Source {
    /// All sources, in the order in which a training set is filled.
    pub const ALL: [Self; 5] = [Self::Anchor, Self::Pool, Self::Fresh, Self::Latest, Self::History];

    /// Its key in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Pool => "pool",
            Self::Fresh => "fresh",
            Self::Latest => "latest",
            Self::History => "history",
        }
    }

    /// The sources' names for a message.
    pub(crate) fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// How much of a source is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// All there is.
    All,
    /// A number of tokens.
    Tokens(u64),
    /// A share of the budget, 0 to 1; the budget is the size of generation 0's human set.
    Share(f64),
}

impl Amount {
    /// The number of tokens asked for, or `None` for all there is.
    pub fn tokens(self, budget: u64) -> Option<u64> {
        match self {
            Self::All => None,
            Self::Tokens(tokens) => Some(tokens),
            Self::Share(share) => Some((share * budget as f64).round() as u64),
        }
    }

    fn is_zero(self) -> bool {
        matches!(self, Self::Tokens(0)) || self == Self::Share(0.0)
    }
}

/// The amounts of the five sources. Sources do not see each other: a document drawn by two of them is there twice.
///
/// In a file it is a name (`"accumulate"`, see [`NAMES`]) or a table (`{ pool = 0.1, latest = 0.9 }`) in which an
/// amount is `"all"`, a whole number of tokens, or a share of the budget written with a point (`1.0`); written back it
/// is always the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    amounts: [Option<Amount>; 5],
    grow: bool,
}

/// What a recipe will find, as far as it can be known before anything is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Tokens of the human training set: the budget.
    pub human: u64,
    /// Tokens of the human documents left for `fresh`.
    pub reserve: u64,
    /// Tokens that each generation is asked to write, before [`Recipe::writing_budget`].
    pub writing: u64,
    /// Number of models.
    pub generations: u32,
}

impl Recipe {
    /// A recipe of these amounts; amounts of zero are left out.
    ///
    /// # Errors
    /// If nothing is left, a share lies outside 0 to 1, or all of `fresh` is asked for.
    pub fn new(amounts: &[(Source, Amount)]) -> Result<Self, RecipeError> {
        let mut recipe = Self { amounts: [None; 5], grow: false };
        for &(from, amount) in amounts {
            if let Amount::Share(share) = amount
                && !(0.0..=1.0).contains(&share)
            {
                return Err(RecipeError::Share { from, share });
            }
            if (from, amount) == (Source::Fresh, Amount::All) {
                return Err(RecipeError::FreshAll);
            }
            recipe.amounts[from as usize] = Some(amount).filter(|amount| !amount.is_zero());
        }
        if recipe.amounts == [None; 5] { Err(RecipeError::Empty) } else { Ok(recipe) }
    }

    /// The same, with a writing budget that grows as an accumulating pool does (see [`Recipe::writing_budget`]).
    #[must_use]
    pub fn growing(mut self) -> Self {
        self.grow = true;
        self
    }

    /// The amount of a source, if any is taken.
    pub fn amount(&self, source: Source) -> Option<Amount> {
        self.amounts[source as usize]
    }

    /// The sources with an amount, in filling order.
    pub fn amounts(&self) -> impl Iterator<Item = (Source, Amount)> {
        Source::ALL.into_iter().filter_map(|source| self.amount(source).map(|amount| (source, amount)))
    }

    /// The name of this point of the family, if it has one.
    pub fn name(&self) -> Option<&'static str> {
        NAMES.iter().find(|named| named.recipe() == *self).map(|named| named.name)
    }

    /// How many tokens `generation` is to write, of a budget of `writing` tokens: that budget, or for a growing recipe
    /// `generation + 2` times as much, so that the next generation finds as much new text as an accumulating pool would
    /// hold (the human set and one corpus for each generation so far).
    pub fn writing_budget(&self, generation: u32, writing: u64) -> u64 {
        if self.grow { writing * (u64::from(generation) + 2) } else { writing }
    }

    /// Whether every generation can be filled. Whole documents are drawn, so a training set comes as near to its amount
    /// as half a document; that a generation writes what it is asked to write is taken for granted here and checked
    /// again by [`crate::compose`].
    ///
    /// # Errors
    /// [`RecipeError::CannotFill`] with the first generation and source that fall short.
    pub fn check(&self, sizes: &Sizes) -> Result<(), RecipeError> {
        let mut history = sizes.human;
        for generation in 1..sizes.generations {
            let latest = self.writing_budget(generation - 1, sizes.writing);
            history += latest;
            for (source, amount) in self.amounts() {
                let available = match source {
                    Source::Anchor | Source::Pool => sizes.human,
                    Source::Fresh => sizes.reserve,
                    Source::Latest => latest,
                    Source::History => history,
                };
                self.enough(source, amount, generation, sizes.human, available)?;
            }
        }
        Ok(())
    }

    /// The tokens that `source` has to hold so that `generation` can be filled, against those it has.
    pub(crate) fn enough(
        &self,
        from: Source,
        amount: Amount,
        generation: u32,
        budget: u64,
        available: u64,
    ) -> Result<(), RecipeError> {
        let spent = if from == Source::Fresh { u64::from(generation) } else { 1 };
        let needed = amount.tokens(budget).unwrap_or(1).saturating_mul(spent);
        if needed <= available {
            return Ok(());
        }
        let hint = match from {
            Source::Anchor | Source::Pool => "lower the amount or bring a larger human set",
            Source::Fresh => {
                "keep a larger reserve (fewer human tokens a seed), lower the amount, or run fewer generations"
            }
            Source::Latest => "lower the amount or let each generation write more",
            Source::History => "lower the amount, or let each generation write more",
        };
        Err(RecipeError::CannotFill { from, generation, needed, available, hint })
    }
}

impl Default for Recipe {
    /// `replace`.
    fn default() -> Self {
        NAMES[0].recipe()
    }
}

impl FromStr for Recipe {
    type Err = RecipeError;

    fn from_str(name: &str) -> Result<Self, RecipeError> {
        let named = NAMES.iter().find(|named| named.name == name);
        named.map(Named::recipe).ok_or_else(|| RecipeError::UnknownName(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { human: 1000, reserve: 500, writing: 1000, generations: 6 };

    #[test]
    fn every_name_can_be_filled_by_what_it_needs() {
        for named in NAMES {
            let sizes = Sizes { reserve: 5000, ..SIZES };
            assert_eq!(named.recipe().check(&sizes), Ok(()), "{}", named.name);
            assert_eq!(named.recipe().name(), Some(named.name));
        }
    }

    #[test]
    fn fresh_runs_out_in_a_generation_that_is_named() {
        let recipe = Recipe::new(&[(Source::Fresh, Amount::Share(0.2)), (Source::Latest, Amount::Share(0.8))]).unwrap();
        let error = recipe.check(&SIZES).unwrap_err();
        let RecipeError::CannotFill { from, generation, needed, available, .. } = error else { panic!("{error}") };
        assert_eq!((from, generation, needed, available), (Source::Fresh, 3, 600, 500));
        assert_eq!(recipe.check(&Sizes { generations: 3, ..SIZES }), Ok(()));
    }

    #[test]
    fn amounts_that_are_not_there_are_refused() {
        let needs = |source, tokens| Recipe::new(&[(source, Amount::Tokens(tokens))]).unwrap().check(&SIZES);
        assert!(needs(Source::Anchor, 1001).is_err() && needs(Source::Pool, 1000).is_ok());
        assert!(needs(Source::Latest, 1001).is_err() && needs(Source::History, 2000).is_ok());
        assert!(needs(Source::History, 2001).is_err());
        // One generation composes nothing.
        let alone = Sizes { generations: 1, ..SIZES };
        assert_eq!(Recipe::new(&[(Source::Fresh, Amount::Tokens(9999))]).unwrap().check(&alone), Ok(()));
    }

    #[test]
    fn a_growing_recipe_writes_what_accumulate_holds() {
        let grown: Recipe = "replace-grown".parse().unwrap();
        // Generation 1 is trained on twice the human set under accumulate, generation 2 on three times.
        assert_eq!((grown.writing_budget(0, 10), grown.writing_budget(1, 10)), (20, 30));
        assert_eq!(Recipe::default().writing_budget(1, 10), 10);
    }
}
