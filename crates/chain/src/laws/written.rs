//! Survival in what a generation writes, by the recipe that its chain follows.
//!
//! [`super::survival()`] asks whether a type is in what model g is trained on; here the question is whether it is in what
//! the model writes, as many draws as the human sample had. Each draw of the training set has Poisson(n/N) copies there, N
//! being the size of the training set: n, or (g + 1) n where all text is kept. So it is seen with chance m = 1 - e^(-n/N),
//! and from there on the lineage is the same. For `replace` that is the law of the next training set.
//!
//! The trap: `accumulate` loses no type from its pool, and yet a type of one draw is in what the third model writes with
//! chance 1 - e^(-1/3) or a little more, for it is a third of the pool that is written.

use super::Human;
use super::survival::{Lineage, Regime};
use crate::{Amount, Recipe, Source};

impl Regime {
    /// The regime whose laws a recipe follows, where each generation writes as much as the human set holds; `None` if
    /// there is none: another size, a mixture of more than one human source, or weights.
    pub fn of(recipe: &Recipe) -> Option<Self> {
        let amounts: Vec<(Source, Amount)> = recipe.amounts().collect();
        let is_plain = amounts.iter().all(|&(source, _)| recipe.weight(source) == 1.0);
        if !is_plain || recipe.is_balanced() || recipe.writing_budget(0, 1) != 1 {
            return None;
        }
        let human = |source| match source {
            Source::Anchor => Some(Human::Anchor),
            Source::Pool => Some(Human::Pool),
            Source::Fresh => Some(Human::Fresh),
            Source::Latest | Source::History => None,
        };
        match amounts[..] {
            [(Source::Latest, Amount::All)] => Some(Self::Replace),
            [(Source::Latest, Amount::Share(1.0))] => Some(Self::Replace),
            [(Source::History, Amount::All)] => Some(Self::Accumulate),
            [(Source::Anchor | Source::Pool, Amount::All)] => Some(Self::Mixture(Human::Anchor, 1.0)),
            [(source, Amount::Share(1.0))] => human(source).map(|human| Self::Mixture(human, 1.0)),
            [(source, Amount::Share(share)), (Source::Latest, Amount::Share(rest))] if is_one(share + rest) => {
                human(source).map(|human| Self::Mixture(human, share))
            }
            _ => None,
        }
    }

    /// The chance that a draw of what model `generation` is trained on is in what that model writes.
    fn is_copied(self, generation: u32) -> f64 {
        let batches = if self == Self::Accumulate { f64::from(generation) + 1.0 } else { 1.0 };
        -(-1.0 / batches).exp_m1()
    }
}

fn is_one(sum: f64) -> bool {
    (sum - 1.0).abs() < 1e-9
}

/// The chance that a type of probability `p` is in what model `generation` writes. *Approximation* for n p² small, and
/// lower *bound*, as [`super::survival()`].
pub fn survival_written(regime: Regime, n: f64, p: f64, generation: u32) -> f64 {
    -(-n * p * Lineage::seen(regime, regime.is_copied(generation), generation).all()).exp_m1()
}

/// The same of a type that occurs `count` times among the n human draws, as [`super::survival_given`].
pub fn survival_written_given(regime: Regime, n: f64, p: f64, count: f64, generation: u32) -> f64 {
    let lineage = Lineage::seen(regime, regime.is_copied(generation), generation);
    1.0 - (1.0 - lineage.of_human).powf(count) * (-n * p * lineage.of_fresh).exp()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{survival_given, survival_replace};
    use super::*;

    fn regime(recipe: &str) -> Option<Regime> {
        Regime::of(&recipe.parse().unwrap())
    }

    #[test]
    fn recipes_have_their_regimes() {
        for (recipe, expected) in [
            ("replace", Some(Regime::Replace)),
            ("accumulate", Some(Regime::Accumulate)),
            ("ten-percent-human", Some(Regime::Mixture(Human::Pool, 0.1))),
            ("ten-percent-anchor", Some(Regime::Mixture(Human::Anchor, 0.1))),
            ("ten-percent-fresh", Some(Regime::Mixture(Human::Fresh, 0.1))),
            ("human-refit", Some(Regime::Mixture(Human::Anchor, 1.0))),
            ("human-fresh", Some(Regime::Mixture(Human::Fresh, 1.0))),
            ("replace-grown", None),
            ("accumulate-subsample", None),
            ("balanced-cycle", None),
            ("synthetic-augmentation", None),
            ("golden-ratio", None),
        ] {
            assert_eq!(regime(recipe), expected, "{recipe}");
        }
        let more = Recipe::new(&[(Source::Pool, Amount::Share(0.1)), (Source::Latest, Amount::All)]).unwrap();
        assert_eq!(Regime::of(&more), None, "a tenth more than there was");
    }

    #[test]
    fn what_replace_writes_is_the_next_training_set() {
        for generation in 0..6 {
            let (written, next) = (
                survival_written(Regime::Replace, 500.0, 2e-3, generation),
                survival_replace(500.0, 2e-3, generation + 1),
            );
            assert!((written - next).abs() < 1e-15, "{generation}");
            let given = survival_written_given(Regime::Replace, 500.0, 2e-3, 3.0, generation);
            assert!((given - survival_given(Regime::Replace, 500.0, 2e-3, 3.0, generation + 1)).abs() < 1e-15);
        }
    }

    #[test]
    fn a_refit_ages_by_one_sample_and_no_more() {
        let refit = Regime::Mixture(Human::Anchor, 1.0);
        for generation in [0, 1, 7] {
            let found = survival_written(refit, 500.0, 2e-3, generation);
            assert!((found - survival_replace(500.0, 2e-3, 1)).abs() < 1e-12, "{generation}: {found}");
        }
    }

    /// Against the loop: a thousand types of one expected draw each, in what the fourth model of each recipe writes.
    #[test]
    fn the_loop_writes_what_the_law_says() {
        use crate::learners::{Categorical, Categories};
        use crate::{HumanSet, Learner, Plan, run};
        use streams::{Purpose, Streams};

        const LAST: u32 = 3;
        let (types, chains) = (1000, 24);
        let truth = vec![1.0 / types as f64; types];
        for name in ["replace", "accumulate", "ten-percent-human", "ten-percent-anchor", "human-refit"] {
            let recipe: Recipe = name.parse().unwrap();
            let regime = Regime::of(&recipe).unwrap();
            let mut shares = Vec::new();
            for seed in 0..chains {
                let streams = Streams::new(seed);
                let (mut learner, human) = Categorical::with_human_draws(&truth, types, streams);
                let plan =
                    Plan { recipe: recipe.into(), generations: LAST + 1, writing: (types as u64).into(), streams };
                let outcome = run(
                    &plan,
                    HumanSet::whole(human),
                    &mut learner.watched(|finished| {
                        if finished.generation.number == LAST {
                            let mut stream = streams.stream(Purpose::Evaluation, LAST, 0);
                            let alive: BTreeSet<usize> =
                                Categories::draw(finished.model, types, &mut stream).into_iter().collect();
                            shares.push(alive.len() as f64 / types as f64);
                        }
                        Ok(())
                    }),
                );
                assert!(outcome.ended.is_none());
            }
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            let spread = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (shares.len() - 1) as f64;
            let error = (spread / shares.len() as f64).sqrt();
            let law = survival_written(regime, types as f64, 1.0 / types as f64, LAST);
            // Poisson for binomial: n p² = 1e-3 here.
            assert!((mean - law).abs() < 4.0 * error + 1e-3, "{name}: {mean} ± {error}, law {law}");
        }
    }
}
