//! `verifier`: the best of what was written is kept, as an oracle, an erring oracle or the model itself judges.
//!
//! *Definition.* By `oracle`: a document is good if it is one of the world's language, whole and true in all it says. A
//! good one passes with probability `sensitivity` (φ), a bad one is rejected with probability `specificity` (1 - ψ),
//! drawn once for a document. Without `keep`, what passes is kept. With it, the best share is: what passes, then the
//! rest by its share of true sentences. By `model`: the share `keep` with the least mean loss. Best of n is `keep =
//! 1/n` where the arm writes n times its budget.
//!
//! *Source.* Feng et al. 2024 (arXiv 2406.07515; keep 12.5 %): with a share p of wrong text the loop recovers as long
//! as p < p* = 1/(1 + ψ/φ) (L12, [`breakdown`]; asymptotic). Yi et al. 2025 (arXiv 2510.16657), Amin et al. 2025 (arXiv
//! 2502.08924), Ferbach et al. 2024 (arXiv 2407.09499): in the long run the loop learns the verifier, not the language.
//!
//! *Trap.* Truth is not all: what is true, short and frequent passes more easily than what is rare and long, so a
//! perfect oracle narrows the language too. The model's own verdict is `perplexity-low` under another name.
//!
//! *Cost.* The truth, which real text does not have; n times the writing.

use serde::{Deserialize, Serialize};
use world::{Judgement, World};

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Defence, Parameter, Verdict, Which};
use crate::error::{Error, probability, share, within};
use crate::perplexity::mean_losses;
use crate::rank::keep_best;

/// The verifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The world's parser and facts.
    #[default]
    Oracle,
    /// The likelihood under a model.
    Model,
}

/// The score of what passes the oracle: above any share of true sentences.
const PASSED: f64 = 2.0;

/// Keeps what a verifier finds good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verifier {
    /// The verifier.
    pub by: By,
    /// Share of the good that passes the oracle, φ.
    pub sensitivity: f64,
    /// Share of the bad that the oracle rejects, 1 - ψ.
    pub specificity: f64,
    /// Share of the documents that is kept; what passes, if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<f64>,
    /// The model that verifies, where one does.
    pub model: Which,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { by: By::Oracle, sensitivity: 1.0, specificity: 1.0, keep: None, model: Which::Parent }
    }
}

/// The share of wrong text up to which what passes is mostly right: p* = 1/(1 + ψ/φ), at which p ψ = (1-p) φ.
pub fn breakdown(sensitivity: f64, specificity: f64) -> f64 {
    1.0 / (1.0 + (1.0 - specificity) / sensitivity)
}

/// The share of a text's sentences that are true.
pub fn true_sentences(world: &World, text: &str) -> f64 {
    let judged = world.judge(text);
    let good = judged.iter().filter(|sentence| sentence.judgement == Judgement::True).count();
    good as f64 / judged.len().max(1) as f64
}

impl Verifier {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "verifier",
        about: "keeps what an oracle, an erring oracle or the model itself finds good; best of n",
        source: "Feng et al. 2024, arXiv 2406.07515; Yi et al. 2025; Amin et al. 2025; Ferbach et al. 2024",
        cost: Cost { anchors: &[Anchor::Truth], compute: "n times the writing for the best of n" },
        parameters: &[
            Parameter {
                name: "by",
                default: "\"oracle\"",
                about: "\"oracle\" (a world's truth) or \"model\" (likelihood)",
            },
            Parameter { name: "sensitivity", default: "1.0", about: "share of the good that passes the oracle" },
            Parameter { name: "specificity", default: "1.0", about: "share of the bad that the oracle rejects" },
            Parameter { name: "keep", default: "", about: "share that is kept, the best first; left out: what passes" },
            Parameter {
                name: "model",
                default: "\"parent\"",
                about: "the model that verifies: \"parent\" or \"first\"",
            },
        ],
    };

    /// True if the oracle lets a document pass.
    fn passes(&self, good: bool, candidate: &Candidate<'_>, context: &Context<'_>) -> bool {
        let chance = if good { self.sensitivity } else { 1.0 - self.specificity };
        candidate.lasting("verifier", context.streams).uniform() < chance
    }

    /// By the oracle: [`PASSED`], or the share of true sentences. By the model: the mean loss, less being better.
    fn scores(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Vec<f64>, Error> {
        if self.by == By::Model {
            let losses = mean_losses(self.name(), self.model, candidates, context)?;
            return Ok(losses.iter().map(|loss| -loss).collect());
        }
        let world = context.world.ok_or(Error::NoWorld(self.name()))?;
        let score = |candidate: &Candidate<'_>| {
            let document = candidate.document;
            let good = !document.truncated && world.parse(&document.text).is_ok();
            if self.passes(good, candidate, context) { PASSED } else { true_sentences(world, &document.text) }
        };
        Ok(candidates.iter().map(score).collect())
    }
}

impl Defence for Verifier {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn needs_transformer(&self) -> bool {
        self.by == By::Model
    }

    fn most(&self) -> f64 {
        self.keep.unwrap_or(1.0)
    }

    fn check(&self) -> Result<(), Error> {
        probability(self.name(), "sensitivity", self.sensitivity)?;
        probability(self.name(), "specificity", self.specificity)?;
        let missing = self.by == By::Model && self.keep.is_none();
        within(
            !missing,
            self.name(),
            "keep",
            "nothing",
            "by = \"model\" keeps the best share: say which, as keep = 0.125",
        )?;
        self.keep.map_or(Ok(()), |keep| share(self.name(), "keep", keep))
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        if self.keep == Some(1.0) || candidates.is_empty() {
            return Ok(Verdict::undefended(candidates.len()));
        }
        let scores = self.scores(candidates, context)?;
        Ok(match self.keep {
            Some(keep) => Verdict::keep(keep_best(&scores, keep)),
            None => Verdict::keep(scores.into_iter().map(|score| score == PASSED)),
        })
    }

    fn cost(&self) -> Cost {
        let anchors: &[Anchor] = match (self.by, self.model) {
            (By::Oracle, _) => &[Anchor::Truth],
            (By::Model, Which::First) => &[Anchor::FirstModel],
            (By::Model, Which::Parent) => &[],
        };
        Cost { anchors, ..Self::ABOUT.cost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, village, written};

    #[test]
    fn an_oracle_knows_the_grammar_and_the_facts() {
        let world = village();
        let home = |person: usize| world.values(0)[world.truth(person, 0)].clone();
        let (ada, bo) = (&world.persons()[0], &world.persons()[1]);
        let lie = world.values(0).iter().find(|value| **value != home(0)).unwrap();
        let texts = [
            format!("{ada} lives in {}.", home(0)),
            format!("{ada} lives in {lie}."),
            format!("{bo} lives in {}. {bo} lives in.", home(1)),
            "Nothing of the kind.".to_owned(),
        ];
        let mut documents: Vec<_> = texts.iter().enumerate().map(|(i, text)| written(i, text, 0)).collect();
        documents.push(written(9, &texts[0], 0));
        documents[4].truncated = true;
        let candidates: Vec<_> = documents.iter().map(|document| Candidate::new(document, &[])).collect();
        let bench = Bench { world: Some(&world), ..Bench::default() };
        let keeps = |keep: Option<f64>| {
            let verdict = Verifier { keep, ..Verifier::default() }.judge(&candidates, &bench.context()).unwrap();
            verdict.decisions.iter().map(|d| d.keep).collect::<Vec<_>>()
        };
        assert_eq!(keeps(None), [true, false, false, false, false]);
        // Then what is true as far as it goes, then what is half true.
        assert_eq!(keeps(Some(0.4)), [true, false, false, false, true]);
        assert_eq!(keeps(Some(0.6)), [true, false, true, false, true]);
        let nowhere = Bench::default();
        assert_eq!(Verifier::default().judge(&candidates, &nowhere.context()), Err(Error::NoWorld("verifier")));
    }
}
