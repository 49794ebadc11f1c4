//! Whether recipes can be filled, before anything is trained.

use super::{Amount, Recipe, Source};
use crate::{ByGeneration, RecipeError};

/// What a recipe will find, as far as it can be known before anything is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Tokens of the human training set: the budget.
    pub human: u64,
    /// Tokens of the human documents left for `fresh`.
    pub reserve: u64,
    /// Tokens that each generation is asked to write, before [`Recipe::writing_budget`].
    pub writing: ByGeneration<u64>,
    /// What defences leave of what the recipe of a generation is offered.
    pub kept: ByGeneration<Kept>,
    /// Number of models.
    pub generations: u32,
}

/// The largest shares of the text that `latest` and `history` offer which defences can leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// Of human text in `history`.
    pub human: f64,
    /// Of generated text.
    pub generated: f64,
}

impl Kept {
    /// All of it: what is left where there is no defence.
    pub const ALL: Self = Self { human: 1.0, generated: 1.0 };
}

impl ByGeneration<Recipe> {
    /// Whether every generation can be filled. Whole documents are drawn, so a training set comes as near to its amount
    /// as half a document; that a generation writes what it is asked to write is taken for granted here and checked
    /// again by [`crate::compose`].
    ///
    /// # Errors
    /// [`RecipeError::CannotFill`] with the first generation and source that fall short.
    pub fn check(&self, sizes: &Sizes) -> Result<(), RecipeError> {
        let left = |tokens: u64, share: f64| if share < 1.0 { (tokens as f64 * share) as u64 } else { tokens };
        let (mut generated, mut least, mut fresh) = (0_u64, u64::MAX, 0_u64);
        for generation in 1..sizes.generations {
            let (recipe, kept) = (self.at(generation), sizes.kept.at(generation));
            let last = generation - 1;
            let latest = self.at(last).writing_budget(last, *sizes.writing.at(last));
            generated = generated.saturating_add(latest);
            least = least.min(latest);
            fresh = fresh.saturating_add(recipe.fresh(sizes.human));
            let human = left(sizes.human, kept.human);
            for (source, amount) in recipe.amounts() {
                let needed = if source == Source::Fresh { fresh } else { amount.least(sizes.human) };
                let available = match source {
                    Source::Anchor | Source::Pool => sizes.human,
                    Source::Fresh => sizes.reserve,
                    Source::Latest => left(latest, kept.generated),
                    // Equal parts come to as much as the smallest of them, times their number.
                    Source::History if recipe.is_balanced() => {
                        human.min(left(least, kept.generated)).saturating_mul(u64::from(generation) + 1)
                    }
                    Source::History => human.saturating_add(left(generated, kept.generated)),
                };
                enough(source, generation, needed, available)?;
            }
        }
        Ok(())
    }

    /// Tokens of `fresh` that the generations up to this one take together, of a budget of `human` tokens.
    pub fn fresh_until(&self, generation: u32, human: u64) -> u64 {
        (1..=generation).fold(0, |sum, generation| sum.saturating_add(self.at(generation).fresh(human)))
    }
}

impl Recipe {
    fn fresh(&self, human: u64) -> u64 {
        self.amount(Source::Fresh).map_or(0, |amount| amount.least(human))
    }
}

impl Amount {
    /// The tokens that a source must hold: of all there is, one.
    pub(crate) fn least(self, budget: u64) -> u64 {
        self.tokens(budget).unwrap_or(1)
    }
}

/// The tokens that a source has to hold so that `generation` can be filled, of `fresh` by all generations up to it together,
/// against those it has.
pub(crate) fn enough(from: Source, generation: u32, needed: u64, available: u64) -> Result<(), RecipeError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NAMES;

    fn sizes() -> Sizes {
        Sizes { human: 1000, reserve: 500, writing: 1000.into(), kept: Kept::ALL.into(), generations: 6 }
    }

    fn check(recipe: Recipe, sizes: &Sizes) -> Result<(), RecipeError> {
        ByGeneration::from(recipe).check(sizes)
    }

    #[test]
    fn every_name_can_be_filled_by_what_it_needs() {
        for named in NAMES {
            let sizes = Sizes { reserve: 5000, ..sizes() };
            assert_eq!(check(named.recipe(), &sizes), Ok(()), "{}", named.name);
            assert_eq!(named.recipe().name(), Some(named.name));
        }
    }

    #[test]
    fn fresh_runs_out_in_a_generation_that_is_named() {
        let recipe = Recipe::new(&[(Source::Fresh, Amount::Share(0.2)), (Source::Latest, Amount::Share(0.8))]).unwrap();
        let error = check(recipe, &sizes()).unwrap_err();
        let RecipeError::CannotFill { from, generation, needed, available, .. } = error else { panic!("{error}") };
        assert_eq!((from, generation, needed, available), (Source::Fresh, 3, 600, 500));
        assert_eq!(check(recipe, &Sizes { generations: 3, ..sizes() }), Ok(()));
    }

    #[test]
    fn amounts_that_are_not_there_are_refused() {
        let needs = |source, tokens| check(Recipe::new(&[(source, Amount::Tokens(tokens))]).unwrap(), &sizes());
        assert!(needs(Source::Anchor, 1001).is_err() && needs(Source::Pool, 1000).is_ok());
        assert!(needs(Source::Latest, 1001).is_err() && needs(Source::History, 2000).is_ok());
        assert!(needs(Source::History, 2001).is_err());
        // One generation composes nothing.
        let alone = Sizes { generations: 1, ..sizes() };
        assert_eq!(check(Recipe::new(&[(Source::Fresh, Amount::Tokens(9999))]).unwrap(), &alone), Ok(()));
    }

    #[test]
    fn equal_parts_need_the_smallest_part() {
        let balanced: Recipe = "balanced-cycle".parse().unwrap();
        assert!(balanced.is_balanced());
        assert_eq!(check(balanced, &sizes()), Ok(()));
        // Generation 1's halves are 500 tokens and generation 0 wrote 400; later parts are smaller.
        let error = check(balanced, &Sizes { writing: 400.into(), ..sizes() }).unwrap_err();
        let RecipeError::CannotFill { generation, needed, available, .. } = error else { panic!("{error}") };
        assert_eq!((generation, needed, available), (1, 1000, 800));
        assert_eq!(Recipe::default().balancing(), Err(RecipeError::Balanced));
    }

    #[test]
    fn each_generation_has_its_own_recipe_writing_and_defences() {
        let latest = |tokens| Recipe::new(&[(Source::Latest, Amount::Tokens(tokens))]).unwrap();
        let failing = |recipes: &[Recipe], sizes: &Sizes| {
            let recipes: ByGeneration<Recipe> = recipes.iter().copied().collect();
            match recipes.check(sizes) {
                Err(RecipeError::CannotFill { generation, needed, available, .. }) => {
                    Some((generation, needed, available))
                }
                _ => None,
            }
        };
        // Generation 0's recipe is nobody's.
        assert_eq!(failing(&[latest(5000), latest(900)], &sizes()), None);
        assert_eq!(failing(&[latest(5), latest(900), latest(1001)], &sizes()), Some((2, 1001, 1000)));
        let writing = [1000, 1000, 800].into_iter().collect();
        assert_eq!(failing(&[latest(900)], &Sizes { writing, ..sizes() }), Some((3, 900, 800)));
        let kept = [Kept::ALL, Kept::ALL, Kept { generated: 0.5, ..Kept::ALL }].into_iter().collect();
        assert_eq!(failing(&[latest(900)], &Sizes { kept, ..sizes() }), Some((2, 900, 500)));
        let fresh = |tokens| Recipe::new(&[(Source::Fresh, Amount::Tokens(tokens))]).unwrap();
        assert_eq!(failing(&[fresh(9), fresh(300), fresh(200), fresh(1)], &sizes()), Some((3, 501, 500)));
    }
}
