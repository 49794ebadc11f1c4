//! Key of rows: a metric of a set, under some dimensions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use evaluation::statistics::Scale;
use evaluation::{Dimension, Dimensions, Metric, Set};

/// Key of rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) set: Cow<'static, str>,
    pub(crate) metric: Cow<'static, str>,
    pub(crate) dimensions: Dimensions,
}

impl Key {
    /// Rows of a metric.
    pub(crate) fn of(metric: &'static Metric, dimensions: Dimensions) -> Self {
        Self { set: Cow::Borrowed(metric.set.name()), metric: Cow::Borrowed(metric.name), dimensions }
    }

    /// Key of rows as a file has them; the name of the column that is no dimension if there is one.
    pub(crate) fn of_row(
        set: &str,
        metric: &str,
        dimensions: &BTreeMap<String, String>,
    ) -> std::result::Result<Self, String> {
        let dimension = |(name, value): (&String, &String)| match Dimension::named(name) {
            Some(dimension) => Ok((dimension, value.clone())),
            None => Err(name.clone()),
        };
        let dimensions = dimensions.iter().map(dimension).collect::<std::result::Result<_, _>>()?;
        Ok(match registered(set, metric) {
            Some(metric) => Self::of(metric, dimensions),
            None => Self { set: set.to_owned().into(), metric: metric.to_owned().into(), dimensions },
        })
    }

    /// True if its rows are of this metric.
    pub(crate) fn is_of(&self, metric: &Metric) -> bool {
        self.set == metric.set.name() && self.metric == metric.name
    }

    /// The metric, if the registry knows it.
    pub(crate) fn registered(&self) -> Option<&'static Metric> {
        registered(&self.set, &self.metric)
    }

    /// The scale on which seeds are averaged: the plain one of a metric that the registry does not know.
    pub(crate) fn scale(&self) -> Scale {
        self.registered().map_or(Scale::Plain, |metric| metric.scale)
    }
}

fn registered(set: &str, metric: &str) -> Option<&'static Metric> {
    evaluation::metric(Set::named(set)?, metric)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.set, self.metric)?;
        if self.dimensions.is_empty() { Ok(()) } else { write!(f, " ({})", self.dimensions) }
    }
}
