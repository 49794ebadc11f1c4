//! The files that all processes of a run share and that change while it goes on: each is compared with its checksum while it is
//! read. [`Claim`](crate::Claim) writes them.

use std::fs;
use std::io;

use crate::atomic::read_plain;
use crate::error::Context;
use crate::sums::{SUMS, Sums};
use crate::{Error, Result, Row, RunDir, RunInfo, metrics, seal};

/// `experiment.toml`, as resolved.
pub(crate) const EXPERIMENT: &str = "experiment.toml";
/// `run.json`.
pub(crate) const INFO: &str = "run.json";
/// `metrics.csv`.
pub(crate) const METRICS: &str = "metrics.csv";
/// `metrics.schema.json`: what its columns are.
pub(crate) const SCHEMA: &str = "metrics.schema.json";
/// The checksums that are about to hold, while files are replaced.
pub(crate) const NEXT_SUMS: &str = ".next-SHA256SUMS";

impl RunDir {
    /// `run.json`, if it is there.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not as it was written.
    pub fn info(&self) -> Result<Option<RunInfo>> {
        let path = self.info_path();
        let parse = |bytes: Vec<u8>| {
            let damaged =
                |error| Error::Damaged { path: path.clone(), how: format!("is no record of a run ({error})") };
            serde_json::from_slice(&bytes).map_err(damaged)
        };
        self.read(INFO)?.map(parse).transpose()
    }

    /// `experiment.toml`, if it is there.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not as it was written.
    pub fn experiment(&self) -> Result<Option<String>> {
        let path = self.experiment_path();
        let text = |bytes| {
            String::from_utf8(bytes).map_err(|_| Error::Damaged { path: path.clone(), how: "is not UTF-8".to_owned() })
        };
        self.read(EXPERIMENT)?.map(text).transpose()
    }

    /// The rows of `metrics.csv`, if it is there.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not as it was written; [`Error::Content`], with the line.
    pub fn metrics(&self) -> Result<Option<Vec<Row>>> {
        let path = self.metrics_path();
        self.read(METRICS)?.map(|bytes| metrics::parse(&bytes, &path)).transpose()
    }

    /// The content of `metrics.schema.json`, if it is there.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not as it was written.
    pub(crate) fn schema(&self) -> Result<Option<Vec<u8>>> {
        self.read(SCHEMA)
    }

    /// One of the files that the run changes as it goes on, compared with its checksum; none if there is no such file.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path().join(name);
        // A process that works may replace file and checksum between two looks.
        let mut tries = 5;
        loop {
            if let Some(how) = self.is_foreign(name)? {
                return Err(Error::Damaged { path, how });
            }
            let bytes = read_plain(&path)?;
            let found = match &bytes {
                Some(bytes) => self.is_listed(name, bytes)?,
                // A piece of an experiment may be its rows and `run.json` alone.
                None if self.is_known(name)? && (self.has_stages() || [INFO, METRICS].contains(&name)) => {
                    Err("is missing".to_owned())
                }
                None => Ok(()),
            };
            match found {
                Ok(()) => return Ok(bytes),
                Err(_) if tries > 0 => tries -= 1,
                Err(how) => return Err(Error::Damaged { path, how }),
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// How a file differs from anything that a run writes, if it does: it is no regular file, or so large that its checksum is
    /// looked at before it is held in memory.
    pub(crate) fn is_foreign(&self, name: &str) -> Result<Option<String>> {
        /// A file of this size is just read.
        const SMALL: u64 = 64 << 20;
        let path = self.path().join(name);
        let data = match fs::metadata(&path) {
            Ok(data) => data,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("read", &path),
        };
        if !data.is_file() {
            return Ok(Some("is no regular file".to_owned()));
        }
        if data.len() <= SMALL {
            return Ok(None);
        }
        let sum = seal::digest(&path)?;
        let lists = [Sums::read(self.path(), SUMS)?, Sums::read(self.path(), NEXT_SUMS)?];
        let is_listed = lists.iter().flatten().any(|sums| sums.lists(name, &sum));
        Ok((!is_listed).then(|| format!("has changed since the run wrote it: {SUMS} has another checksum")))
    }

    /// Whether a file of this name and content is as the run wrote it; else how it differs.
    fn is_listed(&self, name: &str, bytes: &[u8]) -> Result<std::result::Result<(), String>> {
        let mut how = format!("is not listed in {SUMS}");
        // A process that was killed while it replaced files left both lists, and each file is as one of them says.
        for list in [SUMS, NEXT_SUMS] {
            match Sums::read(self.path(), list)?.and_then(|sums| sums.has(name, bytes)) {
                Some(true) => return Ok(Ok(())),
                Some(false) => how = format!("has changed since the run wrote it: {SUMS} has another checksum"),
                None => {}
            }
        }
        Ok(Err(how))
    }

    /// Whether a file was written at all.
    fn is_known(&self, name: &str) -> Result<bool> {
        Ok(Sums::read(self.path(), SUMS)?.is_some_and(|sums| sums.names().any(|known| known == name)))
    }
}
