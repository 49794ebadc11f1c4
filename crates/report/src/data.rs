//! What a report reads of a run, in the shape in which it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use evaluation::statistics::{Interval, Scale};
use evaluation::verdicts::{Observations, Row};
use rundir::{ChainId, RunDir, RunInfo};

use crate::catalogue::{Axis, Quantity, View, scale};
use crate::chronicle::FLOOR;
use crate::panel::Point;
use crate::{Error, Result};

/// `(set, metric, detail)`.
pub(crate) type Key = (String, String, String);
/// Values by generation and seed.
type Values = BTreeMap<u32, BTreeMap<u64, f64>>;

pub(crate) struct Data {
    pub(crate) run: RunDir,
    pub(crate) info: Option<RunInfo>,
    pub(crate) experiment: String,
    pub(crate) question: Option<String>,
    /// `experiment.toml` as it stands.
    pub(crate) settings: Option<String>,
    /// In the order of the experiment file; what it does not name comes after, sorted.
    pub(crate) arms: Vec<String>,
    /// Number of the arm that trains on human text alone, if there is one: the control.
    pub(crate) control: Option<usize>,
    /// Numbers of all such arms, those that refit the same text before those that have new text each generation.
    pub(crate) human: Vec<usize>,
    /// The arms' tables in the experiment file, by name.
    tables: BTreeMap<String, toml::Table>,
    /// Arms beside which human text and floors were measured that are shown: all; of several runs, the first one's.
    references: BTreeSet<String>,
    pub(crate) chains: Vec<ChainId>,
    pub(crate) failures: Vec<Failure>,
    values: BTreeMap<Key, BTreeMap<String, Values>>,
}

/// One of several runs that are read together.
pub(crate) struct Part {
    /// What it is called in the names of its arms.
    pub(crate) name: String,
    pub(crate) data: Data,
}

impl Part {
    /// What an arm of this run is called among those of several.
    pub(crate) fn arm(&self, arm: &str) -> String {
        format!("{arm} ({})", self.name)
    }
}

/// A chain that ended early.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) chain: ChainId,
    pub(crate) generation: u32,
    pub(crate) reason: String,
}

impl Data {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let run = RunDir::open(path)?;
        if !run.metrics_path().is_file() {
            return Err(Error::NoMetrics(path.to_owned()));
        }
        let rows = rundir::read_metrics(&run.metrics_path())?;
        let settings = std::fs::read_to_string(run.experiment_path()).ok();
        let table: toml::Table =
            (settings.as_deref().unwrap_or_default().parse()).map_err(|error: toml::de::Error| Error::Settings {
                path: run.experiment_path(),
                why: error.message().to_owned(),
            })?;
        let info = run.info()?;
        let word = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let experiment = word("name")
            .or_else(|| rows.first().map(|row| row.experiment.clone()))
            .or_else(|| info.as_ref().map(|info| info.experiment.clone()))
            .unwrap_or_else(|| "experiment".to_owned());
        let chains = run.chains()?;
        let mut measured: BTreeSet<String> = chains.iter().map(|chain| chain.arm.clone()).collect();
        let mut values: BTreeMap<Key, BTreeMap<String, Values>> = BTreeMap::new();
        for row in rows {
            measured.insert(row.arm.clone());
            let by_arm = values.entry((row.set, row.metric, row.detail)).or_default();
            by_arm.entry(row.arm).or_default().entry(row.generation).or_default().insert(row.seed, row.value);
        }
        let arms = order(&table, measured);
        let tables = tables(&table);
        let human = human(&tables, &arms, &values);
        let control = human.first().copied();
        let failures = failures(&run, &chains)?;
        let question = word("question");
        let references = arms.iter().cloned().collect();
        Ok(Self {
            info,
            experiment,
            question,
            settings,
            arms,
            control,
            human,
            tables,
            references,
            chains,
            failures,
            values,
            run,
        })
    }

    /// What was measured in several runs as if it were one, whose arms are named with their runs: the first run's arms in its
    /// order, each followed by those of its name in the others. It has no chains, so nothing is read of documents, and of
    /// settings only recipes.
    ///
    /// # Panics
    /// If there are no runs.
    pub(crate) fn beside(runs: &[Part]) -> Self {
        let mut values: BTreeMap<Key, BTreeMap<String, Values>> = BTreeMap::new();
        for part in runs {
            for (key, arms) in &part.data.values {
                let renamed = arms.iter().map(|(arm, series)| (part.arm(arm), series.clone()));
                values.entry(key.clone()).or_default().extend(renamed);
            }
        }
        let mut names: Vec<&String> = runs.iter().flat_map(|part| &part.data.arms).collect();
        let mut met = BTreeSet::new();
        names.retain(|name| met.insert(*name));
        let of_name = |name: &String| -> Vec<String> {
            runs.iter().filter(|part| part.data.arms.contains(name)).map(|part| part.arm(name)).collect()
        };
        let arms: Vec<String> = names.into_iter().flat_map(of_name).collect();
        // By their recipes arms know their laws; of a grid there is none across runs.
        let recipe = |table: &toml::Table| table.get("recipe").map(|recipe| ("recipe".to_owned(), recipe.clone()));
        let tables_of = |part: &Part| -> Vec<(String, toml::Table)> {
            part.data.tables.iter().map(|(arm, table)| (part.arm(arm), recipe(table).into_iter().collect())).collect()
        };
        let references = runs[0].data.arms.iter().map(|arm| runs[0].arm(arm)).collect();
        let failed = |part: &Part| -> Vec<Failure> {
            let chain = |chain: &ChainId| ChainId { arm: part.arm(&chain.arm), ..chain.clone() };
            let of_run = |failure: &Failure| Failure { chain: chain(&failure.chain), ..failure.clone() };
            part.data.failures.iter().map(of_run).collect()
        };
        let names: Vec<&str> = runs.iter().map(|part| part.name.as_str()).collect();
        Self {
            run: runs[0].data.run.clone(),
            info: None,
            experiment: names.join(" beside "),
            question: None,
            settings: None,
            // Each run has its own: none is laid under the arms of all.
            control: None,
            human: Vec::new(),
            tables: runs.iter().flat_map(tables_of).collect(),
            references,
            chains: Vec::new(),
            failures: runs.iter().flat_map(failed).collect(),
            arms,
            values,
        }
    }

    /// Everything that was measured, sorted.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.values.keys()
    }

    /// Under which details a quantity is shown; none if it was not measured.
    pub(crate) fn view(&self, quantity: &Quantity) -> Option<Viewed> {
        let key = |detail: &str| (quantity.set.to_owned(), quantity.metric.to_owned(), detail.to_owned());
        let count = |key: &Key| {
            self.values.get(key).map_or(0, |arms| arms.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum())
        };
        let begins = |view: &&View| {
            let first = |arm: &BTreeMap<u32, BTreeMap<u64, f64>>| arm.first_key_value().map(|(_, seeds)| seeds.clone());
            let arms = self.values.get(&key(view.detail)).into_iter().flat_map(BTreeMap::values);
            let values: Vec<f64> = arms.filter_map(first).flat_map(BTreeMap::into_values).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            quantity.begins.is_some_and(|least| mean >= least)
        };
        let known = quantity.views.iter().find(begins).map(std::slice::from_ref);
        let mut best: Option<(usize, Viewed)> = None;
        for view in known.unwrap_or(quantity.views) {
            let observations: usize = count(&key(view.detail));
            if observations > best.as_ref().map_or(0, |(most, _)| *most) {
                let human = Some(key(view.human)).filter(|human| !view.human.is_empty() && count(human) > 0);
                best = Some((observations, Viewed { key: key(view.detail), human, times: quantity.times }));
            }
        }
        best.map(|(_, viewed)| viewed)
    }

    /// The mean over seeds of what was measured of human text; arms and generations of a seed share it.
    pub(crate) fn human(&self, viewed: &Viewed) -> Option<f64> {
        Some(self.by_seed(viewed.human.as_ref()?)? * viewed.times)
    }

    /// The entropy of a generated world's language in bits per token, the mean over seeds, whose tokenizers differ.
    pub(crate) fn floor(&self) -> Option<f64> {
        let viewed = self.view(&FLOOR)?;
        Some(self.by_seed(&viewed.key)? * viewed.times)
    }

    /// The mean over seeds of what is the same in all arms and generations of a seed.
    fn by_seed(&self, key: &Key) -> Option<f64> {
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
        Interval::of(values.into_iter().map(|(_, value)| value), scale(&key.1))
    }

    /// Mean and interval of one cell, in the unit in which it is shown.
    pub(crate) fn shown(&self, viewed: &Viewed, arm: &str, generation: u32) -> Option<Interval> {
        Some(self.interval(&viewed.key, arm, generation)?.times(viewed.times))
    }

    /// What a figure shows of an arm, by generation.
    pub(crate) fn points(&self, viewed: &Viewed, arm: &str, kind: Axis) -> Vec<Point> {
        let point = |generation| {
            let seeds = self.seeds(&viewed.key, arm, generation);
            let values = seeds.into_iter().map(|(_, value)| value * viewed.times).collect();
            Point::of(generation, values, scale(&viewed.key.1), kind)
        };
        self.generations_of(&viewed.key, arm).into_iter().filter_map(point).collect()
    }

    /// One count as a share of another, by seed.
    pub(crate) fn shares(&self, part: &Key, whole: &Key, arm: &str, generation: u32) -> Vec<f64> {
        let whole: BTreeMap<u64, f64> = self.seeds(whole, arm, generation).into_iter().collect();
        let parts = self.seeds(part, arm, generation).into_iter();
        parts.filter_map(|(seed, part)| Some(part / whole.get(&seed).filter(|&&whole| whole > 0.0)?)).collect()
    }

    /// Everything that was measured, for verdicts.
    pub(crate) fn observations(&self) -> Observations {
        let rows = self.values.iter().flat_map(|((set, metric, detail), arms)| {
            let cells = arms.iter().flat_map(|(arm, series)| series.iter().map(move |(g, seeds)| (arm, *g, seeds)));
            cells.flat_map(move |(arm, generation, seeds)| {
                seeds.iter().map(move |(&seed, &value)| Row { arm, seed, generation, set, metric, detail, value })
            })
        });
        rows.collect()
    }

    /// What an arm's table in the experiment file has under a key.
    pub(crate) fn setting(&self, arm: &str, key: &str) -> Option<&toml::Value> {
        self.tables.get(arm)?.get(key)
    }

    /// The arm's place in a grid: dimension and value, in the file's order; empty if it is of none.
    pub(crate) fn point(&self, arm: &str) -> Vec<(&str, &toml::Value)> {
        let point = self.setting(arm, "point").and_then(toml::Value::as_table);
        point.into_iter().flatten().map(|(dimension, value)| (dimension.as_str(), value)).collect()
    }

    /// The generations in which an arm has anything measured.
    pub(crate) fn generations(&self, arm: &str) -> Vec<u32> {
        let all = self.values.values().filter_map(|arms| arms.get(arm)).flat_map(BTreeMap::keys);
        all.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The generations in which an arm has a metric.
    pub(crate) fn generations_of(&self, key: &Key, arm: &str) -> Vec<u32> {
        self.series(key, arm).map(|series| series.keys().copied().collect()).unwrap_or_default()
    }

    /// How many seeds an arm has anything measured of.
    pub(crate) fn seed_count(&self, arm: &str) -> usize {
        let all = self.values.values().filter_map(|arms| arms.get(arm)).flat_map(BTreeMap::values);
        all.flat_map(BTreeMap::keys).collect::<BTreeSet<_>>().len()
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

/// Where a quantity's observations are.
pub(crate) struct Viewed {
    pub(crate) key: Key,
    pub(crate) human: Option<Key>,
    /// From the unit of the file to the one that is shown.
    pub(crate) times: f64,
}

/// From the first generation to the last.
pub(crate) struct Change {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) ratio: Interval,
}

/// The arms of the experiment file that were measured, then the others.
fn order(table: &toml::Table, mut measured: BTreeSet<String>) -> Vec<String> {
    let named = table.get("arm").and_then(toml::Value::as_array).into_iter().flatten();
    let named = named.filter_map(|arm| arm.get("name")?.as_str()).map(str::to_owned);
    let mut arms: Vec<String> = named.filter(|name| measured.remove(name)).collect();
    arms.extend(measured);
    arms
}

fn tables(table: &toml::Table) -> BTreeMap<String, toml::Table> {
    let arms = table.get("arm").and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_table);
    arms.filter_map(|arm| Some((arm.get("name")?.as_str()?.to_owned(), arm.clone()))).collect()
}

/// The arms whose recipe takes nothing that a model wrote and whose text no defence has judged (it would say how much it `kept`),
/// `human-refit` or such as refit before those with fresh text; without recipes, the one that has the control's name.
fn human(
    tables: &BTreeMap<String, toml::Table>,
    arms: &[String],
    values: &BTreeMap<Key, BTreeMap<String, Values>>,
) -> Vec<usize> {
    let recipe = |arm: &String| tables.get(arm)?.get("recipe")?.as_table();
    let kept = values.iter().filter(|((set, metric, _), _)| set == "training" && metric == "kept");
    let judged: BTreeSet<&String> = kept.flat_map(|(_, by_arm)| by_arm.keys()).collect();
    let only = |arm: &String| match recipe(arm) {
        Some(recipe) => {
            !["latest", "history"].iter().any(|source| recipe.contains_key(*source)) && !judged.contains(arm)
        }
        None => arm == "human-refit",
    };
    let mut human: Vec<usize> = (0..arms.len()).filter(|&arm| only(&arms[arm])).collect();
    human.sort_by_key(|&arm| recipe(&arms[arm]).is_some_and(|recipe| recipe.contains_key("fresh")));
    human
}

fn failures(run: &RunDir, chains: &[ChainId]) -> Result<Vec<Failure>> {
    let mut failures = Vec::new();
    for chain in chains {
        for generation in run.generations(chain)? {
            let record = run.resolve(chain, generation)?;
            if let Some(reason) = record.as_ref().and_then(|record| record.failure()) {
                failures.push(Failure { chain: chain.clone(), generation, reason: reason.to_owned() });
            }
        }
    }
    Ok(failures)
}
