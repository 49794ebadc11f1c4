//! Interpolated Kneser-Ney: its counts and its probabilities.

use serde::{Deserialize, Serialize};
use streams::Stream;

use super::counts::{Counts, END, START, Smoothing, Stored};

/// The counts of an n-gram model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "File")]
pub struct NGramModel {
    order: usize,
    discount: f64,
    contexts: Counts,
}

/// A model in a file: what follows each context, of no symbol and of up to `order` less one.
#[derive(Deserialize)]
struct File {
    order: usize,
    discount: f64,
    contexts: Vec<(Vec<u32>, Stored)>,
}

impl TryFrom<File> for NGramModel {
    type Error = &'static str;

    fn try_from(File { order, discount, contexts }: File) -> Result<Self, &'static str> {
        let contexts = Counts::of_pairs(order, contexts).ok_or("these are no counts of n-grams")?;
        Ok(Self { order, discount, contexts })
    }
}

impl NGramModel {
    /// The model of these documents; those of `limit` symbols or more are truncated, so their end is none.
    pub(super) fn fit<'a>(
        order: usize,
        discount: f64,
        documents: impl Iterator<Item = &'a [u32]>,
        limit: usize,
    ) -> Self {
        Self::of(order, discount, documents.map(|document| (document, document.len() >= limit)))
    }

    /// The model of these documents, each with whether it is truncated, which has no end to be learned from.
    ///
    /// # Panics
    /// If the order is 0, the discount is not in [0, 1), or a symbol is one of the two highest.
    pub fn of<'a>(order: usize, discount: f64, documents: impl Iterator<Item = (&'a [u32], bool)>) -> Self {
        assert!((0.0..1.0).contains(&discount), "discount {discount}");
        Self { order, discount, contexts: Counts::of(order, documents) }
    }

    /// The longest context that is looked at after `text`, which begins with the border.
    fn context<'a>(&self, text: &'a [u32]) -> &'a [u32] {
        &text[text.len().saturating_sub(self.order - 1)..]
    }

    /// Held back after a context of so many symbols.
    fn discount(&self, length: usize) -> f64 {
        if length == 0 { 0.0 } else { self.discount }
    }

    fn smoothing(&self) -> Smoothing<impl Fn(usize) -> f64> {
        Smoothing { discount: |length| self.discount(length), floor: 0.0 }
    }

    /// Writes a document of at most `limit` symbols, from the model's own distribution.
    pub(super) fn write(&self, limit: usize, stream: &mut Stream) -> Vec<u32> {
        self.write_by(limit, |context| self.draw(context, stream))
    }

    /// Writes with one draw of the next symbol after another, up to the border or to so many symbols.
    pub(super) fn write_by(&self, limit: usize, mut next: impl FnMut(&[u32]) -> u32) -> Vec<u32> {
        let mut text = vec![START];
        while text.len() <= limit {
            match next(self.context(&text)) {
                END => break,
                symbol => text.push(symbol),
            }
        }
        text.split_off(1)
    }

    fn draw(&self, context: &[u32], stream: &mut Stream) -> u32 {
        if let Some(followers) = self.contexts.after(context) {
            let mass = stream.uniform() * followers.total();
            if let Some(symbol) = followers.at(mass, self.discount(context.len())) {
                return symbol;
            }
        }
        match context.split_first() {
            Some((_, shorter)) => self.draw(shorter, stream),
            // The product above can be rounded up to the total.
            None => *self.symbols().last().expect("a training set holds a document"),
        }
    }

    /// All symbols that it knows, in rising order.
    pub(super) fn symbols(&self) -> &[u32] {
        self.contexts.symbols()
    }

    /// [`NGramModel::probability`] of all of them at once.
    pub(super) fn distribution(&self, context: &[u32]) -> Vec<f64> {
        let shorter = context.split_first().map(|(_, shorter)| shorter);
        let Some(followers) = self.contexts.after(context) else {
            return self.distribution(shorter.expect("what follows no context at all is known"));
        };
        let (discount, total) = (self.discount(context.len()), followers.total());
        let mut probabilities = match shorter.filter(|_| discount > 0.0) {
            Some(shorter) => self.distribution(shorter),
            None => vec![0.0; self.symbols().len()],
        };
        let lent = discount * followers.symbols.len() as f64 / total;
        probabilities.iter_mut().for_each(|p| *p *= lent);
        for (number, symbol) in followers.symbols.iter().enumerate() {
            let at = self.symbols().binary_search(symbol).expect("whatever follows a context is known");
            probabilities[at] += (f64::from(followers.count(number)) - discount).max(0.0) / total;
        }
        probabilities
    }

    #[cfg(test)]
    fn probability(&self, context: &[u32], symbol: u32) -> f64 {
        self.contexts.probability(context, symbol, &self.smoothing())
    }

    /// How many different n-grams of `length` symbols it has read, borders included; a border alone is none.
    ///
    /// # Panics
    /// If the length is 0 or above the model's order.
    pub fn ngrams(&self, length: usize) -> usize {
        self.contexts.len(length)
    }

    /// How many of them `other`, of the same order, has read as well.
    ///
    /// # Panics
    /// If the length is 0 or above the model's order.
    pub fn shared(&self, other: &Self, length: usize) -> usize {
        self.contexts.shared(&other.contexts, length)
    }

    /// ln Q of a document with its end, in nats; minus infinity if the model never writes it.
    pub fn log_probability(&self, document: &[u32]) -> f64 {
        self.log_probability_of(document, false)
    }

    /// The same of a document that may be truncated, and then has no end.
    pub fn log_probability_of(&self, document: &[u32], truncated: bool) -> f64 {
        self.contexts.log_probability((document, truncated), &self.smoothing())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use streams::{Purpose, Streams};

    use super::*;

    fn fit(order: usize, discount: f64, documents: &[&[u32]]) -> NGramModel {
        NGramModel::fit(order, discount, documents.iter().copied(), usize::MAX)
    }

    fn stream(item: u64) -> Stream {
        Streams::new(3).stream(Purpose::Learner, 0, item)
    }

    /// Three documents that share their pieces.
    const SHARED: [&[u32]; 3] = [&[1, 2, 3], &[1, 2, 4, 2], &[5]];

    #[test]
    fn kneser_ney_by_hand() {
        let model = fit(2, 0.5, &[&[1, 1, 2], &[1, 2]]);
        // Bigrams: ^1 (2), 11, 12 (2), 2$ (2). In how many contexts: 1 in two, 2 in one, $ in one; together four.
        let close = |found: f64, exact: f64| assert!((found - exact).abs() < 1e-15, "{found} is not {exact}");
        close(model.probability(&[], 1), 0.5);
        close(model.probability(&[], END), 0.25);
        // After 1: 11 once and 12 twice, and half a count of each held back.
        close(model.probability(&[1], 1), (0.5 + 1.0 * 0.5) / 3.0);
        close(model.probability(&[1], 2), (1.5 + 1.0 * 0.25) / 3.0);
        close(model.probability(&[1], END), 0.25 / 3.0);
        // A context that was never seen is no context.
        close(model.probability(&[7], 2), 0.25);
        // ^ 2 $, of which 2 was no beginning: (.5 · 1/4) / 2 and (1.5 + .5 · 1/4) / 2.
        close(model.log_probability(&[2]), (0.0625_f64 * 0.8125).ln());
        assert_eq!(model.log_probability(&[3]), f64::NEG_INFINITY);
    }

    #[test]
    fn beginnings_keep_their_counts_below_the_highest_order() {
        let model = fit(3, 0.5, &[&[1, 2], &[1, 2], &[3]]);
        // Twice of three, though in both of the two kinds of document it has the same context.
        let first = (2.0 - 0.5 + 0.5 * 2.0 * model.probability(&[], 1)) / 3.0;
        assert!((model.probability(&[START], 1) - first).abs() < 1e-15);
        assert!((model.probability(&[], 1) - 1.0 / 5.0).abs() < 1e-15, "contexts: ^1, 12, ^3, 2$, 3$");
    }

    #[test]
    fn a_file_has_what_follows_each_context() {
        let model = fit(3, 0.5, &SHARED);
        let text = serde_json::to_string(&model).unwrap();
        // What comes first of all, and of what begins a document: 1 twice, 5 once.
        let first = format!("{{\"order\":3,\"discount\":0.5,\"contexts\":[[[],{{\"symbols\":[1,2,3,4,5,{END}],");
        let border = format!("[[{START}],{{\"symbols\":[1,5],\"sums\":[2,3]}}]");
        assert!(text.starts_with(&first) && text.contains(&border), "{text}");
        assert_eq!(serde_json::from_str::<NGramModel>(&text).unwrap(), model);
        for (from, to) in [("[2,3]", "[3,2]"), ("[1,5]", "[5,1]"), ("[2,3]", "[3]"), ("[[],", "[[7],")] {
            let error = serde_json::from_str::<NGramModel>(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains("no counts of n-grams"), "{from}: {error}");
        }
    }

    #[test]
    fn ngrams_are_counted_and_compared() {
        // Unigrams 1 2 3 $ and 1 2 $; bigrams ^1 12 23 3$ and ^1 12 2$.
        let (long, short) = (fit(2, 0.0, &[&[1, 2, 3]]), fit(2, 0.0, &[&[1, 2]]));
        assert_eq!((long.ngrams(1), long.ngrams(2)), (4, 4));
        assert_eq!((long.shared(&short, 1), long.shared(&short, 2)), (3, 2));
        assert_eq!(short.shared(&long, 2), 2);
    }

    #[test]
    fn what_is_truncated_has_no_end() {
        let model = NGramModel::of(2, 0.0, [(&[1, 2][..], true), (&[1][..], false)].into_iter());
        // ^1 twice; after 1 comes 2 or the end; after 2 nothing is known, so it is drawn as after no context: of the
        // bigrams ^1, 12, 1$ each symbol ends one.
        assert!((model.log_probability_of(&[1, 2], true) - 0.5_f64.ln()).abs() < 1e-15);
        assert!((model.log_probability(&[1, 2]) - (0.5_f64 / 3.0).ln()).abs() < 1e-15);
    }

    #[test]
    fn in_every_context_probabilities_sum_to_one() {
        for discount in [0.0, 0.3, 0.9] {
            let model = fit(3, discount, &SHARED);
            for context in &model.contexts.contexts() {
                let sum: f64 = [1, 2, 3, 4, 5, END].map(|symbol| model.probability(context, symbol)).iter().sum();
                assert!((sum - 1.0).abs() < 1e-12, "{context:?}: {sum}");
                for (&symbol, p) in model.symbols().iter().zip(model.distribution(context)) {
                    assert!((model.probability(context, symbol) - p).abs() < 1e-15, "{symbol} after {context:?}");
                }
            }
        }
    }

    #[test]
    fn writing_has_the_model_s_probabilities() {
        let model = fit(3, 0.4, &SHARED);
        let mut counts = BTreeMap::<Vec<u32>, f64>::new();
        let draws = 40_000.0;
        (0..draws as u64)
            .for_each(|item| *counts.entry(model.write(usize::MAX, &mut stream(item))).or_insert(0.0) += 1.0);
        let frequent: Vec<(&Vec<u32>, &f64)> = counts.iter().filter(|&(_, &count)| count > 200.0).collect();
        assert!(frequent.len() > 10, "{frequent:?}");
        for (document, count) in frequent {
            let p = model.log_probability(document).exp();
            let error = (draws * p * (1.0 - p)).sqrt();
            assert!((count - draws * p).abs() < 4.0 * error, "{document:?}: {count} of {draws}, {p}");
        }
    }

    /// Without a discount nothing is written that was not read, and each symbol as often as it was.
    #[test]
    fn maximum_likelihood_keeps_the_means_and_invents_no_ngram() {
        let model = fit(3, 0.0, &SHARED);
        let read: BTreeSet<Vec<u32>> = SHARED
            .iter()
            .flat_map(|document| {
                [&[START], *document, &[END]].concat().windows(3).map(<[u32]>::to_vec).collect::<Vec<_>>()
            })
            .collect();
        let draws = 20_000;
        let mut sums = [(0.0, 0.0); 6];
        for item in 0..draws {
            let document = model.write(usize::MAX, &mut stream(item));
            let text = [&[START], document.as_slice(), &[END]].concat();
            assert!(text.windows(3).all(|ngram| read.contains(ngram)), "{document:?}");
            for (symbol, (sum, squares)) in sums.iter_mut().enumerate() {
                let count = document.iter().filter(|&&other| other as usize == symbol).count() as f64;
                (*sum, *squares) = (*sum + count, *squares + count * count);
            }
        }
        for (symbol, (sum, squares)) in sums.into_iter().enumerate().skip(1) {
            let n = draws as f64;
            let mean: f64 = sum / n;
            let exact = SHARED.iter().flat_map(|document| document.iter()).filter(|&&s| s as usize == symbol).count();
            let error = ((squares / n - mean * mean) / n).sqrt();
            assert!((mean - exact as f64 / 3.0).abs() < 4.0 * error, "{symbol}: {mean} ± {error}");
        }
    }
}
