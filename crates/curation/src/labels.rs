//! `filter-by-label`: only what its label calls human is kept.
//!
//! *Definition.* A label is read, nothing else. It may err: a synthetic document passes as human with probability
//! `passes`, a human one is flagged with probability `flagged`, each drawn once for a document and kept with it.
//!
//! *Source.* Labels of origin are what provenance standards promise (C2PA 2.4 and others); what they are worth is
//! Kanabar and Gastpar's question (2026): against any contamination whatever, n unlabelled draws with a human share α
//! are worth n α², n labelled ones n α² Σ_l Q₁(l)²/Q̄(l), with Q₁ the labels of human text and Q̄ those of all
//! ([`effective_share`]); a perfect label makes it n α. That is a minimax: it bounds, it does not predict.
//!
//! *Trap.* What is dropped costs its size. In a loop without bias, the last model's text is information too: there the
//! mixture is worth n α(2-α), more than the n α of a perfect filter. And a chain that replaces has nothing human to
//! keep.
//!
//! *Cost.* The labels: someone must have written them at the source.

use corpus::Origin;
use serde::{Deserialize, Serialize};
use streams::Streams;

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Defence, Parameter, Verdict};
use crate::error::{Error, probability};

/// The error model of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Labels {
    /// Share of text that is not human and passes as human: the detector's false negatives.
    pub passes: f64,
    /// Share of human text that is flagged as synthetic.
    pub flagged: f64,
}

impl Labels {
    /// Writes the labels: the true origins with these errors. A document's label is the same in every generation and
    /// arm.
    pub fn set(&self, candidates: &mut [Candidate<'_>], streams: &Streams) {
        for candidate in candidates {
            let origin = candidate.document.provenance.origin;
            let (error, other) = match origin {
                Origin::Human => (self.flagged, Origin::Synthetic),
                Origin::Assisted | Origin::Synthetic => (self.passes, Origin::Human),
            };
            let errs = candidate.lasting("label", streams).uniform() < error;
            candidate.label = if errs { other } else { origin };
        }
    }
}

/// What a draw is worth against any contamination, as a share of a human draw, where a share `human` of the draws is
/// human: α² Σ_l Q₁(l)²/Q̄(l) over the two labels (L10; Kanabar and Gastpar 2026).
pub fn effective_share(human: f64, labels: Labels) -> f64 {
    let of_label = |of_human: f64, of_other: f64| {
        let all = human * of_human + (1.0 - human) * of_other;
        if all > 0.0 { of_human * of_human / all } else { 0.0 }
    };
    let (called_human, called_other) =
        (of_label(1.0 - labels.flagged, labels.passes), of_label(labels.flagged, 1.0 - labels.passes));
    human * human * (called_human + called_other)
}

/// Keeps what is labelled human.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilterByLabel(pub Labels);

impl FilterByLabel {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "filter-by-label",
        about: "keeps what its label calls human; labels may err",
        source: "labels of origin; their worth: Kanabar and Gastpar 2026",
        cost: Cost { anchors: &[Anchor::Labels], compute: "what it drops" },
        parameters: &[
            Parameter { name: "passes", default: "0.0", about: "share of synthetic text that is labelled human" },
            Parameter { name: "flagged", default: "0.0", about: "share of human text that is labelled synthetic" },
        ],
    };
}

impl Defence for FilterByLabel {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn judges_human(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        self.0.passes
    }

    fn most_human(&self) -> f64 {
        1.0 - self.0.flagged
    }

    fn check(&self) -> Result<(), Error> {
        probability(self.name(), "passes", self.0.passes)?;
        probability(self.name(), "flagged", self.0.flagged)
    }

    fn judge(&self, candidates: &[Candidate<'_>], _: &Context<'_>) -> Result<Verdict, Error> {
        Ok(Verdict::keep(candidates.iter().map(|candidate| candidate.label == Origin::Human)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{human, written};

    /// The table of the literature's notes, to the digits that it gives.
    #[test]
    fn what_labels_are_worth() {
        let worth = |human, passes, flagged| effective_share(human, Labels { passes, flagged });
        assert!((worth(0.1, 1.0, 0.0) - 0.01).abs() < 1e-12, "a label that says nothing");
        assert!((worth(0.1, 0.1, 0.05) - 0.0488).abs() < 5e-5);
        assert!((worth(0.1, 0.01, 0.05) - 0.0868).abs() < 5e-5);
        assert!((worth(0.1, 0.0, 0.0) - 0.1).abs() < 1e-12);
        assert!((worth(0.01, 0.1, 0.05) - 8.3e-4).abs() < 5e-6);
        assert!((worth(0.01, 0.01, 0.05) - 4.65e-3).abs() < 5e-6);
    }

    #[test]
    fn labels_have_the_given_accuracy_and_stay() {
        let labels = Labels { passes: 0.2, flagged: 0.05 };
        let documents: Vec<_> =
            (0..4000).map(|i| if i % 2 == 0 { human(i, "a") } else { written(i, "b", 3) }).collect();
        let mut candidates: Vec<_> = documents.iter().map(|document| Candidate::new(document, &[])).collect();
        labels.set(&mut candidates, &Streams::new(1));
        let share = |of: Origin, called: Origin| {
            let all: Vec<_> = candidates.iter().filter(|c| c.document.provenance.origin == of).collect();
            all.iter().filter(|c| c.label == called).count() as f64 / all.len() as f64
        };
        // Four standard errors of 2,000 draws.
        assert!((share(Origin::Synthetic, Origin::Human) - 0.2).abs() < 4.0 * (0.16_f64 / 2000.0).sqrt());
        assert!((share(Origin::Human, Origin::Synthetic) - 0.05).abs() < 4.0 * (0.0475_f64 / 2000.0).sqrt());
        // Another selection, another order: the same labels.
        let mut again: Vec<_> = documents.iter().rev().step_by(3).map(|d| Candidate::new(d, &[])).collect();
        labels.set(&mut again, &Streams::new(1));
        for (label, again) in candidates.iter().rev().step_by(3).zip(&again) {
            assert_eq!(label.label, again.label);
        }
        // Another chain's name in the id changes nothing.
        let mut other = documents[1].clone();
        (other.id, other.provenance.chain) = ("b/seed-1/3/1".to_owned(), Some("b/seed-1".to_owned()));
        let mut named = documents[1].clone();
        (named.id, named.provenance.chain) = ("a/seed-1/3/1".to_owned(), Some("a/seed-1".to_owned()));
        let draw = |d| Candidate::new(d, &[]).lasting("label", &Streams::new(1)).uniform();
        assert_eq!(draw(&other), draw(&named));
    }
}
