//! Figures as SVG: a title, a legend, and panels side by side.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::catalogue::{FIGURES, Figure};
use crate::data::Data;
use crate::escape::visible;
use crate::panel::Panel;

/// Okabe and Ito's palette, which keeps its differences in all common kinds of colour blindness; its yellow, too light
/// for a line, is replaced by grey. Arms also differ by marker.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 120),
];
/// Text and axes; a page that has a dark side puts its own colours in these two's places.
pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x23);
pub(crate) const GRID: RGBColor = RGBColor(0xe2, 0xe2, 0xe3);
const INK_HEX: &str = "\"#222223\"";
const GRID_HEX: &str = "\"#E2E2E3\"";

/// Heights of the title and of a line of the legend, and the left margin of both, in pixels.
const TITLE: i32 = 30;
const LINE: i32 = 21;
const LEFT: i32 = 12;

/// A figure as drawn.
pub(crate) struct Drawn {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) caption: &'static str,
    /// Whether it has several panels.
    pub(crate) wide: bool,
    svg: String,
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
        let coloured = self.svg.replace(INK_HEX, "\"currentColor\"").replace(GRID_HEX, "\"var(--grid)\"");
        coloured.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{} by generation\" ", self.title), 1)
    }
}

/// Draws every figure that has something to show.
pub(crate) fn draw_all(data: &Data) -> Vec<Drawn> {
    FIGURES.iter().filter_map(|figure| draw(data, figure)).collect()
}

fn draw(data: &Data, figure: &Figure) -> Option<Drawn> {
    let panels: Vec<Panel> = figure.panels.iter().filter_map(|quantity| Panel::of(data, quantity, figure)).collect();
    if panels.is_empty() {
        return None;
    }
    let wide = figure.panels.len() > 1;
    let width: u32 = if wide { 1120 } else { 560 };
    let legend = legend(data, &panels, width as i32);
    let header = TITLE + LINE * legend.last().map_or(0, |entry| entry.row + 1) + 4;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (width, 316 + header as u32)).into_drawing_area();
        let drawing = "drawing into a string cannot fail";
        draw_header(&root, figure.title, &legend).expect(drawing);
        let areas = root.margin(header, 6, 0, 0).split_evenly((1, panels.len()));
        for (i, (area, panel)) in areas.iter().zip(&panels).enumerate() {
            panel.draw(area, if i == 0 { figure.axis } else { "" }, wide).expect(drawing);
        }
        root.present().expect(drawing);
    }
    Some(Drawn { name: figure.name, title: figure.title, caption: figure.caption, wide, svg })
}

/// One line of the legend's meaning: an arm, or human text.
struct Entry {
    arm: Option<usize>,
    name: String,
    left: i32,
    row: i32,
}

/// Sets names in rows; widths are estimated, for an SVG has no fonts until it is shown.
fn legend(data: &Data, panels: &[Panel], width: i32) -> Vec<Entry> {
    let shown = |arm: &usize| panels.iter().any(|panel| panel.shows(*arm));
    let arms = (0..data.arms.len()).filter(shown).map(|arm| (Some(arm), visible(&data.arms[arm], false)));
    let human = panels.iter().any(Panel::has_human).then(|| (None, "other human text".to_owned()));
    let (mut left, mut row, mut entries) = (LEFT, 0, Vec::new());
    for (arm, name) in arms.chain(human) {
        let needed = 34 + 15 * name.chars().count() as i32 / 2 + 16;
        if left > LEFT && left + needed > width {
            (left, row) = (LEFT, row + 1);
        }
        entries.push(Entry { arm, name, left, row });
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

fn draw_header(root: &Area, title: &str, legend: &[Entry]) -> Outcome {
    let left = Pos::new(HPos::Left, VPos::Center);
    let bold = ("sans-serif", 19).into_font().style(FontStyle::Bold).color(&INK).pos(left);
    root.draw(&Text::new(title.to_owned(), (LEFT, TITLE / 2), bold))?;
    for entry in legend {
        let y = TITLE + LINE * entry.row + LINE / 2;
        let line = [(entry.left, y), (entry.left + 26, y)];
        match entry.arm {
            Some(arm) => {
                root.draw(&PathElement::new(line.to_vec(), colour(arm).stroke_width(2)))?;
                root.draw(&(EmptyElement::at((entry.left + 13, y)) + marker(arm)))?;
            }
            None => root.draw(&plotters::element::DashedPathElement::new(line, 5, 4, INK))?,
        }
        root.draw(&Text::new(entry.name.clone(), (entry.left + 33, y), text(15).pos(left)))?;
    }
    Ok(())
}

pub(crate) fn colour(arm: usize) -> RGBColor {
    PALETTE[arm % PALETTE.len()]
}

/// The arm's marker, around the place that it is drawn at: circle, square, triangle, diamond, in turn.
pub(crate) fn marker(arm: usize) -> Polygon<(i32, i32)> {
    let corners: &[(i32, i32)] = match arm % 4 {
        0 => &[(4, 0), (3, 3), (0, 4), (-3, 3), (-4, 0), (-3, -3), (0, -4), (3, -3)],
        1 => &[(-3, -3), (4, -3), (4, 4), (-3, 4)],
        2 => &[(0, -5), (5, 4), (-5, 4)],
        _ => &[(0, -5), (5, 0), (0, 5), (-5, 0)],
    };
    Polygon::new(corners.to_vec(), colour(arm).filled())
}
