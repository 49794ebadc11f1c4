//! Figures as SVG: a title, a legend, and panels side by side.

use evaluation::Metric;
use evaluation::metric::{Axis, Figure};
use plotters::prelude::*;

use crate::canvas::{Area, LEFT, Outcome, ROW, Svg, TITLE, WIDE, draw_title, from_left, grid};
use crate::data::Data;
use crate::levels::Baseline;
use crate::look::{INK, Look};
use crate::panel::Panel;
use crate::quantity::Quantity;

/// Height of a line of the legend, in pixels.
const LINE: i32 = 21;
/// Width of a figure of one panel.
const NARROW: i32 = 560;

/// A figure before it is drawn.
pub(crate) struct Plan {
    /// File name without ending.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Title of the vertical axis.
    pub(crate) axis: &'static str,
    pub(crate) caption: String,
    pub(crate) panels: Vec<Panel>,
    /// Legend.
    pub(crate) legend: Vec<(Sign, String)>,
    /// True if it takes the page's whole width and its panels have titles.
    pub(crate) wide: bool,
    /// True if all panels have one vertical scale.
    pub(crate) shared: bool,
}

/// A sign of the legend.
#[derive(Clone, Copy)]
pub(crate) enum Sign {
    /// A line with markers.
    Curve(Look),
    /// A dashed line, of any colour.
    Dashes,
}

/// A figure as drawn.
pub(crate) struct Drawn {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) caption: String,
    /// True if it takes the page's whole width.
    pub(crate) wide: bool,
    pub(crate) svg: Svg,
}

/// Draws a figure of the registry: a curve for each arm, panels of all metrics that are drawn in it.
pub(crate) fn of_arms(data: &Data, figure: &'static Figure) -> Option<Drawn> {
    let metrics: Vec<&'static Metric> =
        evaluation::METRICS.into_iter().filter(|metric| metric.figure == Some(figure)).collect();
    let all = || metrics.iter().flat_map(|metric| metric.panels.iter().map(|panel| Quantity::of_panel(metric, panel)));
    let panels: Vec<Panel> = all().filter_map(|quantity| Panel::of(data, &quantity, figure.axis)).collect();
    let mut legend = arms(data, &panels);
    let baseline = metrics.iter().find_map(|metric| metric.baseline);
    legend
        .extend(baseline.filter(|_| panels.iter().any(Panel::has_dashes)).map(|b| (Sign::Dashes, b.title.to_owned())));
    let Figure { name, title, label: axis, .. } = *figure;
    let (wide, shared) = (all().count() > 1, figure.axis == Axis::Amount);
    let caption = format!("{}{}", figure.caption, of_baselines(&panels));
    draw(Plan { name, title, axis, caption, panels, legend, wide, shared })
}

/// What a caption says of baselines: what their lines are, and which have none.
fn of_baselines(panels: &[Panel]) -> String {
    let mut text = String::new();
    if panels.iter().any(|panel| !panel.baselines.is_empty()) {
        text.push_str(
            " Thin lines are models that count the human training text: token frequencies, Kneser-Ney n-grams.",
        );
    }
    let beyond: Vec<String> = panels.iter().flat_map(|panel| &panel.beyond).map(Baseline::words).collect();
    if !beyond.is_empty() {
        text.push_str(&format!(" Beyond the axis: {} (models that count the human training text).", beyond.join(", ")));
    }
    text
}

/// The arms that panels show, as a legend.
pub(crate) fn arms(data: &Data, panels: &[Panel]) -> Vec<(Sign, String)> {
    let looks = data.arms.iter().enumerate().map(|(number, arm)| (Look::Arm(number), &arm.name));
    let shown = looks.filter(|(look, _)| panels.iter().any(|panel| panel.shows(*look)));
    shown.map(|(look, name)| (Sign::Curve(look), name.clone())).collect()
}

/// Draws a figure; none if it has no panels.
pub(crate) fn draw(plan: Plan) -> Option<Drawn> {
    if plan.panels.is_empty() {
        return None;
    }
    let width = if plan.wide { WIDE } else { NARROW };
    let legend = set(&plan.legend, width);
    let header = TITLE + LINE * legend.last().map_or(0, |entry| entry.row + 1) + 4;
    let (rows, columns) = grid(plan.panels.len());
    let svg = Svg::of(width, header + ROW * rows as i32, |root| {
        draw_header(root, plan.title, &legend)?;
        let areas = root.margin(header, 6, 0, 0).split_evenly((rows, columns));
        let last = plan.panels.iter().map(Panel::last).max().unwrap_or(0);
        for (i, (area, panel)) in areas.iter().zip(&plan.panels).enumerate() {
            let of = if plan.shared { &plan.panels[..] } else { std::slice::from_ref(panel) };
            let axis = if i % columns == 0 { plan.axis } else { "" };
            panel.draw(area, Panel::ruler(of), last, axis, plan.wide)?;
        }
        Ok(())
    });
    Some(Drawn { name: plan.name, title: plan.title, caption: plan.caption, wide: plan.wide, svg })
}

/// A sign of the legend with its name, in its place.
struct Entry<'a> {
    sign: Sign,
    name: &'a str,
    left: i32,
    row: i32,
}

/// Sets names in rows; widths are estimated, for an SVG has no fonts until it is shown.
fn set(legend: &[(Sign, String)], width: i32) -> Vec<Entry<'_>> {
    let (mut left, mut row, mut entries) = (LEFT, 0, Vec::new());
    for (sign, name) in legend {
        let needed = 34 + 15 * name.chars().count() as i32 / 2 + 16;
        if left > LEFT && left + needed > width {
            (left, row) = (LEFT, row + 1);
        }
        entries.push(Entry { sign: *sign, name, left, row });
        left += needed;
    }
    entries
}

fn draw_header(root: &Area, title: &str, legend: &[Entry]) -> Outcome {
    draw_title(root, title)?;
    for entry in legend {
        let y = TITLE + LINE * entry.row + LINE / 2;
        let line = [(entry.left, y), (entry.left + 26, y)];
        match entry.sign {
            Sign::Curve(look) => {
                root.draw(&PathElement::new(line.to_vec(), look.colour().stroke_width(2)))?;
                root.draw(&(EmptyElement::at((entry.left + 13, y)) + look.marker()))?;
            }
            Sign::Dashes => root.draw(&plotters::element::DashedPathElement::new(line, 5, 4, INK))?,
        }
        root.draw(&Text::new(entry.name.to_owned(), (entry.left + 33, y), from_left(15)))?;
    }
    Ok(())
}
