//! The run directory of an experiment: which experiment it holds, and what `experiment.toml` and `run.json` say.

use crate::Error;
use crate::steps::versions;
use experiment::{Arm, Experiment};
use rundir::{Claim, Event, MadeFrom, Observer, RunDir, RunInfo, StageId};
use std::path::Path;

/// Holds the run directory of an experiment, which may hold fewer arms, seeds or generations of it; both taken together.
/// Nothing is written yet that a refused request would have to take back, but new folders ([`Claim::undo`]).
///
/// # Errors
/// [`Error::Request`] if the directory cannot be written, or holds another experiment.
pub(crate) fn claim(
    experiment: &Experiment,
    out: &Path,
    observer: &dyn Observer,
) -> Result<(Claim, Experiment), Error> {
    let claim = RunDir::claim(out, &mut |holder| {
        observer.event(Event::Note(format!("waiting for {holder}, which holds {}", out.display())));
    });
    let claim = claim.map_err(|error| match error {
        rundir::Error::Io { ref source, .. } if is_about_the_path(source) => {
            Error::Request(format!("{error}; choose another --out"))
        }
        error => error.into(),
    })?;
    let merged = match stored(claim.dir()) {
        Ok(None) => Ok(experiment.clone()),
        Ok(Some(old)) => old.merge(experiment).map_err(|difference| {
            let shown = out.display();
            Error::Request(format!("{shown} holds another experiment: {difference}; choose another --out"))
        }),
        Err(error) => Err(error),
    };
    match merged {
        Ok(merged) => Ok((claim, merged)),
        Err(error) => {
            claim.undo();
            Err(error)
        }
    }
}

/// Whether another path may do.
fn is_about_the_path(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let kinds = [
        Kind::NotFound,
        Kind::NotADirectory,
        Kind::AlreadyExists,
        Kind::PermissionDenied,
        Kind::ReadOnlyFilesystem,
        Kind::InvalidFilename,
        Kind::InvalidInput,
    ];
    kinds.contains(&error.kind())
}

/// Writes `experiment.toml` and `run.json`, which states what the experiment asks and each arm's role.
pub(crate) fn write_down(claim: &Claim, experiment: &Experiment, mut info: RunInfo) -> Result<(), Error> {
    if let Some(old) = claim.dir().info()? {
        info.started = old.started;
    }
    describe(&mut info, experiment);
    Ok(claim.write_info(&info)?)
}

/// Puts into `run.json` what the experiment says.
pub(crate) fn describe(info: &mut RunInfo, experiment: &Experiment) {
    info.resolved = experiment.to_toml();
    info.question = Some(experiment.question.clone()).filter(|question| !question.is_empty());
    info.arms = experiment.roles();
}

/// The experiment that a directory holds, if any.
pub(crate) fn stored(dir: &RunDir) -> Result<Option<Experiment>, Error> {
    let shown = dir.experiment_path();
    let parse = |text: String| {
        Experiment::parse(&text, &[]).map_err(|error| {
            let shown = shown.display();
            Error::Request(format!("{shown}: {error}; another build wrote it: use that one, or choose another --out"))
        })
    };
    dir.experiment()?.map(parse).transpose()
}

/// What the generations of an arm are made from.
pub(crate) fn made_from(experiment: &Experiment, arm: &Arm, prepare: Option<StageId>, backend: &str) -> MadeFrom {
    let versions = if experiment.text().is_some() { versions(arm) } else { Default::default() };
    MadeFrom { settings: experiment.settings_of(arm), prepare, backend: backend.to_owned(), versions }
}
