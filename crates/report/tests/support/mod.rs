//! Rows and arms as the tests state them.
#![allow(dead_code)] // each test binary uses a part

use std::path::Path;

use evaluation::Dimension;
use rundir::{ArmInfo, Build, Column, Role, Row, RunDir, RunInfo, Schema};
use serde_json::{Value, json};

/// Dimensions and their values.
pub(crate) type By<'a> = &'a [(Dimension, &'a str)];

pub(crate) fn row(at: (&str, &str, u64, u32), set: &str, metric: &str, by: By, value: f64) -> Row {
    let (experiment, arm, seed, generation) = at;
    let dimensions = by.iter().map(|(dimension, value)| (dimension.name().to_owned(), (*value).to_owned())).collect();
    let (experiment, arm, set, metric) = (experiment.into(), arm.into(), set.into(), metric.into());
    Row { experiment, arm, seed, generation, set, metric, dimensions, value }
}

/// Writes the rows of the `metrics.csv` at `path`.
pub(crate) fn write_rows(path: &Path, rows: Vec<Row>) {
    let columns = Dimension::ALL.map(|d| Column { name: d.name().to_owned(), about: d.about().to_owned() });
    let run = RunDir::claim(path.parent().expect("a file in a run directory"), &mut |_| {}).unwrap();
    run.write_metrics(&Schema::new(columns), rows).unwrap();
}

pub(crate) fn arm(name: &str, role: Role, recipe: Value) -> ArmInfo {
    ArmInfo::new(name, role, "transformer", recipe, "settings")
}

/// The control and the base are those whose names say so; every other arm replaces its text too.
pub(crate) fn named(name: &str) -> ArmInfo {
    match name {
        "human-refit" => arm(name, Role::Control, json!({"anchor": "all"})),
        "replace" => against(arm(name, Role::Base, json!({"latest": "all"}))),
        _ => against(arm(name, Role::Arm, json!({"latest": "all"}))),
    }
}

fn against(arm: ArmInfo) -> ArmInfo {
    ArmInfo { control: Some("human-refit".to_owned()), ..arm }
}

/// Writes `run.json`.
pub(crate) fn write_info(run: &RunDir, info: &RunInfo) {
    run.lock(&mut |_| {}).unwrap().write_info(info).unwrap();
}

/// States the arms of a run.
pub(crate) fn state(run: &RunDir, experiment: &str, arms: Vec<ArmInfo>) {
    let mut info = RunInfo::new(experiment, Build { version: "0.1.0".to_owned(), ..Build::default() }, "flex", "CPU");
    info.arms = arms;
    write_info(run, &info);
}
