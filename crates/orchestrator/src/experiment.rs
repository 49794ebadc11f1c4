use crate::kind::{Kind, TRANSFORMER};
use crate::learner::is_judged;
use crate::{Error, ModelSettings, Plant, WordRatio, solvable, sweep, tables};
use chain::{Recipe, Source};
use corpus::{Mark, Sampling};
use curation::targeted::Target;
use curation::{Curation, Step};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};
use toml::{Table, Value};
use training::Start;

/// An experiment: a set of arms and seeds over one human corpus. Resolved: every arm holds all of its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its name, which is also the default folder's.
    pub name: String,
    /// The question, for the report.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// What learns: `transformer`, or a learner that can be solved, whose settings are `[learner]` in the place of text,
    /// tokenizer, `[model]` and `[train]` (see [`chain::solvable`]).
    #[serde(default = "transformer")]
    pub kind: String,
    /// The human text.
    #[serde(default)]
    pub corpus: CorpusSettings,
    /// The one tokenizer of the run.
    #[serde(default)]
    pub tokenizer: TokenizerSettings,
    /// Generations and seeds.
    #[serde(default)]
    pub chain: ChainSettings,
    /// What is compared.
    #[serde(rename = "arm")]
    pub arms: Vec<Arm>,
}

fn transformer() -> String {
    TRANSFORMER.to_owned()
}

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
        }
    }
}

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
    /// what generations wrote, in `latest` and `history`, by all of them; text known to be human, in any source, by those
    /// alone that read its labels (`filter-by-label`) or edit it (`token-editing` of `"human"` or `"all"`). An arm's list
    /// takes the place of the file's; `[]` is no defence.
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

impl Experiment {
    /// Reads an experiment file and lays `--set` assignments on it.
    ///
    /// # Errors
    /// [`Error::Request`] with the key that is wrong.
    pub fn load(path: &Path, assignments: &[String]) -> Result<Self, Error> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::Request(format!("experiment file {shown}: {e}; give the path of a TOML file")))?;
        let experiment = Self::parse(&text, assignments);
        experiment.map_err(|e| Error::Request(format!("{shown}: {e}")))
    }

    /// Reads an experiment from TOML.
    ///
    /// # Errors
    /// [`Error::Request`] with the key that is wrong.
    pub fn parse(text: &str, assignments: &[String]) -> Result<Self, Error> {
        let mut table: Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            Error::Request(format!("line {line}: {}", e.message()))
        })?;
        for assignment in assignments {
            tables::set(&mut table, assignment)?;
        }
        let kind = Kind::of(&table)?;
        let arms = merged_arms(&mut table, kind.arm_keys())?;
        table.insert("arm".to_owned(), Value::Array(Vec::new()));
        kind.check_file(&table)?;
        let mut experiment: Self = tables::read(Value::Table(table), "")?;
        for (index, arm) in arms.into_iter().enumerate() {
            let name = arm.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
            let place = format!("arm `{name}`");
            experiment.arms.push(tables::read(Value::Table(kind.arm(arm, &place)?), &place)?);
        }
        experiment.check()?;
        experiment.resolve()?;
        Ok(experiment)
    }

    /// Writes out what a preset stands for. A resolved experiment stays as it is.
    fn resolve(&mut self) -> Result<(), Error> {
        if self.is_solvable() {
            return Ok(());
        }
        if self.tokenizer.kind == "bpe" {
            self.tokenizer.vocabulary = Some(self.vocabulary()?);
        }
        for arm in &mut self.arms {
            let sizes = &arm.model.sizes;
            let preset = sizes.preset().map_err(Error::request)?;
            // The vocabulary is the tokenizer's to say; no other size depends on it.
            let config = sizes.resolve(corpus::SMALLEST_VOCABULARY).map_err(Error::request)?;
            let preset_name = sizes.preset.clone();
            if arm.model.learner.is_some() {
                let context = Some(config.context);
                arm.model.sizes = model::Settings { preset: preset_name, context, ..model::Settings::default() };
                arm.train = training::Settings::default();
                continue;
            }
            arm.train = arm.train.clone().resolve(preset, &config);
            arm.model.sizes = model::Settings {
                preset: preset_name,
                width: Some(config.width),
                layers: Some(config.layers),
                heads: Some(config.heads),
                kv_heads: Some(config.kv_heads),
                hidden: Some(config.hidden),
                context: Some(config.context),
            };
        }
        Ok(())
    }

    /// The experiment as TOML, every default written out.
    pub fn to_toml(&self) -> String {
        const PLAIN: &str = "settings are plain values";
        if !self.is_solvable() {
            return toml::to_string(self).expect(PLAIN);
        }
        // Without the defaults of what such a kind does not have.
        let mut table = Table::try_from(self).expect(PLAIN);
        table.retain(|key, _| !["corpus", "tokenizer"].contains(&key));
        for arm in table.get_mut("arm").and_then(Value::as_array_mut).into_iter().flatten() {
            let arm = arm.as_table_mut().expect("an arm is a table");
            arm.retain(|key, _| !["model", "train", "members"].contains(&key));
            if let Some(Value::Table(sample)) = arm.get_mut("sample") {
                sample.retain(|key, _| !["prompt", "prompt_tokens"].contains(&key));
            }
        }
        toml::to_string(&table).expect(PLAIN)
    }

    /// Whether the learner is one that can be solved.
    pub fn is_solvable(&self) -> bool {
        self.kind != TRANSFORMER
    }

    fn check(&self) -> Result<(), Error> {
        rundir::check_name(&self.name).map_err(|e| Error::Request(format!("name: {e}")))?;
        let fail = |text: String| Err(Error::Request(text));
        if !self.is_solvable() {
            self.check_corpus()?;
        }
        if !(1..=10_000).contains(&self.chain.generations) {
            return fail(format!("chain.generations = {}: from 1 to 10000", self.chain.generations));
        }
        let seeds: BTreeSet<u64> = self.chain.seeds.iter().copied().collect();
        if seeds.is_empty() || seeds.len() != self.chain.seeds.len() {
            return fail(format!("chain.seeds = {:?}: at least one, none twice", self.chain.seeds));
        }
        if self.arms.is_empty() {
            return fail("arm: at least one [[arm]] is needed, as in [[arm]] name = \"replace\"".into());
        }
        let mut names = BTreeSet::new();
        let generations = self.chain.generations;
        for arm in &self.arms {
            if !names.insert(arm.name.to_lowercase()) {
                return fail(format!("arm `{}`: the name is there twice", arm.name));
            }
            rundir::check_name(&arm.name).map_err(|e| Error::Request(format!("arm `{}`: {e}", arm.name)))?;
            let checked = if self.is_solvable() { solvable::check(arm, generations) } else { arm.check(generations) };
            let learner = arm.model.learner.filter(|_| !self.is_solvable());
            let checked = checked.and_then(|()| learner.map_or(Ok(()), |l| l.check(arm, self.corpus.is_world())));
            checked.map_err(|e| Error::Request(format!("arm `{}`: {e}", arm.name)))?;
            if arm.curation.needs_world() && !self.corpus.is_world() {
                let error = curation::Error::NoWorld("verifier");
                return fail(format!("arm `{}`: curation: {error}", arm.name));
            }
            let checked = arm.sample.check_target(self.corpus.is_world());
            checked.map_err(|e| Error::Request(format!("arm `{}`: {e}", arm.name)))?;
        }
        if self.is_solvable() { Ok(()) } else { self.check_tokenizer() }
    }

    fn check_corpus(&self) -> Result<(), Error> {
        let fail = |text: String| Err(Error::Request(text));
        let corpus = &self.corpus;
        match [&corpus.name, &corpus.path, &corpus.grammar].into_iter().flatten().count() {
            0 => return fail("corpus: give a card's name or a path; `habsburg corpus list` shows the cards".into()),
            1 => {}
            _ => return fail("corpus: give one of name, path and grammar, not both".into()),
        }
        if corpus.is_world() && corpus.tokens.is_none() {
            return fail("corpus.tokens: a world writes as much as it is told; try corpus.tokens = 400_000".into());
        }
        if corpus.questions.is_some_and(|count| count == 0 || !corpus.is_world()) {
            return fail("corpus.questions: at least 1, and only where a world is the corpus".into());
        }
        let held_out = self.corpus.validation + self.corpus.test;
        if !(self.corpus.validation > 0.0 && self.corpus.test > 0.0 && held_out < 1.0) {
            return fail("corpus.validation and corpus.test: shares above 0 that leave something to train on".into());
        }
        if self.corpus.tokens == Some(0) || self.corpus.test_tokens == 0 {
            return fail("corpus.tokens and corpus.test_tokens: at least 1".into());
        }
        Ok(())
    }

    fn check_tokenizer(&self) -> Result<(), Error> {
        let settings = &self.tokenizer;
        let kinds = ["bpe", "bytes", "gpt2", "file"];
        let fail = |text: String| Err(Error::Request(text));
        if !kinds.contains(&settings.kind.as_str()) {
            return fail(format!("tokenizer.kind = \"{}\": one of {}", settings.kind, kinds.join(", ")));
        }
        if (settings.kind == "file") != settings.path.is_some() {
            return fail("tokenizer.path: belongs to kind = \"file\", and to it alone".into());
        }
        let smallest = corpus::SMALLEST_VOCABULARY;
        match settings.vocabulary {
            Some(size) if !(smallest..=1 << 20).contains(&size) => {
                fail(format!("tokenizer.vocabulary = {size}: from {smallest} (all bytes and the separator) to 1048576"))
            }
            _ => Ok(()),
        }
    }

    /// The positions of a window: documents are cut once for the whole run, so all arms share them.
    ///
    /// # Errors
    /// If the arms differ.
    pub fn context(&self) -> Result<usize, Error> {
        let contexts: Vec<usize> = self.arms.iter().map(Arm::context).collect::<Result<_, _>>()?;
        match contexts.iter().find(|&&c| c != contexts[0]) {
            Some(other) => Err(Error::Request(format!(
                "model.context: {} in one arm and {other} in another; documents are cut once for all arms",
                contexts[0]
            ))),
            None => Ok(contexts[0]),
        }
    }

    /// Ids of a trained tokenizer: as set, or those of the first arm's preset.
    ///
    /// # Errors
    /// If there is no such preset.
    pub fn vocabulary(&self) -> Result<usize, Error> {
        let preset = self.arms[0].model.sizes.preset().map_err(Error::request)?;
        Ok(self.tokenizer.vocabulary.unwrap_or(preset.vocabulary))
    }
}

impl Arm {
    /// The sources of the recipe that defences judge.
    pub(crate) fn judged_sources(&self) -> impl Iterator<Item = Source> {
        self.recipe.amounts().map(|(source, _)| source).filter(|&source| is_judged(&self.curation, source))
    }

    fn context(&self) -> Result<usize, Error> {
        let preset = self.model.sizes.preset().map_err(Error::request)?;
        Ok(self.model.sizes.context.unwrap_or(preset.context))
    }

    fn check(&self, generations: u32) -> Result<(), Error> {
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
        if self.sample.entropy_match && sampling != (Sampling { watermark: sampling.watermark, ..Sampling::default() })
        {
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

/// Takes the arms out of the file, each laid over the file's own `[model]`, `[train]`, `[sample]`, `recipe` and the like, and
/// lays them out over the `[sweep]`.
fn merged_arms(table: &mut Table, keys: &[&str]) -> Result<Vec<Table>, Error> {
    let mut base = Table::new();
    for key in keys {
        if let Some(value) = table.remove(*key) {
            base.insert((*key).to_owned(), value);
        }
    }
    let arms = match table.remove("arm") {
        None => Vec::new(),
        Some(Value::Array(arms)) => arms,
        Some(_) => return Err(Error::Request("arm: write each arm as a table [[arm]]".into())),
    };
    let sweep = match table.remove("sweep") {
        None => None,
        Some(Value::Table(sweep)) => Some(sweep),
        Some(_) => return Err(Error::Request("sweep: write it as a table [sweep]".into())),
    };
    let merged = arms
        .into_iter()
        .map(|arm| {
            let Value::Table(arm) = arm else {
                return Err(Error::Request("arm: write each arm as a table [[arm]]".into()));
            };
            let mut merged = base.clone();
            tables::merge(&mut merged, &arm);
            Ok(merged)
        })
        .collect::<Result<Vec<_>, _>>()?;
    match sweep {
        None => Ok(merged),
        Some(sweep) => sweep::arms(&base, merged, sweep, keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n[train]\nepochs = 1\n\
        [[arm]]\nname = \"replace\"\n[[arm]]\nname = \"cool\"\nrecipe = \"accumulate\"\nsample.temperature = 0.8\ntrain.tokens = 9\n";

    #[test]
    fn arms_are_laid_over_the_file() {
        let experiment = Experiment::parse(SMALL, &["chain.generations=3".into()]).unwrap();
        assert_eq!(experiment.chain.generations, 3);
        let [replace, cool] = &experiment.arms[..] else { panic!("two arms") };
        assert_eq!((replace.recipe.name(), cool.recipe.name()), (Some("replace"), Some("accumulate")));
        assert_eq!((replace.sample.temperature, cool.sample.temperature), (1.0, 0.8));
        assert_eq!((replace.train.epochs, cool.train.epochs, cool.train.tokens), (Some(1.0), None, Some(9)));
        assert_eq!(cool.model.sizes.preset, "tiny");
    }

    #[test]
    fn the_resolved_file_reads_back_the_same() {
        let experiment = Experiment::parse(SMALL, &[]).unwrap();
        assert_eq!(Experiment::parse(&experiment.to_toml(), &[]).unwrap(), experiment);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("sampel = 1", "sampel: unknown key; did you mean `sample`?"),
            ("chain.generatons = 2", "chain.generatons: unknown key; did you mean `generations`?"),
            ("chain.generations = 0", "chain.generations = 0: from 1"),
            ("chain.generations = \"two\"", "chain.generations: "),
            ("chain.seeds = [1, 1]", "chain.seeds = [1, 1]"),
            ("train.clip = -1.0", "arm `replace`: train.clip = -1"),
            (
                "train.lerning_rate = 1.0",
                "arm `replace`.train.lerning_rate: unknown key; did you mean `learning_rate`?",
            ),
            ("sample.temperature = -1.0", "temperature"),
            ("model.preset = \"huge\"", "no such preset"),
            ("recipe = \"repalce\"", "unknown recipe `repalce`"),
            ("tokenizer.kind = \"words\"", "tokenizer.kind = \"words\""),
            ("tokenizer.vocabulary = 10", "tokenizer.vocabulary = 10"),
            ("corpus.path = \"x\"", "not both"),
            ("name = \"../x\"", "name: "),
        ];
        for (assignment, expected) in cases {
            let error = Experiment::parse(SMALL, &[assignment.into()]).unwrap_err().to_string();
            assert!(error.contains(expected), "{assignment}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        assert!(Experiment::parse("name = ", &[]).unwrap_err().to_string().starts_with("line 1: "));
        let twice = SMALL.replace("cool", "Replace");
        assert!(Experiment::parse(&twice, &[]).unwrap_err().to_string().contains("twice"));
        let bad = SMALL.replace("\"cool\"", "\"a/b\"");
        assert!(Experiment::parse(&bad, &[]).unwrap_err().to_string().contains("a/b"));
    }
}
