//! Richness of the vocabulary.
//!
//! *Definitions.* `types`: different words. `hapax-share`: the share of types that occur once. `unigram-entropy`: -Σ f
//! ln f over the types' relative frequencies, in nats. `vocabulary-survival`: the share of the human text's types that
//! occur. `distinct` n: different n-grams over all n-grams, n-grams lying within a document (Li, Galley, Brockett, Gao
//! and Dolan 2016, for n = 1 and 2).
//!
//! *Trap.* All of these depend on how much text is looked at (Tweedie and Baayen 1998): types grow, the others fall, or
//! rise with plug-in entropy, and the growth has no simple law. Texts are compared at an equal number of words, drawn
//! as whole documents in random order with the last one cut, on average over several draws; human text that the human
//! vocabulary was not taken from is measured at the same size. A share of 0.6 means loss only if such a text has more.

use streams::{Purpose, Streams};

use crate::measure::Measures;
use crate::text::{ORDERS, Words};

/// What depends on size, of a text or on average over samples from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Richness {
    pub(crate) types: f64,
    pub(crate) hapax: f64,
    pub(crate) entropy: f64,
    pub(crate) survival: f64,
    pub(crate) distinct: [f64; ORDERS],
}

impl Richness {
    /// Of all the text. `human[t]` is how often type t occurs in the human text, which has `vocabulary` types.
    pub(crate) fn of(words: &Words<'_>, human: &[u64], vocabulary: usize) -> Option<Self> {
        let everything: Vec<usize> = (0..words.documents().len()).collect();
        Counter::new(words).richness(&everything, words.len(), human, vocabulary)
    }

    /// The mean over `draws` samples of `size` words, or `None` if there are fewer.
    pub(crate) fn at(
        size: usize,
        draws: u32,
        streams: &Streams,
        words: &Words<'_>,
        human: &[u64],
        vocabulary: usize,
    ) -> Option<Self> {
        let (mut counter, mut sum) = (Counter::new(words), Self::default());
        for draw in 0..draws {
            let order = streams.stream(Purpose::Evaluation, 0, draw.into()).permutation(words.documents().len());
            sum = sum.zip(&counter.richness(&order, size, human, vocabulary)?, |sum, new| sum + new);
        }
        (draws > 0).then(|| sum.zip(&sum, |sum, _| sum / f64::from(draws)))
    }

    fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            types: f(self.types, other.types),
            hapax: f(self.hapax, other.hapax),
            entropy: f(self.entropy, other.entropy),
            survival: f(self.survival, other.survival),
            distinct: std::array::from_fn(|n| f(self.distinct[n], other.distinct[n])),
        }
    }

    /// All but `distinct`, which is only reported for equal sizes.
    pub(crate) fn report(&self, detail: &str, measures: &mut Measures) {
        measures.push("types", detail, self.types);
        measures.push("hapax-share", detail, self.hapax);
        measures.push("unigram-entropy", detail, self.entropy);
        measures.push("vocabulary-survival", detail, self.survival);
    }

    /// `distinct` for each order that has n-grams.
    pub(crate) fn report_distinct(&self, prefix: &str, measures: &mut Measures) {
        for (n, value) in (1..).zip(self.distinct).filter(|(_, value)| value.is_finite()) {
            measures.push("distinct", format!("{prefix}{n}"), value);
        }
    }
}

/// Counts n-grams of samples; its tables are kept from sample to sample.
struct Counter<'a> {
    words: &'a Words<'a>,
    counts: [Vec<u32>; ORDERS],
}

impl<'a> Counter<'a> {
    fn new(words: &'a Words<'a>) -> Self {
        Self { words, counts: std::array::from_fn(|n| vec![0; words.kinds(n + 1)]) }
    }

    /// Of the documents in this order, as far as `size` words reach. `None` for less text, or none at all.
    fn richness(&mut self, order: &[usize], size: usize, human: &[u64], vocabulary: usize) -> Option<Richness> {
        if size == 0 || vocabulary == 0 || self.words.len() < size {
            return None;
        }
        let totals = self.count(order, size);
        let (mut types, mut hapax, mut survived, mut c_ln_c) = (0u32, 0u32, 0u32, 0.0);
        for (&count, &human) in self.counts[0].iter().zip(human).filter(|&(&count, _)| count > 0) {
            types += 1;
            hapax += u32::from(count == 1);
            survived += u32::from(human > 0);
            c_ln_c += f64::from(count) * f64::from(count).ln();
        }
        let different = |n: usize| self.counts[n].iter().filter(|&&count| count > 0).count() as f64;
        Some(Richness {
            types: types.into(),
            hapax: f64::from(hapax) / f64::from(types),
            // -Σ (c/N) ln (c/N), without a division for each type. Rounding must not make it negative.
            entropy: ((size as f64).ln() - c_ln_c / size as f64).max(0.0),
            survival: f64::from(survived) / vocabulary as f64,
            // Not a number where there are no n-grams: the documents are too short.
            distinct: std::array::from_fn(|n| different(n) / totals[n] as f64),
        })
    }

    /// Fills the tables; gives the number of n-grams of each order.
    fn count(&mut self, order: &[usize], size: usize) -> [usize; ORDERS] {
        self.counts.iter_mut().for_each(|counts| counts.fill(0));
        let (mut left, mut totals) = (size, [0; ORDERS]);
        for &document in order {
            if left == 0 {
                break;
            }
            let range = self.words.documents()[document].clone();
            let range = range.start..range.end.min(range.start + left);
            left -= range.len();
            for n in 0..ORDERS {
                let grams = self.words.grams(n + 1, &range);
                totals[n] += grams.len();
                grams.iter().for_each(|&gram| self.counts[n][gram as usize] += 1);
            }
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn a_toy_text_by_hand() {
        // a: 3, b: 2, c: 1; the human vocabulary has a, c and two others.
        let docs = ["a b a", "b a c"].map(plain);
        let words = Words::of(&docs);
        let richness = Richness::of(&words, &[5, 0, 1], 4).unwrap();
        assert_eq!((richness.types, richness.hapax, richness.survival), (3.0, 1.0 / 3.0, 0.5));
        let entropy = 0.5 * 2.0_f64.ln() + 3.0_f64.ln() / 3.0 + 6.0_f64.ln() / 6.0;
        assert!((richness.entropy - entropy).abs() < 1e-15);
        // ab, ba, ba, ac; aba, bac; none of four.
        assert_eq!(richness.distinct[..3], [0.5, 0.75, 1.0]);
        assert!(richness.distinct[3].is_nan());
    }

    #[test]
    fn samples_have_the_size_asked_for() {
        let docs = ["a a", "a b", "b b"].map(plain);
        let words = Words::of(&docs);
        let (human, streams) = ([1, 1], Streams::new(0));
        // Two whole documents: both types, whichever they are.
        let four = Richness::at(4, 3000, &streams, &words, &human, 2).unwrap();
        assert_eq!((four.types, four.survival), (2.0, 1.0));
        // A document and the first word of the next: of the six pairs only aa, a(b) has a single type.
        let three = Richness::at(3, 3000, &streams, &words, &human, 2).unwrap();
        assert!((three.types - (2.0 - 1.0 / 6.0)).abs() < 4.0 * (5.0_f64 / 36.0 / 3000.0).sqrt(), "{}", three.types);
        assert_eq!(Richness::at(7, 20, &streams, &words, &human, 2), None);
        let whole = Richness::at(6, 1, &streams, &words, &human, 2).unwrap();
        assert_eq!((whole.types, whole.distinct[..2].to_vec()), (2.0, vec![2.0 / 6.0, 1.0]));
    }
}
