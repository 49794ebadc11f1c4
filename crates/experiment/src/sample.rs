//! Settings of the generation of text, apart from the sampler's own options ([`sampling::Sampling`]).

use crate::error::{Error, fail};
use curation::targeted::{Find, Target};
use sampling::{Opt, Sampling};
use serde::{Deserialize, Serialize};

/// The source of a document's first tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptFrom {
    /// From nothing: documents are drawn from the model alone.
    #[default]
    None,
    /// From the human training set: implicit human supervision in every generation.
    Human,
    /// From the last generation's text; generation 0 from the human training set.
    Latest,
}

/// The keys of a transformer's `[sample]` table that are not the sampler's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SampleSettings {
    /// True if each generation finds the temperature at which its text costs it as much as held-out human text does:
    /// implicit human supervision. The temperature and the cuts stay at their defaults then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub entropy_match: bool,
    /// Tokens that a generation generates; by default as many as the human training set has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// The start of each document.
    pub prompt: PromptFrom,
    /// Tokens of a prompt.
    pub prompt_tokens: usize,
    /// Targeted synthesis: a share of the budget is generated, in rounds, from human prompts that lead to what the text so
    /// far lacks (`"coverage"`, or a table; `habsburg plan --defences` lists its keys). It draws its own prompts, so
    /// `prompt` stays out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

impl Default for SampleSettings {
    fn default() -> Self {
        Self::UNPROMPTED
    }
}

impl SampleSettings {
    /// The defaults: as many tokens as the human training set has, from nothing.
    pub const UNPROMPTED: Self =
        Self { entropy_match: false, tokens: None, prompt: PromptFrom::None, prompt_tokens: 16, target: None };

    /// The target, unless its share is 0.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref().filter(|target| target.share > 0.0)
    }

    /// True if documents may begin with a prompt.
    pub fn is_prompted(&self) -> bool {
        self.prompt != PromptFrom::None || self.target().is_some()
    }

    /// Checks the settings beside the sampler's, in windows of `context` positions.
    pub(crate) fn check(&self, sampling: &Sampling, context: usize, is_world: bool) -> Result<(), Error> {
        const BESIDE: [Opt; 2] = [Opt::Watermark, Opt::Systematic];
        if let Some(Err(error)) = self.entropy_match.then(|| sampling.refuse_all_but(&BESIDE)) {
            fail!("sample.entropy_match: finds the temperature of the model's own distribution; {error}");
        }
        if self.is_prompted() && !(1..context).contains(&self.prompt_tokens) {
            fail!("sample.prompt_tokens = {}: from 1 to {}", self.prompt_tokens, context - 1);
        }
        self.check_target(sampling, is_world)
    }

    fn check_target(&self, sampling: &Sampling, is_world: bool) -> Result<(), Error> {
        let Some(target) = &self.target else { return Ok(()) };
        target.check().map_err(Error::new)?;
        if target.find == Find::Facts && !is_world {
            return Err(Error::new(curation::Error::NoFacts));
        }
        if self.prompt != PromptFrom::None {
            fail!("sample.target draws prompts of its own; leave sample.prompt out");
        }
        if sampling.greedy {
            fail!("sample.target: sample.greedy generates one document again and again where nothing prompts it");
        }
        Ok(())
    }
}
