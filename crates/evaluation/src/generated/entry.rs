//! Parts of the entries of metrics of generated text.

use crate::Dimension::{self, Member, Order, Reference, Sample};
use crate::metric::{Axis, Figure, Metric, Needs, OTHER_HUMAN, Panel, Set, View};

/// Of all the text, without a reference.
pub(super) const fn of_text(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    Metric::new(Set::Generated, name, title, unit).needs(Needs::Text).by(&[Member])
}

/// Beside human text.
pub(super) const fn compared(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    by: &'static [Dimension],
) -> Metric {
    of_text(name, title, unit).with_baseline(OTHER_HUMAN).by(by)
}

/// Of samples of equal size, by order.
pub(super) const BY_ORDER: &[Dimension] = &[Member, Reference, Sample, Order];
/// Of samples of equal size, and nothing else.
pub(super) const EQUAL: &[Dimension] = &[Member, Reference, Sample];
/// The rows of samples of equal size where there are more of them, else those of all the text.
pub(super) const SIZED: &[View] = &[&[(Sample, "equal")], &[]];

pub(super) const fn plain(title: &'static str) -> Panel {
    Panel { title, views: &[&[]] }
}

pub(super) const fn sized(title: &'static str) -> Panel {
    Panel { title, views: SIZED }
}

pub(super) const fn equal(title: &'static str) -> Panel {
    Panel { title, views: &[&[(Sample, "equal")]] }
}

pub(super) static SAMENESS: Figure = Figure {
    name: "sameness",
    title: "Similarity of documents",
    label: "score",
    axis: Axis::Share,
    caption: "Between documents of one generation.",
};

pub(super) static EXPONENTS: Figure = Figure {
    name: "exponents",
    title: "Zipf’s and Heaps’ exponents",
    label: "exponent",
    axis: Axis::Linear,
    caption: "Frequencies by rank, and types by size, at equal size.",
};
