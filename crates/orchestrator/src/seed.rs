//! The human text of one seed.

use crate::baselines::Baselines;
use crate::census::Census;
use crate::human::text_of;
use crate::texts::Texts;
use crate::{Error, Human, plant, scoring};
use chain::{HumanSet, human_subset_by};
use corpus::{Document, TokenSet, Tokenizer};
use evaluation::Reference;
use experiment::{Experiment, Plant};
use std::sync::{Arc, Mutex, PoisonError};
use streams::Streams;
use world::{Survey, World};

/// State that the chains of one seed share.
pub(crate) struct Seed {
    pub(crate) texts: Arc<Texts>,
    pub(crate) set: HumanSet,
    /// The reference of text: human text without anything planted.
    pub(crate) reference: Arc<Reference>,
    /// Of a world: how often the training set states each fact, by person.
    pub(crate) stated: Arc<Vec<Vec<u64>>>,
    /// How many of the training set's documents hold each type.
    pub(crate) census: Arc<Census>,
    /// The baselines of the training set, once a generation 0 was scored.
    baselines: Mutex<Option<Option<Baselines>>>,
}

/// Documents of a world with numbers below this are the run's own: its test set. The next as many are seed 0's, and so on.
const OF_ONE_SEED: u64 = 1 << 32;

impl Seed {
    /// The weight of each of the seed's texts as human text to begin with: those of the training set alike, others none.
    pub(crate) fn of_training(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.texts.documents.len()];
        self.set.training.iter().for_each(|entry| weights[entry.index] = 1.0);
        weights
    }

    /// True if a document of the training set has as many tokens as a prompt.
    pub(crate) fn has_prompts(&self, prompt: usize) -> bool {
        self.set.training.iter().any(|entry| self.texts.tokens.ids(entry.index).len() >= prompt)
    }

    /// The text that a seed works with: drawn from a corpus, or written by a world for this seed alone.
    ///
    /// # Errors
    /// [`Error::Request`] if there is not enough.
    pub(crate) fn of(human: &Human, experiment: &Experiment, seed: u64) -> Result<Self, Error> {
        let context = experiment.context()?;
        let (texts, set, survey) = match (&human.texts, &human.truth) {
            (Some(texts), _) => {
                let entries = texts.entries(context);
                let tokens = text_of(experiment).corpus.tokens;
                let set = human_subset_by(&entries, |piece| corpus::source_of(&piece.id), tokens, &Streams::new(seed))
                    .map_err(|e| Error::Request(format!("corpus.tokens: {e}")))?;
                (texts.clone(), set, None)
            }
            (None, Some(truth)) => {
                let (texts, set) = written(truth.world(), &human.tokenizer, experiment, seed, context)?;
                let training = set.training.iter().map(|entry| texts.documents[entry.index].text.as_str());
                let survey = Survey::of(truth.world(), training);
                (Arc::new(texts), set, Some(survey))
            }
            (None, None) => unreachable!("human text is a corpus or a world"),
        };
        let reference = Arc::new(scoring::reference(human, &texts, &set, seed));
        let training = || set.training.iter().map(|entry| entry.index);
        let (stated, holding) = survey.map(|survey| (survey.facts, survey.holding)).unzip();
        let census = Census::of(training().map(|index| texts.documents[index].text.as_str()), holding);
        let stated = Arc::new(stated.unwrap_or_default());
        Ok(Self { texts, set, reference, stated, census: Arc::new(census), baselines: Mutex::default() })
    }

    /// The test losses of models that count the training set, computed when they are first asked for; chains that ask
    /// meanwhile wait. None of a test set without tokens.
    pub(crate) fn baselines(&self, human: &Human) -> Option<Baselines> {
        let mut baselines = self.baselines.lock().unwrap_or_else(PoisonError::into_inner);
        *baselines.get_or_insert_with(|| {
            fn documents(tokens: &TokenSet, of: impl Iterator<Item = usize>) -> Vec<(&[u32], bool)> {
                of.map(|index| (tokens.ids(index), tokens.truncated(index))).collect()
            }
            let training = documents(&self.texts.tokens, self.set.training.iter().map(|entry| entry.index));
            let test = documents(&human.test.tokens, 0..human.test.tokens.len());
            Baselines::of(&training, &test, human.tokenizer.vocabulary(), human.tokenizer.separator())
        })
    }

    /// The same with a phrase planted in the training set.
    ///
    /// # Errors
    /// [`Error::Request`] if too few documents have room for it.
    pub(crate) fn planted(&self, plant: &Plant, human: &Human, context: usize, seed: u64) -> Result<Self, Error> {
        let training = &self.set.training;
        let among: Vec<(usize, &Document)> =
            training.iter().map(|entry| (entry.index, &self.texts.documents[entry.index])).collect();
        let wanted = plant.count(among.len());
        let chosen = plant::choose(plant, &among, &human.tokenizer, context, &Streams::new(seed));
        if chosen.len() < wanted || wanted == 0 {
            return Err(Error::Request(format!(
                "plant.share: of {} human documents {wanted} are to get the phrase and {} have room for it in a window of \
                 {context} tokens; change the share, shorten the phrase or raise model.context",
                among.len(),
                chosen.len()
            )));
        }
        let (documents, tokens) = plant::replaced(&self.texts.documents, &chosen, &human.tokenizer);
        let texts = Texts { documents, tokens };
        let all = texts.entries(context);
        let set = HumanSet {
            training: training.iter().map(|entry| all[entry.index].clone()).collect(),
            reserve: self.set.reserve.clone(),
        };
        Ok(Self {
            texts: Arc::new(texts),
            set,
            reference: self.reference.clone(),
            stated: self.stated.clone(),
            census: self.census.clone(),
            baselines: Mutex::default(),
        })
    }
}

/// A seed's own documents of a world: a training set, and what `fresh` will need.
fn written(
    world: &World,
    tokenizer: &Tokenizer,
    experiment: &Experiment,
    seed: u64,
    context: usize,
) -> Result<(Texts, HumanSet), Error> {
    let budget = text_of(experiment).corpus.tokens.expect("checked with the experiment");
    let last = experiment.chain.generations - 1;
    let fresh = experiment.arms.iter().map(|arm| arm.recipes().fresh_until(last, budget)).max().unwrap_or(0);
    // A window more in each generation: whole documents are drawn, so an amount may be passed by a part of one.
    let reserve = if fresh > 0 { fresh + context as u64 * u64::from(last) } else { 0 };
    let number = seed.checked_add(1).and_then(|n| n.checked_mul(OF_ONE_SEED));
    let first = number
        .ok_or_else(|| Error::Request(format!("chain.seeds: {seed} is too large for a world; take one below 2^31")))?;
    let texts = Texts::of_world(world, tokenizer, first, budget + reserve, context)?;
    let mut training = texts.entries(context);
    let mut held = 0;
    let enough = training.iter().position(|entry| {
        held += entry.size;
        held >= budget
    });
    let reserve = training.split_off(enough.map_or(training.len(), |last| last + 1));
    Ok((texts, HumanSet { training, reserve }))
}
