//! Calibration, that is, if a model is as often right as it is sure: its likeliest next token on human test text, of so
//! many predictions of the test set, the same for all chains.

use crate::Human;
use crate::texts::positions;
use evaluation::calibration::{Calibration, calibration, error};
use evaluation::metric::CALIBRATION_ERROR;
use evaluation::{Dimension, Measure};
use inference::{Tokens, confidences};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, Stopped};
use streams::{Purpose, Streams, item_of_name};

/// In a score stage: the reliability table of each model.
pub(crate) const RELIABILITY: &str = "reliability.json";

/// Predictions, about: documents are read whole.
const PREDICTIONS: u64 = 4096;

/// The calibration error and the reliability table of a model; nothing if its numbers ran away.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
pub(crate) fn calibrate(
    weights: &Weights,
    human: &Human,
    device: &Device,
    checkpoint: &Checkpoint,
) -> Result<(Vec<Measure>, Option<Calibration>), Stopped> {
    let tokens = &human.test.tokens;
    let item = item_of_name("calibration");
    let mut held = 0;
    let documents: Vec<Tokens<'_>> = (Streams::new(0).stream(Purpose::Evaluation, 0, item).permutation(tokens.len()))
        .into_iter()
        .take_while(|&document| {
            let is_short = held < PREDICTIONS;
            held += positions(tokens, document, weights.config().context);
            is_short
        })
        .map(|document| (tokens.ids(document), tokens.truncated(document)))
        .collect();
    let found = calibration(&confidences(weights, &documents, human.tokenizer.separator(), device, checkpoint)?);
    let rows = found.iter().flat_map(|found| {
        [("equal-width", &found.equal_width), ("equal-mass", &found.equal_mass)]
            .map(|(part, bins)| Measure::new(&CALIBRATION_ERROR, error(bins)).with(Dimension::Part, part))
    });
    Ok((rows.collect(), found))
}
