//! The recipe: how much of each source a generation's training set takes.
//!
//! Every published regime is a point of one family of five amounts, so there is one code path for all of them. Three
//! kinds of human share look alike in a table and obey three laws ([`crate::laws`]): `anchor` is a fixed subset of the
//! human set, `pool` is drawn from it anew each generation, `fresh` is human text that was never used before.
//!
//! A source can also weigh more or less than the others in the objective, token for token. Amounts say what is read and
//! weights what it counts: the golden ratio of He et al. (2025) is a weight, and no amount can say it.
//!
//! Data and compute are separate. A pool that grows, as in `accumulate`, makes a longer epoch; the same recipe at equal
//! epochs and at equal steps is two arms of an experiment that differ in `[train]` alone:
//!
//! ```toml
//! [[arm]]
//! name = "accumulate-equal-epochs"
//! recipe = "accumulate"
//! train.epochs = 2
//!
//! [[arm]]
//! name = "accumulate-equal-steps"
//! recipe = "accumulate"
//! train.tokens = 800_000        # positions computed in every generation, whatever it holds
//! ```

mod filled;
mod named;
mod wire;

pub(crate) use filled::enough;
pub use filled::{Kept, Sizes};
pub use named::{GOLDEN_RATIO, NAMES, Named};

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

    /// Whether it is known to hold human text alone. A history mixes human and generated text.
    pub fn is_human(self) -> bool {
        !matches!(self, Self::Latest | Self::History)
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
/// is always the table. A source with a weight is a table of its own: `{ fresh = { amount = 1.0, weight = 0.618 } }`.
/// Two switches stand beside the sources: `grow = true` ([`Recipe::growing`]) and `balanced = true` ([`Recipe::balancing`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    amounts: [Option<Amount>; 5],
    /// What a token of each source counts in the objective; 1 where nothing is said.
    weights: [f64; 5],
    grow: bool,
    balanced: bool,
}

impl Recipe {
    /// A recipe of these amounts; amounts of zero are left out.
    ///
    /// # Errors
    /// If nothing is left, a share lies outside 0 to 1, or all of `fresh` is asked for.
    pub fn new(amounts: &[(Source, Amount)]) -> Result<Self, RecipeError> {
        let mut recipe = Self { amounts: [None; 5], weights: [1.0; 5], grow: false, balanced: false };
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

    /// The same, with these weights in the objective, token for token; of sources that are not named, 1. Only ratios
    /// matter: the objective is a weighted mean.
    ///
    /// ```
    /// use chain::{Recipe, Source};
    ///
    /// let golden: Recipe = "golden-ratio".parse()?;
    /// let ratio = golden.weight(Source::Fresh) / golden.weight(Source::Latest);
    /// assert!((ratio - chain::GOLDEN_RATIO).abs() < 1e-15);
    /// # Ok::<(), chain::RecipeError>(())
    /// ```
    ///
    /// # Errors
    /// If a weight is not above zero, or its source has no amount.
    pub fn weighted(mut self, weights: &[(Source, f64)]) -> Result<Self, RecipeError> {
        for &(from, weight) in weights {
            if !(weight.is_finite() && weight > 0.0) {
                return Err(RecipeError::Weight { from, weight });
            }
            if self.amount(from).is_none() {
                return Err(RecipeError::WeightOfNothing { from });
            }
            self.weights[from as usize] = weight;
        }
        Ok(self)
    }

    /// A sentence about a recipe that can be filled and is hardly meant: the golden ratio on an anchor. That ratio minimises
    /// the error of a chain whose human half is new each time, since old draws, handed on in the model's text, are worth
    /// something then (He et al. 2025). An anchor is the same text each time: the model's text holds nothing that the anchor
    /// does not, and a weight of 1 on the anchor alone is best.
    pub fn warning(&self) -> Option<&'static str> {
        /// A weight as near as this to the golden ratio is taken for it: two digits of it.
        const NEAR: f64 = 0.004;
        let both = self.amount(Source::Anchor).and(self.amount(Source::Latest));
        let [anchor, latest] = [Source::Anchor, Source::Latest].map(|source| self.weight(source));
        let is_golden = (anchor / (anchor + latest) - 1.0 / GOLDEN_RATIO).abs() < NEAR;
        (both.is_some() && is_golden).then_some(
            "recipe.anchor has the golden ratio as its weight, which is best for human text that is new in each generation; \
             on an anchor, generated text adds only noise and a weight of 1 on the anchor alone is best; compare \
             recipe = \"golden-ratio\" (fresh text)",
        )
    }

    /// Whether any source has another weight than 1.
    pub fn is_weighted(&self) -> bool {
        self.weights.iter().any(|&weight| weight != 1.0)
    }

    /// What a token of `source` counts in the objective.
    pub fn weight(&self, source: Source) -> f64 {
        self.weights[source as usize]
    }

    /// The same, with a draw from `history` that takes equal parts from the human set and from each generation.
    ///
    /// # Errors
    /// [`RecipeError::Balanced`] if `history` has no amount to divide.
    pub fn balancing(mut self) -> Result<Self, RecipeError> {
        match self.amount(Source::History) {
            None | Some(Amount::All) => Err(RecipeError::Balanced),
            Some(_) => {
                self.balanced = true;
                Ok(self)
            }
        }
    }

    /// Whether `history` is drawn in equal parts.
    pub fn is_balanced(&self) -> bool {
        self.balanced
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
        if self.grow { writing.saturating_mul(u64::from(generation) + 2) } else { writing }
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
        let named = NAMES.iter().find(|named| named.name == name || named.also.contains(&name));
        named.map(Named::recipe).ok_or_else(|| RecipeError::UnknownName(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_of_what_is_taken_and_golden_on_an_anchor_is_noted() {
        let both = |human| Recipe::new(&[(human, Amount::Share(1.0)), (Source::Latest, Amount::Share(1.0))]).unwrap();
        let weighed = |human, weight| both(human).weighted(&[(human, weight), (Source::Latest, 1.0 - weight)]);
        let golden = weighed(Source::Fresh, 1.0 / GOLDEN_RATIO).unwrap();
        assert_eq!(golden.name(), Some("golden-ratio"));
        assert_eq!(golden.warning(), None);
        let noted = |recipe: Recipe| recipe.warning().is_some_and(|text| text.contains("a weight of 1 on the anchor"));
        assert!(noted(weighed(Source::Anchor, 0.618).unwrap()));
        assert!(!noted(weighed(Source::Anchor, 0.7).unwrap()));
        let by_ratio = both(Source::Anchor).weighted(&[(Source::Anchor, GOLDEN_RATIO)]).unwrap();
        assert!(noted(by_ratio), "only ratios matter");
        assert!(by_ratio.is_weighted() && !both(Source::Anchor).is_weighted());
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(both(Source::Fresh).weighted(&[(Source::Fresh, weight)]).is_err());
        }
        let nothing = both(Source::Fresh).weighted(&[(Source::Pool, 2.0)]).unwrap_err();
        assert_eq!(nothing, RecipeError::WeightOfNothing { from: Source::Pool });
        assert_eq!(both(Source::Pool).weighted(&[(Source::Pool, 1.0)]).unwrap(), both(Source::Pool));
    }

    #[test]
    fn cycles_of_others_are_points_by_another_name() {
        for (alias, name) in [
            ("full-synthetic-cycle", "replace"),
            ("growing-cycle", "accumulate"),
            ("synthetic-augmentation-all", "accumulate"),
        ] {
            assert_eq!(alias.parse::<Recipe>().unwrap().name(), Some(name));
        }
    }

    #[test]
    fn a_growing_recipe_writes_what_accumulate_holds() {
        let grown: Recipe = "replace-grown".parse().unwrap();
        // Generation 1 is trained on twice the human set under accumulate, generation 2 on three times.
        assert_eq!((grown.writing_budget(0, 10), grown.writing_budget(1, 10)), (20, 30));
        assert_eq!(Recipe::default().writing_budget(1, 10), 10);
    }
}
