//! Where the stages of a chain lie, and the tables that they hold.

use rundir::{GenerationRecord, RunDir, StageId, StageKind};
use serde::de::DeserializeOwned;

use crate::data::{Chain, Data};

/// A stage of a generation.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) generation: u32,
    pub(crate) id: StageId,
    pub(crate) run: RunDir,
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
    for (&generation, record) in &chain.records {
        stages.extend(which(record).map(|id| Made { generation, id, run: chain.run.clone() }));
        if record.failure().is_some() {
            break; // what stands behind the end of a chain is of an earlier build
        }
    }
    stages
}

/// Compares what the report reads with the seals of its stages.
///
/// # Errors
/// [`rundir::Error::Damaged`] names the first file that differs.
pub(crate) fn verify(data: &Data) -> rundir::Result<()> {
    let scores = data.chains.iter().flat_map(|chain| of(chain, SCORE));
    let texts = data.arms.iter().flat_map(|arm| crate::excerpts::chosen(data, &arm.name));
    for made in scores.chain(texts) {
        if let Some(stage) = made.run.find(&made.id)? {
            stage.verify()?;
        }
    }
    Ok(())
}

impl Made {
    /// The JSON of one of its files, of at most `longest` bytes; none if there is no such file.
    ///
    /// # Errors
    /// Which file cannot be read, and why.
    pub(crate) fn read<T: DeserializeOwned>(&self, file: &str, longest: u64) -> Option<Result<T, String>> {
        let named = |why: String| format!("{}/{file}: {why}", self.id);
        let stage = match self.run.find(&self.id) {
            Ok(stage) => stage?,
            Err(error) => return Some(Err(error.to_string())),
        };
        let size = stage.files().iter().find(|sealed| sealed.name == file)?.bytes;
        if size > longest {
            return Some(Err(named(format!("has {size} bytes, more than {longest}"))));
        }
        let read = stage.read(file).map_err(|error| error.to_string());
        Some(read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| named(error.to_string()))))
    }
}
