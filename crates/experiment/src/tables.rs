//! TOML tables: merged first, read after. Errors name the full key.

use crate::error::{Error, fail};
use crate::schedule::is_schedule;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Lays `over` on `base`: tables are merged key by key, anything else is replaced. A `recipe`, an `objective` and a schedule
/// are replaced whole, and a training budget of one kind takes the other's place.
pub(crate) fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new))
                if key != "recipe" && key != "objective" && !is_schedule(old) && !is_schedule(new) =>
            {
                for (one, other) in [("epochs", "tokens"), ("tokens", "epochs")] {
                    if key == "train" && new.contains_key(one) && !new.contains_key(other) {
                        old.remove(other);
                    }
                }
                merge(old, new);
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Sets `key.path` to a value written as in TOML; what is no TOML value is a string.
pub(crate) fn set(table: &mut Table, assignment: &str) -> Result<(), Error> {
    let Some((path, text)) = assignment.split_once('=') else {
        fail!("--set {assignment}: give key.path=value, as in --set train.epochs=1");
    };
    let value = match format!("value = {text}").parse::<Table>() {
        Ok(mut parsed) => parsed.remove("value"),
        Err(_) if has_large_number(text) => fail!("--set {path}: {NUMBERS}"),
        Err(_) => None,
    };
    let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
    let keys: Vec<&str> = path.trim().split('.').collect();
    let (last, parents) = keys.split_last().expect("splitting gives at least one part");
    // Keys of a file have four parts at most; a table in thousands of others would overflow the stack.
    if keys.len() > 32 || keys.iter().any(|k| k.is_empty()) {
        let shown: String = path.chars().take(100).collect();
        fail!("--set {shown}: `{shown}` is no key path");
    }
    let mut over = Table::from_iter([((*last).to_owned(), value)]);
    for key in parents.iter().rev() {
        over = Table::from_iter([((*key).to_owned(), Value::Table(over))]);
    }
    merge(table, &over);
    Ok(())
}

/// The whole numbers that TOML has.
const NUMBERS: &str = "whole numbers go from -9223372036854775808 to 9223372036854775807";

/// True of a list of numbers, or one, with more digits than TOML's whole numbers have.
fn has_large_number(text: &str) -> bool {
    let is_of_numbers = text.chars().all(|c| c.is_ascii_digit() || "[], _+-".contains(c));
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    is_of_numbers && text.split(['[', ']', ',', ' ']).any(|part| digits(part) >= 19)
}

/// The parser's message, one line; of a number that is too large, with those that there are.
pub(crate) fn parse_fault(message: &str) -> String {
    let line = message.lines().collect::<Vec<_>>().join(", ");
    let short: String = line.chars().take(300).collect();
    let is_number = ["too large", "too small", "overflow", "out of range"].iter().any(|word| line.contains(word));
    if is_number { format!("{short}; {NUMBERS}") } else { short }
}

/// Reads `value` as a `T`; `place` is its key, for the message.
pub(crate) fn read<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, Error> {
    read_by(value, place, |value| T::deserialize(value))
}

/// The same of a table that stands under another name in the file: the first becomes the second in messages.
pub(crate) fn read_renamed<T: DeserializeOwned>(value: Value, place: &str, names: (&str, &str)) -> Result<T, Error> {
    read_with(
        value,
        place,
        |value| T::deserialize(value),
        |path| match path.strip_prefix(names.0) {
            Some(rest) => format!("{}{rest}", names.1),
            None => path,
        },
    )
}

/// Reads `value` by a function.
pub(crate) fn read_by<T>(
    value: Value,
    place: &str,
    read: impl FnOnce(Tracked<'_, '_>) -> Result<T, toml::de::Error>,
) -> Result<T, Error> {
    read_with(value, place, read, |path| path)
}

/// A value whose reader keeps track of the place.
type Tracked<'a, 'b> = serde_path_to_error::Deserializer<'a, 'b, Value>;

fn read_with<T>(
    value: Value,
    place: &str,
    read: impl FnOnce(Tracked<'_, '_>) -> Result<T, toml::de::Error>,
    rename: impl Fn(String) -> String,
) -> Result<T, Error> {
    let mut track = serde_path_to_error::Track::new();
    read(serde_path_to_error::Deserializer::new(value, &mut track)).map_err(|error| {
        let path = match track.path().to_string() {
            inner if inner == "." => place.to_owned(),
            inner => join(place, &rename(inner)),
        };
        let full = error.to_string();
        let message = full.lines().next().unwrap_or_default();
        Error::new(describe(&path, message))
    })
}

/// Serde's message with the key's place, and for a key that is not known the nearest one that is.
fn describe(path: &str, message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else { return format!("{path}: {}", in_words(message)) };
    let mut quoted = rest.split('`').step_by(2);
    let unknown = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.filter(|k| !k.is_empty()).collect();
    let path = match path.strip_suffix(unknown) {
        Some(_) => path.to_owned(),
        None if path.is_empty() => unknown.to_owned(),
        None => format!("{path}.{unknown}"),
    };
    format!("{path}: {}", unknown_key(unknown, &known))
}

/// The message about a key that is none of these.
pub(crate) fn unknown_key(unknown: &str, known: &[&str]) -> String {
    let listed = known.join(", ");
    match curation::nearest(unknown, known.iter().copied()) {
        Some(near) => format!("unknown key; did you mean `{near}`? (known here: {listed})"),
        None => format!("unknown key (known here: {listed})"),
    }
}

/// `place.key`, or the key alone where there is no place.
pub(crate) fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// Serde's message with words for Rust's types.
fn in_words(message: &str) -> String {
    let Some((start, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let words = match expected {
        "f64" => "a number",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a boolean" => "true or false",
        other => other,
    };
    format!("{start}expected {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn tables_are_merged_and_recipes_replaced() {
        let mut base = table("train = { epochs = 2, clip = 1.0 }\nrecipe = { pool = 0.1, latest = 0.9 }");
        merge(&mut base, &table("train.tokens = 5\nrecipe = { latest = 1.0 }\nname = \"a\""));
        assert_eq!(base, table("train = { clip = 1.0, tokens = 5 }\nrecipe = { latest = 1.0 }\nname = \"a\""));
    }

    #[test]
    fn assignments_reach_into_tables() {
        let mut base = table("[train]\nepochs = 2");
        set(&mut base, "train.clip=0.5").unwrap();
        set(&mut base, "model.preset=tiny").unwrap();
        set(&mut base, "chain.seeds=[1, 2]").unwrap();
        let expected = "train = { epochs = 2, clip = 0.5 }\nmodel.preset = \"tiny\"\nchain.seeds = [1, 2]";
        assert_eq!(base, table(expected));
        assert!(set(&mut base, "train").is_err());
        assert!(set(&mut base, "train..clip=1").is_err());
        assert!(set(&mut base, &format!("{}clip=1", "train.".repeat(50_000))).is_err());
    }

    #[test]
    fn unknown_keys_get_the_nearest() {
        let error = read::<crate::train::Settings>(Value::Table(table("lerning_rate = 1.0")), "train").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("train.lerning_rate: unknown key; did you mean `learning_rate`?"), "{text}");
        let error = read::<crate::train::Settings>(Value::Table(table("clip = \"x\"")), "train").unwrap_err();
        assert_eq!(error.to_string(), "train.clip: invalid type: string \"x\", expected a number");
    }
}
