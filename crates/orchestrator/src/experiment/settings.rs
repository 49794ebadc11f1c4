//! The tables of an experiment file that are of the whole run, and how a generation writes.

use corpus::{Mark, Sampling};
use curation::targeted::Target;
use serde::{Deserialize, Serialize};

/// The `[corpus]` table: the human text, or a world in its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSettings {
    /// A card or a world (see `habsburg corpus list`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Instead of a card: a text file, a folder of text files, or JSON lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Instead of either: the grammar file of a world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
    /// Field of the text in JSON lines.
    #[serde(default = "text_field")]
    pub field: String,
    /// Tokens of the human training set that a seed works with: drawn from a corpus, all of it by default; written by a world,
    /// which has to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Share of the source documents held out for validation.
    #[serde(default = "validation_share")]
    pub validation: f64,
    /// Share of the source documents held out as the test set.
    #[serde(default = "test_share")]
    pub test: f64,
    /// Tokens of the test set that every generation is measured on.
    #[serde(default = "test_tokens")]
    pub test_tokens: u64,
    /// Facts of a world that every generation is asked for, drawn evenly from the decades of their frequency; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<usize>,
}

impl CorpusSettings {
    /// Whether text is written by a world.
    pub fn is_world(&self) -> bool {
        let named = |name: &String| world::World::names().any(|known| known == name);
        self.grammar.is_some() || self.name.as_ref().is_some_and(named)
    }
}

fn text_field() -> String {
    "text".to_owned()
}

fn validation_share() -> f64 {
    0.05
}

fn test_share() -> f64 {
    0.1
}

fn test_tokens() -> u64 {
    50_000
}

/// The `[tokenizer]` table. It is trained on the human training text once and frozen: a hidden human anchor, the same for all arms.
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

/// The `[chain]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChainSettings {
    /// Models of a chain; model 0 is trained on human text.
    pub generations: u32,
    /// Seeds of every arm. Arms of one seed share their streams and their human text.
    pub seeds: Vec<u64>,
}

impl Default for ChainSettings {
    fn default() -> Self {
        Self { generations: 6, seeds: vec![0, 1, 2] }
    }
}

/// Where a document's first tokens come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptFrom {
    /// From nothing: documents are drawn from the model alone.
    #[default]
    None,
    /// From the human training set: a hidden human anchor in every generation.
    Human,
    /// From the last generation's text; generation 0 from the human training set.
    Latest,
}

/// The `[sample]` table: how a generation writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SampleSettings {
    /// Divides the logits.
    pub temperature: f64,
    /// Only the likeliest so many tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// Only the smallest set of likeliest tokens with this mass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Only tokens at least this likely, as a share of the likeliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Divides (multiplies, if negative) the logits of tokens that the document holds already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    /// Always the likeliest token.
    pub greedy: bool,
    /// Whether each generation finds the temperature at which it draws what costs it as much as held-out human text does
    /// ([`inference::matched_temperature`]): a hidden human anchor. The temperature and the cuts stay at their defaults
    /// then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub entropy_match: bool,
    /// A green-list watermark (`{ key = 0, gamma = 0.25, delta = 2.0 }`), which `curation = ["watermark"]` of the same key
    /// finds; a GPU leaves the drawing to the processor then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Mark>,
    /// Whether the documents are one systematic sample of what the model may write, instead of draws that know nothing of
    /// each other; a GPU leaves the drawing to the processor then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub systematic: bool,
    /// Tokens that a generation writes; as many as the human training set has by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// What documents start from.
    pub prompt: PromptFrom,
    /// Tokens of a prompt.
    pub prompt_tokens: usize,
    /// Targeted synthesis: a share of the budget is written, in rounds, from human prompts that lead to what the text so
    /// far lacks (`"coverage"`, or a table; `habsburg plan --defences` says what it holds). It draws its own prompts, so
    /// `prompt` stays out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

impl Default for SampleSettings {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            min_p: None,
            repetition_penalty: None,
            greedy: false,
            entropy_match: false,
            watermark: None,
            systematic: false,
            tokens: None,
            prompt: PromptFrom::None,
            prompt_tokens: 16,
            target: None,
        }
    }
}

impl SampleSettings {
    /// The sampler's own part.
    pub fn sampling(&self) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            repetition_penalty: self.repetition_penalty,
            greedy: self.greedy,
            watermark: self.watermark,
            systematic: self.systematic,
        }
    }
}
