//! How much of human text is there, by frequency.
//!
//! *Definition.* `coverage`: of the different words (n-grams, n = 1 to 4) of the held-out human text, the share that occurs in a
//! sample of N words, by band. The bands come from half of the human text: `rare` are those expected less than once in N
//! words, `medium` less than ten times, `frequent` the rest. The human value is that of N words from the other half.
//!
//! *Trap.* Bands taken from the text that is to be covered are lucky ones: three in ten of a sample's hapax aren't in
//! the held-out text. So the text that is covered, the bands and the human sample are three, and share no document. The written
//! text came from a model that may have seen the latter two: at generation 0 it may cover more than a human sample.

use super::entry::compared;
use crate::Dimension::{self, Band, Member, Order, Reference};
use crate::draws::{Covering, HeldOut};
use crate::measure::{Measures, order};
use crate::metric::{Axis, Damage, Figure, Metric, Panel};
use crate::sample::Sample;
use crate::text::{Grams, Known, Links, ORDERS, Words};

pub static COVERAGE: Metric = compared(
    "coverage",
    "Human n-grams that still occur",
    "share of the band’s n-grams",
    &[Member, Reference, Dimension::Sample, Order, Band],
)
.worse(Damage::Less)
.drawn(
    &Figure {
        name: "coverage",
        title: "Human words that still occur, by frequency",
        label: "share of the band’s words",
        axis: Axis::Share,
        caption: "Bands by frequency in an independent part of the human text, at equal size.",
    },
    &[
        Panel { title: "Rare words", views: &[&[(Dimension::Sample, "equal"), (Order, "1"), (Band, "rare")]] },
        Panel { title: "Medium words", views: &[&[(Dimension::Sample, "equal"), (Order, "1"), (Band, "medium")]] },
        Panel { title: "Frequent words", views: &[&[(Dimension::Sample, "equal"), (Order, "1"), (Band, "frequent")]] },
    ],
);

const BANDS: [&str; 3] = ["rare", "medium", "frequent"];
/// Where a band ends, in occurrences expected in a sample.
const ENDS: [f64; 2] = [1.0, 10.0];

/// The documents that bands come from; the others are for the human sample.
pub(crate) fn for_bands(human: &Grams) -> Vec<usize> {
    (0..human.documents().len()).step_by(2).collect()
}

/// The documents that the human sample is taken from.
pub(crate) fn sampled(human: &Grams) -> Vec<usize> {
    (1..human.documents().len()).step_by(2).collect()
}

/// `coverage` by a sample.
pub(crate) fn report(of: &Covering<'_>, measures: &mut Measures) {
    of.held_out.report(of.sample, of.links, measures);
}

impl HeldOut {
    /// `links` finds the held-out text's n-grams in the human text; samples will have `size` words.
    pub(crate) fn of(held_out: &Words<'_>, human: &Grams, links: &Links, size: usize) -> Self {
        let mut half = Sample::new(human);
        half.take(&for_bands(human), human.len());
        let mut sizes = [const { Vec::new() }; ORDERS];
        sizes.fill(vec![0; BANDS.len()]);
        let bands = std::array::from_fn(|n| {
            let band = |kind: u32| {
                let count = links.get(n + 1, kind).map_or(0, |number| half.order(n + 1).count(number));
                let expected = f64::from(count) * size as f64 / half.words().max(1) as f64;
                let band = ENDS.iter().filter(|&&end| expected >= end).count();
                sizes[n][band] += 1;
                band as u8
            };
            (0..held_out.grams.kinds(n + 1) as u32).map(band).collect()
        });
        let all = Sample::everything(&held_out.grams);
        let documents = (0..held_out.grams.kinds(1) as u32).map(|word| all.order(1).documents(word)).collect();
        Self { known: Known::of(held_out), bands, sizes, documents, pairs: all.order(1).incidences() }
    }

    /// `coverage` by a sample. `links` finds its n-grams in the held-out human text.
    fn report(&self, sample: &Sample<'_>, links: &Links, measures: &mut Measures) {
        for n in 1..=ORDERS {
            let mut covered = [0usize; BANDS.len()];
            for number in sample.order(n).kinds().iter().filter_map(|&kind| links.get(n, kind)) {
                covered[usize::from(self.bands[n - 1][number as usize])] += 1;
            }
            for ((band, covered), size) in BANDS.into_iter().zip(covered).zip(&self.sizes[n - 1]) {
                measures.push(&COVERAGE, order(n).with(Band, band), covered as f64 / *size as f64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn a_toy_text_by_hand() {
        // The bands' half is the first and third document: ten words, a 7, b 2, c 1, so in samples of five words 3.5,
        // 1 and 0.5. The held-out human text has a, b, c, d.
        let human = ["a a a a b", "c d", "a a a b c", "d d"].map(plain);
        let (held_out, text) = (["a b c d"].map(plain), ["a c x", "b b"].map(plain));
        let (human, held_out, text) = (Words::of(&human), Words::of(&held_out), Words::of(&text));
        let links = Known::of(&human).links(&held_out);
        let target = HeldOut::of(&held_out, &human.grams, &links, 5);
        assert_eq!(target.sizes[0], [2, 2, 0]);
        let (links, mut measures) = (target.known.links(&text), Measures::default());
        let mut sample = Sample::new(&text.grams);
        assert!(sample.take(&[0], 3));
        target.report(&sample, &links, &mut measures);
        let rows = measures.into_vec();
        // c of c and d; a of a and b; nothing is frequent.
        assert_eq!(
            (rows[0].dimensions.to_string(), rows[0].value, rows[1].value),
            ("order 1, band rare".into(), 0.5, 0.5)
        );
        assert!(rows[2].value.is_nan());
        // ab, bc, cd: ab and bc stand once each... in ten words, so 1 in five: none of ac, cx.
        assert_eq!((rows[3].dimensions.to_string(), rows[3].value), ("order 2, band rare".into(), 0.0));
    }
}
