//! A run's work: jobs that take chains, and a chain's way through its generations.

use super::Run;
use crate::metrics::Deriving;
use crate::steps::{Setup, Shared, StageChain, Stop};
use crate::{Error, keep};
use chain::{ByGeneration, Ended};
use experiment::Experiment;
use ops::device::Kind;
use rundir::{ChainId, ChainStages, Event, Observer, RunDir, StageId, StageKind};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;
use streams::Streams;

impl Run {
    /// Jobs that work on so many chains: as many as were asked for, or as many as serve.
    pub(super) fn jobs(&self, asked: Option<usize>, chains: usize) -> usize {
        /// Numbers of a model whose training step keeps two threads busy.
        const SMALL: usize = 2_000_000;
        let is_small = self.configs.iter().flat_map(ByGeneration::iter).all(|config| config.parameters() < SMALL);
        let is_one_each = self.device.kind() == Kind::Flex && is_small;
        let serving = if is_one_each { rayon::current_num_threads() } else { 1 };
        asked.unwrap_or(serving).clamp(1, chains.max(1))
    }

    /// Works on chains with so many jobs at once.
    pub(super) fn work(
        &self,
        chains: &[&(usize, ChainId)],
        jobs: Option<usize>,
        deriving: &mut Deriving,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let jobs = self.jobs(jobs, chains.len());
        let threads = (rayon::current_num_threads() / jobs).max(1);
        let next = AtomicUsize::new(0);
        let first_error: Mutex<Option<Error>> = Mutex::new(None);
        let (say, grown) = mpsc::channel();
        let watched = |event: Event| {
            let grown = match &event {
                Event::Generation { chain, generation, .. } => Some((chain.clone(), *generation)),
                Event::Failed { chain, .. } => Some((chain.clone(), 0)),
                _ => None,
            };
            observer.event(event);
            if grown.is_some() {
                say.send(grown).ok();
            }
        };
        let job = || {
            // This thread is one of the pool's: a chain's work never changes its thread, each of which has a queue and memory
            // of its own on a GPU.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
            let pool = pool.build().map_err(Error::work)?;
            loop {
                let taken = next.fetch_add(1, Ordering::Relaxed);
                let failed = first_error.lock().expect("no job panics with this lock").is_some();
                let Some((arm, chain)) = chains.get(taken).filter(|_| !failed) else { return Ok(()) };
                self.stages.interrupt().check()?;
                let generations = self.experiment.chain.generations;
                let go = || self.chain(*arm, chain, generations, 0, &watched);
                // What another chain has passed, this one may still need: gone through again, it is made again.
                let is_gone = |ended: &Result<(), Stop>| matches!(ended, Err(Stop::Error(Error::Gone(_))));
                let mut tries = (0..4).map(|_| pool.install(go));
                let last = tries.next().expect("there are tries");
                let ended = if is_gone(&last) { tries.find(|ended| !is_gone(ended)).unwrap_or(last) } else { last };
                match ended {
                    Ok(()) => {}
                    Err(Stop::Error(error)) => return Err(error),
                    Err(Stop::Interrupted) => return Err(Error::Interrupted),
                    Err(stop) => {
                        watched(Event::Failed { chain: chain.to_string(), reason: stop.to_string() });
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let (dir, experiment) = (self.stages.dir(), &self.experiment);
            scope.spawn(move || View { dir, experiment, deriving, observer, is_told: false }.follow(&grown));
            let handles: Vec<_> = (0..jobs)
                .map(|_| {
                    scope.spawn(|| {
                        if let Err(error) = job() {
                            first_error.lock().expect("no job panics with this lock").get_or_insert(error);
                        }
                    })
                })
                .collect();
            let ended: Vec<_> = handles.into_iter().map(|handle| handle.join()).collect();
            say.send(None).ok();
            ended.into_iter().for_each(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        });
        match first_error.into_inner().expect("no job panics with this lock") {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// By generation, whether its weights are needed to make what of a chain is not there: its own documents or scores, or those of
    /// the next generation, which may begin with them or be compared with them. Generation 0's are compared with all.
    fn weights_needed(&self, arm: usize, chain: &ChainId, generations: u32) -> Vec<bool> {
        let is_whole = |id: &StageId| self.stages.dir().find(id).is_ok_and(|stage| stage.is_some_and(|s| s.is_whole()));
        let records: Vec<_> = (0..generations).map(|generation| self.recorded(arm, chain, generation)).collect();
        let has_whole = |generation: usize, kinds: &[StageKind]| {
            let ids = records[generation].as_ref().map(|record| record.all_stages());
            ids.is_some_and(|ids| ids.iter().filter(|id| kinds.contains(&id.kind())).all(is_whole))
        };
        // What was removed of these is made again by weights.
        let made_by_weights = [StageKind::Generate, StageKind::Pool, StageKind::Judge];
        let there: Vec<bool> = (0..records.len()).map(|generation| has_whole(generation, &made_by_weights)).collect();
        let next = |generation: usize| there.get(generation + 1).copied().unwrap_or(false);
        let all = there.iter().all(|&is_there| is_there);
        let mut needed: Vec<bool> = (0..there.len()).map(|g| !there[g] || !next(g) || (g == 0 && !all)).collect();
        // Weights that have to be made again are made from others.
        for generation in (0..needed.len()).rev() {
            if needed[generation] && !has_whole(generation, &[StageKind::Train]) {
                let generation = generation as u32;
                let train = self.experiment.arms[arm].at(generation).train();
                let ancestors = train.into_iter().flat_map(|train| train.ancestors(generation));
                ancestors.for_each(|ancestor| needed[ancestor as usize] = true);
            }
        }
        needed
    }

    /// One chain up to `generations`; those before `first` must be there.
    pub(super) fn chain(
        &self,
        arm: usize,
        chain: &ChainId,
        generations: u32,
        first: u32,
        observer: &dyn Observer,
    ) -> Result<(), Stop> {
        let (settings, seed) = (&self.experiment.arms[arm], self.seed(arm, chain.seed));
        let setup = Setup {
            run: Shared {
                human: &self.human,
                device: &self.device,
                questions: self.experiment.text().and_then(|text| text.corpus.questions),
                score: self.experiment.text().map(|text| text.score).unwrap_or_default(),
                generations: self.experiment.chain.generations,
                reading_cache: &self.reading_cache,
            },
            arm: settings,
            configs: &self.configs[arm],
            seed,
            costs: &self.plans[arm],
            made_from: &self.made_from[arm],
            weights_needed: self.weights_needed(arm, chain, generations),
            stages: ChainStages::new(&self.stages, chain.clone(), observer, first),
        };
        let budget = seed.set.training.iter().map(|e| e.size).sum();
        let plan = chain::Plan {
            recipe: settings.recipes(),
            generations,
            writing: settings.settings().map(|settings| settings.sample_tokens().unwrap_or(budget)),
            streams: Streams::new(chain.seed),
        };
        let mut learner = StageChain::new(setup);
        let outcome = chain::run(&plan, seed.set.clone(), &mut learner);
        match (outcome.ended, outcome.unfinished) {
            (None, _) => Ok(()),
            // What was generated was enough; what was kept of it is a result.
            (Some(Ended::Recipe(error)), Some(generation)) if !settings.at(generation.number).curation().is_empty() => {
                Err(learner.end(generation, format!("curation: {error}")))
            }
            (Some(Ended::Recipe(error)), _) => Err(Stop::Error(Error::request(error))),
            (
                Some(Ended::Judging(stop) | Ended::Training(stop) | Ended::Generating(stop) | Ended::Scoring(stop)),
                _,
            ) => Err(stop),
        }
    }
}

/// Follows a run while its chains grow, until nothing more is to come: keeps `metrics.csv` up to date, and removes weights that
/// nobody needs any more.
struct View<'a> {
    dir: &'a RunDir,
    experiment: &'a Experiment,
    deriving: &'a mut Deriving,
    observer: &'a dyn Observer,
    /// Whether an error was told: the end of the run meets it again.
    is_told: bool,
}

impl View<'_> {
    /// `grown` says which chain has which new generation. Metrics are derived at most a fifth of the time; whatever is said
    /// meanwhile is one reason to derive them again.
    fn follow(mut self, grown: &Receiver<Option<(String, u32)>>) {
        let mut next = Instant::now();
        while let Ok(Some(first)) = grown.recv() {
            let mut generations = BTreeSet::from([first]);
            loop {
                match grown.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(Some(more)) => drop(generations.insert(more)),
                    Err(RecvTimeoutError::Timeout) => break,
                    // The end of the run derives them once more.
                    Ok(None) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            let began = Instant::now();
            let done = self.look(&generations);
            next = Instant::now() + 4 * began.elapsed();
            if let Err(error) = done
                && !std::mem::replace(&mut self.is_told, true)
            {
                self.observer.event(Event::Note(format!("metrics.csv is not up to date: {error}")));
            }
        }
    }

    fn look(&mut self, generations: &BTreeSet<(String, u32)>) -> Result<(), Error> {
        if self.deriving.write(self.dir)? {
            self.observer.event(Event::Metrics);
        }
        for (chain, generation) in generations {
            keep::passed(self.dir, self.experiment, &chain.parse()?, *generation)?;
        }
        Ok(())
    }
}
