//! The run directory: where a run's work lies, under which names, and how it gets there so that a killed run loses
//! nothing and a second run finds everything.
//!
//! ```text
//! RUN/
//!   experiment.toml                        as resolved
//!   run.json                               [`RunInfo`]: arms and their roles, version, device, hashes
//!   metrics.csv                            [`Row`]s: one observation a row, sorted
//!   metrics.schema.json                    what its columns are, as a Table Schema
//!   report.html
//!   chains/ARM/seed-S/gen-K/generation.json   [`GenerationRecord`]: which stages
//!   stages/KIND-HASH/                      a [`Stage`]: files, and a SEAL with their checksums and how long they took
//! ```
//!
//! A stage is named by the hash of all that it reads and of the version of the code that fills it, so arms that share work
//! share its stage, and resuming is looking. [`Stages`] finds or makes them for many threads, and reports what happens.
//! It is written in a folder beside, synced, sealed and renamed: what bears a stage's name is whole.
//!
//! ```
//! use rundir::{RunDir, StageId, StageKind};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let folder = tempfile::tempdir()?;
//! let run = RunDir::create(&folder.path().join("run"))?;
//! let id = StageId::of(StageKind::Train, 1, &("settings", 3e-4))?;
//! assert!(run.find(&id)?.is_none());
//! let stage = run.make(&id, |dir| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     Ok(std::fs::write(dir.join("train.jsonl"), "{}\n")?)
//! })?;
//! stage.verify()?;
//! assert_eq!(run.find(&id)?.expect("it was just made").path(), stage.path());
//! # Ok(())
//! # }
//! ```

mod arm;
mod atomic;
mod canonical;
mod dir;
mod error;
mod event;
mod info;
mod metrics;
mod name;
mod record;
mod schema;
mod seal;
mod stage;
mod stages;
mod store;

pub use arm::{ArmInfo, Budget, Role};
pub use atomic::write_atomic;
pub use canonical::{canonical_json, digest};
pub use dir::RunDir;
pub use error::{Error, Result};
pub use event::{Event, Observer};
pub use info::{Build, RunInfo};
pub use metrics::{Row, format_value, read_metrics, write_metrics};
pub use name::check_name;
pub use record::{ChainId, GenerationRecord, Status};
pub use schema::{Column, Schema};
pub use seal::{SEAL, SealedFile};
pub use stage::{StageId, StageKind};
pub use stages::{ChainStages, NotMade, Stages, Work};
pub use store::Stage;

/// Version of everything that a run directory holds. Part of every stage's hash: raising it makes old stages invisible.
pub const FORMAT: u32 = 2;
