//! Chronicle: a language whose truth is known exactly.
//!
//! With human text nobody knows the true distribution, so what a model forgets can only be guessed at. A [`World`] is
//! built from a small grammar file (`FORMAT.md` explains it; `data/worlds/` has the default) and describes a language of
//! persons, facts about them and sentences that state them, in which every probability is known:
//!
//! - it writes documents, each from its own random stream ([`World::write`], [`World::documents`]);
//! - it reads them: a document has one derivation ([`World::parse`]), and any other text is judged sentence by sentence
//!   ([`World::judge`]);
//! - it knows: the probability of a text ([`World::log_probability`]), entropy and expected numbers of everything
//!   ([`World::exact`]), tokens ([`World::tokens`]), the prior of a fact ([`World::prior`]);
//! - it asks for facts ([`World::questions`]) and marks the answers ([`Answers::grade`], [`recall`]);
//! - it is copied by an oracle that parses, counts and writes again ([`Recount`]);
//! - it measures what others wrote: a [`Survey`], the distance in both directions ([`excess`], [`to_truth`]), and how
//!   false facts are passed on ([`inheritance`]).
//!
//! ```
//! use world::{Survey, World};
//!
//! let world = World::from_toml(r#"
//!     name = "village"
//!     document = { runs = [0.5, 0.5], sentences = [0.5, 0.5], longest = 40 }
//!     person = { words = ["Ada", "Bo", "Cyril"] }
//!     kind.town = { words = ["Ash", "Elm"] }
//!     fact.home = "town"
//!     [forms.home]
//!     "{person} lives in {home}." = 3
//!     "{person} calls {home} a good place." = 1
//!     [forms.walk]
//!     "One day there was a walk to {any town}." = 1
//! "#)?;
//! let (text, derivation) = world.derive(41);
//! assert_eq!(world.parse(&text)?, derivation);
//!
//! // The mean of −ln P over documents is their entropy.
//! let n = 4_000;
//! let texts: Vec<String> = (0..n).map(|index| world.derive(index).0).collect();
//! let nats = texts.iter().map(|text| world.log_probability(text)).sum::<Result<f64, _>>()? / -(n as f64);
//! let exact = world.exact();
//! assert!((nats - exact.entropy).abs() < 0.1);
//!
//! // What was written honestly is true, and all of it is there.
//! let survey = Survey::of(&world, texts.iter().map(String::as_str));
//! assert_eq!((survey.grammatical, survey.false_facts.len()), (n, 0));
//! assert_eq!(survey.values[0].iter().filter(|&&count| count > 0).count(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ambiguity;
mod bounds;
mod build;
mod clock;
mod derivation;
mod divergence;
mod error;
mod exact;
mod facts;
mod flat;
mod form;
mod grade;
mod grammar;
mod judge;
mod list;
mod load;
mod names;
mod parse;
mod recall;
mod recount;
mod run;
mod survey;
mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod turnover;
mod values;
mod world;
mod write;

pub use clock::Standing;
pub use derivation::{Derivation, Fill, Holds, Pieces, Sentence};
pub use divergence::{Estimate, Scored, ToTruth, excess, excess_per_document, to_truth};
pub use error::WorldError;
pub use exact::{Exact, Item, expected_distinct};
pub use flat::FlatTexts;
pub use form::Form;
pub use grade::{Grade, band, recall};
pub use judge::{Judged, Judgement};
pub use parse::Stop;
pub use recall::{Answers, Question, Questions};
pub use recount::{Recount, Rewriter};
pub use survey::{Holding, Inheritance, Row, Survey, Survivors, inheritance, survivors};
pub use tokens::Tokens;
pub use world::{FalseFact, World};
