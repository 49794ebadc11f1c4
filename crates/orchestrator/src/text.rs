//! Text as a medium: a corpus, or a generated language whose every probability is known.
//!
//! | file | what |
//! |---|---|
//! | `prepare`, `worlds` | the prepare stage: reading, splitting, tokenizing |
//! | `seed` | the documents that a seed works with |
//! | `measures` | what is measured of text, by the files below |
//! | `census` | which words of the human text are still there |
//! | `over_represented` | n-grams that are generated too often |
//! | `word_ratio` | how often one of two words is chosen |
//! | `truth` | the distance from a generated language, its facts, its questions |

mod census;
mod measures;
mod over_represented;
mod prepare;
mod seed;
mod truth;
mod word_ratio;
mod worlds;

pub(crate) use prepare::open;
pub(crate) use truth::false_facts;

use crate::medium::SeedDocuments;
use crate::{Encoded, Error, Human, Medium};
use corpus::TokenSet;
use experiment::{Arm, Experiment};
use rundir::RunDir;
use std::sync::Arc;
use streams::{Purpose, Streams, item_of_name};
use truth::Truth;
use world::World;

/// The settings of an experiment's text.
pub(crate) fn text_of(experiment: &Experiment) -> &experiment::Text {
    experiment.text().expect("an experiment with stages has text")
}

/// The medium.
struct Text {
    source: Source,
}

/// Where human text comes from.
enum Source {
    /// The training split of a corpus, from which seeds draw.
    Corpus(Arc<Encoded>),
    /// A world, which writes for each seed anew.
    World(Arc<Truth>),
}

/// Documents of a world from here on are nobody's: below are the run's test set, above those of seeds.
const OF_A_WORLD: u64 = 1 << 31;

impl Medium for Text {
    fn check(&self, _: &Arm) -> Result<(), String> {
        Ok(())
    }

    fn seed(&self, human: &Human, experiment: &Experiment, seed: u64) -> Result<SeedDocuments, Error> {
        match &self.source {
            Source::Corpus(all) => seed::of_corpus(all, human, experiment, seed),
            Source::World(truth) => seed::of_world(truth, human, experiment, seed),
        }
    }

    /// Of a corpus a draw of its validation split, of a world documents of its own.
    fn held_out(&self, run: &RunDir, human: &Human, positions: u64, context: usize) -> Result<TokenSet, Error> {
        if let Source::World(truth) = &self.source {
            return Ok(worlds::encoded(truth.world(), &*human.codec, OF_A_WORLD, positions, context)?.tokens);
        }
        let stage = run.find(&human.id)?.ok_or_else(|| Error::Work(format!("{} is gone; run again", human.id)))?;
        let all = TokenSet::load(&stage.path().join("validation.safetensors")).map_err(Error::work)?;
        // The draw belongs to the run, not to a seed.
        let mut stream = Streams::new(0).stream(Purpose::Evaluation, 0, item_of_name("entropy-match"));
        let mut held = 0;
        let mut drawn: Vec<usize> = (stream.permutation(all.len()).into_iter())
            .take_while(|&document| {
                held += all.ids(document).len() as u64 + u64::from(!all.truncated(document));
                held <= positions
            })
            .collect();
        drawn.sort_unstable();
        Ok(all.pick(&drawn))
    }

    fn world(&self) -> Option<&World> {
        match &self.source {
            Source::Corpus(_) => None,
            Source::World(truth) => Some(truth.world()),
        }
    }
}
