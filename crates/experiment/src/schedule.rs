//! Settings by generation: in a file, tables that stand in the place of a number.
//!
//! ```toml
//! train.tokens = { by_generation = [1_000_000, 300_000] }    # the last value holds on
//! recipe.pool = { from = 0.5, factor = 0.5, floor = 0.05 }    # max(floor, from · factor^generation)
//! ```
//!
//! They are resolved in an arm's tables, before anything reads these: a generation's settings are read from plain numbers,
//! as those of any arm are. Whatever the key means by a number, it may so change; what must not is refused where the arm is
//! checked.

use crate::error::{Error, fail};
use crate::tables::{self, join};
use chain::ByGeneration;
use toml::{Table, Value};

const LIST: &str = "by_generation";
const FROM: &str = "from";
const FACTOR: &str = "factor";
const FLOOR: &str = "floor";

/// The two forms, for messages.
const FORMS: &str = "{ by_generation = [1.0, 0.5] } or { from = 1.0, factor = 0.5, floor = 0.1 }";

/// A number that depends on the generation.
#[derive(Debug)]
enum Schedule<'a> {
    /// Values of generations 0, 1, ..., of which the last holds on.
    List(&'a [Value]),
    /// `from · factor^generation`, at least `floor`.
    Geometric { from: f64, factor: f64, floor: f64, is_whole: bool },
}

/// True if a table stands for a number that depends on the generation.
pub(crate) fn is_schedule(table: &Table) -> bool {
    [LIST, FROM, FACTOR].iter().any(|&key| table.contains_key(key))
}

/// True if a value is or holds a schedule.
pub(crate) fn is_scheduled(value: &Value) -> bool {
    match value {
        Value::Table(table) => is_schedule(table) || table.values().any(is_scheduled),
        Value::Array(values) => values.iter().any(is_scheduled),
        _ => false,
    }
}

/// The tables with plain numbers in the place of schedules: those of a generation.
///
/// # Errors
/// A schedule that is none, by its key.
pub(crate) fn at(table: &Table, generation: u32, place: &str) -> Result<Table, Error> {
    replaced_in(table, place, &mut |schedule, place| {
        Schedule::read(schedule, place)?.at(generation).map_err(|error| error.at(place))
    })
}

/// The same tables, where schedules from a whole number give fractions if their key takes one: `from = 1` of a temperature
/// means 1.0. `reads` says whether a generation's tables can be read.
///
/// # Errors
/// A schedule that is none, by its key.
pub(crate) fn with_fractions(mut table: Table, place: &str, reads: impl Fn(Table) -> bool) -> Result<Table, Error> {
    for (key, schedule) in schedules(&table, place) {
        let Schedule::Geometric { from, is_whole: true, .. } = Schedule::read(&schedule, &key)? else { continue };
        let tried = replaced_in(&table, place, &mut |schedule, place| {
            let mut schedule = schedule.clone();
            if place == key {
                schedule.insert(FROM.to_owned(), Value::Float(from));
            }
            Ok(Value::Table(schedule))
        })?;
        if at(&tried, 0, place).is_ok_and(&reads) {
            table = tried;
        }
    }
    Ok(table)
}

/// Refuses tables of the whole run that hold a schedule.
pub(crate) fn refuse(file: &Table) -> Result<(), Error> {
    match schedules(file, "").first() {
        Some((place, _)) => fail!("{place}: belongs to the whole run and cannot change by generation"),
        None => Ok(()),
    }
}

/// The error of a generation's tables. Where a schedule stands in the place of a word or a switch, it says that.
pub(crate) fn explained(error: Error, table: &Table, place: &str, generation: u32) -> Error {
    let text = error.to_string();
    let is_here = |place: &str| text.starts_with(&format!("{place}: invalid type")) && !text.contains("number");
    match schedules(table, place).into_iter().find(|(place, _)| is_here(place)) {
        Some((place, _)) => Error::new("takes no number, and only numbers change by generation").at(place),
        None => error.in_generation(generation),
    }
}

/// Tables as a file may say them, given the tables of each generation with every default written out: schedules stay as
/// `said` has them, and a default that follows from one is left out, since it follows from it again.
pub(crate) fn written(said: &Table, resolved: &[Table]) -> Table {
    let mut written = Table::new();
    for key in keys(resolved.iter().chain([said])) {
        let values: Vec<Option<&Value>> = resolved.iter().map(|table| table.get(key)).collect();
        written.extend(value(said.get(key), &values).map(|value| (key.clone(), value)));
    }
    written
}

fn value(said: Option<&Value>, resolved: &[Option<&Value>]) -> Option<Value> {
    let none = Table::new();
    let tables: Option<Vec<Table>> = resolved.iter().map(|value| value.and_then(Value::as_table).cloned()).collect();
    match (said, tables) {
        (Some(Value::Table(said)), _) if is_schedule(said) => Some(Value::Table(said.clone())),
        (said, Some(tables)) => Some(Value::Table(written(said.and_then(Value::as_table).unwrap_or(&none), &tables))),
        // In one form in some generations and in another in others, as a recipe's source with a weight.
        (Some(said), None) if is_scheduled(said) => Some(said.clone()),
        _ => resolved[0].filter(|first| resolved.iter().all(|other| *other == Some(first))).cloned(),
    }
}

/// The keys of settings that change between generations, with their values; none where a generation lacks one.
pub(crate) fn varying(generations: &[Table]) -> Vec<(String, ByGeneration<Option<Value>>)> {
    let of_generation = |table: &Table| {
        let mut found = Vec::new();
        table.iter().for_each(|(key, value)| leaves(key.clone(), value, &mut found));
        Table::from_iter(found)
    };
    let generations: Vec<Table> = generations.iter().map(of_generation).collect();
    let values = |key: &String| generations.iter().map(|table| table.get(key).cloned()).collect();
    let all = keys(generations.iter()).into_iter().map(|key| (key.clone(), values(key)));
    all.filter(|(_, values): &(_, ByGeneration<_>)| !values.is_constant()).collect()
}

/// The values at the ends of a value's tables, with their keys.
fn leaves(place: String, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| leaves(join(&place, key), value, found)),
        Value::Array(values) => {
            let numbered = values.iter().enumerate();
            numbered.for_each(|(index, value)| leaves(format!("{place}[{index}]"), value, found));
        }
        plain => found.push((place, plain.clone())),
    }
}

/// The keys of tables, each once, in their order.
fn keys<'t>(tables: impl Iterator<Item = &'t Table>) -> Vec<&'t String> {
    let mut keys = Vec::new();
    for key in tables.flat_map(Table::keys) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The schedules of tables, with their places.
fn schedules(table: &Table, place: &str) -> Vec<(String, Table)> {
    let mut found = Vec::new();
    let note = &mut |schedule: &Table, place: &str| {
        found.push((place.to_owned(), schedule.clone()));
        Ok(Value::Boolean(true))
    };
    replaced_in(table, place, note).expect("what notes a schedule cannot fail");
    found
}

/// What a schedule's table and its place are replaced by.
type Replace<'r> = &'r mut dyn FnMut(&Table, &str) -> Result<Value, Error>;

fn replaced_in(table: &Table, place: &str, replace: Replace<'_>) -> Result<Table, Error> {
    table.iter().map(|(key, value)| Ok((key.clone(), replaced(value, &join(place, key), replace)?))).collect()
}

fn replaced(value: &Value, place: &str, replace: Replace<'_>) -> Result<Value, Error> {
    match value {
        Value::Table(table) if is_schedule(table) => replace(table, place),
        Value::Table(table) => replaced_in(table, place, replace).map(Value::Table),
        Value::Array(values) => {
            let each = |(index, value)| replaced(value, &format!("{place}[{index}]"), replace);
            values.iter().enumerate().map(each).collect::<Result<_, _>>().map(Value::Array)
        }
        plain => Ok(plain.clone()),
    }
}

impl<'a> Schedule<'a> {
    fn read(table: &'a Table, place: &str) -> Result<Self, Error> {
        let known: &[&str] = if table.contains_key(LIST) { &[LIST] } else { &[FROM, FACTOR, FLOOR] };
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            fail!("{place}.{key}: {}; a number by generation is {FORMS}", tables::unknown_key(key, known));
        }
        let number =
            |key: &str| table.get(key).map(|value| number(value).map_err(|e| e.at(join(place, key)))).transpose();
        match table.get(LIST) {
            Some(Value::Array(values)) if values.is_empty() => {
                fail!("{place}.{LIST}: the list is empty; give the value of generation 0, of generation 1, and so on")
            }
            Some(Value::Array(values)) => {
                let check = |value: &Value| self::number(value).map_err(|error| error.at(join(place, LIST)));
                values.iter().try_for_each(|value| check(value).map(|_| ()))?;
                Ok(Self::List(values))
            }
            Some(other) => fail!("{place}.{LIST} = {other}: expected a list of numbers, as in {FORMS}"),
            None => {
                let missing =
                    |key: &str| Error::new(format!("{place}: {key} is missing; a number by generation is {FORMS}"));
                let from = number(FROM)?.ok_or_else(|| missing(FROM))?;
                let factor = number(FACTOR)?.ok_or_else(|| missing(FACTOR))?;
                if factor < 0.0 {
                    fail!("{place}.{FACTOR} = {factor}: must be 0 or more");
                }
                let floor = number(FLOOR)?.unwrap_or(f64::NEG_INFINITY);
                Ok(Self::Geometric { from, factor, floor, is_whole: table[FROM].is_integer() })
            }
        }
    }

    /// Its value in a generation.
    fn at(&self, generation: u32) -> Result<Value, Error> {
        match *self {
            Self::List(values) => Ok(values[(generation as usize).min(values.len() - 1)].clone()),
            Self::Geometric { from, factor, floor, is_whole } => {
                // Step by step, which has the same bits on every machine.
                let value = (0..generation).fold(from, |value, _| value * factor).max(floor);
                if !value.is_finite() {
                    fail!("is not finite in generation {generation}; give a smaller factor");
                }
                Ok(if is_whole { Value::Integer(value.round() as i64) } else { Value::Float(value) })
            }
        }
    }
}

/// A value as a number.
fn number(value: &Value) -> Result<f64, Error> {
    match value {
        Value::Integer(whole) => Ok(*whole as f64),
        Value::Float(number) if number.is_finite() => Ok(*number),
        Value::Float(number) => fail!("{number} is not finite"),
        other => fail!("{other} is no number, and only numbers change by generation"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    fn values(schedule: &str, generations: u32) -> Vec<Value> {
        let table = table(&format!("key = {schedule}"));
        (0..generations).map(|generation| at(&table, generation, "").unwrap()["key"].clone()).collect()
    }

    #[test]
    fn schedules_have_a_closed_form() {
        let floats = |values: &[f64]| values.iter().copied().map(Value::Float).collect::<Vec<_>>();
        let whole = |values: &[i64]| values.iter().copied().map(Value::Integer).collect::<Vec<_>>();
        assert_eq!(values("{ by_generation = [1.0, 0.5] }", 4), floats(&[1.0, 0.5, 0.5, 0.5]));
        assert_eq!(values("{ by_generation = [7] }", 2), whole(&[7, 7]));
        assert_eq!(values("{ from = 0.5, factor = 0.5 }", 4), floats(&[0.5, 0.25, 0.125, 0.0625]));
        assert_eq!(values("{ from = 0.5, factor = 0.5, floor = 0.2 }", 4), floats(&[0.5, 0.25, 0.2, 0.2]));
        assert_eq!(values("{ from = 2.0, factor = 0 }", 3), floats(&[2.0, 0.0, 0.0]));
        // Whole numbers stay whole: 333.3, 111.1, 37.04.
        assert_eq!(values("{ from = 1000, factor = 0.3333333333, floor = 50 }", 4), whole(&[1000, 333, 111, 50]));
        assert_eq!(values("{ from = 10, factor = 1.5 }", 3), whole(&[10, 15, 23]));
    }

    #[test]
    fn schedules_are_found_at_any_depth() {
        let said = table(
            "recipe = { pool = { amount = { by_generation = [0.5, 0.25] }, weight = 0.6 } }\n\
             curation = [\"labels\", { detector = { keep = { from = 0.8, factor = 0.5 } } }]",
        );
        let plain =
            table("recipe.pool = { amount = 0.25, weight = 0.6 }\ncuration = [\"labels\", { detector.keep = 0.4 }]");
        assert_eq!(at(&said, 1, "").unwrap(), plain);
        assert!(is_scheduled(&said["curation"]) && !is_scheduled(&plain["curation"]));
        let place = refuse(&said).unwrap_err().to_string();
        assert_eq!(place, "recipe.pool.amount: belongs to the whole run and cannot change by generation");
    }

    #[test]
    fn whole_numbers_become_fractions_where_the_key_takes_them() {
        let said = table("tokens = { from = 9, factor = 0.5 }\nshare = { from = 1, factor = 0.5 }");
        let reads = |table: Table| table["tokens"].is_integer();
        let found = with_fractions(said, "", reads).unwrap();
        assert_eq!(at(&found, 1, "").unwrap(), table("tokens = 5\nshare = 0.5"));
    }

    #[test]
    fn nonsense_is_refused_by_its_key() {
        for (schedule, why) in [
            ("{ by_generation = [] }", "key.by_generation: the list is empty"),
            ("{ by_generation = 3 }", "key.by_generation = 3: expected a list of numbers"),
            ("{ by_generation = [\"muon\"] }", "key.by_generation: \"muon\" is no number"),
            ("{ by_generation = [true] }", "key.by_generation: true is no number"),
            ("{ by_generation = [1.0, nan] }", "key.by_generation: NaN is not finite"),
            ("{ by_generation = [1], factor = 2 }", "key.factor: unknown key"),
            ("{ from = 1.0, factor = inf }", "key.factor: inf is not finite"),
            ("{ from = 1.0, factor = -0.5 }", "key.factor = -0.5: must be 0 or more"),
            ("{ from = 1.0 }", "key: factor is missing; a number by generation is { by_generation = [1.0, 0.5] } or"),
            ("{ factor = 1.0 }", "key: from is missing"),
            ("{ from = 1.0, factor = 0.5, flor = 0.1 }", "key.flor: unknown key; did you mean `floor`?"),
            ("{ from = \"1\", factor = 0.5 }", "key.from: \"1\" is no number"),
        ] {
            let error = at(&table(&format!("key = {schedule}")), 0, "").unwrap_err().to_string();
            assert!(error.starts_with(why), "{schedule}: {error}");
        }
        let grown = table("key = { from = 1.0, factor = 1e300 }");
        assert_eq!(
            at(&grown, 2, "").unwrap_err().to_string(),
            "key: is not finite in generation 2; give a smaller factor"
        );
    }

    #[test]
    fn what_is_written_has_schedules_and_defaults() {
        let said = table("width = { by_generation = [16, 32] }\nrecipe = { pool = { from = 0.5, factor = 0.0 } }");
        let generations = [
            table("width = 16\nrate = 0.1\nclip = 1.0\nrecipe = { pool = 0.5, latest = 0.5 }"),
            table("width = 32\nrate = 0.2\nclip = 1.0\nrecipe = { latest = 0.5 }"),
        ];
        let expected = table(
            "width = { by_generation = [16, 32] }\nclip = 1.0\nrecipe = { pool = { from = 0.5, factor = 0.0 }, latest = 0.5 }",
        );
        assert_eq!(written(&said, &generations), expected);
        assert_eq!(written(&expected, &generations), expected);
        let found = varying(&generations);
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["width", "rate", "recipe.pool"]);
        assert_eq!(found[2].1, [Some(Value::Float(0.5)), None].into_iter().collect());
    }
}
