//! The n-gram model that a learned one is compared with: interpolated Kneser-Ney to which no symbol is impossible.
//!
//! *Definition.* As the n-gram learner's (see the file above), with two changes. Each order n has a discount of its own,
//!
//! D(n) = n1 / (n1 + 2 n2),
//!
//! where n1 and n2 are how many n-grams of that length are counted once and twice (below the highest order, in one and in two
//! contexts). And the lowest order is interpolated with the uniform distribution over the V symbols that can come next, the
//! end of a document among them:
//!
//! P(w) = [max(c(w) - D(1), 0) + D(1) · #{v : c(v) > 0} / V] / Σ c(v).
//!
//! *Source.* The discount is the leave-one-out estimate of Ney, Essen and Kneser 1994; the interpolated form is Chen and
//! Goodman 1999, section 3. Where no n-gram of a length is counted once, the estimate is 0 and a symbol could be impossible:
//! then ½ is taken, of Krichevsky and Trofimov 1981.
//!
//! *Trap.* The loss is of one order and one discount for each. Chen and Goodman's three discounts are lower by a percent or two,
//! and a tokenizer with more ids makes counts sparser: a baseline is comparable only within one tokenizer and one text.

use super::counts::{Counts, Smoothing};

/// Where nothing is counted once.
const DISCOUNT: f64 = 0.5;

/// Interpolated Kneser-Ney with a uniform floor.
#[derive(Clone, Debug)]
pub struct NGramBaseline {
    counts: Counts,
    /// By the length of the context.
    discounts: Vec<f64>,
    /// 1 / V.
    floor: f64,
}

impl NGramBaseline {
    /// The model of these documents, each with whether it is truncated, which has no end to be learned from. `symbols` can
    /// come next, the end of a document among them.
    ///
    /// # Panics
    /// If the order is 0, a symbol is one of the two highest, or the documents have more symbols.
    pub fn of<'a>(order: usize, symbols: usize, documents: impl Iterator<Item = (&'a [u32], bool)>) -> Self {
        let counts = Counts::of(order, documents);
        assert!(symbols > 0 && counts.len(1) <= symbols, "{} symbols of {symbols}", counts.len(1));
        let discounts = (1..=order).map(|length| estimate(counts.with_count(length, 1), counts.with_count(length, 2)));
        Self { discounts: discounts.collect(), floor: 1.0 / symbols as f64, counts }
    }

    /// The discount of each order.
    pub fn discounts(&self) -> &[f64] {
        &self.discounts
    }

    /// ln Q of a document in nats, with its end unless it is truncated. It is finite.
    pub fn log_probability_of(&self, document: &[u32], truncated: bool) -> f64 {
        self.counts.log_probability((document, truncated), &self.smoothing())
    }

    fn smoothing(&self) -> Smoothing<impl Fn(usize) -> f64> {
        Smoothing { discount: |length| self.discounts[length], floor: self.floor }
    }
}

/// D of how many n-grams are counted once and twice.
fn estimate(once: usize, twice: usize) -> f64 {
    if once == 0 { DISCOUNT } else { once as f64 / (once + 2 * twice) as f64 }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use streams::{Purpose, Streams};

    use super::super::counts::{END, START};
    use super::*;

    type Documents = Vec<(Vec<u32>, bool)>;

    fn fit(order: usize, symbols: usize, documents: &Documents) -> NGramBaseline {
        NGramBaseline::of(
            order,
            symbols,
            documents.iter().map(|(document, truncated)| (document.as_slice(), *truncated)),
        )
    }

    fn close(found: f64, exact: f64) {
        assert!((found - exact).abs() < 1e-13, "{found} is not {exact}");
    }

    impl NGramBaseline {
        fn probability(&self, context: &[u32], symbol: u32) -> f64 {
            self.counts.probability(context, symbol, &self.smoothing())
        }
    }

    #[test]
    fn a_bigram_by_hand() {
        // Bigrams: ^1 (2), 11, 12 (2), 2$ (2): one once, three twice, so D(2) = 1/7. In how many contexts: 1 in two, 2 in one,
        // $ in one: two once, one twice, so D(1) = 1/2. Of 10 symbols, P(1) = (2 - 1/2 + 3/2 · 1/10) / 4.
        let model = fit(2, 10, &vec![(vec![1, 1, 2], false), (vec![1, 2], false)]);
        assert_eq!(model.discounts(), [0.5, 1.0 / 7.0]);
        let unigram = |count: f64| ((count - 0.5_f64).max(0.0) + 0.15) / 4.0;
        close(model.probability(&[], 1), unigram(2.0));
        close(model.probability(&[], 9), unigram(0.0));
        // After 1: 11 once and 12 twice, and a seventh held back of each.
        let after = |count: f64, shorter: f64| ((count - 1.0 / 7.0_f64).max(0.0) + 2.0 / 7.0 * shorter) / 3.0;
        close(model.probability(&[1], 1), after(1.0, unigram(2.0)));
        close(model.probability(&[1], END), after(0.0, unigram(1.0)));
        // A symbol that was never seen, and then nothing is known but how often symbols come.
        let first = 1.0 / 7.0 * unigram(0.0) / 2.0;
        close(model.log_probability_of(&[9], false), first.ln() + unigram(1.0).ln());
        close(model.log_probability_of(&[9], true), first.ln());
    }

    #[test]
    fn without_text_it_is_uniform() {
        close(fit(4, 8, &Vec::new()).log_probability_of(&[1, 2, 3], false), 4.0 * (1.0_f64 / 8.0).ln());
    }

    #[test]
    fn where_nothing_is_counted_once_a_symbol_is_possible() {
        let model = fit(1, 3, &vec![(vec![1], false); 9]);
        assert_eq!(model.discounts(), [0.5]);
        // 1 and $ nine times each: of 18, half a count of both kinds over three symbols.
        close(model.probability(&[], 2), 0.5 * 2.0 / 3.0 / 18.0);
    }

    /// Random documents of few symbols; every fourth is truncated, the first is empty.
    fn random(seed: u64) -> Documents {
        let mut stream = Streams::new(seed).stream(Purpose::Learner, 0, 0);
        let mut below = |n: f64| (stream.uniform() * n) as u32;
        (0..12_u32).map(|number| ((0..number % 7).map(|_| below(4.0)).collect(), number % 4 == 3)).collect()
    }

    /// The definition, with every n-gram spelled out.
    struct Spelled {
        order: usize,
        symbols: usize,
        /// c(h w), by the n-gram.
        counts: BTreeMap<Vec<u32>, u64>,
    }

    impl Spelled {
        fn of(order: usize, symbols: usize, documents: &Documents) -> Self {
            let texts = documents.iter().map(|(document, truncated)| {
                let end: &[u32] = if *truncated { &[] } else { &[END] };
                [&[START], document.as_slice(), end].concat()
            });
            let texts: Vec<Vec<u32>> = texts.collect();
            let mut counts = BTreeMap::new();
            for length in 1..=order {
                let mut before = BTreeSet::new();
                for text in &texts {
                    for (at, ngram) in text.windows(length).enumerate().filter(|(_, ngram)| *ngram != [START]) {
                        let is_new = at > 0 && before.insert((text[at - 1], ngram));
                        if length == order || at == 0 || is_new {
                            *counts.entry(ngram.to_vec()).or_insert(0) += 1;
                        }
                    }
                }
            }
            Self { order, symbols, counts }
        }

        fn discount(&self, length: usize) -> f64 {
            let with = |wanted| self.counts.iter().filter(|(n, c)| n.len() == length && **c == wanted).count() as f64;
            if with(1) == 0.0 { 0.5 } else { with(1) / (with(1) + 2.0 * with(2)) }
        }

        fn probability(&self, context: &[u32], symbol: u32) -> f64 {
            let context = &context[context.len().saturating_sub(self.order - 1)..];
            let shorter = match context.split_first() {
                Some((_, shorter)) => self.probability(shorter, symbol),
                None => 1.0 / self.symbols as f64,
            };
            let after = |(ngram, count): (&Vec<u32>, &u64)| {
                let (last, rest) = ngram.split_last().unwrap();
                (rest == context).then_some((*last, *count))
            };
            let following: BTreeMap<u32, u64> = self.counts.iter().filter_map(after).collect();
            if following.is_empty() {
                return shorter;
            }
            let (total, discount) = (following.values().sum::<u64>() as f64, self.discount(context.len() + 1));
            let own = (following.get(&symbol).map_or(0.0, |count| *count as f64) - discount).max(0.0);
            (own + discount * following.len() as f64 * shorter) / total
        }
    }

    #[test]
    fn it_is_the_definition_and_sums_to_one_in_every_context() {
        for (seed, order) in (1..=5).flat_map(|order| [(1, order), (2, order), (3, order)]) {
            let documents = random(seed);
            // Symbols 0 to 3, two that occur nowhere, and the end.
            let symbols = [0, 1, 2, 3, 8, 9, END];
            let (model, spelled) =
                (fit(order, symbols.len(), &documents), Spelled::of(order, symbols.len(), &documents));
            let contexts = spelled.counts.keys().filter(|ngram| ngram.len() < order).cloned();
            for context in contexts.chain([vec![], vec![START], vec![8], vec![8, 1], vec![START, 8]]) {
                let probabilities = symbols.map(|symbol| model.probability(&context, symbol));
                close(probabilities.iter().sum(), 1.0);
                for (symbol, found) in symbols.into_iter().zip(probabilities) {
                    close(found, spelled.probability(&context, symbol));
                }
            }
            for (document, truncated) in &documents {
                let end: &[u32] = if *truncated { &[] } else { &[END] };
                let text = [&[START], document.as_slice(), end].concat();
                let of = |at: usize| spelled.probability(&text[..at], text[at]).ln();
                close(model.log_probability_of(document, *truncated), (1..text.len()).map(of).sum());
            }
        }
    }
}
