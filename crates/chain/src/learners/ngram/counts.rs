//! Counts of n-grams in a trie of sorted arrays, and interpolated Kneser-Ney over them.

use serde::{Deserialize, Serialize, Serializer};

/// Stands before a document, and is never drawn.
pub(super) const START: u32 = u32::MAX;
/// Stands after a document.
pub(super) const END: u32 = u32::MAX - 1;
/// Of a position before which a document has too few symbols.
const NONE: u32 = u32::MAX;

/// The counts of all n-grams up to an order. The highest order has occurrences; below it an n-gram has the number of different
/// symbols before it, and one that begins a document its occurrences.
///
/// N-grams of a length stand in lexicographic order, and an n-gram's place there is its id as a context of the next
/// length. So what follows a context is one range, and a symbol in it is found by binary search.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counts {
    /// By length less one; never empty.
    levels: Vec<Level>,
}

/// The n-grams of one length.
#[derive(Clone, Debug, Default, PartialEq)]
struct Level {
    /// By context, where the n-grams that begin with it begin, and the end of the last.
    first: Vec<u32>,
    /// The last symbol of each.
    symbols: Vec<u32>,
    /// The sum of the counts before each, and of all; no more than there are symbols in the text.
    sums: Vec<u32>,
}

/// The symbols that follow a context, in rising order, and the sums of the counts up to each, as a file has them.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    symbols: Vec<u32>,
    sums: Vec<u32>,
}

/// The symbols that follow a context, in rising order: at least one.
#[derive(Clone, Copy)]
pub(super) struct Followers<'a> {
    pub(super) symbols: &'a [u32],
    /// The sum of the counts before each of the symbols, and of all, from an offset.
    sums: &'a [u32],
    /// The id of the first as a context.
    first: usize,
}

/// How counts become probabilities.
pub(super) struct Smoothing<D: Fn(usize) -> f64> {
    /// Taken from every count after a context of so many symbols.
    pub(super) discount: D,
    /// The probability of each symbol before anything is counted.
    pub(super) floor: f64,
}

impl Followers<'_> {
    pub(super) fn total(&self) -> f64 {
        f64::from(self.sums[self.symbols.len()] - self.sums[0])
    }

    pub(super) fn count(&self, at: usize) -> u32 {
        self.sums[at + 1] - self.sums[at]
    }

    fn find(&self, symbol: u32) -> Option<usize> {
        self.symbols.binary_search(&symbol).ok()
    }

    /// The symbol at `mass` of the discounted counts; none if that is beyond the last.
    pub(super) fn at(&self, mass: f64, discount: f64) -> Option<u32> {
        let below = |at: usize| f64::from(self.sums[at + 1] - self.sums[0]) - discount * (at + 1) as f64 <= mass;
        let (mut low, mut high) = (0, self.symbols.len());
        while low < high {
            let middle = low.midpoint(high);
            if below(middle) { low = middle + 1 } else { high = middle }
        }
        self.symbols.get(low).copied()
    }
}

impl Counts {
    /// Counts documents, each with whether it is truncated, which has no end.
    ///
    /// # Panics
    /// If the order is 0, a symbol is one of the two highest, or there are 2³² symbols.
    pub(super) fn of<'a>(order: usize, documents: impl Iterator<Item = (&'a [u32], bool)>) -> Self {
        assert!(order > 0, "order {order}");
        let mut text = Vec::new();
        for (document, truncated) in documents {
            assert!(document.iter().all(|&symbol| symbol < END), "the two highest symbols stand for borders");
            text.push(START);
            text.extend(document);
            text.extend((!truncated).then_some(END));
        }
        assert!(text.len() < NONE as usize, "{} symbols are too many", text.len());
        // By their symbol, and so within each context below. The border before a document is drawn by nothing.
        let mut places: Vec<u32> = (0..text.len() as u32).filter(|&at| text[at as usize] != START).collect();
        places.sort_by_key(|&at| text[at as usize]);
        // Of the n-grams of one length less: the id of the one that ends at each position, and how many contexts they are.
        let (mut ids, mut contexts) = (vec![0; text.len()], 1);
        let mut levels: Vec<Level> = Vec::new();
        let mut counts: Vec<u32> = Vec::new();
        for length in 1..=order {
            let before = |at: u32| ids[at as usize - 1];
            let grouped = by_context(&places, contexts, before);
            let mut level = Level { first: Vec::with_capacity(contexts + 1), ..Level::default() };
            let mut next = vec![NONE; text.len()];
            let (mut own, mut last) = (Vec::<u32>::new(), None);
            for at in grouped {
                let (context, symbol) = (before(at), text[at as usize]);
                let is_own = length == order || text[at as usize + 1 - length] == START;
                if last != Some((context, symbol)) {
                    last = Some((context, symbol));
                    level.first.resize(context as usize + 1, level.symbols.len() as u32);
                    level.symbols.push(symbol);
                    own.push(0);
                    if length > 1 {
                        counts[ids[at as usize] as usize] += 1;
                    }
                }
                next[at as usize] = level.symbols.len() as u32 - 1;
                *own.last_mut().expect("the first place begins an n-gram") += u32::from(is_own);
            }
            level.first.resize(contexts + 1, level.symbols.len() as u32);
            if length == 1 {
                // As a context, the border stands after all symbols.
                let border = level.symbols.len() as u32;
                (0..text.len()).filter(|&at| text[at] == START).for_each(|at| next[at] = border);
            }
            if let Some(shorter) = levels.last_mut() {
                shorter.sums = sums(&counts);
            }
            (ids, contexts, counts) = (next, level.symbols.len() + usize::from(length == 1), own);
            levels.push(level);
        }
        levels.last_mut().expect("there is an order").sums = sums(&counts);
        Self { levels }
    }

    pub(super) fn order(&self) -> usize {
        self.levels.len()
    }

    /// What follows the context of an id, of `length` symbols; none if nothing does.
    fn followers(&self, length: usize, id: usize) -> Option<Followers<'_>> {
        let level = &self.levels[length];
        let (first, end) = (level.first[id] as usize, level.first[id + 1] as usize);
        (first < end).then(|| Followers { symbols: &level.symbols[first..end], sums: &level.sums[first..=end], first })
    }

    /// The id, as a context of one symbol more, of a context of `length` symbols with a symbol after it.
    fn extended(&self, length: usize, id: usize, symbol: u32) -> Option<usize> {
        if symbol == START {
            return (length == 0).then(|| self.levels[0].symbols.len());
        }
        let followers = self.followers(length, id)?;
        followers.find(symbol).map(|at| followers.first + at)
    }

    /// What follows a context of fewer symbols than the order.
    pub(super) fn after(&self, context: &[u32]) -> Option<Followers<'_>> {
        let mut id = 0;
        for (length, &symbol) in context.iter().enumerate() {
            id = self.extended(length, id, symbol)?;
        }
        self.followers(context.len(), id)
    }

    /// Every context that something follows.
    #[cfg(test)]
    pub(super) fn contexts(&self) -> Vec<Vec<u32>> {
        let mut pairs = Vec::new();
        self.collect(&mut Vec::new(), 0, &mut pairs);
        pairs.into_iter().map(|(context, _)| context).collect()
    }

    /// All symbols, in rising order.
    pub(super) fn symbols(&self) -> &[u32] {
        &self.levels[0].symbols
    }

    /// How many different n-grams have `length` symbols.
    pub(super) fn len(&self, length: usize) -> usize {
        self.levels[length - 1].symbols.len()
    }

    /// How many n-grams of a length have each count.
    pub(super) fn with_count(&self, length: usize, count: u32) -> usize {
        self.levels[length - 1].sums.windows(2).filter(|pair| pair[1] - pair[0] == count).count()
    }

    /// How many n-grams of `length` symbols are in `other` too.
    pub(super) fn shared(&self, other: &Self, length: usize) -> usize {
        let mut contexts = vec![(0, 0)];
        for context in 0..length {
            let mut next = Vec::new();
            for (own, others) in contexts {
                let pair = self.followers(context, own).zip(other.followers(context, others));
                if let Some((own, others)) = pair {
                    let both =
                        own.symbols.iter().enumerate().filter_map(|(at, &symbol)| Some((at, others.find(symbol)?)));
                    next.extend(both.map(|(at, other)| (own.first + at, others.first + other)));
                }
            }
            if context == 0 && length > 1 {
                next.push((self.symbols().len(), other.symbols().len()));
            }
            contexts = next;
        }
        contexts.len()
    }

    /// The probability of a symbol after others, of which the last ones count.
    #[cfg(test)]
    pub(super) fn probability(
        &self,
        context: &[u32],
        symbol: u32,
        smoothing: &Smoothing<impl Fn(usize) -> f64>,
    ) -> f64 {
        let mut contexts = Contexts::new(self);
        context.iter().for_each(|&symbol| contexts.push(symbol));
        contexts.probability(symbol, smoothing)
    }

    /// ln Q of a document in nats, with its end unless it is truncated.
    pub(super) fn log_probability(
        &self,
        (document, truncated): (&[u32], bool),
        smoothing: &Smoothing<impl Fn(usize) -> f64>,
    ) -> f64 {
        let mut contexts = Contexts::new(self);
        contexts.push(START);
        let end = (!truncated).then_some(END);
        let of = |symbol: u32| {
            let probability = contexts.probability(symbol, smoothing);
            contexts.push(symbol);
            probability.ln()
        };
        document.iter().copied().chain(end).map(of).sum()
    }
}

/// Places in the order of their contexts; those of one context stay as they were, and those without one are left out.
fn by_context(places: &[u32], contexts: usize, context: impl Fn(u32) -> u32) -> Vec<u32> {
    let mut ends = vec![0_u32; contexts + 1];
    let known = || places.iter().copied().filter(|&at| context(at) != NONE);
    known().for_each(|at| ends[context(at) as usize + 1] += 1);
    (0..contexts).for_each(|id| ends[id + 1] += ends[id]);
    let mut grouped = vec![0; ends[contexts] as usize];
    for at in known() {
        let end = &mut ends[context(at) as usize];
        grouped[*end as usize] = at;
        *end += 1;
    }
    grouped
}

/// The sum before each count, and of all.
fn sums(counts: &[u32]) -> Vec<u32> {
    let mut sum = 0;
    let after = counts.iter().map(|count| {
        sum += count;
        sum
    });
    std::iter::once(0).chain(after).collect()
}

/// The ids of the contexts that the last symbols of a text are, by their length, as far as they are known.
struct Contexts<'a> {
    counts: &'a Counts,
    ids: Vec<Option<usize>>,
}

impl<'a> Contexts<'a> {
    /// Before any symbol.
    fn new(counts: &'a Counts) -> Self {
        let mut ids = vec![None; counts.order()];
        ids[0] = Some(0);
        Self { counts, ids }
    }

    fn push(&mut self, symbol: u32) {
        for length in (1..self.ids.len()).rev() {
            self.ids[length] = self.ids[length - 1].and_then(|id| self.counts.extended(length - 1, id, symbol));
        }
    }

    fn probability(&self, symbol: u32, smoothing: &Smoothing<impl Fn(usize) -> f64>) -> f64 {
        let mut probability = smoothing.floor;
        for (length, id) in self.ids.iter().enumerate() {
            let Some(followers) = id.and_then(|id| self.counts.followers(length, id)) else { continue };
            let discount = (smoothing.discount)(length);
            let count = followers.find(symbol).map_or(0, |at| followers.count(at));
            let own = (f64::from(count) - discount).max(0.0);
            let lent = discount * followers.symbols.len() as f64;
            probability = (own + lent * probability) / followers.total();
        }
        probability
    }
}

/// As pairs of a context and what follows it, in the contexts' order: JSON has no keys but text.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = Vec::new();
        self.collect(&mut Vec::new(), 0, &mut pairs);
        serializer.collect_seq(pairs)
    }
}

impl Counts {
    /// The pairs of a context and of all that begin with it.
    fn collect(&self, context: &mut Vec<u32>, id: usize, pairs: &mut Vec<(Vec<u32>, Stored)>) {
        let followers = self.followers(context.len(), id);
        if let Some(followers) = followers {
            let sums = followers.sums[1..].iter().map(|sum| sum - followers.sums[0]).collect();
            pairs.push((context.clone(), Stored { symbols: followers.symbols.to_vec(), sums }));
        }
        if context.len() + 1 < self.order() {
            let border = context.is_empty().then(|| (START, self.symbols().len()));
            let own = followers.into_iter().flat_map(|f| f.symbols.iter().copied().zip(f.first..));
            for (symbol, id) in own.chain(border) {
                context.push(symbol);
                self.collect(context, id, pairs);
                context.pop();
            }
        }
    }

    /// The counts up to an order of which these are the pairs; none if they are of no counts.
    pub(super) fn of_pairs(order: usize, pairs: Vec<(Vec<u32>, Stored)>) -> Option<Self> {
        let mut by_length: Vec<Vec<(Vec<u32>, Stored)>> = (0..order.max(1)).map(|_| Vec::new()).collect();
        for (context, stored) in pairs {
            by_length.get_mut(context.len())?.push((context, stored));
        }
        let (mut counts, mut contexts) = (Self { levels: Vec::new() }, 1);
        for pairs in by_length {
            let mut level = Level { sums: vec![0], ..Level::default() };
            for (context, Stored { symbols, sums }) in pairs {
                let mut id = 0;
                for (length, &symbol) in context.iter().enumerate() {
                    id = counts.extended(length, id, symbol)?;
                }
                let is_next = level.first.len() <= id;
                let is_sorted = symbols.is_sorted_by(|one, other| one < other) && !symbols.contains(&START);
                if !is_next || !is_sorted || symbols.is_empty() || symbols.len() != sums.len() || !sums.is_sorted() {
                    return None;
                }
                level.first.resize(id + 1, level.symbols.len() as u32);
                let before = level.sums[level.sums.len() - 1];
                level.symbols.extend(symbols);
                before.checked_add(*sums.last()?)?;
                level.sums.extend(sums.into_iter().map(|sum| before + sum));
            }
            level.first.resize(contexts + 1, level.symbols.len() as u32);
            contexts = level.symbols.len() + usize::from(counts.levels.is_empty());
            counts.levels.push(level);
        }
        Some(counts)
    }
}
