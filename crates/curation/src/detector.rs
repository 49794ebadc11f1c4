//! `detector`: a classifier of human against written text filters, weighs or resamples.
//!
//! *Definition.* Logistic regression on hashed runs of tokens or bytes, and with `statistics` on the mean and the
//! variance of the parent's losses, learns the human training set against the parent's text anew in each generation,
//! both classes equal. It is fitted twice, on one half of the documents each, and every document is judged by the fit
//! that has not seen it: what is reported (`detector-accuracy`, the mean over the classes, and `detector-auc`) is held
//! out, and a human document that is itself a candidate is not recognised by heart. Then `use`:
//! - `filter` keeps the share `keep` that looks most human;
//! - `weigh` gives each document (its tokens) the weight of its importance, scaled to a mean of one;
//! - `resample` draws copies by that weight, `upsample` times as many as there are documents, none more than `repeats`
//!   times.
//!
//! Importance is `odds`, p/(1-p), or `probability`, p, to the power `power`.
//!
//! *Source.* Drayson, Yilmaz and Lampos 2025 (arXiv 2502.15654). Their code: `use = "resample"`, `weight =
//! "probability"`, `power = 10`, `upsample = 1.5`, `repeats = 3`, with a frozen detector trained on other text. Odds:
//! Grover et al. 2019.
//!
//! *Trap.* It sees what differs on average and not what is missing: types that are lost cannot be drawn. Odds are those
//! against the parent's text; for a human candidate they are too large. Odds are capped (`cap`), since one document of
//! which the detector is sure would outweigh all others. Pieces of one human document may lie in both halves: accuracy
//! on real text flatters a little.
//!
//! *Cost.* The whole human training set, read again in each generation: implicit human supervision. Two fits; with
//! `statistics` a scoring of the human text and the parent's.

use evaluation::Measure;
use evaluation::metric::{DETECTOR_ACCURACY, DETECTOR_AUC};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use streams::item_of_name;

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Decision, Defence, Parameter, Verdict, Which};
use crate::error::{Error, share, within};
use crate::features::{Grams, Row, Units};
use crate::logistic::{Logistic, logistic};
use crate::perplexity::{losses, mean};
use crate::rank::keep_best;
use crate::resample::{copies, scaled};

/// Fits, each on the documents of the others' parts.
const FOLDS: u64 = 2;

/// The use of the detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// Keeps what looks most human.
    #[default]
    Filter,
    /// Weighs documents in the loss.
    Weigh,
    /// Draws copies.
    Resample,
}

/// The definition of a document's importance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// p/(1-p): human text's density over the parent's.
    #[default]
    Odds,
    /// p, as published.
    Probability,
}

/// Human against written text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Detector {
    /// Its use.
    #[serde(rename = "use")]
    pub used: Use,
    /// Share of the documents that the filter keeps.
    pub keep: f64,
    /// The definition of a document's importance.
    pub weight: Weight,
    /// Its power; 0 makes all equal.
    pub power: f64,
    /// The largest odds.
    pub cap: f64,
    /// Copies drawn, for each document there is.
    pub upsample: f64,
    /// Copies of a document at most.
    pub repeats: u32,
    /// The units of runs.
    pub grams: Units,
    /// Units of the shortest runs.
    pub shortest: usize,
    /// Units of the longest runs.
    pub longest: usize,
    /// Binary logarithm of the number of hashed columns.
    pub bits: u32,
    /// True if mean and variance of the parent's losses are columns too.
    pub statistics: bool,
    /// Penalty λ of the squared weights, λ/2 |w|².
    pub l2: f64,
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            used: Use::Filter,
            keep: 0.8,
            weight: Weight::Odds,
            power: 1.0,
            cap: 10.0,
            upsample: 1.5,
            repeats: 3,
            grams: Units::Tokens,
            shortest: 1,
            longest: 3,
            bits: 16,
            statistics: false,
            l2: 1.0,
        }
    }
}

impl Detector {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "detector",
        about: "a classifier of human against written text filters, weighs or resamples",
        source: "Drayson, Yilmaz and Lampos 2025, arXiv 2502.15654; odds: Grover et al. 2019",
        cost: Cost { anchors: &[Anchor::HumanText], compute: "two fits of a linear classifier in each generation" },
        parameters: &[
            Parameter { name: "use", default: "\"filter\"", about: "\"filter\", \"weigh\" or \"resample\"" },
            Parameter { name: "keep", default: "0.8", about: "share of the documents that the filter keeps" },
            Parameter {
                name: "weight",
                default: "\"odds\"",
                about: "importance: \"odds\" p/(1-p) or \"probability\" p",
            },
            Parameter { name: "power", default: "1.0", about: "its power; 0 makes all equal; published: 10 of p" },
            Parameter { name: "cap", default: "10.0", about: "the largest odds" },
            Parameter { name: "upsample", default: "1.5", about: "copies drawn for each document there is" },
            Parameter { name: "repeats", default: "3", about: "copies of a document at most" },
            Parameter { name: "grams", default: "\"tokens\"", about: "runs of \"tokens\" or \"bytes\"" },
            Parameter { name: "shortest", default: "1", about: "units of the shortest runs" },
            Parameter { name: "longest", default: "3", about: "units of the longest runs" },
            Parameter { name: "bits", default: "16", about: "binary logarithm of the number of hashed columns" },
            Parameter { name: "statistics", default: "false", about: "mean and variance of the parent's losses too" },
            Parameter { name: "l2", default: "1.0", about: "penalty of the squared weights" },
        ],
    };

    /// True if these settings leave everything as it is, whatever the detector says.
    fn is_nothing(&self) -> bool {
        match self.used {
            Use::Filter => self.keep == 1.0,
            Use::Weigh => self.power == 0.0,
            Use::Resample => self.power == 0.0 && self.upsample == 1.0 && self.repeats == 1,
        }
    }

    /// Learns human against the parent's text.
    ///
    /// # Errors
    /// Too few documents of a class, or a model that does not answer.
    pub fn learn(&self, context: &Context<'_>) -> Result<Learned, Error> {
        let (human, latest) = (context.human, context.latest);
        let labels: Vec<bool> = human.iter().map(|_| true).chain(latest.iter().map(|_| false)).collect();
        let examples: Vec<Candidate<'_>> = human.iter().chain(latest).copied().collect();
        let folds: Vec<u64> = examples.iter().map(fold).collect();
        for (class, wanted, there) in [("human text", true, human.len()), ("the parent's text", false, latest.len())] {
            let of_fold = |fold| folds.iter().zip(&labels).any(|(&f, &label)| f == fold && label == wanted);
            if !(0..FOLDS).all(of_fold) {
                return Err(Error::TooFew { defence: self.name(), class, there });
            }
        }
        let statistics = if self.statistics { self.statistics(&examples, context)? } else { Vec::new() };
        let scales = statistics.first().map_or(Vec::new(), |first| {
            (0..first.len()).map(|column| Scale::of(statistics.iter().map(|values| values[column]))).collect()
        });
        let rows = self.rows(&examples, &statistics, &scales);
        let fits = (0..FOLDS).into_par_iter().map(|fold| {
            let seen = |at: &usize| folds[*at] != fold;
            let seen: Vec<usize> = (0..rows.len()).filter(seen).collect();
            let of: Vec<&Row> = seen.iter().map(|&at| &rows[at]).collect();
            let labels: Vec<bool> = seen.iter().map(|&at| labels[at]).collect();
            Logistic::fit(&of, &labels, self.hashed().columns() + scales.len(), self.l2)
        });
        let mut learned = Learned { fits: fits.collect(), scales, accuracy: 0.0, auc: 0.0 };
        let held_out: Vec<f64> = folds.iter().zip(&rows).map(|(&fold, row)| learned.by_fold(fold, row)).collect();
        (learned.accuracy, learned.auc) = (accuracy(&held_out, &labels), auc(&held_out, &labels));
        Ok(learned)
    }

    /// The logarithm of the odds that each candidate is human, by the fit that has not seen it.
    ///
    /// # Errors
    /// A model that does not answer.
    pub fn log_odds(
        &self,
        learned: &Learned,
        candidates: &[Candidate<'_>],
        context: &Context<'_>,
    ) -> Result<Vec<f64>, Error> {
        let statistics = if self.statistics { self.statistics(candidates, context)? } else { Vec::new() };
        let rows = self.rows(candidates, &statistics, &learned.scales);
        Ok(candidates.iter().zip(&rows).map(|(c, row)| learned.by_fold(fold(c), row)).collect())
    }

    fn hashed(&self) -> Grams {
        Grams { units: self.grams, shortest: self.shortest, longest: self.longest, bits: self.bits }
    }

    /// Mean and variance of the parent's losses on each document.
    fn statistics(&self, documents: &[Candidate<'_>], context: &Context<'_>) -> Result<Vec<Vec<f64>>, Error> {
        let losses = losses(self.name(), Which::Parent, documents, context)?;
        let of = |losses: &Vec<f32>| {
            let mean = mean(losses);
            let square: f64 = losses.iter().map(|&loss| (f64::from(loss) - mean).powi(2)).sum();
            vec![mean, square / losses.len().max(1) as f64]
        };
        Ok(losses.iter().map(of).collect())
    }

    fn rows(&self, documents: &[Candidate<'_>], statistics: &[Vec<f64>], scales: &[Scale]) -> Vec<Row> {
        let grams = self.hashed();
        let row = |(at, document): (usize, &Candidate<'_>)| {
            let mut row = grams.row(document);
            let further = scales
                .iter()
                .enumerate()
                .map(|(column, scale)| ((grams.columns() + column) as u32, scale.apply(statistics[at][column])));
            row.extend(further);
            row
        };
        documents.par_iter().enumerate().map(row).collect()
    }

    /// Weights of candidates with these odds, not yet scaled.
    fn importance(&self, log_odds: &[f64]) -> Vec<f64> {
        let importance = |&log_odds: &f64| match self.weight {
            Weight::Odds => log_odds.exp().min(self.cap),
            Weight::Probability => logistic(log_odds),
        };
        log_odds.iter().map(|log_odds| importance(log_odds).powf(self.power)).collect()
    }

    /// The decisions about candidates with these odds.
    fn decide(&self, log_odds: &[f64], candidates: &[Candidate<'_>], context: &Context<'_>) -> Vec<Decision> {
        match self.used {
            Use::Filter => Verdict::keep(keep_best(log_odds, self.keep)).decisions,
            Use::Weigh => {
                let weights = scaled(&self.importance(log_odds)).into_iter();
                weights.map(|weight| Decision { weight: weight as f32, ..Decision::UNDEFENDED }).collect()
            }
            Use::Resample => {
                let uniforms = |candidate: &Candidate<'_>| {
                    let mut stream = candidate.passing(self.name(), context);
                    (0..self.repeats).map(|_| stream.uniform()).collect()
                };
                let uniforms: Vec<Vec<f64>> = candidates.iter().map(uniforms).collect();
                let draws = (self.upsample * candidates.len() as f64).round() as usize;
                let copies = copies(&self.importance(log_odds), &uniforms, draws).into_iter();
                copies.map(|copies| Decision { copies, ..Decision::keep_if(copies > 0) }).collect()
            }
        }
    }
}

/// A detector that has learned.
#[derive(Clone, Debug)]
pub struct Learned {
    fits: Vec<Logistic>,
    scales: Vec<Scale>,
    /// Of held-out documents, the share that is told right, mean over the two classes.
    pub accuracy: f64,
    /// The chance that a held-out human document looks more human than one of the parent's.
    pub auc: f64,
}

impl Learned {
    fn by_fold(&self, fold: u64, row: &Row) -> f64 {
        self.fits[fold as usize].log_odds(row)
    }
}

/// Mean and standard deviation of a column.
#[derive(Clone, Copy, Debug)]
struct Scale {
    mean: f64,
    deviation: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        Self { mean, deviation: if variance > 0.0 { variance.sqrt() } else { 1.0 } }
    }

    fn apply(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// The part that a document belongs to, by its name and the generation that it is of. The name of its chain has no part in
/// it: that is a hash of settings and code versions, and folds would change with any of them.
fn fold(candidate: &Candidate<'_>) -> u64 {
    let generation =
        candidate.document.provenance.generation.map_or(String::new(), |generation| generation.to_string());
    item_of_name(&format!("fold\0{generation}\0{}", candidate.id())) % FOLDS
}

/// The share of each class whose odds fall on its side, averaged over the classes.
fn accuracy(log_odds: &[f64], labels: &[bool]) -> f64 {
    let of_class = |wanted: bool| {
        let of: Vec<bool> = (log_odds.iter().zip(labels))
            .filter(|&(_, &label)| label == wanted)
            .map(|(&odds, _)| (odds > 0.0) == wanted)
            .collect();
        of.iter().filter(|&&right| right).count() as f64 / of.len() as f64
    };
    0.5 * (of_class(true) + of_class(false))
}

/// The area under the receiver operating characteristic; ties count half.
fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut below, mut won) = (0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let positive = tied.iter().filter(|&&at| labels[at]).count() as f64;
        let negative = tied.len() as f64 - positive;
        won += positive * (below + 0.5 * negative);
        below += negative;
    }
    won / (below * (scores.len() as f64 - below))
}

impl Defence for Detector {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn needs_transformer(&self) -> bool {
        self.statistics
    }

    fn weighs(&self) -> bool {
        self.used == Use::Weigh
    }

    fn most(&self) -> f64 {
        match self.used {
            Use::Filter => self.keep,
            Use::Weigh => 1.0,
            Use::Resample => self.upsample,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let name = self.name();
        share(name, "keep", self.keep)?;
        within(self.power >= 0.0 && self.power.is_finite(), name, "power", self.power, "a number, 0.0 or more")?;
        within(self.cap > 0.0, name, "cap", self.cap, "a number above 0.0 (inf for none)")?;
        within((1..=1000).contains(&self.repeats), name, "repeats", self.repeats, "from 1 to 1000")?;
        let fits = self.upsample > 0.0 && self.upsample <= f64::from(self.repeats);
        within(fits, name, "upsample", self.upsample, "a number above 0.0 and no more than repeats")?;
        within((1..=64).contains(&self.shortest), name, "shortest", self.shortest, "from 1 to 64")?;
        let fits = (self.shortest..=64).contains(&self.longest);
        within(fits, name, "longest", self.longest, "at least as many as shortest, and at most 64")?;
        within((4..=24).contains(&self.bits), name, "bits", self.bits, "from 4 to 24")?;
        within(self.l2 > 0.0 && self.l2.is_finite(), name, "l2", self.l2, "a number above 0.0")
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        if self.is_nothing() || candidates.is_empty() {
            return Ok(Verdict::undefended(candidates.len()));
        }
        let learned = self.learn(context)?;
        let log_odds = self.log_odds(&learned, candidates, context)?;
        let measures =
            vec![Measure::new(&DETECTOR_ACCURACY, learned.accuracy), Measure::new(&DETECTOR_AUC, learned.auc)];
        Ok(Verdict { decisions: self.decide(&log_odds, candidates, context), measures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, human};

    #[test]
    fn accuracy_and_area() {
        let (scores, labels) = ([3.0, 1.0, 1.0, -2.0, -1.0], [true, true, false, false, true]);
        // Two of three, one of two.
        assert!((accuracy(&scores, &labels) - 0.5 * (2.0 / 3.0 + 0.5)).abs() < 1e-12);
        // Six pairs: 3 beats both, 1 ties and beats, -1 beats -2 and loses: 4.5.
        assert!((auc(&scores, &labels) - 4.5 / 6.0).abs() < 1e-12);
    }

    /// Where importance is raised to nothing, it does not matter what the detector says: to the bit, without the short
    /// cut that asks nobody.
    #[test]
    fn a_power_of_nothing_is_nothing() {
        let documents: Vec<_> = (0..9).map(|i| human(i, "a")).collect();
        let candidates: Vec<_> = documents.iter().map(|document| Candidate::new(document, &[])).collect();
        let log_odds: Vec<f64> = (0..9).map(|i| f64::from(i) * 1.7 - 5.0).collect();
        let bench = Bench::default();
        for used in [Use::Weigh, Use::Resample] {
            for weight in [Weight::Odds, Weight::Probability] {
                let nothing = Detector { used, weight, power: 0.0, upsample: 1.0, repeats: 1, ..Detector::default() };
                let decisions = nothing.decide(&log_odds, &candidates, &bench.context());
                assert_eq!(decisions, vec![Decision::UNDEFENDED; 9]);
            }
        }
        let all = Detector { keep: 1.0, ..Detector::default() };
        assert_eq!(all.decide(&log_odds, &candidates, &bench.context()), vec![Decision::UNDEFENDED; 9]);
    }

    #[test]
    fn importance_is_capped_and_raised() {
        let detector = Detector { cap: 4.0, power: 2.0, ..Detector::default() };
        let log_odds = [0.0, 2.0_f64.ln(), 700.0, -800.0];
        for (weight, exact) in detector.importance(&log_odds).into_iter().zip([1.0, 4.0, 16.0, 0.0]) {
            assert!((weight - exact).abs() < 1e-12);
        }
        let published = Detector { weight: Weight::Probability, power: 10.0, ..detector };
        assert!((published.importance(&log_odds)[1] - (2.0_f64 / 3.0).powi(10)).abs() < 1e-12);
    }
}
