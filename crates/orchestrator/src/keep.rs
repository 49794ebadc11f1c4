//! Large files that nobody needs any more are removed, as the experiment's `keep` says.

use crate::Error;
use crate::claim::stored;
use experiment::{Arm, Experiment, Keep, Retention};
use rundir::{ChainId, GenerationRecord, RunDir, StageId, StageKind};
use std::collections::BTreeSet;
use std::path::Path;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Stages of which files were removed.
    pub thinned: usize,
    /// Stages that no record names, which were removed whole.
    pub stages: usize,
    /// Files and folders that killed processes left, and checkpoints of stages that were never finished.
    pub leftovers: usize,
    /// Bytes of all of them but the leftovers.
    pub bytes: u64,
    /// A chain that is not finished: then large files, unnamed stages and checkpoints stay.
    pub unfinished: Option<ChainId>,
}

/// Removes what killed processes left, stages that no record names, and what the experiment's `keep`, or this one, does not
/// keep. `seen` is told how many stages of how many were looked at.
///
/// # Errors
/// [`Error::Request`] if it is no run directory, has no stages, or a process works in it.
pub fn gc(out: &Path, keep: Option<Keep>, seen: &mut dyn FnMut(usize, usize)) -> Result<Removed, Error> {
    let dir = RunDir::open(out)?;
    let shown = out.display();
    if !dir.has_stages() {
        return Err(Error::Request(format!("{shown} has no stages: nothing can be removed")));
    }
    let claim = dir.lock(&mut |_| {})?;
    if let Some(holder) = dir.working()?.first() {
        return Err(Error::Request(format!("{shown}: {holder} works there; stop it, or wait until it has ended")));
    }
    let missing = || Error::Request(format!("{shown} has no experiment.toml: run the experiment there"));
    let experiment = stored(&dir)?.ok_or_else(missing)?;
    // What a chain that is not finished has made and not recorded yet, it goes on with.
    let unfinished = unfinished(&dir, &experiment)?;
    let leftovers = dir.sweep()? + if unfinished.is_none() { dir.remove_checkpoints()? } else { 0 };
    let mut removed = Removed { leftovers, ..Removed::default() };
    let mut named: BTreeSet<StageId> = claim.dir().info()?.and_then(|info| info.prepare).into_iter().collect();
    for chain in dir.chains()? {
        for generation in dir.generations(&chain)? {
            named.extend(dir.resolve(&chain, generation)?.iter().flat_map(GenerationRecord::all_stages));
        }
    }
    let ids = dir.stage_ids()?;
    for (at, id) in ids.iter().enumerate().filter(|(_, id)| !named.contains(id) && unfinished.is_none()) {
        seen(at, ids.len());
        // One that is damaged goes as well.
        removed.bytes += dir.find(id).ok().flatten().map_or(0, |stage| stage.bytes());
        removed.stages += 1;
        dir.remove_stage(id)?;
    }
    let thinned = finished(&dir, &experiment, keep.unwrap_or(experiment.keep))?;
    Ok(Removed { thinned: thinned.thinned, bytes: removed.bytes + thinned.bytes, unfinished, ..removed })
}

/// A chain that has generations to come, if there is one.
fn unfinished(dir: &RunDir, experiment: &Experiment) -> Result<Option<ChainId>, Error> {
    for arm in &experiment.arms {
        for &seed in &experiment.chain.seeds {
            let chain = ChainId::new(&arm.name, seed)?;
            let records = records(dir, &chain)?;
            let is_failed = records.last().is_some_and(|record| record.failure().is_some());
            if records.len() < experiment.chain.generations as usize && !is_failed {
                return Ok(Some(chain));
            }
        }
    }
    Ok(None)
}

/// Whether a file of a stage of this kind is large.
fn is_large(kind: StageKind, name: &str) -> bool {
    match kind {
        StageKind::Train => name.starts_with("model/") || name == "learned.json",
        StageKind::Generate | StageKind::Pool | StageKind::Compose | StageKind::Judge => true,
        StageKind::Prepare | StageKind::Score => false,
    }
}

/// Removes the large files of chains that are complete. Nothing is removed before all of them are: they share stages.
pub(crate) fn finished(dir: &RunDir, experiment: &Experiment, keep: Keep) -> Result<Removed, Error> {
    let (mut kept, mut others) = (BTreeSet::new(), BTreeSet::new());
    if keep.is_all() || unfinished(dir, experiment)?.is_some() {
        return Ok(Removed::default());
    }
    for arm in &experiment.arms {
        for &seed in &experiment.chain.seeds {
            let records = records(dir, &ChainId::new(&arm.name, seed)?)?;
            let is_failed = records.last().is_some_and(|record| record.failure().is_some());
            for (generation, record) in records.iter().enumerate() {
                // The generation in which a chain failed may have nothing to keep.
                let is_last = generation + 1 + usize::from(is_failed) >= records.len();
                for id in record.all_stages() {
                    let stays = match keep.of(id.kind()) {
                        Retention::All => true,
                        Retention::Last => is_last,
                        Retention::Metrics => false,
                    };
                    if stays { &mut kept } else { &mut others }.insert(id);
                }
            }
        }
    }
    thin(dir, others.difference(&kept))
}

/// Removes the weights that a chain has passed, which has recorded `generation`: those of the generation before. Generation 0's
/// stay, which later text is compared with, and those that a later generation begins with.
pub(crate) fn passed(
    dir: &RunDir,
    experiment: &Experiment,
    chain: &ChainId,
    generation: u32,
) -> Result<Removed, Error> {
    let before = generation.saturating_sub(1);
    let arm = experiment.arms.iter().find(|arm| arm.name == chain.arm);
    let begins_with_it = |arm: &Arm, later: u32| {
        arm.at(later).train().is_some_and(|train| train.ancestors(later).any(|needed| needed == before))
    };
    let is_needed = |arm: &Arm| (generation + 1..experiment.chain.generations).any(|later| begins_with_it(arm, later));
    if experiment.keep.train == Retention::All || before == 0 || arm.is_some_and(is_needed) {
        return Ok(Removed::default());
    }
    let record = dir.resolve(chain, before)?;
    let ids: BTreeSet<StageId> = record.iter().flat_map(GenerationRecord::all_stages).collect();
    thin(dir, ids.iter().filter(|id| id.kind() == StageKind::Train))
}

/// The records of a chain from generation 0 on, as far as they go.
fn records(dir: &RunDir, chain: &ChainId) -> Result<Vec<GenerationRecord>, Error> {
    let mut records: Vec<GenerationRecord> = Vec::new();
    while let Some(record) = dir.resolve(chain, records.len() as u32)? {
        let is_end = record.failure().is_some();
        records.push(record);
        if is_end {
            break;
        }
    }
    Ok(records)
}

fn thin<'a>(dir: &RunDir, ids: impl IntoIterator<Item = &'a StageId>) -> Result<Removed, Error> {
    let mut removed = Removed::default();
    for id in ids {
        let Some(stage) = dir.find(id)? else { continue };
        let bytes = stage.thin(|name| is_large(id.kind(), name))?;
        removed.thinned += usize::from(bytes > 0);
        removed.bytes += bytes;
    }
    Ok(removed)
}
