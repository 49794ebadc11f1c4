//! What an experiment's `kind` decides: which learner goes round, and so which keys its file has.

use crate::{Error, tables};
use toml::{Table, Value};

/// The kind that is trained here; the others are [`chain::solvable`]'s.
pub(crate) const TRANSFORMER: &str = "transformer";
const SOLVABLE: [&str; 6] =
    ["categorical", "gaussian", "gaussian-mixture", "kernel-density", "linear-regression", "n-gram"];

/// The kind of an experiment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind(String);

impl Kind {
    /// What a file says, or `transformer`.
    ///
    /// # Errors
    /// [`Error::Request`] if there is no such kind.
    pub(crate) fn of(table: &Table) -> Result<Self, Error> {
        let Some(value) = table.get("kind") else { return Ok(Self(TRANSFORMER.to_owned())) };
        let known: Vec<&str> = [TRANSFORMER].into_iter().chain(SOLVABLE).collect();
        match value.as_str().filter(|kind| known.contains(kind)) {
            Some(kind) => Ok(Self(kind.to_owned())),
            None => Err(Error::Request(format!("kind = {value}: one of {}", known.join(", ")))),
        }
    }

    fn is_solvable(&self) -> bool {
        self.0 != TRANSFORMER
    }

    /// What an arm may change.
    pub(crate) fn arm_keys(&self) -> &'static [&'static str] {
        match self.is_solvable() {
            true => &["learner", "sample", "recipe"],
            false => &["model", "train", "sample", "recipe", "members", "plant", "follow", "curation"],
        }
    }

    /// Refuses keys that a file of this kind does not have; what an arm may change has been taken out.
    pub(crate) fn check_file(&self, table: &Table) -> Result<(), Error> {
        let own: &[&str] = match self.is_solvable() {
            true => &["name", "question", "kind", "chain", "arm", "sweep"],
            false => &["name", "question", "kind", "corpus", "tokenizer", "chain", "arm", "sweep"],
        };
        self.check(table, own, "")
    }

    /// An arm, with what its learner's settings are to be read as.
    ///
    /// # Errors
    /// [`Error::Request`] if the arm has keys of another kind.
    pub(crate) fn arm(&self, mut arm: Table, place: &str) -> Result<Table, Error> {
        if !self.is_solvable() {
            return Ok(arm);
        }
        self.check(&arm, &["name", "point"], place)?;
        let learner = arm.entry("learner").or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(learner) = learner else {
            return Err(Error::Request(format!("{place}.learner: write it as a table [learner]")));
        };
        match learner.insert("kind".to_owned(), Value::String(self.0.clone())) {
            Some(other) if other.as_str() != Some(&self.0) => {
                Err(Error::Request(format!("{place}.learner.kind = {other}: this file's kind is {}", self.0)))
            }
            _ => Ok(arm),
        }
    }

    fn check(&self, table: &Table, own: &[&str], place: &str) -> Result<(), Error> {
        let known: Vec<&str> = own.iter().chain(self.arm_keys()).copied().collect();
        let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        let near = tables::nearest(key, &known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let place = if place.is_empty() { String::new() } else { format!("{place}.") };
        let (kind, known) = (&self.0, known.join(", "));
        Err(Error::Request(format!("{place}{key}: unknown key{near} (known here, where kind is {kind}: {known})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_the_learners() {
        for kind in SOLVABLE {
            let settings: chain::solvable::Settings = toml::from_str(&format!("kind = \"{kind}\"")).unwrap();
            assert_eq!(settings.kind(), kind);
        }
    }
}
