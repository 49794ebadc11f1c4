use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::sync_folder;
use crate::error::Context;
use crate::lock::{Holder, LOCK, Lock};
use crate::shared::{EXPERIMENT, INFO, METRICS, NEXT_SUMS, SCHEMA};
use crate::sums::{SUMS, Sums};
use crate::{Error, Result, Row, RunDir, RunInfo, Schema, metrics, write_atomic};

/// A run directory that this process holds: nobody else changes what all processes of the run share until it is dropped.
#[derive(Debug)]
pub struct Claim {
    dir: RunDir,
    lock: Lock,
    /// Folders that were made for it, innermost first; none if something was there already.
    made: Option<Vec<PathBuf>>,
    /// Whether the folder of stages was made for it.
    made_stages: bool,
}

impl Claim {
    /// Holds the run directory that is at `path`.
    pub(crate) fn of(dir: &RunDir, waiting: &mut dyn FnMut(&Holder)) -> Result<Self> {
        let lock = Lock::acquire(dir.path(), waiting)?;
        dir.check_format()?;
        Ok(Self { dir: dir.clone(), lock, made: None, made_stages: false })
    }

    /// Makes `path` a run directory or takes the one that is there, and holds it.
    pub(crate) fn begin(path: &Path, waiting: &mut dyn FnMut(&Holder)) -> Result<Self> {
        let dir = RunDir::at(path);
        refuse_other_folders(&dir)?;
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let missing: Vec<PathBuf> = path.ancestors().take_while(is_missing).map(Path::to_owned).collect();
        let lock = loop {
            fs::create_dir_all(path).context("write", path)?;
            match Lock::acquire(path, waiting) {
                // Whoever held it was refused, and has taken the new folder away again.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound && !path.exists() => {}
                taken => break taken?,
            }
        };
        refuse_other_folders(&dir)?;
        dir.check_format()?;
        let (is_new, made_stages) = (!dir.is_there(), !dir.has_stages());
        fs::create_dir_all(dir.stages()).context("write", path)?;
        sync_folder(path)?;
        Ok(Self { dir, lock, made: is_new.then_some(missing), made_stages })
    }

    /// The run directory.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Writes `run.json`, and `experiment.toml` as it says there.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::LockLost`].
    pub fn write_info(&self, info: &RunInfo) -> Result<()> {
        let mut text = serde_json::to_string_pretty(info).expect("records have text keys");
        text.push('\n');
        self.publish(&[(INFO, text.as_bytes()), (EXPERIMENT, info.resolved.as_bytes())]).map(drop)
    }

    /// Writes `metrics.csv`, and beside it `metrics.schema.json`, which says what its columns are; returns whether they
    /// changed. Rows are sorted, so that the same observations give the same bytes in whatever order they come.
    ///
    /// # Errors
    /// [`Error::DuplicateRow`] if two rows have one key; [`Error::Dimension`] if a row has a dimension that the schema
    /// lacks; [`Error::Io`]; [`Error::LockLost`].
    pub fn write_metrics(&self, schema: &Schema, rows: Vec<Row>) -> Result<bool> {
        let csv = metrics::to_csv(schema, rows)?;
        self.publish(&[(METRICS, &csv), (SCHEMA, schema.to_json().as_bytes())])
    }

    /// Replaces files and their checksums, and returns whether any changed. A process that is killed in between leaves a list
    /// of checksums that are about to hold, so that each file is as one of the lists says.
    fn publish(&self, files: &[(&str, &[u8])]) -> Result<bool> {
        let path = self.dir.path();
        let old = Sums::read(path, SUMS).ok().flatten();
        let mut sums = old.clone().unwrap_or_default();
        self.take_over(&mut sums);
        files.iter().for_each(|(name, bytes)| sums.insert(name, bytes));
        let is_same = |(name, bytes): &&(&str, &[u8])| fs::read(path.join(name)).is_ok_and(|found| found == *bytes);
        if old.as_ref() == Some(&sums) && files.iter().all(|file| is_same(&file)) {
            return Ok(false);
        }
        self.lock.check()?;
        let next = path.join(NEXT_SUMS);
        write_atomic(&next, sums.to_text().as_bytes())?;
        for (name, bytes) in files.iter().filter(|file| !is_same(file)) {
            write_atomic(&path.join(name), bytes)?;
        }
        fs::rename(&next, path.join(SUMS)).context("write", path)?;
        sync_folder(path)?;
        Ok(true)
    }

    /// Takes over what a process that was killed was about to list, as far as its files are there.
    fn take_over(&self, sums: &mut Sums) {
        let path = self.dir.path();
        let Ok(Some(next)) = Sums::read(path, NEXT_SUMS) else { return };
        for name in next.names() {
            if let Ok(bytes) = fs::read(path.join(name))
                && next.has(name, &bytes) == Some(true)
            {
                sums.insert(name, &bytes);
            }
        }
    }

    /// Sets `experiment.toml` and `run.json` aside as `*.damaged`, so that the experiment can be begun again on the stages that
    /// are there.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::LockLost`].
    pub fn set_aside(&self) -> Result<()> {
        self.lock.check()?;
        let path = self.dir.path();
        for name in [INFO, EXPERIMENT] {
            match fs::rename(path.join(name), path.join(format!("{name}.damaged"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).context("rename", &path.join(name));
                }
                _ => {}
            }
        }
        let mut sums = Sums::read(path, SUMS).ok().flatten().unwrap_or_default();
        self.take_over(&mut sums);
        [INFO, EXPERIMENT].iter().for_each(|name| sums.remove(name));
        let _ = fs::remove_file(path.join(NEXT_SUMS));
        write_atomic(&path.join(SUMS), sums.to_text().as_bytes())
    }

    /// Gives the directory up, and removes what it holds if it was made for this claim: the request was refused. A folder
    /// that something else uses by now stays.
    pub fn undo(self) {
        let Self { dir, lock, made, made_stages } = self;
        let Some(made) = made else {
            if made_stages {
                // Only if it is empty.
                let _ = fs::remove_dir(dir.stages());
            }
            return;
        };
        let _ = fs::remove_dir_all(dir.stages());
        drop(lock);
        made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Refuses a folder that is in use for something else.
fn refuse_other_folders(dir: &RunDir) -> Result<()> {
    let path = dir.path();
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context("write", path),
    };
    let ours = |name: &str| name == LOCK || name.starts_with(".writing-") || name.starts_with(".working-");
    for entry in entries {
        let name = entry.context("read", path)?.file_name();
        if !name.to_str().is_some_and(ours) && !dir.is_there() {
            return Err(Error::NotEmpty { path: path.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Build;

    fn claim(path: &Path) -> Claim {
        RunDir::claim(path, &mut |_| {}).unwrap()
    }

    fn info(resolved: &str) -> RunInfo {
        RunInfo { resolved: resolved.to_owned(), ..RunInfo::new("x", Build::default(), "flex", "CPU") }
    }

    #[test]
    fn a_refused_request_leaves_nothing_new() {
        let folder = tempfile::tempdir().unwrap();
        let (new, empty) = (folder.path().join("a/b/c"), folder.path().join("empty"));
        fs::create_dir(&empty).unwrap();
        claim(&new).undo();
        claim(&empty).undo();
        assert!(!folder.path().join("a").exists());
        assert_eq!(empty.read_dir().unwrap().count(), 0);
        // A folder above may be in use by another run by now.
        let used = claim(&new);
        fs::create_dir(folder.path().join("a/other")).unwrap();
        used.undo();
        assert!(!folder.path().join("a/b").exists() && folder.path().join("a/other").exists());
    }

    #[test]
    fn who_waited_and_is_refused_takes_nothing_from_whoever_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let first = claim(&path);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| claim(&path));
            std::thread::sleep(std::time::Duration::from_millis(100));
            first.write_info(&info("name = \"x\"\n")).unwrap();
            drop(first);
            second.join().unwrap().undo();
        });
        assert_eq!(RunDir::open(&path).unwrap().experiment().unwrap().as_deref(), Some("name = \"x\"\n"));
    }

    #[test]
    fn who_waited_goes_on_where_the_first_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let first = claim(&path);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| claim(&path));
            std::thread::sleep(std::time::Duration::from_millis(100));
            first.undo();
            second.join().unwrap().write_info(&info("")).unwrap();
        });
        assert!(RunDir::open(&path).unwrap().info().unwrap().is_some());
    }

    #[test]
    fn changed_files_are_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let run = claim(folder.path());
        run.write_info(&info("name = \"x\"\n")).unwrap();
        run.write_metrics(&Schema::default(), Vec::new()).unwrap();
        assert!(!run.write_metrics(&Schema::default(), Vec::new()).unwrap());
        let dir = run.dir().clone();
        drop(run);
        assert_eq!(dir.metrics().unwrap().unwrap(), []);
        let said = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            let whole = fs::read(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            let found = [dir.info().err(), dir.experiment().err(), dir.metrics().err()];
            fs::write(&path, whole).unwrap();
            found.into_iter().flatten().map(|error| error.to_string()).collect::<Vec<_>>().join("\n")
        };
        for name in [INFO, EXPERIMENT, METRICS] {
            for bytes in [&b""[..], b"experiment,arm\n"] {
                let said = said(name, bytes);
                assert!(
                    said.contains(name) && said.contains("has changed since") && said.contains("--repair"),
                    "{said}"
                );
                assert_eq!(said.lines().count(), 1, "{said}");
            }
            let path = folder.path().join(name);
            let whole = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            assert!(
                [dir.info().err(), dir.experiment().err(), dir.metrics().err()]
                    .into_iter()
                    .flatten()
                    .all(|error| error.to_string().contains("is missing"))
            );
            fs::write(&path, whole).unwrap();
        }
        fs::rename(folder.path().join(METRICS), folder.path().join("aside")).unwrap();
        fs::create_dir(folder.path().join(METRICS)).unwrap();
        assert!(dir.metrics().unwrap_err().to_string().contains("is no regular file"));
        fs::remove_dir(folder.path().join(METRICS)).unwrap();
        fs::rename(folder.path().join("aside"), folder.path().join(METRICS)).unwrap();
        assert!(said(SUMS, b"").contains("is not listed"));
        assert!(said(SUMS, b"zz").contains("not a list of checksums"));
    }

    /// A directory as a process leaves it that is killed between a file and its checksum.
    fn killed() -> (tempfile::TempDir, Claim) {
        let folder = tempfile::tempdir().unwrap();
        let run = claim(folder.path());
        run.write_info(&info("old")).unwrap();
        let before = fs::read(folder.path().join(SUMS)).unwrap();
        run.write_info(&info("new")).unwrap();
        fs::rename(folder.path().join(SUMS), folder.path().join(NEXT_SUMS)).unwrap();
        fs::write(folder.path().join(SUMS), before).unwrap();
        (folder, run)
    }

    /// A process that is killed between a file and its checksum leaves a list of what was about to hold.
    #[test]
    fn a_kill_between_a_file_and_its_checksum_damages_nothing() {
        let (folder, run) = killed();
        assert_eq!(run.dir().experiment().unwrap().as_deref(), Some("new"));
        fs::write(folder.path().join(EXPERIMENT), "old").unwrap();
        assert_eq!(run.dir().experiment().unwrap().as_deref(), Some("old"));
        run.write_info(&info("new")).unwrap();
        assert!(!folder.path().join(NEXT_SUMS).exists());
    }

    /// Another process may be the next to write, and write other files.
    #[test]
    fn a_kill_between_files_is_not_forgotten() {
        let (_folder, run) = killed();
        run.write_metrics(&Schema::default(), Vec::new()).unwrap();
        assert_eq!(run.dir().experiment().unwrap().as_deref(), Some("new"));
        assert_eq!(run.dir().info().unwrap().unwrap().resolved, "new");
    }

    /// A piece has its rows and no stages, and holding it makes none.
    #[test]
    fn a_piece_stays_a_piece() {
        let folder = tempfile::tempdir().unwrap();
        let run = claim(folder.path());
        run.write_info(&info("x")).unwrap();
        run.write_metrics(&Schema::default(), Vec::new()).unwrap();
        let dir = run.dir().clone();
        drop(run);
        fs::remove_dir(folder.path().join("stages")).unwrap();
        for name in [EXPERIMENT, SCHEMA] {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        drop(dir.lock(&mut |_| {}).unwrap());
        assert!(!dir.has_stages());
        assert_eq!((dir.experiment().unwrap(), dir.metrics().unwrap()), (None, Some(Vec::new())));
        claim(folder.path()).undo();
        assert!(!dir.has_stages(), "a refused request made a folder");
        fs::remove_file(folder.path().join(METRICS)).unwrap();
        assert!(dir.metrics().is_err());
    }

    #[test]
    fn another_folder_or_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "x").unwrap();
        let refused = |path: &Path| RunDir::claim(path, &mut |_| {}).unwrap_err().to_string();
        assert!(refused(folder.path()).contains("is not empty"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(refused(&folder.path().join("thesis.tex")).starts_with("cannot write "));
        let run = folder.path().join("run");
        drop(claim(&run));
        fs::write(run.join(INFO), "{\"format\": 1}").unwrap();
        assert!(refused(&run).contains("has format 1"));
    }
}
