//! How commands fail: what they say, and the exit code.
//!
//! One kind of fault has one code in every command. 2: the request was wrong, and another one may do: an argument, a path
//! that cannot be used, a file of another kind, a folder that is no run directory. 1: the request was right and the work
//! failed: a full disk, a device, the network, damaged data, standard output. 130 and 143: SIGINT or SIGTERM ended it.

use std::fmt::Display;
use std::io::{self, ErrorKind};

/// What a command ends with, where it does not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was wrong: exit code 2.
    Request(String),
    /// The work failed: exit code 1.
    Work(String),
    /// A signal ended it: exit code 128 and the signal's number. The text says how to go on.
    Interrupted {
        /// What is kept, and how to go on.
        text: String,
        /// The signal.
        signal: u8,
    },
}

impl Failure {
    pub(crate) fn request(error: impl Display) -> Self {
        Self::Request(error.to_string())
    }

    pub(crate) fn work(error: impl Display) -> Self {
        Self::Work(error.to_string())
    }

    /// An error whose cause is `source`: the request's, where that is about the path that was named.
    pub(crate) fn io(error: impl Display, source: &io::Error) -> Self {
        let is_about_the_path = matches!(
            source.kind(),
            ErrorKind::NotFound
                | ErrorKind::NotADirectory
                | ErrorKind::IsADirectory
                | ErrorKind::AlreadyExists
                | ErrorKind::PermissionDenied
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::InvalidFilename
                | ErrorKind::InvalidInput
        );
        if is_about_the_path { Self::request(error) } else { Self::work(error) }
    }

    /// What it says, and the exit code.
    pub(crate) fn parts(&self) -> (&str, u8) {
        match self {
            Self::Request(text) => (text, 2),
            Self::Work(text) => (text, 1),
            Self::Interrupted { text, signal } => (text, 128 + signal),
        }
    }
}

impl From<experiment::Error> for Failure {
    fn from(error: experiment::Error) -> Self {
        Self::request(error)
    }
}

impl From<orchestrator::Error> for Failure {
    fn from(error: orchestrator::Error) -> Self {
        match error {
            orchestrator::Error::Request(text) => Self::Request(text),
            orchestrator::Error::Work(text) => Self::Work(text),
            gone @ orchestrator::Error::Gone(_) => Self::work(gone),
            // Commands that take signals say so in their own words.
            interrupted @ orchestrator::Error::Interrupted => Self::work(interrupted),
        }
    }
}

impl From<rundir::Error> for Failure {
    fn from(error: rundir::Error) -> Self {
        use rundir::Error as E;
        match &error {
            E::Io { source, .. } => Self::io(&error, source),
            E::NotARun { .. } | E::NotEmpty { .. } | E::Format { .. } | E::Name { .. } | E::Parse { .. } => {
                Self::request(error)
            }
            _ => Self::work(error),
        }
    }
}

impl From<report::Error> for Failure {
    fn from(error: report::Error) -> Self {
        use report::Error as E;
        match error {
            E::Run(error) => error.into(),
            E::Folder { ref source, .. } => Self::io(&error, source),
            E::NoMetrics(_) | E::NoInfo(_) | E::Apart { .. } | E::NoPage(_) | E::Taken(_) => Self::request(error),
            _ => Self::work(error),
        }
    }
}

impl From<corpus::ReadError> for Failure {
    fn from(error: corpus::ReadError) -> Self {
        match &error {
            corpus::ReadError::File { source, .. } => match source.raw_os_error() {
                Some(_) => Self::io(&error, source),
                // Compressed text that ends too soon is damaged; what is not compressed is another file than it says.
                None if source.kind() == ErrorKind::UnexpectedEof => Self::work(error),
                None => Self::request(error),
            },
            _ => Self::request(error),
        }
    }
}

impl From<corpus::FetchError> for Failure {
    fn from(error: corpus::FetchError) -> Self {
        match &error {
            corpus::FetchError::Cache { source, .. } => Self::io(&error, source),
            _ => Self::work(error),
        }
    }
}

/// A tokenizer that was named or is to be trained; one of a model is damaged if it is none.
impl From<corpus::TokenizerError> for Failure {
    fn from(error: corpus::TokenizerError) -> Self {
        match &error {
            corpus::TokenizerError::File { source, .. } => Self::io(&error, source),
            _ => Self::request(error),
        }
    }
}

impl From<model::WeightsError> for Failure {
    fn from(error: model::WeightsError) -> Self {
        match &error {
            model::WeightsError::File { source, .. } => Self::io(&error, source),
            model::WeightsError::Content { .. } | model::WeightsError::Damaged(_) => Self::work(error),
        }
    }
}

impl From<provenance::Error> for Failure {
    fn from(error: provenance::Error) -> Self {
        use provenance::Error as E;
        match error {
            E::Data(error) => error.into(),
            E::Open { ref source, .. } | E::Write { ref source, .. } => Self::io(&error, source),
            E::Damaged { .. } | E::Count { .. } | E::Root(_) => Self::work(error),
            _ => Self::request(error),
        }
    }
}

impl From<provenance::KeyError> for Failure {
    fn from(error: provenance::KeyError) -> Self {
        use provenance::KeyError as E;
        match &error {
            E::File { source, .. } => Self::io(&error, source),
            E::Taken(_) | E::NoSecret(_) | E::NoPublic(_) => Self::request(error),
            _ => Self::work(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_one_code_wherever_it_is_found() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let missing = || io::Error::from(ErrorKind::NotFound);
        let path = std::path::PathBuf::from("x");
        let code = |failure: Failure| failure.parts().1;
        for (source, expected) in [(full as fn() -> io::Error, 1), (missing, 2)] {
            let of_run = || rundir::Error::Io { action: "write", path: path.clone(), source: source() };
            let failures: [Failure; 7] = [
                of_run().into(),
                report::Error::Run(of_run()).into(),
                report::Error::Folder { path: path.clone(), source: source() }.into(),
                corpus::FetchError::Cache { place: path.clone(), source: source() }.into(),
                corpus::TokenizerError::File { path: path.clone(), source: source() }.into(),
                model::WeightsError::File { path: "x".to_owned(), source: source() }.into(),
                provenance::Error::Write { path: path.clone(), source: source() }.into(),
            ];
            assert_eq!(failures.map(code), [expected; 7]);
        }
    }
}
