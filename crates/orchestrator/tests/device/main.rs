//! What a run owes to its device: a failure ends a stage and nothing else, and chains that share a device write what they would
//! write alone.

mod failing;
mod lab;
mod sharing;

/// A run's `metrics.csv`.
fn metrics(lab: &lab::Lab, out: &str) -> String {
    std::fs::read_to_string(lab.path(out).join("metrics.csv")).unwrap()
}
