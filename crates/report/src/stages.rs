//! Where the stages of a chain lie, and the tables that they hold.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use rundir::{GenerationRecord, StageId, StageKind};
use serde::de::DeserializeOwned;

use crate::data::{Chain, Data};

/// A stage of a generation.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) generation: u32,
    pub(crate) id: StageId,
    /// Its folder.
    pub(crate) path: PathBuf,
}

/// Which stage of a generation is meant.
pub(crate) type Which = fn(&GenerationRecord) -> Option<StageId>;

/// What was measured of it.
pub(crate) const SCORE: Which = |record| record.stages.get(&StageKind::Score).copied();

/// What all of its models generated.
pub(crate) const DOCUMENTS: Which = GenerationRecord::documents;

/// Of an arm's chains the one with most of these stages, the smallest seed among those, with them in order; none if there are
/// none.
pub(crate) fn farthest<'a>(data: &'a Data, arm: &str, which: Which) -> Option<(&'a Chain, Vec<Made>)> {
    let mut best: Option<(&Chain, Vec<Made>)> = None;
    for chain in data.chains_of(arm) {
        let stages = of(chain, which);
        if stages.len() > best.as_ref().map_or(0, |(_, most)| most.len()) {
            best = Some((chain, stages));
        }
    }
    best
}

/// A chain's stages, one of each generation, in the order of generations.
pub(crate) fn of(chain: &Chain, which: Which) -> Vec<Made> {
    let mut stages = Vec::new();
    for generation in chain.run.generations(&chain.id).unwrap_or_default() {
        let Some(record) = chain.run.resolve(&chain.id, generation).ok().flatten() else { continue };
        let made = which(&record).map(|id| Made { generation, id, path: chain.run.stage_path(&id) });
        stages.extend(made);
        if record.failure().is_some() {
            break; // what stands behind the end of a chain is of an earlier build
        }
    }
    stages
}

impl Made {
    /// The JSON of one of its files, of which at most `longest` bytes are read; none if there is no such file.
    ///
    /// # Errors
    /// Which file cannot be read, and why.
    pub(crate) fn read<T: DeserializeOwned>(&self, file: &str, longest: u64) -> Option<Result<T, String>> {
        let path = self.path.join(file);
        if !path.is_file() {
            return None;
        }
        let named = |why: String| format!("{}/{file}: {why}", self.id);
        let mut bytes = Vec::new();
        let opened = File::open(&path).and_then(|file| file.take(longest).read_to_end(&mut bytes));
        Some(match opened {
            Err(error) => Err(named(error.to_string())),
            Ok(_) => serde_json::from_slice(&bytes).map_err(|error| named(error.to_string())),
        })
    }
}
