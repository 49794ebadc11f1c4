//! A request laid beside what a run directory holds.

use crate::Experiment;

/// What a directory's experiment and a request come to: more generations, seeds or arms are fine; anything else that differs is named.
pub(crate) fn joined(old: &Experiment, new: &Experiment) -> Result<Experiment, String> {
    let differ = |what: &str, old: &dyn std::fmt::Debug, new: &dyn std::fmt::Debug| {
        Err(format!("{what} is {old:?} there and {new:?} here"))
    };
    if old.name != new.name {
        return differ("name", &old.name, &new.name);
    }
    if old.kind != new.kind {
        return differ("kind", &old.kind, &new.kind);
    }
    difference("corpus", &old.corpus, &new.corpus)?;
    difference("tokenizer", &old.tokenizer, &new.tokenizer)?;
    let mut joined = new.clone();
    joined.chain.generations = old.chain.generations.max(new.chain.generations);
    joined.chain.seeds = old.chain.seeds.clone();
    joined.chain.seeds.extend(new.chain.seeds.iter().filter(|s| !old.chain.seeds.contains(s)));
    joined.arms = old.arms.clone();
    for arm in &new.arms {
        match old.arms.iter().find(|a| a.name == arm.name) {
            None => joined.arms.push(arm.clone()),
            Some(same) => difference(&format!("arm `{}`", arm.name), same, arm)?,
        }
    }
    Ok(joined)
}

/// The first key in which two tables of settings differ.
fn difference<T: serde::Serialize>(place: &str, old: &T, new: &T) -> Result<(), String> {
    let table = |settings: &T| toml::Value::try_from(settings).expect("settings are plain values");
    match first_difference(place, Some(&table(old)), Some(&table(new))) {
        Some(text) => Err(text),
        None => Ok(()),
    }
}

fn first_difference(place: &str, old: Option<&toml::Value>, new: Option<&toml::Value>) -> Option<String> {
    if let (Some(toml::Value::Table(old)), Some(toml::Value::Table(new))) = (old, new) {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        return keys.into_iter().find_map(|k| first_difference(&format!("{place}.{k}"), old.get(k), new.get(k)));
    }
    let shown = |value: Option<&toml::Value>| value.map_or_else(|| "not set".to_owned(), ToString::to_string);
    (old != new).then(|| format!("{place} is {} there and {} here", shown(old), shown(new)))
}
