//! Metrics, as pure functions of text, counts and scores.
//!
//! Each file begins with what it measures, where that comes from, and the trap. [`predictions`] is about how well a
//! model predicts given text; [`generated_text`] is about the text that a model generated, beside a [`Reference`] of human text.
//! The result is a list of [`Measure`]s: rows of `metrics.csv` without the run's own columns.
//!
//! Of numbers instead of text: [`calibration`] of confidences, [`features`] of documents (MAUVE, Vendi score),
//! [`statistics`] over seeds, the [`ranking`] of arms, and the [`verdicts`] on a whole experiment.
//!
//! ```
//! use evaluation::metric::VOCABULARY_SURVIVAL;
//! use evaluation::{Doc, DocumentLoss, Equal, Reference, generated_text, predictions};
//! use streams::Streams;
//!
//! // Three tokens predicted no better than by guessing among eight.
//! let loss = DocumentLoss { nats: 3.0 * 8.0_f64.ln(), tokens: 3, bytes: 12 };
//! let [_, perplexity, bits] = predictions(&[loss]).try_into().unwrap();
//! assert!((perplexity.value - 8.0).abs() < 1e-12 && (bits.value - 9.0 / 12.0).abs() < 1e-12);
//!
//! let doc = |text| Doc { text, ids: &[], truncated: false, reencoded_differs: false };
//! let equal = Equal { words: 3, draws: 20, streams: Streams::new(0) };
//! let human = Reference::of(&[doc("a rose is a rose")], &[doc("a rose is")], equal);
//! let measures = generated_text(&[doc("a rose a rose")], &human);
//! let survival = measures.iter().find(|m| *m.metric == VOCABULARY_SURVIVAL && m.dimensions.is_empty()).unwrap();
//! assert_eq!(survival.value, 2.0 / 3.0);
//! ```

mod audit;
pub mod calibration;
mod dimensions;
mod draws;
pub mod features;
mod followed;
mod generated;
mod hash;
mod measure;
pub mod metric;
mod planted;
mod predictions;
pub mod ranking;
mod reference;
mod repeated;
mod sample;
pub mod statistics;
mod subject;
mod text;
pub mod verdicts;

pub use audit::{Audit, AuditError, Comparison, Extent, Flaw, audit};
pub use dimensions::{Dimension, Dimensions};
pub use followed::{Followed, followed};
pub use generated::generated_text;
pub use generated::over_represented::{OverRepresented, over_represented, rates};
pub use measure::Measure;
pub use metric::{METRICS, Metric, Set, metric};
pub use planted::{planted_share, ratio_of_words};
pub use predictions::{DocumentLoss, predictions};
pub use reference::{Equal, Reference};
pub use repeated::{Repeated, repeated};
pub use text::{Doc, words};
