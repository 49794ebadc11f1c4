//! Worlds from grammar files: one that is given, or one that is built in.

use std::path::Path;

use crate::bounds;
use crate::build;
use crate::error::WorldError;
use crate::grammar::Grammar;
use crate::world::World;

const BUILT_IN: [(&str, &str); 2] = [
    ("chronicle", include_str!("../../../data/worlds/chronicle.toml")),
    ("chronicle-clock", include_str!("../../../data/worlds/chronicle-clock.toml")),
];

impl World {
    /// Reads a grammar and builds its world.
    ///
    /// # Errors
    /// A grammar that does not describe a language that can be known exactly; `FORMAT.md` lists what is asked.
    pub fn from_toml(text: &str) -> Result<Self, WorldError> {
        let grammar = Grammar::read(text)?;
        build::world(&grammar).map_err(|wrong| grammar.fault(text, wrong))
    }

    /// Reads a grammar file.
    ///
    /// # Errors
    /// As [`World::from_toml`], and a file that cannot be read.
    pub fn load(path: &Path) -> Result<Self, WorldError> {
        let text = Self::read_grammar(path)?;
        Self::from_toml(&text)
    }

    /// The text of a grammar file.
    ///
    /// # Errors
    /// A file that is not there, is no file, or is larger than any grammar.
    pub fn read_grammar(path: &Path) -> Result<String, WorldError> {
        corpus::files::read_small_text(path, bounds::LARGEST_FILE).map_err(WorldError::NoFile)
    }

    /// The grammar file that is built in under this name, as it is: a `base` that it names is another file.
    ///
    /// # Errors
    /// No such world; the error knows the names there are.
    pub fn grammar(name: &str) -> Result<&'static str, WorldError> {
        let known = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        (BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text))
            .ok_or_else(|| WorldError::Unknown { name: name.to_owned(), known })
    }

    /// The world that is built in under this name.
    ///
    /// # Errors
    /// No such world; the error knows the names there are.
    pub fn named(name: &str) -> Result<Self, WorldError> {
        Self::from_toml(Self::grammar(name)?)
    }

    /// Chronicle, the default.
    pub fn chronicle() -> Self {
        Self::named("chronicle").expect("the tests build it")
    }

    /// The names of the worlds that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }
}
