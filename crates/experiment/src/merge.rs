//! Merging a request into the experiment that a run directory holds.

use crate::arm::Arm;
use crate::data::Data;
use crate::experiment::Experiment;
use toml::{Table, Value};

impl Experiment {
    /// This experiment with what a request adds to it: generations, seeds and arms.
    ///
    /// # Errors
    /// The first key in which they differ otherwise, with both values; or what is wrong with both taken together.
    pub fn merge(&self, request: &Self) -> Result<Self, String> {
        if self.name != request.name {
            return Err(differ("name", format!("{:?}", self.name), format!("{:?}", request.name)));
        }
        let (old, new) = (data_table(&self.data), data_table(&request.data));
        first_difference("", Some(&old), Some(&new)).map_or(Ok(()), Err)?;
        let mut merged = request.clone();
        merged.chain.generations = self.chain.generations.max(request.chain.generations);
        merged.chain.seeds = self.chain.seeds.clone();
        merged.chain.seeds.extend(request.chain.seeds.iter().filter(|s| !self.chain.seeds.contains(s)));
        merged.limits = self.limits.larger(&request.limits);
        merged.arms = self.arms.clone();
        for arm in &request.arms {
            match self.arms.iter().find(|a| a.name == arm.name) {
                None => merged.arms.push(arm.clone()),
                Some(same) => same_settings(same, arm)?,
            }
        }
        // Read again, since schedules go on over generations that one of the two has not.
        Self::parse(&merged.to_toml(), &[]).map_err(|error| error.to_string())
    }
}

fn differ(what: &str, old: impl std::fmt::Display, new: impl std::fmt::Display) -> String {
    format!("{what} is {old} there and {new} here")
}

fn data_table(data: &Data) -> Value {
    const PLAIN: &str = "settings are plain values";
    let Data::Corpus(text) = data else { return Value::Table(Table::new()) };
    let corpus = Value::try_from(&text.corpus).expect(PLAIN);
    let tokenizer = Value::try_from(&text.tokenizer).expect(PLAIN);
    Value::Table(Table::from_iter([("corpus".to_owned(), corpus), ("tokenizer".to_owned(), tokenizer)]))
}

fn same_settings(old: &Arm, new: &Arm) -> Result<(), String> {
    let table = |arm: &Arm| Value::Table(arm.to_table());
    first_difference(&format!("arm `{}`", new.name), Some(&table(old)), Some(&table(new))).map_or(Ok(()), Err)
}

/// The first key in which two tables differ.
fn first_difference(place: &str, old: Option<&Value>, new: Option<&Value>) -> Option<String> {
    if let (Some(Value::Table(old)), Some(Value::Table(new))) = (old, new) {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let below = |key: &String| first_difference(&crate::tables::join(place, key), old.get(key), new.get(key));
        return keys.into_iter().find_map(below);
    }
    let shown = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), ToString::to_string);
    (old != new).then(|| differ(place, shown(old), shown(new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n[chain]\nseeds = [0]\n\
        [[arm]]\nname = \"replace\"\n";

    fn parse(assignments: &[&str]) -> Experiment {
        let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
        Experiment::parse(FILE, &assignments).unwrap()
    }

    #[test]
    fn generations_seeds_and_arms_are_added() {
        let more = FILE.to_owned() + "[[arm]]\nname = \"accumulate\"\nrecipe = \"accumulate\"\n";
        let more =
            Experiment::parse(&more, &["chain.seeds=[2, 0]".to_owned(), "chain.generations=2".to_owned()]).unwrap();
        let merged = parse(&[]).merge(&more).unwrap();
        assert_eq!((merged.chain.generations, &merged.chain.seeds[..]), (6, &[0, 2][..]));
        assert_eq!(merged.arms.iter().map(|arm| arm.name.as_str()).collect::<Vec<_>>(), ["replace", "accumulate"]);
        assert_eq!(merged.merge(&parse(&[])).unwrap(), merged, "less than what is there changes nothing");
    }

    #[test]
    fn other_differences_are_named() {
        for (assignment, difference) in [
            ("name=\"y\"", "name is \"x\" there and \"y\" here"),
            ("corpus.name=\"code\"", "corpus.name is \"sotu\" there and \"code\" here"),
            ("corpus.tokens=9", "corpus.tokens is not set there and 9 here"),
            ("tokenizer.vocabulary=300", "tokenizer.vocabulary is 512 there and 300 here"),
            ("train.clip=2.0", "arm `replace`.train.clip is 1.0 there and 2.0 here"),
            ("recipe=\"accumulate\"", "arm `replace`.recipe.history is not set there and \"all\" here"),
        ] {
            assert_eq!(parse(&[]).merge(&parse(&[assignment])).unwrap_err(), difference);
        }
        let exact = "name = \"x\"\nmodel.kind = \"gaussian\"\n[[arm]]\nname = \"replace\"\n";
        let exact = Experiment::parse(exact, &[]).unwrap();
        assert!(exact.merge(&parse(&[])).unwrap_err().starts_with("corpus is not set there and "));
    }
}
