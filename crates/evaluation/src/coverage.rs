//! How much of human text is there, by frequency.
//!
//! *Definition.* `coverage`: of the different words (n-grams, n = 1 to 4) of the twin, the share that occurs in a
//! sample of N words, by band. The bands come from half of the human text: `rare` are those expected less than once in N
//! words, `medium` less than ten times, `frequent` the rest. The human value is that of N words from the other half.
//!
//! *Trap.* Bands taken from the text that is to be covered are lucky ones: three in ten of a sample's hapax aren't in
//! its twin. So the text that is covered, the bands and the honest sample are three, and share no document. The written
//! text came from a model that may have seen the latter two: at generation 0 it may cover more than an honest sample.

use crate::measure::{Measures, Side};
use crate::sample::Sample;
use crate::text::{Grams, Known, Links, ORDERS, Words};

const BANDS: [&str; 3] = ["rare", "medium", "frequent"];
/// Where a band ends, in occurrences expected in a sample.
const ENDS: [f64; 2] = [1.0, 10.0];

/// The text that is to be covered.
#[derive(Debug)]
pub(crate) struct Twin {
    pub(crate) known: Known,
    /// The band of each n-gram, by order.
    bands: [Vec<u8>; ORDERS],
    sizes: [[usize; BANDS.len()]; ORDERS],
    /// In how many of its documents each word is.
    pub(crate) documents: Vec<u32>,
    /// Their sum.
    pub(crate) pairs: usize,
}

/// The documents that bands come from; the others are for the honest sample.
pub(crate) fn for_bands(human: &Grams) -> Vec<usize> {
    (0..human.documents().len()).step_by(2).collect()
}

/// The documents that the honest sample is taken from.
pub(crate) fn honest(human: &Grams) -> Vec<usize> {
    (1..human.documents().len()).step_by(2).collect()
}

impl Twin {
    /// `links` finds the twin's n-grams in the human text; samples will have `size` words.
    pub(crate) fn of(twin: &Words<'_>, human: &Grams, links: &Links, size: usize) -> Self {
        let mut half = Sample::new(human);
        half.take(&for_bands(human), human.len());
        let mut sizes = [[0; BANDS.len()]; ORDERS];
        let bands = std::array::from_fn(|n| {
            let band = |kind: u32| {
                let count = links.get(n + 1, kind).map_or(0, |number| half.order(n + 1).count(number));
                let expected = f64::from(count) * size as f64 / half.words().max(1) as f64;
                let band = ENDS.iter().filter(|&&end| expected >= end).count();
                sizes[n][band] += 1;
                band as u8
            };
            (0..twin.grams.kinds(n + 1) as u32).map(band).collect()
        });
        let all = Sample::everything(&twin.grams);
        let documents = (0..twin.grams.kinds(1) as u32).map(|word| all.order(1).documents(word)).collect();
        Self { known: Known::of(twin), bands, sizes, documents, pairs: all.order(1).incidences() }
    }

    /// `coverage` by a sample. `links` finds its n-grams in the twin.
    pub(crate) fn report(&self, sample: &Sample<'_>, links: &Links, side: Side, measures: &mut Measures) {
        for order in 1..=ORDERS {
            let mut covered = [0usize; BANDS.len()];
            for number in sample.order(order).kinds().iter().filter_map(|&kind| links.get(order, kind)) {
                covered[usize::from(self.bands[order - 1][number as usize])] += 1;
            }
            for ((band, covered), size) in BANDS.iter().zip(covered).zip(self.sizes[order - 1]) {
                measures.push("coverage", side.detail(format!("{order}-{band}")), covered as f64 / size as f64);
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
        // 1 and 0.5. The twin has a, b, c, d.
        let human = ["a a a a b", "c d", "a a a b c", "d d"].map(plain);
        let (twin, text) = (["a b c d"].map(plain), ["a c x", "b b"].map(plain));
        let (human, twin, text) = (Words::of(&human), Words::of(&twin), Words::of(&text));
        let links = Known::of(&human).links(&twin);
        let target = Twin::of(&twin, &human.grams, &links, 5);
        assert_eq!(target.sizes[0], [2, 2, 0]);
        let (links, mut measures) = (target.known.links(&text), Measures::default());
        let mut sample = Sample::new(&text.grams);
        assert!(sample.take(&[0], 3));
        target.report(&sample, &links, Side::Written, &mut measures);
        let rows = measures.into_vec();
        // c of c and d; a of a and b; nothing is frequent.
        assert_eq!((rows[0].detail.as_str(), rows[0].value, rows[1].value), ("1-rare", 0.5, 0.5));
        assert!(rows[2].value.is_nan());
        // ab, bc, cd: ab and bc stand once each... in ten words, so 1 in five: none of ac, cx.
        assert_eq!((rows[3].detail.as_str(), rows[3].value), ("2-rare", 0.0));
    }
}
