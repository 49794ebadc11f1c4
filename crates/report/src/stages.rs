//! Where the stages of a chain lie.

use rundir::{ChainId, StageId, StageKind};

use crate::data::Data;

/// A chain's stages of one kind, with their generations, in order.
pub(crate) type Stages = Vec<(u32, StageId)>;

/// Of an arm's chains the one with most stages of a kind, the smallest seed among those; none if there are none.
pub(crate) fn farthest(data: &Data, arm: &str, kind: StageKind) -> Option<(ChainId, Stages)> {
    let mut best: Option<(ChainId, Stages)> = None;
    for chain in data.chains.iter().filter(|chain| chain.arm == arm) {
        let stages = of(data, chain, kind);
        if stages.len() > best.as_ref().map_or(0, |(_, most)| most.len()) {
            best = Some((chain.clone(), stages));
        }
    }
    best
}

/// The stages of a chain.
pub(crate) fn of(data: &Data, chain: &ChainId, kind: StageKind) -> Stages {
    let generations = data.run.generations(chain).unwrap_or_default();
    let mut stages = Stages::new();
    for generation in generations {
        let Some(record) = data.run.resolve(chain, generation).ok().flatten() else { continue };
        stages.extend(record.stages.get(&kind).map(|stage| (generation, *stage)));
        if record.failure().is_some() {
            break; // what stands behind the end of a chain is of an earlier build
        }
    }
    stages
}
