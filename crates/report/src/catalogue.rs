//! What the metrics are called, on which scale they are averaged, and which are drawn.

use std::f64::consts::LOG2_E;

use evaluation::statistics::Scale;

/// One thing to show of a metric.
pub(crate) struct Quantity {
    pub(crate) set: &'static str,
    pub(crate) metric: &'static str,
    /// Details under which it may have been measured. The one with most observations is shown; of equals, the first.
    pub(crate) views: &'static [View],
    /// Name for people.
    pub(crate) title: &'static str,
    /// What a value is multiplied with before it is shown, so that it is in the unit that the title or the axis says.
    pub(crate) times: f64,
    /// Where some views begin with at least this much, a mean over arms and seeds, the first of them is shown.
    pub(crate) begins: Option<f64>,
}

impl Quantity {
    /// The same, shown of a view that begins with at least so much, if there is one: what was never there cannot be lost.
    pub(crate) const fn beginning_with(self, least: f64) -> Self {
        Self { begins: Some(least), ..self }
    }

    /// The same, measured in nats and shown in bits.
    pub(crate) const fn in_bits(self) -> Self {
        Self { times: LOG2_E, ..self }
    }
}

/// A detail, and the detail under which the same was measured of human text; empty if it was not.
pub(crate) struct View {
    pub(crate) detail: &'static str,
    pub(crate) human: &'static str,
}

pub(crate) const fn view(detail: &'static str, human: &'static str) -> View {
    View { detail, human }
}

pub(crate) const PLAIN: &[View] = &[view("", "")];
/// Richness grows with size: human text of the same size stands beside texts of equal size only.
const SIZED: &[View] = &[view("equal", "human"), view("", "")];

pub(crate) const fn quantity(
    set: &'static str,
    metric: &'static str,
    views: &'static [View],
    title: &'static str,
) -> Quantity {
    Quantity { set, metric, views, title, times: 1.0, begins: None }
}

pub(crate) const TEST_PERPLEXITY: Quantity = quantity("test", "perplexity", PLAIN, "Test perplexity");
pub(crate) const BITS_PER_BYTE: Quantity = quantity("test", "bits-per-byte", PLAIN, "Test bits per byte");
pub(crate) const VOCABULARY: Quantity = quantity("written", "vocabulary-survival", SIZED, "Vocabulary that survives");
pub(crate) const TEST_LOSS: Quantity = quantity("test", "loss", PLAIN, "Test loss");
const ENTROPY: Quantity = quantity("written", "unigram-entropy", SIZED, "Unigram entropy");
const TAIL: Quantity = quantity(
    "written",
    "tail-token-rate",
    &[view("words", "human-words"), view("tokens", "human-tokens"), view("", "human")],
    "Words of the tail",
);
pub(crate) const DISTINCT_PAIRS: Quantity =
    quantity("written", "distinct", &[view("2", "human-2")], "Distinct 2-grams");
const DISTINCT: [Quantity; 4] = [
    quantity("written", "distinct", &[view("1", "human-1")], "Distinct words"),
    DISTINCT_PAIRS,
    quantity("written", "distinct", &[view("3", "human-3")], "Distinct 3-grams"),
    quantity("written", "distinct", &[view("4", "human-4")], "Distinct 4-grams"),
];
const REPETITION: [Quantity; 3] = [
    quantity("written", "repetition", &[view("2", "human-2")], "Repeated 2-grams"),
    quantity("written", "repetition", &[view("3", "human-3")], "Repeated 3-grams"),
    quantity("written", "repetition", &[view("4", "human-4")], "Repeated 4-grams"),
];
const TRUNCATED: Quantity = quantity("written", "truncated-share", PLAIN, "Truncated documents");

/// Columns of the main table.
pub(crate) const MAIN_COLUMNS: [&Quantity; 8] =
    [&TEST_PERPLEXITY, &BITS_PER_BYTE, &VOCABULARY, &TAIL, &ENTROPY, &DISTINCT_PAIRS, &REPETITION[2], &TRUNCATED];

/// Columns of the training ledger that are metrics as they are.
pub(crate) const LEDGER_COLUMNS: [Quantity; 5] = [
    quantity("training", "unique-tokens", PLAIN, "Unique tokens"),
    quantity("training", "seen-tokens", PLAIN, "Seen tokens"),
    quantity("training", "steps", PLAIN, "Steps"),
    quantity("training", "final-loss", PLAIN, "Final training loss (nats)"),
    quantity("training", "validation-loss", PLAIN, "Validation loss on the mixture (nats)"),
];

/// A figure: panels side by side.
pub(crate) struct Figure {
    /// File name without ending.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the vertical axis says.
    pub(crate) axis: &'static str,
    /// What is not measured is left out.
    pub(crate) panels: &'static [Quantity],
    pub(crate) kind: Axis,
    /// What the dashed line is, where a view has human text.
    pub(crate) dashed: &'static str,
    /// What the reader should know to read it.
    pub(crate) caption: &'static str,
}

/// How the vertical axis runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Where the data are.
    Linear,
    /// The same, on the logarithm.
    Log,
    /// A share of a whole: from 0, to 1 at the most.
    Share,
    /// From 0, which means something, or from where the data are if some of them are below it. Panels have one scale.
    Amount,
}

const OTHER: &str = "other human text";

/// The figures that every run has, in the order of the page.
pub(crate) const FIGURES: [Figure; 8] = [
    Figure {
        name: "test-perplexity",
        title: "Test perplexity",
        axis: "perplexity per token (log axis)",
        panels: &[TEST_PERPLEXITY],
        kind: Axis::Log,
        dashed: OTHER,
        caption: "Perplexity on human test text, every document scored alone from the separator.",
    },
    Figure {
        name: "test-loss",
        title: "Test loss",
        axis: "nats per token",
        panels: &[TEST_LOSS],
        kind: Axis::Linear,
        dashed: OTHER,
        caption: "Mean negative log-likelihood per token of human test text.",
    },
    Figure {
        name: "bits-per-byte",
        title: "Test bits per byte",
        axis: "bits per byte",
        panels: &[BITS_PER_BYTE],
        kind: Axis::Linear,
        dashed: OTHER,
        caption: "The same loss per byte of text, which does not depend on the tokenizer.",
    },
    Figure {
        name: "vocabulary-survival",
        title: "Vocabulary that survives",
        axis: "share of the human word types",
        panels: &[VOCABULARY],
        kind: Axis::Share,
        dashed: OTHER,
        caption: "Share of the word types of generation 0’s human text that occur in what each generation wrote.",
    },
    Figure {
        name: "tail-token-rate",
        title: "The tail",
        axis: "share of the words written",
        panels: &[TAIL],
        kind: Axis::Share,
        dashed: OTHER,
        caption: "Share of what was written that belongs to the rarest types of the human text.",
    },
    Figure {
        name: "unigram-entropy",
        title: "Unigram entropy",
        axis: "nats per word",
        panels: &[ENTROPY],
        kind: Axis::Linear,
        dashed: OTHER,
        caption: "Entropy of the words’ relative frequencies.",
    },
    Figure {
        name: "distinct",
        title: "Distinct n-grams",
        axis: "share of n-grams that differ",
        panels: &DISTINCT,
        kind: Axis::Share,
        dashed: OTHER,
        caption: "Distinct n-grams as a share of all n-grams written: lower is more uniform.",
    },
    Figure {
        name: "repetition",
        title: "Repetition",
        axis: "share of n-grams that repeat",
        panels: &REPETITION,
        kind: Axis::Share,
        dashed: OTHER,
        caption: "Share of the n-grams that repeat an earlier one of their document: higher is more repetitive.",
    },
];

/// The scale on which seeds of a metric are averaged.
pub(crate) fn scale(metric: &str) -> Scale {
    let positive = ["loss", "perplexity", "bits-per-byte"];
    if positive.iter().any(|name| metric == *name || metric.ends_with(&format!("-{name}"))) {
        Scale::Log
    } else {
        Scale::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_averaged_on_the_log_scale() {
        for metric in ["loss", "final-loss", "validation-loss", "perplexity", "bits-per-byte"] {
            assert_eq!(scale(metric), Scale::Log, "{metric}");
        }
        for metric in ["tail-token-rate", "mean-length", "glossy", "steps"] {
            assert_eq!(scale(metric), Scale::Plain, "{metric}");
        }
    }
}
