//! `results.csv`: means and intervals over seeds, one row for each arm, generation and metric.

use evaluation::Dimension;
use rundir::format_value;

use crate::data::Data;

/// The file's bytes.
pub(crate) fn csv(data: &Data) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut record = |before: &[&str], dimensions: &[&str], after: &[&str]| {
        writer.write_record([before, dimensions, after].concat()).expect("a vector takes everything");
    };
    let before = ["experiment", "arm", "generation", "set", "metric"];
    record(&before, &Dimension::ALL.map(Dimension::name), &["n_seeds", "mean", "low", "high"]);
    for arm in &data.arms {
        for generation in data.generations(&arm.name) {
            for key in data.keys() {
                let Some(interval) = data.interval(key, &arm.name, generation) else {
                    continue;
                };
                let (low, high) = match interval.bounds {
                    Some((low, high)) => (format_value(low), format_value(high)),
                    None => Default::default(),
                };
                let (generation, seeds) = (generation.to_string(), interval.seeds.to_string());
                let mean = format_value(interval.mean);
                let dimensions = Dimension::ALL.map(|dimension| key.dimensions.get(dimension).unwrap_or_default());
                let before = [data.experiment.as_str(), &arm.name, &generation, &key.set, &key.metric];
                record(&before, &dimensions, &[&seeds, &mean, &low, &high]);
            }
        }
    }
    writer.into_inner().expect("a vector takes everything")
}
