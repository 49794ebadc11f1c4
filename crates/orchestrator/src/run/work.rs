//! A run's work: jobs that take chains, and a chain's way through its generations.

use super::Run;
use crate::Error;
use crate::text::{Setup, Shared, Stop, TextChain, versions};
use chain::Ended;
use ops::device::Kind;
use rundir::{ChainId, ChainStages, Event, Observer};
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

    /// Works on chains with so many jobs at once.
    pub(super) fn work(
        &self,
        chains: &[&(usize, ChainId)],
        jobs: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let jobs = jobs.unwrap_or_else(|| self.jobs()).clamp(1, chains.len().max(1));
        let threads = (rayon::current_num_threads() / jobs).max(1);
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
                let ended = pool.install(|| self.chain(*arm, chain, self.experiment.chain.generations, 0, observer));
                match ended {
                    Ok(()) => {}
                    Err(Stop::Error(error)) => return Err(error),
                    Err(stop) => {
                        observer.event(Event::Failed { chain: chain.to_string(), reason: stop.to_string() });
                    }
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
            None => Ok(()),
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
        let (settings, seed) = (&self.experiment.arms[arm], self.seed(arm, chain.seed));
        let setup = Setup {
            run: Shared {
                human: &self.human,
                device: &self.device,
                questions: self.experiment.text().and_then(|text| text.corpus.questions),
                reading_cache: &self.reading_cache,
            },
            arm: settings,
            config: &self.configs[arm],
            seed,
            costs: &self.plans[arm],
            versions: versions(settings),
            stages: ChainStages::new(&self.stages, chain.clone(), observer, first),
        };
        let budget = seed.set.training.iter().map(|e| e.size).sum();
        let plan = chain::Plan {
            recipe: settings.recipe,
            generations,
            writing: settings.sample_tokens().unwrap_or(budget),
            streams: Streams::new(chain.seed),
        };
        let mut learner = TextChain::new(setup);
        let outcome = chain::run(&plan, seed.set.clone(), &mut learner);
        match (outcome.ended, outcome.unfinished) {
            (None, _) => Ok(()),
            // What was generated was enough; what was kept of it is a result.
            (Some(Ended::Recipe(error)), Some(generation)) if !settings.curation().is_empty() => {
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
