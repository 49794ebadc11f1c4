//! Experiments whose learner can be solved: the same recipes, arms and files, a chain in milliseconds, and no stages.

use crate::before::Before;
use crate::joined::joined;
use crate::metrics;
use crate::{Arm, ChainPlan, Error, Event, Experiment, Observer, Plan, PromptFrom, StagePlan, Summary};
use chain::solvable::{Error as ChainError, Observation, Part, Sampling, Settings, simulate};
use chain::{Sizes, Source};
use evaluation::metric::FAILED;
use evaluation::{Dimension, Measure, Set, metric};
use rayon::prelude::*;
use rundir::{ChainId, GenerationRecord, RunDir, RunInfo};
use std::path::Path;

/// In `run.json`, in the place of a device: such runs do not depend on one.
const BACKEND: &str = "exact";

/// An arm's settings.
fn settings(arm: &Arm) -> &Settings {
    arm.learner.as_ref().expect("every arm of such a kind has a learner: the parser gives it one")
}

fn sampling(arm: &Arm) -> Sampling {
    let sample = &arm.sample;
    Sampling {
        temperature: sample.temperature,
        top_k: sample.top_k,
        top_p: sample.top_p,
        min_p: sample.min_p,
        greedy: sample.greedy,
    }
}

/// What an arm finds: `fresh` draws never run out, for the truth is known.
fn sizes(arm: &Arm, generations: u32) -> Sizes {
    let human = settings(arm).draws() as u64;
    let fresh = arm.recipe.amount(Source::Fresh).and_then(|amount| amount.tokens(human)).unwrap_or(0);
    let reserve = fresh.saturating_mul(generations.saturating_sub(1).into());
    Sizes { human, in_history: human, reserve, writing: settings(arm).writing() as u64, generations }
}

/// Whether an arm of such a kind can be run, down to whether its recipe can be filled.
///
/// # Errors
/// [`Error::Request`] with what is wrong.
pub(crate) fn check(arm: &Arm, generations: u32) -> Result<(), Error> {
    let fail = |text: &str| Err(Error::Request(text.to_owned()));
    if arm.sample.tokens.is_some() {
        return fail("sample.tokens: such a learner writes learner.writing documents; set that");
    }
    if arm.sample.entropy_match {
        return fail("sample.entropy_match: is found on text that a transformer reads; such a learner reads none");
    }
    if arm.sample.target.is_some() {
        return fail("sample.target: independent draws have no first tokens to begin with");
    }
    if arm.sample.systematic {
        return fail("sample.systematic: documents of one draw are counted, not written token by token");
    }
    if arm.sample.watermark.is_some() {
        return fail("sample.watermark: independent draws have no token before them to colour the next");
    }
    if arm.sample.prompt != PromptFrom::None || arm.sample.repetition_penalty.is_some() {
        return fail("sample.prompt and sample.repetition_penalty: independent draws have neither");
    }
    let (settings, sampling) = (settings(arm), sampling(arm));
    settings.check().map_err(|e| Error::Request(format!("learner: {e}")))?;
    sampling.check().map_err(|e| Error::Request(format!("sample.{e}")))?;
    settings.check_sampling(&sampling).map_err(|e| Error::Request(format!("sample: {e}")))?;
    if matches!(settings, Settings::NGram(_)) && Source::ALL.iter().any(|&source| arm.recipe.weight(source) != 1.0) {
        return fail("recipe: an n-gram learner counts whole documents, and has no weights; use another kind");
    }
    arm.recipe.check(&sizes(arm, generations)).map_err(Error::request)
}

/// Runs all chains and writes the run directory's files.
///
/// # Errors
/// As [`crate::run()`].
pub(crate) fn run(experiment: &Experiment, out: &Path, observer: &dyn Observer) -> Result<Summary, Error> {
    let before = Before::of(out);
    let opened = open(experiment, out);
    if matches!(opened, Err(Error::Request(_))) {
        before.restore(out);
    }
    let (dir, experiment) = opened?;
    let chains: Vec<(&Arm, ChainId)> = (experiment.arms.iter())
        .flat_map(|arm| experiment.chain.seeds.iter().map(move |&seed| (arm, seed)))
        .map(|(arm, seed)| Ok((arm, ChainId::new(&arm.name, seed)?)))
        .collect::<Result<_, Error>>()?;
    observer.event(Event::Note(format!("{} chains of a learner that can be solved", chains.len())));
    let ended: Vec<_> =
        chains.par_iter().map(|(arm, chain)| go(arm, experiment.chain.generations, chain.seed)).collect();

    let (mut rows, mut summary) = (Vec::new(), Summary::default());
    for ((arm, chain), (observed, failure)) in chains.iter().zip(ended) {
        let row = |generation, measure| metrics::row((&experiment.name, &arm.name), chain.seed, generation, measure);
        rows.extend(observed.iter().map(|seen| row(seen.generation, measure(seen))));
        if let Some((generation, reason)) = failure {
            rows.push(row(generation, Measure::new(&FAILED, f64::from(generation))));
            dir.write_generation(chain, generation, &GenerationRecord::failed(&reason, []))?;
            observer.event(Event::Failed { chain: chain.to_string(), reason: reason.clone() });
            summary.failed.push((chain.to_string(), reason));
        }
    }
    let old = std::fs::read(dir.metrics_path()).ok();
    rundir::write_metrics(&dir.metrics_path(), &metrics::schema(), rows)?;
    let is_new = old.is_none() || std::fs::read(dir.metrics_path()).ok() != old;
    let (made, found) = if is_new { (chains.len(), 0) } else { (0, chains.len()) };
    Ok(Summary { made, found, ..summary })
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
    match simulate(settings(arm), arm.recipe, sampling(arm), generations, seed) {
        Ok(observed) => (observed, None),
        Err(ChainError::Ended { generation, reason, observed }) => (observed, Some((generation, reason))),
        // Checked before; and if a check is missing, it is this chain's failure and no other's.
        Err(error) => (Vec::new(), Some((0, error.to_string()))),
    }
}

fn open(experiment: &Experiment, out: &Path) -> Result<(RunDir, Experiment), Error> {
    let dir = RunDir::create(out).map_err(|error| match error {
        rundir::Error::Io { .. } => Error::Request(format!("{error}; choose another --out")),
        error => error.into(),
    })?;
    let path = dir.experiment_path();
    let experiment = match path.exists() {
        false => experiment.clone(),
        true => joined(&Experiment::load(&path, &[])?, experiment).map_err(|difference| {
            let shown = out.display();
            Error::Request(format!("{shown} holds another experiment: {difference}; choose another --out"))
        })?,
    };
    rundir::write_atomic(&path, experiment.to_toml().as_bytes())?;
    let mut info = RunInfo::new(&experiment.name, env!("CARGO_PKG_VERSION"), BACKEND, "none: float64 on any processor");
    info.commit = option_env!("HABSBURG_COMMIT").map(str::to_owned);
    if let Some(old) = dir.info()? {
        info.started = old.started;
    }
    dir.write_info(&info)?;
    Ok((dir, experiment))
}

/// What would be run: sizes in draws, and next to no cost.
pub(crate) fn plan(experiment: &Experiment) -> Plan {
    let generations = experiment.chain.generations;
    let chain = |arm: &Arm| {
        let sizes = sizes(arm, generations);
        let written = |generation| arm.recipe.writing_budget(generation, sizes.writing);
        let stage = |generation: u32| StagePlan {
            training_tokens: crate::cost::training_tokens(arm, generation, sizes.human, &written),
            steps: 0,
            written_tokens: written(generation),
            train: 0.0,
            write: 0.0,
            score: 0.0,
        };
        let recipe = crate::cost::recipe_name(&arm.recipe);
        ChainPlan { arm: arm.name.clone(), recipe, parameters: 0, generations: (0..generations).map(stage).collect() }
    };
    let chains: Vec<ChainPlan> = experiment.arms.iter().map(chain).collect();
    let count = chains.len() * experiment.chain.seeds.len();
    Plan { experiment: experiment.name.clone(), chains, count, operations: 0.0 }
}

/// What asks for stages.
pub(crate) fn no_stages(experiment: &Experiment) -> Error {
    let kind = &experiment.kind;
    Error::Request(format!(
        "kind = \"{kind}\" has no stages to prepare or to make one by one; `habsburg run` makes it at once"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The registry has each observation, with just the dimensions that it has.
    #[test]
    fn observations_are_in_the_registry() {
        let mut found = std::collections::BTreeSet::new();
        for kind in ["categorical", "gaussian", "gaussian-mixture", "kernel-density", "linear-regression", "n-gram"] {
            let settings: Settings = toml::from_str(&format!("kind = \"{kind}\"\ndraws = 20")).unwrap();
            let recipe = "replace".parse().unwrap();
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
