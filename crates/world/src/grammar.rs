//! The grammar file as it is written. [`crate::World`] says what each key means.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{WorldError, Wrong};
use crate::world::World;

/// Everything in a grammar file.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grammar {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) document: Lengths,
    pub(crate) person: Persons,
    #[serde(default)]
    pub(crate) kind: Entries<Kind>,
    #[serde(default)]
    pub(crate) fact: Entries<FactOf>,
    pub(crate) forms: Entries<Entries<f64>>,
    #[serde(default)]
    pub(crate) planted: Planted,
    #[serde(default)]
    pub(crate) clock: Clock,
}

/// Length of documents.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lengths {
    pub(crate) runs: Vec<f64>,
    pub(crate) sentences: Vec<f64>,
    pub(crate) longest: usize,
}

/// The persons: a list of names, or first and last names of one gender or two.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Persons {
    pub(crate) words: Option<Vec<String>>,
    pub(crate) count: Option<usize>,
    #[serde(default = "one")]
    pub(crate) exponent: f64,
    pub(crate) family: Option<Names>,
    #[serde(default)]
    pub(crate) gender: Entries<Gender>,
}

/// A share of the persons, their first names, and the words that stand for them.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gender {
    pub(crate) share: f64,
    pub(crate) given: Names,
    pub(crate) pronouns: Entries<String>,
}

/// Names without frequencies.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    pub(crate) words: Option<Vec<String>>,
    pub(crate) count: Option<usize>,
    pub(crate) built: Option<String>,
}

/// Values and their frequencies.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kind {
    pub(crate) words: Option<Vec<String>>,
    pub(crate) count: Option<usize>,
    pub(crate) built: Option<String>,
    pub(crate) from: Option<u32>,
    pub(crate) to: Option<u32>,
    pub(crate) exponent: Option<f64>,
    pub(crate) weights: Option<Vec<f64>>,
}

/// What every person has one of: a kind's name, or a table.
#[derive(Debug)]
pub(crate) struct FactOf {
    pub(crate) kind: String,
    pub(crate) exponent: Option<f64>,
    pub(crate) earlier: Option<String>,
}

/// The values that evaluation follows.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Planted {
    pub(crate) bias: Option<Bias>,
    pub(crate) tic: Option<String>,
}

/// One value of a kind that is drawn while writing.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bias {
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// How the truth changes from generation to generation; without generations it does not.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {
    /// How many generations change it; it stays as the last of them left it.
    pub(crate) generations: u32,
    /// Persons who join in each.
    #[serde(default)]
    pub(crate) persons: usize,
    /// Facts that change their value in each.
    #[serde(default)]
    pub(crate) facts: usize,
}

impl Clock {
    /// Persons who join in all generations together.
    pub(crate) fn joining(&self) -> usize {
        self.persons.saturating_mul(self.generations as usize)
    }
}

fn one() -> f64 {
    1.0
}

/// A table's entries in the order of the file.
#[derive(Debug)]
pub(crate) struct Entries<V>(pub(crate) Vec<(String, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Entries<V> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Table<V> {
            type Value = Entries<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Table(PhantomData))
    }
}

impl<'de> Deserialize<'de> for FactOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            kind: String,
            exponent: Option<f64>,
            earlier: Option<String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = FactOf;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a kind, or a table with `kind`")
            }
            fn visit_str<E: de::Error>(self, kind: &str) -> Result<FactOf, E> {
                Ok(FactOf { kind: kind.to_owned(), exponent: None, earlier: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FactOf, A::Error> {
                let long = Long::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(FactOf { kind: long.kind, exponent: long.exponent, earlier: long.earlier })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A grammar's table and what of its base it does not say itself.
fn with_base(text: &str) -> Result<Spanned<DeTable<'_>>, WorldError> {
    let mut own = DeTable::parse(text).map_err(|error| fault_of_file(text, &error))?;
    let Some(base) = own.get_mut().remove("base") else { return Ok(own) };
    let name = base.get_ref().as_str().ok_or_else(|| {
        let what = "`base` is the name of a world that is built in".to_owned();
        WorldError::File { line: Some(line_at(text, base.span().start)), what }
    })?;
    let mut all = with_base(World::grammar(name)?)?;
    merge(all.get_mut(), std::mem::take(own.get_mut()));
    Ok(Spanned::new(own.span(), all.into_inner()))
}

/// Puts what is in `own` over `base`: a table joins the table that is there, anything else takes its place.
fn merge<'a>(base: &mut DeTable<'a>, own: DeTable<'a>) {
    for (key, value) in own {
        match (base.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value) {
            (Some(DeValue::Table(there)), value) if value.get_ref().is_table() => {
                if let DeValue::Table(own) = value.into_inner() {
                    merge(there, own);
                }
            }
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

fn fault_of_file(text: &str, error: &toml::de::Error) -> WorldError {
    let what = error.message().lines().collect::<Vec<_>>().join(", ");
    WorldError::File { line: error.span().map(|span| line_at(text, span.start)), what }
}

impl Grammar {
    /// Reads a grammar file's text.
    pub(crate) fn read(text: &str) -> Result<Self, WorldError> {
        let table = toml::Deserializer::from(with_base(text)?);
        Self::deserialize(table).map_err(|error| fault_of_file(text, &error))
    }

    /// Gives a fault its line in `text`.
    pub(crate) fn fault(&self, text: &str, wrong: Wrong) -> WorldError {
        let place = match &wrong.path[..] {
            [forms, topic, form] if forms == "forms" => format!("forms.{topic}, form {form:?}"),
            path => path.join("."),
        };
        let [place, what] = [place, wrong.what].map(|said| one_line(&said));
        WorldError::Grammar { world: self.name.clone(), line: line_of(text, &wrong.path), place, what }
    }
}

/// A key, a form or a slot may hold a line's end, or what a terminal would obey: each such character as it is written in a string.
fn one_line(said: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    said.chars().map(shown).collect()
}

/// The line of the last key of the path that is there.
fn line_of(text: &str, path: &[String]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let (mut table, mut line) = (table.get_ref(), None);
    for name in path {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name) else { break };
        line = Some(line_at(text, key.span().start));
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    line
}

fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&b| b == b'\n').count()
}
