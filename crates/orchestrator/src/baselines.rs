//! Baselines: the test losses of models that count the human text which generation 0 is trained on.
//!
//! The metrics, their sources and their traps stand in the registry (`evaluation/src/metric/test.rs`). A model is trained on
//! the tokens and ends that a transformer's windows hold, and scored on the same positions as a transformer: every token of
//! a test document, and its end unless it is truncated. So the losses compare to the last digit.

use chain::learners::NGramBaseline;
use evaluation::metric::{BIGRAM_LOSS, FOURGRAM_LOSS, UNIGRAM_LOSS};
use evaluation::{Dimensions, Measure, Metric};

/// Test losses in nats per token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Baselines {
    unigram: f64,
    bigram: f64,
    fourgram: f64,
}

/// Documents as ids, each with whether it is truncated, which has no end.
pub(crate) type Documents<'a> = [(&'a [u32], bool)];

impl Baselines {
    /// Trains and scores them. `separator` is the id of the end among the `vocabulary` ids, and in no document. None of a
    /// test set without tokens.
    pub(crate) fn of(
        training: &Documents<'_>,
        test: &Documents<'_>,
        vocabulary: usize,
        separator: u32,
    ) -> Option<Self> {
        let positions = test.iter().map(|(ids, truncated)| ids.len() + usize::from(!truncated)).sum::<usize>();
        let per_token = |nats: f64| nats / positions as f64;
        let ngram = |order| {
            let model = NGramBaseline::of(order, vocabulary, training.iter().copied());
            per_token(test.iter().map(|&(ids, truncated)| -model.log_probability_of(ids, truncated)).sum())
        };
        (positions > 0).then(|| Self {
            unigram: per_token(unigram(training, test, vocabulary, separator)),
            bigram: ngram(2),
            fourgram: ngram(4),
        })
    }

    /// What generation 0's measures say of them; none if they were not measured.
    pub(crate) fn of_measures(measures: &[Measure]) -> Option<Self> {
        let value = |metric: &Metric| {
            let is = |m: &&Measure| m.metric == metric && m.dimensions == Dimensions::NONE;
            measures.iter().find(is).map(|measure| measure.value)
        };
        let [unigram, bigram, fourgram] = [value(&UNIGRAM_LOSS)?, value(&BIGRAM_LOSS)?, value(&FOURGRAM_LOSS)?];
        Some(Self { unigram, bigram, fourgram })
    }

    pub(crate) fn measures(&self) -> [Measure; 3] {
        let Self { unigram, bigram, fourgram } = *self;
        [(&UNIGRAM_LOSS, unigram), (&BIGRAM_LOSS, bigram), (&FOURGRAM_LOSS, fourgram)]
            .map(|(metric, loss)| Measure::new(metric, loss))
    }

    /// The loss of token frequencies alone.
    pub(crate) fn unigram(&self) -> f64 {
        self.unigram
    }

    /// What is to be said of generation 0's test loss: that it is above a baseline, and what to try. Of n-gram learners,
    /// which are no better than their kind, only that they are above token frequencies.
    pub(crate) fn note(&self, loss: f64, is_transformer: bool) -> Option<String> {
        let Self { unigram, bigram, fourgram } = *self;
        let above = |baseline: f64, of: &str, advice: &str| {
            Some(format!("test loss {loss:.3} is above {baseline:.3} nats a token, the loss of {of}: {advice}"))
        };
        match loss {
            _ if loss > unigram => above(
                unigram,
                "token frequencies alone",
                "the model has learnt less than that; train for longer, or try another train.learning_rate",
            ),
            _ if is_transformer && loss > bigram => above(
                bigram,
                "a Kneser-Ney bigram of the same human text",
                "the model has learnt less than pairs of tokens, so what its chain loses says little about language; raise \
                 corpus.tokens, train for longer, or try another train.learning_rate",
            ),
            _ if is_transformer && loss > fourgram => above(
                fourgram,
                "a Kneser-Ney 4-gram of the same human text",
                &format!(
                    "the model is better than the bigram ({bigram:.3}) and gains nothing yet from longer contexts; more text or \
                     training would lower it"
                ),
            ),
            _ => None,
        }
    }
}

/// Nats of a model that knows frequencies alone, one added to each of the ids: what a chain can lose lies between
/// generation 0's loss and this one.
fn unigram(training: &Documents<'_>, test: &Documents<'_>, vocabulary: usize, separator: u32) -> f64 {
    fn each(documents: &Documents<'_>, separator: u32, mut with: impl FnMut(usize)) {
        for (ids, truncated) in documents {
            let end = (!truncated).then_some(separator);
            ids.iter().copied().chain(end).for_each(|id| with(id as usize));
        }
    }
    let mut counts = vec![1_u64; vocabulary];
    each(training, separator, |id| counts[id] += 1);
    let all = counts.iter().sum::<u64>() as f64;
    let mut nats = 0.0;
    each(test, separator, |id| nats -= (counts[id] as f64 / all).ln());
    nats
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINES: Baselines = Baselines { unigram: 6.0, bigram: 4.0, fourgram: 3.0 };

    #[test]
    fn frequencies_and_pairs_by_hand() {
        // Ids 1 to 3 and the end, 0. Counts are 2, 1, 0 and 1, one added to each of four; 3 is in no training document.
        let (training, test): (&Documents<'_>, &Documents<'_>) = (&[(&[1, 1, 2], false)], &[(&[1, 2, 3], false)]);
        let found = Baselines::of(training, test, 4, 0).unwrap();
        let unigram = [3.0, 2.0, 1.0, 2.0].map(|count: f64| -(count / 8.0).ln()).iter().sum::<f64>() / 4.0;
        assert!((found.unigram - unigram).abs() < 1e-12, "{found:?}");
        // Bigrams ^1, 11, 12, 2$, once each: their discount is 1. Contexts of 1: two, of 2 and $: one, so theirs is 1/2. Then
        // P(1 | ^) = P(1), P(2 | 1) = P(2), P(3 | 2) = P(3), P($ | 3) = P($).
        let one = |count: f64| ((count - 0.5_f64).max(0.0) + 0.5 * 3.0 / 4.0) / 4.0;
        let bigram = [2.0, 1.0, 0.0, 1.0].map(|count| -one(count).ln()).iter().sum::<f64>() / 4.0;
        assert!((found.bigram - bigram).abs() < 1e-12, "{found:?}");
        assert!(found.fourgram.is_finite());
        assert_eq!(Baselines::of_measures(&found.measures()), Some(found));
        assert_eq!(Baselines::of(training, &[], 4, 0), None);
    }

    #[test]
    fn a_truncated_document_has_no_end() {
        let with = |truncated| Baselines::of(&[(&[1], false)], &[(&[1], truncated)], 4, 0).unwrap().unigram;
        assert!((with(true) - 3.0_f64.ln()).abs() < 1e-12, "two of six");
        assert!((with(false) - 3.0_f64.ln()).abs() < 1e-12, "two of six, twice");
        let bigram = |test: &Documents<'_>| Baselines::of(&[(&[1_u32][..], false); 3], test, 4, 0).unwrap().bigram;
        assert!(bigram(&[(&[1, 1], true)]) > bigram(&[(&[1], false)]), "1 is no end");
    }

    #[test]
    fn what_is_said_of_generation_0() {
        let said = |loss, is_transformer| BASELINES.note(loss, is_transformer).unwrap_or_default();
        assert!(
            said(6.5, true).starts_with("test loss 6.500 is above 6.000 nats a token, the loss of token frequencies")
        );
        assert!(said(5.0, true).contains("above 4.000 nats a token, the loss of a Kneser-Ney bigram"));
        let soft = said(3.5, true);
        assert!(soft.contains("Kneser-Ney 4-gram") && soft.contains("better than the bigram (4.000)"), "{soft}");
        assert_eq!((said(2.9, true), said(5.0, false)), (String::new(), String::new()));
        assert!(said(6.5, false).contains("token frequencies"));
    }
}
