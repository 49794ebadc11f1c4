//! A measured value.

use serde::{Deserialize, Serialize, Serializer};

use crate::{Dimension, Dimensions, Metric, Set};

/// One value, as `metrics.csv` has it but for the columns of the run. The set is the metric's.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Name of the metric.
    pub metric: &'static Metric,
    /// Of what.
    pub dimensions: Dimensions,
    /// The value.
    pub value: f64,
}

impl Measure {
    /// A value without dimensions.
    pub const fn new(metric: &'static Metric, value: f64) -> Self {
        Self { metric, dimensions: Dimensions::NONE, value }
    }

    /// The same with a value in a dimension.
    #[must_use]
    pub fn with(self, dimension: Dimension, value: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self { dimensions: self.dimensions.with(dimension, value), ..self }
    }

    /// True if it is of a reference and not of the generated text.
    pub fn is_of_reference(&self) -> bool {
        self.dimensions.get(Dimension::Reference).is_some()
    }
}

/// A measure in a file. The registry reads it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry<N> {
    pub(crate) set: Set,
    pub(crate) metric: N,
    #[serde(default, skip_serializing_if = "Dimensions::is_empty")]
    pub(crate) dimensions: Dimensions,
    #[serde(with = "number")]
    pub(crate) value: f64,
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { metric, dimensions, value } = self.clone();
        Entry { set: metric.set, metric: metric.name, dimensions, value }.serialize(serializer)
    }
}

/// JSON has no NaN and no infinities, and a diverging model has both: they are written as text.
mod number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Finite(f64),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match value.is_finite() {
            true => serializer.serialize_f64(*value),
            false => serializer.serialize_str(&value.to_string()),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Number::deserialize(deserializer)? {
            Number::Finite(value) => Ok(value),
            Number::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

/// Measures of one text in the order in which they are taken.
#[derive(Debug, Default)]
pub(crate) struct Measures {
    /// Dimensions that all of them have.
    base: Dimensions,
    list: Vec<Measure>,
}

impl Measures {
    pub(crate) fn of(base: Dimensions) -> Self {
        Self { base, list: Vec::new() }
    }

    pub(crate) fn push(&mut self, metric: &'static Metric, dimensions: Dimensions, value: f64) {
        self.list.push(Measure { metric, dimensions: dimensions.and(&self.base), value });
    }

    /// `part` of `whole`. A share of nothing is no number, and is left out.
    pub(crate) fn share(&mut self, metric: &'static Metric, dimensions: Dimensions, part: f64, whole: f64) {
        if whole > 0.0 {
            self.push(metric, dimensions, part / whole);
        }
    }

    /// A value that may be no number, and is then left out.
    pub(crate) fn number(&mut self, metric: &'static Metric, dimensions: Dimensions, value: f64) {
        if value.is_finite() {
            self.push(metric, dimensions, value);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Measure> {
        self.list
    }
}

/// An order of n-grams, or of a Hill number.
pub(crate) fn order(order: usize) -> Dimensions {
    Dimensions::NONE.with(Dimension::Order, order.to_string())
}

/// Whose text is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// What a model generated.
    Generated,
    /// The held-out human reference.
    Human,
}

impl Side {
    /// Dimensions of everything that is measured of it.
    pub(crate) fn dimensions(self) -> Dimensions {
        match self {
            Self::Generated => Dimensions::NONE,
            Self::Human => Dimensions::of(&[(Dimension::Reference, "human")]),
        }
    }

    /// Dimensions of what is measured of samples of equal size.
    pub(crate) fn of_samples(self) -> Dimensions {
        self.dimensions().with(Dimension::Sample, "equal")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{DISTINCT, TEST_LOSS};

    #[test]
    fn values_come_back_whatever_they_are() {
        for (value, text) in [(0.1 + 0.2, "0.30000000000000004"), (f64::INFINITY, "\"inf\""), (f64::NAN, "\"NaN\"")] {
            let written = serde_json::to_string(&Measure::new(&TEST_LOSS, value)).unwrap();
            assert_eq!(written, format!("{{\"set\":\"test\",\"metric\":\"loss\",\"value\":{text}}}"));
            let read: Measure = serde_json::from_str(&written).unwrap();
            assert_eq!(read.value.to_bits(), value.to_bits());
        }
    }

    #[test]
    fn dimensions_come_back_and_what_is_unknown_is_refused() {
        let one = Measure::new(&DISTINCT, 0.5).with(Dimension::Order, "2");
        let written = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Measure>(&written).unwrap(), one);
        let error = serde_json::from_str::<Measure>(&written.replace("generated", "test")).unwrap_err().to_string();
        assert!(error.contains("unknown metric \"distinct\" of the set test"), "{error}");
    }
}
