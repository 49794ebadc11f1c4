//! What pages and terminals show of the metrics: which rows of one, and under which title. What a metric is (unit, scale, axis,
//! caption, baseline) stands in the registry, [`evaluation::METRICS`].

use evaluation::Dimension::{Band, Order, Part, Sample};
use evaluation::metric::{self, Metric, Needs, Panel, View};

/// Rows of a metric that are shown together.
#[derive(Clone, Copy)]
pub(crate) struct Quantity {
    pub(crate) metric: &'static Metric,
    /// For people.
    pub(crate) title: &'static str,
    /// Dimensions under which it may have been measured: of these the one with most observations is shown, of equals the
    /// first.
    pub(crate) views: &'static [View],
    /// Where some views begin with at least this much, a mean over arms and seeds, the first of them is shown.
    pub(crate) begins: Option<f64>,
}

const PLAIN: &[View] = &[&[]];

impl Quantity {
    /// A metric as its first panel shows it, or its rows without dimensions.
    pub(crate) const fn of(metric: &'static Metric) -> Self {
        let views = if metric.panels.is_empty() { PLAIN } else { metric.panels[0].views };
        Self { metric, title: metric.title, views, begins: None }
    }

    /// What a panel shows of its metric.
    pub(crate) const fn of_panel(metric: &'static Metric, panel: &Panel) -> Self {
        Self { metric, title: panel.title, views: panel.views, begins: None }
    }

    /// Rows of a metric under a title of their own.
    const fn at(metric: &'static Metric, title: &'static str, views: &'static [View]) -> Self {
        Self { metric, title, views, begins: None }
    }
}

pub(crate) const TEST_LOSS: Quantity = Quantity::of(&metric::TEST_LOSS);
pub(crate) const TEST_PERPLEXITY: Quantity = Quantity::of(&metric::TEST_PERPLEXITY);
pub(crate) const BITS_PER_BYTE: Quantity = Quantity::of(&metric::BITS_PER_BYTE);
pub(crate) const VOCABULARY: Quantity = Quantity::of(&metric::VOCABULARY_SURVIVAL);
pub(crate) const CALIBRATION: Quantity =
    Quantity::at(&metric::CALIBRATION_ERROR, "Calibration error", &[&[(Part, "equal-mass")]]);
pub(crate) const OVER_REPRESENTED: Quantity = Quantity::of(&metric::OVER_REPRESENTED_RATE);
pub(crate) const DISTINCT_PAIRS: Quantity =
    Quantity::at(&metric::DISTINCT, "Distinct 2-grams", &[&[(Sample, "equal"), (Order, "2")]]);
pub(crate) const RARE_WORDS: Quantity =
    Quantity::at(&metric::COVERAGE, "Rare words", &[&[(Sample, "equal"), (Order, "1"), (Band, "rare")]]);
/// Entropy of a world's language.
pub(crate) const FLOOR: Quantity = Quantity::of(&metric::FLOOR);
pub(crate) const EXCESS: Quantity = Quantity::of(&metric::EXCESS);
pub(crate) const GRAMMATICAL: Quantity = Quantity::of(&metric::GRAMMATICAL_DOCUMENTS);
/// Facts of the rarest band of which the first models knew half: what was never there cannot be lost.
pub(crate) const RARE_FACTS: Quantity = Quantity {
    metric: &metric::RECALL_TOP,
    title: "Rare facts still known",
    views: &[&[(Band, "1-9")], &[(Band, "10-99")], &[(Band, "100-999")], &[(Band, "1000-9999")]],
    begins: Some(0.5),
};

/// Columns of the main table.
pub(crate) const MAIN: [Quantity; 8] = [
    TEST_PERPLEXITY,
    BITS_PER_BYTE,
    VOCABULARY,
    Quantity::of(&metric::TAIL_TOKEN_RATE),
    Quantity::of(&metric::UNIGRAM_ENTROPY),
    DISTINCT_PAIRS,
    Quantity::at(&metric::REPETITION, "Repeated 4-grams", &[&[(Order, "4")]]),
    Quantity::of(&metric::TRUNCATED_SHARE),
];

/// Columns of the table of a world.
pub(crate) const TRUTH: [Quantity; 8] = [
    EXCESS,
    Quantity::of(&metric::DIVERGENCE),
    GRAMMATICAL,
    RARE_FACTS,
    Quantity::of(&metric::RECALL_CALIBRATION),
    Quantity::of(&metric::FALSE_FACT_SHARE),
    Quantity::of(&metric::INVENTED_PERSONS),
    Quantity::at(&metric::INHERITANCE, "Inherited false facts", &[&[(evaluation::Dimension::Part, "inherited")]]),
];

/// Columns of the training ledger.
pub(crate) const LEDGER: [Quantity; 5] = [
    Quantity::of(&metric::UNIQUE_TOKENS),
    Quantity::of(&metric::SEEN_TOKENS),
    Quantity::of(&metric::STEPS),
    Quantity::of(&metric::FINAL_LOSS),
    Quantity::of(&metric::VALIDATION_LOSS),
];

/// What exact learners have against the truth, in the order in which it is shown.
pub(crate) fn exact() -> impl Iterator<Item = Quantity> {
    let drawn = evaluation::METRICS.iter().filter(|metric| metric.needs == Needs::Exact && metric.figure.is_some());
    drawn.copied().map(Quantity::of)
}

/// Columns of the main table, and of an exact learner's.
pub(crate) fn main() -> impl Iterator<Item = Quantity> {
    MAIN.into_iter().chain(exact())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A view with a value in a dimension that its metric lacks would show nothing, for ever.
    #[test]
    fn views_have_the_dimensions_of_their_metric() {
        let others = [TEST_LOSS, OVER_REPRESENTED, RARE_WORDS, FLOOR];
        for quantity in main().chain(TRUTH).chain(LEDGER).chain(others) {
            for (dimension, _) in quantity.views.iter().copied().flatten() {
                assert!(quantity.metric.dimensions.contains(dimension), "{:?} {dimension:?}", quantity.metric);
            }
            let panels = quantity.metric.panels;
            let shown = panels.iter().find(|panel| panel.title == quantity.title);
            assert!(shown.is_none_or(|panel| panel.views == quantity.views), "{:?} is not its panel", quantity.metric);
        }
    }
}
