//! The score stage: everything that is measured of one generation.

use crate::encoded::positions;
use crate::medium::Answers;
use crate::{Encoded, Error, Human, calibrate};
use chain::{Origin, TrainingSet};
use corpus::Document;
use evaluation::metric::{
    ANCESTRY, FINAL_LOSS, HUMAN_SHARE, HUMAN_WEIGHT, SEEN_TOKENS, SKIPPED_STEPS, STEPS, TOKENS_BY_GENERATION,
    TOKENS_BY_ORIGIN, TRAINING_DOCUMENTS, TRAINING_TOKENS, UNIQUE_TOKENS, VALIDATED_TOKENS, VALIDATION_LOSS,
};
use evaluation::statistics::log_mean_exp;
use evaluation::{Dimension, DocumentLoss, Measure};
use inference::{Tested, Tokens};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, Stopped};

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
    let Encoded { documents, tokens } = &human.test;
    let all: Vec<Tokens<'_>> = tokens.iter().collect();
    let asked = calibrate::documents(human, weights.config().context);
    let Tested { nats, mut confidences } =
        inference::test(weights, &all, &asked, human.codec.separator(), device, checkpoint)?;
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

/// The answers of several models as one mixture of equal parts: the mean of their probabilities.
///
/// # Panics
/// If they were asked different questions.
pub(crate) fn pooled(members: &[Answers]) -> Answers {
    let Some(first) = members.first() else { return Answers::new() };
    let mean =
        |question: usize, candidate: usize| log_mean_exp(members.iter().map(|answers| answers[question][candidate]));
    let of = |(question, answers): (usize, &Vec<f64>)| (0..answers.len()).map(|at| mean(question, at)).collect();
    first.iter().enumerate().map(of).collect()
}

/// The share of some documents' bytes that people wrote: of what a model wrote, its prompts.
pub(crate) fn human_bytes(documents: &[Document]) -> f64 {
    let of_people = |document: &Document| {
        let spans = document.provenance.spans.iter().filter(|span| span.origin != corpus::Origin::Synthetic);
        spans.map(|span| span.end - span.start).sum::<usize>()
    };
    let all: usize = documents.iter().map(|document| document.text.len()).sum();
    documents.iter().map(of_people).sum::<usize>() as f64 / all.max(1) as f64
}

/// How many documents began with what people wrote, or had a part in.
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

    #[test]
    fn a_pool_knows_the_mean_of_the_probabilities() {
        let answers = |p: [f64; 3]| vec![p.map(f64::ln).to_vec(), vec![-1000.0]];
        let found = pooled(&[answers([0.9, 0.0, 0.0]), answers([0.1, 0.5, 0.0])]);
        for (ln, p) in found[0].iter().zip([0.5, 0.25, 0.0_f64]) {
            assert!((ln.exp() - p).abs() < 1e-15, "{ln} {p}");
        }
        assert_eq!((found[0][2], found[1][0]), (f64::NEG_INFINITY, -1000.0));
        let alone = answers([0.2, 0.3, 0.0]);
        assert_eq!(pooled(std::slice::from_ref(&alone)), alone);
        assert!(pooled(&[]).is_empty());
    }
}
