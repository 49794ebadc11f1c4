//! Whether a run directory is as it was written, and what of it can be repaired.

use crate::claim::{describe, stored};
use crate::metrics::Deriving;
use crate::{Error, metrics};
use experiment::Experiment;
use rundir::{Build, Claim, Damage, Health, MadeFrom, Part, RunDir, RunInfo, StageId};
use std::collections::BTreeSet;
use std::path::Path;

/// What was found, and what was done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The state before anything was repaired.
    pub health: Health,
    /// What was repaired, one sentence each.
    pub repaired: Vec<String>,
    /// Stages that the next run of the experiment makes again.
    pub again: BTreeSet<StageId>,
    /// What cannot be repaired here, one sentence each.
    pub left: Vec<String>,
    /// True if all is as it was written, now.
    pub is_whole: bool,
}

/// Compares every file of a run directory with its seal or checksum. With `repair`, damaged stages and records are removed,
/// so that the next run makes them again; `experiment.toml` and `run.json` are restored from each other; and
/// `metrics.csv` is derived again from the records and scores that are whole. `seen` is told how many stages of how many
/// were read.
///
/// # Errors
/// [`Error::Request`] if it is no run directory; [`Error::Work`] if it cannot be read or written.
pub fn verify(out: &Path, repair: bool, seen: &mut dyn FnMut(usize, usize)) -> Result<Verified, Error> {
    let dir = RunDir::open(out)?;
    if !repair {
        let health = dir.verify(seen)?;
        let is_whole = health.damaged.is_empty() && health.missing.is_empty();
        return Ok(Verified { again: again(&health), is_whole, health, ..Verified::default() });
    }
    // Nobody makes or removes anything meanwhile.
    let claim = dir.lock(&mut |_| {})?;
    if let Some(holder) = dir.working()?.first() {
        let shown = out.display();
        return Err(Error::Request(format!("{shown}: {holder} works there; stop it, or wait until it has ended")));
    }
    let health = dir.verify(seen)?;
    let mut verified = Verified { again: again(&health), ..Verified::default() };
    repair_parts(&claim, &health, &mut verified)?;
    let after = if health.damaged.is_empty() { health.clone() } else { dir.verify(seen)? };
    let lost_record = health.damaged.iter().any(|damage| matches!(damage.part, Part::Record(..)));
    verified.is_whole = after.damaged.is_empty() && after.missing.is_empty() && !lost_record;
    Ok(Verified { health, ..verified })
}

/// The stages that have to be made again.
fn again(health: &Health) -> BTreeSet<StageId> {
    let damaged = health.damaged.iter().filter_map(|damage| match &damage.part {
        Part::Stage(id) => Some(*id),
        _ => None,
    });
    damaged.chain(health.missing.keys().copied()).collect()
}

fn repair_parts(claim: &Claim, health: &Health, verified: &mut Verified) -> Result<(), Error> {
    let dir = claim.dir();
    for Damage { part, .. } in &health.damaged {
        match part {
            Part::Stage(id) => {
                dir.remove_stage(id)?;
                verified.repaired.push(format!("{id}: removed"));
            }
            Part::Record(chain, generation) => {
                dir.remove_record(chain, *generation)?;
                verified.repaired.push(format!("{part}: removed; the next run writes it again"));
            }
            Part::Experiment | Part::Info | Part::Metrics => {}
        }
    }
    let is_damaged = |part| health.damaged.iter().any(|damage| damage.part == part);
    let (experiment, info) = (is_damaged(Part::Experiment), is_damaged(Part::Info));
    if (experiment || info) && !restore(claim, (experiment, info), verified)? {
        return Ok(());
    }
    if !dir.has_stages() {
        if is_damaged(Part::Metrics) {
            verified.left.push("metrics.csv: its stages are not here; copy it again".to_owned());
        }
        return Ok(());
    }
    let (Some(experiment), Some(info)) = (stored(dir)?, dir.info()?) else { return Ok(()) };
    match metrics::of_others(dir, &experiment, &info)? {
        0 => derive(claim, is_damaged(Part::Metrics), verified)?,
        others if is_damaged(Part::Metrics) => verified.left.push(format!(
            "metrics.csv: {others} generations were made by another build or from something else; derive it with that build, \
             or run the experiment again"
        )),
        // What stands in the file is whole, and this build could not write it again.
        _ => {}
    }
    Ok(())
}

/// Derives `metrics.csv` again. Rows that are whole are not given up for fewer: the next run makes what they were derived from.
fn derive(claim: &Claim, is_damaged: bool, verified: &mut Verified) -> Result<(), Error> {
    let (mut deriving, dir) = (Deriving::default(), claim.dir());
    let before = if is_damaged { 0 } else { dir.metrics()?.map_or(0, |rows| rows.len()) };
    if deriving.derive(dir)?.len() < before {
        verified
            .left
            .push("metrics.csv: left as it is; records or scores that it was derived from are missing".to_owned());
    } else if deriving.write_into(claim)? {
        verified.repaired.push("metrics.csv: derived again".to_owned());
    }
    Ok(())
}

/// Restores `experiment.toml` and `run.json` from each other; false if neither can be believed.
fn restore(claim: &Claim, damaged: (bool, bool), verified: &mut Verified) -> Result<bool, Error> {
    let dir = claim.dir();
    let info = match damaged {
        (true, false) => dir.info()?.map(|info| (info, "experiment.toml: restored from run.json")),
        (false, true) => {
            stored(dir)?.map(|experiment| (rebuilt(dir, &experiment), "run.json: written anew from experiment.toml"))
        }
        _ => unlisted(dir).map(|info| (info, "experiment.toml, run.json: they agree with each other")),
    };
    match info {
        Some((info, what)) => {
            claim.write_info(&info)?;
            verified.repaired.push(what.to_owned());
            Ok(true)
        }
        None if !dir.has_stages() => {
            verified
                .left
                .push("copy experiment.toml, run.json, metrics.csv and SHA256SUMS from the run again".to_owned());
            Ok(false)
        }
        None => {
            claim.set_aside()?;
            verified.left.push(format!(
                "experiment.toml and run.json are both damaged and were set aside as *.damaged: run the experiment's own file \
                 again with --out {}; stages that are whole are found again",
                dir.path().display()
            ));
            Ok(false)
        }
    }
}

/// A `run.json` from what the experiment and the records say. What only the device and the corpus know is filled in by the
/// next run.
fn rebuilt(dir: &RunDir, experiment: &Experiment) -> RunInfo {
    let chains = dir.chains().unwrap_or_default();
    let record = chains.iter().find_map(|chain| dir.resolve(chain, 0).ok().flatten());
    let MadeFrom { prepare, backend, .. } = record.map(|record| record.made_from).unwrap_or_default();
    let mut info = RunInfo::new(&experiment.name, Build::default(), &backend, "");
    info.prepare = prepare;
    describe(&mut info, experiment);
    info
}

/// The `run.json` of a directory whose checksums are lost, if `experiment.toml` says the same.
fn unlisted(dir: &RunDir) -> Option<RunInfo> {
    let info: RunInfo = serde_json::from_slice(&std::fs::read(dir.info_path()).ok()?).ok()?;
    let text = std::fs::read_to_string(dir.experiment_path()).ok()?;
    (info.resolved == text && Experiment::parse(&text, &[]).is_ok()).then_some(info)
}
