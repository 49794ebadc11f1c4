//! The temperature of a sampler, matched on human documents that no model is trained on and none is measured on.

use corpus::TokenSet;
use inference::{SampleError, Tokens, matched_temperature};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, Stopped};
use serde::{Deserialize, Serialize};

/// Positions of those documents, as far as whole ones fill them.
pub(crate) const POSITIONS: u64 = 8192;

/// A temperature, and what it was found on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Matched {
    /// The temperature: logits are divided by it.
    pub(crate) temperature: f64,
    /// Human tokens that were read, with their ends.
    pub(crate) positions: u64,
}

/// The temperature at which a model draws what costs it as much as these documents do. Within, [`SampleError`] if the model has
/// diverged.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
pub(crate) fn matched(
    weights: &Weights,
    documents: &TokenSet,
    separator: u32,
    device: &Device,
    checkpoint: &Checkpoint,
) -> Result<Result<Matched, SampleError>, Stopped> {
    let tokens: Vec<Tokens<'_>> = documents.iter().collect();
    let positions = tokens.iter().map(|(ids, truncated)| ids.len() as u64 + u64::from(!truncated)).sum();
    let found = matched_temperature(weights, &tokens, separator, device, checkpoint)?;
    Ok(found.map(|temperature| Matched { temperature, positions }))
}
