//! The experiment file: which arms are compared, on which data, over which generations and seeds.
//!
//! [`Experiment::load`] reads a TOML file, lays `--set` assignments on it, lays the arms over the file's own tables and out
//! over `[sweep]`, checks every value, and writes out what a preset stands for. [`Experiment::to_toml`] writes the result
//! with every default; it reads back equal.
//!
//! An [`Arm`] is a recipe and a [`Learner`]. Learners are a sum type named by `model.kind`, each with the keys that it honours
//! and no others. Text learners share a corpus ([`Data::Corpus`]); exact learners have none ([`Data::Exact`]).
//!
//! A number of an arm may depend on the generation: `{ by_generation = [1_000_000, 300_000] }`, whose last value holds on, or
//! `{ from = 0.5, factor = 0.5, floor = 0.1 }`, the larger of `floor` and `from · factor^generation`, rounded where the key
//! takes whole numbers. [`Arm::at`] has the plain settings of a generation. What a chain has once (members, context, plant,
//! everything outside the arms) cannot change; sizes may where no weights are handed on.
//!
//! [`Limits`] are bounds against mistakes, in a table `[limits]`: seeds, draws, tokens, bytes of a line. What is beyond one is
//! refused with the key that raises it.
//!
//! Nothing here needs Burn: the settings of a transformer ([`model`]) and of its training ([`train`]) are read by the crates
//! that carry them out.
//!
//! ```
//! use experiment::{Experiment, Learner};
//!
//! let file = r#"
//!     name = "cooler"
//!     corpus = { name = "chronicle", tokens = 50_000 }
//!     model.preset = "tiny"
//!     [[arm]]
//!     name = "replace"
//!     [[arm]]
//!     name = "oracle"
//!     model.kind = "oracle"
//! "#;
//! let experiment = Experiment::parse(file, &["sample.tokens=9000".to_owned()])?;
//! assert_eq!(experiment.context()?, 64);
//! assert!(matches!(experiment.arms[1].at(0).learner, Learner::Oracle(_)));
//! assert_eq!(Experiment::parse(&experiment.to_toml(), &[])?, experiment);
//!
//! let fading = Experiment::parse(file, &["sample.tokens={ from = 9000, factor = 0.5 }".to_owned()])?;
//! assert_eq!([0, 1, 2].map(|generation| fading.arms[0].at(generation).sample_tokens()), [Some(9000), Some(4500), Some(2250)]);
//!
//! let error = Experiment::parse(file, &["members=2".to_owned()]).unwrap_err();
//! let expected = "arm `oracle`.members: unknown key for model.kind = \"oracle\"; a transformer has it";
//! assert_eq!(error.to_string(), expected);
//! # Ok::<(), experiment::Error>(())
//! ```

mod arm;
mod data;
mod defences;
mod error;
mod experiment;
mod keep;
mod keys;
mod layers;
pub mod learner;
mod limits;
mod merge;
pub mod model;
mod plant;
mod roles;
mod sample;
mod schedule;
mod sweep;
mod tables;
pub mod train;
mod tuning;
mod word_ratio;

pub use arm::{Arm, ArmSettings};
pub use data::{ChainSettings, CorpusSettings, Data, ScoreSettings, Text, TokenizerSettings};
pub use defences::{Listed, defences, recipes};
pub use error::Error;
pub use experiment::Experiment;
pub use keep::{Keep, Retention};
pub use learner::{Exact, Learner, Transformer};
pub use limits::Limits;
pub use plant::Plant;
pub use sample::{PromptFrom, SampleSettings};
pub use tuning::{FIRST_TUNING_SEED, Trial};
pub use word_ratio::WordRatio;
