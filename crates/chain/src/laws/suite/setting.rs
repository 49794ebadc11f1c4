//! What is simulated: a recipe and its sizes, and chains of any family of distributions.

use std::convert::Infallible;

use streams::{Stream, Streams};

use crate::laws::Human;
use crate::learners::{Family, FitError, Independent};
use crate::{Amount, Ended, Entry, Finished, Learner, Plan, Recipe, RecipeError, Source, human_subset, run};

/// Why a case could not be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// The recipe cannot be filled.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A training set cannot be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
}

impl From<Infallible> for CheckError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// One chain of a case: its statistic for each generation.
pub(super) type Simulate = Box<dyn Fn(&Setting, Streams) -> Result<Vec<f64>, CheckError> + Send + Sync>;

/// Chains of a family's learner from what `human` draws, and a statistic of the models.
pub(super) fn chains<F>(
    family: F,
    human: impl Fn(usize, &mut Stream) -> Vec<F::Draw> + Send + Sync + 'static,
    statistic: impl Fn(&F::Model) -> f64 + Send + Sync + 'static,
) -> Simulate
where
    F: Family<Error: Into<CheckError>> + Clone + Send + Sync + 'static,
{
    Box::new(move |setting, streams| {
        let draw = |stream: &mut Stream| human(setting.corpus(), stream);
        let (mut learner, corpus) = Independent::new(family.clone(), streams, draw);
        setting.chain(streams, &mut learner, &corpus, |finished| statistic(finished.model))
    })
}

/// What chains are simulated with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// What generations from 1 on are trained on.
    pub recipe: Recipe,
    /// Human draws of generation 0.
    pub human: u64,
    /// Human draws left for `fresh`.
    pub reserve: u64,
    /// Draws that each generation writes.
    pub writing: u64,
    /// Number of models.
    pub generations: u32,
    /// Number of chains.
    pub chains: u64,
}

impl Setting {
    /// `n` draws in every generation, and no reserve.
    pub(super) fn new(recipe: Recipe, n: u64, generations: u32, chains: u64) -> Self {
        Self { recipe, human: n, reserve: 0, writing: n, generations, chains }
    }

    /// The same, for a recipe that has a name.
    pub(super) fn named(recipe: &str, n: u64, generations: u32, chains: u64) -> Self {
        Self::new(recipe.parse().expect("the cases name recipes that there are"), n, generations, chains)
    }

    /// The same, for a share of human draws beside the last generation's, with as large a reserve as `fresh` needs.
    pub(super) fn mixture(human: Human, share: f64, n: u64, generations: u32, chains: u64) -> Self {
        let (source, spent) = match human {
            Human::Fresh => (Source::Fresh, generations - 1),
            Human::Anchor => (Source::Anchor, 0),
            Human::Pool => (Source::Pool, 0),
        };
        let amounts = [(source, Amount::Share(share)), (Source::Latest, Amount::Share(1.0 - share))];
        let setting = Self::new(Recipe::new(&amounts).expect("shares lie between 0 and 1"), n, generations, chains);
        Self { reserve: (share * n as f64).round() as u64 * u64::from(spent), ..setting }
    }

    /// Human draws in all.
    pub(super) fn corpus(&self) -> usize {
        (self.human + self.reserve) as usize
    }

    /// One chain: what `statistic` says of each generation.
    pub(super) fn chain<L: Learner<Error: Into<CheckError>>>(
        &self,
        streams: Streams,
        learner: &mut L,
        corpus: &[Entry],
        mut statistic: impl FnMut(&Finished<'_, L::State, L::Model>) -> f64,
    ) -> Result<Vec<f64>, CheckError> {
        let human = human_subset(corpus, Some(self.human), &streams)?;
        let plan =
            Plan { recipe: self.recipe.into(), generations: self.generations, writing: self.writing.into(), streams };
        let mut values = Vec::with_capacity(self.generations as usize);
        let outcome = run(
            &plan,
            human,
            &mut learner.watched(|finished| {
                values.push(statistic(finished));
                Ok(())
            }),
        );
        match outcome.ended {
            None => Ok(values),
            Some(Ended::Recipe(error)) => Err(error.into()),
            Some(Ended::Judging(error) | Ended::Training(error) | Ended::Generating(error) | Ended::Scoring(error)) => {
                Err(error.into())
            }
        }
    }
}
