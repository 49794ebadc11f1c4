//! Generated text as models score it, what text began with, and what is watched for in it.

use super::entry::{Axis, Damage, Figure, HUMAN_TEST, LANGUAGE, Metric, Needs, OTHER_HUMAN, Panel, Set};
use crate::Dimension::{Band, Defence, Member, Part, Reference};

const fn of_text(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    Metric::new(Set::Generated, name, title, unit)
}

const fn plain(title: &'static str) -> Panel {
    Panel { title, views: &[&[]] }
}

pub static GENERATED_PERPLEXITY: Metric = of_text("perplexity", "Perplexity of generated text", "perplexity per token")
    .log()
    .with_baseline(HUMAN_TEST)
    .by(&[Reference, Part])
    .drawn(
        &Figure {
            name: "generated-perplexity",
            title: "Perplexity of generated text",
            label: "perplexity per token (log axis)",
            axis: Axis::Log,
            caption: "Text that grows simple is easy to predict, for its author and for generation 0 alike: low is not \
                      good. What rises under generation 0’s model is text that human text would not lead to.",
        },
        &[
            Panel { title: "Under generation 0’s model", views: &[&[(Part, "generation-0")]] },
            Panel { title: "Under the model that generated it", views: &[&[(Part, "own-model")]] },
        ],
    );

pub static DOCUMENT_PERPLEXITY: Metric =
    of_text("document-perplexity", "Perplexity of single documents", "perplexity per token")
        .log()
        .with_baseline(HUMAN_TEST)
        .by(&[Reference, Band])
        .drawn(
            &Figure {
                name: "document-perplexity",
                title: "Perplexity of single documents under generation 0’s model",
                label: "perplexity per token (log axis)",
                axis: Axis::Log,
                caption: "Quantiles over documents. Quantiles that draw together are a distribution that narrows; an \
                          upper one that runs off is a tail of errors.",
            },
            &[
                Panel { title: "The easiest 5 % are below", views: &[&[(Band, "05")]] },
                Panel { title: "A quarter is below", views: &[&[(Band, "25")]] },
                Panel { title: "Half is below", views: &[&[(Band, "50")]] },
                Panel { title: "Three quarters are below", views: &[&[(Band, "75")]] },
                Panel { title: "95 % are below", views: &[&[(Band, "95")]] },
            ],
        );

pub static MAUVE: Metric =
    of_text("mauve", "MAUVE", "score").with_baseline(OTHER_HUMAN).worse(Damage::Less).by(&[Reference]).drawn(
        &Figure {
            name: "mauve",
            title: "Nearness to human text (MAUVE)",
            label: "score, 1 is the same",
            axis: Axis::Share,
            caption: "Of as many documents as of human test text, as points: the mean hidden state that generation 0’s \
                      model has of them. Other human text does not get 1 either. The mean of five clusterings.",
        },
        &[plain("MAUVE")],
    );

pub static MAUVE_SCATTER: Metric =
    of_text("mauve-scatter", "Scatter of MAUVE over clusterings", "score").with_baseline(OTHER_HUMAN).by(&[Reference]).means(
        "Standard deviation of MAUVE over five clusterings of the same documents; MAUVE is their mean. A difference of this \
         size is none.",
    );

pub static VENDI: Metric = of_text("vendi", "Vendi score", "effective number")
    .with_baseline(HUMAN_TEST)
    .worse(Damage::Less)
    .by(&[Reference])
    .drawn(
        &Figure {
            name: "vendi",
            title: "Effective number of documents (Vendi score)",
            label: "effective number",
            axis: Axis::Amount,
            caption: "Of the same points. It is a scale of its own, on which only equal numbers of documents compare.",
        },
        &[plain("Vendi score")],
    );

pub static DOCUMENTS_READ: Metric = of_text("documents-read", "Documents scored", "documents")
    .by(&[Part])
    .means("Documents that generation 0's model scored; of these, as many as were compared with human text.");

pub static STEP_DIVERGENCE: Metric = of_text("step-divergence", "What each step of learning adds", "nats per token")
    .by(&[Part])
    .drawn(
        &Figure {
            name: "step-divergence",
            title: "What each step of learning adds",
            label: "nats per token",
            axis: Axis::Amount,
            caption: "What a model spends on new text of its parent’s beyond what the parent does, on documents that \
                      no model was trained on. At temperature 1 without truncation it estimates the divergence from \
                      parent to child; of another sampler’s text it is no divergence and may be below zero. Of the ids that \
                      were sampled; in the CSV, part own-ids is of those that the text encodes to, on which models \
                      are trained.",
        },
        &[plain("What each step of learning adds")],
    );

pub static OVER_REPRESENTED_COVERAGE: Metric =
    of_text("over-represented-coverage", "Coverage by early over-represented n-grams", "share of the words")
        .needs(Needs::Text)
        .with_baseline(HUMAN_TEST)
        .by(&[Reference])
        .drawn(
            &Figure {
                name: "over-represented-coverage",
                title: "What became of the first over-represented n-grams",
                label: "share of the generated words",
                axis: Axis::Amount,
                caption: "How much of each generation’s text the ten most over-represented n-grams of generation 1 \
                          are. In generation 1 itself, where they were chosen, the share is too high by selection; \
                          the later ones are fair.",
            },
            &[plain("Early over-represented n-grams")],
        );

pub static SAMPLING_TEMPERATURE: Metric =
    of_text("sampling-temperature", "Temperature matched to human entropy", "temperature").by(&[Member]);
pub static PROMPT_TOKENS: Metric = of_text("prompt-tokens", "Human tokens in prompts", "tokens");
pub static GENERATED_SUPERVISION: Metric =
    of_text("human-supervision", "Implicit human supervision", "amount, or 1 where it is used").by(&[Part]).means(
        "Ways other than the training set by which human text or knowledge reached what this generation generated.",
    );
pub static GENERATED_PLANTED: Metric =
    of_text("planted-share", "Planted phrase in generated text", "share of the documents")
        .on(Axis::Share)
        .needs(Needs::Text);
pub static WORD_RATIO: Metric = of_text("word-ratio", "Ratio of words", "share of the words of both lists")
    .on(Axis::Share)
    .needs(Needs::Text)
    .with_baseline(OTHER_HUMAN)
    .by(&[Reference, Part]);
pub static ROUNDS: Metric = of_text("rounds", "Rounds of targeted sampling", "rounds").by(&[Member]);
pub static GAP: Metric = of_text("gap", "Gap to the human text", "share that is missing")
    .with_baseline(LANGUAGE)
    .worse(Damage::More)
    .by(&[Member, Reference, Defence, Part])
    .means("What the text lacks of the human text's items before each round of targeted sampling and after the last.");

pub(super) const METRICS: &[&Metric] = &[
    &GENERATED_PERPLEXITY,
    &DOCUMENT_PERPLEXITY,
    &MAUVE,
    &MAUVE_SCATTER,
    &VENDI,
    &DOCUMENTS_READ,
    &STEP_DIVERGENCE,
    &OVER_REPRESENTED_COVERAGE,
    &SAMPLING_TEMPERATURE,
    &PROMPT_TOKENS,
    &GENERATED_SUPERVISION,
    &GENERATED_PLANTED,
    &WORD_RATIO,
    &ROUNDS,
    &GAP,
];
