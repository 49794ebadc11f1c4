use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{read_plain, sweep_folder};
use crate::checked::Checked;
use crate::claim::Claim;
use crate::error::Context;
use crate::lock::{self, Holder, Presence};
use crate::shared::{EXPERIMENT, INFO, METRICS};
use crate::{ChainId, Error, FORMAT, GenerationRecord, Result, Stage, StageId, store, write_atomic};

/// The record of a generation, in its folder.
const RECORD: &str = "generation.json";

/// A run directory. Many processes may work in one at once: stages and records do not change in place, and what does is
/// changed by whoever holds a [`Claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// A run directory, whatever is there.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Makes `path` a run directory, or takes the one that is there, and holds it: no other process changes what all
    /// processes of the run share until the claim is dropped. Who waits for another for more than two seconds is told
    /// for whom.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::NotEmpty`] if something else is there; [`Error::Format`] if
    /// another version wrote it.
    pub fn claim(path: &Path, waiting: &mut dyn FnMut(&Holder)) -> Result<Claim> {
        Claim::begin(path, waiting)
    }

    /// Makes `path` a run directory, or takes the one that is there, without holding it.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self::claim(path, &mut |_| {})?.dir().clone())
    }

    /// Opens the run directory `path`, or what was kept of one: its rows, `run.json` and `SHA256SUMS` without `chains` and
    /// `stages`, as experiments commit them.
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
        let run = Self::at(path);
        if !run.is_there() {
            return not("it has neither a folder `stages` nor a `run.json`");
        }
        run.check_format()?;
        Ok(run)
    }

    /// Holds this run directory, as [`claim`](Self::claim) does.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    pub fn lock(&self, waiting: &mut dyn FnMut(&Holder)) -> Result<Claim> {
        Claim::of(self, waiting)
    }

    /// Says that this process works here, for as long as the value lives.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn presence(&self) -> Result<Presence> {
        Presence::begin(&self.path)
    }

    /// The processes that work here now, this one included.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn working(&self) -> Result<Vec<Holder>> {
        lock::working(&self.path)
    }

    /// Whether something of a run is there.
    pub(crate) fn is_there(&self) -> bool {
        self.has_stages() || self.info_path().is_file()
    }

    /// Whether its stages are there, and not its rows alone.
    pub fn has_stages(&self) -> bool {
        self.stages().is_dir()
    }

    /// Refuses what another version wrote, also where it says otherwise of everything else.
    pub(crate) fn check_format(&self) -> Result<()> {
        let path = self.info_path();
        if self.is_foreign(INFO)?.is_some() {
            return Ok(());
        }
        let said = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        match said.as_ref().and_then(|info| info.get("format")?.as_u64()) {
            Some(found) if found != u64::from(FORMAT) => {
                Err(Error::Format { path, found: u32::try_from(found).unwrap_or(u32::MAX) })
            }
            _ => Ok(()),
        }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `experiment.toml`.
    pub fn experiment_path(&self) -> PathBuf {
        self.path.join(EXPERIMENT)
    }

    /// `run.json`.
    pub fn info_path(&self) -> PathBuf {
        self.path.join(INFO)
    }

    /// `metrics.csv`.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
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

    /// The folder of a stage's checkpoint, while the stage is not finished.
    pub fn checkpoint_path(&self, id: &StageId) -> PathBuf {
        self.checkpoints().join(id.to_string())
    }

    /// Removes the checkpoints of all stages, and returns how many there were. Nobody may work here.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove_checkpoints(&self) -> Result<usize> {
        let folder = self.checkpoints();
        let count = names(&folder)?.len();
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove", &folder),
            _ => Ok(count),
        }
    }

    fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    pub(crate) fn stages(&self) -> PathBuf {
        self.path.join("stages")
    }

    fn chain_path(&self, chain: &ChainId) -> PathBuf {
        self.path.join("chains").join(&chain.arm).join(format!("seed-{}", chain.seed))
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

    /// Removes the checkpoints of finished stages, and what killed writers left in the others.
    fn sweep_checkpoints(&self) -> Result<usize> {
        let mut removed = 0;
        for name in names(&self.checkpoints())? {
            let folder = self.checkpoints().join(&name);
            if !self.stages().join(&name).is_dir() {
                removed += sweep_folder(&folder)?;
            } else if fs::remove_dir_all(&folder).is_ok() {
                // Another process may have removed it first.
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes what killed processes left behind, and returns how many files and folders that were. A stage in the making
    /// is a leftover when no process holds its lock (on a file system without locks it is left alone); a file in the
    /// writing when it is older than an hour; a checkpoint when its stage is finished. Safe beside processes that work.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sweep(&self) -> Result<usize> {
        // Of processes that are dead.
        lock::working(&self.path)?;
        let mut removed = store::sweep(&self.stages())? + sweep_folder(&self.path)? + self.sweep_checkpoints()?;
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
        write_atomic(&folder.join(RECORD), Checked::text(record, &place(chain, generation)).as_bytes())
    }

    /// The record of one generation, if there is one.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not as it was written.
    pub fn resolve(&self, chain: &ChainId, generation: u32) -> Result<Option<GenerationRecord>> {
        let path = self.generation_path(chain, generation).join(RECORD);
        let Some(bytes) = read_plain(&path)? else { return Ok(None) };
        Checked::read(&bytes, &place(chain, generation), "a record of a generation")
            .map(Some)
            .map_err(|how| Error::Damaged { path, how })
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
        let recorded = |number: &u32| self.generation_path(chain, *number).join(RECORD).symlink_metadata().is_ok();
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

/// The place of a record.
fn place(chain: &ChainId, generation: u32) -> String {
    format!("{chain}/gen-{generation}")
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
