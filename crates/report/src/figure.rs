//! Figures as SVG: a title, a legend, and panels side by side.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::catalogue::{Axis, FIGURES, Figure};
use crate::chronicle;
use crate::data::Data;
use crate::escape::visible;
use crate::heat;
use crate::histogram;
use crate::leaderboard::Board;
use crate::look::{GRID, INK, Look};
use crate::more::{OF_TEXT, SOLVED};
use crate::panel::Panel;
use crate::ruler::Ruler;
use crate::seen::SEEN;
use crate::survival;
use crate::tradeoff;
use crate::universal;

/// Heights of the title, of a line of the legend and of a row of panels, and the left margin of the first two, in pixels.
pub(crate) const TITLE: i32 = 30;
const LINE: i32 = 21;
pub(crate) const ROW: i32 = 316;
pub(crate) const LEFT: i32 = 12;
/// Widths of a figure of one panel and of several.
const NARROW: i32 = 560;
pub(crate) const WIDE: i32 = 1120;

/// A figure before it is drawn.
pub(crate) struct Plan {
    /// File name without ending.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the vertical axis says.
    pub(crate) axis: &'static str,
    pub(crate) caption: String,
    pub(crate) panels: Vec<Panel>,
    /// What the signs mean.
    pub(crate) legend: Vec<(Sign, String)>,
    /// Whether it takes the page's whole width and its panels have titles.
    pub(crate) wide: bool,
    /// Whether all panels have one vertical scale.
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
    /// Whether it takes the page's whole width.
    pub(crate) wide: bool,
    pub(crate) svg: String,
}

impl Drawn {
    /// A file of its own, on white.
    pub(crate) fn standalone(&self) -> String {
        let end = self.svg.find('>').map_or(0, |at| at + 1); // of the opening tag
        let (head, body) = self.svg.split_at(end);
        format!("{head}\n<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>{body}")
    }

    /// A part of a page, in the page's colours.
    pub(crate) fn inline(&self) -> String {
        let hex = |RGBColor(r, g, b): RGBColor| format!("\"#{r:02X}{g:02X}{b:02X}\"");
        let coloured = self.svg.replace(&hex(INK), "\"currentColor\"").replace(&hex(GRID), "\"var(--grid)\"");
        coloured.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{}\" ", self.title), 1)
    }
}

/// Draws every figure that has something to show: a grid first, where the run is one, then what is known of a generated
/// world.
pub(crate) fn draw_all(data: &Data, board: Option<&Board>) -> Vec<Drawn> {
    let mut figures = heat::draw_all(data);
    figures.extend(tradeoff::draw(data, board));
    figures.extend(chronicle::draw_all(data));
    figures.extend(survival::draw(data));
    figures.extend(universal::draw(data));
    figures.extend(histogram::draw(data));
    figures
        .extend(FIGURES.iter().chain(&SEEN).chain(&OF_TEXT).chain(&SOLVED).filter_map(|figure| of_arms(data, figure)));
    figures
}

/// Draws a figure of the catalogue: a curve for each arm.
pub(crate) fn of_arms(data: &Data, figure: &Figure) -> Option<Drawn> {
    let panels: Vec<Panel> =
        figure.panels.iter().filter_map(|quantity| Panel::of(data, quantity, figure.kind)).collect();
    let mut legend = arms(data, &panels);
    if panels.iter().any(Panel::has_dashes) {
        legend.push((Sign::Dashes, figure.dashed.to_owned()));
    }
    let (name, title, axis, caption) = (figure.name, figure.title, figure.axis, figure.caption.to_owned());
    let (wide, shared) = (figure.panels.len() > 1, figure.kind == Axis::Amount);
    draw(Plan { name, title, axis, caption, panels, legend, wide, shared })
}

/// The arms that panels show, as a legend.
pub(crate) fn arms(data: &Data, panels: &[Panel]) -> Vec<(Sign, String)> {
    let looks = (0..data.arms.len()).map(|arm| (Look::Arm(arm), &data.arms[arm]));
    let shown = looks.filter(|(look, _)| panels.iter().any(|panel| panel.shows(*look)));
    shown.map(|(look, name)| (Sign::Curve(look), visible(name, false))).collect()
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
    let mut svg = String::new();
    {
        let size = (width as u32, (header + ROW * rows as i32) as u32);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawing = "drawing into a string cannot fail";
        draw_header(&root, plan.title, &legend).expect(drawing);
        let areas = root.margin(header, 6, 0, 0).split_evenly((rows, columns));
        let last = plan.panels.iter().map(Panel::last).max().unwrap_or(0);
        for (i, (area, panel)) in areas.iter().zip(&plan.panels).enumerate() {
            let of = if plan.shared { &plan.panels[..] } else { std::slice::from_ref(panel) };
            let axis = if i % columns == 0 { plan.axis } else { "" };
            panel.draw(area, Ruler::vertical(of), last, axis, plan.wide).expect(drawing);
        }
        root.present().expect(drawing);
    }
    Some(Drawn { name: plan.name, title: plan.title, caption: plan.caption, wide: plan.wide, svg })
}

/// Rows and columns of panels: one row of up to four, then as even as it goes.
pub(crate) fn grid(panels: usize) -> (usize, usize) {
    let rows = panels.div_ceil(4);
    (rows, panels.div_ceil(rows))
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

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Text of a size that the library understands as a line's height: some 1.24 times the font's size in pixels.
pub(crate) fn text(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// A figure's title.
pub(crate) fn draw_title(root: &Area, title: &str) -> Outcome {
    let left = Pos::new(HPos::Left, VPos::Center);
    let bold = ("sans-serif", 19).into_font().style(FontStyle::Bold).color(&INK).pos(left);
    Ok(root.draw(&Text::new(title.to_owned(), (LEFT, TITLE / 2), bold))?)
}

fn draw_header(root: &Area, title: &str, legend: &[Entry]) -> Outcome {
    draw_title(root, title)?;
    let left = Pos::new(HPos::Left, VPos::Center);
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
        root.draw(&Text::new(entry.name.to_owned(), (entry.left + 33, y), text(15).pos(left)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_stand_in_even_rows() {
        assert_eq!([1, 3, 4, 5, 6, 7, 8, 9].map(grid).map(|(_, columns)| columns), [1, 3, 4, 3, 3, 4, 4, 3]);
        assert_eq!(grid(5), (2, 3));
    }
}
