use std::path::{Path, PathBuf};

/// The folders that existed before a request. A refused request removes those that it made.
pub(crate) struct Undo {
    exists: bool,
    /// True if the run directory did not exist or was empty.
    is_empty: bool,
    /// The folders above it that did not exist, innermost first.
    missing: Vec<PathBuf>,
}

impl Undo {
    pub(crate) fn of(out: &Path) -> Self {
        let above = out.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let is_empty = match out.read_dir() {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        Self { exists: out.exists(), is_empty, missing: above.map(Path::to_owned).collect() }
    }

    /// Removes what a refused request has made. Folders above the run directory may be in use by another run by now: they go
    /// only if they are empty.
    pub(crate) fn restore(&self, out: &Path) {
        if !self.is_empty {
            return;
        }
        // A folder that was there may be a link to another disk, and stays.
        let made = if self.exists { out.join("stages") } else { out.to_owned() };
        std::fs::remove_dir_all(made).ok();
        for folder in &self.missing {
            std::fs::remove_dir(folder).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_folders_are_removed_and_old_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |out: &Path| {
            let undo = Undo::of(out);
            std::fs::create_dir_all(out.join("stages/prepare-1")).unwrap();
            undo
        };
        let (new, empty) = (folder.path().join("a/b/c"), folder.path().join("empty"));
        std::fs::create_dir(&empty).unwrap();
        begin(&new).restore(&new);
        begin(&empty).restore(&empty);
        assert!(!folder.path().join("a").exists());
        assert_eq!(empty.read_dir().unwrap().count(), 0);

        let used = begin(&new);
        std::fs::create_dir(folder.path().join("a/other")).unwrap();
        used.restore(&new);
        assert!(!folder.path().join("a/b").exists() && folder.path().join("a/other").exists());

        begin(&empty);
        begin(&empty).restore(&empty);
        assert!(empty.join("stages").exists(), "a run that was there was removed");
    }
}
