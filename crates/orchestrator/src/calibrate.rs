//! Calibration, that is, if a model is as often right as it is sure: its likeliest next token on human test documents, of so
//! many predictions of the test set, the same for all chains.

use crate::Human;
use crate::encoded::positions;
use evaluation::calibration::{Calibration, calibration, error};
use evaluation::metric::CALIBRATION_ERROR;
use evaluation::{Dimension, Measure};
use streams::{Purpose, Streams, item_of_name};

/// In a score stage: the reliability table of each model.
pub(crate) const RELIABILITY: &str = "reliability.json";

/// Predictions, about: documents are read whole.
const PREDICTIONS: u64 = 4096;

/// The documents of the test set whose tokens are predicted.
pub(crate) fn documents(human: &Human, context: usize) -> Vec<usize> {
    let tokens = &human.test.tokens;
    let item = item_of_name("calibration");
    let mut held = 0;
    let order = Streams::new(0).stream(Purpose::Evaluation, 0, item).permutation(tokens.len()).into_iter();
    let enough = |&document: &usize| {
        let is_short = held < PREDICTIONS;
        held += positions(tokens, document, context);
        is_short
    };
    order.take_while(enough).collect()
}

/// The calibration error and the reliability table of a model, from its confidence in the tokens of these documents; nothing
/// if its numbers ran away.
pub(crate) fn calibrate(confidences: &[(f64, bool)]) -> (Vec<Measure>, Option<Calibration>) {
    let found = calibration(confidences);
    let rows = found.iter().flat_map(|found| {
        [("equal-width", &found.equal_width), ("equal-mass", &found.equal_mass)]
            .map(|(part, bins)| Measure::new(&CALIBRATION_ERROR, error(bins)).with(Dimension::Part, part))
    });
    (rows.collect(), found)
}
