use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Context;
use crate::{Error, Result};

/// What is being written bears this prefix until it is whole.
const WRITING: &str = ".writing-";
/// A file is written in seconds; one that bears the prefix longer was left by a process that was killed, also where the file
/// system has no locks to tell.
const STALE: Duration = Duration::from_secs(3600);
/// Its writer has locked it by now, and holds the lock for as long as it lives.
const LOCKED_BY: Duration = Duration::from_secs(5);

/// A number that this process gave to nobody before.
pub(crate) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Writes `bytes` to `path` so that a reader, or a crash, sees the old file or the new one and nothing between: written
/// beside, synced, renamed, the folder synced.
///
/// # Errors
/// [`Error::Io`]; then `path` is as it was.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let (temporary, mut file) = create_beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).context("write", path);
    drop(file); // Windows renames closed files only.
    let renamed = written.and_then(|()| fs::rename(&temporary, path).context("write", path));
    if renamed.is_err() {
        // The first error is the one to report; the leftover is swept later if it cannot be removed now.
        let _ = fs::remove_file(&temporary);
    }
    renamed.and_then(|()| sync_folder(parent(path)))
}

fn create_beside(path: &Path) -> Result<(PathBuf, File)> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::Content { path: path.to_owned(), why: "is no name of a file".to_owned() })?;
    loop {
        // Processes of two machines can have the same number on a shared disk, so the name may be taken.
        let temporary = format!("{WRITING}{}-{}-{}", name.to_string_lossy(), std::process::id(), unique());
        let temporary = parent(path).join(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => {
                // Some file systems have no locks.
                let _ = file.lock();
                return Ok((temporary, file));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context("write", path),
        }
    }
}

/// The content of a file; none if there is no such file. A pipe would be waited for and a device read for ever, so neither is
/// read.
///
/// # Errors
/// [`Error::Damaged`] if something else has its name; [`Error::Io`].
pub(crate) fn read_plain(path: &Path) -> Result<Option<Vec<u8>>> {
    use std::io::ErrorKind as Kind;
    let is_none = |error: &std::io::Error| matches!(error.kind(), Kind::NotFound | Kind::NotADirectory);
    match fs::metadata(path) {
        Ok(data) if !data.is_file() => {
            return Err(Error::Damaged { path: path.to_owned(), how: "is no regular file".to_owned() });
        }
        Err(error) if is_none(&error) => return Ok(None),
        _ => {}
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_none(&error) => Ok(None),
        Err(error) => Err(error).context("read", path),
    }
}

/// The folder of `path`; `Path::parent` gives an empty path for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in a folder durable. Windows has no such call and does not need it.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|f| f.sync_all()).context("sync", folder)?;
    }
    Ok(())
}

/// Makes a file's content durable.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    // Windows syncs through writable handles only; elsewhere a reader will do, and a read-only file has no other.
    let file = OpenOptions::new().read(true).write(cfg!(windows)).open(path);
    file.and_then(|f| f.sync_all()).context("sync", path)
}

/// Removes what killed writers left directly in `folder`: files that nobody has locked, or that are older than an hour. Returns
/// how many files.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be listed.
pub fn sweep_folder(folder: &Path) -> Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder).context("read", folder)? {
        let entry = entry.context("read", folder)?;
        if !entry.file_name().to_string_lossy().starts_with(WRITING) {
            continue;
        }
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        let is_left = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        let is_old = age.is_some_and(|age| age > STALE || (age > LOCKED_BY && is_left()));
        // The file may be gone by now: another process sweeps as well, or its writer renamed it.
        if is_old && fs::remove_file(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_names_the_target_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        let said = write_atomic(&path, b"x").unwrap_err().to_string();
        assert!(said.starts_with("cannot write ") && said.contains("taken"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (temporary, file) = create_beside(&folder.path().join("run.json")).unwrap();
        file.set_modified(std::time::SystemTime::now() - 2 * LOCKED_BY).unwrap();
        assert_eq!(sweep_folder(folder.path()).unwrap(), 0);
        drop(file);
        assert_eq!(sweep_folder(folder.path()).unwrap(), 1);
        assert!(!temporary.exists());
    }

    #[test]
    fn only_old_leftovers_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let (old, young) = (folder.path().join(".writing-a-1-1"), folder.path().join(".writing-b-1-2"));
        File::create(&young).unwrap();
        let time = std::time::SystemTime::now() - 2 * STALE;
        File::create(&old).unwrap().set_modified(time).unwrap();
        File::create(folder.path().join("metrics.csv")).unwrap().set_modified(time).unwrap();
        assert_eq!(sweep_folder(folder.path()).unwrap(), 1);
        assert!(!old.exists() && young.exists());
    }
}
