//! Further figures: what else the field measures of text, and the chains of learners that can be solved.

use crate::catalogue::{Axis, Figure, PLAIN, Quantity, View, quantity, view};

const OTHER: &str = "other human text";
/// Measured of samples of equal size, beside as large a sample of other human text.
const EQUAL: &[View] = &[view("equal", "human")];
const BESIDE: &[View] = &[view("", "human")];

const HILL: [Quantity; 3] = [
    quantity("written", "hill", &[view("0", "human-0")], "Order 0: all types"),
    quantity("written", "hill", &[view("1", "human-1")], "Order 1: typical types"),
    quantity("written", "hill", &[view("2", "human-2")], "Order 2: common types"),
];
pub(crate) const RARE_WORDS: Quantity =
    quantity("written", "coverage", &[view("1-rare", "human-1-rare")], "Rare words");
const COVERAGE: [Quantity; 3] = [
    RARE_WORDS,
    quantity("written", "coverage", &[view("1-medium", "human-1-medium")], "Medium words"),
    quantity("written", "coverage", &[view("1-frequent", "human-1-frequent")], "Frequent words"),
];
const DIVERGENCE: [Quantity; 4] = [
    quantity("written", "jensen-shannon", &[view("1", "human-1")], "Words"),
    quantity("written", "jensen-shannon", &[view("2", "human-2")], "2-grams"),
    quantity("written", "jensen-shannon", &[view("3", "human-3")], "3-grams"),
    quantity("written", "jensen-shannon", &[view("4", "human-4")], "4-grams"),
];
const SAMENESS: [Quantity; 3] = [
    quantity("written", "self-bleu", BESIDE, "Self-BLEU-4 (higher: more alike)"),
    quantity("written", "edit-distance", BESIDE, "Edit distance (higher: less alike)"),
    quantity("written", "mattr", BESIDE, "Types in 500 words (MATTR)"),
];
const EXPONENTS: [Quantity; 2] =
    [quantity("written", "zipf-exponent", EQUAL, "Zipf"), quantity("written", "heaps-exponent", EQUAL, "Heaps")];
pub(crate) const TELLS: Quantity = quantity("written", "tell-rate", BESIDE, "Tells");
const MISSING: [Quantity; 2] = [
    quantity("written", "missing-mass", EQUAL, "Good and Turing’s estimate"),
    quantity("written", "uncovered-mass", EQUAL, "Human words it does not hold"),
];

/// Of text, where it was measured.
pub(crate) const OF_TEXT: [Figure; 7] = [
    Figure {
        name: "hill",
        title: "Effective numbers of types",
        axis: "types (log axis)",
        panels: &HILL,
        kind: Axis::Log,
        dashed: OTHER,
        caption: "Hill numbers of words at equal size: the higher the order, the less rare words count.",
    },
    Figure {
        name: "coverage",
        title: "Human words that still occur, by frequency",
        axis: "share of the band’s words",
        panels: &COVERAGE,
        kind: Axis::Share,
        dashed: OTHER,
        caption: "Bands by frequency in an independent part of the human text, at equal size.",
    },
    Figure {
        name: "jensen-shannon",
        title: "Distance from human text",
        axis: "Jensen-Shannon divergence, bits",
        panels: &DIVERGENCE,
        kind: Axis::Share,
        dashed: OTHER,
        caption: "Of n-gram frequencies at equal size; dashed, that of other human text, which is not zero either.",
    },
    Figure {
        name: "sameness",
        title: "How much documents are alike",
        axis: "score",
        panels: &SAMENESS,
        kind: Axis::Share,
        dashed: OTHER,
        caption: "Between documents of one generation.",
    },
    Figure {
        name: "exponents",
        title: "Zipf’s and Heaps’ exponents",
        axis: "exponent",
        panels: &EXPONENTS,
        kind: Axis::Linear,
        dashed: OTHER,
        caption: "Frequencies by rank, and types by size, at equal size.",
    },
    Figure {
        name: "missing-mass",
        title: "What is not there",
        axis: "share of words",
        panels: &MISSING,
        kind: Axis::Share,
        dashed: OTHER,
        caption: "How much of a next word would be new to the text, and how much of human text consists of words that it lacks.",
    },
    Figure {
        name: "tells",
        title: "Tells",
        axis: "words per 1,000 in over-represented n-grams",
        panels: &[TELLS],
        kind: Axis::Amount,
        dashed: OTHER,
        caption: "N-grams that are more frequent than in human text by more than chance, and how much of the text they cover.",
    },
];

const fn of_model(metric: &'static str, title: &'static str) -> Quantity {
    quantity("model", metric, PLAIN, title)
}

/// What is shown first of a learner that can be solved: the first two of these that were measured.
pub(crate) const OF_MODEL: [Quantity; 10] = [
    of_model("support", "Types that the model knows"),
    of_model("variance", "Variance"),
    of_model("impossible", "Documents that the model never writes"),
    of_model("excess-risk", "Excess risk"),
    of_model("integrated-squared-error", "Integrated squared error"),
    of_model("heterozygosity", "Heterozygosity"),
    of_model("squared-error", "Squared error"),
    of_model("excess", "Excess over the truth, nats"),
    of_model("squared-wasserstein", "Wasserstein-2 distance to the truth, squared"),
    of_model("divergence", "Divergence from the truth, nats"),
];

const fn solved(name: &'static str, number: usize) -> Figure {
    Figure {
        name,
        title: OF_MODEL[number].title,
        axis: OF_MODEL[number].title,
        panels: std::slice::from_ref(&OF_MODEL[number]),
        kind: Axis::Amount,
        dashed: OTHER,
        caption: "Of the model of each generation, against the truth.",
    }
}

/// The same as figures.
pub(crate) const SOLVED: [Figure; 10] = [
    solved("model-support", 0),
    solved("model-variance", 1),
    solved("model-impossible", 2),
    solved("model-excess-risk", 3),
    solved("model-integrated-squared-error", 4),
    solved("model-heterozygosity", 5),
    solved("model-squared-error", 6),
    solved("model-excess", 7),
    solved("model-squared-wasserstein", 8),
    solved("model-divergence", 9),
];
