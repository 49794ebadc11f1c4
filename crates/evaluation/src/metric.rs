//! The registry of metrics: one entry for each set and name that `metrics.csv` may hold.
//!
//! An entry says what the values mean, how they are averaged, which dimensions they have and how they are drawn. What
//! measures refers to entries by their constants ([`TEST_LOSS`], [`MATTR`]), and so does what reads the rows; names are
//! written once, here.

// Titles and captions say what the entries are.
#![allow(missing_docs)]

mod entry;
mod exact;
mod scored;
mod test;
mod training;
mod world;

use serde::{Deserialize, Deserializer};

use crate::measure::{Entry, Measure};

pub(crate) use self::entry::OTHER_HUMAN;
pub use self::entry::{Axis, Baseline, Damage, Figure, Level, Metric, Needs, Panel, Set, Shown, View};
pub use self::exact::*;
pub use self::scored::*;
pub use self::test::*;
pub use self::training::*;
pub use self::world::*;
pub use crate::generated::entries::*;

/// The groups of entries. Figures stand on a page in this order.
const GROUPS: [&[&Metric]; 6] =
    [test::METRICS, &crate::generated::METRICS, scored::METRICS, world::METRICS, training::METRICS, exact::METRICS];

/// All metrics.
pub static METRICS: [&Metric; count(&GROUPS)] = joined(&GROUPS);

/// The entry of a set and a name; none if nothing measures it.
pub fn metric(set: Set, name: &str) -> Option<&'static Metric> {
    METRICS.into_iter().find(|metric| metric.set == set && metric.name == name)
}

const fn count(groups: &[&[&'static Metric]]) -> usize {
    let (mut count, mut group) = (0, 0);
    while group < groups.len() {
        count += groups[group].len();
        group += 1;
    }
    count
}

const fn joined<const N: usize>(groups: &[&[&'static Metric]]) -> [&'static Metric; N] {
    let mut all = [groups[0][0]; N];
    let (mut at, mut group) = (0, 0);
    while group < groups.len() {
        let mut number = 0;
        while number < groups[group].len() {
            all[at] = groups[group][number];
            (at, number) = (at + 1, number + 1);
        }
        group += 1;
    }
    all
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Entry::<String> { set, metric: name, dimensions, value } = Entry::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("unknown metric {name:?} of the set {}", set.name()));
        Ok(Self { metric: metric(set, &name).ok_or_else(unknown)?, dimensions, value })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Dimension;

    #[test]
    fn each_set_and_name_has_one_entry() {
        let names: BTreeSet<(Set, &str)> = METRICS.iter().map(|metric| (metric.set, metric.name)).collect();
        assert_eq!(names.len(), METRICS.len());
        for found in METRICS {
            assert!(std::ptr::eq(metric(found.set, found.name).unwrap(), found), "{found:?}");
        }
        assert!(metric(Set::Test, "mattr").is_none());
    }

    #[test]
    fn entries_agree_with_themselves() {
        for metric in METRICS {
            let has = |dimension: Dimension| metric.dimensions.contains(&dimension);
            assert!(metric.dimensions.is_sorted(), "{metric:?}");
            assert_eq!(metric.baseline.is_some(), has(Dimension::Reference), "{metric:?}");
            assert_eq!(metric.figure.is_some(), !metric.panels.is_empty(), "{metric:?}");
            for view in metric.panels.iter().flat_map(|panel| panel.views) {
                assert!(view.iter().all(|(dimension, _)| has(*dimension)), "{metric:?}");
            }
            let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(metric.name.chars().all(is_name) && !metric.title.is_empty(), "{metric:?}");
        }
    }

    #[test]
    fn figures_of_one_name_are_one_figure() {
        let figures: Vec<&Figure> = METRICS.iter().filter_map(|metric| metric.figure).collect();
        for figure in &figures {
            assert!(figures.iter().filter(|other| other.name == figure.name).all(|other| other == figure));
        }
    }
}
