//! Finding and making stages.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use crate::atomic::{read_plain, sync_folder, unique};
use crate::error::Context;
use crate::seal::{SEAL, Seal, SealedFile};
use crate::{Error, Result, StageId, write_atomic};

/// A stage in the making bears this prefix.
const MAKING: &str = ".making-";
/// Beside each folder in the making lies a file with this suffix, locked as long as its process lives.
const LOCK: &str = ".lock";

/// In a stage, the names of the files that were removed on purpose.
const REMOVED: &str = "REMOVED";

/// A finished stage: a folder whose files do not change any more.
///
/// Large files of a stage can be removed on purpose when nobody needs them any more ([`Stage::thin`]); the seal still says
/// what they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    id: StageId,
    path: PathBuf,
    seal: Seal,
    removed: BTreeSet<String>,
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

    /// Bytes of the files that are there.
    pub fn bytes(&self) -> u64 {
        self.seal.files.iter().filter(|file| !self.removed.contains(&file.name)).map(|file| file.bytes).sum()
    }

    /// Bytes of the files that were removed on purpose.
    pub fn removed_bytes(&self) -> u64 {
        self.seal.files.iter().filter(|file| self.removed.contains(&file.name)).map(|file| file.bytes).sum()
    }

    /// Whether all of its files are there.
    pub fn is_whole(&self) -> bool {
        self.removed.is_empty()
    }

    /// Whether it has this file, removed or not.
    pub fn has(&self, name: &str) -> bool {
        self.seal.files.iter().any(|file| file.name == name)
    }

    /// Reads every file that was not removed and compares it with the seal.
    ///
    /// # Errors
    /// [`Error::Damaged`] names the first file that differs.
    pub fn verify(&self) -> Result<()> {
        self.seal.check(&self.path, &self.removed)
    }

    /// The content of one file, compared with the seal.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it differs, is missing, was removed or never was there; [`Error::Io`].
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path.join(name);
        let damaged = |how: &str| Error::Damaged { path: path.clone(), how: how.to_owned() };
        let sealed = self.seal.files.iter().find(|file| file.name == name).ok_or_else(|| damaged("is not sealed"))?;
        if self.removed.contains(name) {
            return Err(damaged("was removed, as `keep` says"));
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("is missing")),
            Err(error) => return Err(error).context("read", &path),
        };
        if crate::sums::sha256(&bytes) == sealed.sha256 {
            Ok(bytes)
        } else {
            Err(damaged("has another checksum than its seal says"))
        }
    }

    /// Removes the files that `which` names, and returns their bytes. First it is written down which they are, so that a
    /// process that is killed in between leaves no damage.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn thin(&self, which: impl Fn(&str) -> bool) -> Result<u64> {
        // Also what a process that was killed has listed and not removed.
        let is_there = |file: &&SealedFile| which(&file.name) && self.path.join(&file.name).exists();
        let chosen: Vec<&SealedFile> = self.seal.files.iter().filter(is_there).collect();
        if chosen.is_empty() {
            return Ok(0);
        }
        let all: BTreeSet<&str> =
            self.removed.iter().map(String::as_str).chain(chosen.iter().map(|file| file.name.as_str())).collect();
        let text = serde_json::to_string_pretty(&all).expect("names are text") + "\n";
        write_atomic(&self.path.join(REMOVED), text.as_bytes())?;
        for file in &chosen {
            let path = self.path.join(&file.name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).context("remove", &path),
                _ => {}
            }
        }
        Ok(chosen.iter().map(|file| file.bytes).sum())
    }

    fn open(path: PathBuf, id: &StageId) -> Result<Option<Self>> {
        let Some(seal) = Seal::read(&path)? else {
            return match path.is_dir() {
                true => Err(Error::Damaged { path, how: format!("has no {SEAL}") }),
                false => Ok(None),
            };
        };
        if seal.stage != *id {
            return Err(Error::Damaged { path, how: format!("bears the seal of {}", seal.stage) });
        }
        let is_plain = |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if let Some(file) = seal.files.iter().find(|file| !is_plain(&file.name)) {
            return Err(Error::Damaged {
                how: format!("has a seal with the file {:?} outside of it", file.name),
                path,
            });
        }
        let list = path.join(REMOVED);
        let removed = match read_plain(&list)? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Error::Damaged { path: list, how: format!("is no list of files ({error})") })?,
            None => BTreeSet::new(),
        };
        seal.check_sizes(&path, &removed)?;
        Ok(Some(Self { id: *id, path, seal, removed }))
    }
}

/// The stage `id` in the folder `stages`, if it is finished.
pub(crate) fn find(stages: &Path, id: &StageId) -> Result<Option<Stage>> {
    Stage::open(stages.join(id.to_string()), id)
}

/// Finds the stage with all of its files, or has `fill` write them into an empty folder, seals that and gives it the stage's
/// name.
pub(crate) fn make<E: From<Error>>(
    stages: &Path,
    id: &StageId,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<Stage, E> {
    if let Some(stage) = find(stages, id)?.filter(Stage::is_whole) {
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
        if find(stages, id)?.is_some_and(|stage| !stage.is_whole()) {
            remove(stages, id)?;
        }
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

/// Removes a stage, damaged or not: it is renamed first, so that nobody takes half of it for a stage.
pub(crate) fn remove(stages: &Path, id: &StageId) -> Result<()> {
    let path = stages.join(id.to_string());
    let aside = stages.join(format!("{MAKING}{id}-{}-{}", std::process::id(), unique()));
    match fs::rename(&path, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        done => done.context("remove", &path)?,
    }
    remove_all(&aside)?;
    sync_folder(stages)
}

/// Removes a folder that another process may be removing as well.
fn remove_all(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove", folder),
        _ => Ok(()),
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
            remove_all(&folder)?;
            removed += 1;
        }
        let _ = fs::remove_file(&lock_path);
        drop(lock);
    }
    Ok(removed)
}
