//! What the registry says of a metric.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Dimension;
use crate::statistics::Scale;

/// What was measured: the first half of a metric's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// A model on held-out human text.
    Test,
    /// Text that a generation generated.
    Generated,
    /// Its training set and its training.
    Training,
    /// Its answers to questions about facts.
    Asked,
    /// An exact learner's model.
    Model,
}

impl Set {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Test, Self::Generated, Self::Training, Self::Asked, Self::Model];

    /// As `metrics.csv` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Generated => "generated",
            Self::Training => "training",
            Self::Asked => "asked",
            Self::Model => "model",
        }
    }

    /// The set of a name; none if it is not a set's.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }
}

/// Vertical axis of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Over the range of the data.
    Linear,
    /// The same, logarithmic.
    Log,
    /// A share of a whole: from 0, to 1 at most.
    Share,
    /// From 0, which means something, or from below where data are below it. Panels share one scale.
    Amount,
}

/// What has to be known for a metric to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it applies to any medium.
    Any,
    /// Documents that are text.
    Text,
    /// A world, whose language is known exactly.
    World,
    /// An exact learner.
    Exact,
}

/// Direction in which a metric is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// More is worse.
    More,
    /// Less is worse.
    Less,
    /// Farther from the reference is worse, in both directions.
    Away,
}

/// The baseline of the generated text, under the same metric with a value in [`Dimension::Reference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The value in that dimension: `human` or `expected`.
    pub reference: &'static str,
    /// In a legend.
    pub title: &'static str,
}

/// The held-out human reference.
pub(crate) const OTHER_HUMAN: Option<Baseline> = Some(Baseline { reference: "human", title: "other human text" });
/// The same, where it is the test text itself.
pub(super) const HUMAN_TEST: Option<Baseline> = Some(Baseline { reference: "human", title: "human test text" });
/// The true distribution.
pub(super) const LANGUAGE: Option<Baseline> = Some(Baseline { reference: "expected", title: "the language itself" });

/// A figure of a report. Metrics with the same figure are its panels, side by side in the order of the registry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// File name without ending.
    pub name: &'static str,
    /// Title.
    pub title: &'static str,
    /// Label of the vertical axis.
    pub label: &'static str,
    /// Vertical axis.
    pub axis: Axis,
    /// What the reader should know to read it.
    pub caption: &'static str,
}

/// A panel of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panel {
    /// Title.
    pub title: &'static str,
    /// The rows that are shown: of these alternatives, the one with most observations, of equals the first.
    pub views: &'static [View],
}

/// What curves are compared with: a test loss of generation 0 that is the same for all arms, drawn as a thin line.
#[derive(Clone, Copy)]
pub struct Level {
    /// On the line.
    pub label: &'static str,
    /// Its rows.
    pub metric: &'static Metric,
    /// How a loss becomes a value of the curves.
    pub shown: Shown,
}

/// What a metric shows of a test loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The loss.
    Loss,
    /// The perplexity.
    Perplexity,
    /// What is above the information of the test documents, where the truth is known.
    Excess,
}

/// The dimensions of the rows that are shown, without their baseline's.
pub type View = &'static [(Dimension, &'static str)];

/// One metric of one set.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Name of the metric.
    pub set: Set,
    /// Name, unique within the set.
    pub name: &'static str,
    /// For people, in tables and panels.
    pub title: &'static str,
    /// Unit of the values, as they are shown.
    pub unit: &'static str,
    /// Factor from the values to the unit in which they are shown.
    pub times: f64,
    /// Axis on which it is drawn.
    pub axis: Axis,
    /// Scale on which seeds are averaged.
    pub scale: Scale,
    /// Definition in a sentence.
    pub caption: &'static str,
    /// Its baseline, if it has one.
    pub baseline: Option<Baseline>,
    /// What its curves are compared with.
    pub levels: &'static [Level],
    /// Direction of damage, where there is one in all settings.
    pub damage: Option<Damage>,
    /// Dimensions in which its rows may have values, in their order.
    pub dimensions: &'static [Dimension],
    /// What has to be known.
    pub needs: Needs,
    /// The figure in which it is drawn; none if it is drawn in no figure of the registry.
    pub figure: Option<&'static Figure>,
    /// Its panels of that figure.
    pub panels: &'static [Panel],
}

impl Metric {
    /// A share of a whole, or a plain number, that is in no figure.
    pub(crate) const fn new(set: Set, name: &'static str, title: &'static str, unit: &'static str) -> Self {
        Self {
            set,
            name,
            title,
            unit,
            times: 1.0,
            axis: Axis::Amount,
            scale: Scale::Plain,
            caption: "",
            baseline: None,
            levels: &[],
            damage: None,
            dimensions: &[],
            needs: Needs::Any,
            figure: None,
            panels: &[],
        }
    }

    pub(crate) const fn on(self, axis: Axis) -> Self {
        Self { axis, ..self }
    }

    /// Averaged on the logarithm: losses and perplexities.
    pub(crate) const fn log(self) -> Self {
        Self { scale: Scale::Log, ..self }
    }

    pub(crate) const fn means(self, caption: &'static str) -> Self {
        Self { caption, ..self }
    }

    /// Measured in nats, shown in bits.
    pub(crate) const fn in_bits(self) -> Self {
        Self { times: std::f64::consts::LOG2_E, ..self }
    }

    pub(crate) const fn with_baseline(self, baseline: Option<Baseline>) -> Self {
        Self { baseline, ..self }
    }

    pub(crate) const fn beside(self, levels: &'static [Level]) -> Self {
        Self { levels, ..self }
    }

    pub(crate) const fn worse(self, damage: Damage) -> Self {
        Self { damage: Some(damage), ..self }
    }

    pub(crate) const fn by(self, dimensions: &'static [Dimension]) -> Self {
        Self { dimensions, ..self }
    }

    pub(crate) const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    pub(crate) const fn drawn(self, figure: &'static Figure, panels: &'static [Panel]) -> Self {
        Self { axis: figure.axis, figure: Some(figure), panels, ..self }
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        (self.set, self.name) == (other.set, other.name)
    }
}

impl Eq for Metric {}

/// By set and name.
impl Ord for Metric {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.set, self.name).cmp(&(other.set, other.name))
    }
}

impl PartialOrd for Metric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.set.name(), self.name)
    }
}
