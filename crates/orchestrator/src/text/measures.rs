//! What is measured of text, and of the models that generated it.

use super::census::{Census, SURVIVORS};
use super::over_represented;
use super::truth::{FALSE_FACTS, Truth};
use super::word_ratio;
use crate::medium::{Answers, Asked, Generated, Observed};
use crate::steps::{json, timed, write_file};
use crate::{Encoded, Error, Human, Measures};
use chain::{Entry, HumanSet};
use corpus::Document;
use evaluation::{Doc, DocumentLoss, Equal, Measure};
use rundir::Checkpoint;
use std::path::Path;
use std::sync::Arc;
use streams::Streams;

/// Words of the samples in which texts of different lengths are compared.
const EQUAL_WORDS: usize = 10_000;
/// Samples over which such a comparison is averaged.
const DRAWS: u32 = 20;

/// What the generations of a seed are measured against: human text without anything planted.
pub(super) struct Reference {
    /// Its words, and those of the test set.
    pub(super) words: evaluation::Reference,
    /// How many of the training set's documents hold each type.
    pub(super) census: Census,
    /// The true distribution, where a world is the human text.
    pub(super) truth: Option<Arc<Truth>>,
    /// Of a world: how often the training set states each fact, by person.
    pub(super) stated: Vec<Vec<u64>>,
    pub(super) separator: u32,
    /// Tokens of the test set.
    pub(super) test_tokens: u64,
}

/// The measures of a chain of text.
pub(super) struct TextMeasures {
    reference: Arc<Reference>,
    /// The over-represented n-grams of generation 1, once they were needed.
    first_ngrams: Option<Vec<String>>,
}

impl TextMeasures {
    pub(super) fn new(reference: Arc<Reference>) -> Self {
        Self { reference, first_ngrams: None }
    }
}

impl Measures for TextMeasures {
    /// Metrics of words. Where documents are read whole, prompts belong to them: in the truth's parser, and in a model's
    /// losses and features (`perplexity`, MAUVE, Vendi).
    fn of_documents(&self, generated: &Generated<'_>) -> Vec<Measure> {
        timed("measures of text", || evaluation::generated_text(&docs(generated), &self.reference.words))
    }

    /// Over-represented n-grams, what a world's grammar says of the text, which types are alive, ratios of words.
    fn of_generation(&mut self, generation: &Observed<'_>, folder: &Path) -> Result<Vec<Measure>, Error> {
        let reference = &self.reference;
        let mut list = timed("over-represented n-grams", || {
            over_represented::measure(generation, &reference.words, &mut self.first_ngrams, folder)
        })?;
        let mut holding = None;
        if let Some(truth) = &reference.truth {
            let (measured, false_facts, held) = timed("text against the truth", || truth.of_text(generation.whole));
            list.extend(measured);
            holding = Some(held);
            write_file(&folder.join(FALSE_FACTS), &json(&false_facts))?;
        }
        let documents = generation.last().documents;
        timed("census", || {
            let census = Census::of(documents.iter().map(|document| document.text.as_str()), holding);
            write_file(&folder.join(SURVIVORS), &json(&reference.census.survivors(&census)))
        })?;
        let ratios = generation.arm.follow().iter();
        list.extend(ratios.flat_map(|ratio| word_ratio::measures(ratio, documents, &generation.test.documents)));
        Ok(list)
    }

    /// The distance from the truth, where it is known.
    fn of_losses(&self, losses: &[DocumentLoss]) -> Vec<Measure> {
        self.reference.truth.as_ref().map_or_else(Vec::new, |truth| truth.of_predictions(losses))
    }

    /// A world's facts, and the distance from the model to the truth on what it draws from nothing.
    fn of_model(&self, model: &Asked<'_>, checkpoint: &mut Checkpoint) -> Result<(Vec<Measure>, Answers), Error> {
        let Some(truth) = &self.reference.truth else { return Ok(Default::default()) };
        timed("scoring against the truth", || {
            let (weights, device, separator) = (model.weights, model.device, self.reference.separator);
            let answers = checkpoint.part("answers", |inside| truth.ask(weights, separator, device, inside))?;
            let mut list = self.of_answers(&answers);
            if let Some(drawn) = model.drawn {
                let by = (&model.sampling, self.reference.test_tokens);
                list.extend(truth.of_drawn(weights, drawn, by, separator, device, checkpoint)?);
            }
            Ok((list, answers))
        })
    }

    fn of_answers(&self, answers: &Answers) -> Vec<Measure> {
        let Reference { truth, stated, .. } = &*self.reference;
        truth.as_ref().map_or_else(Vec::new, |truth| truth.of_answers(answers, stated))
    }
}

/// Documents as the metrics of words see them.
pub(super) fn docs<'a>(generated: &Generated<'a>) -> Vec<Doc<'a>> {
    let doc = |(index, document): (usize, &'a Document)| Doc {
        text: &document.text,
        ids: generated.tokens.ids(index),
        truncated: document.truncated,
        reencoded_differs: generated.reencoded.get(index).copied().unwrap_or(false),
    };
    generated.documents.iter().enumerate().map(doc).collect()
}

/// The words of a seed's human training set, and the test set as the held-out human reference.
pub(super) fn reference(human: &Human, texts: &Encoded, set: &HumanSet, seed: u64) -> evaluation::Reference {
    let doc = |entry: &Entry| Doc {
        text: &texts.documents[entry.index].text,
        ids: texts.tokens.ids(entry.index),
        truncated: texts.tokens.truncated(entry.index),
        reencoded_differs: false,
    };
    let documents: Vec<Doc> = set.training.iter().map(doc).collect();
    let equal = Equal { words: EQUAL_WORDS, draws: DRAWS, streams: Streams::new(seed) };
    let Encoded { documents: test, tokens } = &human.test;
    evaluation::Reference::of(&documents, &docs(&Generated { documents: test, tokens, reencoded: &[] }), equal)
}
