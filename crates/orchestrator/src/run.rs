//! Runs: what `habsburg run`, `step` and `plan` do.

mod open;
mod work;

pub use open::Run;

use crate::claim::stored;
use crate::metrics::Deriving;
use crate::options::{RunOptions, Summary};
use crate::steps::Stop;
use crate::{Error, Plan, exact, keep, scatter};
use experiment::{Data, Experiment};
use rayon::prelude::*;
use rundir::{ChainId, Event, GenerationRecord, Observer, RunDir, StageId, StageKind, Status};
use std::collections::BTreeSet;
use std::path::Path;

/// Makes every stage of the experiment that the directory does not hold, and derives its metrics.
///
/// # Errors
/// [`Error::Request`] before anything is begun, [`Error::Work`] if a stage fails, [`Error::Interrupted`] if the interrupt of
/// the options is set before all is done.
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
    let (done, todo): (Vec<_>, Vec<_>) = chains.iter().partition(|(arm, chain)| run.is_complete(*arm, chain));
    run.verify(&done, observer)?;
    for (_, chain) in &done {
        run.stages.count_found(run.stages_of(chain)?);
    }
    let cost = todo.iter().map(|(arm, _)| run.plans[*arm].generations.iter().map(|g| g.total()).sum::<f64>()).sum();
    observer.event(Event::Begin { chains: todo.len(), cost });
    let mut deriving = Deriving::default();
    let worked = run.work(&todo, options.jobs, &mut deriving, observer);
    // Always: a run that was killed after its last stage has old metrics, or none.
    let derived = deriving.write(run.stages.dir());
    worked?;
    derived?;
    if let Some(note) = scatter::note(&run.experiment, &deriving.derive(run.stages.dir())?) {
        observer.event(Event::Note(note));
    }
    run.thin()?;
    let mut failed = Vec::new();
    for (_, chain) in &chains {
        for generation in 0..run.experiment.chain.generations {
            if let Some(Status::Failed { reason }) = run.stages.dir().resolve(chain, generation)?.map(|r| r.status) {
                failed.push((chain.to_string(), reason));
                break;
            }
        }
    }
    let (made, found) = run.stages.counts();
    Ok(Summary { made, found, failed })
}

/// Makes one generation of one chain, whose earlier generations must be there. Anyone may call it, more than once, from
/// anywhere that sees the directory. Many may do so at once, so `metrics.csv` is left to [`run()`] and [`crate::verify()`].
///
/// # Errors
/// [`Error::Request`] if there is no such chain, or an earlier generation is missing; as [`run()`] while it works.
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
        Err(Stop::Interrupted) => return Err(Error::Interrupted),
    };
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
    // Of a new name, for this user alone.
    let mut builder = tempfile::Builder::new();
    builder.prefix("habsburg-plan-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let scratch = builder.tempdir().map_err(|error| {
        Error::Work(format!("no folder for temporary files: {error}; set TMPDIR to a folder that can be written"))
    })?;
    Run::open(experiment, &scratch.path().join("run"), options, observer).map(|run| run.plan())
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
            foreseen: self.foreseen,
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

    /// Removes what `keep` does not keep, unless other processes work here: the last one does it.
    fn thin(&self) -> Result<(), Error> {
        let claim = self.stages.dir().lock(&mut |_| {})?;
        let dir = claim.dir();
        if let (1, Some(whole)) = (dir.working()?.len(), stored(dir)?) {
            keep::finished(dir, &whole, whole.keep)?;
        }
        Ok(())
    }

    /// True if every generation of a chain is there, or it has failed for good.
    fn is_complete(&self, arm: usize, chain: &ChainId) -> bool {
        for generation in 0..self.experiment.chain.generations {
            match self.recorded(arm, chain, generation) {
                Some(record) if record.failure().is_some() => return true,
                Some(_) => {}
                None => return false,
            }
        }
        true
    }

    /// The record of a generation that was made from what it would be made from now and whose stages are all there. Any
    /// other is gone through again; what is damaged says so when it is read.
    pub(super) fn recorded(&self, arm: usize, chain: &ChainId, generation: u32) -> Option<GenerationRecord> {
        let dir = self.stages.dir();
        let record = dir.resolve(chain, generation).ok().flatten()?;
        let is_there = |id: &StageId| matches!(dir.find(id), Ok(Some(_)));
        let is_scored = record.failure().is_some() || record.stages.contains_key(&StageKind::Score);
        (record.made_from == self.made_from[arm] && is_scored && record.all_stages().iter().all(is_there))
            .then_some(record)
    }

    /// Compares every file of chains that are complete with its seal: nobody else would read it again.
    fn verify(&self, chains: &[&(usize, ChainId)], observer: &dyn Observer) -> Result<(), Error> {
        /// Bytes that take some seconds to read.
        const MANY: u64 = 2_000_000_000;
        let mut ids = BTreeSet::new();
        for (_, chain) in chains {
            for generation in 0..self.experiment.chain.generations {
                ids.extend(self.stages.dir().resolve(chain, generation)?.iter().flat_map(|record| record.all_stages()));
            }
        }
        let mut stages = Vec::new();
        for id in &ids {
            stages.extend(self.stages.dir().find(id)?);
        }
        let bytes: u64 = stages.iter().map(|stage| stage.bytes()).sum();
        if bytes > MANY {
            let note = format!("comparing {:.1} GB of finished stages with their checksums", bytes as f64 / 1e9);
            observer.event(Event::Note(note));
        }
        Ok(stages.par_iter().try_for_each(|stage| stage.verify())?)
    }
}
