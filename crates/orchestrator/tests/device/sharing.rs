//! Two jobs on one GPU: each has its own queue and memory there, and writes what it would write alone.

use crate::lab::{Lab, gpu};
use crate::metrics;

const ARMS: &str = r#"
[chain]
generations = 2
seeds = [0, 1]
[[arm]]
name = "half"
recipe = { pool = 0.9, latest = 0.05 }
"#;

#[test]
fn jobs_that_share_a_gpu_change_no_byte() {
    let Some(device) = gpu() else { return };
    let lab = Lab::new(ARMS);
    for (out, jobs) in [("one", 1), ("two", 2)] {
        lab.run(out, device, jobs, &|_| {}).unwrap();
    }
    assert!(metrics(&lab, "one").lines().count() > 100);
    assert!(metrics(&lab, "one") == metrics(&lab, "two"), "two jobs");
}
