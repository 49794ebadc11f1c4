use std::path::{Path, PathBuf};

/// What goes wrong with a run directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The verb: "read", "write", ...
        action: &'static str,
        /// What was to be read or written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder that is something else.
    #[error("{} is not a run directory ({why}): give the folder that `habsburg run` wrote", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// A folder in use for something else was named as output.
    #[error("{} is not empty and is not a run directory: choose a new folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Written by another version.
    #[error("{} has format {found}, this build reads {}: use the build that wrote it, or a new folder", path.display(), crate::FORMAT)]
    Format {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A name that is no file name on every system.
    #[error("{what:?} is not a usable name: {why}")]
    Name {
        /// The name.
        what: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A word that is no stage, chain or kind.
    #[error("{what:?} is not {expected}")]
    Parse {
        /// The word.
        what: String,
        /// What it should look like.
        expected: &'static str,
    },
    /// Something that cannot be hashed in one way only.
    #[error("settings cannot be hashed: {0}")]
    Canonical(String),
    /// A file whose content is not what it should be.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that is not as it was written: it differs from its seal or its checksum, or is missing.
    #[error("{} {how}; {}", path.display(), remedy(path))]
    Damaged {
        /// The file that differs.
        path: PathBuf,
        /// How it differs.
        how: String,
    },
    /// A process lost the lock of a run directory while it was stopped.
    #[error("{}: another process has taken over this run directory, because this one was stopped for half a minute; run \
             again to go on", path.display())]
    LockLost {
        /// The lock.
        path: PathBuf,
    },
    /// An observation with a dimension that the schema lacks.
    #[error("metrics.csv has no column for the dimension {0:?}")]
    Dimension(String),
    /// Two observations under one key.
    #[error("two metric rows have the same key: {0}")]
    DuplicateRow(String),
}

/// The way out of a damaged file.
fn remedy(path: &Path) -> String {
    let is_run = |folder: &&Path| folder.join("stages").is_dir() || folder.join("run.json").is_file();
    match path.ancestors().skip(1).find(is_run) {
        Some(run) => {
            format!("`habsburg verify {} --repair` says what is damaged and what can be made again", quoted(run))
        }
        None => "copy it again from where it was made".to_owned(),
    }
}

/// A path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/+=@%:,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Names the path in what the system says.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source })
    }
}
