//! Inference: the generation sampler and the scorer.
//!
//! [`decode()`] writes sequences with a device's [`Decoder`]: many slots advance together, a slot that has finished its document
//! takes the next, and the corpus is the shortest prefix in index order that reaches a token budget. A document
//! depends on the model and its own index alone: its n-th token is chosen with the n-th draw of its own stream (or, where
//! documents are one systematic sample, with what its place in that sample leaves), so neither
//! the number of slots nor of threads can change it. [`write()`] turns sequences into documents with provenance.
//! [`score()`] gives the log-probability of given documents, [`token_losses()`] that of its tokens, [`continuations()`] that of
//! everything that may follow a prompt; [`read()`] adds a document's hidden state, [`test()`] how sure the model is;
//! [`redraw()`] draws tokens of given documents again; [`matched_temperature()`] is where the model draws what costs it as much as
//! given documents do. Work that takes long saves its state in a [`rundir::Checkpoint`] and goes on with it, to the same bits;
//! all of it ends with [`Stopped`] between two steps once the checkpoint's interrupt is set.
//!
//! ```
//! use sampling::Sampling;
//! use inference::{Decoding, decode, decoder};
//! use model::{Settings, Weights};
//! use rundir::Checkpoint;
//! use streams::Streams;
//!
//! let config = Settings { preset: "tiny".into(), context: Some(8), ..Settings::default() }.resolve(32).unwrap();
//! let weights = Weights::initialise(&config, &Streams::new(0), 0);
//! let chosen = ops::device::parse("flex").unwrap();
//! let decoding = Decoding {
//!     sampling: &Sampling::default(),
//!     streams: Streams::new(0),
//!     generation: 0,
//!     separator: 0,
//!     first: 0,
//!     prompt: &|_| Vec::new(),
//! };
//! let size = |ids: &[u32], truncated: bool| ids.len() as u64 + u64::from(!truncated);
//! let mut decoder = decoder(&weights, &chosen, decoding.sampling, 16);
//! let sequences = decode(&mut decoder, &decoding, 100, &size, &mut Checkpoint::none(), &mut |_| {}).unwrap();
//! let total: u64 = sequences.iter().map(|s| size(&s.ids, s.truncated)).sum();
//! assert!(total >= 100);
//! ```

mod continuations;
mod decode;
mod decoder;
mod groups;
mod logits;
mod reading;
mod redraw;
mod sample;
mod score;
mod steppers;
mod systematic;
mod temperature;
mod write;

pub use continuations::{Candidates, Question, continuations};
pub use decode::{DecodeError, Decoding, Sequence, decode};
pub use decoder::{Decoder, decoder, slots};
pub use reading::{Reading, Tested, read, test};
pub use redraw::{Redrawn, redraw};
pub use rundir::Stopped;
pub use sample::{SampleError, Sampler, Scratch};
pub use score::{Tokens, score, scoring_bytes, token_losses};
pub use steppers::{Slot, Stepper};
pub use temperature::matched_temperature;
pub use write::{Prompts, WriteSettings, Written, write};
