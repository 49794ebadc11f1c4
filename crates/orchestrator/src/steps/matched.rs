//! Human text that no model is trained on and none is measured on: what the sampler's temperature is matched on.

use crate::texts::Texts;
use crate::{Error, Human};
use corpus::TokenSet;
use inference::{SampleError, Tokens, matched_temperature};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, RunDir, Stopped};
use serde::{Deserialize, Serialize};
use streams::{Purpose, Streams, item_of_name};

/// Positions of the text, as far as whole documents fill them.
pub(crate) const POSITIONS: usize = 8192;

/// Documents of a world from here on are nobody's: below are the run's test set, above those of seeds.
const OF_A_WORLD: u64 = 1 << 31;

/// A temperature, and what it was found on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Matched {
    /// The temperature: logits are divided by it.
    pub(crate) temperature: f64,
    /// Tokens of human text that were read, with their ends.
    pub(crate) positions: u64,
}

/// The text: of a corpus a draw of its validation split, of a world documents of its own. The same in all chains and
/// generations. Empty where the corpus is too small to hold a document out.
pub(crate) fn text(run: &RunDir, human: &Human, context: usize) -> Result<TokenSet, Error> {
    if let Some(truth) = &human.truth {
        let texts = Texts::of_world(truth.world(), &human.tokenizer, OF_A_WORLD, POSITIONS as u64, context)?;
        return Ok(texts.tokens);
    }
    let stage = run.find(&human.id)?.ok_or_else(|| Error::Work(format!("{} is gone; run again", human.id)))?;
    let all = TokenSet::load(&stage.path().join("validation.safetensors")).map_err(Error::work)?;
    // The draw belongs to the run, not to a seed.
    let mut stream = Streams::new(0).stream(Purpose::Evaluation, 0, item_of_name("entropy-match"));
    let mut held = 0;
    let mut drawn: Vec<usize> = (stream.permutation(all.len()).into_iter())
        .take_while(|&document| {
            held += all.ids(document).len() + usize::from(!all.truncated(document));
            held <= POSITIONS
        })
        .collect();
    drawn.sort_unstable();
    Ok(all.pick(&drawn))
}

/// The temperature at which a model draws what costs it as much as the text does. Within, [`SampleError`] if the model has
/// diverged.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
pub(crate) fn matched(
    weights: &Weights,
    text: &TokenSet,
    separator: u32,
    device: &Device,
    checkpoint: &Checkpoint,
) -> Result<Result<Matched, SampleError>, Stopped> {
    let tokens: Vec<Tokens<'_>> = text.iter().collect();
    let positions = tokens.iter().map(|(ids, truncated)| ids.len() as u64 + u64::from(!truncated)).sum();
    let found = matched_temperature(weights, &tokens, separator, device, checkpoint)?;
    Ok(found.map(|temperature| Matched { temperature, positions }))
}
