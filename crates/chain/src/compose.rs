//! Filling a training set.
//!
//! Amounts are exact counts, not coin flips (a coin for each document would add a variance of its own, and change the
//! laws). Documents are drawn without replacement in a random order until the amount is crossed, and the last one is
//! kept if that brings the total nearer to the amount. A source that is asked for something gives at least one document
//! or an error.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use streams::{Purpose, Streams};

use crate::ledger::nearest_prefix;
use crate::{Amount, Entry, Ledger, Origin, Recipe, RecipeError, Source};

/// One document of a training set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// The source that drew it.
    pub source: Source,
    /// What each of its tokens counts in the objective; 1 is left out of a file.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
    /// The document.
    #[serde(flatten)]
    pub entry: Entry,
}

fn one() -> f64 {
    1.0
}

fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

/// Documents and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Number of documents.
    pub documents: u64,
    /// Sum of their sizes.
    pub tokens: u64,
}

impl Count {
    fn add(&mut self, entry: &Entry) {
        self.documents += 1;
        self.tokens += entry.size;
    }
}

/// How much one source gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfSource {
    /// The source.
    pub source: Source,
    /// The tokens asked for; `None` for all there were.
    pub asked: Option<u64>,
    /// What it gave.
    #[serde(flatten)]
    pub count: Count,
}

/// How much one kind of writer gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfOrigin {
    /// Who wrote it.
    pub origin: Origin,
    /// How much.
    #[serde(flatten)]
    pub count: Count,
}

/// How much one generation gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfGeneration {
    /// The generation that wrote it; `None` for humans.
    pub generation: Option<u32>,
    /// How much.
    #[serde(flatten)]
    pub count: Count,
}

/// Sums over a training set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Everything, a document drawn by two sources counting twice.
    pub all: Count,
    /// Every document once.
    pub unique: Count,
    /// By the source that drew it, in filling order.
    pub by_source: Vec<OfSource>,
    /// By writer.
    pub by_origin: Vec<OfOrigin>,
    /// By the generation that wrote it, humans first.
    pub by_generation: Vec<OfGeneration>,
    /// The mean number of models between a token and a human: 0 for human text, 1 for text of a model trained on it
    /// alone.
    pub ancestry: f64,
}

impl Totals {
    /// The share of tokens that humans wrote.
    pub fn human_share(&self) -> f64 {
        let human = self.by_origin.iter().find(|of| of.origin == Origin::Human).map_or(0, |of| of.count.tokens);
        human as f64 / self.all.tokens as f64
    }
}

/// What a generation is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSet {
    /// The generation.
    pub generation: u32,
    /// The size of generation 0's human set in tokens: what shares are shares of.
    pub budget: u64,
    /// Sums over `documents`.
    pub totals: Totals,
    /// The documents, by source in filling order, then humans first, then by generation and index: an order that
    /// depends on what was drawn and not on how.
    pub documents: Vec<Pick>,
}

impl TrainingSet {
    /// The share of the objective that human text has: of its tokens, or of their weights where the recipe weighs.
    pub fn human_weight(&self) -> f64 {
        let weight = |pick: &Pick| pick.weight * pick.entry.size as f64;
        let human = self.documents.iter().filter(|pick| pick.entry.origin() == Origin::Human).map(weight).sum::<f64>();
        human / self.documents.iter().map(weight).sum::<f64>()
    }

    /// Whether some documents count more than others.
    pub fn is_weighted(&self) -> bool {
        self.documents.iter().any(|pick| pick.weight != self.documents[0].weight)
    }
}

/// Fills the training set of `generation` from what the ledger holds. Generation 0 is always trained on its human set.
///
/// The draws come from [`Purpose::Recipe`] with the source as item, so that a source's draws depend neither on the
/// other sources nor on the arm.
///
/// # Errors
/// [`RecipeError::CannotFill`] if a source holds less than its amount, [`RecipeError::NothingDrawn`] if the amount is
/// less than a document, [`RecipeError::TooEarly`] if the generation before has not written yet.
pub fn compose(
    recipe: &Recipe,
    ledger: &Ledger,
    generation: u32,
    streams: &Streams,
) -> Result<TrainingSet, RecipeError> {
    if generation > ledger.generations() {
        return Err(RecipeError::TooEarly { generation, written: ledger.generations() });
    }
    let given: Vec<(Source, Option<u64>, Vec<Entry>)> = if generation == 0 {
        vec![(Source::Anchor, None, ledger.human().training.clone())]
    } else {
        recipe
            .amounts()
            .map(|(source, amount)| {
                let entries = fill(recipe, ledger, generation, streams, source, amount)?;
                Ok((source, amount.tokens(ledger.budget()), entries))
            })
            .collect::<Result<_, RecipeError>>()?
    };
    let totals = sum_up(ledger, &given);
    let picks = |(source, _, entries): (Source, Option<u64>, Vec<Entry>)| {
        // Generation 0 has one source, which is nobody's recipe.
        let weight = if generation == 0 { 1.0 } else { recipe.weight(source) };
        entries.into_iter().map(move |entry| Pick { source, weight, entry })
    };
    let documents = given.into_iter().flat_map(picks).collect();
    Ok(TrainingSet { generation, budget: ledger.budget(), totals, documents })
}

/// The documents of one source, sorted.
fn fill(
    recipe: &Recipe,
    ledger: &Ledger,
    generation: u32,
    streams: &Streams,
    source: Source,
    amount: Amount,
) -> Result<Vec<Entry>, RecipeError> {
    let human = &ledger.human().training;
    let latest = ledger.written(generation - 1).expect("generation - 1 has written: compose looked");
    let candidates: Vec<&Entry> = match source {
        Source::Anchor | Source::Pool => human.iter().collect(),
        Source::Fresh => ledger.human().reserve.iter().collect(),
        Source::Latest => latest.iter().collect(),
        Source::History => {
            let written = (0..generation).filter_map(|earlier| ledger.written(earlier));
            human.iter().chain(written.flatten()).collect()
        }
    };
    let available = candidates.iter().map(|entry| entry.size).sum();
    recipe.enough(source, amount, generation, ledger.budget(), available)?;
    let Some(target) = amount.tokens(ledger.budget()) else {
        return Ok(candidates.into_iter().cloned().collect());
    };
    let mut drawn = match source {
        Source::Fresh => unused(&candidates, target, generation),
        _ => {
            // The anchor's draw is generation 0's in every generation: the same documents each time.
            let at = if source == Source::Anchor { 0 } else { generation };
            let order = streams.stream(Purpose::Recipe, at, source as u64).permutation(candidates.len());
            let drawn: Vec<&Entry> = order.into_iter().map(|i| candidates[i]).collect();
            if source == Source::History && recipe.is_balanced() {
                equal_parts(&drawn, target, generation, amount, recipe, ledger)?
            } else {
                drawn[..nearest_prefix(&drawn, target, 1)].to_vec()
            }
        }
    };
    if drawn.is_empty() {
        return Err(RecipeError::NothingDrawn { from: source, generation, asked: target });
    }
    drawn.sort_by_key(|entry| (entry.generation, entry.index));
    Ok(drawn.into_iter().cloned().collect())
}

/// As much from the human set as from each generation, in the order drawn.
fn equal_parts<'a>(
    drawn: &[&'a Entry],
    target: u64,
    generation: u32,
    amount: Amount,
    recipe: &Recipe,
    ledger: &Ledger,
) -> Result<Vec<&'a Entry>, RecipeError> {
    let parts = u64::from(generation) + 1;
    let mut taken = Vec::new();
    for (part, of) in std::iter::once(None).chain((0..generation).map(Some)).enumerate() {
        let all: Vec<&Entry> = drawn.iter().copied().filter(|entry| entry.generation == of).collect();
        // Whole tokens that add up to the target.
        let share = target * (part as u64 + 1) / parts - target * part as u64 / parts;
        let available = all.iter().map(|entry| entry.size).sum::<u64>();
        if available < share {
            recipe.enough(Source::History, amount, generation, ledger.budget(), available * parts)?;
        }
        taken.extend(&all[..nearest_prefix(&all, share, 1)]);
    }
    Ok(taken)
}

/// The part of the reserve that belongs to `generation`: from `(generation - 1) * target` tokens on to `generation *
/// target`. Both borders are cut from the whole reserve, so no document is used twice and rounding does not add up.
fn unused<'a>(reserve: &[&'a Entry], target: u64, generation: u32) -> Vec<&'a Entry> {
    let border = |generation: u32| nearest_prefix(reserve, target * u64::from(generation), 0);
    reserve[border(generation - 1)..border(generation)].to_vec()
}

fn sum_up(ledger: &Ledger, given: &[(Source, Option<u64>, Vec<Entry>)]) -> Totals {
    let (mut all, mut unique, mut seen) = (Count::default(), Count::default(), BTreeSet::new());
    let mut by_origin = BTreeMap::<Origin, Count>::new();
    let mut by_generation = BTreeMap::<Option<u32>, Count>::new();
    let mut by_source = Vec::new();
    for (source, asked, entries) in given {
        let mut count = Count::default();
        for entry in entries {
            count.add(entry);
            all.add(entry);
            by_origin.entry(entry.origin()).or_default().add(entry);
            by_generation.entry(entry.generation).or_default().add(entry);
            if seen.insert((entry.generation, entry.index)) {
                unique.add(entry);
            }
        }
        by_source.push(OfSource { source: *source, asked: *asked, count });
    }
    let depth = |(&generation, count): (&Option<u32>, &Count)| count.tokens as f64 * ledger.ancestry(generation);
    let ancestry = by_generation.iter().map(depth).sum::<f64>() / all.tokens.max(1) as f64;
    Totals {
        all,
        unique,
        by_source,
        by_origin: by_origin.into_iter().map(|(origin, count)| OfOrigin { origin, count }).collect(),
        by_generation: by_generation
            .into_iter()
            .map(|(generation, count)| OfGeneration { generation, count })
            .collect(),
        ancestry,
    }
}
