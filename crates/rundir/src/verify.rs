//! What of a run directory is as it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::error::Context;
use crate::{ChainId, Error, Result, RunDir, StageId};

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The part of the run directory.
    pub part: Part,
    /// The file, and how it differs; one line.
    pub how: String,
}

/// A part of a run directory that can be damaged, and made again, on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A stage.
    Stage(StageId),
    /// The record of a generation.
    Record(ChainId, u32),
    /// `experiment.toml`.
    Experiment,
    /// `run.json`.
    Info,
    /// `metrics.csv` and its schema.
    Metrics,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stage(id) => write!(f, "{id}"),
            Self::Record(chain, generation) => write!(f, "{chain}/gen-{generation}"),
            Self::Experiment => f.write_str("experiment.toml"),
            Self::Info => f.write_str("run.json"),
            Self::Metrics => f.write_str("metrics.csv"),
        }
    }
}

/// The state of a run directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What is damaged, stages first.
    pub damaged: Vec<Damage>,
    /// Stages that were looked at.
    pub stages: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Stages of which files were removed on purpose, and how many bytes that was.
    pub thinned: BTreeMap<StageId, u64>,
    /// Stages that a record names and that are not there.
    pub missing: BTreeMap<StageId, (ChainId, u32)>,
}

impl RunDir {
    /// Reads every file of the run directory and compares it with its seal or checksum. `seen` is told how many stages of how
    /// many were read.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] if another version wrote it.
    pub fn verify(&self, seen: &mut dyn FnMut(usize, usize)) -> Result<Health> {
        self.check_format()?;
        let mut health = Health::default();
        let ids = self.stage_ids()?;
        for (at, id) in ids.iter().enumerate() {
            seen(at, ids.len());
            health.look_at(self, id)?;
        }
        let mut note = |part: Part, found: Result<()>| match found {
            Err(Error::Damaged { path, how }) => {
                let path = path.strip_prefix(self.path()).unwrap_or(&path);
                health.damaged.push(Damage { part, how: format!("{} {how}", path.display()) });
                Ok(())
            }
            Err(Error::Content { why, .. }) => {
                health.damaged.push(Damage { how: format!("{part}: {why}"), part });
                Ok(())
            }
            other => other,
        };
        note(Part::Experiment, self.experiment().map(drop))?;
        note(Part::Info, self.info().map(drop))?;
        self.look_for_records(&mut note)?;
        note(Part::Metrics, self.metrics().map(drop).and_then(|()| self.schema().map(drop)))?;
        for chain in self.chains()? {
            for generation in self.generations(&chain)? {
                let record = self.resolve(&chain, generation);
                for id in record.iter().flatten().flat_map(crate::GenerationRecord::all_stages) {
                    if ids.binary_search(&id).is_err() {
                        health.missing.entry(id).or_insert((chain.clone(), generation));
                    }
                }
                note(Part::Record(chain.clone(), generation), record.map(drop))?;
            }
        }
        Ok(health)
    }

    /// Looks for the records of all generations that have rows. Exact learners have none.
    fn look_for_records(&self, note: &mut dyn FnMut(Part, Result<()>) -> Result<()>) -> Result<()> {
        let has_records =
            self.has_stages() && self.info().is_ok_and(|info| info.is_some_and(|info| info.prepare.is_some()));
        let Ok(Some(rows)) = self.metrics() else { return Ok(()) };
        let measured: BTreeSet<(&str, u64, u32)> =
            rows.iter().filter(|_| has_records).map(|row| (row.arm.as_str(), row.seed, row.generation)).collect();
        for (arm, seed, generation) in measured {
            let Ok(chain) = ChainId::new(arm, seed) else { continue };
            let path = self.generation_path(&chain, generation).join("generation.json");
            if !path.exists() {
                let how = "is missing, and metrics.csv has rows of it".to_owned();
                note(Part::Record(chain, generation), Err(Error::Damaged { path, how }))?;
            }
        }
        Ok(())
    }

    /// The names of all stages that are there, sorted.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn stage_ids(&self) -> Result<Vec<StageId>> {
        let folder = self.stages();
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut ids = Vec::new();
        for entry in fs::read_dir(&folder).context("read", &folder)? {
            let name = entry.context("read", &folder)?.file_name();
            ids.extend(name.to_str().and_then(|name| name.parse::<StageId>().ok()));
        }
        ids.sort();
        Ok(ids)
    }

    /// Removes a stage, damaged or not.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove_stage(&self, id: &StageId) -> Result<()> {
        crate::store::remove(&self.stages(), id)
    }

    /// Removes the record of a generation.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove_record(&self, chain: &ChainId, generation: u32) -> Result<()> {
        let path = self.generation_path(chain, generation);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("remove", &path),
            _ => Ok(()),
        }
    }
}

impl Health {
    fn look_at(&mut self, run: &RunDir, id: &StageId) -> Result<()> {
        let found = run.find(id).and_then(|stage| stage.map(|stage| stage.verify().map(|()| stage)).transpose());
        match found {
            Ok(Some(stage)) => {
                self.stages += 1;
                self.bytes += stage.bytes();
                if !stage.is_whole() {
                    self.thinned.insert(*id, stage.removed_bytes());
                }
                Ok(())
            }
            // Another process removed it since.
            Ok(None) => Ok(()),
            Err(Error::Damaged { path, how }) => {
                let folder = run.stage_path(id);
                let file = path.strip_prefix(&folder).ok().filter(|file| !file.as_os_str().is_empty());
                let how = file.map_or_else(|| format!("the folder {how}"), |file| format!("{} {how}", file.display()));
                self.damaged.push(Damage { part: Part::Stage(*id), how });
                Ok(())
            }
            // A seal of another version of the format: the stage's name says that this build would not find it.
            Err(Error::Format { .. }) => {
                self.damaged.push(Damage { part: Part::Stage(*id), how: "was sealed by another version".to_owned() });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
