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
//! - it changes, if its grammar has a clock: [`World::at`] is the world of a generation, a world like any other;
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
//!
//! # A world that changes
//!
//! Where nothing changes, to keep the text of generation 0 is as good as to go on learning. Under a clock persons join and
//! facts change their values from generation to generation, so a model has three tasks, and each is measured exactly: to keep
//! what still holds, to learn what is new, and to unlearn what is withdrawn. [`World::standing`] says which of them a value
//! is of; [`World::turnover`] marks a model's answers by it, and [`Survey::statement_rows`] its texts.
//!
//! ```
//! use world::{Standing, Survey, World};
//!
//! let world = World::from_toml(r#"
//!     base = "chronicle"
//!     name = "restless"
//!     clock = { generations = 3, persons = 10, facts = 600 }
//! "#)?;
//! let now = world.at(2);
//! assert_eq!((world.persons().len(), now.persons().len()), (400, 420));
//!
//! // Each fact is kept or new; some of both had another value before, which is withdrawn.
//! let (person, fact) = (0..400).flat_map(|p| (0..6).map(move |f| (p, f))).find(|&(p, f)| now.since(p, f) == 2).unwrap();
//! assert_eq!(now.standing(person, fact, now.truth(person, fact)), Standing::New);
//! let before = world.at(1).truth(person, fact);
//! assert_eq!(now.standing(person, fact, before), Standing::Withdrawn);
//! assert_eq!(now.withdrawn(person, fact)[0], before);
//!
//! // Text of generation 0 is of the language but for what is stale: two draws of 600 among 2,400 facts.
//! let texts: Vec<String> = (0..4_000).map(|index| world.derive(index).0).collect();
//! assert!(texts.iter().all(|text| now.parse_any(text).is_ok()));
//! let survey = Survey::of(&now, texts.iter().map(String::as_str));
//! let stale = survey.statement_rows().iter().find(|row| row.part == "withdrawn").unwrap().value;
//! assert!((0.3..0.6).contains(&stale) && survey.statements[&Standing::Never] == 0, "{stale}");
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
