//! Elements of all figures: sizes, text, a title, the colours of generations.

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::look::{GRID, INK, between};
use crate::visible::visible;

/// Heights of the title and of a row of panels, and the left margin of the title, in pixels.
pub(crate) const TITLE: i32 = 30;
pub(crate) const ROW: i32 = 316;
pub(crate) const LEFT: i32 = 12;
/// Width of a figure of several panels.
pub(crate) const WIDE: i32 = 1120;
/// Height of the line of a legend of generations.
pub(crate) const LEGEND: i32 = 26;
/// From the first generation to the last, each of a lightness that shows on white and on black.
const GENERATIONS: [RGBColor; 3] = [RGBColor(236, 136, 32), RGBColor(190, 64, 150), RGBColor(62, 92, 210)];

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A drawing. Plotters has escaped the texts in it, and every character of them shows and none commands.
pub(crate) struct Svg {
    width: i32,
    height: i32,
    /// What is drawn, as elements.
    elements: String,
}

impl Svg {
    /// A drawing of a size, as `draw` fills it.
    pub(crate) fn of(width: i32, height: i32, draw: impl FnOnce(&Area) -> Outcome) -> Self {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (width as u32, height as u32)).into_drawing_area();
            let drawing = "drawing into a string cannot fail";
            draw(&root).expect(drawing);
            root.present().expect(drawing);
        }
        let inside = svg.find('>').expect("it has a first tag") + 1..svg.rfind('<').expect("it has a last tag");
        Self { width, height, elements: visible(&svg[inside], true) }
    }

    /// A file of its own, on white.
    pub(crate) fn standalone(&self) -> String {
        let ground = html! { rect width="100%" height="100%" fill="#FFFFFF" {} };
        html! { (self.element(None, &ground, &self.elements)) "\n" }.into_string()
    }

    /// A part of a page, in the page's colours.
    pub(crate) fn inline(&self, label: &str) -> Markup {
        let hex = |RGBColor(r, g, b): RGBColor| format!("\"#{r:02X}{g:02X}{b:02X}\"");
        let coloured = self.elements.replace(&hex(INK), "\"currentColor\"").replace(&hex(GRID), "\"var(--grid)\"");
        self.element(Some(label), &Markup::default(), &coloured)
    }

    fn element(&self, label: Option<&str>, ground: &Markup, elements: &str) -> Markup {
        let Self { width, height, .. } = self;
        html! {
            svg role=[label.map(|_| "img")] aria-label=[label] width=(width) height=(height)
                viewBox={ "0 0 " (width) " " (height) } xmlns="http://www.w3.org/2000/svg" {
                (ground)
                // As plotters has written them: texts in them are escaped.
                (PreEscaped(elements))
            }
        }
    }
}

/// Text of a size that the library understands as a line's height: some 1.24 times the font's size in pixels.
pub(crate) fn text(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// The same, anchored in the middle of its height at its left end.
pub(crate) fn from_left(size: i32) -> TextStyle<'static> {
    text(size).pos(Pos::new(HPos::Left, VPos::Center))
}

/// A figure's title.
pub(crate) fn draw_title(root: &Area, title: &str) -> Outcome {
    let left = Pos::new(HPos::Left, VPos::Center);
    let bold = ("sans-serif", 19).into_font().style(FontStyle::Bold).color(&INK).pos(left);
    Ok(root.draw(&Text::new(title.to_owned(), (LEFT, TITLE / 2), bold))?)
}

/// Rows and columns of panels: one row of up to four, then as even as it goes.
pub(crate) fn grid(panels: usize) -> (usize, usize) {
    let rows = panels.div_ceil(4);
    (rows, panels.div_ceil(rows))
}

/// The colour of a generation, where `last` is the last one shown.
pub(crate) fn of_generation(generation: u32, last: u32) -> RGBColor {
    between(&GENERATIONS, f64::from(generation) / f64::from(last.max(1)))
}

/// The legend of generations' colours below the title: returns where more may stand after it.
pub(crate) fn draw_generations(root: &Area, last: u32) -> Result<(i32, i32), Box<dyn std::error::Error>> {
    let y = TITLE + LEGEND / 2 - 2;
    root.draw(&Text::new("generation 0", (LEFT, y), from_left(15)))?;
    let (from, step) = (LEFT + 88, 12);
    for i in 0..10 {
        let ends = [(from + step * i, y - 5), (from + step * (i + 1), y + 5)];
        root.draw(&Rectangle::new(ends, between(&GENERATIONS, f64::from(i) / 9.0).filled()))?;
    }
    let after = from + step * 10 + 8;
    root.draw(&Text::new(last.to_string(), (after, y), from_left(15)))?;
    Ok((after + 50, y))
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
