//! What a metric gives.

use std::borrow::Cow;
use std::fmt::Display;

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

    /// A value that may be no number, and is then left out.
    pub(crate) fn number(&mut self, metric: &'static str, detail: impl ToString, value: f64) {
        if value.is_finite() {
            self.push(metric, detail, value);
        }
    }

    pub(crate) fn extend(&mut self, more: &[Measure]) {
        self.0.extend_from_slice(more);
    }

    pub(crate) fn into_vec(self) -> Vec<Measure> {
        self.0
    }
}

/// Whose text is measured. The human twin's values stand beside those of what was written, under names of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Written,
    Human,
}

impl Side {
    /// Detail of what has none.
    pub(crate) fn plain(self) -> &'static str {
        match self {
            Self::Written => "",
            Self::Human => "human",
        }
    }

    /// Detail of what is measured of samples of equal size, and of all the text under another name.
    pub(crate) fn equal(self) -> &'static str {
        match self {
            Self::Written => "equal",
            Self::Human => "human",
        }
    }

    /// Any other detail.
    pub(crate) fn detail(self, detail: impl Display) -> String {
        match self {
            Self::Written => detail.to_string(),
            Self::Human => format!("human-{detail}"),
        }
    }
}

/// The mean of each row over draws that give the same rows. What is no number in one of them is left out.
pub(crate) fn mean(draws: &[Vec<Measure>]) -> Vec<Measure> {
    let Some((first, others)) = draws.split_first() else { return Vec::new() };
    let row = |(index, row): (usize, &Measure)| {
        let sum = others.iter().fold(row.value, |sum, draw| sum + draw[index].value);
        Measure { value: sum / draws.len() as f64, ..row.clone() }
    };
    first.iter().enumerate().map(row).filter(|row| row.value.is_finite()).collect()
}
