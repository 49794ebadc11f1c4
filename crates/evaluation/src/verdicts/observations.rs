//! Rows of `metrics.csv`, found by what they are of.

use std::collections::BTreeMap;

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
    pub set: &'a str,
    /// What is counted.
    pub metric: &'a str,
    /// A band, an order; or empty.
    pub detail: &'a str,
    /// The observation.
    pub value: f64,
}

/// Values by seed.
pub(crate) type Seeds = BTreeMap<u64, f64>;

/// Set, metric and detail.
type Key = (String, String, String);
/// By generation.
type Series = BTreeMap<u32, Seeds>;

/// All that was observed. Of two rows with one key the later one counts.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    arms: BTreeMap<String, BTreeMap<Key, Series>>,
}

impl<'a> FromIterator<Row<'a>> for Observations {
    fn from_iter<T: IntoIterator<Item = Row<'a>>>(rows: T) -> Self {
        let mut found = Self::default();
        for row in rows {
            let key = (row.set.to_owned(), row.metric.to_owned(), row.detail.to_owned());
            let of_arm = found.arms.entry(row.arm.to_owned()).or_default();
            of_arm.entry(key).or_default().entry(row.generation).or_default().insert(row.seed, row.value);
        }
        found
    }
}

impl Observations {
    fn series(&self, arm: &str, [set, metric, detail]: [&str; 3]) -> Option<&Series> {
        self.arms.get(arm)?.get(&(set.to_owned(), metric.to_owned(), detail.to_owned()))
    }

    /// The finite values of one cell; empty if nothing was measured.
    pub(crate) fn seeds(&self, arm: &str, key: [&str; 3], generation: u32) -> Seeds {
        let cell = self.series(arm, key).and_then(|series| series.get(&generation));
        cell.into_iter().flatten().filter(|(_, value)| value.is_finite()).map(|(&seed, &value)| (seed, value)).collect()
    }

    /// The generations in which an arm has anything.
    pub(crate) fn generations(&self, arm: &str) -> Vec<u32> {
        let all = self.arms.get(arm).into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::keys);
        let mut all: Vec<u32> = all.copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The details under which an arm has a metric.
    pub(crate) fn details<'a>(&'a self, arm: &str, set: &'a str, metric: &'a str) -> impl Iterator<Item = &'a str> {
        let keys = self.arms.get(arm).into_iter().flat_map(BTreeMap::keys);
        keys.filter(move |(s, m, _)| s == set && m == metric).map(|(_, _, detail)| detail.as_str())
    }
}

/// Seed by seed, what `of` makes of two cells; seeds that lack one are left out.
pub(crate) fn together(a: &Seeds, b: &Seeds, of: impl Fn(f64, f64) -> f64) -> Seeds {
    a.iter().filter_map(|(seed, &x)| Some((*seed, of(x, *b.get(seed)?)))).collect()
}
