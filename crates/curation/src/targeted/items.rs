//! Items that are counted in a text, by target.

use std::collections::BTreeMap;

use corpus::hash::grams;
use world::{Survey, World};

use crate::candidate::Candidate;

/// Counts of human text as decades: the item of a token is how often the human text has it, and of one that it does not
/// have, this.
const UNKNOWN: u64 = u64::MAX;

/// The mapping of a text to items.
pub(super) enum Items<'a> {
    /// Runs of so many tokens.
    Runs(usize),
    /// Tokens, by the decade of their count in the human text.
    Decades(BTreeMap<u32, u64>),
    /// Statements of true facts, and whose they are.
    Facts(&'a World),
}

impl Items<'_> {
    /// Decades of the counts in these documents.
    pub(super) fn decades(human: &[Candidate<'_>]) -> Self {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        human.iter().flat_map(|candidate| candidate.ids).for_each(|&id| *counts.entry(id).or_default() += 1);
        counts.values_mut().for_each(|count| *count = u64::from(count.ilog10()));
        Self::Decades(counts)
    }

    /// The items of a text, in its order.
    pub(super) fn of(&self, ids: &[u32], text: &str, truncated: bool) -> Vec<u64> {
        match self {
            Self::Runs(size) => grams(ids, *size).collect(),
            Self::Decades(decades) => ids.iter().map(|id| decades.get(id).copied().unwrap_or(UNKNOWN)).collect(),
            Self::Facts(world) => {
                let mut survey = Survey::new(world);
                survey.add(world, text, truncated);
                let counts = survey.facts.into_iter().flatten().enumerate();
                counts.flat_map(|(fact, count)| (0..count).map(move |_| fact as u64)).collect()
            }
        }
    }

    /// The items of a document.
    pub(super) fn of_document(&self, candidate: &Candidate<'_>) -> Vec<u64> {
        self.of(candidate.ids, &candidate.document.text, candidate.document.truncated)
    }

    /// The items of a document that are not whole within its first `prompt` tokens.
    pub(super) fn behind(
        &self,
        candidate: &Candidate<'_>,
        prompt: usize,
        decode: &dyn Fn(&[u32]) -> String,
    ) -> Vec<u64> {
        let mut items = self.of_document(candidate);
        let given = &candidate.ids[..prompt.min(candidate.ids.len())];
        match self {
            Self::Facts(_) => {
                for given in self.of(given, &decode(given), true) {
                    if let Some(at) = items.iter().position(|&item| item == given) {
                        items.remove(at);
                    }
                }
                items
            }
            // The first items are the first tokens'.
            Self::Runs(size) => items.split_off((given.len() + 1).saturating_sub(*size).min(items.len())),
            Self::Decades(_) => items.split_off(given.len()),
        }
    }

    /// How much larger one text is than another, as expectations go: facts come by the document, the others by their
    /// number.
    pub(super) fn scale(&self, (documents, items): (u64, u64), (of_documents, of_items): (u64, u64)) -> f64 {
        match self {
            Self::Facts(_) => documents as f64 / of_documents.max(1) as f64,
            _ => items as f64 / of_items.max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{human, village};

    #[test]
    fn what_a_prompt_gives_is_not_counted() {
        let world = village();
        let home = |person: usize| world.values(0)[world.truth(person, 0)].clone();
        let text = format!("Ada lives in {}. Bo lives in {}. Bo calls {} a good place.", home(0), home(1), home(1));
        let document = human(0, &text);
        let ids: Vec<u32> = text.bytes().map(u32::from).collect();
        let decode = |ids: &[u32]| ids.iter().map(|&id| id as u8 as char).collect();
        let candidate = Candidate::new(&document, &ids);
        let first = text.find('.').unwrap() + 1;
        let facts = Items::Facts(&world);
        assert_eq!(facts.of_document(&candidate), [0, 1, 1]);
        assert_eq!(facts.behind(&candidate, first, &decode), [1, 1]);
        // A statement that the prompt does not end is yet to be made.
        assert_eq!(facts.behind(&candidate, first - 2, &decode), [0, 1, 1]);
        let short = Candidate::new(&document, &[1, 2, 3, 4]);
        assert_eq!(Items::Runs(2).behind(&short, 2, &decode), Items::Runs(2).of(&[2, 3, 4], "", false));
        assert_eq!(Items::Runs(3).behind(&short, 1, &decode), Items::Runs(3).of(&[1, 2, 3, 4], "", false));
        assert!(Items::Runs(2).behind(&short, 4, &decode).is_empty());
        let many = vec![7; 10];
        let decades = Items::decades(&[short, Candidate::new(&document, &many)]);
        assert_eq!(decades.of(&[7, 1, 9], "", false), [1, 0, UNKNOWN]);
        assert_eq!(decades.behind(&short, 3, &decode), [0]);
    }
}
