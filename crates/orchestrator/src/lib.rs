//! The orchestrator: from an experiment file to a finished run directory.
//!
//! [`Experiment`] is the file with every default written out; [`Run`] joins it with a run directory, a device and the
//! human text; [`run()`] makes every stage that is not there yet, chain by chain, and derives `metrics.csv`. The loop itself is
//! [`chain::run()`]: here stands what makes the transformer a [`chain::Learner`], through stages that are found or made.
//!
//! ```no_run
//! use orchestrator::{Experiment, RunOptions, run};
//!
//! let experiment = Experiment::load("experiments/replace-or-accumulate/experiment.toml".as_ref(), &[]).unwrap();
//! let options = RunOptions { device: "auto".into(), ..RunOptions::default() };
//! let summary = run(&experiment, "runs/replace-or-accumulate".as_ref(), &options, &|_| {}).unwrap();
//! println!("{} stages made, {} found", summary.made, summary.found);
//! ```

mod before;
mod calibrate;
mod census;
mod cost;
mod defences;
mod error;
mod experiment;
mod held_out;
mod human;
mod joined;
mod kind;
mod learner;
mod metrics;
mod model_settings;
mod observe;
mod plant;
mod reader;
mod run;
mod scoring;
mod seed;
mod solvable;
mod sweep;
mod tables;
mod target;
mod truth;
mod word_ratio;

pub use cost::{ChainPlan, Plan, StagePlan};
pub use defences::{Listed, defences, recipes};
pub use error::Error;
pub use experiment::{Arm, ChainSettings, CorpusSettings, Experiment, PromptFrom, SampleSettings, TokenizerSettings};
pub use human::Human;
pub use metrics::derive_metrics;
pub use model_settings::{ModelSettings, TextLearner};
pub use observe::{Event, Observer};
pub use plant::Plant;
pub use run::{Run, RunOptions, Summary, plan, prepare, run, step};
pub use seed::Texts;
pub use truth::Truth;
pub use word_ratio::WordRatio;
