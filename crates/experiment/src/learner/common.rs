//! The questions that the rest of the crate asks of any learner's settings.

use crate::error::{Error, fail};
use crate::plant::Plant;
use crate::sample::SampleSettings;
use crate::train;
use crate::word_ratio::{self, WordRatio};
use chain::Recipe;
use curation::Curation;
use sampling::{Opt, Sampling};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The run's settings that an arm is checked against.
pub(crate) struct Scope {
    pub(crate) generations: u32,
    /// True if a world generates the human text.
    pub(crate) is_world: bool,
    /// The most models of one generation.
    pub(crate) members: u64,
}

/// Questions to the settings of any learner. The defaults are the answers of one that has no such setting.
pub(crate) trait Common {
    fn members(&self) -> u32 {
        1
    }

    /// Positions of a window; none before the settings are resolved, or if the learner has no windows.
    fn context(&self) -> Option<usize> {
        None
    }

    fn train(&self) -> Option<&train::Settings> {
        None
    }

    fn sampling(&self) -> Sampling {
        Sampling::default()
    }

    fn sample(&self) -> &SampleSettings {
        &SampleSettings::UNPROMPTED
    }

    /// Tokens that a generation generates, where the file says it.
    fn tokens(&self) -> Option<u64> {
        self.sample().tokens
    }

    fn curation(&self) -> &Curation {
        static NONE: Curation = Curation::NONE;
        &NONE
    }

    fn plant(&self) -> Option<&Plant> {
        None
    }

    fn follow(&self) -> &[WordRatio] {
        &[]
    }

    /// Writes every default out; `context` is the run's, for a learner whose file does not say it.
    fn resolve(&mut self, _context: usize) -> Result<(), Error> {
        Ok(())
    }

    /// Checks every value's range.
    fn check(&self, recipe: &Recipe, scope: &Scope) -> Result<(), Error>;
}

/// A learner of text.
pub(crate) trait Text: Common + Serialize + DeserializeOwned {
    /// Its name.
    const KIND: &'static str;

    /// The sampler's options that it honours; if there are any, `Self` has a field `sampling`.
    fn honours() -> Vec<Opt>;
}

/// The checks that all text learners share.
pub(super) fn check_text(settings: &impl Common, scope: &Scope) -> Result<(), Error> {
    word_ratio::check(settings.follow())?;
    if let Some(plant) = settings.plant() {
        plant.check(scope.generations)?;
    }
    if settings.tokens() == Some(0) {
        fail!("sample.tokens = 0: at least 1");
    }
    if settings.curation().needs_world() && !scope.is_world {
        return Err(Error::new(curation::Error::NoWorld("verifier")).at("curation"));
    }
    settings.sampling().check().map_err(|error| Error::new(format!("sample.{error}")))
}
