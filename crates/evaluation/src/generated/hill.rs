//! Hill numbers: how many words there seem to be.
//!
//! *Definition.* The Hill number of order q is (Σ f^q)^(1/(1-q)) over relative frequencies (Hill 1973): order 0 counts
//! the types, order 1 is exp(entropy), order 2 is 1 / Σ f². It is the number of equally frequent types that would give
//! the same value. Order 0 sees rare types, order 2 only frequent ones, so collapse lowers order 0 first.
//!
//! *Trap.* They grow with the sample, order 0 without end. They are rarefied (Gotelli and Colwell 2001): the mean over
//! random sets of whole documents with the same number of words. Rarefying by single words, as ecologists do where
//! animals come singly, gives more types than a text of that length has, because words come in bursts.

use super::entropy::entropy;
use super::entry::{BY_ORDER, compared};
use crate::Dimension::{self, Order};
use crate::draws::Drawn;
use crate::measure::{Measures, order};
use crate::metric::{Axis, Damage, Figure, Metric, Panel};
use crate::sample::Counts;

pub static HILL: Metric = compared("hill", "Effective number of types", "types", BY_ORDER).worse(Damage::Less).drawn(
    &Figure {
        name: "hill",
        title: "Effective numbers of types",
        label: "types (log axis)",
        axis: Axis::Log,
        caption: "Hill numbers of words at equal size: the higher the order, the less rare words count.",
    },
    &[
        Panel { title: "Order 0: all types", views: &[&[(Dimension::Sample, "equal"), (Order, "0")]] },
        Panel { title: "Order 1: typical types", views: &[&[(Dimension::Sample, "equal"), (Order, "1")]] },
        Panel { title: "Order 2: common types", views: &[&[(Dimension::Sample, "equal"), (Order, "2")]] },
    ],
);

/// `hill` for q = 0, 1 and 2.
pub(crate) fn report(of: &Drawn<'_>, measures: &mut Measures) {
    for (q, value) in numbers(of.sample.order(1)).into_iter().enumerate() {
        measures.push(&HILL, order(q), value);
    }
}

/// The Hill numbers of order 0, 1 and 2.
fn numbers(words: &Counts) -> [f64; 3] {
    [words.kinds().len() as f64, entropy(words).exp(), second(words)]
}

/// The Hill number of order 2.
pub(crate) fn second(words: &Counts) -> f64 {
    let squares: f64 = words.counts().map(|count| f64::from(count).powi(2)).sum();
    (words.total() as f64).powi(2) / squares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use crate::text::{Words, plain};

    #[test]
    fn equal_types_count_as_what_they_are() {
        let values = |text: &str| {
            let docs = [plain(text)];
            let words = Words::of(&docs);
            numbers(Sample::everything(&words.grams).order(1))
        };
        assert!(values("a b c a b c").iter().all(|value| (value - 3.0).abs() < 1e-12));
        // Frequencies 1/2, 1/4, 1/4: 1.5 bits, and 1 / (1/4 + 1/16 + 1/16).
        let uneven = values("a b a c");
        assert!((uneven[1] - 2.0_f64.powf(1.5)).abs() < 1e-12 && (uneven[2] - 8.0 / 3.0).abs() < 1e-12);
    }
}
