//! What an arm cost: human tokens, generated tokens, time.
//!
//! The time of an arm is what its stages took to make by the wall clock, from the judging of what a generation is offered to
//! the last of its documents, without measuring it. So it depends on the machine, as nothing else in the leaderboard does. Each
//! generation counts in the seed in which it took least: other work of the machine can only add.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use evaluation::metric::{GENERATED_SUPERVISION, GENERATED_TOKENS, HUMAN_TOKENS, TRAINING_SUPERVISION};
use evaluation::{Dimension, Dimensions};
use rundir::StageKind;

use crate::data::{Chain, Data};
use crate::key::Key;

/// Parts of `human-tokens`, in the order of their columns.
const HUMAN: [&str; 3] = ["distinct", "reads", "by-weights"];

/// The costs of an arm, the mean over seeds.
pub(crate) struct Costs {
    /// Human tokens given after generation 0: of different documents, with every reading, and by weights that had read them;
    /// none where they were not measured.
    pub(crate) human: [Option<f64>; 3],
    /// Implicit human supervision: ways other than training sets by which human text came in.
    pub(crate) supervision: Vec<String>,
    /// Tokens generated, as a multiple of the base's.
    pub(crate) generated: f64,
    /// Time of the generations after the first at the least, without measuring, as a multiple of the base's; none where seals
    /// do not say how long their stages took.
    pub(crate) time: Option<f64>,
}

impl Costs {
    /// Those of an arm that makes nothing and is given nothing.
    pub(crate) fn none() -> Self {
        Self { human: [Some(0.0); 3], supervision: Vec::new(), generated: 0.0, time: Some(0.0) }
    }

    /// Those of an arm up to a generation.
    pub(crate) fn of(data: &Data, (arm, base): (&str, &str), last: u32) -> Self {
        let human = |part| {
            let key = Key::of(&HUMAN_TOKENS, Dimensions::of(&[(Dimension::Part, part)]));
            data.interval(&key, arm, last).map(|tokens| tokens.mean)
        };
        let of_base = seconds(data, base, last).filter(|&time| time > 0.0);
        Self {
            human: HUMAN.map(human),
            supervision: supervision(data, arm),
            generated: tokens(data, arm, &generated(), 1..=last) / tokens(data, base, &generated(), 1..=last),
            time: seconds(data, arm, last).zip(of_base).map(|(own, base)| own / base),
        }
    }
}

/// The tokens that a generation generated.
fn generated() -> Key {
    Key::of(&GENERATED_TOKENS, Dimensions::NONE)
}

/// Sum over some generations of the mean over seeds of a number of tokens.
fn tokens(data: &Data, arm: &str, key: &Key, generations: RangeInclusive<u32>) -> f64 {
    let later = data.generations_of(key, arm).into_iter().filter(|generation| generations.contains(generation));
    // From zero: of no numbers the sum would be -0.
    later.filter_map(|generation| data.interval(key, arm, generation)).fold(0.0, |sum, interval| sum + interval.mean)
}

/// Sum over an arm's generations after the first of the seconds that each took, but for measuring it, in the chain in which it
/// took least; none if a generation is in no chain.
fn seconds(data: &Data, arm: &str, last: u32) -> Option<f64> {
    let least = |generation| {
        let of_chains = data.chains_of(arm).filter_map(|chain| seconds_of(chain, generation));
        of_chains.min_by(f64::total_cmp)
    };
    (1..=last).map(least).sum()
}

/// None if the generation or one of its stages is not there, or if it has failed.
fn seconds_of(chain: &Chain, generation: u32) -> Option<f64> {
    let record = chain.records.get(&generation)?;
    if record.failure().is_some() {
        return None;
    }
    let stages = record.all_stages().into_iter();
    let counted = stages.filter(|stage| !matches!(stage.kind(), StageKind::Prepare | StageKind::Score));
    counted.map(|stage| Some(chain.run.find(&stage).ok()??.took().as_secs_f64())).sum()
}

/// The ways of implicit human supervision that an arm used after generation 0, sorted.
fn supervision(data: &Data, arm: &str) -> Vec<String> {
    let used = |key: &&Key| {
        let later = data.generations_of(key, arm).into_iter().filter(|&generation| generation > 0);
        later.filter_map(|generation| data.interval(key, arm, generation)).any(|interval| interval.mean > 0.0)
    };
    let keys = data.keys_of(&TRAINING_SUPERVISION).chain(data.keys_of(&GENERATED_SUPERVISION)).filter(used);
    let ways: BTreeSet<&str> = keys.filter_map(|key| key.dimensions.get(Dimension::Part)).collect();
    ways.into_iter().map(str::to_owned).collect()
}
