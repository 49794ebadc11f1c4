//! Metrics of generated text beside human text: the list of them, and how each is computed.
//!
//! A metric is a file here, which holds its definition, its entry of the registry and its function, and a line in
//! [`GROUPS`].

// The entries' titles and captions say what they are.
#![allow(missing_docs)]

pub(crate) mod coverage;
pub(crate) mod duplicates;
mod edit_distance;
pub(crate) mod endings;
pub(crate) mod entropy;
mod entry;
mod flaws;
mod good_turing;
mod heaps;
pub(crate) mod hill;
pub(crate) mod jensen_shannon;
mod lengths;
mod mattr;
pub(crate) mod over_represented;
mod readability;
mod relative;
pub(crate) mod repetition;
pub(crate) mod self_bleu;
mod size;
pub(crate) mod tail;
pub(crate) mod vocabulary;
mod zipf;

use crate::draws::{Covering, Drawn};
use crate::measure::{Measure, Measures, Side};
use crate::subject::Subject;
use crate::text::Words;
use crate::{Doc, Metric, Reference};
use Compute::{Cover, Generated, Sample, Whole};

/// The entries, for the registry.
pub(crate) mod entries {
    pub use super::coverage::COVERAGE;
    pub use super::duplicates::DUPLICATE_SHARE;
    pub use super::edit_distance::EDIT_DISTANCE;
    pub use super::endings::{CEILING_SHARE, UNFINISHED_SHARE};
    pub use super::entropy::ENTROPY;
    pub use super::flaws::{REENCODED_SHARE, REPLACEMENT_SHARE, TRUNCATED_SHARE};
    pub use super::good_turing::{MISSING_MASS, UNCOVERED_MASS};
    pub use super::heaps::{HEAPS_ERROR, HEAPS_EXPONENT};
    pub use super::hill::HILL;
    pub use super::jensen_shannon::JENSEN_SHANNON;
    pub use super::lengths::{LENGTH_QUANTILE, MEAN_LENGTH};
    pub use super::mattr::MATTR;
    pub use super::over_represented::OVER_REPRESENTED_RATE;
    pub use super::readability::READING_EASE;
    pub use super::relative::RELATIVE;
    pub use super::repetition::{DIVERSITY, REPETITION};
    pub use super::self_bleu::SELF_BLEU;
    pub use super::size::{GENERATED_TOKENS, TOKEN_TYPES, WORDS};
    pub use super::tail::{NOVEL_SHARE, TAIL_TOKEN_RATE};
    pub use super::vocabulary::{DISTINCT, HAPAX_SHARE, TYPES, UNIGRAM_ENTROPY, VOCABULARY_SURVIVAL};
    pub use super::zipf::{ZIPF_ERROR, ZIPF_EXPONENT};
}
use entries::*;

/// How metrics are computed.
enum Compute {
    /// From all of a text, the generated one and the human reference.
    Whole(fn(&Subject<'_>, &mut Measures)),
    /// From all of the generated text alone.
    Generated(fn(&Subject<'_>, &mut Measures)),
    /// The mean over samples of equal size, of both.
    Sample(fn(&Drawn<'_>, &mut Measures)),
    /// The same of what a sample covers of the human reference.
    Cover(fn(&Covering<'_>, &mut Measures)),
}

/// Metrics and the functions that compute them; none where they follow from the others.
type Group = (&'static [&'static Metric], &'static [Compute]);

/// All groups. Figures stand on a page in this order.
const GROUPS: &[Group] = &[
    (&[&VOCABULARY_SURVIVAL, &TYPES, &HAPAX_SHARE], &[Generated(vocabulary::report_all), Sample(vocabulary::report)]),
    (&[&TAIL_TOKEN_RATE, &NOVEL_SHARE], &[Whole(tail::report)]),
    // Computed with the vocabulary.
    (&[&UNIGRAM_ENTROPY], &[]),
    (&[&DISTINCT], &[Sample(vocabulary::report_distinct)]),
    (&[&REPETITION, &DIVERSITY], &[Whole(repetition::report)]),
    (&[&HILL], &[Sample(hill::report)]),
    (&[&COVERAGE], &[Cover(coverage::report)]),
    (&[&JENSEN_SHANNON], &[Sample(jensen_shannon::report)]),
    (&[&SELF_BLEU], &[Whole(self_bleu::report)]),
    (&[&EDIT_DISTANCE], &[Whole(edit_distance::report)]),
    (&[&MATTR], &[Whole(mattr::report)]),
    (&[&ZIPF_EXPONENT, &ZIPF_ERROR], &[Sample(zipf::report)]),
    (&[&HEAPS_EXPONENT, &HEAPS_ERROR], &[Sample(heaps::report)]),
    (&[&MISSING_MASS], &[Sample(good_turing::report_missing)]),
    (&[&UNCOVERED_MASS], &[Cover(good_turing::report_uncovered)]),
    (&[&OVER_REPRESENTED_RATE], &[Sample(over_represented::report)]),
    (&[&ENTROPY], &[Sample(entropy::report)]),
    (&[&READING_EASE], &[Whole(readability::report)]),
    (&[&MEAN_LENGTH, &LENGTH_QUANTILE], &[Whole(lengths::report)]),
    (&[&DUPLICATE_SHARE], &[Whole(duplicates::report)]),
    (&[&CEILING_SHARE, &UNFINISHED_SHARE], &[Whole(endings::report)]),
    (&[&WORDS, &GENERATED_TOKENS, &TOKEN_TYPES], &[Generated(size::report)]),
    (&[&TRUNCATED_SHARE, &REENCODED_SHARE, &REPLACEMENT_SHARE], &[Generated(flaws::report)]),
    // Computed from the others.
    (&[&RELATIVE], &[]),
];

/// The entries in the order of the groups.
pub(crate) const METRICS: [&Metric; count()] = all();

/// Measures what a generation generated, beside human text.
///
/// What is measured of samples of [`Reference::words`] words (`sample` is `equal`) is a mean over samples. The human
/// reference is measured in the same way. `self-bleu` takes 1,000 documents, or as many as the reference has.
///
/// A share of nothing is left out, and so is what is measured at equal size where the text is shorter than that.
pub fn generated_text(docs: &[Doc<'_>], reference: &Reference) -> Vec<Measure> {
    let words = Words::of(docs);
    let counts = reference.counts(&words);
    let text = Subject { docs, words: &words, counts: &counts, reference };
    let mut measures = Measures::of(Side::Generated.dimensions());
    for compute in computations() {
        if let Whole(report) | Generated(report) = compute {
            report(&text, &mut measures);
        }
    }
    let mut own = measures.into_vec();
    if text.is_measurable() {
        let links = reference.known().links(&words);
        own.extend(reference.of_samples(&text, &links, Side::Generated));
        own.extend(reference.of_cover(&words));
    }
    let mut compared = Measures::default();
    relative::report(&own, reference.human(), &mut compared);
    [own, reference.human().to_vec(), compared.into_vec()].concat()
}

/// What is measured in the same way of any text: of all of it, or with a size of the metric's own.
pub(crate) fn of_all(text: &Subject<'_>, side: Side) -> Vec<Measure> {
    let mut measures = Measures::of(side.dimensions());
    for compute in computations() {
        if let Whole(report) = compute {
            report(text, &mut measures);
        }
    }
    measures.into_vec()
}

/// What is computed from one sample.
pub(crate) fn of_sample(drawn: &Drawn<'_>, measures: &mut Measures) {
    for compute in computations() {
        if let Sample(report) = compute {
            report(drawn, measures);
        }
    }
}

/// What is computed from what one sample covers.
pub(crate) fn of_cover(covering: &Covering<'_>, measures: &mut Measures) {
    for compute in computations() {
        if let Cover(report) = compute {
            report(covering, measures);
        }
    }
}

fn computations() -> impl Iterator<Item = &'static Compute> {
    GROUPS.iter().flat_map(|(_, computed)| *computed)
}

const fn count() -> usize {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].0.len();
        group += 1;
    }
    count
}

const fn all() -> [&'static Metric; count()] {
    let mut all = [GROUPS[0].0[0]; count()];
    let (mut at, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut number = 0;
        while number < GROUPS[group].0.len() {
            all[at] = GROUPS[group].0[number];
            (at, number) = (at + 1, number + 1);
        }
        group += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use streams::Streams;

    use super::*;
    use crate::text::plain;
    use crate::{Dimension, Equal};

    /// Every metric of the list is measured, and its entry names just those dimensions that its rows have.
    #[test]
    fn rows_have_the_dimensions_of_their_entries() {
        let document = |first: usize| (first..first + 60).map(|i| format!("w{} ", i * i % 97)).collect::<String>();
        let texts = [0, 20, 5].map(|first| (0..60).map(|i| document(first + 7 * i)).collect::<Vec<_>>());
        let [human, held_out, ours] = texts
            .each_ref()
            .map(|texts| texts.iter().map(|text| Doc { ids: &[1, 2, 3], ..plain(text) }).collect::<Vec<_>>());
        let reference = Reference::of(&human, &held_out, Equal { words: 1000, draws: 2, streams: Streams::new(0) });
        let mut found: BTreeMap<&Metric, BTreeSet<Dimension>> = BTreeMap::new();
        for measure in generated_text(&ours, &reference) {
            let dimensions = measure.dimensions.iter().map(|(dimension, _)| dimension);
            found.entry(measure.metric).or_default().extend(dimensions);
        }
        // This text has no members.
        let own = |metric: &Metric| metric.dimensions.iter().copied().filter(|d| *d != Dimension::Member).collect();
        assert_eq!(found, METRICS.into_iter().map(|metric| (metric, own(metric))).collect());
    }
}
