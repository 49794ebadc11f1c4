use crate::{Error, Experiment, scoring};
use rundir::{ChainId, Row, RunDir, StageKind};

/// Derives `metrics.csv` from the stages of an experiment's chains: one observation a row, sorted. A generation that failed
/// has one row, `training,failed`, with the generation as its value; one whose score is not there (yet) has none.
///
/// # Errors
/// If a stage is damaged or the file cannot be written.
pub fn derive_metrics(run: &RunDir, experiment: &Experiment) -> Result<(), Error> {
    let mut rows = Vec::new();
    for arm in &experiment.arms {
        for &seed in &experiment.chain.seeds {
            let chain = ChainId::new(&arm.name, seed)?;
            for generation in 0..experiment.chain.generations {
                let Some(record) = run.resolve(&chain, generation)? else { break };
                let row = |set: String, metric: String, detail: String, value: f64| Row {
                    experiment: experiment.name.clone(),
                    arm: arm.name.clone(),
                    seed,
                    generation,
                    set,
                    metric,
                    detail,
                    value,
                };
                if record.failure().is_some() {
                    rows.push(row("training".into(), "failed".into(), String::new(), f64::from(generation)));
                    break;
                }
                let Some(id) = record.stages.get(&StageKind::Score) else { continue };
                let Some(stage) = run.find(id)? else { continue };
                for measured in scoring::read(&stage)? {
                    rows.push(row(measured.set, measured.metric.into_owned(), measured.detail, measured.value));
                }
            }
        }
    }
    Ok(rundir::write_metrics(&run.metrics_path(), rows)?)
}
