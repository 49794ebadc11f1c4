use crate::learner::RULES;
use crate::scoring::Measured;
use crate::{Error, Experiment, scoring, truth};
use rundir::{ChainId, Row, RunDir, StageKind};
use std::collections::{BTreeMap, BTreeSet};
use world::FalseFact;

/// The false facts of every generation, by arm, generation and seed.
type FalseFacts = BTreeMap<(usize, u32, u64), BTreeSet<FalseFact>>;

/// Derives `metrics.csv` from the stages of an experiment's chains: one observation a row, sorted. A generation that failed
/// has one row, `training,failed`, with the generation as its value; one whose score is not there (yet), or that was made by
/// other rules than this build's, has none.
///
/// # Errors
/// If a stage is damaged or the file cannot be written.
pub fn derive_metrics(run: &RunDir, experiment: &Experiment) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut false_facts = FalseFacts::new();
    for (index, arm) in experiment.arms.iter().enumerate() {
        for &seed in &experiment.chain.seeds {
            let chain = ChainId::new(&arm.name, seed)?;
            // Until a score is missing: then nobody knows.
            let mut lifetime = Some(Lifetime::default());
            for generation in 0..experiment.chain.generations {
                // What was made by other rules does not speak for its chain.
                let record = run.resolve(&chain, generation)?.filter(|record| record.rules == RULES);
                let Some(record) = record else { break };
                let row = |set: String, metric: String, detail: String, value: f64| {
                    row(experiment, index, seed, generation, [set, metric, detail], value)
                };
                if record.failure().is_some() {
                    rows.push(row("training".into(), "failed".into(), String::new(), f64::from(generation)));
                    break;
                }
                let score = record.stages.get(&StageKind::Score).map(|id| run.find(id)).transpose()?.flatten();
                let Some(stage) = score else {
                    lifetime = None;
                    continue;
                };
                let list = scoring::read(&stage)?;
                let lived = lifetime.as_mut().map(|lifetime| lifetime.lives(&list));
                for measured in list.into_iter().chain(lived.into_iter().flatten()) {
                    rows.push(row(measured.set, measured.metric.into_owned(), measured.detail, measured.value));
                }
                if let Some(told) = truth::false_facts(&stage)? {
                    false_facts.insert((index, generation, seed), told);
                }
            }
        }
    }
    rows.extend(inherited(experiment, &false_facts));
    Ok(rundir::write_metrics(&run.metrics_path(), rows)?)
}

/// Human tokens that a chain has been given up to a generation, generation 0 included: as often as they stood in a training set
/// (`lifetime-human-tokens,sets`), and as prompts in what the generations before wrote (`prompts`), which is all of them, drawn
/// or not. What else came from people without being text (weights, a detector's examples) is `hidden-anchor`'s.
#[derive(Default)]
struct Lifetime {
    sets: f64,
    prompts: f64,
}

impl Lifetime {
    /// The rows of the next generation, given what was measured of it.
    fn lives(&mut self, measured: &[Measured]) -> [Measured; 2] {
        let sum = |set: &str, metric: &str, detail: &str| -> f64 {
            let is = |m: &&Measured| m.set == set && m.metric == metric && m.detail == detail;
            measured.iter().filter(is).map(|m| m.value).sum()
        };
        self.sets += sum("training", "tokens-by-origin", "human");
        let row = |detail, value| Measured::new("training", "lifetime-human-tokens", detail, value);
        let rows = [row("sets", self.sets), row("prompts", self.prompts)];
        self.prompts += sum("written", "prompt-tokens", "");
        rows
    }
}

fn row(
    experiment: &Experiment,
    arm: usize,
    seed: u64,
    generation: u32,
    [set, metric, detail]: [String; 3],
    value: f64,
) -> Row {
    let (experiment, arm) = (experiment.name.clone(), experiment.arms[arm].name.clone());
    Row { experiment, arm, seed, generation, set, metric, detail, value }
}

/// How many of its parent's false facts each generation repeats, and how many of those the same generation of the arm's other
/// seeds states too. It takes all chains to say, so no stage has it.
fn inherited(experiment: &Experiment, told: &FalseFacts) -> Vec<Row> {
    let mut rows = Vec::new();
    for (&(arm, generation, seed), child) in told {
        let Some(parent) = generation.checked_sub(1).and_then(|before| told.get(&(arm, before, seed))) else {
            continue;
        };
        let others = told.range((arm, generation, 0)..=(arm, generation, u64::MAX));
        let strangers: Vec<_> =
            others.filter(|((.., other), _)| *other != seed).map(|(_, facts)| facts.clone()).collect();
        let Some(found) = world::inheritance(parent, child, &strangers) else { continue };
        let values = [("repeated", found.repeated), ("shared", found.shared), ("inherited", found.inherited())];
        rows.extend(values.map(|(detail, value)| {
            row(experiment, arm, seed, generation, ["written", "inheritance", detail].map(str::to_owned), value)
        }));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn human_text_of_a_lifetime_is_added_up() {
        let measured = |human: f64, prompts: f64| {
            vec![
                Measured::new("training", "tokens-by-origin", "human", human),
                Measured::new("training", "tokens-by-origin", "synthetic", 7.0),
                Measured::new("written", "prompt-tokens", "", prompts),
            ]
        };
        let mut lifetime = Lifetime::default();
        let mut lives = |human, prompts| lifetime.lives(&measured(human, prompts)).map(|row| row.value);
        assert_eq!(lives(100.0, 20.0), [100.0, 0.0]);
        assert_eq!(lives(10.0, 30.0), [110.0, 20.0]);
        assert_eq!(lives(0.0, 0.0), [110.0, 50.0]);
    }
}
