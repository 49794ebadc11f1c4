//! A run's work: jobs that take chains, a chain's trip through its generations, stages made once.

use super::Run;
use crate::learner::{Make, Stop, Trained, Transformers};
use crate::{Error, Event, Observer};
use chain::{Ended, Trip};
use ops::device::Kind;
use rundir::{ChainId, Stage, StageId};
use std::cell::{OnceCell, RefCell};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use streams::Streams;

impl Run {
    /// Jobs where nobody has said how many.
    fn jobs(&self) -> usize {
        /// Numbers of a model whose training step keeps two threads busy.
        const SMALL: usize = 2_000_000;
        let is_small = self.configs.iter().all(|config| config.parameters() < SMALL);
        if self.device.kind() == Kind::Flex && is_small { rayon::current_num_threads() } else { 1 }
    }

    /// Works on chains with so many jobs at once. Gives the numbers of stages made and found.
    pub(super) fn work(
        &self,
        chains: &[&(usize, ChainId)],
        jobs: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<(usize, usize), Error> {
        let jobs = jobs.unwrap_or_else(|| self.jobs()).clamp(1, chains.len().max(1));
        let threads = (rayon::current_num_threads() / jobs).max(1);
        let counts = Counts::default();
        let watched = counts.watch(observer);
        let next = AtomicUsize::new(0);
        let first_error: Mutex<Option<Error>> = Mutex::new(None);
        let job = || {
            // This thread is one of the pool's: a chain's work never changes its thread, each of which has a queue and memory
            // of its own on a GPU.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
            let pool = pool.build().map_err(Error::work)?;
            loop {
                let taken = next.fetch_add(1, Ordering::Relaxed);
                let failed = first_error.lock().expect("no job panics with this lock").is_some();
                let Some((arm, chain)) = chains.get(taken).filter(|_| !failed) else { return Ok(()) };
                let ended = pool.install(|| self.chain(*arm, chain, self.experiment.chain.generations, 0, &watched));
                match ended {
                    Ok(()) => {}
                    Err(Stop::Error(error)) => return Err(error),
                    Err(stop) => watched(Event::Failed { chain: chain.to_string(), reason: stop.to_string() }),
                }
            }
        };
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..jobs)
                .map(|_| {
                    scope.spawn(|| {
                        if let Err(error) = job() {
                            first_error.lock().expect("no job panics with this lock").get_or_insert(error);
                        }
                    })
                })
                .collect();
            handles.into_iter().for_each(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        });
        match first_error.into_inner().expect("no job panics with this lock") {
            Some(error) => Err(error),
            None => Ok((counts.made(), counts.found())),
        }
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
        let seed = self.seed(arm, chain.seed);
        let settings = &self.experiment.arms[arm];
        let config = self.configs[arm].clone();
        let make = |id: &StageId, fill: Make| self.make(id, fill);
        let learner = Transformers {
            run: &self.dir,
            human: &self.human,
            arm: settings,
            chain: chain.clone(),
            train: settings.train.clone(),
            config,
            device: &self.device,
            plan: &self.plans[arm],
            seed,
            questions: self.experiment.corpus.questions,
            observer,
            first,
            make: &make,
            stages: RefCell::default(),
            written: RefCell::default(),
            trained: RefCell::default(),
            judged: RefCell::default(),
            read_once: &self.read_once,
            reader: OnceCell::new(),
            first_tells: OnceCell::new(),
        };
        let streams = Streams::new(chain.seed);
        let budget = seed.set.training.iter().map(|e| e.size).sum();
        let plan = chain::Plan {
            recipe: settings.recipe,
            generations,
            writing: settings.sample.tokens.unwrap_or(budget),
            streams,
        };
        let outcome =
            chain::run(&plan, seed.set.clone(), &mut &learner, &mut |trip: &Trip<'_, Trained>| learner.finish(trip));
        match outcome.ended {
            None => Ok(()),
            Some(Ended::Judging(stop) | Ended::Training(stop) | Ended::Writing(stop) | Ended::Scoring(stop)) => {
                Err(stop)
            }
            // What was written was enough; what was kept of it is a result.
            Some(Ended::Recipe(error)) if !settings.curation.is_empty() => {
                Err(learner.end(outcome.generations, format!("curation: {error}")))
            }
            Some(Ended::Recipe(error)) => Err(Stop::Error(Error::request(error))),
        }
    }

    fn make(&self, id: &StageId, fill: Make) -> Result<Stage, Error> {
        let lock = self.making.lock().expect("nothing panics with this lock").entry(*id).or_default().clone();
        // A job that failed here left nothing half made: the stage's folder appears whole or not at all.
        let _held = lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let started = std::time::Instant::now();
        let stage = self.dir.make(id, |folder| fill(folder))?;
        tracing::debug!(stage = %id, seconds = started.elapsed().as_secs_f64(), "stage is there");
        Ok(stage)
    }
}

/// Stages counted as they are reported.
#[derive(Default)]
pub(super) struct Counts {
    made: AtomicUsize,
    found: AtomicUsize,
}

impl Counts {
    pub(super) fn watch<'a>(&'a self, observer: &'a dyn Observer) -> impl Fn(Event) + Sync + 'a {
        move |event| {
            if let Event::Finished { made, .. } = &event {
                let counter = if *made { &self.made } else { &self.found };
                counter.fetch_add(1, Ordering::Relaxed);
            }
            observer.event(event);
        }
    }

    pub(super) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) fn found(&self) -> usize {
        self.found.load(Ordering::Relaxed)
    }
}
