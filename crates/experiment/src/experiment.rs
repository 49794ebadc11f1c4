//! The experiment file: reading it, checking it, writing it out with every default.

use crate::arm::Arm;
use crate::data::{ChainSettings, CorpusSettings, Data, ScoreSettings, Text, TokenizerSettings};
use crate::error::{Error, fail};
use crate::keep::Keep;
use crate::learner::Scope;
use crate::limits::{LARGEST_FILE, Limits};
use crate::{keys, layers, model, schedule, tables};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};
use toml::{Table, Value};

/// An experiment: a set of arms and seeds over the same data. Resolved: every arm holds all of its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Its name, which is also the default folder's.
    pub name: String,
    /// The question, for the report.
    pub question: String,
    /// Generations and seeds.
    pub chain: ChainSettings,
    /// The data: a corpus with its tokenizer, or exact distributions.
    pub data: Data,
    /// What is kept on disk; it changes no result.
    pub keep: Keep,
    /// The arms that are compared.
    pub arms: Vec<Arm>,
    /// Bounds against mistakes; they change no result.
    pub limits: Limits,
}

/// The file without its arms.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    question: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    corpus: Option<CorpusSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer: Option<TokenizerSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<ScoreSettings>,
    #[serde(default)]
    chain: ChainSettings,
    #[serde(default, skip_serializing_if = "Keep::is_all")]
    keep: Keep,
}

impl Experiment {
    /// Reads an experiment file and lays `--set` assignments on it.
    ///
    /// # Errors
    /// With the file's name and the key that is wrong.
    pub fn load(path: &Path, assignments: &[String]) -> Result<Self, Error> {
        let text = corpus::files::read_small_text(path, LARGEST_FILE)
            .map_err(|e| Error::new(format!("experiment file {e}; give the path of a TOML file")))?;
        Self::parse(&text, assignments).map_err(|error| error.at(path.display()))
    }

    /// Reads an experiment from TOML.
    ///
    /// # Errors
    /// With the key that is wrong.
    pub fn parse(text: &str, assignments: &[String]) -> Result<Self, Error> {
        let mut file: Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            Error::new(format!("line {line}: {}", tables::parse_fault(e.message())))
        })?;
        for assignment in assignments {
            tables::set(&mut file, assignment)?;
        }
        check_keys(&file)?;
        let limits = Limits::take(&mut file)?;
        let layered = layers::take_arms(&mut file, limits.arms)?;
        schedule::refuse(&file)?;
        let Head { name, question, corpus, tokenizer, score, chain, keep } = tables::read(Value::Table(file), "")?;
        // More are refused below.
        let generations = u64::from(chain.generations).min(limits.generations) as u32;
        let arms = layered.into_iter().map(|arm| arm.read(generations)).collect::<Result<Vec<_>, _>>()?;
        let data = data_of(&arms, corpus, tokenizer, score)?;
        Self { name, question, chain, data, keep, arms, limits }.checked()
    }

    /// The experiment, if it can be run, with what presets stand for written out.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        self.check()?;
        self.resolve()?;
        Ok(self)
    }

    /// Writes out what a preset stands for. A resolved experiment stays as it is.
    fn resolve(&mut self) -> Result<(), Error> {
        let first = self.preset()?;
        if let Data::Corpus(Text { tokenizer, .. }) = &mut self.data
            && tokenizer.kind == "bpe"
        {
            tokenizer.vocabulary.get_or_insert(first.vocabulary);
        }
        let context = self.first_transformer().and_then(|settings| settings.context).unwrap_or(first.context);
        self.arms.iter_mut().try_for_each(|arm| arm.resolve(context))
    }

    /// The experiment as TOML, every default written out.
    pub fn to_toml(&self) -> String {
        self.written(Some(&self.limits))
    }

    /// The experiment as TOML, without its limits: what decides its results.
    pub(crate) fn settings(&self) -> String {
        self.written(None)
    }

    fn written(&self, limits: Option<&Limits>) -> String {
        let (corpus, tokenizer, score) = match &self.data {
            Data::Corpus(Text { corpus, tokenizer, score }) => {
                // What measures everything has the digest that it had before there was this table.
                let score = Some(*score).filter(|score| limits.is_some() || *score != ScoreSettings::default());
                (Some(corpus.clone()), Some(tokenizer.clone()), score)
            }
            Data::Exact => (None, None, None),
        };
        let (name, question, chain) = (self.name.clone(), self.question.clone(), self.chain.clone());
        let plain = "settings are plain values";
        let head = Head { name, question, corpus, tokenizer, score, chain, keep: self.keep };
        let mut table = Table::try_from(head).expect(plain);
        if let Some(limits) = limits {
            table.insert("limits".to_owned(), Value::Table(limits.to_table()));
        }
        let arms = self.arms.iter().map(|arm| Value::Table(arm.to_table()));
        table.insert("arm".to_owned(), Value::Array(arms.collect()));
        toml::to_string(&table).expect(plain)
    }

    /// Its text and tokenizer, if it has any.
    pub fn text(&self) -> Option<&Text> {
        match &self.data {
            Data::Corpus(text) => Some(text),
            Data::Exact => None,
        }
    }

    /// Warnings about what is allowed and hardly meant, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let of_arm = |arm: &Arm| {
            let warning = arm.settings().after_the_first().find_map(|settings| settings.recipe.warning());
            warning.map(|warning| format!("arm `{}`: {warning}", arm.name))
        };
        self.arms.iter().filter_map(of_arm).collect()
    }

    fn check(&self) -> Result<(), Error> {
        rundir::check_name(&self.name).map_err(|e| Error::new(e).at("name"))?;
        if let Some(text) = self.text() {
            text.check()?;
        }
        self.chain.check(&self.limits)?;
        let is_world = self.text().is_some_and(|text| text.corpus.is_world());
        let scope = Scope { generations: self.chain.generations, is_world, members: self.limits.members };
        let mut names = BTreeSet::new();
        for arm in &self.arms {
            if !names.insert(arm.name.to_lowercase()) {
                fail!("arm `{}`: duplicate name; arm names must be unique", arm.name);
            }
            arm.check(&scope).map_err(|error| error.at(format!("arm `{}`", arm.name)))?;
        }
        self.check_limits()
    }

    /// The positions of a window: documents are cut once for the whole run, so all arms share them.
    ///
    /// # Errors
    /// If the arms differ, or if they are exact learners, which have no windows.
    pub fn context(&self) -> Result<usize, Error> {
        let mut contexts = self.arms.iter().map(Arm::context);
        let Some(first) = contexts.next().flatten() else { fail!("model.context: an exact learner has no windows") };
        match contexts.flatten().find(|&context| context != first) {
            Some(other) => {
                fail!("model.context: {first} in one arm and {other} in another; documents are cut once for all arms")
            }
            None => Ok(first),
        }
    }

    /// Ids of a trained tokenizer: as set, or those of the first transformer's preset.
    ///
    /// # Errors
    /// If there is no such preset.
    pub fn vocabulary(&self) -> Result<usize, Error> {
        let said = self.text().and_then(|text| text.tokenizer.vocabulary);
        said.map_or_else(|| self.preset().map(|preset| preset.vocabulary), Ok)
    }

    fn first_transformer(&self) -> Option<&model::Settings> {
        self.arms.iter().find_map(|arm| arm.at(0).transformer()).map(|settings| &settings.model)
    }

    /// The first transformer's preset, whose vocabulary and context are the run's where nothing else is said.
    fn preset(&self) -> Result<&'static model::Preset, Error> {
        let default = model::Settings::default();
        self.first_transformer().unwrap_or(&default).preset().map_err(Error::new)
    }
}

/// Refuses keys that stand in no file.
fn check_keys(file: &Table) -> Result<(), Error> {
    let own = keys::of::<Head>(&[]).unwrap_or_default().iter().copied();
    let known: Vec<&str> = own.chain(["arm", "sweep", "limits"]).chain(layers::shared_keys()).collect();
    match file.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => fail!("{key}: {}", tables::unknown_key(key, &known)),
        None => Ok(()),
    }
}

/// The data that these arms learn from.
fn data_of(
    arms: &[Arm],
    corpus: Option<CorpusSettings>,
    tokenizer: Option<TokenizerSettings>,
    score: Option<ScoreSettings>,
) -> Result<Data, Error> {
    let is_exact = |arm: &&Arm| arm.exact().is_some();
    let Some(first) = arms.first() else {
        fail!("arm: at least one [[arm]] is needed, as in [[arm]] name = \"replace\"");
    };
    if let Some(other) = arms.iter().find(|arm| is_exact(arm) != is_exact(&first)) {
        fail!(
            "arm `{}`: model.kind = \"{}\" shares no experiment with model.kind = \"{}\": exact learners have no text",
            other.name,
            other.kind(),
            first.kind()
        );
    }
    if !is_exact(&first) {
        let (corpus, tokenizer) = (corpus.unwrap_or_default(), tokenizer.unwrap_or_default());
        return Ok(Data::Corpus(Text { corpus, tokenizer, score: score.unwrap_or_default() }));
    }
    let kind = first.kind();
    for (key, is_there) in
        [("corpus", corpus.is_some()), ("tokenizer", tokenizer.is_some()), ("score", score.is_some())]
    {
        if is_there {
            fail!("{key}: unknown key for model.kind = \"{kind}\"; a text learner has it");
        }
    }
    Ok(Data::Exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n[train]\nepochs = 1\n\
        [[arm]]\nname = \"replace\"\n[[arm]]\nname = \"cool\"\nrecipe = \"accumulate\"\nsample.temperature = 0.8\ntrain.tokens = 9\n";

    #[test]
    fn the_costliest_measures_are_taken_as_often_as_is_said() {
        let parse = |set: &str| Experiment::parse(SMALL, &[set.to_owned(), "chain.generations=6".to_owned()]);
        let read = |set: &str| -> Vec<u32> {
            let score = parse(set).unwrap().text().unwrap().score;
            (0..6).filter(|&generation| score.reads(generation, 6)).collect()
        };
        assert_eq!(read("score.every=1"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(read("score.every=2"), [0, 2, 4, 5]);
        assert_eq!(read("score.every=9"), [0, 5]);
        let said = |set: &str| parse(set).unwrap_err().to_string();
        assert!(said("score.every=0").starts_with("score.every = 0: at least 1"), "{}", said("score.every=0"));
        assert!(said("score.evry=2").contains("`every`"), "{}", said("score.evry=2"));
        let exact = "name = \"x\"\nscore.every = 2\n[[arm]]\nname = \"a\"\nmodel.kind = \"gaussian\"\n";
        let said = Experiment::parse(exact, &[]).unwrap_err().to_string();
        assert_eq!(said, "score: unknown key for model.kind = \"gaussian\"; a text learner has it");
        // The file shows the default, which changes no digest.
        let (one, two) = (parse("score.every=1").unwrap(), parse("score.every=2").unwrap());
        assert!(one.to_toml().contains("[score]\nevery = 1\n") && !one.settings().contains("[score]"));
        assert!(two.settings().contains("[score]\nevery = 2\n"));
        assert_eq!(Experiment::parse(&two.to_toml(), &[]).unwrap(), two);
    }

    #[test]
    fn arms_are_laid_over_the_file() {
        let experiment = Experiment::parse(SMALL, &["chain.generations=3".into()]).unwrap();
        assert_eq!(experiment.chain.generations, 3);
        let [replace, cool] = [0, 1].map(|arm: usize| experiment.arms[arm].at(0));
        assert_eq!((replace.recipe.name(), cool.recipe.name()), (Some("replace"), Some("accumulate")));
        assert_eq!((replace.sampling().temperature, cool.sampling().temperature), (1.0, 0.8));
        let [replace, cool] = [replace, cool].map(|arm| arm.transformer().unwrap());
        assert_eq!((replace.train.epochs, cool.train.epochs, cool.train.tokens), (Some(1.0), None, Some(9)));
        assert_eq!((cool.model.preset.as_str(), cool.model.width), ("tiny", Some(64)));
    }

    #[test]
    fn the_resolved_file_reads_back_the_same() {
        let experiment = Experiment::parse(SMALL, &[]).unwrap();
        assert_eq!(Experiment::parse(&experiment.to_toml(), &[]).unwrap(), experiment);
    }

    #[test]
    fn wrong_settings_are_named() {
        let cases = [
            ("sampel = 1", "sampel: unknown key; did you mean `sample`?"),
            ("chain.generatons = 2", "chain.generatons: unknown key; did you mean `generations`?"),
            ("chain.generations = 0", "chain.generations = 0: from 1"),
            ("chain.generations = \"two\"", "chain.generations: "),
            ("chain.seeds = [1, 1]", "chain.seeds = [1, 1]"),
            ("train.clip = -1.0", "arm `replace`: train.clip = -1"),
            ("train.lerning_rate = 1.0", "train.lerning_rate: unknown key; did you mean `learning_rate`?"),
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
        assert!(Experiment::parse(&twice, &[]).unwrap_err().to_string().contains("duplicate name"));
        let bad = SMALL.replace("\"cool\"", "\"a/b\"");
        assert!(Experiment::parse(&bad, &[]).unwrap_err().to_string().contains("a/b"));
    }
}
