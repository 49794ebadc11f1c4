//! `over-represented`: documents that hold what models write too often weigh less.
//!
//! *Definition.* The log-odds of each run of `size` tokens, parent's text against human text, shrunk towards both
//! together by `prior` counts ([`crate::targeted::log_odds`]); a document's weight is e^{-strength · m}, m the mean over
//! its runs of those that are positive beyond doubt, scaled to a mean of one ([`crate::targeted::weights_against`]).
//!
//! *Source.* Log-odds: Monroe, Colaresi and Quinn 2008 ("Fightin' words"). As a defence, ours: the other side of
//! targeted synthesis.
//!
//! *Trap.* A weight is a learning rate: what weighs little is learned less, and not unlearned. What the model has lost
//! has no document to be weighed up.
//!
//! *Cost.* A count of both texts; the human training set, read anew in every generation.

use evaluation::Measure;
use evaluation::metric::LEAST_WEIGHT;
use serde::{Deserialize, Serialize};

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Decision, Defence, Parameter, Verdict};
use crate::error::{Error, within};
use crate::targeted::{count_grams, log_odds, weights_against};

/// Weighs documents against what is over-represented.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverRepresented {
    /// Factor of the mean log-odds; 0 weighs nothing.
    pub strength: f64,
    /// Tokens of a run.
    pub size: usize,
    /// Counts of the prior, of all runs together.
    pub prior: f64,
}

impl Default for OverRepresented {
    fn default() -> Self {
        Self { strength: 1.0, size: 2, prior: 1000.0 }
    }
}

impl OverRepresented {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "over-represented",
        about: "weighs documents down for the runs that models write more often than people",
        source: "ours, by the log-odds of Monroe, Colaresi and Quinn 2008",
        cost: Cost { anchors: &[Anchor::HumanText], compute: "a count of both texts" },
        parameters: &[
            Parameter { name: "strength", default: "1.0", about: "factor of the mean log-odds; 0.0 weighs nothing" },
            Parameter { name: "size", default: "2", about: "tokens of a run" },
            Parameter {
                name: "prior",
                default: "1000.0",
                about: "counts of the prior: more call less over-represented",
            },
        ],
    };
}

impl Defence for OverRepresented {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn weighs(&self) -> bool {
        self.strength != 0.0
    }

    fn check(&self) -> Result<(), Error> {
        let Self { strength, size, prior } = *self;
        let fits = strength >= 0.0 && strength.is_finite();
        within(fits, self.name(), "strength", strength, "a number from 0.0 (weighs nothing)")?;
        within((1..=64).contains(&size), self.name(), "size", size, "from 1 to 64 tokens")?;
        within(prior > 0.0 && prior.is_finite(), self.name(), "prior", prior, "a number above 0.0")
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        let mut verdict = Verdict::undefended(candidates.len());
        if self.strength == 0.0 || candidates.is_empty() {
            return Ok(verdict);
        }
        let counts = |text: &[Candidate<'_>]| count_grams(text.iter().map(|candidate| candidate.ids), self.size);
        let odds = log_odds(&counts(context.human), &counts(context.latest), self.prior);
        let documents: Vec<&[u32]> = candidates.iter().map(|candidate| candidate.ids).collect();
        let weights = weights_against(&documents, &odds, self.size, self.strength);
        let least = weights.iter().copied().fold(f64::INFINITY, f64::min);
        for (decision, weight) in verdict.decisions.iter_mut().zip(weights) {
            *decision = Decision { weight: weight as f32, ..Decision::UNDEFENDED };
        }
        verdict.measures = vec![Measure::new(&LEAST_WEIGHT, least)];
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, human, written};

    #[test]
    fn a_tic_weighs_less() {
        let people = human(0, "a");
        let model = written(0, "a", 0);
        // People say 1 and 2 equally often; the model says 2 three times as often.
        let (even, tic): (Vec<u32>, Vec<u32>) = ((0..800).map(|i| 1 + i % 2).collect(), vec![1; 200]);
        let tic: Vec<u32> = tic.into_iter().chain(vec![2; 600]).collect();
        let texts = [Candidate::new(&people, &even), Candidate::new(&model, &tic)];
        let bench = Bench { human: vec![texts[0]], latest: vec![texts[1]], ..Bench::default() };
        let offered =
            [Candidate::new(&model, &[1, 1]), Candidate::new(&model, &[2, 2]), Candidate::new(&model, &[1, 2])];
        let settings = OverRepresented { strength: 0.5, size: 1, prior: 100.0 };
        let verdict = settings.judge(&offered, &bench.context()).unwrap();
        let weight = |at: usize| f64::from(verdict.decisions[at].weight);
        // Token 2: 600 and 400 of 800, with 62.5 of the prior's 100 more each; token 1 the other way round.
        let delta = (662.5_f64 / 237.5).ln() - (462.5_f64 / 437.5).ln();
        assert!((weight(1) / weight(0) - (-0.5 * delta).exp()).abs() < 1e-6);
        assert!((weight(2) / weight(0) - (-0.25 * delta).exp()).abs() < 1e-6);
        assert!((weight(0) + weight(1) + weight(2) - 3.0).abs() < 1e-6);
        assert_eq!(verdict.measures[0].value as f32, verdict.decisions[1].weight);
        assert!(verdict.decisions.iter().all(|decision| decision.keep && decision.copies == 1));
    }
}
