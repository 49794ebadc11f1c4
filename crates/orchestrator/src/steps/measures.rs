//! Measures of a generation that any learner of text has.

use super::corpus::Corpus;
use super::files::timed;
use super::state::Setup;
use crate::{Error, scoring};
use evaluation::{DocumentLoss, Measure, metric};
use rundir::Checkpoint;

/// Losses on the test set, and where the truth is known the distance from it.
pub(super) fn test(setup: &Setup<'_>, losses: &[DocumentLoss]) -> Vec<Measure> {
    let excess = setup.run.human.truth.as_ref().map(|truth| truth.of_predictions(losses));
    evaluation::predictions(losses).into_iter().chain(excess.into_iter().flatten()).collect()
}

/// Metrics of the words that a corpus holds, without the prompts that its documents begin with: those are another's text.
/// Where documents are read whole, prompts belong to them: in the truth's parser, and in a model's losses and features
/// (`perplexity`, MAUVE, Vendi). They are kept in the checkpoint's part of this name.
pub(super) fn generated(
    setup: &Setup<'_>,
    corpus: &Corpus,
    (checkpoint, part): (&mut Checkpoint, &str),
) -> Result<Vec<Measure>, Error> {
    checkpoint.part(part, |_| {
        let (documents, tokens) = corpus.own();
        let mut list = timed("measures of text", || {
            scoring::text_measures(documents, tokens, &corpus.reencoded, &setup.seed.reference)
        });
        let temperature = corpus.matched.map(|matched| matched.temperature);
        list.extend(temperature.map(|found| Measure::new(&metric::SAMPLING_TEMPERATURE, found)));
        Ok(list)
    })
}
