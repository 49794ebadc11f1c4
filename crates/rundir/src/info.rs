use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::FORMAT;

/// `run.json`: what made this run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of the run directory's layout, [`FORMAT`].
    pub format: u32,
    /// Name of the experiment.
    pub experiment: String,
    /// Version of the `habsburg` binary.
    pub habsburg: String,
    /// Commit that the binary was built from, if the build knew it.
    pub commit: Option<String>,
    /// The device in words.
    pub device: String,
    /// The backend: `flex`, `ndarray`, `wgpu`, ...
    pub backend: String,
    /// The build's features, sorted.
    pub features: Vec<String>,
    /// Threads of the process.
    pub threads: usize,
    /// SHA-256 of the corpus.
    pub corpus: Option<String>,
    /// SHA-256 of `tokenizer.json`.
    pub tokenizer: Option<String>,
    /// When the run began, UTC, `2026-01-31T12:00:00Z`.
    pub started: String,
}

impl RunInfo {
    /// A run that begins now, its hashes not yet known.
    pub fn new(experiment: &str, habsburg: &str, backend: &str, device: &str) -> Self {
        Self {
            format: FORMAT,
            experiment: experiment.to_owned(),
            habsburg: habsburg.to_owned(),
            commit: None,
            device: device.to_owned(),
            backend: backend.to_owned(),
            features: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            corpus: None,
            tokenizer: None,
            started: utc(SystemTime::now()),
        }
    }
}

/// A time as `2026-01-31T12:00:00Z`; times before 1970 are taken for its first second.
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar counted in eras of 400 years from 1 March of year 0, so that a leap day ends its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn known_times() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (1_234_567_890, "2009-02-13T23:31:30Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
