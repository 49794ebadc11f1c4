//! One panel of a figure: curves by generation, one for each arm, with their intervals.

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use crate::catalogue::{Axis, Figure, Quantity};
use crate::data::{Data, Viewed};
use crate::figure::{Area, GRID, INK, Outcome, colour, marker, text};
use crate::interval::Interval;
use crate::ticks;

pub(crate) struct Panel {
    title: &'static str,
    kind: Axis,
    curves: Vec<Curve>,
    /// The same of human text.
    human: Option<f64>,
}

struct Curve {
    /// Number of the arm, for colour and marker.
    arm: usize,
    points: Vec<Point>,
}

struct Point {
    generation: u32,
    interval: Interval,
    /// The seeds themselves, where there are two.
    dots: Vec<f64>,
}

impl Panel {
    /// The panel of a quantity; none if there is nothing to show.
    pub(crate) fn of(data: &Data, quantity: &Quantity, figure: &Figure) -> Option<Self> {
        let viewed = data.view(quantity)?;
        let curve = |(arm, name): (usize, &String)| {
            let points = points(data, &viewed, name, figure.kind);
            (!points.is_empty()).then_some(Curve { arm, points })
        };
        let curves: Vec<Curve> = data.arms.iter().enumerate().filter_map(curve).collect();
        let human = data.human(&viewed);
        (!curves.is_empty()).then_some(Self { title: quantity.title, kind: figure.kind, curves, human })
    }

    pub(crate) fn shows(&self, arm: usize) -> bool {
        self.curves.iter().any(|curve| curve.arm == arm)
    }

    pub(crate) fn has_human(&self) -> bool {
        self.human.is_some()
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.curves.iter().flat_map(|curve| &curve.points)
    }

    /// The vertical axis, in its own scale.
    fn vertical(&self) -> Ruler {
        let intervals = self.points().flat_map(|point| {
            let mean = point.interval.mean;
            let (low, high) = point.interval.bounds.unwrap_or((mean, mean));
            point.dots.iter().copied().chain([mean, low, high])
        });
        let log = self.kind == Axis::Log;
        // An interval may leave the range of its metric: what is no positive number has no place on a logarithmic axis.
        let usable = |value: &f64| value.is_finite() && (!log || *value > 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in intervals.chain(self.human).filter(usable) {
            (low, high) = (low.min(value), high.max(value));
        }
        if self.kind == Axis::Share {
            high = if high > 0.0 { (high * 1.05).min(1.0) } else { 1.0 };
            return Ruler { low: 0.0, high, ticks: ticks::linear(0.0, high) };
        }
        if log {
            (low, high) = (low.ln(), high.ln());
        }
        let room = if high > low { 0.06 * (high - low) } else { 0.1 * high.abs().max(0.1) };
        (low, high) = (low - room, high + room);
        let ticks = match self.kind {
            Axis::Log => ticks::logarithmic(low.exp(), high.exp()).into_iter().map(f64::ln).collect(),
            _ => ticks::linear(low, high),
        };
        Ruler { low, high, ticks }
    }

    /// Draws into `area`. `axis` is what the vertical axis says.
    pub(crate) fn draw(&self, area: &Area, axis: &str, titled: bool) -> Outcome {
        let vertical = self.vertical();
        let (low, high) = (vertical.low, vertical.high);
        let last = self.points().map(|point| point.generation).max().unwrap_or(0);
        let side = 0.04 * f64::from(last.max(1));
        let horizontal = Ruler { low: -side, high: f64::from(last) + side, ticks: ticks::whole(last) };
        let log = self.kind == Axis::Log;

        let mut chart = ChartBuilder::on(area);
        chart.margin_left(6).margin_right(14).margin_top(8).x_label_area_size(46);
        chart.y_label_area_size(if axis.is_empty() { 46 } else { 66 });
        if titled {
            chart.caption(self.title, text(16));
        }
        let mut chart = chart.build_cartesian_2d(horizontal, vertical)?;
        (chart.configure_mesh())
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(text(15))
            .x_desc("generation")
            .y_desc(axis)
            .x_label_formatter(&|x| ticks::label(*x))
            .y_label_formatter(&|y| ticks::label(if log { rounded(y.exp()) } else { *y }))
            .draw()?;

        let place = |generation: u32, value: f64| {
            let y = if log { value.max(f64::MIN_POSITIVE).ln() } else { value };
            (f64::from(generation), y.clamp(low, high))
        };
        if let Some(human) = self.human {
            let (left, right) = (place(0, human), place(last, human));
            let ends = [(left.0 - side, left.1), (right.0 + side, right.1)];
            chart.draw_series(DashedLineSeries::new(ends, 5, 4, INK.into()))?;
        }
        // Bands first, so that no curve lies under one.
        for curve in &self.curves {
            chart.draw_series(curve.bands(&place))?;
        }
        for curve in &self.curves {
            let colour = colour(curve.arm);
            let line: Vec<_> = curve.points.iter().map(|point| place(point.generation, point.interval.mean)).collect();
            chart.draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?;
            let dots = curve.points.iter().flat_map(|point| point.dots.iter().map(|&dot| place(point.generation, dot)));
            chart.draw_series(dots.map(|at| Circle::new(at, 3, colour.stroke_width(1))))?;
            chart.draw_series(line.iter().map(|&at| EmptyElement::at(at) + marker(curve.arm)))?;
        }
        Ok(())
    }
}

fn points(data: &Data, viewed: &Viewed, arm: &str, kind: Axis) -> Vec<Point> {
    let point = |generation| {
        let interval = data.interval(&viewed.key, arm, generation)?;
        let shown = kind != Axis::Log || interval.mean > 0.0;
        let dots = if interval.seeds == 2 { data.seeds(&viewed.key, arm, generation) } else { Vec::new() };
        let dots = dots.into_iter().map(|(_, value)| value).filter(|value| value.is_finite()).collect();
        shown.then_some(Point { generation, interval, dots })
    };
    data.generations_of(&viewed.key, arm).into_iter().filter_map(point).collect()
}

impl Curve {
    /// The stretches of neighbouring generations that have intervals; a lone one becomes a bar.
    fn bands(&self, place: &dyn Fn(u32, f64) -> (f64, f64)) -> Vec<Polygon<(f64, f64)>> {
        let bounded = |point: &Point| point.interval.bounds.map(|(low, high)| (point.generation, low, high));
        let colour = colour(self.arm).mix(0.15).filled();
        let mut bands = Vec::new();
        for stretch in self.points.split(|point| point.interval.bounds.is_none()) {
            let stretch: Vec<_> = stretch.iter().filter_map(bounded).collect();
            let lower = stretch.iter().map(|&(generation, low, _)| place(generation, low));
            let upper = stretch.iter().rev().map(|&(generation, _, high)| place(generation, high));
            let mut outline: Vec<(f64, f64)> = lower.chain(upper).collect();
            if let [(x, bottom), (_, top)] = outline[..] {
                let half = 0.02;
                outline = vec![(x - half, bottom), (x + half, bottom), (x + half, top), (x - half, top)];
            }
            if !outline.is_empty() {
                bands.push(Polygon::new(outline, colour));
            }
        }
        bands
    }
}

/// A linear axis that bears numbers where we want them.
struct Ruler {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
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

/// Takes away what a logarithm and its inverse added to a round number.
fn rounded(value: f64) -> f64 {
    format!("{value:.10e}").parse().unwrap_or(value)
}
