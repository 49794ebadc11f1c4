//! The small files of a stage, and how long its parts take.

use crate::Error;
use std::path::Path;
use std::time::Instant;

/// Does a part of a stage's work, and tells the log how long it took.
pub(crate) fn timed<T>(part: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    tracing::debug!(part, seconds = start.elapsed().as_secs_f64(), "done");
    result
}

pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain values are JSON")
}

pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}

pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Work(format!("{}: {e}", path.display())))?;
    serde_json::from_str(&text).map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}
