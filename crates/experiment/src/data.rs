//! The tables of an experiment file that belong to the whole run.

use crate::error::{Error, fail};
use crate::limits::{Limits, beyond};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The data that the learners of an experiment share.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an experiment holds one")]
pub enum Data {
    /// Documents of a human corpus or a world, for text learners.
    Corpus(Text),
    /// Draws of exact distributions: each exact learner has its own, in its `[model]` table.
    Exact,
}

/// Text and its tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// The human text.
    pub corpus: CorpusSettings,
    /// The one tokenizer of the run.
    pub tokenizer: TokenizerSettings,
    /// How often the costliest measures are taken.
    pub score: ScoreSettings,
}

impl Text {
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.corpus.check()?;
        self.score.check()?;
        self.tokenizer.check()
    }
}

/// The `[corpus]` table: the human text, or a world in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorpusSettings {
    /// A card or a world (see `habsburg corpus list`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Instead of a card: a text file, a folder of text files, or JSON lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Instead of either: the grammar file of a world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
    /// Field of the text in JSON lines.
    pub field: String,
    /// Tokens of the human training set that a seed works with: drawn from a corpus, all of it by default; written by a world,
    /// which has to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Share of the source documents held out for validation.
    pub validation: f64,
    /// Share of the source documents held out as the test set.
    pub test: f64,
    /// Tokens of the test set that every generation is measured on.
    pub test_tokens: u64,
    /// Facts of a world that every generation is asked for, drawn evenly from the decades of their frequency; all by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub questions: Option<usize>,
}

impl CorpusSettings {
    /// True if a world generates the text.
    pub fn is_world(&self) -> bool {
        let named = |name: &String| world::World::names().any(|known| known == name);
        self.grammar.is_some() || self.name.as_ref().is_some_and(named)
    }

    fn check(&self) -> Result<(), Error> {
        match [&self.name, &self.path, &self.grammar].into_iter().flatten().count() {
            0 => fail!("corpus: give a card's name or a path; `habsburg corpus list` shows the cards"),
            1 => {}
            _ => fail!("corpus: give one of name, path and grammar, not both"),
        }
        if self.is_world() && self.tokens.is_none() {
            fail!("corpus.tokens: a world generates as much as it is told; try corpus.tokens = 400_000");
        }
        if self.questions.is_some_and(|count| count == 0 || !self.is_world()) {
            fail!("corpus.questions: at least 1, and only where a world is the corpus");
        }
        if !(self.validation > 0.0 && self.test > 0.0 && self.validation + self.test < 1.0) {
            fail!("corpus.validation and corpus.test: shares above 0 that leave something to train on");
        }
        if self.tokens == Some(0) || self.test_tokens == 0 {
            fail!("corpus.tokens and corpus.test_tokens: at least 1");
        }
        Ok(())
    }
}

impl Default for CorpusSettings {
    fn default() -> Self {
        Self {
            name: None,
            path: None,
            grammar: None,
            field: "text".to_owned(),
            tokens: None,
            validation: 0.05,
            test: 0.1,
            test_tokens: 50_000,
            questions: None,
        }
    }
}

/// The `[score]` table: how often the costliest measures are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreSettings {
    /// Models read generated text (perplexities, MAUVE, Vendi score, step divergence) in every generation whose number is a
    /// multiple of this, and in the last. All other measures are taken of every generation.
    pub every: u32,
}

impl ScoreSettings {
    /// True if models read the text of this generation, of so many.
    pub fn reads(&self, generation: u32, generations: u32) -> bool {
        generation.is_multiple_of(self.every) || generation + 1 == generations
    }

    fn check(&self) -> Result<(), Error> {
        if self.every == 0 {
            fail!(
                "score.every = 0: at least 1, which has models read the text of every generation; 2 is every other one"
            );
        }
        Ok(())
    }
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self { every: 1 }
    }
}

/// The `[tokenizer]` table. It is trained on the human training text once and frozen: implicit human supervision, the
/// same for all arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenizerSettings {
    /// `bpe` (trained on the human training text), `bytes`, `gpt2`, or `file`.
    pub kind: String,
    /// Ids of a trained one; the model preset's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<usize>,
    /// The `tokenizer.json` of kind `file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Default for TokenizerSettings {
    fn default() -> Self {
        Self { kind: "bpe".to_owned(), vocabulary: None, path: None }
    }
}

impl TokenizerSettings {
    fn check(&self) -> Result<(), Error> {
        const KINDS: [&str; 4] = ["bpe", "bytes", "gpt2", "file"];
        if !KINDS.contains(&self.kind.as_str()) {
            fail!("tokenizer.kind = \"{}\": one of {}", self.kind, KINDS.join(", "));
        }
        if (self.kind == "file") != self.path.is_some() {
            fail!("tokenizer.path: belongs to kind = \"file\", and to it alone");
        }
        let smallest = corpus::SMALLEST_VOCABULARY;
        match self.vocabulary {
            Some(size) if !(smallest..=1 << 20).contains(&size) => {
                fail!("tokenizer.vocabulary = {size}: from {smallest} (all bytes and the separator) to 1048576")
            }
            _ => Ok(()),
        }
    }
}

/// The `[chain]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChainSettings {
    /// Models of a chain; model 0 is trained on human text.
    pub generations: u32,
    /// Seeds of every arm. Arms of one seed share their streams and their human text.
    pub seeds: Vec<u64>,
}

impl ChainSettings {
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Error> {
        if self.generations == 0 {
            fail!("chain.generations = 0: from 1 to {}", limits.generations);
        }
        if u64::from(self.generations) > limits.generations {
            let what = format!("chain.generations = {}", self.generations);
            return Err(beyond(what, "generations", limits.generations));
        }
        let count = self.seeds.len();
        if count as u64 > limits.seeds {
            return Err(beyond(format_args!("chain.seeds: {count} seeds"), "seeds", limits.seeds));
        }
        let seeds: BTreeSet<u64> = self.seeds.iter().copied().collect();
        if seeds.is_empty() || seeds.len() != self.seeds.len() {
            let dots = if count > 8 { ", ..." } else { "" };
            let shown = format!("{:?}", &self.seeds[..count.min(8)]).replace(']', &format!("{dots}]"));
            fail!("chain.seeds = {shown}: at least one, and no duplicates");
        }
        Ok(())
    }
}

impl Default for ChainSettings {
    fn default() -> Self {
        Self { generations: 6, seeds: vec![0, 1, 2] }
    }
}
