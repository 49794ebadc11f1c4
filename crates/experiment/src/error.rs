/// An experiment that cannot be run: one line that says what is wrong, where, and what to try.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    /// An error of this text, one line.
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self(text.to_string())
    }

    /// The same error, of this place.
    pub(crate) fn at(self, place: impl std::fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }

    /// The same error, of this generation.
    pub(crate) fn in_generation(self, generation: u32) -> Self {
        Self(format!("{} (in generation {generation})", self.0))
    }
}

/// Fails with a formatted line.
macro_rules! fail {
    ($($text:tt)*) => {
        return Err($crate::Error::new(format!($($text)*)))
    };
}
pub(crate) use fail;
