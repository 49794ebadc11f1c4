//! Finding and making the stages of a run: each once, however many threads and processes ask, and each reported.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::{ChainId, Error, Event, Observer, RunDir, Stage, StageId, StageKind};

/// The stages of a run that several threads work on.
#[derive(Debug)]
pub struct Stages {
    dir: RunDir,
    /// One lock for each stage that is being made: two threads never make the same one. Processes do not wait for each
    /// other; of two that make the same stage, the first to finish wins.
    making: Mutex<HashMap<StageId, Arc<Mutex<()>>>>,
    made: AtomicUsize,
    found: AtomicUsize,
    /// What was said once already.
    said: Mutex<BTreeSet<String>>,
}

impl Stages {
    /// The stages of a run directory.
    pub fn new(dir: RunDir) -> Self {
        let (making, made, found, said) = Default::default();
        Self { dir, making, made, found, said }
    }

    /// Their run directory.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// How many stages were made and found since this value was made; those without a chain are not counted.
    pub fn counts(&self) -> (usize, usize) {
        (self.made.load(Ordering::Relaxed), self.found.load(Ordering::Relaxed))
    }

    /// Counts stages as found without asking for each of them.
    pub fn count_found(&self, stages: usize) {
        self.found.fetch_add(stages, Ordering::Relaxed);
    }

    /// Finds the stage `id`, or has `fill` write its files; see [`RunDir::make`].
    ///
    /// # Errors
    /// What `fill` returns; [`Error`] as `E` where reading, writing or sealing fails.
    pub fn make<E: From<Error>>(&self, id: &StageId, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<Stage, E> {
        // No invariant of either lock's data can be broken by a panic: a stage appears whole or not at all.
        let lock = self.making.lock().unwrap_or_else(PoisonError::into_inner).entry(*id).or_default().clone();
        let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.dir.make(id, fill)
    }
}

/// What fills a stage: its kind, the version of the code that fills it, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// The kind of stage.
    pub kind: StageKind,
    /// The version of the code that fills it, a constant beside the fill function.
    pub version: u32,
    /// The generation.
    pub generation: u32,
    /// The predicted cost in floating-point operations.
    pub cost: f64,
}

/// Why a chain's stage is not there.
#[derive(Debug)]
pub enum NotMade<E> {
    /// Its generation was to be there already (see [`ChainStages::new`]).
    Missing {
        /// The generation.
        generation: u32,
    },
    /// It could not be made.
    Failed(E),
}

impl<E: From<Error>> From<Error> for NotMade<E> {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The stages of one chain, which are reported to an observer as they are found or made.
pub struct ChainStages<'a> {
    stages: &'a Stages,
    chain: ChainId,
    observer: &'a dyn Observer,
    first: u32,
}

impl<'a> ChainStages<'a> {
    /// The stages of `chain`. Those of generations below `first` are found and not made.
    pub fn new(stages: &'a Stages, chain: ChainId, observer: &'a dyn Observer, first: u32) -> Self {
        Self { stages, chain, observer, first }
    }

    /// The run directory.
    pub fn dir(&self) -> &'a RunDir {
        &self.stages.dir
    }

    /// The chain.
    pub fn chain(&self) -> &ChainId {
        &self.chain
    }

    /// Who is told what happens.
    pub fn observer(&self) -> &'a dyn Observer {
        self.observer
    }

    /// Finds the stage that reads `key`, or has `fill` write its files.
    ///
    /// # Errors
    /// [`NotMade::Missing`] if it is not there and belongs to an earlier generation; [`NotMade::Failed`] with what `fill`
    /// returns, or where reading, writing or sealing fails.
    pub fn find_or_make<E: From<Error>>(
        &self,
        work: Work,
        key: &impl Serialize,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Stage, NotMade<E>> {
        let Work { kind, version, generation, cost } = work;
        let id = StageId::of(kind, version, key)?;
        let found = self.stages.dir.find(&id)?;
        let mut made = false;
        let stage = match found {
            Some(stage) => stage,
            None if generation < self.first => return Err(NotMade::Missing { generation }),
            None => {
                let started = Instant::now();
                let stage = self.stages.make(&id, |folder| {
                    made = true;
                    fill(folder)
                });
                let stage = stage.map_err(NotMade::Failed)?;
                tracing::debug!(stage = %id, seconds = started.elapsed().as_secs_f64(), "made");
                stage
            }
        };
        let counter = if made { &self.stages.made } else { &self.stages.found };
        counter.fetch_add(1, Ordering::Relaxed);
        self.observer.event(Event::Finished { chain: self.chain.to_string(), generation, kind, made, cost });
        Ok(stage)
    }

    /// Says something that every chain and generation would say again, once for all chains of the run.
    pub fn note_once(&self, text: &str) {
        let mut said = self.stages.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(text.to_owned()) {
            self.observer.event(Event::Note(text.to_owned()));
        }
    }

    /// Reports how much of a stage is done, a share from 0 to 1.
    pub fn progress(&self, work: Work, done: f64, note: String) {
        let Work { kind, generation, cost, .. } = work;
        self.observer.event(Event::Working { chain: self.chain.to_string(), generation, kind, done, cost, note });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Work = Work { kind: StageKind::Train, version: 1, generation: 0, cost: 2.0 };

    fn write(folder: &Path) -> Result<(), Error> {
        std::fs::write(folder.join("a"), "x").expect("a temporary folder can be written");
        Ok(())
    }

    #[test]
    fn a_stage_is_made_once_and_found_later() {
        let folder = tempfile::tempdir().unwrap();
        let stages = Stages::new(RunDir::create(&folder.path().join("run")).unwrap());
        let events = Mutex::new(Vec::new());
        let observer = |event: Event| {
            if let Event::Finished { chain, made, cost, .. } = event {
                events.lock().unwrap().push((chain, made, cost));
            }
        };
        let chain = ChainStages::new(&stages, ChainId::new("replace", 3).unwrap(), &observer, 0);
        let fills = AtomicUsize::new(0);
        let fill = |folder: &Path| {
            fills.fetch_add(1, Ordering::Relaxed);
            write(folder)
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| stages.make(&StageId::of(StageKind::Train, 1, &"key").unwrap(), fill).unwrap());
            }
        });
        assert_eq!(fills.load(Ordering::Relaxed), 1);
        chain.find_or_make(WORK, &"key", fill).unwrap();
        chain.find_or_make(WORK, &"other", fill).unwrap();
        chain.find_or_make(Work { version: 2, ..WORK }, &"other", fill).unwrap();
        assert_eq!((fills.load(Ordering::Relaxed), stages.counts()), (3, (2, 1)));
        let said = |made| ("replace/seed-3".to_owned(), made, 2.0);
        assert_eq!(*events.lock().unwrap(), [said(false), said(true), said(true)]);
    }

    #[test]
    fn earlier_generations_are_found_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let stages = Stages::new(RunDir::create(&folder.path().join("run")).unwrap());
        let chain = ChainStages::new(&stages, ChainId::new("replace", 0).unwrap(), &|_| {}, 1);
        let missing = chain.find_or_make(WORK, &"key", write).unwrap_err();
        assert!(matches!(missing, NotMade::Missing { generation: 0 }), "{missing:?}");
        assert!(chain.find_or_make(Work { generation: 1, ..WORK }, &"key", write).is_ok());
        assert!(chain.find_or_make(WORK, &"key", write).is_ok());
    }

    #[test]
    fn a_fill_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let stages = Stages::new(RunDir::create(&folder.path().join("run")).unwrap());
        let chain = ChainStages::new(&stages, ChainId::new("replace", 0).unwrap(), &|_| {}, 0);
        let fail = |_: &Path| Err(Error::Canonical("no".into()));
        assert!(matches!(chain.find_or_make(WORK, &"key", fail), Err(NotMade::Failed(Error::Canonical(_)))));
        assert!(chain.find_or_make(WORK, &"key", write).is_ok());
        assert_eq!(stages.counts(), (1, 0));
    }
}
