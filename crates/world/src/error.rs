//! Errors of a grammar.

/// Why there is no world. Each message is one line: the world, the place in its grammar, what is wrong, what to try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The text is no TOML, or has a key that no grammar has, or a value of another type.
    #[error("grammar{}: {what}; the crate `world` documents every key", at(*line))]
    File {
        /// The line in the text, from 1.
        line: Option<usize>,
        /// The reader's message.
        what: String,
    },
    /// The grammar can be read, and describes no language that could be known exactly.
    #[error("world {world:?}{}, {place}: {what}", at(*line))]
    Grammar {
        /// The world's name.
        world: String,
        /// The line in the text, from 1.
        line: Option<usize>,
        /// The key, or the form, that is wrong.
        place: String,
        /// The fault, and what to try.
        what: String,
    },
    /// No world of this name is built in.
    #[error("there is no world {name:?}: take one of {}, or the path of a grammar file", known.join(", "))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error(transparent)]
    NoFile(#[from] corpus::ReadError),
}

fn at(line: Option<usize>) -> String {
    line.map_or(String::new(), |line| format!(", line {line}"))
}

/// A place in a grammar and what is wrong there: what the checks give, before world and line are known.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// Keys from the file's root.
    pub(crate) path: Vec<String>,
    pub(crate) what: String,
}

/// A [`Wrong`] at a path of keys.
pub(crate) fn wrong<const N: usize>(path: [&str; N], what: impl Into<String>) -> Wrong {
    Wrong { path: path.iter().map(|&key| key.to_owned()).collect(), what: what.into() }
}
