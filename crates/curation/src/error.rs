//! Errors of a defence.

/// Why a defence could not judge, or what is wrong with its parameters.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter out of range.
    #[error("{defence}.{parameter} = {value}: {wants}")]
    Parameter {
        /// The defence.
        defence: &'static str,
        /// Its parameter.
        parameter: &'static str,
        /// The given value.
        value: String,
        /// The possible values.
        wants: &'static str,
    },
    /// Token editing stands before other defences.
    #[error("{0} must be the last of curation: what follows would judge a text that is no longer trained on")]
    NotLast(&'static str),
    /// One defence in two places.
    #[error("{0} is there twice: its measures would have one name; name each defence once")]
    Twice(&'static str),
    /// An oracle where the truth is not known.
    #[error("{0} by an oracle needs a corpus whose truth is known: take the corpus `chronicle`, or by = \"model\"")]
    NoWorld(&'static str),
    /// Facts are to be found where none are known.
    #[error(
        "sample.target = \"facts\" needs a corpus whose truth is known: take the corpus `chronicle`, or find something else"
    )]
    NoFacts,
    /// Too few documents of a class.
    #[error("{defence}: {there} documents of {class}, too few to learn from; write more, or drop the defence")]
    TooFew {
        /// The defence.
        defence: &'static str,
        /// Whose text.
        class: &'static str,
        /// How many there are.
        there: usize,
    },
    /// A model did not answer, or not as asked.
    #[error("{defence}: {what}")]
    Models {
        /// The defence.
        defence: &'static str,
        /// The model's message.
        what: String,
    },
}

/// A parameter out of range, if it is.
pub(crate) fn within(
    fits: bool,
    defence: &'static str,
    parameter: &'static str,
    value: impl ToString,
    wants: &'static str,
) -> Result<(), Error> {
    if fits { Ok(()) } else { Err(Error::Parameter { defence, parameter, value: value.to_string(), wants }) }
}

/// A share that is kept: above 0 and up to 1.
pub(crate) fn share(defence: &'static str, parameter: &'static str, value: f64) -> Result<(), Error> {
    within(value > 0.0 && value <= 1.0, defence, parameter, value, "a share above 0.0 and up to 1.0 (1.0 keeps all)")
}

/// A probability.
pub(crate) fn probability(defence: &'static str, parameter: &'static str, value: f64) -> Result<(), Error> {
    within((0.0..=1.0).contains(&value), defence, parameter, value, "a probability from 0.0 to 1.0")
}
