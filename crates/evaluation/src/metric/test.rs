//! A model on held-out human text, and what it is compared with: models that count the human training text of generation 0.
//!
//! *Definitions.* `unigram-loss`: of token counts, one added to each. `bigram-loss` and `fourgram-loss`: of interpolated
//! Kneser-Ney with a uniform floor (`chain::learners::NGramBaseline`). Each counts the tokens and ends of the training
//! documents, and is scored as `loss` is: the same documents, positions and ends, in nats per token.
//!
//! *Source.* Kneser and Ney 1995; Chen and Goodman 1999.
//!
//! *Traps.* A model that is above the bigram has learnt less than pairs of tokens, so what its chain loses says little about
//! language. The figures are of one tokenizer and one amount of text: with more of it the 4-gram gains most. And
//! `possible-loss` is of fewer documents where more are impossible, so it may fall while a model gets worse: read it beside
//! `impossible-documents`.

use super::entry::{Axis, Damage, Figure, Level, Metric, Needs, Panel, Set, Shown};
use crate::Dimension::{Member, Part};

const fn of_test(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    Metric::new(Set::Test, name, title, unit).by(&[Member])
}

const fn plain(title: &'static str) -> Panel {
    Panel { title, views: &[&[]] }
}

/// The baselines of a metric.
pub(super) const fn baselines(shown: Shown) -> [Level; 3] {
    [
        Level { label: "unigram", metric: &UNIGRAM_LOSS, shown },
        Level { label: "bigram", metric: &BIGRAM_LOSS, shown },
        Level { label: "4-gram", metric: &FOURGRAM_LOSS, shown },
    ]
}

pub static TEST_PERPLEXITY: Metric = of_test("perplexity", "Test perplexity", "perplexity per token")
    .log()
    .worse(Damage::More)
    .means("Exponential of the loss.")
    .drawn(
        &Figure {
            name: "test-perplexity",
            title: "Test perplexity",
            label: "perplexity per token (log axis)",
            axis: Axis::Log,
            caption: "Perplexity on human test text, every document scored alone from the separator.",
        },
        &[plain("Test perplexity")],
    )
    .beside(&const { baselines(Shown::Perplexity) });

pub static TEST_LOSS: Metric = of_test("loss", "Test loss", "nats per token")
    .log()
    .worse(Damage::More)
    .means("Mean negative log-likelihood per token.")
    .drawn(
        &Figure {
            name: "test-loss",
            title: "Test loss",
            label: "nats per token",
            axis: Axis::Linear,
            caption: "Mean negative log-likelihood per token of human test text.",
        },
        &[plain("Test loss")],
    )
    .beside(&const { baselines(Shown::Loss) });

pub static BITS_PER_BYTE: Metric = of_test("bits-per-byte", "Test bits per byte", "bits per byte")
    .log()
    .worse(Damage::More)
    .needs(Needs::Text)
    .means("The loss per byte of text.")
    .drawn(
        &Figure {
            name: "bits-per-byte",
            title: "Test bits per byte",
            label: "bits per byte",
            axis: Axis::Linear,
            caption: "The same loss per byte of text, which does not depend on the tokenizer.",
        },
        &[plain("Test bits per byte")],
    );

pub static UNIGRAM_LOSS: Metric = Metric::new(Set::Test, "unigram-loss", "Loss of the unigram model", "nats per token")
    .log()
    .means("Test loss of token frequencies alone: what generation 0 could lose at most.");

pub static BIGRAM_LOSS: Metric = Metric::new(Set::Test, "bigram-loss", "Loss of the bigram model", "nats per token")
    .log()
    .means("Test loss of a Kneser-Ney bigram of generation 0's human training text, with a uniform floor.");

pub static FOURGRAM_LOSS: Metric =
    Metric::new(Set::Test, "fourgram-loss", "Loss of the 4-gram model", "nats per token")
        .log()
        .means("Test loss of a Kneser-Ney 4-gram of generation 0's human training text, with a uniform floor.");

pub static POSSIBLE_LOSS: Metric =
    Metric::new(Set::Test, "possible-loss", "Loss on the possible documents", "nats per token")
        .log()
        .means("Test loss of an n-gram learner on the documents to which it gives a probability.");

pub static IMPOSSIBLE_DOCUMENTS: Metric =
    Metric::new(Set::Test, "impossible-documents", "Impossible documents", "share of the test documents")
        .on(Axis::Share)
        .worse(Damage::More)
        .means("Share of the test documents to which an n-gram model gives no probability.");

pub static CALIBRATION_ERROR: Metric =
    Metric::new(Set::Test, "calibration-error", "Calibration error", "mean distance of confidence and accuracy")
        .by(&[Member, Part])
        .worse(Damage::More)
        .means("Expected calibration error of the most likely next token, in fifteen bins of confidence.")
        .drawn(
            &Figure {
                name: "calibration",
                title: "Calibration on human test text",
                label: "mean distance of confidence and accuracy",
                axis: Axis::Amount,
                caption: "How far the probability of the most likely next token is from how often it is right, in \
                          fifteen bins of confidence. The table of bins is in each generation’s reliability.json. \
                          Chance alone keeps it above zero.",
            },
            &[
                Panel { title: "Bins of equal mass", views: &[&[(Part, "equal-mass")]] },
                Panel { title: "Bins of equal width", views: &[&[(Part, "equal-width")]] },
            ],
        );

pub(super) const METRICS: &[&Metric] = &[
    &TEST_PERPLEXITY,
    &TEST_LOSS,
    &BITS_PER_BYTE,
    &UNIGRAM_LOSS,
    &BIGRAM_LOSS,
    &FOURGRAM_LOSS,
    &IMPOSSIBLE_DOCUMENTS,
    &POSSIBLE_LOSS,
    &CALIBRATION_ERROR,
];
