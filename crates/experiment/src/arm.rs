//! One arm of an experiment, with all of its settings.

use crate::error::{Error, fail};
use crate::learner::{Common, Exact, Kind, Learner, Scope, Transformer};
use crate::plant::Plant;
use crate::sample::SampleSettings;
use crate::word_ratio::WordRatio;
use crate::{schedule, tables, train};
use chain::{ByGeneration, Recipe, Source};
use curation::Curation;
use sampling::Sampling;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// One arm: what its chains do, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Its name, which is also a folder's.
    pub name: String,
    /// The arm of the file that a sweep laid out over its grid, of which this is one; none outside a sweep.
    pub family: Option<String>,
    /// Its place in a sweep: the values of the keys that are swept.
    pub point: Table,
    /// The settings of each generation.
    pub(crate) settings: ByGeneration<ArmSettings>,
    /// The same as a file says them: schedules as they are, and every default once the arm is resolved.
    pub(crate) table: Table,
}

/// The settings of an arm in one generation.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmSettings {
    /// The recipe of the training set. Generation 0 is trained on human text, whatever it says.
    pub recipe: Recipe,
    /// The learner.
    pub learner: Learner,
}

/// The keys of an arm that are no settings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    family: Option<String>,
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    point: Table,
}

const RECIPE: &str = "recipe";

impl Arm {
    /// Reads an arm of so many generations from its tables, those of the file laid under them.
    pub(crate) fn read(mut table: Table, kind: Kind, place: &str, generations: u32) -> Result<Self, Error> {
        let keys = crate::keys::of::<Head>(&[]).unwrap_or_default();
        let head = keys.iter().filter_map(|key| table.remove_entry(*key)).collect();
        let Head { name, family, point } = tables::read(Value::Table(head), place)?;
        let read = |table: Table| ArmSettings::read(table, kind, place);
        if !table.values().any(schedule::is_scheduled) {
            return Ok(Self { name, family, point, settings: read(table.clone())?.into(), table });
        }
        let table = schedule::with_fractions(table, place, |table| read(table).is_ok())?;
        let at = |generation| {
            read(schedule::at(&table, generation, place)?)
                .map_err(|error| schedule::explained(error, &table, place, generation))
        };
        let settings = (0..generations.max(1)).map(at).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { name, family, point, settings: settings.into_iter().collect(), table })
    }

    /// The arm as a table of a file, every default written out.
    pub(crate) fn to_table(&self) -> Table {
        let Self { name, family, point, .. } = self.clone();
        let mut table = Table::try_from(Head { name, family, point }).expect("settings are plain values");
        table.extend(self.table.clone());
        table
    }

    /// Writes out what presets stand for; `context` is the run's.
    pub(crate) fn resolve(&mut self, context: usize) -> Result<(), Error> {
        let resolved = |settings: &ArmSettings| {
            let mut settings = settings.clone();
            settings.learner.common_mut().resolve(context).map(|()| settings)
        };
        let settings = self.settings.iter().map(resolved).collect::<Result<Vec<_>, _>>()?;
        let tables: Vec<Table> = settings.iter().map(ArmSettings::to_table).collect();
        self.table = schedule::written(&self.table, &tables);
        self.settings = settings.into_iter().collect();
        Ok(())
    }

    pub(crate) fn check(&self, scope: &Scope) -> Result<(), Error> {
        rundir::check_name(&self.name).map_err(Error::new)?;
        for (generation, settings) in self.settings.iter().enumerate() {
            let checked = settings.common().check(&settings.recipe, scope);
            checked.map_err(|error| self.in_generation(error, generation as u32))?;
        }
        self.check_constants()?;
        self.check_handed_on(scope.generations)?;
        let Some(exact) = self.exact() else { return Ok(()) };
        let recipes = self.recipes();
        recipes.check(&exact.model.sizes(&recipes, scope.generations)).map_err(Error::new)
    }

    /// Refuses changes of what a chain has once.
    fn check_constants(&self) -> Result<(), Error> {
        let first = self.at(0);
        for settings in self.settings.iter() {
            if settings.exact() != first.exact() {
                fail!(
                    "model and sample: an exact learner is the same in every generation; its recipe alone may change"
                );
            }
            let same = [
                ("members", settings.members() == first.members()),
                ("model.context", settings.context() == first.context()),
                ("plant", settings.plant() == first.plant()),
            ];
            if let Some((key, _)) = same.iter().find(|(_, is_same)| !is_same) {
                fail!("{key}: cannot change by generation; it is the same for the whole chain");
            }
        }
        Ok(())
    }

    /// Refuses sizes that change where weights are handed on.
    fn check_handed_on(&self, generations: u32) -> Result<(), Error> {
        if self.settings.is_constant() {
            return Ok(());
        }
        let sizes = |of: &Transformer| of.model.resolve(corpus::SMALLEST_VOCABULARY).map_err(Error::new);
        for generation in 1..generations {
            let Some(own) = self.at(generation).transformer() else { return Ok(()) };
            for ancestor in own.train.ancestors(generation) {
                let Some(theirs) = self.at(ancestor).transformer() else { continue };
                if let Some((key, own, theirs)) = sizes(own)?.first_difference(&sizes(theirs)?) {
                    fail!(
                        "model.{key} = {own} in generation {generation} and {theirs} in generation {ancestor}, whose weights \
                         it takes over; sizes may change only where train.start = \"scratch\""
                    );
                }
            }
        }
        Ok(())
    }

    /// An error of a generation, which it names where settings change.
    pub(crate) fn in_generation(&self, error: Error, generation: u32) -> Error {
        if self.settings.is_constant() { error } else { error.in_generation(generation) }
    }

    /// The settings of a generation.
    pub fn at(&self, generation: u32) -> &ArmSettings {
        self.settings.at(generation)
    }

    /// The settings of all generations: a single one where none of them changes.
    pub fn settings(&self) -> &ByGeneration<ArmSettings> {
        &self.settings
    }

    /// The recipes of all generations.
    pub fn recipes(&self) -> ByGeneration<Recipe> {
        self.settings.map(|settings| settings.recipe)
    }

    /// The keys of settings that change, with their values; none in a generation that has none.
    pub fn varying(&self) -> Vec<(String, ByGeneration<Option<Value>>)> {
        let tables: Vec<Table> = self.settings.iter().map(ArmSettings::to_table).collect();
        schedule::varying(&tables)
    }

    /// The name of its learner, as `model.kind` says it.
    pub fn kind(&self) -> &'static str {
        self.at(0).learner.kind()
    }

    /// True if it is a transformer.
    pub fn is_transformer(&self) -> bool {
        self.at(0).transformer().is_some()
    }

    /// Its settings as an exact learner, if it is one.
    pub fn exact(&self) -> Option<&Exact> {
        self.at(0).exact()
    }

    /// Models of each generation; 1 for all but transformers.
    pub fn members(&self) -> u32 {
        self.at(0).members()
    }

    /// Positions of a window; none of an exact learner.
    pub fn context(&self) -> Option<usize> {
        self.at(0).context()
    }

    /// The phrase that is planted.
    pub fn plant(&self) -> Option<&Plant> {
        self.at(0).plant()
    }

    /// The ratios of words that are followed.
    pub fn follow(&self) -> &[WordRatio] {
        self.at(0).common().follow()
    }
}

impl ArmSettings {
    fn read(mut table: Table, kind: Kind, place: &str) -> Result<Self, Error> {
        let recipe = table.remove(RECIPE).map(|recipe| tables::read(recipe, &tables::join(place, RECIPE)));
        Ok(Self { recipe: recipe.transpose()?.unwrap_or_default(), learner: kind.read(table, place)? })
    }

    /// The settings as tables of a file, every default written out.
    pub(crate) fn to_table(&self) -> Table {
        let recipe = Value::try_from(self.recipe).expect("a recipe is plain values");
        let mut table = Table::from_iter([(RECIPE.to_owned(), recipe)]);
        table.extend(self.learner.to_table());
        table
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

    fn exact(&self) -> Option<&Exact> {
        match &self.learner {
            Learner::Exact(settings) => Some(settings),
            _ => None,
        }
    }

    fn members(&self) -> u32 {
        self.common().members()
    }

    fn context(&self) -> Option<usize> {
        self.common().context()
    }

    fn plant(&self) -> Option<&Plant> {
        self.common().plant()
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
    /// [`ArmSettings::sample_tokens`] says how much.
    pub fn sample(&self) -> &SampleSettings {
        self.common().sample()
    }

    /// The defences; none of an exact learner.
    pub fn curation(&self) -> &Curation {
        self.common().curation()
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
