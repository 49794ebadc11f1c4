//! The documents of a training set as a file lists them: neighbours in one line.
//!
//! A recipe that accumulates takes all documents of all generations before. Listed one by one, the lists of a chain would grow
//! with the square of its generations. Generated documents are numbered, so a line holds a whole range of them. Their
//! sizes are left out: whoever needs them has the documents.

use serde::{Deserialize, Serialize};

use crate::{Pick, Source, Totals, TrainingSet};

/// A training set as a file lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The generation.
    pub generation: u32,
    /// The size of generation 0's human set in tokens.
    pub budget: u64,
    /// Sums over all documents.
    pub totals: Totals,
    /// The documents in their order.
    pub documents: Vec<Range>,
}

/// Documents of one source whose numbers follow each other, in their ids and in the text that holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The source that drew them.
    pub source: Source,
    /// Weight of each of their tokens in the objective.
    pub weight: f64,
    /// The generation that wrote them; `None` for humans.
    pub generation: Option<u32>,
    /// Id of the first.
    pub id: String,
    /// Its place in the text of its generation, or among the human documents.
    pub index: usize,
    /// Id of the last, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many documents.
    pub count: usize,
    /// Their tokens.
    pub tokens: u64,
}

impl TrainingSet {
    /// Its documents in ranges.
    pub fn listing(&self) -> Listing {
        let Self { generation, budget, totals, .. } = self;
        let mut documents: Vec<Range> = Vec::new();
        for pick in &self.documents {
            match documents.last_mut().filter(|range| range.is_followed_by(pick)) {
                Some(range) => range.extend(pick),
                None => documents.push(Range::of(pick)),
            }
        }
        Listing { generation: *generation, budget: *budget, totals: totals.clone(), documents }
    }
}

impl Listing {
    /// The id, generation and index of each document.
    pub fn ids(&self) -> impl Iterator<Item = (String, Option<u32>, usize)> {
        self.documents.iter().flat_map(|range| {
            range.ids().into_iter().enumerate().map(|(at, id)| (id, range.generation, range.index + at))
        })
    }
}

impl Range {
    fn of(pick: &Pick) -> Self {
        let Pick { source, weight, entry } = pick;
        let (generation, id, index, to) = (entry.generation, entry.id.clone(), entry.index, None);
        Self { source: *source, weight: *weight, generation, id, index, to, count: 1, tokens: entry.size }
    }

    fn is_followed_by(&self, pick: &Pick) -> bool {
        let Pick { source, weight, entry } = pick;
        let last = self.to.as_ref().unwrap_or(&self.id);
        (self.source, self.generation, self.index + self.count) == (*source, entry.generation, entry.index)
            && self.weight.to_bits() == weight.to_bits()
            && numbers(last, &entry.id).is_some_and(|numbers| numbers.last == numbers.first + 1)
    }

    fn extend(&mut self, pick: &Pick) {
        self.to = Some(pick.entry.id.clone());
        self.count += 1;
        self.tokens += pick.entry.size;
    }

    /// The ids of its documents.
    pub fn ids(&self) -> Vec<String> {
        let Some(numbers) = self.to.as_ref().and_then(|to| numbers(&self.id, to)) else {
            return vec![self.id.clone()];
        };
        let Numbers { before, first, last, width, after } = numbers;
        (first..=last).map(|number| format!("{before}{number:0width$}{after}")).collect()
    }
}

/// Two ids that differ in one number.
struct Numbers<'a> {
    before: &'a str,
    first: u64,
    last: u64,
    /// Digits of the first, zeros in front among them.
    width: usize,
    after: &'a str,
}

/// The one number in which two ids differ; none if they are equal or differ in something else.
fn numbers<'a>(one: &'a str, other: &str) -> Option<Numbers<'a>> {
    let differs = one.bytes().zip(other.bytes()).position(|(a, b)| a != b)?;
    // Ids may hold any text: the number begins after the last byte that is no digit, and that may lie within a character.
    let start = one.as_bytes()[..differs].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (rest, other_rest) = (one.get(start..)?, other.get(start..)?);
    let (number, after) = rest.split_at(digits(rest));
    let (other_number, other_after) = other_rest.split_at(digits(other_rest));
    let width = number.len();
    let (first, last) = (number.parse().ok()?, other_number.parse().ok()?);
    let is_numbered = after == other_after && format!("{last:0width$}") == other_number && first < last;
    is_numbered.then_some(Numbers { before: &one[..start], first, last, width, after })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Count, Entry};
    use proptest::prelude::*;

    fn pick(id: &str, index: usize, generation: Option<u32>, source: Source) -> Pick {
        Pick { source, weight: 1.0, entry: Entry { id: id.to_owned(), generation, index, size: 7 } }
    }

    fn set(documents: Vec<Pick>) -> TrainingSet {
        let zero = Count { documents: 0, tokens: 0 };
        let totals = Totals {
            all: zero,
            unique: zero,
            by_source: Vec::new(),
            by_origin: Vec::new(),
            by_generation: Vec::new(),
            ancestry: 0.0,
        };
        TrainingSet { generation: 1, budget: 9, totals, documents }
    }

    #[test]
    fn all_of_a_text_is_one_range() {
        let generated = |index: usize| pick(&format!("train-1/2/{index:06}"), index, Some(2), Source::History);
        let members =
            |index: usize| pick(&format!("train-1/2/{index:06}/member-1"), 50 + index, Some(2), Source::History);
        let human = ["sotu/1790#3", "sotu/1801"].map(|id| pick(id, 4, None, Source::Anchor));
        let listed = set((0..1200).map(generated).chain((0..9).map(members)).chain(human).collect()).listing();
        let counts: Vec<usize> = listed.documents.iter().map(|range| range.count).collect();
        assert_eq!(counts, [1200, 9, 1, 1]);
        assert_eq!(listed.documents[0].tokens, 8400);
        assert_eq!(listed.ids().nth(1203).unwrap(), ("train-1/2/000003/member-1".to_owned(), Some(2), 53));
    }

    #[test]
    fn what_differs_ends_a_range() {
        let one = |number: usize| pick(&format!("a/{number}"), number, Some(0), Source::Latest);
        let heavy = Pick { weight: 2.0, ..one(3) };
        let other = Pick { source: Source::History, ..one(4) };
        let listed = set(vec![one(1), one(2), heavy, other, one(5), one(7)]).listing();
        assert_eq!(listed.documents.iter().map(|range| range.count).collect::<Vec<_>>(), [2, 1, 1, 1, 1]);
    }

    #[test]
    fn ids_hold_any_text() {
        let ids = ["Анна", "Бор", "café", "cafè", "x1é", "x2é", "é1", "é2", "", "1", "2"];
        let picks = ids.iter().enumerate().map(|(index, id)| pick(id, index, None, Source::Anchor)).collect();
        let listed: Vec<String> = set(picks).listing().ids().map(|(id, ..)| id).collect();
        assert_eq!(listed, ids);
    }

    proptest! {
        #[test]
        fn every_id_comes_back(numbers in proptest::collection::vec(0_usize..130, 1..60), padded in any::<bool>()) {
            let id = |n: usize| if padded { format!("m1/{n:03}+edited") } else { format!("m1/{n}") };
            let picks: Vec<Pick> = numbers.iter().map(|&n| pick(&id(n), n, Some(0), Source::History)).collect();
            let set = set(picks);
            let expected: Vec<(String, Option<u32>, usize)> =
                set.documents.iter().map(|pick| (pick.entry.id.clone(), Some(0), pick.entry.index)).collect();
            let text = serde_json::to_string(&set.listing()).unwrap();
            let listed: Listing = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(listed.ids().collect::<Vec<_>>(), expected);
        }
    }
}
