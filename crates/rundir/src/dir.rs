use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{sweep_folder, sync_folder};
use crate::error::Context;
use crate::{ChainId, Error, FORMAT, GenerationRecord, Result, RunInfo, Stage, StageId, store, write_atomic};

/// A run directory. Many processes may work in one at once: nothing here is changed in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes `path` a run directory, or opens the one that is there.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::NotEmpty`] if something else is there; [`Error::Format`] if
    /// another version wrote it.
    pub fn create(path: &Path) -> Result<Self> {
        let run = Self { path: path.to_owned() };
        let fresh = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error).context("write", path),
        };
        if !fresh && !run.stages().is_dir() {
            return Err(Error::NotEmpty { path: path.to_owned() });
        }
        fs::create_dir_all(run.stages()).context("write", path)?;
        // Says now, and not after an hour of training, that the disk is read-only or the folder another user's.
        let probe = format!(".writing-probe-{}-{}", std::process::id(), crate::atomic::unique());
        let probe = run.path.join(probe);
        fs::write(&probe, []).and_then(|()| fs::remove_file(&probe)).context("write", path)?;
        sync_folder(path)?;
        run.check_format()?;
        Ok(run)
    }

    /// Opens the run directory `path`, or what was kept of one: its rows and `run.json` without `chains` and `stages`, as
    /// experiments commit them.
    ///
    /// # Errors
    /// [`Error::NotARun`]; [`Error::Format`] if another version wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        let not = |why| Err(Error::NotARun { path: path.to_owned(), why });
        if !path.exists() {
            return not("it does not exist");
        }
        if !path.is_dir() {
            return not("it is a file");
        }
        let run = Self { path: path.to_owned() };
        if !run.has_stages() && !run.info_path().is_file() {
            return not("it has neither a folder `stages` nor a `run.json`");
        }
        run.check_format()?;
        Ok(run)
    }

    /// Whether its stages are there, and not its rows alone.
    pub fn has_stages(&self) -> bool {
        self.stages().is_dir()
    }

    fn check_format(&self) -> Result<()> {
        match self.info()? {
            Some(info) if info.format != FORMAT => Err(Error::Format { path: self.info_path(), found: info.format }),
            _ => Ok(()),
        }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `experiment.toml`.
    pub fn experiment_path(&self) -> PathBuf {
        self.path.join("experiment.toml")
    }

    /// `run.json`.
    pub fn info_path(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// `metrics.csv`.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.csv")
    }

    /// `report.html`.
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// The folder of one generation: `chains/ARM/seed-S/gen-K`.
    pub fn generation_path(&self, chain: &ChainId, generation: u32) -> PathBuf {
        self.chain_path(chain).join(format!("gen-{generation}"))
    }

    /// The folder of a stage, made or not.
    pub fn stage_path(&self, id: &StageId) -> PathBuf {
        self.stages().join(id.to_string())
    }

    fn stages(&self) -> PathBuf {
        self.path.join("stages")
    }

    fn chain_path(&self, chain: &ChainId) -> PathBuf {
        self.path.join("chains").join(&chain.arm).join(format!("seed-{}", chain.seed))
    }

    /// `run.json`, if it is there.
    ///
    /// # Errors
    /// [`Error::Content`] if it is something else.
    pub fn info(&self) -> Result<Option<RunInfo>> {
        read_json(&self.info_path())
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_info(&self, info: &RunInfo) -> Result<()> {
        write_json(&self.info_path(), info)
    }

    /// The stage `id`, if it is finished.
    ///
    /// # Errors
    /// [`Error::Damaged`] if its seal is not one.
    pub fn find(&self, id: &StageId) -> Result<Option<Stage>> {
        store::find(&self.stages(), id)
    }

    /// Finds the stage `id`, or has `fill` write its files into the empty folder that it is given. That folder is synced,
    /// sealed and renamed; if another process was first, its stage is taken and ours discarded. If `fill` fails, nothing
    /// is left.
    ///
    /// # Errors
    /// What `fill` returns; [`Error`] as `E` where writing or sealing fails.
    pub fn make<E: From<Error>>(
        &self,
        id: &StageId,
        fill: impl FnOnce(&Path) -> std::result::Result<(), E>,
    ) -> std::result::Result<Stage, E> {
        store::make(&self.stages(), id, fill)
    }

    /// Removes what killed processes left behind, and returns how many files and folders that were. A stage in the making
    /// is a leftover when no process holds its lock (on a file system without locks it is left alone); a file in the
    /// writing when it is older than an hour. Safe beside processes that work.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sweep(&self) -> Result<usize> {
        let mut removed = store::sweep(&self.stages())? + sweep_folder(&self.path)?;
        for chain in self.chains()? {
            for generation in numbered(&self.chain_path(&chain), "gen-")? {
                let folder = self.chain_path(&chain).join(format!("gen-{generation}"));
                removed += sweep_folder(&folder)?;
            }
        }
        Ok(removed)
    }

    /// Writes `generation.json`, and beside it links to the stages for people: `train -> ../../../../stages/train-...`.
    /// Links are a courtesy: a file system without them does not fail.
    ///
    /// # Errors
    /// [`Error::Io`] for the record itself.
    pub fn write_generation(&self, chain: &ChainId, generation: u32, record: &GenerationRecord) -> Result<()> {
        let folder = self.generation_path(chain, generation);
        fs::create_dir_all(&folder).context("create", &folder)?;
        for (kind, id) in &record.stages {
            link(Path::new("../../../../stages").join(id.to_string()), &folder.join(kind.name()));
        }
        for (member, stages) in record.members.iter().enumerate() {
            for (kind, id) in stages {
                let name = format!("member-{member}-{kind}");
                link(Path::new("../../../../stages").join(id.to_string()), &folder.join(name));
            }
        }
        for (number, id) in record.verdicts.iter().enumerate() {
            link(Path::new("../../../../stages").join(id.to_string()), &folder.join(format!("judge-{number}")));
        }
        write_json(&folder.join("generation.json"), record)
    }

    /// The record of one generation, if there is one.
    ///
    /// # Errors
    /// [`Error::Content`] if the file is not a record.
    pub fn resolve(&self, chain: &ChainId, generation: u32) -> Result<Option<GenerationRecord>> {
        read_json(&self.generation_path(chain, generation).join("generation.json"))
    }

    /// All chains that have a folder, sorted by arm and seed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn chains(&self) -> Result<Vec<ChainId>> {
        let mut chains = Vec::new();
        for arm in names(&self.path.join("chains"))? {
            if crate::check_name(&arm).is_err() {
                continue;
            }
            for seed in numbered(&self.path.join("chains").join(&arm), "seed-")? {
                chains.push(ChainId { arm: arm.clone(), seed });
            }
        }
        chains.sort();
        Ok(chains)
    }

    /// The generations of a chain that have a record, sorted.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn generations(&self, chain: &ChainId) -> Result<Vec<u32>> {
        let numbers = numbered(&self.chain_path(chain), "gen-")?;
        let recorded = |number: &u32| self.generation_path(chain, *number).join("generation.json").is_file();
        Ok(numbers.into_iter().filter_map(|number| u32::try_from(number).ok()).filter(recorded).collect())
    }
}

/// The numbers of the entries of `folder` that are named `prefix` and a number, sorted.
fn numbered(folder: &Path, prefix: &str) -> Result<Vec<u64>> {
    let number =
        |name: String| name.strip_prefix(prefix)?.parse::<u64>().ok().filter(|n| format!("{prefix}{n}") == name);
    let mut numbers: Vec<u64> = names(folder)?.into_iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Names in a folder, in no order; none if there is no such folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).context("read", folder),
    };
    let mut names = Vec::new();
    for entry in entries {
        // What is not UTF-8 was not named by us.
        names.extend(entry.context("read", folder)?.file_name().into_string());
    }
    Ok(names)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("read", path),
    };
    let content = |error: serde_json::Error| Error::Content {
        path: path.to_owned(),
        why: format!("not what a run writes there ({error}): restore the file, or choose another folder"),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(content)
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).expect("records have text keys");
    text.push('\n');
    write_atomic(path, text.as_bytes())
}

/// Points `link` at `target`, replacing an older link; failures are ignored, see [`RunDir::write_generation`].
fn link(target: PathBuf, link: &Path) {
    #[cfg(unix)]
    {
        let _ = fs::remove_file(link);
        let _ = std::os::unix::fs::symlink(target, link);
    }
    #[cfg(not(unix))]
    let _ = (target, link);
}
