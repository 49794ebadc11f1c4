//! The training loop: windows in, weights out.
//!
//! A run is a pure function of the initial weights, the windows, the settings and the streams: batches come in an order
//! that a named stream draws, shapes never change (the windows of one epoch run on into the next), the learning rate
//! follows [`Schedule`], the objective is a weighted mean over tokens ([`gradients()`]), and the optimizer is [`ops::Optimizer`].
//! A run that is killed goes on with the state that its [`rundir::Checkpoint`] holds.
//!
//! ```
//! use corpus::pack;
//! use model::{Settings as ModelSettings, Weights};
//! use streams::Streams;
//! use training::{Run, Settings};
//!
//! let config = ModelSettings { preset: "tiny".into(), context: Some(16), ..Default::default() }.resolve(16).unwrap();
//! let documents: Vec<Vec<u32>> = (0..64).map(|i| vec![1 + i % 3, 4, 5, 6]).collect();
//! let windows = pack(documents.iter().map(|ids| (ids.as_slice(), false, 1.0)), config.context, 0);
//! let settings = Settings { epochs: Some(4.0), batch: Some(4), ..Settings::default() };
//! let streams = Streams::new(0);
//! let start = Weights::initialise(&config, &streams, 0);
//! let device = ops::device::parse("flex").unwrap().device();
//! let trained = Run::new(&windows, &settings, &streams, &device).train(start, &mut rundir::Checkpoint::none(), &mut |_| {});
//! assert!(trained.unwrap().record.final_loss < (16f64).ln());
//! ```

mod batches;
mod micro;
mod objective;
pub mod prior;
mod record;
mod run;
mod saved;
mod schedule;
mod state;

pub use batches::{Batches, gather};
pub use experiment::train::{
    Average, AverageWith, Checkpoint, FloorOf, Objective, OptimizerKind, Settings, SettingsError, Start,
};
pub use micro::{gradients_in_parts, step_bytes, windows_at_a_time};
pub use objective::{Gradients, gradients, mean_loss};
pub use record::{LogLine, Progress, Record, TrainError, Trained};
pub use run::Run;
pub use schedule::Schedule;
