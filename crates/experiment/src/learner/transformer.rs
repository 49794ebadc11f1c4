//! The settings of a transformer.

use super::common::{Common, Scope, Text, check_text};
use crate::error::{Error, fail};
use crate::limits::beyond;
use crate::model;
use crate::plant::Plant;
use crate::sample::SampleSettings;
use crate::train::{self, Start};
use crate::word_ratio::WordRatio;
use chain::Recipe;
use curation::Curation;
use sampling::{Opt, Sampling};
use serde::{Deserialize, Serialize};

/// A transformer, or several in each generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Transformer {
    /// Models of each generation, which differ in their first weights, the order of their windows and their draws. Each is
    /// trained on all of the training set and generates an equal share of the generation's budget; the next generation draws
    /// from the pooled text (Hodel and West 2025). 1, the default, is a chain.
    pub members: u32,
    /// The `[model]` table: its sizes.
    pub model: model::Settings,
    /// The `[train]` table.
    pub train: train::Settings,
    /// The sampler's options, in the `[sample]` table.
    pub sampling: Sampling,
    /// The rest of the `[sample]` table.
    pub sample: SampleSettings,
    /// The defences, in their order: names, or tables of one name and its parameters (`["near-duplicates", { detector =
    /// { keep = 0.8 } }]`; `habsburg plan --defences` lists them). They judge what the recipe is offered before it draws:
    /// `latest` and `history` whole, by all of them; `anchor`, `pool` and `fresh`, which are known to be human, by those alone
    /// that read labels (`filter-by-label`) or edit (`token-editing` of `"human"` or `"all"`). An arm's list takes the place of
    /// the file's; `[]` is no defence.
    #[serde(skip_serializing_if = "Curation::is_empty")]
    pub curation: Curation,
    /// A phrase that is put into one text and then followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plant: Option<Plant>,
    /// Ratios of words that are followed (`[{ these = ["he"], those = ["she"] }]`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub follow: Vec<WordRatio>,
}

impl Default for Transformer {
    fn default() -> Self {
        Self {
            members: 1,
            model: Default::default(),
            train: Default::default(),
            sampling: Default::default(),
            sample: Default::default(),
            curation: Default::default(),
            plant: None,
            follow: Vec::new(),
        }
    }
}

impl Transformer {
    fn check_members(&self, most: u64) -> Result<(), Error> {
        let members = self.members;
        if members == 0 {
            fail!("members = 0: from 1 to {most}");
        }
        if u64::from(members) > most {
            return Err(beyond(format_args!("members = {members}"), "members", most));
        }
        if members > 1
            && let Some(name) = self.curation.first(|defence| defence.needs_one_model())
        {
            fail!("curation: {name} draws from one model, and a generation has members = {members}; leave one out");
        }
        if members == 1
            && let Some(name) = self.curation.first(|defence| defence.needs_members())
        {
            fail!("curation: {name} is between the models of a generation; set members = 2 or more");
        }
        Ok(())
    }
}

impl Text for Transformer {
    const KIND: &'static str = "transformer";

    fn honours() -> Vec<Opt> {
        Opt::all().collect()
    }
}

impl Common for Transformer {
    fn members(&self) -> u32 {
        self.members
    }

    fn context(&self) -> Option<usize> {
        self.model.context
    }

    fn train(&self) -> Option<&train::Settings> {
        Some(&self.train)
    }

    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn sample(&self) -> &SampleSettings {
        &self.sample
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

    /// A transformer's context is its own: its preset's where the file does not say it.
    fn resolve(&mut self, _context: usize) -> Result<(), Error> {
        let preset = self.model.preset().map_err(Error::new)?;
        // The vocabulary is the tokenizer's; no other size depends on it.
        let config = self.model.resolve(corpus::SMALLEST_VOCABULARY).map_err(Error::new)?;
        self.train = self.train.clone().resolve(preset, &config);
        self.model = model::Settings {
            preset: self.model.preset.clone(),
            width: Some(config.width),
            layers: Some(config.layers),
            heads: Some(config.heads),
            kv_heads: Some(config.kv_heads),
            hidden: Some(config.hidden),
            context: Some(config.context),
        };
        Ok(())
    }

    fn check(&self, _recipe: &Recipe, scope: &Scope) -> Result<(), Error> {
        self.check_members(scope.members)?;
        if let Start::Generation(ancestor) = self.train.start
            && ancestor.saturating_add(1) >= scope.generations.max(2)
        {
            fail!(
                "train.start = {ancestor}: no generation comes after it; chain.generations = {} counts from 0",
                scope.generations
            );
        }
        let config = self.model.resolve(corpus::SMALLEST_VOCABULARY).map_err(Error::new)?;
        self.train.check().map_err(Error::new)?;
        check_text(self, scope)?;
        self.sample.check(&self.sampling, config.context, scope.is_world)
    }
}
