//! The values of a world: names are listed or built.

use std::collections::BTreeSet;

use streams::{Purpose, Stream, item_of_name};

use crate::bounds::{self, MOST_VALUES};
use crate::error::{Wrong, wrong};
use crate::form;
use crate::grammar::{Grammar, Kind, Names};
use crate::list::List;
use crate::names;
use crate::table::Table;
use crate::world::{Fact, World};

/// Numbers that must be probabilities.
pub(crate) fn shares(p: &[f64], path: [&str; 2]) -> Result<Table, Wrong> {
    let sum: f64 = p.iter().sum();
    if p.iter().any(|&p| !(0.0..=1.0).contains(&p)) || (sum - 1.0).abs() > 1e-9 {
        let what =
            format!("these are no probabilities (their sum is {sum}): give the shares of 1, 2, 3, ..., in all 1");
        return Err(wrong(path, what));
    }
    Ok(Table::new(p))
}

pub(crate) fn is_weight(weight: f64) -> bool {
    weight.is_finite() && weight > 0.0
}

pub(crate) struct Building<'a> {
    pub(crate) grammar: &'a Grammar,
    /// Values in use: no two kinds share one.
    pub(crate) taken: BTreeSet<String>,
    pub(crate) lists: Vec<List>,
    pub(crate) facts: Vec<Fact>,
    /// The first list of pronouns.
    pub(crate) pronouns: usize,
}

impl Building<'_> {
    pub(crate) fn stream(&self, generation: u32, what: &str) -> Stream {
        World::stream(&self.grammar.name, self.grammar.seed, Purpose::Learner, generation, item_of_name(what))
    }

    pub(crate) fn zipf(&self, len: usize, exponent: f64, path: [&str; 3]) -> Result<Table, Wrong> {
        if !exponent.is_finite() || exponent < 0.0 {
            return Err(wrong(path, "an exponent is zero (all equally frequent) or above"));
        }
        let weight = |rank: usize| (rank as f64).powf(-exponent);
        bounds::weights((1..=len).map(weight)).map_err(|what| wrong(path, what))?;
        Ok(Table::zipf(len, exponent))
    }

    fn list(&mut self, name: &str, values: Vec<String>, table: Table, path: [&str; 2]) -> Result<(), Wrong> {
        if values.len() > MOST_VALUES {
            return Err(wrong(path, format!("{} values: at most {MOST_VALUES} can be computed", values.len())));
        }
        let list = List::new(name, values, table).map_err(|(a, b)| {
            let what = match a == b {
                true => format!("{a:?} stands here twice: take one out"),
                false => format!("{a:?} begins {b:?}, so a text could be read in two ways: change one of them"),
            };
            wrong(path, what)
        })?;
        self.lists.push(list);
        Ok(())
    }

    /// Words as they are listed, which nothing else may use.
    fn listed(&mut self, words: &[String], path: [&str; 3]) -> Result<Vec<String>, Wrong> {
        if words.is_empty() {
            return Err(wrong(path, "the list is empty: give it a value"));
        }
        for word in words {
            form::value(word).map_err(|what| wrong(path, format!("{word:?}: {what}")))?;
            if !self.taken.insert(word.clone()) {
                return Err(wrong(path, format!("{word:?} stands in two places: values differ across all lists")));
            }
        }
        Ok(words.to_vec())
    }

    fn names(&mut self, names: &Names, path: [&str; 3]) -> Result<Vec<String>, Wrong> {
        match names {
            Names { words: Some(words), count: None, built: None } => self.listed(words, path),
            Names { words: None, count: Some(count), built: Some(built) } => self.built(built, *count, path),
            _ => Err(wrong(path, "give either `words`, or `count` and `built`")),
        }
    }

    fn built(&mut self, pattern: &str, count: usize, path: [&str; 3]) -> Result<Vec<String>, Wrong> {
        if count > MOST_VALUES {
            return Err(wrong(path, format!("{count} values: at most {MOST_VALUES} can be computed")));
        }
        let mut stream = self.stream(0, &path.join("."));
        let values = names::build(pattern, count, &mut self.taken, &mut stream).map_err(|what| wrong(path, what))?;
        if values.is_empty() {
            return Err(wrong(path, "`count` is zero: give it a value above"));
        }
        for value in &values {
            form::value(value).map_err(|what| wrong(path, format!("{value:?}: {what}")))?;
        }
        Ok(values)
    }

    /// The persons of all generations become the first list; the result is the gender of each.
    pub(crate) fn persons(&mut self) -> Result<Vec<u32>, Wrong> {
        let grammar = self.grammar;
        let (names, genders) = match &grammar.person.words {
            Some(words) if grammar.person.gender.0.is_empty() => {
                (self.listed(words, ["person", "words", ""])?, vec![0; words.len()])
            }
            Some(_) => {
                return Err(wrong(["person", "words"], "persons are either listed or built of `gender`s: take one"));
            }
            None => self.built_persons()?,
        };
        for name in &names {
            if !name.split(' ').all(is_name_word) {
                return Err(wrong(["person"], format!("{name:?}: a person's name is of words like Ada or O'Neill")));
            }
        }
        let table = self.zipf(names.len(), grammar.person.exponent, ["person", "exponent", ""])?;
        self.list("person", names, table, ["person", "words"])?;
        Ok(genders)
    }

    fn built_persons(&mut self) -> Result<(Vec<String>, Vec<u32>), Wrong> {
        let person = &self.grammar.person;
        let (Some(family), Some(count @ 1..)) = (&person.family, person.count) else {
            return Err(wrong(["person"], "give `words`, or `count`, `family` and a `gender` or two"));
        };
        let count = count + self.grammar.clock.joining();
        if person.gender.0.is_empty() {
            return Err(wrong(["person"], "no `gender` says what the first names are: give one or two"));
        }
        let families = self.names(family, ["person", "family", ""])?;
        let mut given = Vec::new();
        for (name, gender) in person.gender.iter() {
            given.push(self.names(&gender.given, ["person", "gender", name])?);
        }
        let p: Vec<f64> = person.gender.iter().map(|(_, gender)| gender.share).collect();
        let gender_of = shares(&p, ["person", "gender"])?;
        let room: usize = given.iter().map(|given| given.len() * families.len()).sum();
        // Far from full, so that names drawn at random are soon new ones.
        if count > room / 2 {
            let what =
                format!("first and last names give {room} persons: ask for at most half of them, or add syllables");
            return Err(wrong(["person", "count"], what));
        }
        for (((name, _), &share), given) in person.gender.iter().zip(&p).zip(&given) {
            let (room, asked) = (given.len() * families.len(), share * count as f64);
            // So many of one gender are drawn on average, and about as many in fact.
            if asked > room as f64 && person.gender.0.len() > 1 {
                let what = format!(
                    "its first names and the last names give {room} persons, and a share of {share} of {count} asks for \
                     {asked:.0}: add names, or lower the share"
                );
                return Err(wrong(["person", "gender", name], what));
            }
        }
        let mut stream = self.stream(0, "persons");
        let (mut names, mut genders, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        while names.len() < count {
            let gender = gender_of.draw(stream.uniform());
            let given = &given[gender][stream.below(given[gender].len() as u64) as usize];
            let name = format!("{given} {}", families[stream.below(families.len() as u64) as usize]);
            if seen.insert(name.clone()) {
                names.push(name);
                genders.push(gender as u32);
            }
        }
        Ok((names, genders))
    }

    pub(crate) fn kinds(&mut self) -> Result<(), Wrong> {
        for (name, kind) in self.grammar.kind.iter() {
            if name == "person" {
                return Err(wrong(["kind", name], "persons have their own table: call this kind otherwise"));
            }
            let values = self.kind_values(name, kind)?;
            let table = match (&kind.weights, kind.exponent) {
                (Some(_), Some(_)) => return Err(wrong(["kind", name], "give `weights` or an `exponent`, not both")),
                (Some(weights), None) if weights.len() != values.len() => {
                    let what = format!("{} weights for {} values: give one for each", weights.len(), values.len());
                    return Err(wrong(["kind", name, "weights"], what));
                }
                (Some(weights), None) if weights.iter().all(|&weight| is_weight(weight)) => {
                    bounds::weights(weights.iter().copied()).map_err(|what| wrong(["kind", name, "weights"], what))?;
                    Table::new(weights)
                }
                (Some(_), None) => return Err(wrong(["kind", name, "weights"], "a weight is a number above zero")),
                (None, exponent) => self.zipf(values.len(), exponent.unwrap_or(1.0), ["kind", name, "exponent"])?,
            };
            self.list(name, values, table, ["kind", name])?;
        }
        Ok(())
    }

    fn kind_values(&mut self, name: &str, kind: &Kind) -> Result<Vec<String>, Wrong> {
        match kind {
            Kind { words: Some(words), count: None, built: None, from: None, to: None, .. } => {
                self.listed(words, ["kind", name, "words"])
            }
            Kind { words: None, count: Some(count), built: Some(built), from: None, to: None, .. } => {
                self.built(built, *count, ["kind", name, "built"])
            }
            Kind { words: None, count: None, built: None, from: Some(from), to: Some(to), .. } => {
                if from > to || (to - from) as usize >= MOST_VALUES {
                    return Err(wrong(
                        ["kind", name, "to"],
                        format!("numbers go up, and there are at most {MOST_VALUES} of them"),
                    ));
                }
                let numbers: Vec<String> = (*from..=*to).map(|number| number.to_string()).collect();
                self.listed(&numbers, ["kind", name, "from"])
            }
            _ => Err(wrong(["kind", name], "give either `words`, or `count` and `built`, or `from` and `to`")),
        }
    }

    /// The lists of pronouns, as they are and capitalised, after all others.
    pub(crate) fn pronouns(&mut self) -> Result<(), Wrong> {
        self.pronouns = self.lists.len();
        let genders = &self.grammar.person.gender;
        let Some((first, model)) = genders.iter().next() else { return Ok(()) };
        for (name, gender) in genders.iter() {
            if gender.pronouns.0.len() != model.pronouns.0.len()
                || model.pronouns.iter().any(|(key, _)| gender.pronouns.get(key).is_none())
            {
                let what = format!("its pronouns have other keys than those of {first:?}: give both the same");
                return Err(wrong(["person", "gender", name], what));
            }
        }
        for (key, _) in model.pronouns.iter() {
            form::value(key).map_err(|what| wrong(["person", "gender", first], format!("{key:?}: {what}")))?;
            let words: Vec<String> =
                genders.iter().filter_map(|(_, gender)| gender.pronouns.get(key)).cloned().collect();
            for (word, (gender, _)) in words.iter().zip(genders.iter()) {
                form::value(word).map_err(|what| wrong(["person", "gender", gender], format!("{word:?}: {what}")))?;
            }
            let table = Table::zipf(words.len(), 0.0);
            let large = words.iter().map(|word| capitalised(word)).collect();
            if capitalised(key) == key {
                return Err(wrong(
                    ["person", "gender", first],
                    format!("write the pronoun {key:?} small: {{He}} is made of {{he}}"),
                ));
            }
            self.list(key, words, table.clone(), ["person", "gender"])?;
            self.list(&capitalised(key), large, table, ["person", "gender"])?;
        }
        Ok(())
    }

    pub(crate) fn known_kinds(&self) -> String {
        let names: Vec<&str> = self.lists.iter().map(|list| list.name.as_str()).collect();
        format!("take one of {}", names.join(", "))
    }
}

fn is_name_word(word: &str) -> bool {
    let mut bytes = word.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_uppercase())
        && bytes.all(|b| b.is_ascii_alphabetic() || b == b'\'' || b == b'-')
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}
