//! One arm of an experiment, with all of its settings.

use crate::error::Error;
use crate::learner::{Common, Exact, Kind, Learner, Scope, Transformer};
use crate::plant::Plant;
use crate::sample::SampleSettings;
use crate::word_ratio::WordRatio;
use crate::{tables, train};
use chain::{Recipe, Source};
use curation::Curation;
use sampling::Sampling;
use serde::{Deserialize, Serialize};
use toml::Table;

/// One arm: what its chains do from generation 1 on, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Its name, which is also a folder's.
    pub name: String,
    /// The arm of the file that a sweep laid out over its grid, of which this is one; none outside a sweep.
    pub family: Option<String>,
    /// Its place in a sweep: the values of the keys that are swept.
    pub point: Table,
    /// The recipe of the training sets.
    pub recipe: Recipe,
    /// The learner.
    pub learner: Learner,
}

/// The keys of an arm that any learner has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    family: Option<String>,
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    point: Table,
    #[serde(default)]
    recipe: Recipe,
}

impl Arm {
    /// The keys that any arm has, whatever learns.
    pub(crate) fn keys() -> &'static [&'static str] {
        crate::keys::of::<Head>(&[]).unwrap_or_default()
    }

    /// Reads an arm from its tables, those of the file laid under them.
    pub(crate) fn read(mut table: Table, kind: Kind, place: &str) -> Result<Self, Error> {
        let own = Self::keys().iter().filter_map(|key| table.remove_entry(*key)).collect();
        let Head { name, family, point, recipe } = tables::read(toml::Value::Table(own), place)?;
        Ok(Self { name, family, point, recipe, learner: kind.read(table, place)? })
    }

    /// The arm as a table of a file, every default written out.
    pub(crate) fn to_table(&self) -> Table {
        let Self { name, family, point, recipe, learner } = self;
        let head = Head { name: name.clone(), family: family.clone(), point: point.clone(), recipe: *recipe };
        let mut table = Table::try_from(head).expect("settings are plain values");
        table.extend(learner.to_table());
        table
    }

    pub(crate) fn check(&self, scope: &Scope) -> Result<(), Error> {
        rundir::check_name(&self.name).map_err(Error::new)?;
        self.common().check(&self.recipe, scope)
    }

    fn common(&self) -> &dyn Common {
        self.learner.common()
    }

    /// Its settings as a transformer, if it is one.
    pub fn transformer(&self) -> Option<&Transformer> {
        match &self.learner {
            Learner::Transformer(settings) => Some(settings),
            _ => None,
        }
    }

    /// Its settings as an exact learner, if it is one.
    pub fn exact(&self) -> Option<&Exact> {
        match &self.learner {
            Learner::Exact(settings) => Some(settings),
            _ => None,
        }
    }

    /// The `[model]` table with `kind`, every default written out.
    pub fn model(&self) -> Table {
        match self.learner.to_table().remove("model") {
            Some(toml::Value::Table(model)) => model,
            _ => unreachable!("every learner has a model"),
        }
    }

    /// Models of each generation; 1 for all but transformers.
    pub fn members(&self) -> u32 {
        self.common().members()
    }

    /// Positions of a window; none of an exact learner.
    pub fn context(&self) -> Option<usize> {
        self.common().context()
    }

    /// The training settings, of a transformer.
    pub fn train(&self) -> Option<&train::Settings> {
        self.common().train()
    }

    /// The sampler's options.
    pub fn sampling(&self) -> Sampling {
        self.common().sampling()
    }

    /// Tokens that a generation generates, where the file says it.
    pub fn sample_tokens(&self) -> Option<u64> {
        self.common().tokens()
    }

    /// How it generates beside the sampler's options: the defaults of a learner that has no such keys. Of a counting learner,
    /// [`Arm::sample_tokens`] says how much.
    pub fn sample(&self) -> &SampleSettings {
        self.common().sample()
    }

    /// The defences; none of an exact learner.
    pub fn curation(&self) -> &Curation {
        self.common().curation()
    }

    /// The phrase that is planted.
    pub fn plant(&self) -> Option<&Plant> {
        self.common().plant()
    }

    /// The ratios of words that are followed.
    pub fn follow(&self) -> &[WordRatio] {
        self.common().follow()
    }

    /// True if its defences judge a source.
    pub fn judges(&self, source: Source) -> bool {
        let curation = self.curation();
        !curation.is_empty() && (!source.is_human() || curation.judges_human())
    }

    /// The sources of the recipe that its defences judge.
    pub fn judged_sources(&self) -> impl Iterator<Item = Source> {
        self.recipe.amounts().map(|(source, _)| source).filter(|&source| self.judges(source))
    }
}
