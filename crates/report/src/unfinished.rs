//! What a run plans and has not measured yet: of each chain, how many of its generations are there.
//!
//! The plan is the arms of `run.json`, with the seeds and the number of generations of `experiment.toml`. Where that file is
//! missing or cannot be read, nobody knows the plan, and nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use serde::Deserialize;

use crate::data::{Data, Failure, Measured};
use crate::markup::folded;
use crate::pieces::Piece;
use crate::visible::visible;

/// Arms that are listed at once.
const SHOWN: usize = 12;

/// An arm with chains that have not reached their last generation. Chains that failed are not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    pub(crate) arm: String,
    /// Seeds by the number of their generations that are there, and by how many there are to be.
    seeds: BTreeMap<(usize, usize), Vec<u64>>,
    /// True if these are all of the arm's seeds.
    all: bool,
}

/// The part of an experiment file that says how much there is to come.
#[derive(Deserialize)]
struct Plan {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    generations: usize,
    seeds: Vec<u64>,
}

/// The arms that are not finished, in the order in which the pieces state them.
pub(crate) fn of(pieces: &[Piece], measured: &Measured, failures: &[Failure]) -> Vec<Unfinished> {
    let mut arms: Vec<&str> = Vec::new();
    let mut planned: BTreeMap<(&str, u64), usize> = BTreeMap::new();
    for piece in pieces {
        let plan: Option<Plan> = piece.settings.as_ref().and_then(|settings| toml::from_str(settings).ok());
        let Some(Plan { chain }) = plan else { continue };
        for arm in piece.info.arms.iter().map(|arm| arm.name.as_str()) {
            if !arms.contains(&arm) {
                arms.push(arm);
            }
            for &seed in &chain.seeds {
                let generations = planned.entry((arm, seed)).or_default();
                *generations = chain.generations.max(*generations);
            }
        }
    }
    let ended: BTreeSet<(&str, u64)> = failures.iter().map(|f| (f.chain.arm.as_str(), f.chain.seed)).collect();
    let reached = |arm: &str, seed| measured.get(arm).and_then(|seeds| seeds.get(&seed)).map_or(0, BTreeSet::len);
    let of_arm = |name: &str| {
        let (mut seeds, mut all) = (BTreeMap::<_, Vec<u64>>::new(), true);
        for ((arm, seed), &planned) in planned.range((name, 0)..=(name, u64::MAX)) {
            match reached(arm, *seed) {
                reached if reached < planned && !ended.contains(&(*arm, *seed)) => {
                    seeds.entry((reached, planned)).or_default().push(*seed);
                }
                _ => all = false,
            }
        }
        (!seeds.is_empty()).then(|| Unfinished { arm: name.to_owned(), seeds, all })
    };
    arms.into_iter().filter_map(of_arm).collect()
}

impl Unfinished {
    /// The same under another name.
    pub(crate) fn renamed(&self, arm: String) -> Self {
        Self { arm, ..self.clone() }
    }

    /// `not finished: 3 of 6 generations`, with the seeds where they differ.
    pub(crate) fn words(&self) -> String {
        let alike = self.all && self.seeds.len() == 1;
        let part = |((reached, planned), seeds): (&(usize, usize), &Vec<u64>)| {
            let numbers: Vec<String> = seeds.iter().map(u64::to_string).collect();
            let of = format!("{reached} of {planned} generation{}", if *planned == 1 { "" } else { "s" });
            let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
            if alike { of } else { format!("{of} ({noun} {})", numbers.join(", ")) }
        };
        format!("not finished: {}", self.seeds.iter().map(part).collect::<Vec<_>>().join(", "))
    }
}

/// What a page says at its top; empty if all is there.
pub(crate) fn section(data: &Data) -> Markup {
    if data.unfinished.is_empty() {
        return Markup::default();
    }
    let list = html! {
        ul {
            @for unfinished in &data.unfinished {
                li { b { (unfinished.arm) } ": " (unfinished.words()) }
            }
        }
    };
    html! {
        div.warn {
            p { b { "The run is not finished." } " Shown is what is there so far." }
            (folded(data.unfinished.len(), SHOWN, "arms", &list))
        }
    }
}

/// The same for a terminal, a line for each arm.
pub(crate) fn lines(data: &Data) -> String {
    let line = |arm: &Unfinished| format!("{}: {}\n", visible(&arm.arm, false), arm.words());
    data.unfinished.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_named_where_they_differ() {
        let words = |seeds: &[(usize, &[u64])], all| {
            let seeds = seeds.iter().map(|(reached, seeds)| ((*reached, 5), seeds.to_vec())).collect();
            Unfinished { arm: "a".to_owned(), seeds, all }.words()
        };
        assert_eq!(words(&[(3, &[0, 1])], true), "not finished: 3 of 5 generations");
        assert_eq!(words(&[(3, &[1])], false), "not finished: 3 of 5 generations (seed 1)");
        let two = words(&[(0, &[2]), (3, &[0, 1])], true);
        assert_eq!(two, "not finished: 0 of 5 generations (seed 2), 3 of 5 generations (seeds 0, 1)");
    }
}
