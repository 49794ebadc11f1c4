//! The file's own `[sample]`, `recipe`, `[model]` and the like laid under each of its arms, and the arms laid out over `[sweep]`.
//!
//! `[model]` and `[train]` say how a learner is built, so an arm takes of them the keys that its learner has. All other tables
//! go for every arm: a learner that does not honour one of their keys refuses it.

use crate::arm::Arm;
use crate::error::{Error, fail};
use crate::learner::Kind;
use crate::limits::beyond;
use crate::{sweep, tables};
use toml::{Table, Value};

/// The tables that say how a learner is built.
const OF_LEARNER: [&str; 2] = ["model", "train"];

/// An arm's tables with all that it takes from the file, before they are read.
pub(crate) struct Layered {
    table: Table,
    kind: Kind,
    place: String,
}

impl Layered {
    /// The arm, of so many generations.
    pub(crate) fn read(self, generations: u32) -> Result<Arm, Error> {
        Arm::read(self.table, self.kind, &self.place, generations)
    }
}

/// Takes the arms out of a file, at most so many, with all that they take from the file.
pub(crate) fn take_arms(file: &mut Table, most: u64) -> Result<Vec<Layered>, Error> {
    let shared = shared_keys();
    let mut own = match file.remove("arm") {
        None => Vec::new(),
        Some(Value::Array(arms)) => arms.into_iter().map(table).collect::<Result<_, _>>()?,
        Some(_) => return table(Value::Boolean(false)).map(|_| Vec::new()),
    };
    match file.remove("sweep") {
        None => {}
        Some(Value::Table(grid)) => own = sweep::arms(own, &grid, &shared, most)?,
        Some(_) => fail!("sweep: write it as a table [sweep]"),
    }
    if own.len() as u64 > most {
        return Err(beyond(format_args!("{} arms", own.len()), "arms", most));
    }
    let base: Table = shared.iter().filter_map(|key| file.remove_entry(*key)).collect();
    let mut kinds = Vec::new();
    let mut arms = Vec::new();
    for (index, own) in own.into_iter().enumerate() {
        let name = own.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
        let place = format!("arm `{name}`");
        let kind = Kind::of(&own, &base, &place)?;
        kinds.push(kind);
        arms.push((own, kind, place));
    }
    check_base(&base, &kinds)?;
    let layered = |(own, kind, place): (Table, Kind, String)| {
        let mut table = of_base(&base, kind);
        tables::merge(&mut table, &own);
        Layered { table, kind, place }
    };
    Ok(arms.into_iter().map(layered).collect())
}

fn table(arm: Value) -> Result<Table, Error> {
    match arm {
        Value::Table(arm) => Ok(arm),
        _ => fail!("arm: write each arm as a table [[arm]]"),
    }
}

/// The keys that a file says for its arms and a sweep may vary: those of an arm, whatever learns, without its name and place.
pub(crate) fn shared_keys() -> Vec<&'static str> {
    let mut keys = vec!["recipe"];
    for key in Kind::all().filter_map(|kind| kind.keys(&[])).flatten() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The file's tables as an arm of this kind takes them.
fn of_base(base: &Table, kind: Kind) -> Table {
    let mut taken = base.clone();
    for name in OF_LEARNER {
        let Some(keys) = kind.keys(&[name]) else {
            taken.remove(name);
            continue;
        };
        if let Some(Value::Table(section)) = taken.get_mut(name) {
            section.retain(|key, _| keys.contains(&key));
        }
    }
    taken
}

/// Refuses keys of the file's `[model]` and `[train]` that no arm takes.
fn check_base(base: &Table, kinds: &[Kind]) -> Result<(), Error> {
    let Some(first) = kinds.first() else { return Ok(()) };
    for name in OF_LEARNER {
        let Some(section) = base.get(name) else { continue };
        if kinds.iter().all(|kind| kind.keys(&[name]).is_none()) {
            return Err(Error::new(first.unknown(&[], name)).at(name));
        }
        let is_taken = |key: &str| kinds.iter().any(|kind| kind.keys(&[name]).is_some_and(|keys| keys.contains(&key)));
        let unknown = section.as_table().and_then(|section| section.keys().find(|key| !is_taken(key)));
        if let Some(key) = unknown {
            return Err(Error::new(first.unknown(&[name], key)).at(format!("{name}.{key}")));
        }
    }
    Ok(())
}
