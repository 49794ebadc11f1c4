//! Values beside those of human text of the same size.
//!
//! *Definition.* `relative`: the generated text's value over the human reference's, both at equal size or by a measure
//! that has its own fixed size. 1 is what other human text has. `part` names the metric.
//!
//! *Trap.* The reference is one sample, and its own error is in the ratio, the same in all generations: a level is less
//! sure than a change.

use super::entries::{
    COVERAGE, DISTINCT, DIVERSITY, EDIT_DISTANCE, ENTROPY, HAPAX_SHARE, HEAPS_EXPONENT, HILL, JENSEN_SHANNON, MATTR,
    MISSING_MASS, SELF_BLEU, TYPES, UNCOVERED_MASS, UNIGRAM_ENTROPY, VOCABULARY_SURVIVAL, ZIPF_EXPONENT,
};
use super::entry::of_text;
use crate::Dimension::{Band, Member, Order, Part, Sample};
use crate::Measure;
use crate::measure::{Measures, Side};
use crate::metric::Metric;

pub static RELATIVE: Metric =
    of_text("relative", "Ratio to the human reference", "ratio").by(&[Member, Order, Band, Part]);

/// Metrics that are compared.
static COMPARED: [&Metric; 17] = [
    &TYPES,
    &HAPAX_SHARE,
    &UNIGRAM_ENTROPY,
    &VOCABULARY_SURVIVAL,
    &DISTINCT,
    &ENTROPY,
    &HILL,
    &ZIPF_EXPONENT,
    &HEAPS_EXPONENT,
    &MISSING_MASS,
    &UNCOVERED_MASS,
    &COVERAGE,
    &JENSEN_SHANNON,
    &MATTR,
    &SELF_BLEU,
    &DIVERSITY,
    &EDIT_DISTANCE,
];

/// One row for each of these that the human reference has with the same dimensions.
pub(crate) fn report(generated: &[Measure], human: &[Measure], measures: &mut Measures) {
    for row in generated.iter().filter(|row| COMPARED.contains(&row.metric)) {
        let beside = row.dimensions.clone().and(&Side::Human.dimensions());
        let is_beside = |other: &&Measure| other.metric == row.metric && other.dimensions == beside;
        if let Some(human) = human.iter().find(is_beside) {
            let dimensions = row.dimensions.clone().without(Sample).with(Part, row.metric.name);
            measures.number(&RELATIVE, dimensions, row.value / human.value);
        }
    }
}
