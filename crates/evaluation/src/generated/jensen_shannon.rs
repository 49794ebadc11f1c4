//! Divergence from the human text.
//!
//! *Definition.* `jensen-shannon` n: the Jensen-Shannon divergence (Lin 1991) of the relative frequencies of n-grams in
//! two samples, in bits: 0 if they are the same, 1 if no n-gram is in both.
//!
//! *Trap.* Two samples of one source are far from the same: for n = 4 nearly all that the value shows is that they are
//! samples. Both have an equal number of words, and the value between human text and other human text is beside it.
//! SciPy's `jensenshannon` is the square root.

use super::entry::{BY_ORDER, compared};
use crate::Dimension::{self, Order};
use crate::draws::Drawn;
use crate::measure::{Measures, order};
use crate::metric::{Axis, Damage, Figure, Metric, Panel};
use crate::sample::Counts;
use crate::text::ORDERS;

pub static JENSEN_SHANNON: Metric =
    compared("jensen-shannon", "Jensen-Shannon divergence", "bits", BY_ORDER).worse(Damage::More).drawn(
        &Figure {
            name: "jensen-shannon",
            title: "Distance from human text",
            label: "Jensen-Shannon divergence, bits",
            axis: Axis::Share,
            caption: "Of n-gram frequencies at equal size; dashed, that of other human text, which is not zero \
                          either.",
        },
        &[
            Panel { title: "Words", views: &[&[(Dimension::Sample, "equal"), (Order, "1")]] },
            Panel { title: "2-grams", views: &[&[(Dimension::Sample, "equal"), (Order, "2")]] },
            Panel { title: "3-grams", views: &[&[(Dimension::Sample, "equal"), (Order, "3")]] },
            Panel { title: "4-grams", views: &[&[(Dimension::Sample, "equal"), (Order, "4")]] },
        ],
    );

/// `jensen-shannon` for each order, where there is enough human text.
pub(crate) fn report(of: &Drawn<'_>, measures: &mut Measures) {
    let Some(human) = of.human else { return };
    for n in 1..=ORDERS {
        let link = |kind| of.from.links.get(n, kind);
        measures.push(&JENSEN_SHANNON, order(n), jensen_shannon(of.sample.order(n), human.order(n), link));
    }
}

/// In bits. `link` finds the other sample's number of an n-gram. No number if a sample has no n-grams.
pub(crate) fn jensen_shannon(ours: &Counts, theirs: &Counts, link: impl Fn(u32) -> Option<u32>) -> f64 {
    let (own, other) = (ours.total() as f64, theirs.total() as f64);
    // Frequencies are sums of counts over totals, so what both have is p ln 2p/(p+q) + q ln 2q/(p+q), and what one has
    // is its frequency times ln 2.
    let (mut both, mut shared) = (0.0, 0u64);
    let mut alone = 0u64;
    for &kind in ours.kinds() {
        let count = ours.count(kind);
        let human = link(kind).map_or(0, |number| theirs.count(number));
        if human == 0 {
            alone += u64::from(count);
            continue;
        }
        let (p, q) = (f64::from(count) / own, f64::from(human) / other);
        both += p * (2.0 * p / (p + q)).log2() + q * (2.0 * q / (p + q)).log2();
        shared += u64::from(human);
    }
    let single = alone as f64 / own + (other - shared as f64) / other;
    // Rounding must not bring it out of its bounds, and a clamp lets NaN be.
    (0.5 * (both + single)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use crate::text::{Known, Words, plain};

    fn divergence(ours: &str, theirs: &str) -> f64 {
        let (ours, theirs) = ([plain(ours)], [plain(theirs)]);
        let (ours, theirs) = (Words::of(&ours), Words::of(&theirs));
        let links = Known::of(&theirs).links(&ours);
        let (a, b) = (Sample::everything(&ours.grams), Sample::everything(&theirs.grams));
        jensen_shannon(a.order(1), b.order(1), |kind| links.get(1, kind))
    }

    #[test]
    fn known_values() {
        assert_eq!(divergence("a b a", "a a b"), 0.0);
        assert_eq!(divergence("a b", "c d"), 1.0);
        // (1, 0) and (1/2, 1/2): H(3/4, 1/4) - 1/2 bits.
        let expected = 2.0 - 0.75 * 3.0_f64.log2() - 0.5;
        assert!((divergence("a", "b a") - expected).abs() < 1e-15);
        assert!((divergence("b a", "a") - expected).abs() < 1e-15);
        assert!(divergence("a", "").is_nan());
    }
}
