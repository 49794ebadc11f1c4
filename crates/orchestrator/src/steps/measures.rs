//! Measures of a generation that any learner has.

use super::corpus::Corpus;
use super::state::History;
use crate::Error;
use evaluation::{DocumentLoss, Measure, metric};
use rundir::Checkpoint;

/// Losses on the test set, and what the medium says of them.
pub(super) fn test(history: &History, losses: &[DocumentLoss]) -> Vec<Measure> {
    evaluation::predictions(losses).into_iter().chain(history.measures.of_losses(losses)).collect()
}

/// What the medium measures of documents, without the prompts that they begin with: those are another's. It is kept in the
/// checkpoint's part of this name.
pub(super) fn generated(
    history: &History,
    corpus: &Corpus,
    (checkpoint, part): (&mut Checkpoint, &str),
) -> Result<Vec<Measure>, Error> {
    checkpoint.part(part, |_| {
        let mut list = history.measures.of_documents(&corpus.own());
        let temperature = corpus.matched.map(|matched| matched.temperature);
        list.extend(temperature.map(|found| Measure::new(&metric::SAMPLING_TEMPERATURE, found)));
        Ok(list)
    })
}
