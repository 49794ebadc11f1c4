//! Text and answers against a world, whose language is known exactly.

use super::entry::{Axis, Damage, Figure, LANGUAGE, Metric, Needs, Panel, Set, Shown};
use crate::Dimension::{Band, Member, Part, Reference};

const fn of_world(set: Set, name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    Metric::new(set, name, title, unit).needs(Needs::World)
}

const fn of_text(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    of_world(Set::Generated, name, title, unit)
}

const fn of_answers(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    of_world(Set::Asked, name, title, unit).by(&[Member, Band])
}

/// Items of a world by the decade of their frequency.
const fn of_items(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    of_text(name, title, unit).with_baseline(LANGUAGE).worse(Damage::Less).by(&[Reference, Band, Part])
}

const fn plain(title: &'static str) -> Panel {
    Panel { title, views: &[&[]] }
}

pub static FLOOR: Metric = of_world(Set::Test, "floor", "Floor (bits per token)", "bits per token")
    .in_bits()
    .by(&[Member])
    .means("Entropy of the language per token: no model can go below it.");

pub static EXCESS: Metric = of_world(Set::Test, "excess", "Above the floor (bits per token)", "bits per token")
    .in_bits()
    .worse(Damage::More)
    .by(&[Member])
    .means("Loss on the test documents less their own information.")
    .drawn(
        &Figure {
            name: "excess",
            title: "Above the floor",
            label: "bits per token above the floor",
            axis: Axis::Amount,
            caption: "What a model spends on test documents beyond their own information, which is known exactly. At \
                      zero it would be the language; no model can go below.",
        },
        &[plain("Above the floor (bits per token)")],
    )
    .beside(&const { super::test::baselines(Shown::Excess) });

pub static GRAMMATICAL_DOCUMENTS: Metric =
    of_text("grammatical-documents", "Grammatical documents", "share of the documents")
        .worse(Damage::Less)
        .means("Share of the generated texts that are, as a whole, documents of the language.")
        .drawn(
            &Figure {
                name: "grammatical-documents",
                title: "Grammatical documents",
                label: "share of the generated documents",
                axis: Axis::Share,
                caption: "Share of what each generation generated that is, as a whole, a document of the language.",
            },
            &[plain("Grammatical documents")],
        );

pub static FALSE_FACT_SHARE: Metric =
    of_text("false-fact-share", "False statements of facts", "share of the statements of facts")
        .worse(Damage::More)
        .drawn(
            &Figure {
                name: "false-fact-share",
                title: "False facts",
                label: "share of the statements of facts",
                axis: Axis::Share,
                caption: "False statements about persons of the world, among all statements of facts.",
            },
            &[plain("False statements of facts")],
        );

pub static INVENTED_PERSONS: Metric =
    of_text("invented-persons", "Invented persons", "different names").worse(Damage::More).drawn(
        &Figure {
            name: "invented-persons",
            title: "Invented persons",
            label: "different names",
            axis: Axis::Amount,
            caption: "Names in what each generation generated that nobody in the world has.",
        },
        &[plain("Invented persons")],
    );

pub static INHERITANCE: Metric =
    of_text("inheritance", "Inherited false facts", "share of the parent's false facts").by(&[Part]).drawn(
        &Figure {
            name: "inheritance",
            title: "How false facts are passed on",
            label: "share of the false facts",
            axis: Axis::Amount,
            caption: "Of the false facts that the parent stated: the share that is stated again; the share that chains \
                      of other seeds, which cannot have them from there, state in the same generation; and the \
                      difference.",
        },
        &[
            Panel { title: "Repeated from the generation before", views: &[&[(Part, "repeated")]] },
            Panel { title: "Stated by chains of other seeds too", views: &[&[(Part, "shared")]] },
            Panel { title: "Inherited: the difference", views: &[&[(Part, "inherited")]] },
        ],
    );

static DIVERGENCES: Figure = Figure {
    name: "divergence",
    title: "Distance from the truth, both ways",
    label: "bits per document",
    axis: Axis::Amount,
    caption: "Left, the divergence from the language to the model, bounded from above by the excess on test documents: \
              it grows with what was forgotten. Right, from the model to the language, on what parses: it grows with \
              what was made up or is generated too often.",
};

pub static EXCESS_PER_DOCUMENT: Metric =
    of_world(Set::Test, "excess-per-document", "From the truth to the model, at most", "bits per document")
        .in_bits()
        .worse(Damage::More)
        .by(&[Member])
        .drawn(&DIVERGENCES, &[plain("From the truth to the model, at most")]);

pub static DIVERGENCE: Metric =
    of_text("divergence", "From the model to the truth, of what parses", "bits per document")
        .in_bits()
        .worse(Damage::More)
        .by(&[Member])
        .drawn(&DIVERGENCES, &[plain("From the model to the truth, of what parses")]);

static PLANTED: Figure = Figure {
    name: "planted",
    title: "A planted bias and a planted tic",
    label: "share of draws; of sentences",
    axis: Axis::Linear,
    caption: "Left, the share of one value among the draws of its kind; right, how often one sentence is generated. \
              Both are planted in the world, and neither has a reason to grow.",
};

pub static BIAS: Metric = of_text("bias", "The planted bias", "share of the draws")
    .with_baseline(LANGUAGE)
    .by(&[Reference])
    .drawn(&PLANTED, &[plain("The planted bias")]);

pub static TIC: Metric = of_text("tic", "The planted tic", "share of the sentences")
    .with_baseline(LANGUAGE)
    .by(&[Reference])
    .drawn(&PLANTED, &[plain("The planted tic")]);

pub static RECALL_CALIBRATION: Metric =
    of_answers("calibration-error", "Calibration error", "mean distance of confidence and accuracy")
        .worse(Damage::More)
        .drawn(
            &Figure {
                name: "calibration-error",
                title: "Calibration on facts",
                label: "mean distance of confidence and accuracy",
                axis: Axis::Amount,
                caption: "How far the probability of a model's best answer is from how often that answer is right, in \
                          ten bins of confidence.",
            },
            &[plain("Calibration error")],
        );

pub static RECALL: Metric = of_answers("recall", "The forgetting curve", "probability of the true answer")
    .on(Axis::Share)
    .worse(Damage::Less)
    .means(
        "The share that the true answer has of the probability of all valid ones, when a model is asked for a fact.",
    );
pub static RECALL_LIFT: Metric =
    of_answers("recall-lift", "What is known beyond guessing", "nats above a guess").worse(Damage::Less).means(
        "The same as a logarithm, less that of guessing by the frequency of each value: who knows only the frequencies \
         has zero, and below it a model is wrong with confidence.",
    );
pub static RECALL_VALID: Metric =
    of_answers("recall-valid", "Probability of a valid answer", "probability").on(Axis::Share).worse(Damage::Less);
pub static RECALL_TOP: Metric = of_answers("recall-top", "Facts known", "share of the questions")
    .on(Axis::Share)
    .worse(Damage::Less)
    .means("Share of the questions whose true answer is the most likely one.");
pub static RECALL_QUESTIONS: Metric = of_answers("recall-questions", "Questions", "questions");

pub static PERSONS: Metric = of_items("persons", "Persons who still occur", "share of the world’s persons");
pub static FACTS: Metric = of_items("facts", "Facts that are still stated", "share of the world’s facts");
pub static FORMS: Metric = of_items("forms", "Sentence forms that are still used", "share of the world’s forms");

pub static SENTENCES: Metric =
    of_text("sentences", "Sentences by judgement", "share of the sentences").on(Axis::Share).by(&[Part]);
pub static ENTANGLED: Metric = of_text("entangled", "Entangled documents", "share of the documents")
    .on(Axis::Share)
    .with_baseline(LANGUAGE)
    .worse(Damage::More)
    .by(&[Reference])
    .means("Of the documents that state several facts of one person, those whose facts no person has together.");
pub static FALSE_FACTS: Metric = of_text("false-facts", "Different false facts", "facts").worse(Damage::More);
pub static PARSES: Metric = of_text("parses", "Documents that parse", "share of the documents")
    .on(Axis::Share)
    .worse(Damage::Less)
    .by(&[Member])
    .means("Share of the documents on which the divergence is measured that the language gives a probability.");

pub(super) const METRICS: &[&Metric] = &[
    &FLOOR,
    &EXCESS,
    &GRAMMATICAL_DOCUMENTS,
    &RECALL,
    &RECALL_LIFT,
    &RECALL_VALID,
    &RECALL_TOP,
    &RECALL_QUESTIONS,
    &FACTS,
    &PERSONS,
    &FORMS,
    &FALSE_FACT_SHARE,
    &INVENTED_PERSONS,
    &INHERITANCE,
    &EXCESS_PER_DOCUMENT,
    &DIVERGENCE,
    &BIAS,
    &TIC,
    &RECALL_CALIBRATION,
    &SENTENCES,
    &ENTANGLED,
    &FALSE_FACTS,
    &PARSES,
];
