//! Verdicts: has it collapsed, and in which of the eight senses of the word?
//!
//! *Definition.* Schaeffer et al. (2025, "Position: Model Collapse Does Not Mean What You Think") count eight definitions of
//! model collapse in the literature. Each is here a predicate of what was measured over seeds, with Δ for an arm's test loss
//! less that of the same seed and generation of its control, which refits human text, and K for the last generation:
//!
//! | definition | predicate |
//! |---|---|
//! | catastrophic increase of risk | lower bound of Δ_K / (loss of the unigram model − loss_0) > 0.5 |
//! | any increase of risk | lower bound of Δ_K > 0.01 nats |
//! | diverging risk | K ≥ 12, lower bounds of late slope > 0 and late slope − 0.5 · early slope > 0: consistent with it, no more |
//! | changed scaling | four budgets or more: slope of log excess on log budget less the control's, lower bound > 0 |
//! | collapsing variance | upper bound of the ratio of Hill-1 numbers to human text's < 0.9; of a Gaussian, of the slope of log variance < 0 |
//! | entangled modes | lower bound of the share of documents that mix styles > twice the human share |
//! | lost tail | upper bound of the lowest band's coverage, as a ratio to a reference sample's, < 0.9 |
//! | invented data | lower bound of (invented + false + ungrammatical sentences − generation 0's) > 0.01 |
//!
//! Bounds are Student's, 95 % two-sided, over seeds. *Yes* if the predicate holds, with Holm's correction over the arms that
//! are asked the same; *no* if the opposite bound refutes it as surely; else *undetermined*, as with fewer than five seeds;
//! *unmeasured* if the rows are not there. All limits are [`Thresholds`].
//!
//! *Trap.* "No" says that the damage is below the threshold, not that there is none. Definitions without Δ (variance, modes,
//! tail) measure a generation against human text, so a model too small to learn the tail has lost it in generation 0, and
//! so has the control: read an arm's verdict beside the control's. A chain that broke off has no loss; verdicts are on the
//! last generation that most seeds reached, and on those seeds.
//!
//! ```
//! use evaluation::Dimensions;
//! use evaluation::metric::TEST_LOSS;
//! use evaluation::verdicts::{Answer, Arm, Definition, Observations, Row, Thresholds, judge};
//!
//! // Five seeds: the arm's loss climbs by a tenth of a nat a generation, the control's stays.
//! let mut rows = Vec::new();
//! for seed in 0..5 {
//!     for generation in 0..4 {
//!         for (arm, climb) in [("replace", 0.1), ("human-refit", 0.0)] {
//!             let value = 3.0 + 0.01 * (seed * 7 % 5) as f64 + climb * f64::from(generation);
//!             rows.push(Row { arm, seed, generation, metric: &TEST_LOSS, dimensions: &Dimensions::NONE, value });
//!         }
//!     }
//! }
//! let arms = [Arm::new("replace").against("human-refit"), Arm::new("human-refit")];
//! let verdicts = judge(&rows.into_iter().collect::<Observations>(), &arms, &Thresholds::default());
//! let found = verdicts.iter().find(|v| v.arm == "replace" && v.definition == Definition::AnyIncrease).unwrap();
//! assert_eq!((found.answer, found.since), (Answer::Yes, Some(1)));
//! ```

mod damage;
mod differences;
mod judge;
mod observations;
mod predicates;

use crate::statistics::Sample;

pub use damage::{Step, damage};
pub use differences::{Difference, differences};
pub use judge::judge;
pub use observations::{Observations, Row};

/// An arm and what it is held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Its name in the rows.
    pub name: String,
    /// The arm that refits human text in its place; none of a control itself, or where there is none.
    pub control: Option<String>,
    /// Where arms differ in how much text or compute they have: the name of the series that the arm belongs to, and its
    /// budget there.
    pub budget: Option<(String, f64)>,
}

impl Arm {
    /// An arm without control and budget.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), control: None, budget: None }
    }

    /// The same, held against `control`.
    pub fn against(self, control: impl Into<String>) -> Self {
        Self { control: Some(control.into()), ..self }
    }
}

/// The limits of the predicates; the defaults are those of the table above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Fewest seeds of a verdict.
    pub seeds: usize,
    /// What lies between the bounds.
    pub confidence: f64,
    /// Catastrophic: the share of what generation 0 had learnt beyond word frequencies that is lost.
    pub catastrophic: f64,
    /// Any increase, in nats per token.
    pub increase: f64,
    /// Diverging: the first last generation K that can show it.
    pub generations: u32,
    /// Diverging: late slope over early slope.
    pub slope_ratio: f64,
    /// Changed scaling: fewest budgets.
    pub budgets: usize,
    /// Collapsing variance: effective number of types over human text's.
    pub hill: f64,
    /// Entangled modes: how many times the human share.
    pub mixing: f64,
    /// Lost tail: coverage over a reference sample's.
    pub coverage: f64,
    /// Lost tail: fewest members of a band that a reference sample is expected to hold; rarer bands have no ratio to speak of.
    pub expected: f64,
    /// Invented data: share of sentences.
    pub invented: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            seeds: 5,
            confidence: 0.95,
            catastrophic: 0.5,
            increase: 0.01,
            generations: 12,
            slope_ratio: 0.5,
            budgets: 4,
            hill: 0.9,
            mixing: 2.0,
            coverage: 0.9,
            expected: 20.0,
            invented: 0.01,
        }
    }
}

/// Schaeffer et al.'s definitions of model collapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Definition {
    /// Catastrophic increase of population risk.
    CatastrophicIncrease,
    /// Any increase of population risk.
    AnyIncrease,
    /// Asymptotically diverging population risk.
    DivergingRisk,
    /// A change of the scaling law.
    ChangedScaling,
    /// Collapsing variance.
    CollapsingVariance,
    /// Entanglement of modes.
    EntangledModes,
    /// Disappearance of the real tail.
    LostTail,
    /// Appearance of hallucinated data.
    InventedData,
}

impl Definition {
    /// In the order of the table.
    pub const ALL: [Self; 8] = [
        Self::CatastrophicIncrease,
        Self::AnyIncrease,
        Self::DivergingRisk,
        Self::ChangedScaling,
        Self::CollapsingVariance,
        Self::EntangledModes,
        Self::LostTail,
        Self::InventedData,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::CatastrophicIncrease => "catastrophic increase of risk",
            Self::AnyIncrease => "any increase of risk",
            Self::DivergingRisk => "diverging risk",
            Self::ChangedScaling => "changed scaling",
            Self::CollapsingVariance => "collapsing variance",
            Self::EntangledModes => "entangled modes",
            Self::LostTail => "lost tail",
            Self::InventedData => "invented data",
        }
    }

    /// What the statistic is, for people.
    pub fn statistic(self) -> &'static str {
        match self {
            Self::CatastrophicIncrease => "share of what was learnt beyond word frequencies that is lost",
            Self::AnyIncrease => "nats per token above the control",
            Self::DivergingRisk => "late over early slope of the damage",
            Self::ChangedScaling => "exponent less the control's",
            Self::CollapsingVariance => "effective number of words over human text's",
            Self::EntangledModes => "share of documents that mix styles over human text's",
            Self::LostTail => "coverage of the rarest band over a reference sample's",
            Self::InventedData => "share of sentences more than in generation 0",
        }
    }
}

/// What a verdict says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The definition holds.
    Yes,
    /// It is refuted.
    No,
    /// Neither is sure enough.
    Undetermined,
    /// The rows that it takes are not there.
    Unmeasured,
}

impl Answer {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Undetermined => "undetermined",
            Self::Unmeasured => "unmeasured",
        }
    }
}

/// One arm under one definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The arm's name.
    pub arm: String,
    /// The definition.
    pub definition: Definition,
    /// What it comes to.
    pub answer: Answer,
    /// What it rests on; none if unmeasured.
    pub evidence: Option<Evidence>,
    /// If yes, the first generation from which on the predicate holds in every one.
    pub since: Option<u32>,
    /// Why there is no better answer, or what the answer does not say; may be empty.
    pub note: String,
}

/// The numbers under a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The generation K.
    pub generation: u32,
    /// Seeds that have it.
    pub seeds: usize,
    /// Mean over seeds (of ratios, geometric or a ratio of means).
    pub statistic: f64,
    /// 95 % bounds of the statistic, not corrected; infinite of one seed.
    pub bounds: (f64, f64),
    /// What the bound is held against.
    pub threshold: f64,
    /// True if the definition asks for more than the threshold, or for less.
    pub above: bool,
    /// One-sided p value of the answer, Holm's correction included; of the likelier one if undetermined.
    pub p: f64,
}

impl Evidence {
    /// The bound that the definition is about: the lower one if it asks for more.
    pub fn bound(&self) -> f64 {
        if self.above { self.bounds.0 } else { self.bounds.1 }
    }

    /// Confidence in the answer, 1 − p.
    pub fn confidence(&self) -> f64 {
        1.0 - self.p
    }
}

/// What a predicate finds in one generation of one arm, before any correction.
#[derive(Clone, Copy, Debug)]
struct Found {
    seeds: usize,
    statistic: f64,
    bounds: (f64, f64),
    threshold: f64,
    above: bool,
    /// One-sided p values of yes and of no.
    yes: f64,
    no: f64,
}

impl Found {
    /// Of a sample whose mean is to be above, or below, a threshold; `shown` brings both to the scale of people.
    fn of(sample: Sample, threshold: f64, above: bool, confidence: f64, shown: impl Fn(f64) -> f64) -> Self {
        let (low, high) = sample.bounds(confidence);
        let (over, under) = (sample.above(threshold), sample.below(threshold));
        let (yes, no) = if above { (over, under) } else { (under, over) };
        let statistic = shown(sample.mean);
        let (bounds, threshold) = ((shown(low), shown(high)), shown(threshold));
        Self { seeds: sample.n, statistic, bounds, threshold, above, yes, no }
    }
}
