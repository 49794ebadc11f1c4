//! The learners: one sum type, each variant with the keys that it honours and no others.
//!
//! A learner is named by `model.kind`. Its struct derives its keys from serde with `deny_unknown_fields`; the list of
//! learners below makes the enum, and `Kind` answers which keys a learner has, so that an unknown key is refused with
//! the nearest known one or with the learner that has it.
//!
//! # Learners that count
//!
//! An n-gram and an oracle count text instead of taking steps: `model = { kind = "oracle" }` and
//! `model = { kind = "n-gram", order = 3 }` stand beside transformers in one experiment, with the same corpus, tokenizer,
//! recipe, curation, budget and metrics. So they show what forgets: the oracle knows the grammar, and loses what sampling
//! loses; the n-gram knows no grammar, and loses and invents besides; what a transformer loses more is its own.
//!
//! Of the file's own `[model]` and `[train]` such an arm takes what it has, the context: documents are cut once for all
//! arms.
//!
//! # Adding a text learner
//!
//! 1. In this file: a struct with its `Common` and `Text`, and its line in the list.
//! 2. In `orchestrator/src/text/learner.rs`: how it is trained, generates and is scored. The compiler asks for it.
//!
//! An exact learner is added in `chain::solvable` alone: its settings, and its chain.

mod common;
mod exact;
mod kind;
mod list;
mod transformer;

pub(crate) use common::{Common, Scope};
pub(crate) use kind::Kind;

pub use exact::Exact;
pub use transformer::Transformer;

use crate::error::{Error, fail};
use crate::plant::Plant;
use crate::word_ratio::WordRatio;
use chain::Recipe;
use common::{Text, check_text};
use curation::Curation;
use sampling::{Opt, Sampling};
use serde::{Deserialize, Serialize};

list::learners! {
    /// A Llama-type transformer.
    Transformer,
    /// Interpolated Kneser-Ney over the tokenizer's ids.
    NGram,
    /// It knows the world's grammar, counts what it reads and generates by these counts.
    Oracle,
}

/// A counting learner's own `[sample]` key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Tokens that a generation generates; by default as many as the human training set has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// Interpolated Kneser-Ney over the tokenizer's ids ([`chain::learners::NGramModel`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NGram {
    /// The `[model]` table.
    pub model: NGramSettings,
    /// The sampler's options, in the `[sample]` table: those that act on an exact distribution.
    pub sampling: Sampling,
    /// The rest of the `[sample]` table.
    pub sample: Tokens,
    /// The defences: those that need no transformer and weigh nothing, since it counts whole documents.
    #[serde(skip_serializing_if = "Curation::is_empty")]
    pub curation: Curation,
    /// A phrase that is put into one text and then followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plant: Option<Plant>,
    /// Ratios of words that are followed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub follow: Vec<WordRatio>,
}

/// The `[model]` table of an n-gram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NGramSettings {
    /// Tokens of the longest n-gram, from 1 to 16.
    pub order: usize,
    /// Discount of every count in favour of what was not seen, from 0 to below 1.
    pub discount: f64,
    /// Positions of a window; those of the run's transformers by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
}

impl Default for NGramSettings {
    fn default() -> Self {
        Self { order: 3, discount: 0.75, context: None }
    }
}

/// It knows the world's grammar, counts what it reads and generates by these counts ([`world::Recount`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oracle {
    /// The `[model]` table.
    pub model: OracleSettings,
    /// The `[sample]` table.
    pub sample: Tokens,
    /// The defences: those that need no transformer.
    #[serde(skip_serializing_if = "Curation::is_empty")]
    pub curation: Curation,
    /// A phrase that is put into one text and then followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plant: Option<Plant>,
    /// Ratios of words that are followed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub follow: Vec<WordRatio>,
}

/// The `[model]` table of an oracle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OracleSettings {
    /// Positions of a window; those of the run's transformers by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
}

/// The longest n-gram: longer ones are hardly ever seen twice.
const LONGEST: usize = 16;

/// The checks that learners without weights share.
fn check_counting<T: Text>(settings: &T, scope: &Scope) -> Result<(), Error> {
    if let Some(name) = settings.curation().first(|defence| defence.needs_transformer()) {
        fail!("curation: {name} asks a transformer, and model.kind = \"{}\" is none; leave it out", T::KIND);
    }
    match settings.context() {
        Some(context) if !(8..=8192).contains(&context) => fail!("model.context = {context}: from 8 to 8192"),
        _ => check_text(settings, scope),
    }
}

impl Text for NGram {
    const KIND: &'static str = "n-gram";

    fn honours() -> Vec<Opt> {
        Sampling::EXACT.to_vec()
    }
}

impl Common for NGram {
    fn context(&self) -> Option<usize> {
        self.model.context
    }

    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn tokens(&self) -> Option<u64> {
        self.sample.tokens
    }

    fn curation(&self) -> &Curation {
        &self.curation
    }

    fn plant(&self) -> Option<&Plant> {
        self.plant.as_ref()
    }

    fn follow(&self) -> &[WordRatio] {
        &self.follow
    }

    fn resolve(&mut self, context: usize) -> Result<(), Error> {
        self.model.context.get_or_insert(context);
        Ok(())
    }

    fn check(&self, recipe: &Recipe, scope: &Scope) -> Result<(), Error> {
        let NGramSettings { order, discount, .. } = self.model;
        if !(1..=LONGEST).contains(&order) {
            fail!("model.order = {order}: from 1 to {LONGEST}");
        }
        if !(0.0..1.0).contains(&discount) {
            fail!("model.discount = {discount}: 0 or more and less than 1");
        }
        check_counting(self, scope)?;
        if recipe.is_weighted() || self.curation.first(|defence| defence.weighs()).is_some() {
            fail!("recipe and curation: model.kind = \"n-gram\" counts whole documents; leave weights out");
        }
        Ok(())
    }
}

impl Text for Oracle {
    const KIND: &'static str = "oracle";

    fn honours() -> Vec<Opt> {
        Vec::new()
    }
}

impl Common for Oracle {
    fn context(&self) -> Option<usize> {
        self.model.context
    }

    fn tokens(&self) -> Option<u64> {
        self.sample.tokens
    }

    fn curation(&self) -> &Curation {
        &self.curation
    }

    fn plant(&self) -> Option<&Plant> {
        self.plant.as_ref()
    }

    fn follow(&self) -> &[WordRatio] {
        &self.follow
    }

    fn resolve(&mut self, context: usize) -> Result<(), Error> {
        self.model.context.get_or_insert(context);
        Ok(())
    }

    fn check(&self, _recipe: &Recipe, scope: &Scope) -> Result<(), Error> {
        if !scope.is_world {
            fail!("corpus: model.kind = \"oracle\" parses a world's grammar; take corpus.name = \"chronicle\"");
        }
        check_counting(self, scope)
    }
}
