//! Filling a training set.
//!
//! Amounts are exact counts, not coin flips (a coin for each document would add a variance of its own, and change the
//! laws). Documents are drawn without replacement in a random order until the amount is crossed, and the last one is
//! kept if that brings the total nearer to the amount. A source that is asked for something gives at least one document
//! or an error.
//!
//! What a source offers can be judged first ([`compose_judged`], [`crate::Learner::judge`]): a defence drops documents,
//! weighs them, repeats them, or puts others in their place. The recipe then fills its amounts from what is left, in the
//! order in which it would have drawn without the defence, so that arms which differ in a defence share their draws.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use streams::{Purpose, Streams};

use crate::ledger::nearest_prefix;
use crate::recipe::enough;
use crate::{Amount, ByGeneration, Entry, Ledger, Origin, Recipe, RecipeError, Source};

/// One document of a training set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// The source that drew it.
    pub source: Source,
    /// Weight of each of its tokens in the objective.
    pub weight: f64,
    /// The document.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a defence makes of one document that a source offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// How often the recipe may draw it: 0 drops it, more than 1 repeats it.
    pub copies: u32,
    /// What each of its tokens counts in the objective, times the recipe's own weight of the source; 0 or more.
    pub weight: f64,
    /// What stands in its place, under an id of its own; generation and index stay.
    pub edited: Option<Entry>,
}

impl Decision {
    /// What happens to a document where there is no defence.
    pub const AS_IT_IS: Self = Self { copies: 1, weight: 1.0, edited: None };
}

/// Why a training set could not be filled.
#[derive(Clone, Debug, PartialEq)]
pub enum ComposeError<E> {
    /// The recipe asks for what is not there.
    Recipe(RecipeError),
    /// What was offered could not be judged.
    Judging(E),
}

impl<E> From<RecipeError> for ComposeError<E> {
    fn from(error: RecipeError) -> Self {
        Self::Recipe(error)
    }
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

/// Fills the training set of `generation` from what the ledger holds, by one recipe for all generations. Generation 0 is
/// always trained on its human set.
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
    let as_it_is = |_, offered: &[&Entry]| Ok::<_, Infallible>(vec![Decision::AS_IT_IS; offered.len()]);
    compose_judged(&(*recipe).into(), ledger, generation, streams, as_it_is).map_err(|error| match error {
        ComposeError::Recipe(error) => error,
        ComposeError::Judging(never) => match never {},
    })
}

/// [`compose`], by the recipe of each generation, with `judge` asked first about the documents that each source of the
/// recipe offers: one [`Decision`] for each of them, in their order. Generation 0's human set is nobody's offer and is not
/// judged.
///
/// # Errors
/// As [`compose`], where a source holds less than its amount after the judging, too; and the judge's own.
///
/// # Panics
/// If there are more or fewer decisions than documents.
pub fn compose_judged<E>(
    recipes: &ByGeneration<Recipe>,
    ledger: &Ledger,
    generation: u32,
    streams: &Streams,
    mut judge: impl FnMut(Source, &[&Entry]) -> Result<Vec<Decision>, E>,
) -> Result<TrainingSet, ComposeError<E>> {
    if generation > ledger.generations() {
        return Err(RecipeError::TooEarly { generation, written: ledger.generations() }.into());
    }
    let mut given = Vec::new();
    if generation == 0 {
        let all = ledger.human().training.iter().map(|entry| Offered { entry: Cow::Borrowed(entry), weight: 1.0 });
        given.push(Given { source: Source::Anchor, asked: None, weight: 1.0, offered: all.collect() });
    } else {
        let recipe = recipes.at(generation);
        for (source, amount) in recipe.amounts() {
            let candidates = candidates(ledger, generation, source);
            let decisions = judge(source, &candidates).map_err(ComposeError::Judging)?;
            let slots = Slots::new(candidates, decisions);
            let offered = fill(recipes, ledger, generation, streams, (source, amount), &slots)?;
            let asked = amount.tokens(ledger.budget());
            given.push(Given { source, asked, weight: recipe.weight(source), offered });
        }
    }
    let totals = sum_up(ledger, &given);
    let documents = given.into_iter().flat_map(Given::picks).collect();
    Ok(TrainingSet { generation, budget: ledger.budget(), totals, documents })
}

/// What one source gave.
struct Given<'a> {
    source: Source,
    asked: Option<u64>,
    /// The recipe's own weight of the source. Generation 0 has one source, which is nobody's recipe.
    weight: f64,
    offered: Vec<Offered<'a>>,
}

impl<'a> Given<'a> {
    fn picks(self) -> impl Iterator<Item = Pick> + use<'a> {
        let Self { source, weight, offered, .. } = self;
        offered.into_iter().map(move |of| Pick { source, weight: weight * of.weight, entry: of.entry.into_owned() })
    }
}

/// A document that may be drawn, as the defences left it.
#[derive(Clone)]
struct Offered<'a> {
    entry: Cow<'a, Entry>,
    weight: f64,
}

impl AsRef<Entry> for Offered<'_> {
    fn as_ref(&self) -> &Entry {
        &self.entry
    }
}

/// The documents of a source with what was decided about them.
struct Slots<'a> {
    candidates: Vec<&'a Entry>,
    decisions: Vec<Decision>,
}

impl<'a> Slots<'a> {
    fn new(candidates: Vec<&'a Entry>, decisions: Vec<Decision>) -> Self {
        assert_eq!(decisions.len(), candidates.len(), "one decision for each document");
        Self { candidates, decisions }
    }

    fn offered(&self, at: usize) -> Offered<'a> {
        let Decision { weight, edited, .. } = &self.decisions[at];
        let entry = edited.clone().map_or(Cow::Borrowed(self.candidates[at]), Cow::Owned);
        Offered { entry, weight: *weight }
    }

    /// What is left, in the documents' order, repeats side by side.
    fn in_order(&self) -> Vec<Offered<'a>> {
        let repeated = |at: usize| std::iter::repeat_n(at, self.decisions[at].copies as usize);
        (0..self.candidates.len()).flat_map(repeated).map(|at| self.offered(at)).collect()
    }

    /// What is left, in a random order. The dropped have their places in it, so that dropping some does not reorder the
    /// others.
    fn shuffled(&self, mut stream: streams::Stream) -> Vec<Offered<'a>> {
        let more = |at: usize| std::iter::repeat_n(at, self.decisions[at].copies.saturating_sub(1) as usize);
        let slots: Vec<usize> = (0..self.candidates.len()).chain((0..self.candidates.len()).flat_map(more)).collect();
        let order = stream.permutation(slots.len()).into_iter().map(|slot| slots[slot]);
        order.filter(|&at| self.decisions[at].copies > 0).map(|at| self.offered(at)).collect()
    }

    /// Tokens that are left.
    fn tokens(&self) -> u64 {
        let size = |at: usize| self.offered(at).as_ref().size * u64::from(self.decisions[at].copies);
        (0..self.candidates.len()).map(size).sum()
    }

    /// Whether something was dropped.
    fn lost(&self) -> bool {
        self.decisions.iter().any(|decision| decision.copies == 0)
    }
}

/// The documents that a source offers.
fn candidates(ledger: &Ledger, generation: u32, source: Source) -> Vec<&Entry> {
    let human = &ledger.human().training;
    let written = |earlier| ledger.written(earlier).expect("earlier generations have written: compose looked");
    match source {
        Source::Anchor | Source::Pool => human.iter().collect(),
        Source::Fresh => ledger.human().reserve.iter().collect(),
        Source::Latest => written(generation - 1).iter().collect(),
        Source::History => human.iter().chain((0..generation).flat_map(written)).collect(),
    }
}

/// The documents of one source, sorted.
fn fill<'a>(
    recipes: &ByGeneration<Recipe>,
    ledger: &Ledger,
    generation: u32,
    streams: &Streams,
    (source, amount): (Source, Amount),
    slots: &Slots<'a>,
) -> Result<Vec<Offered<'a>>, RecipeError> {
    let of_defence = |error: RecipeError| if slots.lost() { error.after_a_defence() } else { error };
    let used = |generation: u32| recipes.fresh_until(generation, ledger.budget());
    let needed = if source == Source::Fresh { used(generation) } else { amount.least(ledger.budget()) };
    enough(source, generation, needed, slots.tokens()).map_err(of_defence)?;
    let Some(target) = amount.tokens(ledger.budget()) else {
        return Ok(slots.in_order());
    };
    let mut drawn = match source {
        Source::Fresh => unused(&slots.in_order(), used(generation - 1), used(generation)).to_vec(),
        _ => {
            // The anchor's draw is generation 0's in every generation: the same documents each time.
            let at = if source == Source::Anchor { 0 } else { generation };
            let mut drawn = slots.shuffled(streams.stream(Purpose::Recipe, at, source as u64));
            if source == Source::History && recipes.at(generation).is_balanced() {
                drawn = equal_parts(drawn, target, generation).map_err(of_defence)?;
            } else {
                drawn.truncate(nearest_prefix(&drawn, target, 1));
            }
            drawn
        }
    };
    if drawn.is_empty() {
        return Err(RecipeError::NothingDrawn { from: source, generation, asked: target });
    }
    drawn.sort_by_key(|of| (of.entry.generation, of.entry.index));
    Ok(drawn)
}

/// As much from the human set as from each generation, in the order drawn.
fn equal_parts<'a>(drawn: Vec<Offered<'a>>, target: u64, generation: u32) -> Result<Vec<Offered<'a>>, RecipeError> {
    let parts = u64::from(generation) + 1;
    let mut by_generation = BTreeMap::<Option<u32>, Vec<Offered<'a>>>::new();
    drawn.into_iter().for_each(|of| by_generation.entry(of.entry.generation).or_default().push(of));
    let mut taken = Vec::new();
    for (part, of) in std::iter::once(None).chain((0..generation).map(Some)).enumerate() {
        let mut all = by_generation.remove(&of).unwrap_or_default();
        // Whole tokens that add up to the target.
        let share = target * (part as u64 + 1) / parts - target * part as u64 / parts;
        let available = all.iter().map(|of| of.entry.size).sum::<u64>();
        if available < share {
            enough(Source::History, generation, target, available * parts)?;
        }
        all.truncate(nearest_prefix(&all, share, 1));
        taken.extend(all);
    }
    Ok(taken)
}

/// The part of the reserve from so many tokens on to so many: those that a generation uses. Both borders are cut from the
/// whole reserve, so no document is used twice and rounding does not add up.
fn unused<'a, 'b>(reserve: &'b [Offered<'a>], from: u64, to: u64) -> &'b [Offered<'a>] {
    let border = |tokens: u64| nearest_prefix(reserve, tokens, 0);
    &reserve[border(from)..border(to)]
}

fn sum_up(ledger: &Ledger, given: &[Given<'_>]) -> Totals {
    let (mut all, mut unique, mut seen) = (Count::default(), Count::default(), BTreeSet::new());
    let mut by_origin = BTreeMap::<Origin, Count>::new();
    let mut by_generation = BTreeMap::<Option<u32>, Count>::new();
    let mut by_source = Vec::new();
    for Given { source, asked, offered, .. } in given {
        let mut count = Count::default();
        for entry in offered.iter().map(AsRef::as_ref) {
            count.add(entry);
            all.add(entry);
            by_origin.entry(entry.origin()).or_default().add(entry);
            by_generation.entry(entry.generation).or_default().add(entry);
            if seen.insert((entry.generation, entry.index, entry.id.as_str())) {
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
