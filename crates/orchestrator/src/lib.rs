//! The orchestrator: from an experiment file to a finished run directory.
//!
//! [`Experiment`](experiment::Experiment) is the file with every default written out. [`Run`] joins it with a run directory,
//! a device and the human text. [`run()`] makes every stage that is not there yet, chain by chain, and derives
//! `metrics.csv`. The loop itself is [`chain::run()`]. Here stands what makes transformers, n-grams and oracles a
//! [`chain::Learner`] (`steps.rs`), through stages that are found or made ([`rundir::Stages`]); exact learners need no stages
//! (`exact.rs`). What a document is stands behind [`Medium`]; text is the one of the binary (`text.rs`). Stages in the
//! making save their state, and end when [`RunOptions::interrupt`] is set.
//!
//! ```no_run
//! use experiment::Experiment;
//! use orchestrator::{RunOptions, run};
//!
//! let experiment = Experiment::load("experiments/replace-or-accumulate/experiment.toml".as_ref(), &[]).unwrap();
//! let options = RunOptions { device: "auto".into(), ..RunOptions::default() };
//! let summary = run(&experiment, "runs/replace-or-accumulate".as_ref(), &options, &|_| {}).unwrap();
//! println!("{} stages made, {} found", summary.made, summary.found);
//! ```

mod baselines;
mod calibrate;
mod claim;
mod cost;
mod encoded;
mod error;
mod exact;
mod foresee;
mod human;
mod human_tokens;
mod keep;
pub mod medium;
mod metrics;
mod options;
mod plant;
mod reader;
mod run;
mod scatter;
mod scoring;
mod seed;
mod steps;
mod text;
mod verify;

pub use cost::{ChainPlan, Plan, StagePlan, Varying};
pub use encoded::Encoded;
pub use error::Error;
pub use foresee::Foreseen;
pub use human::Human;
pub use keep::{Removed, gc};
pub use medium::{Measures, Medium};
pub use options::{RunOptions, Summary};
pub use run::{Run, plan, prepare, run, step};
pub use verify::{Verified, verify};
