//! The score stage: everything that is measured of one generation.

use crate::seed::Texts;
use crate::{Error, Human};
use chain::{Entry, HumanSet, Origin, TrainingSet};
use corpus::{Document, TokenSet};
use evaluation::{Doc, DocumentLoss, Equal, Measure, Reference};
use model::Weights;
use ops::device::Device;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use streams::Streams;

/// Words of the samples in which texts of different lengths are compared.
pub(crate) const EQUAL_WORDS: usize = 10_000;
/// Samples over which such a comparison is averaged.
pub(crate) const DRAWS: u32 = 20;

/// A measure and what it was taken of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// `test`, `written` or `training`.
    pub(crate) set: String,
    pub(crate) metric: Cow<'static, str>,
    pub(crate) detail: String,
    #[serde(with = "number")]
    pub(crate) value: f64,
}

impl Measured {
    pub(crate) fn new(set: &str, metric: &'static str, detail: &str, value: f64) -> Self {
        Self { set: set.to_owned(), metric: metric.into(), detail: detail.to_owned(), value }
    }

    /// The same, of one member of the generation's models.
    pub(crate) fn of_member(self, member: usize) -> Self {
        let detail = match self.detail.as_str() {
            "" => format!("member-{member}"),
            detail => format!("member-{member}/{detail}"),
        };
        Self { detail, ..self }
    }
}

/// JSON has no NaN and no infinities, and a diverging model has both: they are written as text.
mod number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Finite(f64),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match value.is_finite() {
            true => serializer.serialize_f64(*value),
            false => serializer.serialize_str(&rundir::format_value(*value)),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Number::deserialize(deserializer)? {
            Number::Finite(value) => Ok(value),
            Number::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

fn labelled(set: &str, measures: Vec<Measure>) -> impl Iterator<Item = Measured> {
    let set = set.to_owned();
    measures.into_iter().map(move |Measure { metric, detail, value }| Measured {
        set: set.clone(),
        metric,
        detail,
        value,
    })
}

/// The losses of a model on the human test set, each document alone from its separator.
pub(crate) fn test_losses(weights: &Weights, human: &Human, device: &Device) -> Vec<DocumentLoss> {
    let Texts { documents, tokens } = &human.test;
    let nats = inference::score(weights, tokens, human.tokenizer.separator(), device);
    let loss = |(index, (nats, document)): (usize, (f64, &Document))| DocumentLoss {
        nats,
        tokens: positions(tokens, index, weights.config().context),
        bytes: document.text.len() as u64,
    };
    nats.into_iter().zip(documents).enumerate().map(loss).collect()
}

/// The losses of models of which each document has one for its author, all equally likely: −ln of the mean probability. Of
/// one model, its own.
pub(crate) fn mixed(mut members: Vec<Vec<DocumentLoss>>) -> Vec<DocumentLoss> {
    let Some(mut mixture) = members.pop() else { return Vec::new() };
    if members.is_empty() {
        return mixture;
    }
    let count = (members.len() + 1) as f64;
    for (at, loss) in mixture.iter_mut().enumerate() {
        let all: Vec<f64> = members.iter().map(|m| m[at].nats).chain([loss.nats]).collect();
        // The likeliest is taken out of the sum, which would else be zero.
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        loss.nats = least - (all.iter().map(|nats| (least - nats).exp()).sum::<f64>() / count).ln();
    }
    mixture
}

/// What those losses say.
pub(crate) fn test_measures(losses: &[DocumentLoss]) -> Vec<Measured> {
    labelled("test", evaluation::predictions(losses)).collect()
}

/// What was written, against the human text of the chain's generation 0.
pub(crate) fn written_measures(
    documents: &[Document],
    tokens: &TokenSet,
    reencoded: &[bool],
    reference: &Reference,
) -> Vec<Measured> {
    let docs = docs(documents, tokens, reencoded);
    labelled("written", evaluation::written(&docs, reference)).collect()
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

/// What a seed's generations are compared with: its human training set, and the test set as that text's honest twin.
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

/// Positions that a document takes in a window: its tokens, and its end unless it is truncated. A written document may encode to
/// more than a window holds; it is cut there.
pub(crate) fn positions(tokens: &TokenSet, document: usize, context: usize) -> u64 {
    let whole = tokens.ids(document).len() + usize::from(!tokens.truncated(document));
    whole.min(context) as u64
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

/// What only a run of its own can say.
pub(crate) fn run_measures(record: &training::Record) -> Vec<Measured> {
    let one = |metric, value| Measured::new("training", metric, "", value);
    let validation = record.validation_loss.map(|loss| one("validation-loss", loss));
    std::iter::once(one("final-loss", record.final_loss)).chain(validation).collect()
}

/// The ledger of a training set and of the runs on it: their steps together, their losses on average. A learner without
/// runs has neither.
pub(crate) fn training_measures(set: &TrainingSet, records: &[&training::Record]) -> Vec<Measured> {
    let measure = |metric, detail: String, value| Measured::new("training", metric, &detail, value);
    let one = |metric: &'static str, value: f64| measure(metric, String::new(), value);
    let sum = |of: fn(&training::Record) -> u64| records.iter().map(|record| of(record)).sum::<u64>() as f64;
    let runs = records.len() as f64;
    let final_loss = records.iter().map(|record| record.final_loss).sum::<f64>() / runs;
    let validation: Option<f64> = records.iter().map(|record| record.validation_loss).sum();
    let validation = validation.filter(|_| !records.is_empty());
    let mut list = vec![
        one("unique-tokens", set.totals.unique.tokens as f64),
        one("tokens", set.totals.all.tokens as f64),
        one("documents", set.totals.all.documents as f64),
        one("human-share", set.totals.human_share()),
        one("ancestry", set.totals.ancestry),
    ];
    if !records.is_empty() {
        let of_runs = [
            one("seen-tokens", sum(|record| record.seen_tokens)),
            one("steps", sum(|record| record.steps)),
            one("final-loss", final_loss),
        ];
        list.splice(3..3, of_runs);
    }
    let skipped = sum(|record| record.skipped);
    if skipped > 0.0 {
        list.push(one("skipped-steps", skipped));
    }
    if set.is_weighted() {
        list.push(one("human-weight", set.human_weight()));
    }
    list.extend(validation.map(|sum| one("validation-loss", sum / runs)));
    for of in &set.totals.by_origin {
        let name = if of.origin == Origin::Human { "human" } else { "synthetic" };
        list.push(measure("tokens-by-origin", name.to_owned(), of.count.tokens as f64));
    }
    for of in &set.totals.by_generation {
        let name = of.generation.map_or_else(|| "human".to_owned(), |g| g.to_string());
        list.push(measure("tokens-by-generation", name, of.count.tokens as f64));
    }
    list
}

/// Reads `metrics.json` of a score stage.
pub(crate) fn read(stage: &rundir::Stage) -> Result<Vec<Measured>, Error> {
    stage.verify()?;
    let path = stage.path().join("metrics.json");
    let text = std::fs::read_to_string(&path).map_err(|e| Error::Work(format!("{}: {e}", path.display())))?;
    serde_json::from_str(&text).map_err(|e| Error::Work(format!("{}: {e}", path.display())))
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
    fn values_come_back_whatever_they_are() {
        for (value, text) in [(0.1 + 0.2, "0.30000000000000004"), (f64::INFINITY, "\"inf\""), (f64::NAN, "\"NaN\"")] {
            let one = Measured { set: "test".into(), metric: "loss".into(), detail: String::new(), value };
            let written = serde_json::to_string(&one).unwrap();
            assert!(written.ends_with(&format!("\"value\":{text}}}")), "{written}");
            let read: Measured = serde_json::from_str(&written).unwrap();
            assert_eq!(read.value.to_bits(), value.to_bits());
        }
    }
}
