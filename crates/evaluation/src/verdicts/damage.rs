//! Where the damage happens: what each generation adds to it.

use super::observations::{Key, Seeds, together};
use super::predicates::LOSS;
use super::{Arm, Observations};
use crate::metric::STEP_DIVERGENCE;
use crate::statistics::{Interval, Scale};

const STEP: Key = Key::plain(&STEP_DIVERGENCE);

/// What one generation adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The generation.
    pub generation: u32,
    /// Δ_k − Δ_(k−1) in nats per token of human test text, paired by seed: what is farther from the human text than before.
    pub added: Option<Interval>,
    /// Mean of log q_(k−1)(x) − log q_k(x) over held-out documents x of generation k − 1, nats per token (`generated,
    /// step-divergence`): KL(q_(k−1) ‖ q_k), what the learning itself lost of its parent's text. None if it was not measured; only
    /// at temperature 1 without truncation does it estimate that.
    pub learning: Option<Interval>,
}

/// An arm's steps from generation 1 on; generations in which neither is known are left out.
pub fn damage(rows: &Observations, arm: &Arm) -> Vec<Step> {
    let delta = |generation: u32| -> Seeds {
        let own = rows.seeds(&arm.name, LOSS, generation);
        let refit = arm.control.as_ref().map(|control| rows.seeds(control, LOSS, generation)).unwrap_or_default();
        together(&own, &refit, |own, refit| own - refit)
    };
    let step = |generation: u32| {
        let before = generation.checked_sub(1)?;
        let added = together(&delta(generation), &delta(before), |now, before| now - before);
        let learning = rows.seeds(&arm.name, STEP, generation);
        let [added, learning] = [added, learning].map(|seeds| Interval::of(seeds.into_values(), Scale::Plain));
        (added.is_some() || learning.is_some()).then_some(Step { generation, added, learning })
    };
    rows.generations(&arm.name).into_iter().filter_map(step).collect()
}
