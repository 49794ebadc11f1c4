//! Runs: an experiment, its directory, its device, its human text, checked and laid out; `work` goes through the chains.

mod work;

use crate::before::Before;
use crate::cost::chain_plan;
use crate::joined::joined;
use crate::learner::{RULES, Stop, can_begin};
use crate::reader::ReadOnce;
use crate::seed::Seed;
use crate::{
    ChainPlan, Error, Event, Experiment, Human, Observer, Plan, PromptFrom, derive_metrics, held_out, solvable,
};
use chain::Sizes;
use model::ModelConfig;
use ops::device::Chosen;
use rundir::{ChainId, RunDir, RunInfo, StageId, StageKind, Status};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use work::Counts;

/// How a run is made; nothing here changes what comes out, but the kind of device.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The device's name (see [`ops::device::parse`]).
    pub device: String,
    /// Chains that are worked on at once; they share the threads. By default, on a processor, as many as there are threads if the
    /// models are small, whose steps several threads cannot share well; else one.
    pub jobs: Option<usize>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { device: "auto".to_owned(), jobs: None }
    }
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Stages that were made.
    pub made: usize,
    /// Stages that were there.
    pub found: usize,
    /// Chains that ended before their time, with the reason.
    pub failed: Vec<(String, String)>,
}

/// A run that is ready to be worked on: everything about the request has been checked.
pub struct Run {
    dir: RunDir,
    experiment: Experiment,
    human: Human,
    device: Chosen,
    /// By arm.
    configs: Vec<ModelConfig>,
    plans: Vec<ChainPlan>,
    /// The human text that each seed works with.
    seeds: BTreeMap<u64, Seed>,
    /// The same by arm and seed, where an arm plants something in it.
    planted: BTreeMap<(usize, u64), Seed>,
    /// One lock for each stage that is being made, so that two jobs never make the same one.
    making: Mutex<HashMap<StageId, Arc<Mutex<()>>>>,
    /// What the generations 0 make of human text.
    read_once: ReadOnce,
}

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
    if experiment.is_solvable() {
        return solvable::run(experiment, out, observer);
    }
    let run = Run::open(experiment, out, &options.device, observer)?;
    let chains = run.chains()?;
    let todo: Vec<&(usize, ChainId)> = chains.iter().filter(|(_, chain)| !run.is_complete(chain)).collect();
    let complete = chains.iter().filter(|chain| !todo.contains(chain));
    let found = complete.map(|(arm, _)| run.stages_of(*arm)).sum::<usize>();
    let cost = todo.iter().map(|(arm, _)| run.plans[*arm].generations.iter().map(|g| g.total()).sum::<f64>()).sum();
    observer.event(Event::Begin { chains: todo.len(), cost });
    let stages = run.work(&todo, options.jobs, observer)?;
    let mut summary = Summary { made: stages.0, found: stages.1 + found, failed: Vec::new() };
    // Always: a run that was killed after its last stage has old metrics, or none.
    derive_metrics(&run.dir, &run.experiment)?;
    for (_, chain) in &chains {
        for generation in 0..run.experiment.chain.generations {
            if let Some(Status::Failed { reason }) = run.dir.resolve(chain, generation)?.map(|r| r.status) {
                summary.failed.push((chain.to_string(), reason));
            }
        }
    }
    Ok(summary)
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
    if experiment.is_solvable() {
        return Err(solvable::no_stages(&experiment));
    }
    let run = Run::open(&experiment, out, &options.device, observer)?;
    let chains = run.chains()?;
    let Some((arm, chain)) = chains.iter().find(|(_, c)| c == chain) else {
        let known: Vec<String> = chains.iter().map(|(_, c)| c.to_string()).collect();
        return Err(Error::Request(format!("--chain {chain}: this run has {}", known.join(", "))));
    };
    if generation >= run.experiment.chain.generations {
        let last = run.experiment.chain.generations - 1;
        return Err(Error::Request(format!("--generation {generation}: this run has 0 to {last}")));
    }
    let counts = Counts::default();
    let watched = counts.watch(observer);
    let failed = match run.chain(*arm, chain, generation + 1, generation, &watched) {
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
    derive_metrics(&run.dir, &run.experiment)?;
    Ok(Summary { made: counts.made(), found: counts.found(), failed })
}

/// Checks an experiment, down to whether every recipe can be filled, and says what it would cost. Leaves nothing behind.
///
/// # Errors
/// [`Error::Request`] with what is wrong.
pub fn plan(experiment: &Experiment, options: &RunOptions, observer: &dyn Observer) -> Result<Plan, Error> {
    if experiment.is_solvable() {
        return Ok(solvable::plan(experiment));
    }
    let scratch = std::env::temp_dir().join(format!("habsburg-plan-{}", std::process::id()));
    let plan = Run::open(experiment, &scratch, &options.device, observer).map(|run| run.plan());
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
    if experiment.is_solvable() {
        return Err(solvable::no_stages(experiment));
    }
    Run::open(experiment, out, &options.device, observer).map(|run| run.plan())
}

/// The experiment that a directory holds, if any.
fn stored(dir: &RunDir) -> Result<Option<Experiment>, Error> {
    let path = dir.experiment_path();
    if !path.exists() {
        return Ok(None);
    }
    Experiment::load(&path, &[]).map(Some)
}

impl Run {
    /// Checks the request, and creates or takes up the directory. If the request turns out to be wrong, what was not there
    /// before is removed again.
    ///
    /// # Errors
    /// [`Error::Request`] with what is wrong.
    pub fn open(experiment: &Experiment, out: &Path, device: &str, observer: &dyn Observer) -> Result<Self, Error> {
        let device = ops::device::parse(device).map_err(Error::request)?;
        let before = Before::of(out);
        let opened = Self::open_in(experiment, out, device, observer);
        if matches!(opened, Err(Error::Request(_))) {
            before.restore(out);
        }
        opened
    }

    fn open_in(experiment: &Experiment, out: &Path, device: Chosen, observer: &dyn Observer) -> Result<Self, Error> {
        let dir = RunDir::create(out).map_err(|error| match error {
            rundir::Error::Io { .. } => Error::Request(format!("{error}; choose another --out")),
            error => error.into(),
        })?;
        dir.sweep()?;
        if let Some(info) = dir.info()?
            && info.backend != device.kind().name()
        {
            // Results of different kinds differ in their last bits.
            let (shown, kind) = (out.display(), device.kind().name());
            let was = info.backend;
            return Err(Error::Request(format!(
                "{shown} was made on {was}, this is {kind}; name that device, or choose another --out"
            )));
        }
        let experiment = match stored(&dir)? {
            None => experiment.clone(),
            Some(old) => joined(&old, experiment).map_err(|difference| {
                let shown = out.display();
                Error::Request(format!("{shown} holds another experiment: {difference}; choose another --out"))
            })?,
        };
        observer.event(Event::Note(format!("device: {}", device.description())));
        for arm in &experiment.arms {
            let refuse = |e| Error::Request(format!("arm `{}`: {e}", arm.name));
            device.supports(arm.train.precision).map_err(refuse)?;
        }
        let human = Human::prepare(&dir, &experiment)?;
        let mut configs = Vec::new();
        for arm in &experiment.arms {
            configs.push(arm.model.sizes.resolve(human.tokenizer.vocabulary()).map_err(Error::request)?);
        }
        let mut seeds = BTreeMap::new();
        for &seed in &experiment.chain.seeds {
            seeds.insert(seed, Seed::of(&human, &experiment, seed)?);
        }
        let mut planted = BTreeMap::new();
        for (index, arm) in experiment.arms.iter().enumerate() {
            let Some(plant) = arm.plant.as_ref().filter(|plant| plant.generation == 0) else { continue };
            for (&seed, text) in &seeds {
                let text = text.planted(plant, &human, configs[index].context, seed);
                let text = text.map_err(|e| Error::Request(format!("arm `{}`: {e}", arm.name)))?;
                planted.insert((index, seed), text);
            }
        }
        let (making, read_once) = Default::default();
        let mut run =
            Self { dir, experiment, human, device, configs, plans: Vec::new(), seeds, planted, making, read_once };
        run.plans = run.check()?;
        run.write_down()?;
        Ok(run)
    }

    /// Whether every arm can be run on every seed's human text; its plan.
    fn check(&self) -> Result<Vec<ChainPlan>, Error> {
        let tokens = |entries: &[chain::Entry]| entries.iter().map(|e| e.size).sum::<u64>();
        let mut plans = Vec::new();
        for (index, (arm, config)) in self.experiment.arms.iter().zip(&self.configs).enumerate() {
            let fail = |e: String| Error::Request(format!("arm `{}`: {e}", arm.name));
            let batch = arm.train.batch.unwrap_or(1);
            let mut largest = 0;
            for &seed in self.seeds.keys() {
                let set = &self.seed(index, seed).set;
                let human = tokens(&set.training);
                largest = largest.max(human);
                let needed = (batch * config.context) as u64;
                if arm.model.learner.is_none() && human < needed {
                    return Err(fail(format!(
                        "the human training set has {human} tokens and one batch of {batch} windows needs {needed}; \
                         bring a larger corpus or lower train.batch"
                    )));
                }
                let sizes = Sizes {
                    human,
                    in_history: human,
                    reserve: tokens(&set.reserve),
                    writing: arm.sample.tokens.unwrap_or(human),
                    generations: self.experiment.chain.generations,
                };
                arm.recipe.check(&sizes).map_err(|e| fail(e.to_string()))?;
                // Documents differ in length: what is kept may be longer than what is dropped, but hardly twice as long.
                let kept = |tokens: u64, most: f64| (tokens as f64 * (2.0 * most).min(1.0)) as u64;
                let writing = kept(sizes.writing, arm.curation.most());
                let sizes = Sizes { writing, in_history: kept(human, arm.curation.most_human()), ..sizes };
                arm.recipe.check(&sizes).map_err(|e| fail(e.after_a_defence().to_string()))?;
                let (members, writing) = (arm.members, arm.sample.tokens.unwrap_or(human));
                if writing < u64::from(members) {
                    return Err(fail(format!(
                        "members = {members}: each writes a part of {writing} tokens; raise sample.tokens"
                    )));
                }
            }
            if arm.sample.entropy_match && held_out::text(&self.dir, &self.human, config.context)?.is_empty() {
                return Err(fail(
                    "sample.entropy_match: no held-out document fits; raise corpus.validation or corpus.test_tokens"
                        .to_owned(),
                ));
            }
            let prompt = arm.sample.prompt_tokens;
            if arm.sample.prompt != PromptFrom::None
                && !self.seeds.keys().all(|&seed| self.seed(index, seed).has_prompts(prompt))
            {
                return Err(fail(format!(
                    "sample.prompt_tokens = {prompt}: no document of the human training set is so long; take fewer"
                )));
            }
            if arm.sample.target().is_some()
                && !self.seeds.keys().all(|&seed| can_begin(self.seed(index, seed), prompt))
            {
                return Err(fail(format!("sample.prompt_tokens = {prompt}: no human document is longer; take fewer")));
            }
            plans.push(chain_plan(&self.experiment, arm, config, largest));
        }
        Ok(plans)
    }

    /// The human text of a chain.
    fn seed(&self, arm: usize, seed: u64) -> &Seed {
        self.planted.get(&(arm, seed)).unwrap_or_else(|| &self.seeds[&seed])
    }

    /// `experiment.toml` and `run.json`.
    fn write_down(&self) -> Result<(), Error> {
        let kind = self.device.kind().name();
        rundir::write_atomic(&self.dir.experiment_path(), self.experiment.to_toml().as_bytes())?;
        let mut info = RunInfo::new(&self.experiment.name, env!("CARGO_PKG_VERSION"), kind, &self.device.description());
        info.commit = option_env!("HABSBURG_COMMIT").map(str::to_owned);
        if cfg!(feature = "gpu") {
            info.features.push("gpu".to_owned());
        }
        info.corpus = Some(self.human.corpus_hash.clone());
        info.tokenizer = Some(self.human.tokenizer.hash().to_owned());
        if let Some(old) = self.dir.info()? {
            info.started = old.started;
        }
        Ok(self.dir.write_info(&info)?)
    }

    /// What it would cost.
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

    /// Stages of one chain. Where members pool their text, the pool is one more; a source that is judged has a verdict in
    /// each generation but the first.
    fn stages_of(&self, arm: usize) -> usize {
        let arm = &self.experiment.arms[arm];
        let more = match arm.members as usize {
            1 => 0,
            members => 2 * (members - 1) + 1,
        };
        let generations = self.experiment.chain.generations as usize;
        generations * (StageKind::ALL.len() + more) + (generations - 1) * arm.judged_sources().count()
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

    /// Whether every generation of a chain is there, or it has failed for good.
    fn is_complete(&self, chain: &ChainId) -> bool {
        for generation in 0..self.experiment.chain.generations {
            match self.dir.resolve(chain, generation) {
                // What other rules made is gone through again: most of its stages are found.
                Ok(Some(record)) if record.rules != RULES => return false,
                Ok(Some(record)) if record.failure().is_some() => return true,
                Ok(Some(record)) => {
                    let is_there = |id: &StageId| matches!(self.dir.find(id), Ok(Some(_)));
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
