//! Values beside those of human text of the same size.
//!
//! *Definition.* `relative`: the written text's value over the twin's, both at equal size or by a measure that has its
//! own fixed size. 1 is what other human text has; the detail names the metric.
//!
//! *Trap.* The twin is one sample, and its own error is in the ratio, the same in all generations: a level is less sure
//! than a change.

use crate::Measure;
use crate::measure::Measures;

/// Metrics that are compared.
const METRICS: [&str; 17] = [
    "types",
    "hapax-share",
    "unigram-entropy",
    "vocabulary-survival",
    "distinct",
    "entropy",
    "hill",
    "zipf-exponent",
    "heaps-exponent",
    "missing-mass",
    "uncovered-mass",
    "coverage",
    "jensen-shannon",
    "mattr",
    "self-bleu",
    "diversity",
    "edit-distance",
];
/// Metrics that have a value of all the text too, which no human value of the same size stands beside.
const OF_ALL: [&str; 4] = ["types", "hapax-share", "unigram-entropy", "vocabulary-survival"];

/// One row for each metric and detail that both have.
pub(crate) fn report(written: &[Measure], human: &[Measure], measures: &mut Measures) {
    for row in written.iter().filter(|row| METRICS.contains(&row.metric.as_ref())) {
        let whole = matches!(row.detail.as_str(), "" | "equal");
        if row.detail.is_empty() && OF_ALL.contains(&row.metric.as_ref()) {
            continue;
        }
        let beside = if whole { "human".to_owned() } else { format!("human-{}", row.detail) };
        let Some(human) = human.iter().find(|other| other.metric == row.metric && other.detail == beside) else {
            continue;
        };
        let name = if whole { row.metric.to_string() } else { format!("{}-{}", row.metric, row.detail) };
        measures.number("relative", name, row.value / human.value);
    }
}
