//! Sampler settings: how tokens, or draws of an exact distribution, are taken from a model.
//!
//! [`Sampling`] is the only such type. An experiment file's `[sample]` table, the command line, a document's provenance, the
//! exact learners and the decoders on CPU and GPU all use it. The samplers themselves stand elsewhere: on float32 logits in
//! `inference` and `gpu`, on exact float64 distributions here ([`Sampling::apply`]).
//!
//! # Adding an option
//!
//! 1. In `options.rs` of this crate: a field, its default, a variant of [`Opt`] and its row in the table (name, help, how it is
//!    read, when it changes a draw, its range). Experiment files and the command line have it then.
//! 2. In `inference/src/sample.rs`: what it does to the logits. The compiler asks for it.
//! 3. In `gpu/src/decoder/mod.rs`: whether the device draws by it; otherwise the CPU does. The compiler asks for it.
//! 4. A test of what it does.
//!
//! Learners that say which options they honour ([`Sampling::refuse_all_but`]) refuse it until they do.
//!
//! ```
//! use sampling::{Opt, Sampling};
//!
//! let mut sampling = Sampling::default();
//! sampling.set(Opt::TopK, "40")?;
//! sampling.check()?;
//! assert_eq!(sampling, Sampling { top_k: Some(40), ..Sampling::default() });
//! let error = sampling.refuse_all_but(&[Opt::Temperature]).unwrap_err();
//! assert_eq!(error.to_string(), "top_k is not supported here; supported: temperature");
//! # Ok::<(), sampling::SamplingError>(())
//! ```

mod exact;
mod mark;
mod options;
#[cfg(test)]
mod tests;

pub use mark::Mark;
pub use options::{Opt, Sampling, SamplingError};
