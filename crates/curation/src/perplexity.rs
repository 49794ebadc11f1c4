//! `perplexity-high` and `perplexity-low`: keep the text that surprises a model, or the text that it finds likely.
//!
//! *Definition.* A document's score is its mean loss, nats per token and end, under the parent or generation 0; the
//! share `keep` of the documents with the highest, or the lowest, is kept.
//!
//! *Source.* They contradict each other. Gambetta et al. 2024 (arXiv 2410.12341, "Learning by surprise") keep the
//! highest: what the model has not yet learned carries the tails. Feng et al. 2024 (arXiv 2406.07515) select their own
//! text by its likelihood and keep the lowest: what is likely is more often right.
//!
//! *Trap.* High: nonsense surprises most. Low: it is the temperature lowered by other means, and cuts the tails. Both:
//! short documents have the more extreme means, so either filter changes the lengths.
//!
//! *Cost.* One scoring of the candidates; with `model = "first"` generation 0's weights, a human anchor.

use serde::{Deserialize, Serialize};

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Defence, Parameter, Verdict, Which};
use crate::error::{Error, share};
use crate::rank::keep_best;

/// Settings of both filters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Perplexity {
    /// Share of the documents that is kept.
    pub keep: f64,
    /// Whose losses are taken.
    pub model: Which,
}

impl Default for Perplexity {
    fn default() -> Self {
        Self { keep: 0.5, model: Which::Parent }
    }
}

const COST: &str = "one scoring of the candidates";
const PARAMETERS: &[Parameter] = &[
    Parameter { name: "keep", default: "0.5", about: "share of the documents that is kept" },
    Parameter { name: "model", default: "\"parent\"", about: "whose losses: \"parent\" or \"first\" (generation 0)" },
];

/// Keeps surprising text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerplexityHigh(pub Perplexity);

/// Keeps likely text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerplexityLow(pub Perplexity);

impl PerplexityHigh {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "perplexity-high",
        about: "keeps the text that surprises the model most",
        source: "Gambetta et al. 2024, arXiv 2410.12341 (against Feng et al. 2024)",
        cost: Cost { anchors: &[], compute: COST },
        parameters: PARAMETERS,
    };
}

impl PerplexityLow {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "perplexity-low",
        about: "keeps the text that the model finds most likely",
        source: "Feng et al. 2024, arXiv 2406.07515, selection by the model itself (against Gambetta et al. 2024)",
        cost: Cost { anchors: &[], compute: COST },
        parameters: PARAMETERS,
    };
}

/// Mean loss of each document in nats per token, the end included; 0 of a document without any.
pub(crate) fn mean_losses(
    name: &'static str,
    which: Which,
    candidates: &[Candidate<'_>],
    context: &Context<'_>,
) -> Result<Vec<f64>, Error> {
    Ok(losses(name, which, candidates, context)?.iter().map(|losses| mean(losses)).collect())
}

/// Losses as the models give them, for as many documents as were asked about.
pub(crate) fn losses(
    defence: &'static str,
    which: Which,
    candidates: &[Candidate<'_>],
    context: &Context<'_>,
) -> Result<Vec<Vec<f32>>, Error> {
    let losses = context.models.token_losses(which, candidates).map_err(|what| Error::Models { defence, what })?;
    let fits = |(losses, candidate): (&Vec<f32>, &Candidate<'_>)| losses.len() >= candidate.ids.len();
    if losses.len() == candidates.len() && losses.iter().zip(candidates).all(fits) {
        Ok(losses)
    } else {
        Err(Error::Models { defence, what: "the model gave losses for other tokens than it was asked about".into() })
    }
}

/// The mean, summed in f64 in the tokens' order.
pub(crate) fn mean(losses: &[f32]) -> f64 {
    losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len().max(1) as f64
}

fn judge(
    name: &'static str,
    settings: &Perplexity,
    sign: f64,
    candidates: &[Candidate<'_>],
    context: &Context<'_>,
) -> Result<Verdict, Error> {
    if settings.keep == 1.0 || candidates.is_empty() {
        return Ok(Verdict::undefended(candidates.len()));
    }
    let scores: Vec<f64> =
        mean_losses(name, settings.model, candidates, context)?.iter().map(|loss| sign * loss).collect();
    Ok(Verdict::keep(keep_best(&scores, settings.keep)))
}

fn cost(settings: &Perplexity) -> Cost {
    let anchors: &[Anchor] = if settings.model == Which::First { &[Anchor::FirstModel] } else { &[] };
    Cost { anchors, compute: COST }
}

impl Defence for PerplexityHigh {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn needs_transformer(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        self.0.keep
    }

    fn check(&self) -> Result<(), Error> {
        share(self.name(), "keep", self.0.keep)
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        judge(self.name(), &self.0, 1.0, candidates, context)
    }

    fn cost(&self) -> Cost {
        cost(&self.0)
    }
}

impl Defence for PerplexityLow {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn needs_transformer(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        self.0.keep
    }

    fn check(&self) -> Result<(), Error> {
        share(self.name(), "keep", self.0.keep)
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        judge(self.name(), &self.0, -1.0, candidates, context)
    }

    fn cost(&self) -> Cost {
        cost(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, written};

    #[test]
    fn high_and_low_take_opposite_halves() {
        let documents: Vec<_> = (0..4).map(|i| written(i, "x", 0)).collect();
        let ids = [vec![1, 2], vec![1, 1], vec![2, 2, 2, 2], vec![1]];
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        // Token t costs t nats, the end nothing: means 1, 2/3, 8/5, 1/2.
        let bench = Bench::default();
        let keeps = |verdict: Verdict| verdict.decisions.iter().map(|d| d.keep).collect::<Vec<_>>();
        let high = PerplexityHigh::default().judge(&candidates, &bench.context()).unwrap();
        assert_eq!(keeps(high), [true, false, true, false]);
        let low = PerplexityLow::default().judge(&candidates, &bench.context()).unwrap();
        assert_eq!(keeps(low), [false, true, false, true]);
        let first = PerplexityLow(Perplexity { model: Which::First, ..Perplexity::default() });
        assert_eq!(
            (first.cost().anchors, PerplexityLow::default().cost().anchors.len()),
            (&[Anchor::FirstModel][..], 0)
        );
    }
}
