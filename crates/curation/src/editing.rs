//! `token-editing`: where a model finds a token all but certain, the token is drawn again.
//!
//! *Definition.* Each token whose probability under the prior model, after the tokens before it, is at least
//! `threshold` is drawn anew from that model's `top_k` likeliest tokens at `temperature`; the others stay, and so does
//! the end. All places are drawn given the original text. With `drop`, tokens whose probability is below it are left
//! out, as in a variant of the published code (.001).
//!
//! *Source.* ToEdit, Zhu et al. 2025 (arXiv 2412.14689; published code: .99, 64, 1.5), on human text and once. Here it
//! also goes round: `of = "synthetic"` or `"all"` edits what a generation wrote, which nobody has tried.
//!
//! *Trap.* A token of probability .99 is drawn again as itself nearly always, so few places change (the measure
//! `edited-tokens` says how many), and a change is by its nature an unlikely token: where facts are certain, editing
//! makes them false. Dropping cuts the tail itself: what the prior finds all but impossible, people alone write
//! (`dropped-tokens` is its share). The edited document is no longer what its text says, so this defence is the last of
//! a list.
//!
//! *Cost.* One scoring and one drawing; generation 0's weights as the prior, a human anchor, unless `model =
//! "parent"`.

use corpus::Origin;
use evaluation::Measure;
use evaluation::metric::{DROPPED_TOKENS, EDITED_TOKENS, REDRAWN_TOKENS};
use sampling::Sampling;
use serde::{Deserialize, Serialize};

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Decision, Defence, Parameter, Place, Verdict, Which};
use crate::error::{Error, within};
use crate::perplexity::losses;

/// Which documents are edited, by their label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// All.
    #[default]
    All,
    /// Human ones alone, as published.
    Human,
    /// All but human ones.
    Synthetic,
}

/// Draws certain tokens again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenEditing {
    /// Probability from which on a token is drawn again; 1 edits nothing.
    pub threshold: f64,
    /// From how many of the likeliest tokens.
    pub top_k: usize,
    /// At which temperature.
    pub temperature: f64,
    /// The prior model.
    pub model: Which,
    /// Which documents are edited.
    pub of: Of,
    /// Probability below which a token is dropped; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<f64>,
}

impl Default for TokenEditing {
    fn default() -> Self {
        Self { threshold: 0.99, top_k: 64, temperature: 1.5, model: Which::First, of: Of::All, drop: None }
    }
}

impl TokenEditing {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "token-editing",
        about: "draws again the tokens that a prior model finds all but certain",
        source: "ToEdit, Zhu et al. 2025, arXiv 2412.14689",
        cost: Cost { anchors: &[Anchor::FirstModel], compute: "one scoring of the candidates, one drawing" },
        parameters: &[
            Parameter { name: "threshold", default: "0.99", about: "probability from which on a token is drawn again" },
            Parameter { name: "top_k", default: "64", about: "from how many of the likeliest tokens" },
            Parameter { name: "temperature", default: "1.5", about: "at which temperature" },
            Parameter {
                name: "model",
                default: "\"first\"",
                about: "the prior: \"parent\" or \"first\" (generation 0)",
            },
            Parameter { name: "of", default: "\"all\"", about: "which documents: \"all\", \"human\" or \"synthetic\"" },
            Parameter { name: "drop", default: "", about: "probability below which a token is dropped (0.001)" },
        ],
    };

    fn edits(&self, candidate: &Candidate<'_>) -> bool {
        match self.of {
            Of::All => true,
            Of::Human => candidate.label == Origin::Human,
            Of::Synthetic => candidate.label != Origin::Human,
        }
    }

    /// Where a document is to be edited. Each token has a draw of its own, whether it is used or not, so that another
    /// threshold does not change the draws.
    fn places(&self, candidate: &Candidate<'_>, losses: &[f32], context: &Context<'_>) -> Vec<Place> {
        let certain = -self.threshold.ln();
        let mut stream = candidate.passing(self.name(), context);
        let draws = (0..candidate.ids.len()).map(|position| Place { position, uniform: stream.uniform() });
        draws.filter(|place| self.threshold < 1.0 && f64::from(losses[place.position]) <= certain).collect()
    }
}

impl Defence for TokenEditing {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn needs_transformer(&self) -> bool {
        true
    }

    fn needs_one_model(&self) -> bool {
        true
    }

    fn judges_human(&self) -> bool {
        self.of != Of::Synthetic
    }

    fn check(&self) -> Result<(), Error> {
        let (threshold, temperature) = (self.threshold, self.temperature);
        let fits = threshold > 0.0 && threshold <= 1.0;
        within(fits, self.name(), "threshold", threshold, "a probability above 0.0; 1.0 edits nothing")?;
        within(self.top_k > 0, self.name(), "top_k", self.top_k, "at least 1")?;
        let fits = temperature > 0.0 && temperature.is_finite();
        within(fits, self.name(), "temperature", temperature, "a number above 0.0")?;
        let drop = self.drop.unwrap_or(0.0);
        within((0.0..threshold).contains(&drop), self.name(), "drop", drop, "a probability below the threshold")
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        let mut verdict = Verdict::undefended(candidates.len());
        let which: Vec<usize> = (0..candidates.len()).filter(|&at| self.edits(&candidates[at])).collect();
        if (self.threshold == 1.0 && self.drop.unwrap_or(0.0) == 0.0) || which.is_empty() {
            return Ok(verdict);
        }
        let documents: Vec<Candidate<'_>> = which.iter().map(|&at| candidates[at]).collect();
        let losses = losses(self.name(), self.model, &documents, context)?;
        let places: Vec<Vec<Place>> =
            documents.iter().zip(&losses).map(|(document, losses)| self.places(document, losses, context)).collect();
        let sampling = Sampling { temperature: self.temperature, top_k: Some(self.top_k), ..Sampling::default() };
        let drawn = context.models.redraw(self.model, &documents, &places, &sampling);
        let drawn = drawn.map_err(|what| Error::Models { defence: self.name(), what })?;
        if !drawn.iter().map(Vec::len).eq(places.iter().map(Vec::len)) {
            let what = "the model drew other tokens than it was asked for".to_owned();
            return Err(Error::Models { defence: self.name(), what });
        }
        let (mut tokens, mut again, mut changed, mut dropped) = (0, 0, 0, 0);
        let edits = documents.iter().zip(&losses).zip(places.iter().zip(&drawn));
        for (at, ((document, losses), (places, drawn))) in which.into_iter().zip(edits) {
            let mut ids = document.ids.to_vec();
            places.iter().zip(drawn).for_each(|(place, &token)| ids[place.position] = token);
            tokens += ids.len();
            again += places.len();
            changed += ids.iter().zip(document.ids).filter(|(new, old)| new != old).count();
            if let Some(drop) = self.drop {
                let mut losses = losses.iter();
                let before = ids.len();
                ids.retain(|_| losses.next().is_none_or(|&loss| f64::from(loss) <= -drop.ln()));
                dropped += before - ids.len();
            }
            if ids != document.ids {
                verdict.decisions[at] = Decision { edited: Some(ids), ..Decision::UNDEFENDED };
            }
        }
        let share = |metric, part: usize| Measure::new(metric, part as f64 / tokens.max(1) as f64);
        verdict.measures = vec![share(&REDRAWN_TOKENS, again), share(&EDITED_TOKENS, changed)];
        verdict.measures.extend(self.drop.map(|_| share(&DROPPED_TOKENS, dropped)));
        Ok(verdict)
    }

    fn cost(&self) -> Cost {
        let anchors: &[Anchor] = if self.model == Which::First { &[Anchor::FirstModel] } else { &[] };
        Cost { anchors, ..Self::ABOUT.cost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, human, written};

    #[test]
    fn certain_tokens_are_drawn_again() {
        let documents = [written(0, "x", 0), human(1, "y"), written(2, "z", 0)];
        // In the test's table token t costs t nats: only token 0 is certain. It is drawn again as 9, where the draw is
        // below a half, else as itself.
        let ids = [vec![0, 3, 0, 0, 0, 0, 0, 0], vec![0, 1], vec![2, 3]];
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        let bench = Bench::default();
        let editing = TokenEditing::default();
        let verdict = editing.judge(&candidates, &bench.context()).unwrap();
        let mut draws = candidates[0].passing("token-editing", &bench.context());
        let expected: Vec<u32> =
            ids[0].iter().map(|&id| if draws.uniform() < 0.5 && id == 0 { 9 } else { id }).collect();
        assert_eq!(verdict.decisions[0].edited.as_ref(), Some(&expected));
        assert_eq!(verdict.decisions[2], Decision::UNDEFENDED);
        assert_eq!(verdict.measures[0].value, 8.0 / 12.0);
        let only = TokenEditing { of: Of::Human, ..editing }.judge(&candidates, &bench.context()).unwrap();
        assert_eq!(only.decisions[0], Decision::UNDEFENDED);
        assert_eq!(only.measures[0].value, 1.0 / 2.0);
        // At a lower threshold more is drawn again, but the draws of what was drawn before stay.
        let more = TokenEditing { threshold: 0.01, ..editing }.judge(&candidates, &bench.context()).unwrap();
        let again = more.decisions[0].edited.as_ref().unwrap();
        assert!(again.iter().zip(&expected).enumerate().all(|(at, (a, b))| at == 1 || a == b));
        // Token 3 has a probability of e^-3.
        let dropping = TokenEditing { drop: Some(0.05), ..editing };
        dropping.check().unwrap();
        let dropped = dropping.judge(&candidates, &bench.context()).unwrap();
        let left: Vec<u32> = [&expected[..1], &expected[2..]].concat();
        assert_eq!(dropped.decisions[0].edited.as_ref(), Some(&left));
        assert_eq!(dropped.decisions[2].edited.as_deref(), Some(&[2][..]));
        assert_eq!((dropped.measures[2].metric, dropped.measures[2].value), (&DROPPED_TOKENS, 2.0 / 12.0));
        let none = TokenEditing { drop: Some(0.0), ..editing }.judge(&candidates, &bench.context()).unwrap();
        assert_eq!(none.decisions, verdict.decisions);
        assert!(TokenEditing { drop: Some(0.995), ..editing }.check().is_err());
    }
}
