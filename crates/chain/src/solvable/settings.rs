//! What an experiment file says of a learner that can be solved.
//!
//! A table with `kind`, and whatever differs from that kind's defaults. Unknown keys are refused.

mod check;
mod kinds;

use serde::{Deserialize, Serialize};

use self::check::Check;
pub use self::kinds::{Categorical, Gaussian, GaussianMixture, KernelDensity, LinearRegression, NGram};
use crate::learners::Sampling;

/// A setting out of its range, or a sampler that this kind of learner has no use for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// Out of range.
    #[error("{kind}: {key} = {value} cannot be learned from: take {range}")]
    Range {
        /// The learner's kind.
        kind: &'static str,
        /// The setting's name.
        key: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        range: String,
    },
    /// A sampler that does not act on this learner.
    #[error(
        "{kind}: it writes from its own distribution; leave the sampler's settings out (all act on categorical and \
         n-gram, the temperature alone on gaussian)"
    )]
    Sampler {
        /// The learner's kind.
        kind: &'static str,
    },
}

/// Which learner, and what it is to learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Settings {
    /// Relative frequencies of types.
    Categorical(Categorical),
    /// Mean and covariance.
    Gaussian(Gaussian),
    /// Gaussian components by expectation and maximisation.
    GaussianMixture(GaussianMixture),
    /// A kernel on each draw.
    KernelDensity(KernelDensity),
    /// Least squares on labels of the last model.
    LinearRegression(LinearRegression),
    /// Kneser-Ney on texts of a known language.
    NGram(NGram),
}

impl Settings {
    /// The learner's kind, as the file says it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Categorical(_) => "categorical",
            Self::Gaussian(_) => "gaussian",
            Self::GaussianMixture(_) => "gaussian-mixture",
            Self::KernelDensity(_) => "kernel-density",
            Self::LinearRegression(_) => "linear-regression",
            Self::NGram(_) => "n-gram",
        }
    }

    /// Documents of the human set: the budget that a recipe's shares refer to.
    pub fn draws(&self) -> usize {
        self.sizes().0
    }

    /// Documents that each generation writes, before [`Recipe::writing_budget`](crate::Recipe::writing_budget).
    pub fn writing(&self) -> usize {
        let (draws, writing) = self.sizes();
        writing.unwrap_or(draws)
    }

    fn sizes(&self) -> (usize, Option<usize>) {
        match self {
            Self::Categorical(s) => (s.draws, s.writing),
            Self::Gaussian(s) => (s.draws, s.writing),
            Self::GaussianMixture(s) => (s.draws, s.writing),
            Self::KernelDensity(s) => (s.draws, s.writing),
            Self::LinearRegression(s) => (s.draws, s.writing),
            Self::NGram(s) => (s.draws, s.writing),
        }
    }

    /// Checks every setting's range.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let check = Check { kind: self.kind() };
        if let (_, Some(writing)) = self.sizes() {
            check.at_least("writing", writing, 1)?;
        }
        match self {
            Self::Categorical(s) => s.check(&check),
            Self::Gaussian(s) => s.check(&check),
            Self::GaussianMixture(s) => s.check(&check),
            Self::KernelDensity(s) => s.check(&check),
            Self::LinearRegression(s) => s.check(&check),
            Self::NGram(s) => s.check(&check),
        }
    }

    /// Checks that a sampler acts on this kind of learner: all settings do on `categorical` and `n-gram`, the temperature
    /// on `gaussian`.
    ///
    /// # Errors
    /// [`SettingsError::Sampler`] if not.
    pub fn check_sampling(&self, sampling: &Sampling) -> Result<(), SettingsError> {
        let acts = match self {
            Self::Categorical(_) | Self::NGram(_) => true,
            Self::Gaussian(_) => Sampling { temperature: 1.0, ..*sampling }.is_plain(),
            _ => sampling.is_plain(),
        };
        if acts { Ok(()) } else { Err(SettingsError::Sampler { kind: self.kind() }) }
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
        for kind in ["categorical", "gaussian", "gaussian-mixture", "kernel-density", "linear-regression", "n-gram"] {
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
            ("kind = \"gaussian\"\ndraws = 1", "draws = 1 cannot be learned from: take 2 or more"),
            ("kind = \"gaussian\"\nsampling_bias = -1", "sampling_bias"),
            ("kind = \"gaussian-mixture\"\nfloor = 0", "floor = 0"),
            ("kind = \"gaussian-mixture\"\ncomponents = 9\ndraws = 8", "take 9 or more"),
            ("kind = \"kernel-density\"\nbandwidth = 0.0", "bandwidth = 0"),
            ("kind = \"kernel-density\"\ndimensions = 4\ndraws = 4", "take 5 or more"),
            ("kind = \"linear-regression\"\ndimensions = 10\ndraws = 11", "take 12 or more"),
            ("kind = \"n-gram\"\ndiscount = 1.0", "discount = 1"),
            ("kind = \"n-gram\"\nlength = 0.5", "length = 0.5"),
        ] {
            let message = read(text).unwrap().check().unwrap_err().to_string();
            assert!(message.contains(needle) && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn samplers_act_where_they_can() {
        let cool = Sampling { temperature: 0.8, ..Sampling::default() };
        let cut = Sampling { top_k: Some(3), ..Sampling::default() };
        for (kind, takes) in [
            ("categorical", [true, true]),
            ("n-gram", [true, true]),
            ("gaussian", [true, false]),
            ("gaussian-mixture", [false, false]),
            ("kernel-density", [false, false]),
            ("linear-regression", [false, false]),
        ] {
            let settings = read(&format!("kind = \"{kind}\"")).unwrap();
            assert_eq!([cool, cut].map(|sampling| settings.check_sampling(&sampling).is_ok()), takes, "{kind}");
            assert_eq!(settings.check_sampling(&Sampling::default()), Ok(()));
        }
    }
}
