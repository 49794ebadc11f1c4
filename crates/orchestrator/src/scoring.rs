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

/// The ledger of a training set and of the run on it.
pub(crate) fn training_measures(set: &TrainingSet, record: &training::Record) -> Vec<Measured> {
    let measure = |metric: &'static str, detail: String, value: f64| Measured {
        set: "training".to_owned(),
        metric: metric.into(),
        detail,
        value,
    };
    let one = |metric: &'static str, value: f64| measure(metric, String::new(), value);
    let mut list = vec![
        one("unique-tokens", set.totals.unique.tokens as f64),
        one("tokens", set.totals.all.tokens as f64),
        one("documents", set.totals.all.documents as f64),
        one("seen-tokens", record.seen_tokens as f64),
        one("steps", record.steps as f64),
        one("final-loss", record.final_loss),
        one("human-share", set.totals.human_share()),
        one("ancestry", set.totals.ancestry),
    ];
    if record.skipped > 0 {
        list.push(one("skipped-steps", record.skipped as f64));
    }
    list.extend(record.validation_loss.map(|loss| one("validation-loss", loss)));
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
