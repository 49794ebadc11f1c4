//! One panel of a figure: curves by generation with their intervals, and dashed lines to compare them with.

use evaluation::metric::Axis;
use evaluation::statistics::{Interval, Scale};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::canvas::{Area, Outcome, text};
use crate::data::{Data, Viewed};
use crate::levels::{self, Baseline};
use crate::look::{GRID, INK, Look};
use crate::quantity::Quantity;
use crate::ruler::Ruler;
use crate::ticks;

pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) kind: Axis,
    pub(crate) curves: Vec<Curve>,
    pub(crate) dashes: Vec<Dashes>,
    /// Baselines on the axis, drawn as thin lines, and those that are too far from the curves.
    pub(crate) baselines: Vec<Baseline>,
    pub(crate) beyond: Vec<Baseline>,
}

pub(crate) struct Curve {
    pub(crate) look: Look,
    pub(crate) points: Vec<Point>,
}

pub(crate) struct Point {
    generation: u32,
    interval: Interval,
    /// The seeds themselves, where there are two.
    dots: Vec<f64>,
}

/// A dashed line.
pub(crate) struct Dashes {
    pub(crate) colour: RGBColor,
    pub(crate) line: Line,
}

pub(crate) enum Line {
    /// The same in all generations.
    Level(f64),
    /// By generation.
    Course(Vec<(u32, f64)>),
}

impl Point {
    /// The point of the seeds' values; none if there is nothing to show on such an axis.
    pub(crate) fn of(generation: u32, values: Vec<f64>, scale: Scale, kind: Axis) -> Option<Self> {
        let interval = Interval::of(values.iter().copied(), scale)?;
        let shown = kind != Axis::Log || interval.mean > 0.0;
        let dots = if interval.seeds == 2 { values } else { Vec::new() };
        let dots = dots.into_iter().filter(|value| value.is_finite()).collect();
        shown.then_some(Self { generation, interval, dots })
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let mean = self.interval.mean;
        let (low, high) = self.interval.bounds.unwrap_or((mean, mean));
        self.dots.iter().copied().chain([mean, low, high])
    }
}

impl Panel {
    /// Curves alone.
    pub(crate) fn new(title: String, kind: Axis, curves: Vec<Curve>) -> Self {
        Self { title, kind, curves, dashes: Vec::new(), baselines: Vec::new(), beyond: Vec::new() }
    }

    /// A quantity by arm; none if there is nothing to show.
    pub(crate) fn of(data: &Data, quantity: &Quantity, kind: Axis) -> Option<Self> {
        let viewed = data.view(quantity)?;
        let arms = data.arms.iter().enumerate();
        let curves: Vec<Curve> =
            arms.filter_map(|(number, arm)| Curve::of(data, &viewed, &arm.name, Look::Arm(number), kind)).collect();
        let reference = data.reference(&viewed).map(|level| Dashes { colour: INK, line: Line::Level(level) });
        let dashes = reference.into_iter().collect();
        let panel = Self { dashes, ..Self::new(quantity.title.to_owned(), kind, curves) };
        let [baselines, beyond] = levels::near(levels::of(data, quantity.metric), panel.values(), kind);
        (!panel.curves.is_empty()).then_some(Self { baselines, beyond, ..panel })
    }

    /// Baselines from above, those together whose words would lie over each other, and the words of each group.
    fn lines(&self, (low, high): (f64, f64)) -> Vec<(Vec<&Baseline>, String)> {
        /// Height of a line of words, as a share of the axis.
        const LINE: f64 = 0.055;
        let on = |baseline: &Baseline| if self.kind == Axis::Log { baseline.value.ln() } else { baseline.value };
        let mut sorted: Vec<&Baseline> = self.baselines.iter().collect();
        sorted.sort_by(|one, other| other.value.total_cmp(&one.value));
        let is_apart = |one: &&Baseline, other: &&Baseline| on(one) - on(other) > LINE * (high - low);
        let groups = sorted.chunk_by(|one, other| !is_apart(one, other));
        let words = |group: &[&Baseline]| group.iter().map(|b| b.words()).collect::<Vec<_>>().join(", ");
        groups.map(|group| (group.to_vec(), words(group))).collect()
    }

    pub(crate) fn shows(&self, look: Look) -> bool {
        self.curves.iter().any(|curve| curve.look == look)
    }

    pub(crate) fn has_dashes(&self) -> bool {
        !self.dashes.is_empty()
    }

    /// The last generation shown.
    pub(crate) fn last(&self) -> u32 {
        self.points().map(|point| point.generation).max().unwrap_or(0)
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = &Point> {
        self.curves.iter().flat_map(|curve| &curve.points)
    }

    /// What has to fit into the panel.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        let dashes = self.dashes.iter().flat_map(|dashes| match &dashes.line {
            Line::Level(level) => vec![*level],
            Line::Course(course) => course.iter().map(|(_, value)| *value).collect(),
        });
        let baselines = self.baselines.iter().map(|baseline| baseline.value);
        self.points().flat_map(Point::values).chain(dashes).chain(baselines)
    }

    /// The vertical axis that all of `panels`, which are of one kind, fit on; in its own scale.
    pub(crate) fn ruler(panels: &[Self]) -> Ruler {
        let kind = panels.first().map_or(Axis::Linear, |panel| panel.kind);
        let log = kind == Axis::Log;
        // An interval may leave the range of its metric: what is no positive number has no place on a logarithmic axis.
        let usable = |value: &f64| value.is_finite() && (!log || *value > 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in panels.iter().flat_map(Self::values).filter(usable) {
            (low, high) = (low.min(value), high.max(value));
        }
        let below = || panels.iter().flat_map(Self::points).any(|point| point.interval.mean < 0.0);
        if kind == Axis::Share || (kind == Axis::Amount && !below()) {
            high = if high > 0.0 { high * 1.05 } else { 1.0 };
            high = if kind == Axis::Share { high.min(1.0) } else { high };
            return Ruler::new(0.0, high, ticks::linear(0.0, high));
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
        Ruler::new(low, high, ticks)
    }

    /// Draws into `area`, to the generation `last`. `axis` is what the vertical axis says.
    pub(crate) fn draw(&self, area: &Area, vertical: Ruler, last: u32, axis: &str, titled: bool) -> Outcome {
        let (low, high) = vertical.ends();
        let side = 0.04 * f64::from(last.max(1));
        let horizontal = Ruler::new(-side, f64::from(last) + side, ticks::whole(last));
        let log = self.kind == Axis::Log;

        let mut chart = ChartBuilder::on(area);
        chart.margin_left(6).margin_right(14).margin_top(8).x_label_area_size(46);
        chart.y_label_area_size(if axis.is_empty() { 46 } else { 66 });
        if titled {
            chart.caption(&self.title, text(16));
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
            .y_label_formatter(&|y| ticks::label(if log { ticks::rounded(y.exp()) } else { *y }))
            .draw()?;

        let place = |generation: u32, value: f64| {
            let y = if log { value.max(f64::MIN_POSITIVE).ln() } else { value };
            (f64::from(generation), y.clamp(low, high))
        };
        for dashes in &self.dashes {
            let line = match &dashes.line {
                Line::Level(level) => {
                    let (left, right) = (place(0, *level), place(last, *level));
                    vec![(left.0 - side, left.1), (right.0 + side, right.1)]
                }
                Line::Course(course) => course.iter().map(|&(generation, value)| place(generation, value)).collect(),
            };
            chart.draw_series(DashedLineSeries::new(line, 5, 4, dashes.colour.into()))?;
        }
        for (line, words) in self.lines((low, high)) {
            let thin = INK.mix(0.45).stroke_width(1);
            let value = |baseline: &Baseline| place(0, baseline.value).1;
            chart.draw_series(
                line.iter()
                    .map(|b| PathElement::new(vec![(-side, value(b)), (f64::from(last) + side, value(b))], thin)),
            )?;
            let start = (-side, value(line[0]));
            let style = text(13).pos(Pos::new(HPos::Left, VPos::Bottom));
            chart.draw_series(std::iter::once(EmptyElement::at(start) + Text::new(words, (4, -1), style)))?;
        }
        // Bands first, so that no curve lies under one.
        for curve in &self.curves {
            chart.draw_series(curve.bands(&place))?;
        }
        for curve in &self.curves {
            let colour = curve.look.colour();
            let line: Vec<_> = curve.points.iter().map(|point| place(point.generation, point.interval.mean)).collect();
            chart.draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?;
            let dots = curve.points.iter().flat_map(|point| point.dots.iter().map(|&dot| place(point.generation, dot)));
            chart.draw_series(dots.map(|at| Circle::new(at, 3, colour.stroke_width(1))))?;
            chart.draw_series(line.iter().map(|&at| EmptyElement::at(at) + curve.look.marker()))?;
        }
        Ok(())
    }
}

impl Curve {
    /// What an arm has measured; none if there is nothing to show on such an axis.
    pub(crate) fn of(data: &Data, viewed: &Viewed, arm: &str, look: Look, kind: Axis) -> Option<Self> {
        let (scale, course) = data.course(viewed, arm);
        let points: Vec<Point> =
            course.into_iter().filter_map(|(generation, values)| Point::of(generation, values, scale, kind)).collect();
        (!points.is_empty()).then_some(Self { look, points })
    }

    /// Its means as a dashed line of its colour.
    pub(crate) fn dashed(&self) -> Dashes {
        let means = self.points.iter().map(|point| (point.generation, point.interval.mean)).collect();
        Dashes { colour: self.look.colour(), line: Line::Course(means) }
    }

    /// The stretches of neighbouring generations that have intervals; a lone one becomes a bar.
    fn bands(&self, place: &dyn Fn(u32, f64) -> (f64, f64)) -> Vec<Polygon<(f64, f64)>> {
        let bounded = |point: &Point| point.interval.bounds.map(|(low, high)| (point.generation, low, high));
        let colour = self.look.colour().mix(0.15).filled();
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
