//! `model.kind`: which keys each learner has, and how its tables are read and written.

use super::common::Text;
use super::{Exact, Learner, TEXT};
use crate::error::{Error, fail};
use crate::{keys, tables};
use chain::solvable::Settings;
use toml::{Table, Value};

/// A text learner in the list.
pub(crate) struct Row {
    pub(super) name: &'static str,
    /// The keys of one of its tables.
    pub(super) keys: fn(&[&str]) -> Option<Vec<&'static str>>,
    /// Reads it from an arm's tables; the text is the arm's place in messages.
    pub(super) read: fn(Table, &str) -> Result<Learner, Error>,
}

/// The kind of a learner, before its settings are read.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text(&'static Row),
    Exact(&'static str),
}

impl Kind {
    /// The name of the kind where a file says nothing.
    pub(crate) const DEFAULT: &'static str = TEXT[0].name;

    /// All kinds.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TEXT.iter().map(Self::Text).chain(Settings::KINDS.iter().copied().map(Self::Exact))
    }

    /// The kind of an arm, from its own tables and those of the file.
    pub(crate) fn of(arm: &Table, file: &Table, place: &str) -> Result<Self, Error> {
        let said = [arm, file].into_iter().find_map(|table| table.get("model")?.as_table()?.get("kind"));
        let Some(value) = said else { return Ok(Self::Text(&TEXT[0])) };
        let named = value.as_str().and_then(|name| Self::all().find(|kind| kind.name() == name));
        named.ok_or_else(|| {
            let names: Vec<&str> = Self::all().map(Self::name).collect();
            let near = value.as_str().and_then(|name| curation::nearest(name, names.iter().copied()));
            let near = near.map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
            Error::new(format!("{place}.model.kind = {value}: {near}(one of {})", names.join(", ")))
        })
    }

    /// Its name in a file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text(row) => row.name,
            Self::Exact(name) => name,
        }
    }

    /// The keys of an arm's table at a path (the arm itself for the empty path); none where no such table is known.
    pub(crate) fn keys(self, path: &[&str]) -> Option<Vec<&'static str>> {
        match self {
            Self::Text(row) => (row.keys)(path),
            Self::Exact(name) => exact_keys(name, path),
        }
    }

    /// Reads the learner from an arm's tables.
    pub(crate) fn read(self, table: Table, place: &str) -> Result<Learner, Error> {
        self.check_keys(&table, &mut Vec::new(), place)?;
        match self {
            Self::Text(row) => (row.read)(table, place),
            Self::Exact(name) => read_exact(name, table, place).map(Learner::Exact),
        }
    }

    /// Refuses keys that the learner does not have.
    fn check_keys<'t>(self, table: &'t Table, path: &mut Vec<&'t str>, place: &str) -> Result<(), Error> {
        let Some(known) = self.keys(path) else { return Ok(()) };
        for (key, value) in table {
            let place = tables::join(place, key);
            if !known.contains(&key.as_str()) {
                return Err(Error::new(self.unknown(path, key)).at(place));
            }
            if let Value::Table(inner) = value {
                path.push(key);
                self.check_keys(inner, path, &place)?;
                path.pop();
            }
        }
        Ok(())
    }

    /// The message about a key that this learner does not have: another learner that has it, or the nearest key.
    pub(crate) fn unknown(self, path: &[&str], key: &str) -> String {
        let of_kind = match self.name() {
            Self::DEFAULT => String::new(),
            name => format!(" for model.kind = \"{name}\""),
        };
        let has = |kind: &Self| kind.keys(path).is_some_and(|keys| keys.contains(&key));
        let others: Vec<&str> = Self::all().filter(has).map(Self::name).collect();
        if others.is_empty() {
            let known = self.keys(path).unwrap_or_default();
            let message = tables::unknown_key(key, &known);
            return message.replacen("unknown key", &format!("unknown key{of_kind}"), 1);
        }
        let listed = match others.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => unreachable!("one of them has it"),
        };
        let has_vowel = ["a", "e", "i", "o", "u", "n-"].iter().any(|start| listed.starts_with(start));
        format!("unknown key{of_kind}; {} {listed} has it", if has_vowel { "an" } else { "a" })
    }
}

pub(super) fn text_keys<T: Text>(path: &[&str]) -> Option<Vec<&'static str>> {
    let own = keys::of::<T>(path).map(<[_]>::to_vec);
    match path {
        // The sampler's options stand in `[sample]`.
        [] => own.map(|keys| keys.into_iter().filter(|key| *key != "sampling").collect()),
        ["sample"] => own.map(|keys| T::honours().into_iter().map(|opt| opt.name()).chain(keys).collect()),
        ["model"] => own.map(|keys| [KIND].into_iter().chain(keys).collect()),
        _ => own,
    }
}

/// In `[model]`.
const KIND: &str = "kind";

pub(super) fn read_text<T: Text>(mut table: Table, place: &str) -> Result<T, Error> {
    section(&mut table, "model", place)?.map(|model| model.remove(KIND));
    if let Some(sample) = section(&mut table, "sample", place)? {
        let sampling: Table = T::honours().into_iter().filter_map(|opt| sample.remove_entry(opt.name())).collect();
        if !sampling.is_empty() {
            table.insert("sampling".to_owned(), Value::Table(sampling));
        }
    }
    tables::read_renamed(Value::Table(table), place, ("sampling", "sample"))
}

pub(super) fn text_table<T: Text>(settings: &T) -> Table {
    let mut table = plain(settings);
    let sampling = table.remove("sampling");
    let mut front = |name: &str, mut first: Table| {
        if let Some(Value::Table(rest)) = table.get_mut(name) {
            first.extend(std::mem::take(rest));
            *rest = first;
        }
    };
    front("model", Table::from_iter([(KIND.to_owned(), T::KIND.into())]));
    if let Some(Value::Table(sampling)) = sampling {
        front("sample", sampling);
    }
    table
}

fn exact_keys(kind: &str, path: &[&str]) -> Option<Vec<&'static str>> {
    let honours = || defaults(kind).honours().iter().map(|opt| opt.name());
    match path {
        [] if honours().next().is_none() => Some(vec!["model"]),
        [] => Some(vec!["model", "sample"]),
        ["sample"] => Some(honours().collect()).filter(|keys: &Vec<_>| !keys.is_empty()),
        ["model", rest @ ..] => {
            let own = keys::read_by(rest, |probe| Settings::read(kind, probe))?;
            Some(rest.is_empty().then_some(KIND).into_iter().chain(own.iter().copied()).collect())
        }
        _ => None,
    }
}

/// A kind's settings where a file says nothing.
fn defaults(kind: &str) -> Settings {
    Settings::read(kind, Table::new()).expect("each setting of a listed kind has a default")
}

fn read_exact(kind: &str, mut table: Table, place: &str) -> Result<Exact, Error> {
    let mut model = section(&mut table, "model", place)?.map(std::mem::take).unwrap_or_default();
    model.remove(KIND);
    let sample = section(&mut table, "sample", place)?.map(std::mem::take).unwrap_or_default();
    Ok(Exact {
        model: tables::read_by(Value::Table(model), &tables::join(place, "model"), |table| {
            Settings::read(kind, table)
        })?,
        sampling: tables::read(Value::Table(sample), &tables::join(place, "sample"))?,
    })
}

/// A table of an arm, if it is there.
fn section<'t>(table: &'t mut Table, name: &str, place: &str) -> Result<Option<&'t mut Table>, Error> {
    match table.get_mut(name) {
        None => Ok(None),
        Some(Value::Table(section)) => Ok(Some(section)),
        Some(_) => fail!("{place}.{name}: write it as a table [{name}]"),
    }
}

/// Settings as a table.
pub(super) fn plain(settings: &impl serde::Serialize) -> Table {
    Table::try_from(settings).expect("settings are plain values")
}
