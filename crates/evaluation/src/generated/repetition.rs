//! Repetition within documents.
//!
//! *Definition.* `repetition` n (rep-n): the share of n-grams that repeat one earlier in the same document, over all
//! documents together (Welleck et al. 2020, "seq-rep-n"). `diversity`: the product of 1 - rep-n for n = 2 to 4 (Su et al.
//! 2022). They show loops, the way in which greedy and cool decoding fail.
//!
//! *Trap.* A long document repeats more than a short one, so a change of lengths shows here too: read it beside
//! `mean-length` and the human rate. n = 1 measures little but length and is left out. Diversity says nothing of what
//! is the same in different documents.

use super::entry::compared;
use crate::Dimension::{Member, Order, Reference};
use crate::Dimensions;
use crate::measure::{Measures, order};
use crate::metric::{Axis, Damage, Figure, Metric, Panel};
use crate::subject::Subject;
use crate::text::{Grams, ORDERS};
use std::ops::Range;

pub static REPETITION: Metric =
    compared("repetition", "Repeated n-grams", "share of n-grams that repeat", &[Member, Reference, Order])
        .worse(Damage::More)
        .drawn(
            &Figure {
                name: "repetition",
                title: "Repetition",
                label: "share of n-grams that repeat",
                axis: Axis::Share,
                caption: "Share of the n-grams that repeat an earlier one of their document: higher is more \
                          repetitive.",
            },
            &[
                Panel { title: "Repeated 2-grams", views: &[&[(Order, "2")]] },
                Panel { title: "Repeated 3-grams", views: &[&[(Order, "3")]] },
                Panel { title: "Repeated 4-grams", views: &[&[(Order, "4")]] },
            ],
        );

pub static DIVERSITY: Metric =
    compared("diversity", "Diversity", "product of shares", &[Member, Reference]).on(Axis::Share).worse(Damage::Less);

/// `repetition` for n = 2 to 4, and `diversity` where there are n-grams of all of these.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let grams = text.grams();
    let mut diversity = 1.0;
    for n in 2..=ORDERS {
        let (repeated, total) = repeated(grams, grams.documents(), n);
        diversity *= 1.0 - repeated as f64 / total as f64;
        measures.share(&REPETITION, order(n), repeated as f64, total as f64);
    }
    measures.number(&DIVERSITY, Dimensions::NONE, diversity);
}

/// Of the n-grams of an order in these documents: how many repeat one earlier in their document, and how many there are.
pub(crate) fn repeated(grams: &Grams, documents: &[Range<usize>], order: usize) -> (usize, usize) {
    let (mut repeated, mut total) = (0, 0);
    // The document, counted from 1, in which an n-gram was last seen.
    let mut seen = vec![0; grams.kinds(order)];
    for (document, range) in (1..).zip(documents) {
        for &gram in grams.grams(order, range) {
            total += 1;
            repeated += usize::from(seen[gram as usize] == document);
            seen[gram as usize] = document;
        }
    }
    (repeated, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::measured;
    use crate::text::plain;

    fn values(texts: &[&str]) -> Vec<f64> {
        let docs: Vec<_> = texts.iter().copied().map(plain).collect();
        measured(&docs, report).iter().map(|measure| measure.value).collect()
    }

    #[test]
    fn a_toy_text_by_hand() {
        // ab ba ab ba ab: 3 of 5; aba bab aba bab: 2 of 4; abab baba abab: 1 of 3. The second document repeats the
        // first, not itself.
        assert_eq!(values(&["a b a b a b", "a b"]), [3.0 / 6.0, 2.0 / 4.0, 1.0 / 3.0, 0.5 * 0.5 * (1.0 - 1.0 / 3.0)]);
    }

    #[test]
    fn text_without_n_grams_has_no_rate() {
        assert!(values(&["a", ""]).is_empty());
        assert_eq!(values(&["a b"]), [0.0]);
    }
}
