//! Which figures a page has, and in which order.

use evaluation::metric::{Figure, INHERITANCE, Metric, Needs};

use crate::data::Data;
use crate::figure::{self, Drawn};
use crate::leaderboard::Board;
use crate::{bands, descent, heat, histogram, survival, tradeoff, universal};

/// Names of the figures that are no registered metric's own.
const OTHERS: [&str; 13] = [
    "grid-excess",
    "grid-bits-per-byte",
    "grid-vocabulary",
    "perplexity-against-diversity",
    "vocabulary-predicted",
    "universal-survival",
    "perplexity-histogram",
    "forgetting",
    "forgetting-lift",
    "survivors-facts",
    "survivors-persons",
    "survivors-forms",
    "genealogy",
];

/// Names of all figures that a page may have.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let registered = evaluation::METRICS.into_iter().filter_map(|metric| metric.figure.map(|figure| figure.name));
    registered.chain(OTHERS)
}

/// Draws every figure that has something to show: a grid first, where the run is one, then what is known of a world, then the
/// others in the order of the registry.
pub(crate) fn draw_all(data: &Data, board: Option<&Board>) -> Vec<Drawn> {
    let mut figures = heat::draw_all(data);
    figures.extend(tradeoff::draw(data, board));
    figures.extend(registered(data, |metric| metric.needs == Needs::World));
    figures.extend(survival::draw(data));
    figures.extend(universal::draw(data));
    figures.extend(histogram::draw(data));
    figures.extend(registered(data, |metric| metric.needs != Needs::World));
    let unnamed = figures.iter().find(|figure| names().all(|name| name != figure.name));
    assert!(unnamed.is_none(), "OTHERS lacks {:?}", unnamed.map(|figure| figure.name));
    figures
}

/// The figures of some metrics of the registry, each where its first metric stands there.
fn registered(data: &Data, is_drawn: impl Fn(&Metric) -> bool) -> Vec<Drawn> {
    let (mut drawn, mut begun) = (Vec::new(), Vec::<&Figure>::new());
    for metric in evaluation::METRICS.into_iter().filter(|metric| is_drawn(metric)) {
        if let Some(figure) = metric.figure.filter(|figure| !begun.contains(figure)) {
            begun.push(figure);
            drawn.extend(figure::of_arms(data, figure));
        }
        drawn.extend(bands::draw(data, metric));
        if *metric == INHERITANCE {
            drawn.extend(descent::draw(data));
        }
    }
    drawn
}
