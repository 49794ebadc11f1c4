//! Finding and making the stages of a run: each once, however many threads and processes ask, and each reported.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{ChainId, Checkpoint, Error, Event, Interrupt, Observer, RunDir, Stage, StageId, StageKind};

/// The stages of a run that several threads work on.
#[derive(Debug)]
pub struct Stages {
    dir: RunDir,
    /// One lock for each stage that is being made: two threads never make the same one. Processes do not wait for each
    /// other; of two that make the same stage, the first to finish wins.
    making: Mutex<HashMap<StageId, Arc<Mutex<()>>>>,
    made: AtomicUsize,
    found: AtomicUsize,
    /// How often stages in the making save their state.
    checkpoint_every: Duration,
    interrupt: Interrupt,
    /// What was said once already.
    said: Mutex<BTreeSet<String>>,
}

impl Stages {
    /// The stages of a run directory, which save their state every two minutes while they are made.
    pub fn new(dir: RunDir) -> Self {
        let (making, made, found, interrupt, said) = Default::default();
        Self { dir, making, made, found, checkpoint_every: Duration::from_secs(120), interrupt, said }
    }

    /// The same with another interval between two checkpoints of a stage, and a flag that ends the making of stages.
    #[must_use]
    pub fn with_checkpoints(self, every: Duration, interrupt: Interrupt) -> Self {
        Self { checkpoint_every: every, interrupt, ..self }
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

    /// The flag that ends the making of stages.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    fn checkpoint(&self, id: &StageId) -> Checkpoint {
        Checkpoint::at(self.dir.checkpoint_path(id), self.checkpoint_every, self.interrupt.clone())
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
    /// Whether all of its files are needed; else a stage is found also where large files were removed on purpose.
    pub whole: bool,
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

    /// Finds the stage that reads `key`, or has `fill` write its files. The checkpoint that `fill` is given has what an
    /// earlier attempt saved; it is removed when the stage is finished.
    ///
    /// # Errors
    /// [`NotMade::Missing`] if it is not there and belongs to an earlier generation; [`NotMade::Failed`] with what `fill`
    /// returns, or where reading, writing or sealing fails.
    pub fn find_or_make<E: From<Error>>(
        &self,
        work: Work,
        key: &impl Serialize,
        fill: impl FnOnce(&Path, &mut Checkpoint) -> Result<(), E>,
    ) -> Result<Stage, NotMade<E>> {
        let Work { kind, version, generation, cost, whole } = work;
        let id = StageId::of(kind, version, key)?;
        let found = self.stages.dir.find(&id)?.filter(|stage| stage.is_whole() || !whole);
        let mut made = false;
        let stage = match found {
            Some(stage) => stage,
            None if generation < self.first => return Err(NotMade::Missing { generation }),
            None => {
                let started = Instant::now();
                let mut checkpoint = self.stages.checkpoint(&id);
                let stage = self.stages.make(&id, |folder| {
                    made = true;
                    fill(folder, &mut checkpoint)
                });
                let stage = stage.map_err(NotMade::Failed)?;
                if made {
                    checkpoint.remove();
                }
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
        self.note_once_of(text, text);
    }

    /// Says something of what several chains share, in the words of the first of them.
    pub fn note_once_of(&self, shared: &str, text: &str) {
        let mut said = self.stages.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(shared.to_owned()) {
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

    const WORK: Work = Work { kind: StageKind::Train, version: 1, generation: 0, cost: 2.0, whole: true };

    fn write(folder: &Path, _: &mut Checkpoint) -> Result<(), Error> {
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
        let fill = |folder: &Path, _: &mut Checkpoint| {
            fills.fetch_add(1, Ordering::Relaxed);
            write(folder, &mut Checkpoint::none())
        };
        let one = |folder: &Path| fill(folder, &mut Checkpoint::none());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| stages.make(&StageId::of(StageKind::Train, 1, &"key").unwrap(), one).unwrap());
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
        let fail = |_: &Path, _: &mut Checkpoint| Err(Error::Canonical("no".into()));
        assert!(matches!(chain.find_or_make(WORK, &"key", fail), Err(NotMade::Failed(Error::Canonical(_)))));
        assert!(chain.find_or_make(WORK, &"key", write).is_ok());
        assert_eq!(stages.counts(), (1, 0));
    }

    #[test]
    fn a_checkpoint_lasts_until_its_stage_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::create(&folder.path().join("run")).unwrap();
        let stages = Stages::new(dir.clone()).with_checkpoints(Duration::ZERO, Interrupt::new());
        let chain = ChainStages::new(&stages, ChainId::new("replace", 0).unwrap(), &|_| {}, 0);
        let save = |_: &Path, checkpoint: &mut Checkpoint| {
            checkpoint.save("state", b"half")?;
            Err(Error::Canonical("killed".into()))
        };
        assert!(chain.find_or_make(WORK, &"key", save).is_err());
        let id = StageId::of(WORK.kind, WORK.version, &"key").unwrap();
        assert!(dir.checkpoint_path(&id).is_dir() && dir.sweep().unwrap() == 0);
        let resume = |folder: &Path, checkpoint: &mut Checkpoint| {
            assert_eq!(checkpoint.load("state").unwrap(), b"half");
            write(folder, checkpoint)
        };
        chain.find_or_make(WORK, &"key", resume).unwrap();
        assert!(!dir.checkpoint_path(&id).exists());
        // What a process leaves that was not the first to finish the stage is swept.
        stages.checkpoint(&id).save("state", b"late").unwrap();
        assert_eq!(dir.sweep().unwrap(), 1);
        assert!(!dir.checkpoint_path(&id).exists());
    }
}
