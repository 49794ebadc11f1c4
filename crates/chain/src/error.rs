//! What can be wrong with a recipe.

use crate::{NAMES, Source};

/// A recipe that means nothing, or that cannot be filled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecipeError {
    /// The name is none of [`NAMES`].
    #[error(
        "unknown recipe `{0}`; the names are {names}, or give amounts, as in {{ pool = 0.1, latest = 0.9 }}",
        names = NAMES.iter().flat_map(|n| std::iter::once(&n.name).chain(n.also)).copied().collect::<Vec<_>>().join(", ")
    )]
    UnknownName(String),

    /// No source has an amount above zero.
    #[error("the recipe is empty: give at least one of {sources} an amount above zero", sources = Source::list())]
    Empty,

    /// A share outside 0 to 1, or not a number.
    #[error(
        "recipe.{name} = {share}: a share of the budget lies between 0.0 and 1.0 (a whole number counts tokens)",
        name = .from.name()
    )]
    Share {
        /// Whose amount it is.
        from: Source,
        /// What was given.
        share: f64,
    },

    /// `fresh = "all"` would spend the reserve in one generation.
    #[error(
        "recipe.fresh = \"all\" would use up every unused human document at once: give a share or a number of tokens"
    )]
    FreshAll,

    /// A weight that is not a number above zero.
    #[error(
        "recipe.{name}.weight = {weight}: a weight is a number above 0; leave the source out if it is to count nothing",
        name = .from.name()
    )]
    Weight {
        /// Whose weight it is.
        from: Source,
        /// What was given.
        weight: f64,
    },

    /// A weight of what is not taken.
    #[error("recipe.{name} has a weight and no amount: give it one, or leave the weight out", name = .from.name())]
    WeightOfNothing {
        /// The source.
        from: Source,
    },

    /// Equal parts of something that has no size.
    #[error(
        "recipe.balanced divides what recipe.history draws: give history a share or a number of tokens, as in \
         {{ history = 1.0, balanced = true }}"
    )]
    Balanced,

    /// A source holds less than is asked of it.
    #[error(
        "recipe.{name} cannot be filled in generation {generation}: it needs {needed} tokens and there are \
         {available}; {hint}",
        name = .from.name()
    )]
    CannotFill {
        /// The source that is too small.
        from: Source,
        /// The generation whose training set was to be filled.
        generation: u32,
        /// Tokens asked for; for `fresh`, by all generations up to this one together.
        needed: u64,
        /// Tokens there are.
        available: u64,
        /// What to change.
        hint: &'static str,
    },

    /// An amount too small for even one document, of a source whose documents are used once.
    #[error(
        "recipe.{name} draws nothing in generation {generation}: {asked} tokens are less than a document; ask for more",
        name = .from.name()
    )]
    NothingDrawn {
        /// The source.
        from: Source,
        /// The generation whose training set was to be filled.
        generation: u32,
        /// Tokens asked for.
        asked: u64,
    },

    /// The human corpus is smaller than what a seed is to work with.
    #[error(
        "the human corpus has {available} tokens and {needed} are asked for; ask for fewer tokens or bring a larger corpus"
    )]
    HumanTooSmall {
        /// Tokens asked for.
        needed: u64,
        /// Tokens there are.
        available: u64,
    },

    /// A training set was asked for before the generation it depends on has written.
    #[error("generation {generation} cannot be composed yet: {written} generations have written")]
    TooEarly {
        /// The generation asked for.
        generation: u32,
        /// How many generations have written.
        written: u32,
    },
}

impl RecipeError {
    /// The same, where a defence has dropped documents of the source: what to change is another thing then.
    #[must_use]
    pub fn after_a_defence(mut self) -> Self {
        if let Self::CannotFill { hint, .. } = &mut self {
            *hint = "curation has dropped the rest: let it keep more, let each generation write more, or ask for less \
                     (\"all\" takes whatever is kept)";
        }
        self
    }
}
