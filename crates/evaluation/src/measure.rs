//! What a metric gives.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One value, named as in `metrics.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What is measured.
    pub metric: Cow<'static, str>,
    /// An order, a unit, or what it is compared with; may be empty.
    pub detail: String,
    /// The value.
    pub value: f64,
}

/// Measures in the order in which they are taken.
#[derive(Debug, Default)]
pub(crate) struct Measures(Vec<Measure>);

impl Measures {
    pub(crate) fn push(&mut self, metric: &'static str, detail: impl ToString, value: f64) {
        self.0.push(Measure { metric: metric.into(), detail: detail.to_string(), value });
    }

    /// `part` of `whole`. A share of nothing is no number, and is left out.
    pub(crate) fn share(&mut self, metric: &'static str, detail: impl ToString, part: f64, whole: f64) {
        if whole > 0.0 {
            self.push(metric, detail, part / whole);
        }
    }

    pub(crate) fn extend(&mut self, more: &[Measure]) {
        self.0.extend_from_slice(more);
    }

    pub(crate) fn into_vec(self) -> Vec<Measure> {
        self.0
    }
}
