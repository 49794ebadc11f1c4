//! Finding and making stages.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::atomic::{sync_folder, unique};
use crate::error::Context;
use crate::seal::{Seal, SealedFile};
use crate::{Error, Result, StageId};

/// A stage in the making bears this prefix.
const MAKING: &str = ".making-";
/// Beside each folder in the making lies a file with this suffix, locked as long as its process lives.
const LOCK: &str = ".lock";

/// A finished stage: a folder whose files do not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    id: StageId,
    path: PathBuf,
    seal: Seal,
}

impl Stage {
    /// Its name.
    pub fn id(&self) -> &StageId {
        &self.id
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long it took to make, by the wall clock.
    pub fn took(&self) -> Duration {
        Duration::from_millis(self.seal.milliseconds)
    }

    /// Its files with sizes and checksums, sorted by name.
    pub fn files(&self) -> &[SealedFile] {
        &self.seal.files
    }

    /// Reads every file and compares it with the seal.
    ///
    /// # Errors
    /// [`Error::Damaged`] names the first file that differs.
    pub fn verify(&self) -> Result<()> {
        self.seal.check(&self.path)
    }

    fn open(path: PathBuf, id: &StageId) -> Result<Option<Self>> {
        let Some(seal) = Seal::read(&path)? else {
            return Ok(None);
        };
        if seal.stage != *id {
            return Err(Error::Damaged { path, how: format!("bears the seal of {}", seal.stage) });
        }
        Ok(Some(Self { id: *id, path, seal }))
    }
}

/// The stage `id` in the folder `stages`, if it is finished.
pub(crate) fn find(stages: &Path, id: &StageId) -> Result<Option<Stage>> {
    Stage::open(stages.join(id.to_string()), id)
}

/// Finds the stage, or has `fill` write its files into an empty folder, seals that and gives it the stage's name.
pub(crate) fn make<E: From<Error>>(
    stages: &Path,
    id: &StageId,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<Stage, E> {
    if let Some(stage) = find(stages, id)? {
        return Ok(stage);
    }
    let making = Making::begin(stages, id)?;
    let began = Instant::now();
    fill(&making.folder)?;
    Seal::apply(&making.folder, *id, began.elapsed())?;
    Ok(making.finish(stages, id)?)
}

/// A folder in the making; dropping it removes what is there.
struct Making {
    folder: PathBuf,
    lock_path: PathBuf,
    lock: Option<File>,
}

impl Making {
    fn begin(stages: &Path, id: &StageId) -> Result<Self> {
        loop {
            let folder = stages.join(format!("{MAKING}{id}-{}-{}", std::process::id(), unique()));
            let mut lock_path = folder.clone().into_os_string();
            lock_path.push(LOCK);
            let lock_path = PathBuf::from(lock_path);
            // Another machine's process on a shared disk may have taken the name: then the next number.
            let lock = match OpenOptions::new().write(true).create_new(true).open(&lock_path) {
                Ok(lock) => lock,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error).context("write", &lock_path),
            };
            // Some file systems have no locks; there `sweep` cannot tell and leaves the folder alone.
            let _ = lock.lock();
            // A sweep between creation and lock takes the file for a leftover.
            if !lock_path.exists() {
                continue;
            }
            let making = Self { folder, lock_path, lock: Some(lock) };
            fs::create_dir(&making.folder).context("create", &making.folder)?;
            return Ok(making);
        }
    }

    fn finish(self, stages: &Path, id: &StageId) -> Result<Stage> {
        let path = stages.join(id.to_string());
        if let Err(error) = fs::rename(&self.folder, &path) {
            // Another process was first, and its stage is as good as ours; ours goes with `self`.
            return match find(stages, id)? {
                Some(stage) => Ok(stage),
                None => Err(error).context("finish the stage in", &path),
            };
        }
        sync_folder(stages)?;
        let missing = || Error::Damaged { path: path.clone(), how: "lost its seal".to_owned() };
        find(stages, id)?.ok_or_else(missing)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // Errors are ignored: what cannot be removed now is swept later, and the caller reports its own error.
        let _ = fs::remove_dir_all(&self.folder);
        drop(self.lock.take());
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// Removes folders that killed processes left: those whose lock nobody holds any more. Returns how many.
pub(crate) fn sweep(stages: &Path) -> Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(stages).context("read", stages)? {
        let path = entry.context("read", stages)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with(MAKING) {
            continue;
        }
        let folder = path.with_file_name(name.strip_suffix(LOCK).unwrap_or(&name));
        let lock_path = path.with_file_name(format!("{}{LOCK}", name.strip_suffix(LOCK).unwrap_or(&name)));
        // The lock is made before the folder and removed after it, so a folder without one has no owner.
        let lock = match OpenOptions::new().write(true).open(&lock_path) {
            Ok(lock) => match lock.try_lock() {
                Ok(()) => Some(lock),
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => continue,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("read", &lock_path),
        };
        if folder.is_dir() {
            fs::remove_dir_all(&folder).context("remove", &folder)?;
            removed += 1;
        }
        let _ = fs::remove_file(&lock_path);
        drop(lock);
    }
    Ok(removed)
}
