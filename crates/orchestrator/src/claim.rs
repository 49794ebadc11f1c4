//! The run directory of an experiment: which experiment it holds, and what `experiment.toml` and `run.json` say.

use crate::Error;
use experiment::Experiment;
use rundir::{RunDir, RunInfo};
use std::path::Path;

/// The run directory of an experiment, which may hold fewer arms, seeds or generations of it; both taken together.
///
/// # Errors
/// [`Error::Request`] if the directory cannot be written, or holds another experiment.
pub(crate) fn claim(experiment: &Experiment, out: &Path) -> Result<(RunDir, Experiment), Error> {
    let dir = RunDir::create(out).map_err(|error| match error {
        rundir::Error::Io { .. } => Error::Request(format!("{error}; choose another --out")),
        error => error.into(),
    })?;
    let experiment = match stored(&dir)? {
        None => experiment.clone(),
        Some(old) => old.merge(experiment).map_err(|difference| {
            let shown = out.display();
            Error::Request(format!("{shown} holds another experiment: {difference}; choose another --out"))
        })?,
    };
    Ok((dir, experiment))
}

/// Writes `experiment.toml` and `run.json`, which states what the experiment asks and each arm's role.
pub(crate) fn write_down(dir: &RunDir, experiment: &Experiment, mut info: RunInfo) -> Result<(), Error> {
    rundir::write_atomic(&dir.experiment_path(), experiment.to_toml().as_bytes())?;
    info.question = Some(experiment.question.clone()).filter(|question| !question.is_empty());
    info.arms = experiment.roles();
    if let Some(old) = dir.info()? {
        info.started = old.started;
    }
    Ok(dir.write_info(&info)?)
}

/// The experiment that a directory holds, if any.
pub(crate) fn stored(dir: &RunDir) -> Result<Option<Experiment>, Error> {
    let path = dir.experiment_path();
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(Experiment::load(&path, &[])?))
}
