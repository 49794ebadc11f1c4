//! What an experiment file says of a learner that can be solved.
//!
//! A table with `kind`, and whatever differs from that kind's defaults. Unknown keys are refused.

mod check;
mod kinds;

use sampling::Opt;

use self::check::Check;
pub use self::kinds::{Categorical, Gaussian, GaussianMixture, KernelDensity, LinearRegression, Markov, Settings};
use super::cost;
use crate::{ByGeneration, Kept, Recipe, Sizes};

/// A setting out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{kind}: {key} = {value}: must be {range}")]
pub struct SettingsError {
    /// The learner's kind.
    pub kind: &'static str,
    /// The setting's name.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// The values that it may have.
    pub range: String,
}

/// What is asked of the settings of every kind.
trait Kind {
    /// Documents of the human set.
    fn draws(&self) -> usize;

    /// Documents that each generation generates; none if as many as the human set holds.
    fn writing(&self) -> Option<usize>;

    /// The sampler's options that act on this learner.
    fn honours(&self) -> &'static [Opt] {
        &[]
    }

    /// Whether it counts whole documents, so that a recipe's weights mean nothing to it.
    fn counts_documents(&self) -> bool {
        false
    }

    /// Memory and work for each draw and each model.
    fn cost(&self) -> cost::Sizes;

    /// The first setting out of its range is an error.
    fn check(&self, check: &Check) -> Result<(), SettingsError>;
}

impl Settings {
    /// Documents of the human set: the budget that a recipe's shares refer to.
    pub fn draws(&self) -> usize {
        self.of_kind().draws()
    }

    /// Documents that each generation generates, before [`Recipe::writing_budget`].
    pub fn writing(&self) -> usize {
        self.of_kind().writing().unwrap_or(self.draws())
    }

    /// What its sizes mean for memory and work; `writing` among them where it is set.
    pub(super) fn cost_of_sizes(&self) -> cost::Sizes {
        let mut cost = self.of_kind().cost();
        cost.sizes.extend(self.of_kind().writing().map(|writing| ("writing", writing as f64)));
        cost
    }

    /// The sampler's options that act on this learner.
    pub fn honours(&self) -> &'static [Opt] {
        self.of_kind().honours()
    }

    /// Whether it counts whole documents, so that a recipe's weights mean nothing to it.
    pub fn counts_documents(&self) -> bool {
        self.of_kind().counts_documents()
    }

    /// The sizes that recipes find. `fresh` never runs out, since the truth is known.
    pub fn sizes(&self, recipes: &ByGeneration<Recipe>, generations: u32) -> Sizes {
        let human = self.draws() as u64;
        Sizes {
            human,
            reserve: recipes.fresh_until(generations.saturating_sub(1), human),
            writing: (self.writing() as u64).into(),
            kept: Kept::ALL.into(),
            generations,
        }
    }

    /// Checks every setting's range.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let check = Check { kind: self.kind() };
        if let Some(writing) = self.of_kind().writing() {
            check.at_least("writing", writing, 1)?;
        }
        self.of_kind().check(&check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn the_kind_alone_is_enough_and_is_written_back() {
        for kind in Settings::KINDS.iter().copied() {
            let settings = read(&format!("kind = \"{kind}\"")).unwrap();
            assert_eq!((settings.kind(), settings.check()), (kind, Ok(())));
            assert_eq!(settings.writing(), settings.draws());
            let text = toml::to_string(&settings).unwrap();
            assert_eq!(read(&text).unwrap(), settings, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let message = read("kind = \"gaussian\"\nestimater = \"biased\"").unwrap_err();
        assert!(message.contains("estimater") && message.contains("`estimator`"), "{message}");
        let message = read("kind = \"gauss\"").unwrap_err();
        assert!(message.contains("`gaussian-mixture`"), "{message}");
        assert!(read("draws = 10").unwrap_err().contains("kind"));
    }

    #[test]
    fn ranges_are_checked_in_one_line() {
        for (text, needle) in [
            ("kind = \"categorical\"\ndraws = 0", "categorical: draws = 0"),
            ("kind = \"categorical\"\nwriting = 0", "writing = 0"),
            ("kind = \"categorical\"\nfrequencies = [0.0]", "a finite sum above 0"),
            ("kind = \"categorical\"\nfrequencies = [0.5, -0.5]", "frequencies = -0.5"),
            ("kind = \"categorical\"\nexponent = inf", "exponent = inf"),
            ("kind = \"gaussian\"\ndraws = 1", "draws = 1: must be 2 or more"),
            ("kind = \"gaussian\"\nsampling_bias = -1", "sampling_bias"),
            ("kind = \"gaussian-mixture\"\nfloor = 0", "floor = 0"),
            ("kind = \"gaussian-mixture\"\ncomponents = 9\ndraws = 8", "must be 9 or more"),
            ("kind = \"kernel-density\"\nbandwidth = 0.0", "bandwidth = 0"),
            ("kind = \"kernel-density\"\ndimensions = 4\ndraws = 4", "must be 5 or more"),
            ("kind = \"linear-regression\"\ndimensions = 10\ndraws = 11", "must be 12 or more"),
            ("kind = \"markov\"\ndiscount = 1.0", "discount = 1"),
            ("kind = \"markov\"\nlength = 0.5", "length = 0.5"),
        ] {
            let message = read(text).unwrap().check().unwrap_err().to_string();
            assert!(message.contains(needle) && !message.contains('\n'), "{message}");
        }
    }

    /// No size overflows, whatever it is; and what is usual costs little.
    #[test]
    fn costs_grow_with_every_size() {
        for kind in Settings::KINDS {
            let cost = |more: &str, recipe: &str| {
                let settings = read(&format!("kind = \"{kind}\"\n{more}")).unwrap();
                settings.cost(&recipe.parse::<Recipe>().unwrap().into(), 10)
            };
            let usual = cost("", "accumulate");
            assert!(usual.numbers < 1e6 && usual.operations < 1e12, "{kind}: {usual:?}");
            for recipe in ["replace", "accumulate", "replace-grown"] {
                let huge = cost("draws = 1000000000000000000", recipe);
                assert!(
                    huge.numbers >= 1e18 && huge.numbers.is_finite() && huge.operations >= 1e18,
                    "{kind}: {huge:?}"
                );
            }
            for (size, value) in usual.sizes.iter().filter(|(size, _)| *size != "draws") {
                let larger = cost(&format!("{size} = {}", 1000 * (*value as u64 + 1)), "replace");
                let usual = cost("", "replace");
                let grows = larger.numbers > usual.numbers || larger.operations > usual.operations;
                assert!(grows, "{kind}, {size}");
            }
        }
    }

    #[test]
    fn options_act_where_they_can() {
        for (kind, options) in [
            ("categorical", 5),
            ("markov", 5),
            ("gaussian", 1),
            ("gaussian-mixture", 0),
            ("kernel-density", 0),
            ("linear-regression", 0),
        ] {
            let settings = read(&format!("kind = \"{kind}\"")).unwrap();
            assert_eq!(settings.honours().len(), options, "{kind}");
            assert_eq!(settings.counts_documents(), kind == "markov");
        }
    }
}
