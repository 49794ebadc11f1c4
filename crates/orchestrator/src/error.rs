use rundir::Stopped;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request was wrong: nothing was begun, and another request may do.
    #[error("{0}")]
    Request(String),
    /// The work failed.
    #[error("{0}")]
    Work(String),
    /// A file that was there when its stage was found has been removed since: whoever asked goes through its chain again.
    #[error("{0} was removed since it was found; run again")]
    Gone(String),
    /// The work was interrupted ([`RunOptions::interrupt`](crate::RunOptions::interrupt)). The same request goes on with it.
    #[error("{Stopped}")]
    Interrupted,
}

impl Error {
    /// A request that was wrong, in the words of `error`.
    pub fn request(error: impl std::fmt::Display) -> Self {
        Self::Request(error.to_string())
    }

    /// Work that failed, in the words of `error`.
    pub fn work(error: impl std::fmt::Display) -> Self {
        Self::Work(error.to_string())
    }
}

impl From<Stopped> for Error {
    fn from(Stopped: Stopped) -> Self {
        Self::Interrupted
    }
}

impl From<experiment::Error> for Error {
    fn from(error: experiment::Error) -> Self {
        Self::request(error)
    }
}

impl From<rundir::Error> for Error {
    fn from(error: rundir::Error) -> Self {
        use rundir::Error as E;
        match error {
            E::NotARun { .. } | E::NotEmpty { .. } | E::Format { .. } | E::Name { .. } | E::Parse { .. } => {
                Self::request(error)
            }
            _ => Self::work(error),
        }
    }
}
