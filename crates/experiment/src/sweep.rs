//! The `[sweep]` table: lists of values, of which every combination becomes an arm.
//!
//! ```toml
//! [sweep]
//! sample.temperature = [0.7, 1.0]
//! recipe = ["replace", { pool = 0.1, latest = 0.9 }]
//! ```
//!
//! stands for four arms, each with its `point = { "sample.temperature" = 0.7, recipe = "replace" }`. Where there are arms
//! already, each of them is laid out over the grid.
//!
//! Lists that change together stand in a table `[[sweep.zip]]`, the first values with the first, the second with the second:
//!
//! ```toml
//! [[sweep.zip]]
//! model.width = [32, 64]
//! train.tokens = [1000, 4000]
//! ```
//!
//! stands for two arms. Several such tables and the other keys of the sweep multiply.

use crate::error::{Error, fail};
use crate::{schedule, tables};
use toml::{Table, Value};

/// Keys of the grid that change together: most often one.
struct Axis(Vec<Key>);

/// One key of the grid and its values.
struct Key {
    /// The key's path, with points.
    path: String,
    values: Vec<Value>,
}

/// The arms times the grid; without arms, the points of the grid. `keys` are those that an arm may hold. An arm that was there
/// is the `family` of those that it is laid out to.
///
/// # Errors
/// If a list is empty or no list, lists of a zip differ in length, a key is not known, or there are too many arms.
pub(crate) fn arms(arms: Vec<Table>, sweep: &Table, keys: &[&str], most: u64) -> Result<Vec<Table>, Error> {
    let axes = axes(sweep)?;
    let all = || axes.iter().flat_map(|axis| &axis.0);
    for (number, key) in all().enumerate() {
        key.check(keys)?;
        if all().take(number).any(|other| other.path == key.path) {
            fail!("sweep.{}: duplicate key", key.path);
        }
    }
    let given = if arms.is_empty() { vec![Table::new()] } else { arms };
    let count = axes.iter().try_fold(given.len(), |count, axis| count.checked_mul(axis.len()));
    if count.is_none_or(|count| count as u64 > most) {
        let lists: Vec<String> = axes.iter().map(|axis| axis.len().to_string()).collect();
        let (arms, lists) = (given.len(), lists.join(" × "));
        fail!("sweep: {arms} × {lists} arms are more than {most}; shorten a list, or raise limits.arms");
    }
    let paths: Vec<&str> = all().map(|key| key.path.as_str()).collect();
    let mut laid_out = Vec::new();
    for arm in &given {
        for number in 0..count.unwrap_or(0) / given.len() {
            laid_out.push(at_point(arm, &axes, &paths, number)?);
        }
    }
    Ok(laid_out)
}

/// The axes of the grid, in the order of the file.
fn axes(sweep: &Table) -> Result<Vec<Axis>, Error> {
    let mut axes = Vec::new();
    for (key, value) in sweep {
        match (key.as_str(), value) {
            ("zip", Value::Array(zips)) => {
                for zip in zips {
                    axes.push(zipped(zip)?);
                }
            }
            ("zip", _) => fail!("sweep.zip: write it as a table [[sweep.zip]]"),
            _ => {
                let mut keys = Vec::new();
                flatten(key.clone(), value, &mut keys)?;
                axes.extend(keys.into_iter().map(|key| Axis(vec![key])));
            }
        }
    }
    if axes.is_empty() {
        fail!("sweep: give at least one key a list, as in sample.temperature = [0.7, 1.0]");
    }
    Ok(axes)
}

/// The keys of a table `[[sweep.zip]]`.
fn zipped(zip: &Value) -> Result<Axis, Error> {
    let Value::Table(zip) = zip else { fail!("sweep.zip: write it as a table [[sweep.zip]]") };
    let mut keys = Vec::new();
    for (key, value) in zip {
        flatten(key.clone(), value, &mut keys)?;
    }
    let Some(first) = keys.first() else { fail!("sweep.zip: give at least two keys a list of the same length each") };
    if let Some(other) = keys.iter().find(|other| other.values.len() != first.values.len()) {
        fail!(
            "sweep.zip: {} has {} values and {} has {}; lists that change together have the same length",
            first.path,
            first.values.len(),
            other.path,
            other.values.len()
        );
    }
    Ok(Axis(keys))
}

/// Lists at any depth, in the order of the file.
fn flatten(path: String, value: &Value, keys: &mut Vec<Key>) -> Result<(), Error> {
    match value {
        Value::Table(inner) => {
            inner.iter().try_for_each(|(key, value)| flatten(tables::join(&path, key), value, keys))?;
        }
        Value::Array(values) if values.is_empty() => {
            fail!("sweep.{path}: the list is empty; give it values or leave it out");
        }
        Value::Array(values) => keys.push(Key { path, values: values.clone() }),
        _ => fail!("sweep.{path}: expected a list, as in {} = [{value}]", last(&path)),
    }
    Ok(())
}

/// The last component of a path.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

impl Axis {
    fn len(&self) -> usize {
        self.0[0].values.len()
    }
}

impl Key {
    fn check(&self, keys: &[&str]) -> Result<(), Error> {
        let path = &self.path;
        let first = path.split('.').next().unwrap_or_default();
        if !keys.contains(&first) {
            fail!("sweep.{path}: {}", tables::unknown_key(first, keys));
        }
        if first == "recipe" && path != first {
            fail!("sweep.{path}: recipes are swept whole, as in recipe = [\"replace\"]");
        }
        let is_plain = |value: &&Value| !matches!(value, Value::Table(_) | Value::Array(_) | Value::Datetime(_));
        let is_whole = |value: &Value| match (path.as_str(), value) {
            ("recipe", Value::Table(_)) | ("curation", Value::Array(_)) => true,
            (_, Value::Table(table)) => schedule::is_schedule(table),
            _ => false,
        };
        match self.values.iter().find(|value| !is_plain(value) && !is_whole(value)) {
            Some(value) => fail!("sweep.{path}: {value} is no single value; name a key in it"),
            None => Ok(()),
        }
    }

    /// The last component of the path, or all of it where another key of the grid ends alike.
    fn short(&self, all: &[&str]) -> &str {
        let alike = all.iter().filter(|other| last(other) == last(&self.path)).count();
        if alike > 1 { &self.path } else { last(&self.path) }
    }
}

/// The arm at one point of the grid of keys with these paths, the last axis changing fastest.
fn at_point(arm: &Table, axes: &[Axis], paths: &[&str], number: usize) -> Result<Table, Error> {
    let mut arm = arm.clone();
    let mut point = Table::new();
    let mut names: Vec<String> = arm.get("name").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    let mut steps = axes.iter().map(Axis::len).product::<usize>();
    for axis in axes {
        steps /= axis.len();
        for key in &axis.0 {
            let value = &key.values[number / steps % axis.len()];
            tables::merge(&mut arm, &nested(&key.path, value));
            names.push(format!("{}-{}", key.short(paths), in_a_name(value)));
            point.insert(key.path.clone(), value.clone());
        }
    }
    let name = names.join("_");
    rundir::check_name(&name).map_err(|e| Error::new(e).at("sweep: name of an arm"))?;
    if let Some(family) = arm.insert("name".to_owned(), Value::String(name)) {
        arm.insert("family".to_owned(), family);
    }
    arm.insert("point".to_owned(), Value::Table(point));
    Ok(arm)
}

/// `{ a = { b = value } }` for the path `a.b`.
fn nested(path: &str, value: &Value) -> Table {
    let wrap = |inner: Value, key: &str| Value::Table(Table::from_iter([(key.to_owned(), inner)]));
    match path.rsplit('.').fold(value.clone(), wrap) {
        Value::Table(table) => table,
        _ => unreachable!("a path has at least one key"),
    }
}

/// A value in letters that a folder's name may hold.
fn in_a_name(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let part = |(key, value): (&String, &Value)| format!("{key}-{}", in_a_name(value));
            table.iter().map(part).collect::<Vec<_>>().join("-")
        }
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(in_a_name).collect::<Vec<_>>().join("-"),
        plain => plain.to_string(),
    };
    text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = ["train", "sample", "recipe"];

    fn lay_out(given: &[&str], sweep: &str) -> Result<Vec<Table>, String> {
        let table = |text: &str| text.parse::<Table>().unwrap();
        let given = given.iter().map(|text| table(text)).collect();
        arms(given, &table(sweep), &KEYS, 1000).map_err(|e| e.to_string())
    }

    fn names(arms: &[Table]) -> Vec<&str> {
        arms.iter().map(|arm| arm["name"].as_str().unwrap()).collect()
    }

    #[test]
    fn every_combination_is_an_arm() {
        let sweep = "sample.temperature = [0.7, 1.0]\nrecipe = [\"replace\", { pool = 0.1, latest = 0.9 }]";
        let found = lay_out(&[], sweep).unwrap();
        assert_eq!(
            names(&found),
            [
                "temperature-0.7_recipe-replace",
                "temperature-0.7_recipe-pool-0.1-latest-0.9",
                "temperature-1.0_recipe-replace",
                "temperature-1.0_recipe-pool-0.1-latest-0.9"
            ]
        );
        let first = "sample.temperature = 0.7\nrecipe = \"replace\"\n\
            name = \"temperature-0.7_recipe-replace\"\npoint = { \"sample.temperature\" = 0.7, recipe = \"replace\" }";
        assert_eq!(found[0], first.parse::<Table>().unwrap());
    }

    #[test]
    fn zipped_keys_change_together_and_multiply_with_others() {
        let sweep = "sample.temperature = [0.7, 1.0]\n[[zip]]\ntrain.tokens = [10, 20, 30]\nsample.top_k = [1, 2, 3]\n\
            [[zip]]\nrecipe = [\"replace\", \"accumulate\"]\ntrain.clip = [1.0, 2.0]";
        let found = lay_out(&["name = \"a\""], sweep).unwrap();
        assert_eq!(found.len(), 2 * 3 * 2);
        let last = "a_temperature-1.0_tokens-30_top_k-3_recipe-accumulate_clip-2.0";
        assert_eq!((names(&found)[11], found[11]["family"].as_str()), (last, Some("a")));
        let point = "\"sample.temperature\" = 1.0\n\"train.tokens\" = 30\n\"sample.top_k\" = 3\nrecipe = \"accumulate\"\n\
            \"train.clip\" = 2.0";
        assert_eq!(found[11]["point"], Value::Table(point.parse().unwrap()));
        let together: std::collections::BTreeSet<(i64, i64)> = (found.iter())
            .map(|arm| (arm["train"]["tokens"].as_integer().unwrap(), arm["sample"]["top_k"].as_integer().unwrap()))
            .collect();
        assert_eq!(together.into_iter().collect::<Vec<_>>(), [(10, 1), (20, 2), (30, 3)]);
    }

    #[test]
    fn a_schedule_is_a_value_of_a_sweep() {
        let found = lay_out(&[], "train.tokens = [9, { by_generation = [9, 3] }]").unwrap();
        assert_eq!(names(&found), ["tokens-9", "tokens-by-generation-9-3"]);
        assert_eq!(found[1]["train"]["tokens"]["by_generation"][1].as_integer(), Some(3));
    }

    #[test]
    fn arms_are_laid_out_one_by_one() {
        let given = ["name = \"a\"\ntrain.tokens = 9", "name = \"b\""];
        let found = lay_out(&given, "train.epochs = [1, 2]\nsample.epochs = [true]").unwrap();
        let expected = ["a_train.epochs-1_sample.epochs-true", "a_train.epochs-2_sample.epochs-true"];
        assert_eq!(names(&found)[..2], expected);
        assert_eq!(found.len(), 4);
        assert_eq!(found[3]["family"].as_str(), Some("b"));
        assert_eq!(found[0]["train"].as_table().unwrap().len(), 1, "a budget of one kind takes the other's place");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let many = format!("train.clip = [{}]", "1, ".repeat(1001));
        for (sweep, why) in [
            ("", "at least one key"),
            ("sample.top_p = []", "sweep.sample.top_p: the list is empty"),
            ("sample.top_p = 0.5", "expected a list, as in top_p = [0.5]"),
            ("sampel.top_p = [0.5]", "sweep.sampel.top_p: unknown key; did you mean `sample`?"),
            ("recipe.pool = [0.5]", "recipes are swept whole"),
            ("train = [{ clip = 1.0 }]", "is no single value"),
            ("sample.top_p = [0.5]\n\"sample.top_p\" = [0.6]", "duplicate key"),
            ("zip = 3", "write it as a table [[sweep.zip]]"),
            ("[[zip]]", "sweep.zip: give at least two keys"),
            (
                "[[zip]]\nsample.top_p = [0.5, 0.6]\ntrain.clip = [1.0]",
                "sweep.zip: sample.top_p has 2 values and train.clip has 1; lists that change together",
            ),
            (
                "sample.top_p = [0.5]\n[[zip]]\nsample.top_p = [0.6]\ntrain.clip = [1.0]",
                "sweep.sample.top_p: duplicate key",
            ),
            (&many, "1 × 1001 arms are more than 1000"),
            ("train.clip = [\"0123456789012345678901234567890123456789012345678901234567890123456789\"]", "64 bytes"),
        ] {
            let message = lay_out(&[], sweep).unwrap_err();
            assert!(message.contains(why), "{sweep}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
