//! The axes of a panel.

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::catalogue::Axis;
use crate::panel::{Panel, Point};
use crate::ticks;

/// A linear axis that bears numbers where we want them.
pub(crate) struct Ruler {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Ruler {
    pub(crate) fn new(low: f64, high: f64, ticks: Vec<f64>) -> Self {
        Self { low, high, ticks }
    }

    pub(crate) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The vertical axis that all of `panels`, which are of one kind, fit on; in its own scale.
    pub(crate) fn vertical(panels: &[Panel]) -> Self {
        let kind = panels.first().map_or(Axis::Linear, |panel| panel.kind);
        let log = kind == Axis::Log;
        // An interval may leave the range of its metric: what is no positive number has no place on a logarithmic axis.
        let usable = |value: &f64| value.is_finite() && (!log || *value > 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in panels.iter().flat_map(Panel::values).filter(usable) {
            (low, high) = (low.min(value), high.max(value));
        }
        let below = || panels.iter().flat_map(Panel::points).map(Point::mean).any(|(_, mean)| mean < 0.0);
        if kind == Axis::Share || (kind == Axis::Amount && !below()) {
            high = if high > 0.0 { high * 1.05 } else { 1.0 };
            high = if kind == Axis::Share { high.min(1.0) } else { high };
            return Self { low: 0.0, high, ticks: ticks::linear(0.0, high) };
        }
        if kind == Axis::Amount {
            high = high.max(0.0);
        }
        if log {
            (low, high) = (low.ln(), high.ln());
        }
        let room = if high > low { 0.06 * (high - low) } else { 0.1 * high.abs().max(0.1) };
        (low, high) = (low - room, high + room);
        let ticks = match kind {
            Axis::Log => ticks::logarithmic(low.exp(), high.exp()).into_iter().map(f64::ln).collect(),
            _ => ticks::linear(low, high),
        };
        Self { low, high, ticks }
    }
}

impl Ranged for Ruler {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        start + (share * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}
