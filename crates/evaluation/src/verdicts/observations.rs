//! Rows of `metrics.csv`, found by what they are of.

use std::collections::BTreeMap;

use crate::{Dimensions, Metric};

/// One observation; the columns of `metrics.csv` but for the experiment's name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    /// Name of the arm.
    pub arm: &'a str,
    /// The seed.
    pub seed: u64,
    /// The generation, from 0.
    pub generation: u32,
    /// What was measured.
    pub metric: &'static Metric,
    /// Of what.
    pub dimensions: &'a Dimensions,
    /// The observation.
    pub value: f64,
}

/// Values by seed.
pub(crate) type Seeds = BTreeMap<u64, f64>;

/// What rows are of, as predicates name it.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) metric: &'static Metric,
    pub(crate) dimensions: &'static Dimensions,
}

impl Key {
    /// Rows without dimensions.
    pub(crate) const fn plain(metric: &'static Metric) -> Self {
        Self { metric, dimensions: &Dimensions::NONE }
    }
}

/// By generation.
type Series = BTreeMap<u32, Seeds>;

/// All that was observed. Of two rows with one key the later one counts.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    arms: BTreeMap<String, BTreeMap<&'static Metric, BTreeMap<Dimensions, Series>>>,
}

impl<'a> FromIterator<Row<'a>> for Observations {
    fn from_iter<T: IntoIterator<Item = Row<'a>>>(rows: T) -> Self {
        let mut found = Self::default();
        for row in rows {
            let of_arm = found.arms.entry(row.arm.to_owned()).or_default();
            let series = of_arm.entry(row.metric).or_default().entry(row.dimensions.clone()).or_default();
            series.entry(row.generation).or_default().insert(row.seed, row.value);
        }
        found
    }
}

impl Observations {
    /// The finite values of one cell; empty if nothing was measured.
    pub(crate) fn seeds(&self, arm: &str, key: Key, generation: u32) -> Seeds {
        self.seeds_of(arm, key.metric, key.dimensions, generation)
    }

    /// The same with dimensions that were found.
    pub(crate) fn seeds_of(&self, arm: &str, metric: &Metric, dimensions: &Dimensions, generation: u32) -> Seeds {
        let series = || self.arms.get(arm)?.get(metric)?.get(dimensions)?.get(&generation);
        let finite = series().into_iter().flatten().filter(|(_, value)| value.is_finite());
        finite.map(|(&seed, &value)| (seed, value)).collect()
    }

    /// The generations in which an arm has anything.
    pub(crate) fn generations(&self, arm: &str) -> Vec<u32> {
        let all = self.arms.get(arm).into_iter().flat_map(BTreeMap::values);
        let all = all.flat_map(BTreeMap::values).flat_map(BTreeMap::keys);
        let mut all: Vec<u32> = all.copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The dimensions under which an arm has a metric.
    pub(crate) fn dimensions<'a>(&'a self, arm: &str, metric: &Metric) -> impl Iterator<Item = &'a Dimensions> {
        self.arms.get(arm).and_then(|of_arm| of_arm.get(metric)).into_iter().flat_map(BTreeMap::keys)
    }
}

/// Seed by seed, what `of` makes of two cells; seeds that lack one are left out.
pub(crate) fn together(a: &Seeds, b: &Seeds, of: impl Fn(f64, f64) -> f64) -> Seeds {
    a.iter().filter_map(|(seed, &x)| Some((*seed, of(x, *b.get(seed)?)))).collect()
}
