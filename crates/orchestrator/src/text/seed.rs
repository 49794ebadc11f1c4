//! The text that a seed works with: drawn from a corpus, or written by a world for this seed alone.

use super::census::Census;
use super::measures::{Reference, TextMeasures};
use super::text_of;
use super::truth::Truth;
use super::worlds::encoded;
use crate::medium::SeedDocuments;
use crate::{Encoded, Error, Human, Measures};
use chain::{HumanSet, human_subset_by};
use experiment::Experiment;
use std::sync::Arc;
use streams::Streams;
use world::Survey;

/// Documents of a world with numbers below this are the run's own: its test set. The next as many are seed 0's, and so on.
const OF_ONE_SEED: u64 = 1 << 32;

/// A draw of the training split.
pub(super) fn of_corpus(
    all: &Arc<Encoded>,
    human: &Human,
    experiment: &Experiment,
    seed: u64,
) -> Result<SeedDocuments, Error> {
    let entries = all.entries(experiment.context()?);
    let tokens = text_of(experiment).corpus.tokens;
    let set = human_subset_by(&entries, |piece| corpus::source_of(&piece.id), tokens, &Streams::new(seed))
        .map_err(|e| Error::Request(format!("corpus.tokens: {e}")))?;
    Ok(with_measures(all.clone(), set, human, seed, None))
}

/// A training set that the world writes, and what `fresh` will need.
pub(super) fn of_world(
    truth: &Arc<Truth>,
    human: &Human,
    experiment: &Experiment,
    seed: u64,
) -> Result<SeedDocuments, Error> {
    let context = experiment.context()?;
    let budget = text_of(experiment).corpus.tokens.expect("checked with the experiment");
    let last = experiment.chain.generations - 1;
    let fresh = experiment.arms.iter().map(|arm| arm.recipes().fresh_until(last, budget)).max().unwrap_or(0);
    // A window more in each generation: whole documents are drawn, so an amount may be passed by a part of one.
    let reserve = if fresh > 0 { fresh + context as u64 * u64::from(last) } else { 0 };
    let number = seed.checked_add(1).and_then(|n| n.checked_mul(OF_ONE_SEED));
    let first = number
        .ok_or_else(|| Error::Request(format!("chain.seeds: {seed} is too large for a world; take one below 2^31")))?;
    let texts = encoded(truth.world(), &*human.codec, first, budget + reserve, context)?;
    let mut training = texts.entries(context);
    let mut held = 0;
    let enough = training.iter().position(|entry| {
        held += entry.size;
        held >= budget
    });
    let reserve = training.split_off(enough.map_or(training.len(), |last| last + 1));
    Ok(with_measures(Arc::new(texts), HumanSet { training, reserve }, human, seed, Some(truth)))
}

/// The same with what its generations are measured against.
fn with_measures(
    documents: Arc<Encoded>,
    set: HumanSet,
    human: &Human,
    seed: u64,
    truth: Option<&Arc<Truth>>,
) -> SeedDocuments {
    let texts = || set.training.iter().map(|entry| documents.documents[entry.index].text.as_str());
    let survey = truth.map(|truth| Survey::of(truth.world(), texts()));
    let (stated, holding) = survey.map(|survey| (survey.facts, survey.holding)).unzip();
    let reference = Arc::new(Reference {
        words: super::measures::reference(human, &documents, &set, seed),
        census: Census::of(texts(), holding),
        truth: truth.cloned(),
        stated: stated.unwrap_or_default(),
        separator: human.codec.separator(),
        test_tokens: human.test.tokens.tokens() as u64,
    });
    let measures = Arc::new(move || Box::new(TextMeasures::new(reference.clone())) as Box<dyn Measures>);
    SeedDocuments { documents, set, measures }
}
