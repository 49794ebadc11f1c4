//! The ledger: what humans and each generation wrote, as the recipe sees it.

use serde::{Deserialize, Serialize};
use streams::{Purpose, Streams};

use crate::RecipeError;

/// Who wrote a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A human.
    Human,
    /// A model of this chain.
    Synthetic,
}

/// One document, as far as a recipe is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The document's id, unique in its chain.
    pub id: String,
    /// The generation that wrote it; `None` for human documents.
    pub generation: Option<u32>,
    /// Its position in the list it belongs to: the human corpus, or its generation's documents.
    pub index: usize,
    /// Its length in tokens.
    pub size: u64,
}

impl AsRef<Entry> for Entry {
    fn as_ref(&self) -> &Entry {
        self
    }
}

impl Entry {
    /// Who wrote it.
    pub fn origin(&self) -> Origin {
        if self.generation.is_some() { Origin::Synthetic } else { Origin::Human }
    }
}

/// The human documents of one seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HumanSet {
    /// What generation 0 is trained on, in corpus order. Its size in tokens is the budget that shares refer to.
    pub training: Vec<Entry>,
    /// What no generation has seen yet, in the order in which `fresh` uses it up.
    pub reserve: Vec<Entry>,
}

impl HumanSet {
    /// All of `entries` for generation 0, and no reserve.
    pub fn whole(entries: Vec<Entry>) -> Self {
        Self { training: entries, reserve: Vec::new() }
    }
}

/// Draws the human documents that a seed works with: in random order until `tokens` is reached as nearly as whole
/// documents allow ([`Purpose::Subset`]). The others are the reserve, in the order drawn. `None` takes all.
///
/// # Errors
/// [`RecipeError::HumanTooSmall`] if the corpus holds fewer tokens than asked for.
pub fn human_subset(entries: &[Entry], tokens: Option<u64>, streams: &Streams) -> Result<HumanSet, RecipeError> {
    human_subset_by(entries, |entry| &entry.id, tokens, streams)
}

/// [`human_subset`] where entries are pieces of source documents: sources are drawn, and no source has pieces on both
/// sides, or `fresh` would bring text whose neighbours were trained on. Pieces of one source stand together in `entries`.
/// The last source that training takes is cut where the tokens are reached, and what is left of it is not used at all.
///
/// # Errors
/// As [`human_subset`].
pub fn human_subset_by<'a>(
    entries: &'a [Entry],
    source: impl Fn(&'a Entry) -> &'a str,
    tokens: Option<u64>,
    streams: &Streams,
) -> Result<HumanSet, RecipeError> {
    let Some(needed) = tokens else {
        return Ok(HumanSet::whole(entries.to_vec()));
    };
    let available = tokens_of(entries);
    if needed > available {
        return Err(RecipeError::HumanTooSmall { needed, available });
    }
    let mut sources: Vec<&[Entry]> = Vec::new();
    let mut first = 0;
    for end in 1..=entries.len() {
        if end == entries.len() || source(&entries[end]) != source(&entries[first]) {
            sources.push(&entries[first..end]);
            first = end;
        }
    }
    let order = streams.stream(Purpose::Subset, 0, 0).permutation(sources.len());
    let drawn: Vec<&Entry> = order.iter().flat_map(|&i| sources[i]).collect();
    let (training, reserve) = drawn.split_at(nearest_prefix(&drawn, needed, 1));
    let last = training.last().map(|entry| source(entry));
    let reserve = reserve.iter().skip_while(|entry| Some(source(entry)) == last);
    let reserve = reserve.map(|&entry| entry.clone()).collect();
    let mut training: Vec<Entry> = training.iter().map(|&entry| entry.clone()).collect();
    training.sort_by_key(|entry| entry.index);
    Ok(HumanSet { training, reserve })
}

/// Everything a chain has to draw from.
#[derive(Clone, Debug)]
pub struct Ledger {
    human: HumanSet,
    budget: u64,
    written: Vec<Vec<Entry>>,
    /// Per generation: how many models stand, on average, between a token it wrote and a human.
    ancestry: Vec<f64>,
}

impl Ledger {
    /// A ledger in which no generation has written yet.
    pub fn new(human: HumanSet) -> Self {
        let budget = tokens_of(&human.training);
        Self { human, budget, written: Vec::new(), ancestry: Vec::new() }
    }

    /// The human training set's size in tokens: what shares are shares of.
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// The human documents.
    pub fn human(&self) -> &HumanSet {
        &self.human
    }

    /// How many generations have written.
    pub fn generations(&self) -> u32 {
        self.written.len() as u32
    }

    /// What `generation` wrote, in index order, or `None` if it has not.
    pub fn written(&self, generation: u32) -> Option<&[Entry]> {
        self.written.get(generation as usize).map(Vec::as_slice)
    }

    /// The mean number of models between a token of `generation` (`None`: human) and a human.
    ///
    /// # Panics
    /// If that generation has not written.
    pub fn ancestry(&self, generation: Option<u32>) -> f64 {
        generation.map_or(0.0, |generation| self.ancestry[generation as usize])
    }

    /// Adds what the next generation wrote after it was trained on text of mean ancestry `trained_on`.
    pub fn push(&mut self, entries: Vec<Entry>, trained_on: f64) {
        self.written.push(entries);
        self.ancestry.push(trained_on + 1.0);
    }
}

/// The sum of the sizes.
pub(crate) fn tokens_of(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.size).sum()
}

/// How many of the first entries come nearest to `target` tokens, of two prefixes equally near the shorter, but at
/// least `least` if there are as many.
pub(crate) fn nearest_prefix<E: AsRef<Entry>>(entries: &[E], target: u64, least: usize) -> usize {
    let mut total = 0;
    for (count, entry) in entries.iter().enumerate() {
        let next = total + entry.as_ref().size;
        if next >= target && count >= least {
            return if next - target < target.abs_diff(total) { count + 1 } else { count };
        }
        total = next;
    }
    entries.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sizes: &[u64]) -> Vec<Entry> {
        let entry = |(index, &size)| Entry { id: format!("h{index}"), generation: None, index, size };
        sizes.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn the_nearest_prefix_wins() {
        let all = entries(&[4, 4, 4]);
        let all: Vec<&Entry> = all.iter().collect();
        let lengths: Vec<usize> = (0..=12).map(|target| nearest_prefix(&all, target, 0)).collect();
        // Targets 2, 6 and 10 lie half way: the shorter prefix.
        assert_eq!(lengths, [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
        assert_eq!([0, 1, 5, 7].map(|target| nearest_prefix(&all, target, 1)), [1, 1, 1, 2]);
        assert_eq!(nearest_prefix::<Entry>(&[], 5, 1), 0);
    }

    #[test]
    fn a_subset_and_its_reserve_share_the_corpus_out() {
        let corpus = entries(&[3, 5, 7, 2, 9, 4]);
        let set = human_subset(&corpus, Some(15), &Streams::new(3)).unwrap();
        assert!(tokens_of(&set.training).abs_diff(15) <= 4, "{set:?}");
        assert!(set.training.is_sorted_by_key(|entry| entry.index));
        let mut ids: Vec<&str> = set.training.iter().chain(&set.reserve).map(|entry| entry.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["h0", "h1", "h2", "h3", "h4", "h5"]);
        assert_eq!(set, human_subset(&corpus, Some(15), &Streams::new(3)).unwrap());
        assert!((4..20).any(|seed| human_subset(&corpus, Some(15), &Streams::new(seed)).unwrap() != set));
    }

    #[test]
    fn no_source_has_pieces_on_both_sides() {
        // Twelve sources of five pieces each.
        let pieces: Vec<Entry> = (entries(&[3; 60]).into_iter())
            .map(|entry| Entry { id: format!("d{}/{:04}", entry.index / 5, entry.index % 5 + 1), ..entry })
            .collect();
        let source = |entry: &Entry| entry.index / 5;
        for seed in 0..20 {
            let set = human_subset_by(&pieces, |entry| &entry.id[..entry.id.len() - 5], Some(66), &Streams::new(seed))
                .unwrap();
            // Four sources and two pieces of a fifth; its other three are left out.
            assert_eq!((tokens_of(&set.training), set.training.len(), set.reserve.len()), (66, 22, 35));
            assert!(set.training.is_sorted_by_key(|entry| entry.index));
            let trained: Vec<usize> = set.training.iter().map(source).collect();
            assert!(set.reserve.iter().all(|entry| !trained.contains(&source(entry))));
            assert!(set.reserve.chunks(5).all(|five| five.iter().all(|entry| source(entry) == source(&five[0]))));
        }
    }

    #[test]
    fn a_corpus_that_is_too_small_is_refused() {
        let error = human_subset(&entries(&[3, 5]), Some(9), &Streams::new(0)).unwrap_err();
        assert_eq!(error, RecipeError::HumanTooSmall { needed: 9, available: 8 });
        assert_eq!(human_subset(&entries(&[3, 5]), None, &Streams::new(0)).unwrap().training.len(), 2);
    }
}
