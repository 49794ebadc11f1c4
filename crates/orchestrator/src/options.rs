//! How a run is made, and what was done.

use rundir::Build;

/// Options of a run. None changes its results, but the kind of device.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The device's name (see [`ops::device::parse`]).
    pub device: String,
    /// Chains that are worked on at once; they share the threads. By default, on a CPU, as many as there are threads if the
    /// models are small, whose steps several threads cannot share well; else one.
    pub jobs: Option<usize>,
    /// The build that makes it, for `run.json`.
    pub build: Build,
}

impl Default for RunOptions {
    /// The best device, and a build of no known commit.
    fn default() -> Self {
        let build = Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: "unknown".to_owned(),
            instructions: ops::instruction_set().to_owned(),
            features: if cfg!(feature = "gpu") { vec!["gpu".to_owned()] } else { Vec::new() },
        };
        Self { device: "auto".to_owned(), jobs: None, build }
    }
}

/// Summary of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Stages that were made.
    pub made: usize,
    /// Stages that were there.
    pub found: usize,
    /// Chains that ended before their time, with the reason.
    pub failed: Vec<(String, String)>,
}
