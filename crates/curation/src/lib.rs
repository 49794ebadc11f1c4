//! The defences: what is kept, weighed, resampled or edited before a generation is trained on it.
//!
//! For each source of the recipe, the documents that it offers are [`Candidate`]s; a [`Curation`] (the list `curation =
//! [...]` of an experiment file) judges them, and the recipe fills its amounts from what was kept, with the weights and
//! copies of each [`Decision`]. So the best of eight is an arm that writes eight times its budget and keeps an eighth.
//! Each defence is a file of its own that begins with its definition, source, trap and cost; [`DEFENCES`] lists them.
//!
//! | name | what it does |
//! |---|---|
//! | `filter-by-label` | keeps what its label calls human; labels may err |
//! | `detector` | a classifier of human against written text filters, weighs or resamples |
//! | `watermark` | drops what bears the writers' mark |
//! | `perplexity-high`, `perplexity-low` | keep surprising, or likely, text |
//! | `verifier` | keeps what an oracle, an erring one or the model finds good |
//! | `disagreement` | keeps, or weighs up, what an ensemble agrees on |
//! | `near-duplicates`, `dispersion` | keep the first of its kind; keep what lies far apart |
//! | `over-represented` | weighs down what models write too often |
//! | `token-editing` | draws again what a model finds all but certain |
//!
//! Which sources are judged is a rule of the loop: `latest` and `history` by every defence, all of their documents
//! alike ([`Curation::judge`]), since a history is a mixed pool in which only a label says who wrote what, and a
//! defence that needs none has to find the human text itself; `anchor`, `pool` and `fresh`, which are known to be
//! human, by those alone that read labels (`filter-by-label`) or edit (`token-editing` of `"human"` or `"all"`;
//! [`Curation::judge_human`]).
//!
//! What a defence knows is its [`Cost`]: human text or outside knowledge that comes into the loop by it is an
//! [`Anchor`], to be counted as human tokens are. Truncated or focal losses, smoothed targets and an entropy floor are the
//! objective's, not here. [`targeted`] is the writer's: `sample.target`.
//!
//! ```
//! use corpus::{Document, Origin, Provenance};
//! use curation::{Candidate, Context, Curation, NoModels, Step};
//! use streams::Streams;
//!
//! let human: Vec<Document> = (0..40).map(|i| Document::human(format!("h{i}"), "", "a book")).collect();
//! let written: Vec<Document> = (0..40)
//!     .map(|i| Document {
//!         id: format!("replace/seed-0/0/{i}"),
//!         provenance: Provenance { generation: Some(0), ..Provenance::of(Origin::Synthetic) },
//!         ..human[i].clone()
//!     })
//!     .collect();
//! // Human text holds a word that the model never writes.
//! let ids: Vec<Vec<u32>> = (0..40).map(|i| vec![1, 2, i % 5, 3]).collect();
//! let human: Vec<Candidate> = human.iter().map(|d| Candidate::new(d, &[1, 2, 9, 3])).collect();
//! let written: Vec<Candidate> = written.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
//!
//! let context = Context {
//!     human: &human,
//!     latest: &written,
//!     streams: &Streams::new(0),
//!     generation: 1,
//!     separator: 0,
//!     world: None,
//!     models: &NoModels,
//! };
//! let mixture: Vec<Candidate> = human[..10].iter().chain(&written[..30]).copied().collect();
//! let verdict = Curation::new(vec![Step::named("detector").expect("it is one")])?.judge(&mixture, &context)?;
//! assert!(verdict.decisions[..10].iter().all(|decision| decision.keep));
//! assert_eq!(verdict.decisions.iter().filter(|decision| decision.keep).count(), 32);
//! assert_eq!(verdict.measures[0].metric.name, "detector-accuracy");
//! # Ok::<(), curation::Error>(())
//! ```

mod candidate;
mod detector;
mod disagreement;
mod dispersion;
mod duplicates;
mod editing;
mod error;
mod features;
mod labels;
mod list;
mod logistic;
mod nearest;
mod over_represented;
mod perplexity;
mod rank;
pub mod resample;
pub mod targeted;
#[cfg(test)]
mod testing;
mod verifier;
mod watermark;

pub use candidate::{
    About, Anchor, Candidate, Context, Cost, Decision, Defence, Models, NoModels, Parameter, Place, Verdict, Which,
};
pub use corpus::hash::gram_hash;
pub use detector::{Detector, Learned, Use, Weight};
pub use disagreement::{By as DisagreementBy, Disagreement};
pub use dispersion::{Dispersion, spread};
pub use duplicates::NearDuplicates;
pub use editing::{Of, TokenEditing};
pub use error::Error;
pub use features::Units;
pub use labels::{FilterByLabel, Labels, effective_share};
pub use list::{Curation, DEFENCES, Step};
pub use nearest::nearest;
pub use over_represented::OverRepresented;
pub use perplexity::{Perplexity, PerplexityHigh, PerplexityLow};
pub use verifier::{By, Verifier, breakdown, true_sentences};
pub use watermark::{Marked, Watermark, read_mark};
