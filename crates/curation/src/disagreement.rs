//! `disagreement`: keeps, or weighs up, the text on which the models of a generation agree.
//!
//! *Definition.* A generation has M models (`members`), which differ in their first weights and the order of their windows:
//! a deep ensemble. On each token of a document they say p_1 ... p_M; a document's score is the mean over its tokens, the
//! end included, of
//!
//! > ln (Σ_m p_m / M) − Σ_m (ln p_m) / M ≥ 0,
//!
//! which is zero where all say the same. On text that the ensemble writes it estimates the mean over members of KL(mixture ‖
//! member), nats per token. Then `use`:
//! - `filter` keeps the share `keep` of the lowest scores;
//! - `weigh` gives a document of score d (its tokens) the weight e^(-power · d / mean d), scaled to a mean of one; a negative
//!   power prefers what they disagree on.
//!
//! *Source.* The score is the reverse mutual information of Malinin and Gales 2021 (arXiv 2002.07650), summed token by token;
//! deep ensembles: Lakshminarayanan et al. 2017 (arXiv 1612.01474). That it chooses a chain's training text is ours.
//!
//! *Trap.* Models learn the common alike and the rare each in its own way, so agreement cuts the tails, as likelihood does
//! (`perplexity-low`); active learning takes the opposite sign (a negative `power`). Members that have seen the same text
//! share its errors and agree on them. Short documents have the more extreme means.
//!
//! *Cost.* One scoring of the candidates by each member, beside what the members cost; with `model = "first"` generation
//! 0's weights, a human anchor.
//!
//! There is no ensemble by dropout: the transformer has none (nor has Llama), and a mask in every fused kernel would be a
//! second model, not another way of asking this one.

use evaluation::Measure;
use evaluation::metric::DISAGREEMENT;
use evaluation::statistics::log_mean_exp;
use serde::{Deserialize, Serialize};

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Decision, Defence, Parameter, Verdict, Which};
use crate::error::{Error, share, within};
use crate::rank::keep_best;
use crate::resample::scaled;

/// The use of the score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Keeps what the members agree on.
    #[default]
    Filter,
    /// Weighs documents in the loss.
    Weigh,
}

/// Agreement of a generation's models.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disagreement {
    /// The use of the score.
    #[serde(rename = "use")]
    pub used: By,
    /// Share of the documents that the filter keeps.
    pub keep: f64,
    /// How steeply weights fall; 0 makes all equal.
    pub power: f64,
    /// Whose members are asked.
    pub model: Which,
}

impl Default for Disagreement {
    fn default() -> Self {
        Self { used: By::Filter, keep: 0.5, power: 1.0, model: Which::Parent }
    }
}

const COST: &str = "members = 2 or more, and one scoring of the candidates by each";

impl Disagreement {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "disagreement",
        about: "keeps, or weighs up, the text on which a generation's models agree",
        source: "the score: Malinin and Gales 2021, arXiv 2002.07650; deep ensembles: Lakshminarayanan et al. 2017; its use here is ours",
        cost: Cost { anchors: &[], compute: COST },
        parameters: &[
            Parameter { name: "use", default: "\"filter\"", about: "\"filter\" or \"weigh\"" },
            Parameter { name: "keep", default: "0.5", about: "share of the documents that the filter keeps" },
            Parameter { name: "power", default: "1.0", about: "weights e^(-power d / mean d); 0 makes all equal" },
            Parameter {
                name: "model",
                default: "\"parent\"",
                about: "whose members: \"parent\" or \"first\" (generation 0)",
            },
        ],
    };

    fn is_nothing(&self) -> bool {
        match self.used {
            By::Filter => self.keep == 1.0,
            By::Weigh => self.power == 0.0,
        }
    }

    /// Each document's score, nats per token.
    fn scores(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Vec<f64>, Error> {
        let fail = |what: String| Error::Models { defence: self.name(), what };
        let members = context.models.member_losses(self.model, candidates).map_err(fail)?;
        if members.len() < 2 {
            return Err(fail(format!("there is {} model to ask, and one alone agrees with itself", members.len())));
        }
        let of_document = |document: usize| {
            let losses: Vec<&[f32]> =
                members.iter().map(|of| of.get(document).map_or(&[][..], Vec::as_slice)).collect();
            let tokens = losses[0].len();
            let fits = tokens >= candidates[document].ids.len() && losses.iter().all(|of| of.len() == tokens);
            fits.then(|| disagreement(&losses))
                .ok_or_else(|| fail("the models gave losses for other tokens than they were asked about".to_owned()))
        };
        (0..candidates.len()).map(of_document).collect()
    }
}

/// Mean over tokens of the log of the mean probability less the mean of the logs, from each member's losses.
fn disagreement(members: &[&[f32]]) -> f64 {
    let (count, tokens) = (members.len() as f64, members[0].len());
    let of_token = |token: usize| {
        let losses = || members.iter().map(|of| f64::from(of[token]));
        let mixture = -log_mean_exp(losses().map(|loss| -loss));
        (losses().sum::<f64>() / count - mixture).max(0.0)
    };
    (0..tokens).map(of_token).sum::<f64>() / tokens.max(1) as f64
}

impl Defence for Disagreement {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn needs_transformer(&self) -> bool {
        true
    }

    fn needs_members(&self) -> bool {
        true
    }

    fn weighs(&self) -> bool {
        self.used == By::Weigh
    }

    fn most(&self) -> f64 {
        if self.used == By::Filter { self.keep } else { 1.0 }
    }

    fn check(&self) -> Result<(), Error> {
        share(self.name(), "keep", self.keep)?;
        within((-100.0..=100.0).contains(&self.power), self.name(), "power", self.power, "from -100.0 to 100.0")
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        if self.is_nothing() || candidates.is_empty() {
            return Ok(Verdict::undefended(candidates.len()));
        }
        let scores = self.scores(candidates, context)?;
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let mut verdict = match self.used {
            By::Filter => Verdict::keep(keep_best(&scores.iter().map(|score| -score).collect::<Vec<_>>(), self.keep)),
            By::Weigh => {
                // Where all agree on everything, nothing is to be told apart.
                let steep = if mean > 0.0 { self.power / mean } else { 0.0 };
                // Of the largest, so that none is beyond a float; a factor of all falls out.
                let most = scores.iter().map(|score| -steep * score).fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (-steep * score - most).exp()).collect();
                let weights = scaled(&weights);
                let decision = |weight: f64| Decision { weight: weight as f32, ..Decision::UNDEFENDED };
                Verdict { decisions: weights.into_iter().map(decision).collect(), measures: Vec::new() }
            }
        };
        verdict.measures.push(Measure::new(&DISAGREEMENT, mean));
        Ok(verdict)
    }

    fn cost(&self) -> Cost {
        let anchors: &[Anchor] = if self.model == Which::First { &[Anchor::FirstModel] } else { &[] };
        Cost { anchors, compute: COST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::{Models, NoModels, Place};
    use crate::testing::{Bench, written};
    use sampling::Sampling;

    /// Two models: the table of the tests, and one that asks as much of every token as the first token costs.
    struct Two;

    impl Models for Two {
        fn token_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<f32>>, String> {
            crate::testing::Table.token_losses(which, documents)
        }

        fn member_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<Vec<f32>>>, String> {
            let one = self.token_losses(which, documents)?;
            let other = one.iter().map(|losses| vec![losses[0]; losses.len()]).collect();
            Ok(vec![one, other])
        }

        fn redraw(
            &self,
            _: Which,
            _: &[Candidate<'_>],
            _: &[Vec<Place>],
            _: &Sampling,
        ) -> Result<Vec<Vec<u32>>, String> {
            Err("nothing is drawn here".to_owned())
        }
    }

    /// Of two losses.
    fn of_two(a: f64, b: f64) -> f64 {
        ((((-a).exp() + (-b).exp()) / 2.0).ln() + (a + b) / 2.0).max(0.0)
    }

    #[test]
    fn scores_are_the_divergence_from_the_mixture() {
        assert_eq!(disagreement(&[&[2.0, 5.0], &[2.0, 5.0], &[2.0, 5.0]]), 0.0);
        let got = disagreement(&[&[1.0, 2.0, 0.0], &[3.0, 2.0, 1.0]]);
        assert!((got - (of_two(1.0, 3.0) + of_two(0.0, 1.0)) / 3.0).abs() < 1e-15, "{got}");
        // Beyond what a probability can hold.
        assert!((disagreement(&[&[2000.0], &[4000.0]]) - (1000.0 - 2_f64.ln())).abs() < 1e-9);

        // On text that the mixture writes, the mean score is the mean of KL(mixture ‖ member).
        let (p, q) = ([0.5_f64, 0.3, 0.2], [0.2_f64, 0.2, 0.6]);
        let mixture: Vec<f64> = p.iter().zip(&q).map(|(p, q)| (p + q) / 2.0).collect();
        let kl = |member: &[f64]| mixture.iter().zip(member).map(|(m, p)| m * (m / p).ln()).sum::<f64>();
        let score = |token: usize| disagreement(&[&[-p[token].ln() as f32], &[-q[token].ln() as f32]]);
        let mean: f64 = (0..3).map(|token| mixture[token] * score(token)).sum();
        assert!((mean - (kl(&p) + kl(&q)) / 2.0).abs() < 1e-7);
    }

    #[test]
    fn what_members_agree_on_is_kept_or_weighed_up() {
        let documents: Vec<_> = (0..4).map(|i| written(i, "x", 0)).collect();
        // Token t costs the first model t nats and the end nothing; the second every token what the first one costs.
        let ids = [vec![1, 5], vec![0, 0], vec![3, 3, 3, 3], vec![0, 9]];
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        let bench = Bench::default();
        let context = Context { models: &Two, ..bench.context() };
        let scores = [(of_two(5.0, 1.0) + of_two(0.0, 1.0)) / 3.0, 0.0, of_two(0.0, 3.0) / 5.0, of_two(9.0, 0.0) / 3.0];
        let filtered = Disagreement::default().judge(&candidates, &context).unwrap();
        assert_eq!(filtered.decisions.iter().map(|d| d.keep).collect::<Vec<_>>(), [false, true, true, false]);
        let mean = scores.iter().sum::<f64>() / 4.0;
        assert!((filtered.measures[0].value - mean).abs() < 1e-6);

        let weighed = Disagreement { used: By::Weigh, ..Disagreement::default() }.judge(&candidates, &context).unwrap();
        let weights: Vec<f64> = scores.iter().map(|score| (-score / mean).exp()).collect();
        let all: f64 = weights.iter().sum();
        for (decision, weight) in weighed.decisions.iter().zip(&weights) {
            assert!(decision.keep && (f64::from(decision.weight) - 4.0 * weight / all).abs() < 1e-6);
        }
        // However steep: the one on which they disagree most has all the weight.
        let steep = Disagreement { used: By::Weigh, power: -100.0, ..Disagreement::default() };
        let crowd: Vec<_> = (0..20).map(|at| candidates[if at == 0 { 3 } else { 1 }]).collect();
        let weights: Vec<f32> = steep.judge(&crowd, &context).unwrap().decisions.iter().map(|d| d.weight).collect();
        assert!(weights[0] == 20.0 && weights[1..].iter().all(|&weight| weight == 0.0), "{weights:?}");
        let first = Disagreement { model: Which::First, ..Disagreement::default() };
        assert_eq!(first.cost().anchors, &[Anchor::FirstModel][..]);
    }

    #[test]
    fn one_model_does_not_disagree() {
        let (document, bench) = (written(0, "x", 0), Bench::default());
        let candidates = [Candidate::new(&document, &[1])];
        let judge = |models: &dyn Models| {
            let context = Context { models, ..bench.context() };
            Disagreement::default().judge(&candidates, &context).unwrap_err().to_string()
        };
        assert!(judge(&crate::testing::Table).starts_with("disagreement: there is 1 model to ask"));
        assert!(judge(&NoModels).starts_with("disagreement: there is no model here"));
    }
}
