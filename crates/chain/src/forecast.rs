//! Forecasts: what a chain has lost after a number of generations, from word frequencies alone.
//!
//! Types are grouped by frequency ([`Frequencies`]), and for each group the branching law says how many draws of it a
//! model will hold ([`crate::laws::survival`]). Nothing is simulated, so 10¹² tokens of 10⁹ types take less than a
//! second.
//!
//! ```
//! use chain::forecast::{Forecast, Frequencies, Level};
//! use chain::laws::{Human, Regime};
//!
//! let words = Frequencies::zipf(1.0, 2.7, 1_000_000_000)?;
//! let alone = Forecast::new(&words, 1e10, Regime::Replace)?;
//! let (first, last) = (alone.generation(0), alone.generation(9));
//! assert!(last.types < 0.9 * first.types && last.entropy < first.entropy);
//!
//! // New human text holds the vocabulary with a smaller share than the same human text again and again does.
//! let share = |human| alone.human_share(human, Level::Types, 0.95, 9);
//! assert!(share(Human::Fresh)? < share(Human::Anchor)?);
//! # Ok::<(), chain::forecast::ForecastError>(())
//! ```

mod frequencies;

pub use frequencies::Frequencies;

use serde::Serialize;

use crate::laws::{Human, Lineage, Regime};

/// What every forecast takes for granted; whoever shows one shows these.
pub const ASSUMPTIONS: &[&str] = &[
    "Each model draws its words independently, at temperature 1, with the very frequencies that it was trained on: what is \
     lost is lost to sampling alone. A real model loses more by what it learns badly, and much more if it is sampled cool.",
    "The given frequencies are the truth: words that they do not hold do not exist.",
    "Words that come in runs (a document stays with its subject) count as one draw a run: give the runs' mean length.",
    "Counts are a branching process with Poisson's offspring: exact for rare words, and never too hopeful of a word's survival. \
     With a hundred times as many draws as generations, expected types, masses and entropies are within 1 %.",
    "All generations read as many draws. Human shares are exact counts; `fresh` is human text that nobody has read before, \
     `pool` is drawn anew from generation 0's human set, `anchor` is the same part of it each time.",
    "Nobody knows which text is human. What labels of origin are worth is a law about the worst contamination; it contradicts \
     the law of fresh text and is no part of this.",
];

/// An invalid input of a forecast.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForecastError {
    /// No type has a frequency.
    #[error("there are no words to count: give a text that has some")]
    NoTypes,

    /// A parameter of Zipf's law that gives no frequencies.
    #[error("Zipf's {name} = {value}: it has to be {allowed}")]
    Zipf {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What may be given.
        allowed: &'static str,
    },

    /// Less than one draw a generation, or not a number.
    #[error("{draws} draws a generation: there has to be at least one, and at most 1e15")]
    Draws {
        /// What was given.
        draws: f64,
    },

    /// A share outside 0 to 1, or not a number.
    #[error("a share of {share}: shares lie between 0 and 1")]
    Share {
        /// What was given.
        share: f64,
    },
}

/// A model, as it is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// Its generation.
    pub generation: u32,
    /// Types that it can write.
    pub types: f64,
    /// The probability, under the truth, of what it can no longer write.
    pub missing_mass: f64,
    /// Entropy of its frequencies in nats.
    pub entropy: f64,
}

/// A quantity that is to be held, as a share of what generation 0 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The number of types.
    Types,
    /// The probability, under the truth, of what can be written.
    Mass,
    /// Entropy.
    Entropy,
}

/// Frequencies, draws and a regime.
#[derive(Clone, Copy, Debug)]
pub struct Forecast<'a> {
    frequencies: &'a Frequencies,
    draws: f64,
    regime: Regime,
}

impl<'a> Forecast<'a> {
    /// Chains of `draws` draws in each generation (tokens, over the mean length of a run).
    ///
    /// # Errors
    /// [`ForecastError::Draws`] or [`ForecastError::Share`] if one is out of its range.
    pub fn new(frequencies: &'a Frequencies, draws: f64, regime: Regime) -> Result<Self, ForecastError> {
        if !(1.0..=1e15).contains(&draws) {
            return Err(ForecastError::Draws { draws });
        }
        match regime {
            Regime::Mixture(_, share) if !(0.0..=1.0).contains(&share) => Err(ForecastError::Share { share }),
            _ => Ok(Self { frequencies, draws, regime }),
        }
    }

    /// What model `generation` is expected to be.
    pub fn generation(&self, generation: u32) -> Expected {
        Expected {
            generation,
            types: self.types(generation),
            missing_mass: self.unseen(Lineage::seen(self.regime, 1.0, generation).all()),
            entropy: self.entropy(generation),
        }
    }

    /// What is to be held.
    fn level(&self, level: Level, generation: u32) -> f64 {
        match level {
            Level::Types => self.types(generation),
            Level::Mass => 1.0 - self.unseen(Lineage::seen(self.regime, 1.0, generation).all()),
            Level::Entropy => self.entropy(generation),
        }
    }

    /// Types of which something is there.
    fn types(&self, generation: u32) -> f64 {
        let lineage = Lineage::seen(self.regime, 1.0, generation).all();
        self.frequencies.sum(|p| -(-self.draws * p * lineage).exp_m1())
    }

    /// The probability under the truth of all types of which nothing is seen.
    fn unseen(&self, lineage: f64) -> f64 {
        self.frequencies.sum(|p| p * (-self.draws * p * lineage).exp())
    }

    /// E of the model's entropy. *Approximation*.
    ///
    /// With X_i for the draws of type i among N, the entropy is ln N - (1/N) Σ X ln X. By Frullani, ln x = ∫ (e^(-s) -
    /// e^(-sx)) ds/s, so
    ///
    /// E X ln X = ∫ (e^(-s) E X - E X e^(-sX)) ds/s,
    ///
    /// and the second mean is the slope of X's Laplace transform exp(-np A(s)), of which [`Lineage`] knows A: the
    /// legacy that is seen if each draw is looked at with chance 1 - e^(-s). Over all types the integrand is
    ///
    /// e^(-s) [1 - A'(s)/A'(0) Σ p e^(-npA)],
    ///
    /// in which A' is the slope by that chance. In ln s it is smooth, and steps of 0.2 are exact to ten digits.
    /// Branching lets N vary, by its relative variance v/N; given N, entropy is v/(2N) higher.
    fn entropy(&self, generation: u32) -> f64 {
        const STEP: f64 = 0.2;
        /// Where e^(-s) is nothing.
        const LAST: f64 = 4.0;
        let batches = if self.regime == Regime::Accumulate { f64::from(generation) + 1.0 } else { 1.0 };
        // Where not even the commonest type is seen.
        let first = -(self.draws * self.frequencies.largest() + f64::from(generation) + 2.0).ln() - 23.0;
        let nodes = ((LAST - first) / STEP).ceil() as usize;
        let at = |node: usize| {
            let s = (first + STEP * node as f64).exp();
            let seen = Lineage::seen(self.regime, -(-s).exp_m1(), generation);
            (-s).exp() * (1.0 - seen.slope / batches * self.unseen(seen.all()))
        };
        let integral = STEP * (0..=nodes).map(at).sum::<f64>();
        let n = self.draws * batches;
        (n.ln() - integral + self.spread(generation) / (2.0 * n)).max(0.0)
    }

    /// v: the variance of a type's draws over their mean, from A(s)/A'(0) = s - v s²/2 + ...
    fn spread(&self, generation: u32) -> f64 {
        let s = 1e-5 / (f64::from(generation) + 1.0);
        let batches = if self.regime == Regime::Accumulate { f64::from(generation) + 1.0 } else { 1.0 };
        let seen = Lineage::seen(self.regime, -(-s).exp_m1(), generation).all() / batches;
        2.0 * (s - seen) / (s * s)
    }

    /// The least share of human text of this kind with which model `generation` still has the share `hold` of what
    /// model 0 has; by bisection to one in a million, for the level rises with the share. Of the forecast's own regime
    /// only frequencies and draws count.
    ///
    /// # Errors
    /// [`ForecastError::Share`] if `hold` is no share.
    pub fn human_share(&self, human: Human, level: Level, hold: f64, generation: u32) -> Result<f64, ForecastError> {
        if !(0.0..=1.0).contains(&hold) {
            return Err(ForecastError::Share { share: hold });
        }
        let at = |share: f64, generation: u32| {
            Self { regime: Regime::Mixture(human, share), ..*self }.level(level, generation)
        };
        let least = hold * at(1.0, 0);
        if at(0.0, generation) >= least {
            return Ok(0.0);
        }
        let (mut short, mut enough) = (0.0, 1.0);
        while enough - short > 1e-6 {
            let middle = (short + enough) / 2.0;
            *(if at(middle, generation) >= least { &mut enough } else { &mut short }) = middle;
        }
        Ok(enough)
    }
}
