//! The run directory: where a run's work lies, under which names, and how it gets there so that a killed run loses
//! nothing and a second run finds everything.
//!
//! ```text
//! RUN/
//!   experiment.toml                        as resolved
//!   run.json                               [`RunInfo`]: arms and their roles, version, device, hashes
//!   metrics.csv                            [`Row`]s: one observation a row, sorted
//!   metrics.schema.json                    what its columns are, as a Table Schema
//!   SHA256SUMS                             checksums of the four, as `sha256sum -c` reads them
//!   report.html
//!   chains/ARM/seed-S/gen-K/generation.json   [`GenerationRecord`]: which stages
//!   stages/KIND-HASH/                      a [`Stage`]: files, and a SEAL with their checksums and how long they took
//!   checkpoints/KIND-HASH/                 a [`Checkpoint`]: state of a stage in the making, to go on with after a kill
//! ```
//!
//! Several processes may work in one directory. Whoever changes what they share holds a [`Claim`]. What is read is compared
//! with its checksum while it is read.
//!
//! A stage is named by the hash of all that it reads and of the version of the code that fills it, so arms that share work
//! share its stage, and resuming is looking. [`Stages`] finds or makes them for many threads, and reports what happens.
//! It is written in a folder beside, synced, sealed and renamed: what bears a stage's name is whole. Work that takes long
//! saves its state in a [`Checkpoint`], and ends early if an [`Interrupt`] asks it to.
//!
//! ```
//! use rundir::{RunDir, StageId, StageKind};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let folder = tempfile::tempdir()?;
//! let claim = RunDir::claim(&folder.path().join("run"), &mut |_| {})?;
//! let run = claim.dir();
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
mod checked;
mod checkpoint;
mod claim;
mod dir;
mod error;
mod event;
mod info;
mod lock;
mod metrics;
mod name;
mod record;
mod schema;
mod seal;
mod shared;
mod stage;
mod stages;
mod store;
mod sums;
mod verify;

pub use arm::{ArmInfo, Budget, Role};
pub use atomic::{sweep_folder, write_atomic};
pub use canonical::{canonical_json, digest};
pub use checkpoint::{Checkpoint, Due, Interrupt, Stopped};
pub use claim::Claim;
pub use dir::RunDir;
pub use error::{Error, Result, quoted};
pub use event::{Event, Observer};
pub use info::{Build, RunInfo};
pub use lock::{Holder, Presence};
pub use metrics::{Row, format_value};
pub use name::check_name;
pub use record::{ChainId, GenerationRecord, MadeFrom, Status};
pub use schema::{Column, Schema};
pub use seal::{SEAL, SealedFile};
pub use stage::{StageId, StageKind};
pub use stages::{ChainStages, NotMade, Stages, Work};
pub use store::Stage;
pub use sums::{SUMS, check_sums, write_sums};
pub use verify::{Damage, Health, Part};

/// Version of everything that a run directory holds. Part of every stage's hash: raising it makes old stages invisible.
pub const FORMAT: u32 = 3;
