//! Experiments of exact learners: the same recipes, arms and files, a chain in milliseconds, and no stages.

use crate::claim::{claim, write_down};
use crate::options::{RunOptions, Summary};
use crate::{ChainPlan, Error, Foreseen, Plan, StagePlan, metrics};
use chain::solvable::{Error as ChainError, Observation, Part, simulate};
use evaluation::metric::FAILED;
use evaluation::{Dimension, Measure, Set, metric};
use experiment::{Arm, Exact, Experiment};
use rayon::prelude::*;
use rundir::{ChainId, Claim, Event, GenerationRecord, Observer, Row, RunInfo};
use std::path::Path;

/// In `run.json`, in the place of a device: such runs do not depend on one.
const BACKEND: &str = "exact";

/// An arm's settings.
fn settings(arm: &Arm) -> &Exact {
    arm.exact().expect("arms of one experiment are all exact, or none is")
}

/// Runs all chains and writes the run directory's files. The directory is held meanwhile.
///
/// # Errors
/// As [`crate::run()`].
pub(crate) fn run(
    experiment: &Experiment,
    out: &Path,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Summary, Error> {
    let (claim, experiment) = claim(experiment, out, observer)?;
    let opened = open(&claim, &experiment, options, observer);
    if let Err(error) = opened {
        if matches!(error, Error::Request(_)) {
            claim.undo();
        }
        return Err(error);
    }
    experiment.warnings().into_iter().for_each(|warning| observer.event(Event::Note(warning)));
    let Chains { rows, failed } = chains(&experiment)?;
    let count = experiment.arms.len() * experiment.chain.seeds.len();
    observer.event(Event::Note(format!("{count} chains of exact learners")));
    for (chain, generation, reason) in &failed {
        claim.dir().write_generation(chain, *generation, &GenerationRecord::failed(reason, []))?;
        observer.event(Event::Failed { chain: chain.to_string(), reason: reason.clone() });
    }
    let is_new = claim.write_metrics(&metrics::schema(), rows)?;
    let (made, found) = if is_new { (count, 0) } else { (0, count) };
    let failed = failed.into_iter().map(|(chain, _, reason)| (chain.to_string(), reason)).collect();
    Ok(Summary { made, found, failed })
}

/// What the chains of an experiment came to.
pub(crate) struct Chains {
    pub(crate) rows: Vec<Row>,
    /// Chains that ended early, with the generation and the reason.
    failed: Vec<(ChainId, u32, String)>,
}

/// Goes through all chains.
pub(crate) fn chains(experiment: &Experiment) -> Result<Chains, Error> {
    let chains: Vec<(&Arm, ChainId)> = (experiment.arms.iter())
        .flat_map(|arm| experiment.chain.seeds.iter().map(move |&seed| (arm, seed)))
        .map(|(arm, seed)| Ok((arm, ChainId::new(&arm.name, seed)?)))
        .collect::<Result<_, Error>>()?;
    let ended: Vec<_> =
        chains.par_iter().map(|(arm, chain)| go(arm, experiment.chain.generations, chain.seed)).collect();
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for ((arm, chain), (observed, failure)) in chains.into_iter().zip(ended) {
        let row = |generation, measure| metrics::row((&experiment.name, &arm.name), chain.seed, generation, measure);
        rows.extend(observed.iter().map(|seen| row(seen.generation, measure(seen))));
        if let Some((generation, reason)) = failure {
            rows.push(row(generation, Measure::new(&FAILED, f64::from(generation))));
            failed.push((chain, generation, reason));
        }
    }
    Ok(Chains { rows, failed })
}

/// An observation as a measure.
fn measure(seen: &Observation) -> Measure {
    let metric = metric(Set::Model, seen.metric).expect("the registry has every observation: a test reads them all");
    let measure = Measure::new(metric, seen.value);
    match seen.part {
        Part::Whole => measure,
        Part::Component(number) => measure.with(Dimension::Part, number.to_string()),
        Part::Order(order) => measure.with(Dimension::Order, order.to_string()),
    }
}

/// One chain: what was measured, and in which generation it ended and why, if it did.
fn go(arm: &Arm, generations: u32, seed: u64) -> (Vec<Observation>, Option<(u32, String)>) {
    match simulate(&settings(arm).model, arm.recipes(), arm.at(0).sampling(), generations, seed) {
        Ok(observed) => (observed, None),
        Err(ChainError::Ended { generation, reason, observed }) => (observed, Some((generation, reason))),
        // Checked before; and if a check is missing, it is this chain's failure and no other's.
        Err(error) => (Vec::new(), Some((0, error.to_string()))),
    }
}

fn open(claim: &Claim, experiment: &Experiment, options: &RunOptions, observer: &dyn Observer) -> Result<(), Error> {
    if let Some(warning) = claim.dir().info()?.and_then(|info| options.build.warning(&info.build)) {
        observer.event(Event::Note(warning));
    }
    let info = RunInfo::new(&experiment.name, options.build.clone(), BACKEND, "none: float64 on any CPU");
    write_down(claim, experiment, info)
}

/// The plan of a run: sizes in draws, and next to no cost.
pub(crate) fn plan(experiment: &Experiment) -> Plan {
    let generations = experiment.chain.generations;
    let chain = |arm: &Arm| {
        let sizes = settings(arm).model.sizes(&arm.recipes(), generations);
        let generated =
            |generation| arm.at(generation).recipe.writing_budget(generation, *sizes.writing.at(generation));
        let stage = |generation: u32| StagePlan {
            training_tokens: crate::cost::training_tokens(arm, generation, sizes.human, &generated),
            steps: 0,
            generated_tokens: generated(generation),
            train: 0.0,
            generate: 0.0,
            score: 0.0,
            read: false,
        };
        ChainPlan::new(arm, 0.into(), (0..generations).map(stage).collect())
    };
    let chains: Vec<ChainPlan> = experiment.arms.iter().map(chain).collect();
    let count = chains.len() * experiment.chain.seeds.len();
    Plan { experiment: experiment.name.clone(), chains, count, operations: 0.0, foreseen: Foreseen::default() }
}

/// The chain that asks for stages.
pub(crate) fn no_stages(experiment: &Experiment) -> Error {
    let kind = experiment.arms[0].kind();
    Error::Request(format!(
        "model.kind = \"{kind}\" has no stages to prepare or to make one by one; `habsburg run` makes it at once"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chain::solvable::Settings;
    use sampling::Sampling;

    /// The registry has each observation, with just the dimensions that it has.
    #[test]
    fn observations_are_in_the_registry() {
        let mut found = std::collections::BTreeSet::new();
        for kind in ["categorical", "gaussian", "gaussian-mixture", "kernel-density", "linear-regression", "markov"] {
            let settings: Settings = toml::from_str(&format!("kind = \"{kind}\"\ndraws = 20")).unwrap();
            let recipe = "replace".parse::<chain::Recipe>().unwrap();
            for seen in simulate(&settings, recipe, Sampling::default(), 1, 0).unwrap() {
                let measure = measure(&seen);
                let dimensions: Vec<Dimension> = measure.dimensions.iter().map(|(dimension, _)| dimension).collect();
                assert_eq!(dimensions, measure.metric.dimensions, "{:?}", measure.metric);
                found.insert(measure.metric);
            }
        }
        let all = evaluation::METRICS.iter().filter(|metric| metric.set == Set::Model);
        assert_eq!(found.into_iter().collect::<Vec<_>>().len(), all.count());
    }
}
