use crate::claim::{made_from, stored};
use crate::{Error, exact, scoring, text};
use evaluation::metric::{FAILED, INHERITANCE};
use evaluation::{Dimension, Measure};
use experiment::{Data, Experiment};
use rundir::{ChainId, Claim, Column, Row, RunDir, RunInfo, Schema, StageId, StageKind};
use std::collections::{BTreeMap, BTreeSet};
use world::FalseFact;

/// The false facts of every generation, by arm, generation and seed.
type FalseFacts = BTreeMap<(usize, u32, u64), BTreeSet<FalseFact>>;

/// How many generations of an experiment's chains were made from something else than they would be made from now.
pub(crate) fn of_others(dir: &RunDir, experiment: &Experiment, info: &RunInfo) -> Result<usize, Error> {
    let mut count = 0;
    for arm in experiment.arms.iter().filter(|_| experiment.data != Data::Exact) {
        let ours = made_from(experiment, arm, info.prepare, &info.backend);
        for &seed in &experiment.chain.seeds {
            let chain = ChainId::new(&arm.name, seed)?;
            for generation in dir.generations(&chain)? {
                count += usize::from(dir.resolve(&chain, generation)?.is_some_and(|record| record.made_from != ours));
            }
        }
    }
    Ok(count)
}

/// Derives metrics again and again while a run goes on: what was read of a score stage is kept.
#[derive(Default)]
pub(crate) struct Deriving(BTreeMap<StageId, Scored>);

/// What a score stage says.
struct Scored {
    measures: Vec<Measure>,
    false_facts: Option<BTreeSet<FalseFact>>,
}

impl Deriving {
    /// Derives `metrics.csv` from the records and score stages that are there, and returns whether it changed. The directory is held meanwhile: what another process wrote is
    /// not lost.
    pub(crate) fn write(&mut self, dir: &RunDir) -> Result<bool, Error> {
        let claim = dir.lock(&mut |_| {})?;
        self.write_into(&claim)
    }

    /// The same of a directory that is held already.
    pub(crate) fn write_into(&mut self, claim: &Claim) -> Result<bool, Error> {
        let rows = self.derive(claim.dir())?;
        Ok(claim.write_metrics(&schema(), rows)?)
    }

    /// The rows of a run directory.
    pub(crate) fn derive(&mut self, dir: &RunDir) -> Result<Vec<Row>, Error> {
        let missing =
            || Error::Request(format!("{}: no experiment.toml: run the experiment there", dir.path().display()));
        let experiment = stored(dir)?.ok_or_else(missing)?;
        let info = dir.info()?.ok_or_else(missing)?;
        match experiment.data {
            Data::Exact => Ok(exact::chains(&experiment)?.rows),
            Data::Corpus(_) => self.rows(dir, &experiment, &info),
        }
    }

    /// One observation a row. A generation that failed has one row, `training,failed`, with the generation as its value; one
    /// whose score is not there (yet), or that was made from something else than the experiment says, has none.
    fn rows(&mut self, dir: &RunDir, experiment: &Experiment, info: &RunInfo) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        let mut false_facts = FalseFacts::new();
        for (index, arm) in experiment.arms.iter().enumerate() {
            let made_from = made_from(experiment, arm, info.prepare, &info.backend);
            for &seed in &experiment.chain.seeds {
                let chain = ChainId::new(&arm.name, seed)?;
                for generation in 0..experiment.chain.generations {
                    let record = dir.resolve(&chain, generation)?.filter(|record| record.made_from == made_from);
                    let Some(record) = record else { break };
                    let row = |measure: Measure| row((&experiment.name, &arm.name), seed, generation, measure);
                    if record.failure().is_some() {
                        rows.push(row(Measure::new(&FAILED, f64::from(generation))));
                        break;
                    }
                    let score = record.stages.get(&StageKind::Score).map(|id| self.scored(dir, id)).transpose()?;
                    let Some(scored) = score.flatten() else { continue };
                    rows.extend(scored.measures.iter().cloned().map(row));
                    if let Some(found) = &scored.false_facts {
                        false_facts.insert((index, generation, seed), found.clone());
                    }
                }
            }
        }
        rows.extend(inherited(experiment, &false_facts));
        Ok(rows)
    }

    /// What a score stage says; none if it is not there.
    fn scored(&mut self, dir: &RunDir, id: &StageId) -> Result<Option<&Scored>, Error> {
        if !self.0.contains_key(id) {
            let Some(stage) = dir.find(id)? else { return Ok(None) };
            let scored = Scored { measures: scoring::read(&stage)?, false_facts: text::false_facts(&stage)? };
            self.0.insert(*id, scored);
        }
        Ok(self.0.get(id))
    }
}

/// The columns of `metrics.csv` that are dimensions.
pub(crate) fn schema() -> Schema {
    let column = |dimension: Dimension| Column { name: dimension.name().into(), about: dimension.about().into() };
    Schema::new(Dimension::ALL.map(column))
}

/// A measure as a row of `metrics.csv`.
pub(crate) fn row((experiment, arm): (&str, &str), seed: u64, generation: u32, measure: Measure) -> Row {
    let Measure { metric, dimensions, value } = measure;
    let dimensions = dimensions.iter().map(|(dimension, value)| (dimension.name().to_owned(), value.to_owned()));
    Row {
        experiment: experiment.to_owned(),
        arm: arm.to_owned(),
        seed,
        generation,
        set: metric.set.name().to_owned(),
        metric: metric.name.to_owned(),
        dimensions: dimensions.collect(),
        value,
    }
}

/// How many of its parent's false facts each generation repeats, and how many of those the same generation of the arm's other
/// seeds states too. It takes all chains to say, so no stage has it.
fn inherited(experiment: &Experiment, false_facts: &FalseFacts) -> Vec<Row> {
    let mut rows = Vec::new();
    for (&(arm, generation, seed), child) in false_facts {
        let Some(parent) = generation.checked_sub(1).and_then(|before| false_facts.get(&(arm, before, seed))) else {
            continue;
        };
        let others = false_facts.range((arm, generation, 0)..=(arm, generation, u64::MAX));
        let strangers: Vec<_> =
            others.filter(|((.., other), _)| *other != seed).map(|(_, facts)| facts.clone()).collect();
        let Some(found) = world::inheritance(parent, child, &strangers) else { continue };
        let values = [("repeated", found.repeated), ("shared", found.shared), ("inherited", found.inherited())];
        let names = (experiment.name.as_str(), experiment.arms[arm].name.as_str());
        rows.extend(values.map(|(part, value)| {
            row(names, seed, generation, Measure::new(&INHERITANCE, value).with(Dimension::Part, part))
        }));
    }
    rows
}
