use std::path::{Path, PathBuf};

/// Which folders there were before a request, so that a refused one leaves nothing behind.
pub(crate) struct Before {
    exists: bool,
    /// Whether the run directory was not there, or empty.
    nothing: bool,
    /// The folders above it that were not there, innermost first.
    missing: Vec<PathBuf>,
}

impl Before {
    pub(crate) fn of(out: &Path) -> Self {
        let above = out.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let nothing = match out.read_dir() {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        Self { exists: out.exists(), nothing, missing: above.map(Path::to_owned).collect() }
    }

    /// Removes what a refused request has made. Folders above the run directory may be in use by another run by now: they go
    /// only if they are empty.
    pub(crate) fn restore(&self, out: &Path) {
        if !self.nothing {
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
    fn what_was_not_there_goes_and_what_was_stays() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |out: &Path| {
            let before = Before::of(out);
            std::fs::create_dir_all(out.join("stages/prepare-1")).unwrap();
            before
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
