//! Runs: what `habsburg run`, `step` and `plan` do.

mod open;
mod work;

pub use open::Run;

use crate::claim::stored;
use crate::options::{RunOptions, Summary};
use crate::text::{Stop, versions};
use crate::{Error, Plan, derive_metrics, exact};
use experiment::{Data, Experiment};
use rundir::{ChainId, Event, GenerationRecord, Observer, RunDir, StageKind, Status};
use std::path::Path;

/// Makes every stage of the experiment that the directory does not hold, and derives its metrics.
///
/// # Errors
/// [`Error::Request`] before anything is begun, [`Error::Work`] if a stage fails.
pub fn run(
    experiment: &Experiment,
    out: &Path,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Summary, Error> {
    if experiment.data == Data::Exact {
        return exact::run(experiment, out, options, observer);
    }
    let run = Run::open(experiment, out, options, observer)?;
    let chains = run.chains()?;
    let todo: Vec<&(usize, ChainId)> = chains.iter().filter(|(arm, chain)| !run.is_complete(*arm, chain)).collect();
    for (_, chain) in chains.iter().filter(|chain| !todo.contains(chain)) {
        run.stages.count_found(run.stages_of(chain)?);
    }
    let cost = todo.iter().map(|(arm, _)| run.plans[*arm].generations.iter().map(|g| g.total()).sum::<f64>()).sum();
    observer.event(Event::Begin { chains: todo.len(), cost });
    run.work(&todo, options.jobs, observer)?;
    // Always: a run that was killed after its last stage has old metrics, or none.
    derive_metrics(run.stages.dir(), &run.experiment)?;
    let mut failed = Vec::new();
    for (_, chain) in &chains {
        for generation in 0..run.experiment.chain.generations {
            if let Some(Status::Failed { reason }) = run.stages.dir().resolve(chain, generation)?.map(|r| r.status) {
                failed.push((chain.to_string(), reason));
            }
        }
    }
    let (made, found) = run.stages.counts();
    Ok(Summary { made, found, failed })
}

/// Makes one generation of one chain, whose earlier generations must be there. Anyone may call it, more than once, from
/// anywhere that sees the directory; `metrics.csv` is derived anew.
///
/// # Errors
/// [`Error::Request`] if there is no such chain, or an earlier generation is missing.
pub fn step(
    out: &Path,
    chain: &ChainId,
    generation: u32,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Summary, Error> {
    let dir = RunDir::open(out)?;
    let experiment = stored(&dir)?.ok_or_else(|| {
        Error::Request(format!(
            "{}: no experiment.toml; prepare it with `habsburg plan EXPERIMENT.toml --out DIR`",
            out.display()
        ))
    })?;
    if experiment.data == Data::Exact {
        return Err(exact::no_stages(&experiment));
    }
    let run = Run::open(&experiment, out, options, observer)?;
    let chains = run.chains()?;
    let Some((arm, chain)) = chains.iter().find(|(_, c)| c == chain) else {
        let known: Vec<String> = chains.iter().map(|(_, c)| c.to_string()).collect();
        return Err(Error::Request(format!("--chain {chain}: this run has {}", known.join(", "))));
    };
    if generation >= run.experiment.chain.generations {
        let last = run.experiment.chain.generations - 1;
        return Err(Error::Request(format!("--generation {generation}: this run has 0 to {last}")));
    }
    let failed = match run.chain(*arm, chain, generation + 1, generation, observer) {
        Ok(()) => Vec::new(),
        Err(Stop::Failed(reason)) => {
            observer.event(Event::Failed { chain: chain.to_string(), reason: reason.clone() });
            vec![(chain.to_string(), reason)]
        }
        Err(Stop::Missing(missing)) => {
            return Err(Error::Request(format!("{chain}: generation {missing} is not there yet; make it first")));
        }
        Err(Stop::Error(error)) => return Err(error),
    };
    derive_metrics(run.stages.dir(), &run.experiment)?;
    let (made, found) = run.stages.counts();
    Ok(Summary { made, found, failed })
}

/// Checks an experiment, down to whether every recipe can be filled, and says what it would cost. Leaves nothing behind.
///
/// # Errors
/// [`Error::Request`] with what is wrong.
pub fn plan(experiment: &Experiment, options: &RunOptions, observer: &dyn Observer) -> Result<Plan, Error> {
    if experiment.data == Data::Exact {
        return Ok(exact::plan(experiment));
    }
    let scratch = std::env::temp_dir().join(format!("habsburg-plan-{}", std::process::id()));
    let plan = Run::open(experiment, &scratch, options, observer).map(|run| run.plan());
    std::fs::remove_dir_all(&scratch).ok();
    plan
}

/// Prepares a run directory for [`step()`], and says what it would cost.
///
/// # Errors
/// As [`run()`], before any chain is begun.
pub fn prepare(
    experiment: &Experiment,
    out: &Path,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Plan, Error> {
    if experiment.data == Data::Exact {
        return Err(exact::no_stages(experiment));
    }
    Run::open(experiment, out, options, observer).map(|run| run.plan())
}

impl Run {
    /// Its estimated cost.
    pub fn plan(&self) -> Plan {
        let seeds = self.experiment.chain.seeds.len();
        let all: f64 = self.plans.iter().flat_map(|p| &p.generations).map(|g| g.total()).sum();
        // Arms whose first generation is the same share it.
        let shared: f64 = self.plans.iter().skip(1).map(|p| p.generations[0].total()).sum();
        Plan {
            experiment: self.experiment.name.clone(),
            chains: self.plans.clone(),
            count: self.plans.len() * seeds,
            operations: (all - shared) * seeds as f64,
        }
    }

    /// All chains, seed after seed within an arm: neighbours share nothing, so that jobs do not wait for each other.
    fn chains(&self) -> Result<Vec<(usize, ChainId)>, Error> {
        let mut chains = Vec::new();
        for (index, arm) in self.experiment.arms.iter().enumerate() {
            for &seed in &self.experiment.chain.seeds {
                chains.push((index, ChainId::new(&arm.name, seed)?));
            }
        }
        Ok(chains)
    }

    /// Stages that a chain's records name, but for the prepare stage, which all chains share.
    fn stages_of(&self, chain: &ChainId) -> Result<usize, Error> {
        let mut count = 0;
        for generation in 0..self.experiment.chain.generations {
            let record = self.stages.dir().resolve(chain, generation)?;
            let stages = record.iter().flat_map(GenerationRecord::all_stages);
            count += stages.filter(|stage| stage.kind() != StageKind::Prepare).count();
        }
        Ok(count)
    }

    /// True if every generation of a chain is there, or it has failed for good.
    fn is_complete(&self, arm: usize, chain: &ChainId) -> bool {
        let versions = versions(&self.experiment.arms[arm]);
        let dir = self.stages.dir();
        for generation in 0..self.experiment.chain.generations {
            match dir.resolve(chain, generation) {
                // What code of other versions made is gone through again: stages of the same version are found.
                Ok(Some(record)) if record.versions != versions => return false,
                Ok(Some(record)) if record.failure().is_some() => return true,
                Ok(Some(record)) => {
                    let is_there = |id| matches!(dir.find(id), Ok(Some(_)));
                    if !record.stages.contains_key(&StageKind::Score) || !record.all_stages().iter().all(is_there) {
                        return false;
                    }
                }
                _ => return false,
            }
        }
        true
    }
}
