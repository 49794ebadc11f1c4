//! The score stage: everything that is measured of one generation.

use crate::texts::{Texts, positions};
use crate::{Error, Human, calibrate};
use chain::{Entry, HumanSet, Origin, TrainingSet};
use corpus::{Document, TokenSet};
use evaluation::metric::{
    ANCESTRY, FINAL_LOSS, HUMAN_SHARE, HUMAN_WEIGHT, SEEN_TOKENS, SKIPPED_STEPS, STEPS, TOKENS_BY_GENERATION,
    TOKENS_BY_ORIGIN, TRAINING_DOCUMENTS, TRAINING_TOKENS, UNIQUE_TOKENS, VALIDATED_TOKENS, VALIDATION_LOSS,
};
use evaluation::statistics::log_mean_exp;
use evaluation::{Dimension, Doc, DocumentLoss, Equal, Measure, Reference};
use inference::{Tested, Tokens};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, Stopped};
use streams::Streams;

/// Words of the samples in which texts of different lengths are compared.
pub(crate) const EQUAL_WORDS: usize = 10_000;
/// Samples over which such a comparison is averaged.
pub(crate) const DRAWS: u32 = 20;

/// The probability of the likeliest token at each position, and whether it is what stands there.
pub(crate) type Confidences = Vec<(f64, bool)>;

/// The losses of a model on the human test set, each document alone from its separator; and how sure it is of the tokens of
/// those documents that its calibration is taken of.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
pub(crate) fn test(
    weights: &Weights,
    human: &Human,
    device: &Device,
    checkpoint: &mut Checkpoint,
) -> Result<(Vec<DocumentLoss>, Confidences), Stopped> {
    let Texts { documents, tokens } = &human.test;
    let all: Vec<Tokens<'_>> = tokens.iter().collect();
    let asked = calibrate::documents(human, weights.config().context);
    let Tested { nats, mut confidences } =
        inference::test(weights, &all, &asked, human.tokenizer.separator(), device, checkpoint)?;
    let loss = |(index, (nats, document)): (usize, (f64, &Document))| DocumentLoss {
        nats,
        tokens: positions(tokens, index, weights.config().context),
        bytes: document.text.len() as u64,
    };
    let losses = nats.into_iter().zip(documents).enumerate().map(loss).collect();
    Ok((losses, asked.into_iter().flat_map(|document| std::mem::take(&mut confidences[document])).collect()))
}

/// The losses of models of which each document has one for its author, all equally likely: −ln of the mean probability. Of
/// one model, its own.
pub(crate) fn mixed(mut members: Vec<Vec<DocumentLoss>>) -> Vec<DocumentLoss> {
    let Some(mut mixture) = members.pop() else { return Vec::new() };
    if members.is_empty() {
        return mixture;
    }
    for (at, loss) in mixture.iter_mut().enumerate() {
        loss.nats = -log_mean_exp(members.iter().map(|m| m[at].nats).chain([loss.nats]).map(|nats| -nats));
    }
    mixture
}

/// Measures of generated text against the human text of the chain's generation 0.
pub(crate) fn text_measures(
    documents: &[Document],
    tokens: &TokenSet,
    reencoded: &[bool],
    reference: &Reference,
) -> Vec<Measure> {
    evaluation::generated_text(&docs(documents, tokens, reencoded), reference)
}

/// Documents as the metrics see them; `reencoded[i]` says whether document `i` encodes to other ids than were sampled.
pub(crate) fn docs<'a>(documents: &'a [Document], tokens: &'a TokenSet, reencoded: &'a [bool]) -> Vec<Doc<'a>> {
    documents
        .iter()
        .enumerate()
        .map(|(index, document)| Doc {
            text: &document.text,
            ids: tokens.ids(index),
            truncated: document.truncated,
            reencoded_differs: reencoded.get(index).copied().unwrap_or(false),
        })
        .collect()
}

/// The reference of a seed's generations: its human training set, and the test set as
/// the held-out human reference.
pub(crate) fn reference(human: &Human, texts: &Texts, set: &HumanSet, seed: u64) -> Reference {
    let doc = |entry: &Entry| Doc {
        text: &texts.documents[entry.index].text,
        ids: texts.tokens.ids(entry.index),
        truncated: texts.tokens.truncated(entry.index),
        reencoded_differs: false,
    };
    let documents: Vec<Doc> = set.training.iter().map(doc).collect();
    let equal = Equal { words: EQUAL_WORDS, draws: DRAWS, streams: Streams::new(seed) };
    Reference::of(&documents, &docs(&human.test.documents, &human.test.tokens, &[]), equal)
}

/// The share of some texts' bytes that people wrote: of what a model wrote, its prompts.
pub(crate) fn human_bytes(documents: &[Document]) -> f64 {
    let of_people = |document: &Document| {
        let spans = document.provenance.spans.iter().filter(|span| span.origin != corpus::Origin::Synthetic);
        spans.map(|span| span.end - span.start).sum::<usize>()
    };
    let all: usize = documents.iter().map(|document| document.text.len()).sum();
    documents.iter().map(of_people).sum::<usize>() as f64 / all.max(1) as f64
}

/// How many documents began with text that people wrote, or had a part in.
pub(crate) fn human_prompts(documents: &[Document]) -> usize {
    let began = |document: &&Document| {
        let Some(prompt) = &document.provenance.prompt else { return false };
        let mut spans = document.provenance.spans.iter();
        spans.any(|span| span.start < prompt.bytes && span.origin != corpus::Origin::Synthetic)
    };
    documents.iter().filter(began).count()
}

/// Measures that need a run of their own.
pub(crate) fn run_measures(record: &training::Record) -> Vec<Measure> {
    let validation = record.validation_loss.map(|loss| Measure::new(&VALIDATION_LOSS, loss));
    std::iter::once(Measure::new(&FINAL_LOSS, record.final_loss)).chain(validation).collect()
}

/// The ledger of a training set and of the runs on it: their steps together, their losses on average. A learner without
/// runs has neither.
pub(crate) fn training_measures(set: &TrainingSet, records: &[&training::Record]) -> Vec<Measure> {
    let one = Measure::new;
    let sum = |of: fn(&training::Record) -> u64| records.iter().map(|record| of(record)).sum::<u64>() as f64;
    let runs = records.len() as f64;
    let final_loss = records.iter().map(|record| record.final_loss).sum::<f64>() / runs;
    let validation: Option<f64> = records.iter().map(|record| record.validation_loss).sum();
    let validation = validation.filter(|_| !records.is_empty());
    let mut list = vec![
        one(&UNIQUE_TOKENS, set.totals.unique.tokens as f64),
        one(&TRAINING_TOKENS, set.totals.all.tokens as f64),
        one(&TRAINING_DOCUMENTS, set.totals.all.documents as f64),
        one(&HUMAN_SHARE, set.totals.human_share()),
        one(&ANCESTRY, set.totals.ancestry),
    ];
    if !records.is_empty() {
        let of_runs = [
            one(&SEEN_TOKENS, sum(|record| record.seen_tokens)),
            one(&VALIDATED_TOKENS, sum(|record| record.validated_tokens)),
            one(&STEPS, sum(|record| record.steps)),
            one(&FINAL_LOSS, final_loss),
        ];
        list.splice(3..3, of_runs);
    }
    let skipped = sum(|record| record.skipped);
    if skipped > 0.0 {
        list.push(one(&SKIPPED_STEPS, skipped));
    }
    if set.is_weighted() {
        list.push(one(&HUMAN_WEIGHT, set.human_weight()));
    }
    list.extend(validation.map(|sum| one(&VALIDATION_LOSS, sum / runs)));
    for of in &set.totals.by_origin {
        let name = if of.origin == Origin::Human { "human" } else { "synthetic" };
        list.push(one(&TOKENS_BY_ORIGIN, of.count.tokens as f64).with(Dimension::Source, name));
    }
    for of in &set.totals.by_generation {
        let name = of.generation.map_or_else(|| "human".to_owned(), |g| g.to_string());
        list.push(one(&TOKENS_BY_GENERATION, of.count.tokens as f64).with(Dimension::Source, name));
    }
    list
}

/// In a score stage: everything that was measured.
pub(crate) const MEASURES: &str = "metrics.json";

/// Reads what a score stage says was measured.
pub(crate) fn read(stage: &rundir::Stage) -> Result<Vec<Measure>, Error> {
    let bytes = stage.read(MEASURES)?;
    serde_json::from_slice(&bytes).map_err(|e| Error::Work(format!("{}/{MEASURES}: {e}", stage.path().display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_has_the_mean_of_the_probabilities() {
        let losses = |nats: [f64; 2]| nats.map(|nats| DocumentLoss { nats, tokens: 3, bytes: 9 }).to_vec();
        let one = losses([1.0, 900.0]);
        assert_eq!(mixed(vec![one.clone()]), one);
        let both = mixed(vec![losses([-(0.5_f64.ln()), 900.0]), losses([-(0.1_f64.ln()), 2000.0])]);
        assert!((both[0].nats + 0.3_f64.ln()).abs() < 1e-15);
        assert!((both[1].nats - (900.0 + 2_f64.ln())).abs() < 1e-12, "{}", both[1].nats);
    }
}
