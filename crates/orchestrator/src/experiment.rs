//! The experiment file: reading it, laying arms over it, checking it, writing it out with every default.

mod arm;
mod settings;

pub use arm::Arm;
pub use settings::{ChainSettings, CorpusSettings, PromptFrom, SampleSettings, TokenizerSettings};

use crate::kind::{Kind, TRANSFORMER};
use crate::{Error, solvable, sweep, tables};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};
use toml::{Table, Value};

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
