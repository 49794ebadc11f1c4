//! How a run is made, and what was done.

use crate::medium::Open;
use crate::text;
use rundir::{Build, Interrupt};
use std::time::Duration;

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
    /// Once it is set, the work saves its state and ends within a few seconds, with [`Error::Interrupted`](crate::Error).
    pub interrupt: Interrupt,
    /// How often a stage in the making saves its state: the most work that a kill loses, if saving takes less than a
    /// twentieth of that.
    pub checkpoint_every: Duration,
    /// Begins also where disk or memory are foreseen not to suffice.
    pub anyway: bool,
    /// What the documents are, and where the human ones come from.
    pub medium: Open,
}

impl Default for RunOptions {
    /// The best device, a build of no known commit, a checkpoint every two minutes, and text.
    fn default() -> Self {
        let build = Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: "unknown".to_owned(),
            instructions: ops::instruction_set().to_owned(),
            features: if cfg!(feature = "gpu") { vec!["gpu".to_owned()] } else { Vec::new() },
        };
        let (interrupt, checkpoint_every) = (Interrupt::new(), Duration::from_secs(120));
        let (device, medium) = ("auto".to_owned(), text::open as Open);
        Self { device, jobs: None, build, interrupt, checkpoint_every, anyway: false, medium }
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
