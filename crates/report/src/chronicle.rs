//! What a report has more of a run on a generated world, whose truth is known exactly.

use crate::catalogue::{Axis, Figure, PLAIN, Quantity, View, quantity, view};
use crate::data::Data;
use crate::decades;
use crate::descent;
use crate::figure::{Drawn, of_arms};

/// A world's own frequency stands beside what was measured.
const HONEST: &[View] = &[view("", "honest")];
/// The bands of facts that the first text stated at all, the rarest first.
const RARE: &[View] = &[view("1-9", ""), view("10-99", ""), view("100-999", ""), view("1000-9999", "")];

/// Entropy of the language: no model can go below it.
pub(crate) const FLOOR: Quantity = quantity("test", "floor", PLAIN, "Floor (bits per token)").in_bits();
pub(crate) const EXCESS: Quantity = quantity("test", "excess", PLAIN, "Above the floor (bits per token)").in_bits();
pub(crate) const RARE_FACTS: Quantity =
    quantity("asked", "recall-top", RARE, "Rare facts still known").beginning_with(0.5);
const TO_MODEL: Quantity =
    quantity("test", "excess-per-document", PLAIN, "From the truth to the model, at most").in_bits();
const TO_TRUTH: Quantity =
    quantity("written", "divergence", PLAIN, "From the model to the truth, of what parses").in_bits();
pub(crate) const GRAMMATICAL: Quantity = quantity("written", "grammatical-documents", PLAIN, "Grammatical documents");
const FALSE: Quantity = quantity("written", "false-fact-share", PLAIN, "False statements of facts");
const INVENTED: Quantity = quantity("written", "invented-persons", PLAIN, "Invented persons");
const CALIBRATION: Quantity = quantity("asked", "calibration-error", &[view("all", "")], "Calibration error");
const INHERITANCE: [Quantity; 3] = [
    quantity("written", "inheritance", &[view("repeated", "")], "Repeated from the generation before"),
    quantity("written", "inheritance", &[view("shared", "")], "Told by chains of other seeds too"),
    quantity("written", "inheritance", &[view("inherited", "")], "Passed on: the difference"),
];
const BIAS: Quantity = quantity("written", "bias", HONEST, "The planted bias");
const TIC: Quantity = quantity("written", "tic", HONEST, "The planted tic");

/// Columns of the table of a world.
pub(crate) const COLUMNS: [&Quantity; 8] =
    [&EXCESS, &TO_TRUTH, &GRAMMATICAL, &RARE_FACTS, &CALIBRATION, &FALSE, &INVENTED, &INHERITANCE[2]];

const fn figure(
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    panels: &'static [Quantity],
    kind: Axis,
    caption: &'static str,
) -> Figure {
    Figure { name, title, axis, panels, kind, dashed: "the language itself", caption }
}

/// What it comes to.
const FIRST: [Figure; 2] = [
    figure(
        "excess",
        "Above the floor",
        "bits per token above the floor",
        &[EXCESS],
        Axis::Amount,
        "What a model spends on test documents beyond their own information, which is known exactly. At zero it would be \
         the language; no model can go below.",
    ),
    figure(
        "grammatical-documents",
        "Grammatical documents",
        "share of the documents written",
        &[GRAMMATICAL],
        Axis::Share,
        "Share of what each generation wrote that is, as a whole, a document of the language.",
    ),
];

/// What is not so.
const UNTRUE: [Figure; 3] = [
    figure(
        "false-fact-share",
        "False facts",
        "share of the statements of facts",
        &[FALSE],
        Axis::Share,
        "Statements about persons of the world that are not so, among all statements of facts.",
    ),
    figure(
        "invented-persons",
        "Invented persons",
        "different names",
        &[INVENTED],
        Axis::Amount,
        "Names in what each generation wrote that nobody in the world has.",
    ),
    figure(
        "inheritance",
        "How false facts are passed on",
        "share of the false facts",
        &INHERITANCE,
        Axis::Amount,
        "Of the false facts that the generation before told: how many are told again; how many are told, as late, by \
         chains of other seeds, which cannot have them from there; and what is left when the second is taken from the \
         first.",
    ),
];

/// The rest.
const LAST: [Figure; 3] = [
    figure(
        "divergence",
        "Distance from the truth, both ways",
        "bits per document",
        &[TO_MODEL, TO_TRUTH],
        Axis::Amount,
        "Left, the divergence from the language to the model, bounded from above by the excess on test documents: it \
         grows with what was forgotten. Right, from the model to the language, on what parses: it grows with what was \
         made up or is told too often.",
    ),
    figure(
        "planted",
        "A planted bias and a planted tic",
        "share of draws; of sentences",
        &[BIAS, TIC],
        Axis::Linear,
        "Left, the share that one value has among the draws of its kind; right, how often one sentence is written. Both \
         are planted in the world, and neither has a reason to grow.",
    ),
    figure(
        "calibration-error",
        "Calibration on facts",
        "mean distance of confidence and success",
        &[CALIBRATION],
        Axis::Amount,
        "How far the probability that a model gives its best answer is from how often that answer is right, in ten bins \
         of confidence.",
    ),
];

/// The figures of a run on a generated world; none of any other run.
pub(crate) fn draw_all(data: &Data) -> Vec<Drawn> {
    let catalogued = |figures: &[Figure]| figures.iter().filter_map(|figure| of_arms(data, figure)).collect::<Vec<_>>();
    let mut figures = catalogued(&FIRST);
    figures.extend(decades::forgetting(data));
    figures.extend(decades::survivors(data));
    figures.extend(catalogued(&UNTRUE));
    figures.extend(descent::draw(data));
    figures.extend(catalogued(&LAST));
    figures
}

/// Whether a run is on a generated world.
pub(crate) fn is_world(data: &Data) -> bool {
    data.view(&EXCESS).is_some()
}
