//! Data of a report, read from runs, in the shape in which it is shown.

use std::collections::{BTreeMap, BTreeSet};

use evaluation::statistics::{Interval, Scale};
use evaluation::verdicts::{Observations, Row};
use evaluation::{Dimension, Dimensions, Metric};
use rundir::{ChainId, GenerationRecord, Role, RunDir, RunInfo};

use crate::arm::Arm;
use crate::key::Key;
use crate::quantity::{EXCESS, FLOOR, Quantity};
use crate::unfinished::Unfinished;

/// Values by generation and seed.
pub(crate) type Values = BTreeMap<u32, BTreeMap<u64, f64>>;
/// Which generations have anything measured, by arm and seed.
pub(crate) type Measured = BTreeMap<String, BTreeMap<u64, BTreeSet<u32>>>;
/// Values by what they are of and by arm.
pub(crate) type Table = BTreeMap<Key, BTreeMap<String, Values>>;

pub(crate) struct Data {
    /// Provenance of each piece; empty of several experiments.
    pub(crate) origins: Vec<Origin>,
    pub(crate) experiment: String,
    pub(crate) question: Option<String>,
    /// In the order of the experiment file; what `run.json` does not state comes after, sorted.
    pub(crate) arms: Vec<Arm>,
    /// Arms beside which references and floors were measured that are shown: all; of several runs, the first one's.
    pub(crate) references: BTreeSet<String>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) failures: Vec<Failure>,
    /// Arms of which something is still to come.
    pub(crate) unfinished: Vec<Unfinished>,
    pub(crate) measured: Measured,
    pub(crate) values: Table,
}

/// Provenance of a piece.
pub(crate) struct Origin {
    pub(crate) run: RunDir,
    pub(crate) info: RunInfo,
    /// `experiment.toml` as it stands.
    pub(crate) settings: Option<String>,
}

/// A chain, and where its stages are.
pub(crate) struct Chain {
    pub(crate) id: ChainId,
    pub(crate) run: RunDir,
    /// Its generations that are recorded.
    pub(crate) records: BTreeMap<u32, GenerationRecord>,
}

/// A chain that ended early.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) chain: ChainId,
    pub(crate) generation: u32,
    pub(crate) reason: String,
}

impl Data {
    /// Number of the control, if there is one.
    pub(crate) fn control(&self) -> Option<usize> {
        self.arms.iter().position(|arm| arm.role == Role::Control)
    }

    /// The arm of a name.
    pub(crate) fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.name == name)
    }

    /// The chains of an arm.
    pub(crate) fn chains_of<'a>(&'a self, arm: &str) -> impl Iterator<Item = &'a Chain> {
        self.chains.iter().filter(move |chain| chain.id.arm == arm)
    }

    /// Everything that was measured, sorted.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.values.keys()
    }

    /// Observations of a metric, sorted.
    pub(crate) fn keys_of(&self, metric: &'static Metric) -> impl Iterator<Item = &Key> {
        self.keys().filter(|key| key.is_of(metric))
    }

    /// Under which dimensions a quantity is shown; none if it was not measured.
    pub(crate) fn view(&self, quantity: &Quantity) -> Option<Viewed> {
        let metric = quantity.metric;
        let keys = || quantity.views.iter().map(|view| Key::of(metric, Dimensions::of(view)));
        let begins = |key: &Key| quantity.begins.is_some_and(|least| self.first(key) >= least);
        let begun = keys().find(begins);
        let mut best: Option<(usize, Key)> = None;
        for key in begun.map_or_else(|| keys().collect(), |key| vec![key]) {
            let observations = self.count(&key);
            if observations > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((observations, key));
            }
        }
        let (_, key) = best?;
        let reference = metric
            .baseline
            .map(|baseline| Key::of(metric, key.dimensions.clone().with(Dimension::Reference, baseline.reference)));
        Some(Viewed { reference: reference.filter(|key| self.count(key) > 0), key, times: metric.times })
    }

    /// Number of observations.
    fn count(&self, key: &Key) -> usize {
        self.values.get(key).map_or(0, |arms| arms.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum())
    }

    /// The mean over arms and seeds of the first generation; NaN if nothing was measured.
    fn first(&self, key: &Key) -> f64 {
        let arms = self.values.get(key).into_iter().flat_map(BTreeMap::values);
        let seeds = arms.filter_map(BTreeMap::first_key_value).flat_map(|(_, seeds)| seeds.values());
        let values: Vec<f64> = seeds.copied().collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// The mean over seeds of what was measured of the reference; arms and generations of a seed share it.
    pub(crate) fn reference(&self, viewed: &Viewed) -> Option<f64> {
        Some(self.by_seed(viewed.reference.as_ref()?)? * viewed.times)
    }

    /// The entropy of a generated world's language in bits per token, the mean over seeds, whose tokenizers differ.
    pub(crate) fn floor(&self) -> Option<f64> {
        let viewed = self.view(&FLOOR)?;
        Some(self.by_seed(&viewed.key)? * viewed.times)
    }

    /// True if it is of a generated world, whose truth is known.
    pub(crate) fn is_world(&self) -> bool {
        self.view(&EXCESS).is_some()
    }

    /// The mean over seeds of what is the same in all arms and generations of a seed.
    pub(crate) fn by_seed(&self, key: &Key) -> Option<f64> {
        let arms = self.values.get(key)?.iter().filter(|(arm, _)| self.references.contains(*arm));
        let cells = arms.flat_map(|(_, generations)| generations.values()).flatten();
        let by_seed: BTreeMap<u64, f64> = cells.map(|(&seed, &value)| (seed, value)).collect();
        Some(Interval::of(by_seed.into_values(), Scale::Plain)?.mean)
    }

    fn series(&self, key: &Key, arm: &str) -> Option<&Values> {
        self.values.get(key)?.get(arm)
    }

    /// The values of one cell by seed; none if nothing was measured.
    pub(crate) fn seeds(&self, key: &Key, arm: &str, generation: u32) -> Vec<(u64, f64)> {
        let cell = self.series(key, arm).and_then(|series| series.get(&generation));
        cell.into_iter().flatten().map(|(&seed, &value)| (seed, value)).collect()
    }

    /// Mean and interval of one cell.
    pub(crate) fn interval(&self, key: &Key, arm: &str, generation: u32) -> Option<Interval> {
        let values = self.seeds(key, arm, generation);
        Interval::of(values.into_iter().map(|(_, value)| value), key.scale())
    }

    /// Mean and interval of one cell, in the unit in which it is shown.
    pub(crate) fn shown(&self, viewed: &Viewed, arm: &str, generation: u32) -> Option<Interval> {
        Some(self.interval(&viewed.key, arm, generation)?.times(viewed.times))
    }

    /// The values of an arm by generation, in the unit in which they are shown, with the scale of their mean.
    pub(crate) fn course(&self, viewed: &Viewed, arm: &str) -> (Scale, Vec<(u32, Vec<f64>)>) {
        let shown = |seeds: &BTreeMap<u64, f64>| seeds.values().map(|value| value * viewed.times).collect();
        let series = self.series(&viewed.key, arm).into_iter().flatten();
        (viewed.key.scale(), series.map(|(&generation, seeds)| (generation, shown(seeds))).collect())
    }

    /// One count as a share of another, by seed.
    pub(crate) fn shares(&self, part: &Key, whole: &Key, arm: &str, generation: u32) -> Vec<f64> {
        let whole: BTreeMap<u64, f64> = self.seeds(whole, arm, generation).into_iter().collect();
        let parts = self.seeds(part, arm, generation).into_iter();
        parts.filter_map(|(seed, part)| Some(part / whole.get(&seed).filter(|&&whole| whole > 0.0)?)).collect()
    }

    /// Everything that was measured of metrics of the registry, for verdicts.
    pub(crate) fn observations(&self) -> Observations {
        let known = self.values.iter().filter_map(|(key, arms)| Some((key.registered()?, &key.dimensions, arms)));
        let rows = known.flat_map(|(metric, dimensions, arms)| {
            let cells = arms.iter().flat_map(|(arm, series)| series.iter().map(move |(g, seeds)| (arm, *g, seeds)));
            cells.flat_map(move |(arm, generation, seeds)| {
                seeds.iter().map(move |(&seed, &value)| Row { arm, seed, generation, metric, dimensions, value })
            })
        });
        rows.collect()
    }

    /// The generations in which an arm has anything measured.
    pub(crate) fn generations(&self, arm: &str) -> Vec<u32> {
        let all = self.measured.get(arm).into_iter().flat_map(BTreeMap::values).flatten();
        all.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The generations in which an arm has a metric.
    pub(crate) fn generations_of(&self, key: &Key, arm: &str) -> Vec<u32> {
        self.series(key, arm).map(|series| series.keys().copied().collect()).unwrap_or_default()
    }

    /// How many seeds an arm has anything measured of.
    pub(crate) fn seed_count(&self, arm: &str) -> usize {
        self.measured.get(arm).map_or(0, BTreeMap::len)
    }

    /// Observations that are no finite number: key, arm, generation, seed.
    pub(crate) fn not_finite(&self) -> Vec<(&Key, &str, u32, u64)> {
        let mut found = Vec::new();
        for (key, arms) in &self.values {
            for (arm, generations) in arms {
                for (&generation, seeds) in generations {
                    let bad = seeds.iter().filter(|(_, value)| !value.is_finite());
                    found.extend(bad.map(|(&seed, _)| (key, arm.as_str(), generation, seed)));
                }
            }
        }
        found
    }

    /// Last over first generation of a positive metric, seed by seed: the pairs' geometric mean and its interval.
    pub(crate) fn ratio(&self, key: &Key, arm: &str) -> Option<Change> {
        let generations = self.generations_of(key, arm);
        let (&first, &last) = (generations.first()?, generations.last()?);
        let from: BTreeMap<u64, f64> = self.seeds(key, arm, first).into_iter().collect();
        let to = self.seeds(key, arm, last);
        let ratios = to.iter().filter_map(|(seed, value)| Some(value / from.get(seed)?));
        let ratio = Interval::of(ratios, Scale::Log)?;
        Some(Change { first, last, ratio })
    }
}

/// The place of a quantity's observations.
pub(crate) struct Viewed {
    pub(crate) key: Key,
    /// The same of the reference; none if it was not measured.
    pub(crate) reference: Option<Key>,
    /// From the unit of the file to the one that is shown.
    pub(crate) times: f64,
}

/// From the first generation to the last.
pub(crate) struct Change {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) ratio: Interval,
}
