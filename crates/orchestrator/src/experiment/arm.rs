//! One arm of an experiment, with all of its settings.

use super::SampleSettings;
use crate::learner::is_judged;
use crate::{Error, ModelSettings, Plant, WordRatio};
use chain::{Recipe, Source};
use corpus::Sampling;
use curation::{Curation, Step};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use toml::Table;
use training::Start;

/// One arm: what its chains do from generation 1 on, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name, which is also a folder's.
    pub name: String,
    /// Models of each generation, which differ in their first weights, the order of their windows and their draws. Each is
    /// trained on all of the training set and writes an equal share of the generation's budget; the next generation draws
    /// from the pooled text (Hodel and West 2025). 1, the default, is a chain.
    #[serde(default = "one")]
    pub members: u32,
    /// Where a sweep laid the arm out: the values of its keys.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub point: Table,
    /// What generations are trained on.
    #[serde(default)]
    pub recipe: Recipe,
    /// The transformer's sizes, or the learner in its place.
    #[serde(default)]
    pub model: ModelSettings,
    /// How a transformer is trained.
    #[serde(default, skip_serializing_if = "is_default")]
    pub train: training::Settings,
    /// How it writes.
    #[serde(default)]
    pub sample: SampleSettings,
    /// The defences, in their order: names, or tables of one name and its parameters (`["near-duplicates", { detector =
    /// { keep = 0.8 } }]`; `habsburg plan --defences` lists them). They judge what the recipe is offered before it draws:
    /// `latest` and `history` whole, by all of them; `anchor`, `pool` and `fresh`, which are known to be human, by those alone
    /// that read labels (`filter-by-label`) or edit (`token-editing` of `"human"` or `"all"`). An arm's list takes the place of
    /// the file's; `[]` is no defence.
    #[serde(default, skip_serializing_if = "Curation::is_empty")]
    pub curation: Curation,
    /// A phrase that is put into one text and then followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plant: Option<Plant>,
    /// Ratios of words that are followed (`[{ these = ["he"], those = ["she"] }]`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow: Vec<WordRatio>,
    /// The learner, where the experiment's kind is one that can be solved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learner: Option<chain::solvable::Settings>,
}

fn one() -> u32 {
    1
}

/// So only of what is no transformer: a transformer's settings are resolved.
fn is_default(train: &training::Settings) -> bool {
    *train == training::Settings::default()
}

/// The most models of one generation.
const MOST_MEMBERS: u32 = 64;

impl Arm {
    /// The sources of the recipe that defences judge.
    pub(crate) fn judged_sources(&self) -> impl Iterator<Item = Source> {
        self.recipe.amounts().map(|(source, _)| source).filter(|&source| is_judged(&self.curation, source))
    }

    pub(super) fn context(&self) -> Result<usize, Error> {
        let preset = self.model.sizes.preset().map_err(Error::request)?;
        Ok(self.model.sizes.context.unwrap_or(preset.context))
    }

    pub(super) fn check(&self, generations: u32) -> Result<(), Error> {
        if !(1..=MOST_MEMBERS).contains(&self.members) {
            return Err(Error::Request(format!("members = {}: from 1 to {MOST_MEMBERS}", self.members)));
        }
        if let Start::Generation(ancestor) = self.train.start
            && ancestor.saturating_add(1) >= generations.max(2)
        {
            return Err(Error::Request(format!(
                "train.start = {ancestor}: no generation comes after it; chain.generations = {generations} counts from 0"
            )));
        }
        self.follow.iter().try_for_each(WordRatio::check)?;
        let mut named = BTreeSet::new();
        if let Some(ratio) = self.follow.iter().find(|ratio| !named.insert(ratio.name())) {
            return Err(Error::Request(format!("follow: {} is there twice; leave one out", ratio.name())));
        }
        if let Some(plant) = &self.plant {
            plant.check(generations)?;
        }
        let edits = |step: &Step| matches!(step, Step::TokenEditing(_));
        if self.members > 1 && self.curation.steps().iter().any(edits) {
            let members = self.members;
            return Err(Error::Request(format!(
                "curation: token-editing draws from one model, and a generation has members = {members}; leave one out"
            )));
        }
        if self.members == 1 && self.curation.needs_members() {
            return Err(Error::Request(
                "curation: disagreement is between the models of a generation; set members = 2 or more".into(),
            ));
        }
        self.model.sizes.resolve(corpus::SMALLEST_VOCABULARY).map_err(Error::request)?;
        self.train.check().map_err(Error::request)?;
        let sampling = self.sample.sampling();
        sampling.check().map_err(Error::request)?;
        let Sampling { watermark, systematic, .. } = sampling;
        if self.sample.entropy_match && sampling != (Sampling { watermark, systematic, ..Sampling::default() }) {
            return Err(Error::Request(
                "sample.entropy_match: finds the temperature of the model's own distribution; leave out temperature, \
                 top_k, top_p, min_p, repetition_penalty and greedy"
                    .into(),
            ));
        }
        if self.sample.tokens == Some(0) {
            return Err(Error::Request("sample.tokens = 0: at least 1".into()));
        }
        let context = self.context()?;
        if self.sample.is_prompted() && !(1..context).contains(&self.sample.prompt_tokens) {
            let given = self.sample.prompt_tokens;
            return Err(Error::Request(format!("sample.prompt_tokens = {given}: from 1 to {}", context - 1)));
        }
        Ok(())
    }
}
