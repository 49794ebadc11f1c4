use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{ArmInfo, FORMAT, StageId};

/// `run.json`: what made this run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of the run directory's layout, [`FORMAT`].
    pub format: u32,
    /// Name of the experiment.
    pub experiment: String,
    /// The question that the experiment asks, if its file states one.
    pub question: Option<String>,
    /// The arms of the experiment in the order of its file, made here or not.
    pub arms: Vec<ArmInfo>,
    /// The build that worked on it last.
    pub build: Build,
    /// The device in words.
    pub device: String,
    /// The backend: `flex`, `ndarray`, `wgpu`, ...
    pub backend: String,
    /// Threads of the process.
    pub threads: usize,
    /// SHA-256 of the corpus.
    pub corpus: Option<String>,
    /// SHA-256 of `tokenizer.json`.
    pub tokenizer: Option<String>,
    /// The stage of the human data, where there is one.
    pub prepare: Option<StageId>,
    /// `experiment.toml` as it was written, from which that file can be restored.
    pub resolved: String,
    /// When the run began, UTC, `2026-01-31T12:00:00Z`.
    pub started: String,
}

/// A build of the program, on the CPU that runs it. Two runs of one experiment have equal bits if their builds are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Version of the `habsburg` binary.
    pub version: String,
    /// Commit that it was built from; `unknown` outside a checkout.
    pub commit: String,
    /// The instruction set that its CPU kernels use here, `x86-64-v4` for instance.
    pub instructions: String,
    /// Its features, sorted.
    pub features: Vec<String>,
}

impl Build {
    /// What a run that `earlier` began should say when this build goes on with it; nothing if the bits are the same.
    ///
    /// ```
    /// let build = rundir::Build {
    ///     version: "0.1.0".into(),
    ///     commit: "3f2a".into(),
    ///     instructions: "x86-64-v4".into(),
    ///     features: Vec::new(),
    /// };
    /// assert_eq!(build.warning(&build), None);
    /// let older = rundir::Build { instructions: "x86-64-v3".into(), ..build.clone() };
    /// let warning = build.warning(&older).unwrap();
    /// assert!(warning.contains("habsburg 0.1.0 (3f2a, x86-64-v3)"), "{warning}");
    /// ```
    pub fn warning(&self, earlier: &Self) -> Option<String> {
        (self != earlier).then(|| {
            format!(
                "this run was made by {earlier} so far, and goes on with {self}: stages made from now on may differ in \
                 their last bits from those that one build alone would make"
            )
        })
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, commit, instructions, features } = self;
        write!(f, "habsburg {version} ({commit}, {instructions}")?;
        features.iter().try_for_each(|feature| write!(f, ", {feature}"))?;
        f.write_str(")")
    }
}

impl RunInfo {
    /// A run that begins now, its question, arms and hashes not yet known.
    pub fn new(experiment: &str, build: Build, backend: &str, device: &str) -> Self {
        Self {
            format: FORMAT,
            experiment: experiment.to_owned(),
            question: None,
            arms: Vec::new(),
            build,
            device: device.to_owned(),
            backend: backend.to_owned(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            corpus: None,
            tokenizer: None,
            prepare: None,
            resolved: String::new(),
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
