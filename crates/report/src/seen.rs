//! Further figures: what generation 0's model sees in the text of the later ones, what each step of learning adds, whether
//! models know how sure they may be.

use crate::catalogue::{Axis, Figure, PLAIN, Quantity, View, quantity, view};

const HUMAN: &str = "human test text";
const CEILING: &str = "other human text";

const fn perplexity(detail: &'static [View], title: &'static str) -> Quantity {
    quantity("written", "perplexity", detail, title)
}

const fn of_documents(detail: &'static [View], title: &'static str) -> Quantity {
    quantity("written", "document-perplexity", detail, title)
}

const PERPLEXITY: [Quantity; 2] = [
    perplexity(&[view("generation-0", "human")], "Under generation 0’s model"),
    perplexity(&[view("itself", "")], "Under the model that wrote it"),
];
const DOCUMENTS: [Quantity; 5] = [
    of_documents(&[view("05", "human-05")], "The easiest 5 % are below"),
    of_documents(&[view("25", "human-25")], "A quarter is below"),
    of_documents(&[view("50", "human-50")], "Half is below"),
    of_documents(&[view("75", "human-75")], "Three quarters are below"),
    of_documents(&[view("95", "human-95")], "95 % are below"),
];
const MAUVE: Quantity = quantity("written", "mauve", &[view("", "human")], "MAUVE");
const VENDI: Quantity = quantity("written", "vendi", &[view("", "human")], "Vendi score");
const CALIBRATION: [Quantity; 2] = [
    quantity("test", "calibration-error", &[view("equal-mass", "")], "Bins of equal mass"),
    quantity("test", "calibration-error", &[view("equal-width", "")], "Bins of equal width"),
];
const STEP: Quantity = quantity("written", "step-divergence", PLAIN, "What each step of learning adds");
const FIRST_TELLS: Quantity = quantity("written", "tell-coverage", &[view("generation-1", "human")], "Early tells");

/// Where it was measured.
pub(crate) const SEEN: [Figure; 7] = [
    Figure {
        name: "written-perplexity",
        title: "Perplexity of what was written",
        axis: "perplexity per token (log axis)",
        panels: &PERPLEXITY,
        kind: Axis::Log,
        dashed: HUMAN,
        caption: "Text that grows simple is easy to foretell, for its author and for generation 0 alike: low is not good. What \
                  rises under generation 0’s model is text that human text would not lead to.",
    },
    Figure {
        name: "document-perplexity",
        title: "Perplexity of single documents under generation 0’s model",
        axis: "perplexity per token (log axis)",
        panels: &DOCUMENTS,
        kind: Axis::Log,
        dashed: HUMAN,
        caption: "Quantiles over documents. Quantiles that \
                  draw together are a distribution that narrows; an upper one that runs off is a tail of errors.",
    },
    Figure {
        name: "mauve",
        title: "Nearness to human text (MAUVE)",
        axis: "score, 1 is the same",
        panels: &[MAUVE],
        kind: Axis::Share,
        dashed: CEILING,
        caption: "Of as many documents as of human test text, as points: the mean hidden state that generation 0’s model has \
                  of them. Other human text does not get 1 either.",
    },
    Figure {
        name: "vendi",
        title: "Different documents, in effect (Vendi score)",
        axis: "effective number",
        panels: &[VENDI],
        kind: Axis::Amount,
        dashed: HUMAN,
        caption: "Of the same points. It is a scale of its own, on which only equal numbers of documents compare.",
    },
    Figure {
        name: "calibration",
        title: "Calibration on human test text",
        axis: "mean distance of confidence and success",
        panels: &CALIBRATION,
        kind: Axis::Amount,
        dashed: CEILING,
        caption: "How far the probability of the likeliest next token is from how often it is right, in fifteen bins of \
                  confidence; their table is in each generation’s reliability.json. Chance alone keeps it above zero.",
    },
    Figure {
        name: "step-divergence",
        title: STEP.title,
        axis: "nats per token",
        panels: &[STEP],
        kind: Axis::Amount,
        dashed: CEILING,
        caption: "What a model spends on new text of its parent’s beyond what the parent does, on documents that nobody was \
                  trained on. At temperature 1 without truncation it estimates the divergence from parent to child; of \
                  another sampler’s text it is no divergence and may be below zero.",
    },
    Figure {
        name: "tell-coverage",
        title: "What became of the first tells",
        axis: "share of the words written",
        panels: &[FIRST_TELLS],
        kind: Axis::Amount,
        dashed: HUMAN,
        caption: "How much of each generation’s text the ten strongest tells of generation 1 are. In generation 1 itself, \
                  where they were chosen, the share is too high by what chance did; the later ones are fair.",
    },
];
