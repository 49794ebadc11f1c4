//! The human documents of one seed, which its chains share.

use crate::baselines::Baselines;
use crate::medium::{MakeMeasures, SeedDocuments};
use crate::{Encoded, Error, Human, plant};
use chain::HumanSet;
use corpus::{Document, TokenSet};
use experiment::{Experiment, Plant};
use std::sync::{Arc, Mutex, PoisonError};
use streams::Streams;

/// State that the chains of one seed share.
pub(crate) struct Seed {
    pub(crate) human: Arc<Encoded>,
    pub(crate) set: HumanSet,
    /// Makes what measures a chain: against human documents without anything planted.
    pub(crate) measures: MakeMeasures,
    /// The baselines of the training set, once a generation 0 was scored.
    baselines: Mutex<Option<Option<Baselines>>>,
}

impl Seed {
    /// The documents that a seed works with.
    ///
    /// # Errors
    /// [`Error::Request`] if there is not enough.
    pub(crate) fn of(human: &Human, experiment: &Experiment, seed: u64) -> Result<Self, Error> {
        let SeedDocuments { documents, set, measures } = human.medium.seed(human, experiment, seed)?;
        Ok(Self { human: documents, set, measures, baselines: Mutex::default() })
    }

    /// The weight of each of the seed's documents as one to begin with: those of the training set alike, others none.
    pub(crate) fn of_training(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.human.documents.len()];
        self.set.training.iter().for_each(|entry| weights[entry.index] = 1.0);
        weights
    }

    /// True if a document of the training set has as many tokens as a prompt.
    pub(crate) fn has_prompts(&self, prompt: usize) -> bool {
        self.set.training.iter().any(|entry| self.human.tokens.ids(entry.index).len() >= prompt)
    }

    /// The test losses of models that count the training set, computed when they are first asked for; chains that ask
    /// meanwhile wait. None of a test set without tokens.
    pub(crate) fn baselines(&self, human: &Human) -> Option<Baselines> {
        let mut baselines = self.baselines.lock().unwrap_or_else(PoisonError::into_inner);
        *baselines.get_or_insert_with(|| {
            fn documents(tokens: &TokenSet, of: impl Iterator<Item = usize>) -> Vec<(&[u32], bool)> {
                of.map(|index| (tokens.ids(index), tokens.truncated(index))).collect()
            }
            let training = documents(&self.human.tokens, self.set.training.iter().map(|entry| entry.index));
            let test = documents(&human.test.tokens, 0..human.test.tokens.len());
            Baselines::of(&training, &test, human.codec.vocabulary(), human.codec.separator())
        })
    }

    /// The same with a phrase planted in the training set.
    ///
    /// # Errors
    /// [`Error::Request`] if too few documents have room for it.
    pub(crate) fn planted(&self, plant: &Plant, human: &Human, context: usize, seed: u64) -> Result<Self, Error> {
        let training = &self.set.training;
        let among: Vec<(usize, &Document)> =
            training.iter().map(|entry| (entry.index, &self.human.documents[entry.index])).collect();
        let wanted = plant.count(among.len());
        let chosen = plant::choose(plant, &among, &*human.codec, context, &Streams::new(seed));
        if chosen.len() < wanted || wanted == 0 {
            return Err(Error::Request(format!(
                "plant.share: of {} human documents {wanted} are to get the phrase and {} have room for it in a window of \
                 {context} tokens; change the share, shorten the phrase or raise model.context",
                among.len(),
                chosen.len()
            )));
        }
        let (documents, tokens) = plant::replaced(&self.human.documents, &chosen, &*human.codec);
        let documents = Encoded { documents, tokens };
        let all = documents.entries(context);
        let set = HumanSet {
            training: training.iter().map(|entry| all[entry.index].clone()).collect(),
            reserve: self.set.reserve.clone(),
        };
        Ok(Self { human: Arc::new(documents), set, measures: self.measures.clone(), baselines: Mutex::default() })
    }
}
