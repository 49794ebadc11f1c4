//! `results.csv`: means and intervals over seeds, one row for each arm, generation and metric.

use rundir::format_value;

use crate::data::Data;

/// The file's bytes.
pub(crate) fn csv(data: &Data) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut record = |fields: [&str; 10]| writer.write_record(fields).expect("a vector takes everything");
    record(["experiment", "arm", "generation", "set", "metric", "detail", "n_seeds", "mean", "low", "high"]);
    for arm in &data.arms {
        for generation in data.generations(arm) {
            for key @ (set, metric, detail) in data.keys() {
                let Some(interval) = data.interval(key, arm, generation) else {
                    continue;
                };
                let (low, high) = match interval.bounds {
                    Some((low, high)) => (format_value(low), format_value(high)),
                    None => Default::default(),
                };
                let (generation, seeds) = (generation.to_string(), interval.seeds.to_string());
                let mean = format_value(interval.mean);
                record([&data.experiment, arm, &generation, set, metric, detail, &seeds, &mean, &low, &high]);
            }
        }
    }
    writer.into_inner().expect("a vector takes everything")
}
