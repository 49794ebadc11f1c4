//! Folders that appear whole or not at all.

use crate::Failure;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is being written has this prefix until it is whole.
const WRITING: &str = ".writing-";
/// A folder is written in seconds: one that has the prefix longer was left by a process that was killed.
const STALE: Duration = Duration::from_secs(3600);

/// The place of a folder that is to be made.
pub(crate) struct NewFolder {
    place: PathBuf,
}

impl NewFolder {
    /// The place that `--out` names: nothing is there, or an empty folder. Nothing is made yet, but that something can be is
    /// tried, before hours of work go into it.
    ///
    /// # Errors
    /// [`Failure::Request`] if another place is needed.
    pub(crate) fn at(path: &Path) -> Result<Self, Failure> {
        let refuse = |why: &str| Failure::Request(format!("--out {}: {why}; choose a new folder", path.display()));
        let place = match fs::read_dir(path) {
            Ok(mut entries) => match entries.next() {
                Some(_) => return Err(refuse("it is not empty")),
                None => path.canonicalize().map_err(|error| refuse(&error.to_string()))?,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path).unwrap_or(path.into()),
            Err(error) => return Err(refuse(&error.to_string())),
        };
        if place.file_name().is_none() {
            return Err(refuse("it has no name"));
        }
        if is_mounted(&place) {
            return Err(refuse("another disk is mounted there, and a folder cannot be put in its place"));
        }
        let new = Self { place };
        let nearest = new.parent().ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        let probe = nearest.join(new.temporary());
        fs::create_dir(&probe)
            .and_then(|()| fs::remove_dir(&probe))
            .map_err(|error| Failure::io(refuse(&error.to_string()).parts().0, &error))?;
        Ok(new)
    }

    /// Has `fill` write the folder's files into a folder beside, and gives that its name when they are on the disk. If
    /// anything fails, nothing is left.
    ///
    /// # Errors
    /// What `fill` returns; [`Failure`] if the folder cannot be written.
    pub(crate) fn make(self, fill: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::io(format!("cannot write {}: {error}", self.place.display()), &error);
        fs::create_dir_all(self.parent()).map_err(failed)?;
        self.sweep();
        let beside = self.make_beside().map_err(failed)?;
        let made = fill(&beside).and_then(|()| self.finish(&beside).map_err(failed));
        if made.is_err() {
            // The first error is the one to report; what cannot be removed now is swept later.
            fs::remove_dir_all(&beside).ok();
        }
        made
    }

    /// A new folder beside; a process of this number may have left one.
    fn make_beside(&self) -> io::Result<PathBuf> {
        let mut number = 0;
        loop {
            let beside = self.parent().join(format!("{}-{number}", self.temporary()));
            match fs::create_dir(&beside) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                made => return made.map(|()| beside),
            }
        }
    }

    fn finish(&self, beside: &Path) -> io::Result<()> {
        for entry in fs::read_dir(beside)? {
            sync(&entry?.path())?;
        }
        sync(beside)?;
        if cfg!(not(unix)) && self.place.exists() {
            fs::remove_dir(&self.place)?;
        }
        fs::rename(beside, &self.place)?;
        sync(self.parent())
    }

    /// Removes what killed processes left beside this place.
    fn sweep(&self) {
        let begins = format!("{WRITING}{}-", self.name());
        for entry in fs::read_dir(self.parent()).into_iter().flatten().flatten() {
            let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
            if entry.file_name().to_string_lossy().starts_with(&begins) && age.is_some_and(|age| age > STALE) {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }

    fn name(&self) -> String {
        self.place.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn temporary(&self) -> String {
        format!("{WRITING}{}-{}", self.name(), std::process::id())
    }

    fn parent(&self) -> &Path {
        self.place.parent().unwrap_or(Path::new("/"))
    }
}

/// Makes a file's content, or the names in a folder, durable. Windows has no such call for folders and needs none.
fn sync(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) && path.is_dir() {
        return Ok(());
    }
    File::options().read(true).write(cfg!(windows)).open(path)?.sync_all()
}

/// True if a folder is there and on another disk than its parent.
fn is_mounted(place: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let disk = |path: &Path| path.metadata().ok().map(|data| data.dev());
        let (Some(own), Some(parent)) = (disk(place), place.parent().and_then(disk)) else { return false };
        own != parent
    }
    #[cfg(not(unix))]
    {
        let _ = place;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_folder_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("some/way/model");
        let write = |beside: &Path| fs::write(beside.join("a"), "x").map_err(Failure::work);
        let broken = NewFolder::at(&place).unwrap();
        assert!(names(folder.path()).is_empty(), "nothing is made before there is something to put into it");
        broken.make(|beside| write(beside).and(Err(Failure::work("full")))).unwrap_err();
        assert!(names(place.parent().unwrap()).is_empty());
        NewFolder::at(&place).unwrap().make(write).unwrap();
        assert_eq!(names(place.parent().unwrap()), ["model"]);
        assert!(NewFolder::at(&place).is_err(), "it is not empty");
        // An empty folder is replaced, and what was left beside it long ago goes.
        fs::remove_file(place.join("a")).unwrap();
        let left = place.with_file_name(".writing-model-1");
        fs::create_dir(&left).unwrap();
        File::open(&left).unwrap().set_modified(std::time::SystemTime::now() - 2 * STALE).unwrap();
        NewFolder::at(&place).unwrap().make(write).unwrap();
        assert_eq!((names(place.parent().unwrap()), names(&place)), (vec!["model".into()], vec!["a".into()]));
    }
}
