//! Lifetime of false facts: of a chain, the one that is stated over the longest line of generations.

use std::collections::BTreeMap;

use rundir::ChainId;
use serde::Deserialize;

use crate::data::Data;
use crate::stages::{self, Made};

/// File of a score stage.
const FILE: &str = "false-facts.json";
/// A file longer than this is none of ours; it bounds what a broken one can take of memory.
const LONGEST: u64 = 256 << 20;

/// Identity of a false fact: person, fact, value.
type Id = (u64, u64, u64);
/// By generation, how often each false fact was stated.
type Counts = BTreeMap<u32, BTreeMap<Id, u64>>;

/// A false fact that a chain states, and the generations.
pub(crate) struct Genealogy {
    pub(crate) chain: ChainId,
    /// None if the chain states none.
    pub(crate) fact: Option<Descent>,
    /// Every generation whose false facts are known.
    pub(crate) generations: Vec<Generation>,
}

/// One false fact in its unbroken line.
pub(crate) struct Descent {
    /// The fact in words.
    pub(crate) words: String,
    /// The generations of the line.
    pub(crate) first: u32,
    pub(crate) last: u32,
}

pub(crate) struct Generation {
    pub(crate) generation: u32,
    /// The number of times that the fact is stated.
    pub(crate) count: u64,
    /// The number of different false facts that are stated.
    pub(crate) all: usize,
}

#[derive(Deserialize)]
struct Counted {
    person: u64,
    fact: u64,
    value: u64,
    count: u64,
}

#[derive(Deserialize)]
struct Worded {
    person: u64,
    fact: u64,
    value: u64,
    words: String,
}

/// The genealogy of an arm: of its chain that came farthest, the one with the smallest seed among those. None if its
/// false facts were not written down.
///
/// # Errors
/// Which file cannot be read, and why.
pub(crate) fn of_arm(data: &Data, arm: &str) -> Option<Result<Genealogy, String>> {
    let (chain, stages) = stages::farthest(data, arm, stages::SCORE)?;
    let mut counts = Counts::new();
    for made in &stages {
        match made.read::<Vec<Counted>>(FILE, LONGEST) {
            None => {}
            Some(Err(why)) => return Some(Err(why)),
            Some(Ok(facts)) => {
                let facts = facts.into_iter().map(|f| ((f.person, f.fact, f.value), f.count));
                counts.insert(made.generation, facts.collect());
            }
        }
    }
    (!counts.is_empty()).then(|| of_chain(chain.id.clone(), &stages, counts))
}

fn of_chain(chain: ChainId, stages: &[Made], counts: Counts) -> Result<Genealogy, String> {
    let line = longest(&counts);
    let row = |(&generation, facts): (&u32, &BTreeMap<Id, u64>)| {
        let count = line.as_ref().and_then(|line| facts.get(&line.id)).copied().unwrap_or(0);
        Generation { generation, count, all: facts.len() }
    };
    let generations = counts.iter().map(row).collect();
    let fact = match &line {
        Some(line) => Some(Descent { words: words(stages, line)?, first: line.first, last: line.last }),
        None => None,
    };
    Ok(Genealogy { chain, fact, generations })
}

/// A false fact in words, from the first generation of its line.
fn words(stages: &[Made], line: &Line) -> Result<String, String> {
    let made = stages.iter().find(|made| made.generation == line.first).expect("the line is of these stages");
    let facts = made.read::<Vec<Worded>>(FILE, LONGEST).expect("it was read before")?;
    let found = facts.into_iter().find(|f| (f.person, f.fact, f.value) == line.id);
    Ok(found.expect("it was read from this file").words)
}

/// A false fact that every generation from the first to the last states.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    id: Id,
    first: u32,
    last: u32,
    /// Number of times, in all of them.
    total: u64,
}

/// The longest line; of equally long ones the one that is stated most often, then the one with the smallest id.
fn longest(counts: &Counts) -> Option<Line> {
    let mut alive: BTreeMap<Id, Line> = BTreeMap::new();
    let mut best: Option<Line> = None;
    let rank = |line: &Line| (line.last - line.first, line.total, std::cmp::Reverse(line.id));
    for (&generation, facts) in counts {
        let mut next = BTreeMap::new();
        for (&id, &count) in facts {
            let begun = alive.get(&id).filter(|line| line.last + 1 == generation);
            let (first, before) = begun.map_or((generation, 0), |line| (line.first, line.total));
            let line = Line { id, first, last: generation, total: before.saturating_add(count) };
            if best.as_ref().is_none_or(|best| rank(&line) > rank(best)) {
                best = Some(line);
            }
            next.insert(id, line);
        }
        alive = next;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(generations: &[(u32, &[(u64, u64)])]) -> Counts {
        let facts = |facts: &[(u64, u64)]| facts.iter().map(|&(person, count)| ((person, 0, 0), count)).collect();
        generations.iter().map(|&(generation, all)| (generation, facts(all))).collect()
    }

    #[test]
    fn the_longest_unbroken_line() {
        // 7 is stated in three generations, but not in a row; 3 in two in a row.
        let found =
            longest(&counts(&[(0, &[(7, 50)]), (1, &[(3, 1)]), (2, &[(3, 1), (7, 9)]), (3, &[(7, 9)])])).unwrap();
        assert_eq!(
            (found.id.0, found.first, found.last, found.total),
            (7, 2, 3, 18),
            "2 to 3, stated more often than 3"
        );
        // Of equal lengths the total, of equal totals the smaller id.
        assert_eq!(longest(&counts(&[(0, &[(1, 4), (2, 5)])])).unwrap().id.0, 2);
        assert_eq!(longest(&counts(&[(0, &[(1, 5), (2, 5)])])).unwrap().id.0, 1);
        // A generation that is not known breaks every line.
        let found = longest(&counts(&[(0, &[(1, 1)]), (2, &[(1, 3)])])).unwrap();
        assert_eq!((found.first, found.last, found.total), (2, 2, 3));
        assert_eq!(longest(&counts(&[(0, &[])])), None);
    }
}
