//! `sample.target`: how an experiment asks for targeted synthesis, and what is refused.

use crate::{Error, PromptFrom, SampleSettings};
use curation::targeted::{Find, Target};

impl SampleSettings {
    /// The target, unless its share is nothing.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref().filter(|target| target.share > 0.0)
    }

    /// Whether documents may begin with a prompt.
    pub fn is_prompted(&self) -> bool {
        self.prompt != PromptFrom::None || self.target().is_some()
    }

    /// Whether a target can be what it is asked to be.
    ///
    /// # Errors
    /// [`Error::Request`] with what is wrong.
    pub(crate) fn check_target(&self, is_world: bool) -> Result<(), Error> {
        let Some(target) = &self.target else { return Ok(()) };
        let fail = |text: &str| Err(Error::Request(text.to_owned()));
        target.check().map_err(Error::request)?;
        if target.find == Find::Facts && !is_world {
            return Err(Error::request(curation::Error::NoFacts));
        }
        if self.prompt != PromptFrom::None {
            return fail("sample.target draws prompts of its own; leave sample.prompt out");
        }
        if self.greedy {
            return fail("sample.target: sample.greedy writes one document again and again where nothing prompts it");
        }
        Ok(())
    }
}
