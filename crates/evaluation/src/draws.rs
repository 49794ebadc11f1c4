//! What is compared at equal size: means over samples of whole documents with the same number of words.
//!
//! Draws are taken side by side and added up in their order, so the values don't depend on the number of threads.

use rayon::prelude::*;
use streams::{Purpose, Stream, Streams};

use crate::Equal;
use crate::measure::{self, Measure, Measures, Side};
use crate::sample::Sample;
use crate::text::{Grams, Known, Links, ORDERS};

/// What a draw is for; each has its own streams, else texts with as many documents would be drawn alike.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Draw {
    /// Samples of the text that is measured.
    Text = 0,
    /// Samples of the human text that it is compared with.
    Human = 1,
    /// Samples of the human text that show what a human sample covers.
    Covering = 2,
    /// Pairs of documents.
    Pairs = 3,
    /// Splits of the human text, for an audit.
    Splits = 4,
}

impl Draw {
    pub(crate) fn stream(self, streams: &Streams, number: u32) -> Stream {
        streams.stream(Purpose::Evaluation, 0, (self as u64) << 32 | u64::from(number))
    }

    /// Documents in a random order.
    pub(crate) fn order(self, streams: &Streams, number: u32, documents: &[usize]) -> Vec<usize> {
        let mut order = documents.to_vec();
        self.stream(streams, number).shuffle(&mut order);
        order
    }
}

/// In how many human documents each n-gram is.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) documents: [Vec<u32>; ORDERS],
    /// Their sums.
    pub(crate) pairs: [usize; ORDERS],
}

/// Held-out human text that samples may cover.
#[derive(Debug)]
pub(crate) struct HeldOut {
    pub(crate) known: Known,
    /// The band of each n-gram, by order.
    pub(crate) bands: [Vec<u8>; ORDERS],
    /// N-grams of each band, by order.
    pub(crate) sizes: [Vec<usize>; ORDERS],
    /// In how many of its documents each word is.
    pub(crate) documents: Vec<u32>,
    /// Their sum.
    pub(crate) pairs: usize,
}

/// A text that samples are drawn from, and the human text that they are compared with.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a Grams,
    /// How often each of its types occurs in the human text, which has `vocabulary` types.
    pub(crate) counts: &'a [u64],
    pub(crate) vocabulary: usize,
    pub(crate) human: &'a Grams,
    pub(crate) spread: &'a Spread,
    /// Its n-grams in the human text.
    pub(crate) links: &'a Links,
    pub(crate) side: Side,
}

/// One sample.
pub(crate) struct Drawn<'a> {
    pub(crate) from: &'a Source<'a>,
    pub(crate) sample: &'a Sample<'a>,
    /// As large a sample of the human text; none if it is not that large.
    pub(crate) human: Option<&'a Sample<'a>>,
}

/// One sample, and the text that it may cover.
pub(crate) struct Covering<'a> {
    pub(crate) sample: &'a Sample<'a>,
    pub(crate) held_out: &'a HeldOut,
    /// Its n-grams in that text.
    pub(crate) links: &'a Links,
    /// In how many of that text's documents each of its words is.
    pub(crate) there: &'a [u32],
}

/// Means over samples of a text and of the human text of what is computed from each; nothing if the text is shorter.
pub(crate) fn of_text(
    source: &Source<'_>,
    equal: &Equal,
    compute: impl Fn(&Drawn<'_>, &mut Measures) + Sync,
) -> Vec<Measure> {
    let (own, human) = (everything(source.text), everything(source.human));
    let draws: Option<Vec<Vec<Measure>>> = (0..equal.draws)
        .into_par_iter()
        .map_init(
            || (Sample::new(source.text), Sample::new(source.human)),
            |(sample, beside), draw| {
                if !sample.take(&Draw::Text.order(&equal.streams, draw, &own), equal.words) {
                    return None;
                }
                let enough = beside.take(&Draw::Human.order(&equal.streams, draw, &human), equal.words);
                let mut measures = Measures::of(source.side.of_samples());
                let drawn = Drawn { from: source, sample, human: enough.then_some(&*beside) };
                compute(&drawn, &mut measures);
                Some(measures.into_vec())
            },
        )
        .collect();
    draws.map(|draws| measure::mean(&draws)).unwrap_or_default()
}

/// Means over samples of these documents of a text, of what is computed from what each covers of the held-out human text;
/// nothing if they have too few words.
pub(crate) fn of_cover(
    (text, documents): (&Grams, &[usize]),
    (links, held_out): (&Links, &HeldOut),
    side: Side,
    equal: &Equal,
    compute: impl Fn(&Covering<'_>, &mut Measures) + Sync,
) -> Vec<Measure> {
    let there: Vec<u32> = (0..text.kinds(1) as u32)
        .map(|kind| links.get(1, kind).map_or(0, |number| held_out.documents[number as usize]))
        .collect();
    let stream = if side == Side::Human { Draw::Covering } else { Draw::Text };
    let draws: Option<Vec<Vec<Measure>>> = (0..equal.draws)
        .into_par_iter()
        .map_init(
            || Sample::new(text),
            |sample, draw| {
                if !sample.take(&stream.order(&equal.streams, draw, documents), equal.words) {
                    return None;
                }
                let mut measures = Measures::of(side.of_samples());
                compute(&Covering { sample, held_out, links, there: &there }, &mut measures);
                Some(measures.into_vec())
            },
        )
        .collect();
    draws.map(|draws| measure::mean(&draws)).unwrap_or_default()
}

pub(crate) fn everything(text: &Grams) -> Vec<usize> {
    (0..text.documents().len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Words, plain};

    /// Mean and number of types over samples.
    fn types(texts: &[&str], words: usize) -> Option<f64> {
        let docs: Vec<_> = texts.iter().copied().map(plain).collect();
        let text = Words::of(&docs);
        let links = crate::text::Known::of(&text).links(&text);
        let spread = Spread::of(&text.grams);
        let counts = vec![1; text.types.len()];
        let drawn = Source {
            text: &text.grams,
            counts: &counts,
            vocabulary: text.types.len(),
            human: &text.grams,
            spread: &spread,
            links: &links,
            side: Side::Generated,
        };
        let equal = Equal { words, draws: 3000, streams: Streams::new(0) };
        let rows = of_text(&drawn, &equal, crate::generated::of_sample);
        rows.iter().find(|row| *row.metric == crate::metric::TYPES).map(|row| row.value)
    }

    #[test]
    fn samples_have_the_size_asked_for() {
        let texts = ["a a", "a b", "b b"];
        // Two whole documents: both types, whichever they are.
        assert_eq!(types(&texts, 4), Some(2.0));
        // A document and the first word of the next: of the six pairs only aa, a(b) has a single type.
        let three = types(&texts, 3).unwrap();
        assert!((three - (2.0 - 1.0 / 6.0)).abs() < 4.0 * (5.0_f64 / 36.0 / 3000.0).sqrt(), "{three}");
        assert_eq!(types(&texts, 7), None);
        assert_eq!(types(&texts, 6), Some(2.0));
    }

    #[test]
    fn threads_do_not_matter() {
        let texts: Vec<String> = (0..50).map(|i| format!("a b{} c{} d e{}", i % 7, i % 3, i)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| types(&texts, 60)).unwrap().to_bits()
        };
        assert_eq!(with(1), with(3));
    }
}
