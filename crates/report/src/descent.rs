//! The genealogy of a false fact as a figure: a row for each arm, a place for each generation.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::canvas::{Area, LEFT, Outcome, Svg, WIDE, draw_title, from_left, text};
use crate::data::Data;
use crate::figure::Drawn;
use crate::genealogy::{self, Genealogy, Generation};
use crate::look::{GRID, INK, Look};
use crate::visible::visible;

/// Heights of what stands above the rows, of a row and of what stands below, in pixels.
const HEAD: i32 = 40;
const ROW: i32 = 118;
const FOOT: i32 = 44;
/// Where the first and the last generation stand.
const FROM: i32 = 150;
const TO: i32 = WIDE - 50;
/// The largest circle's radius.
const RADIUS: f64 = 15.0;
/// Characters shown of a fact.
const CHARACTERS: usize = 110;

const TITLE: &str = "The genealogy of a false fact";
const CAPTION: &str = "For one chain of each arm, the false fact that it states over the most generations in a row (of equal \
    ones, the one stated most often): an example that was chosen for its length, not a measure. Filled circles: generations \
    that tell it, by area and number how often; a line joins those without a gap. Below: how many different false facts the \
    generation states in all.";

/// Draws the figure; none if no chain states a false fact.
pub(crate) fn draw(data: &Data) -> Option<Drawn> {
    let (mut rows, mut unread) = (Vec::new(), Vec::new());
    for (number, arm) in data.arms.iter().enumerate() {
        match genealogy::of_arm(data, &arm.name) {
            Some(Ok(genealogy)) => rows.push((number, genealogy)),
            Some(Err(why)) => unread.push(format!(" {} cannot be shown: {why}.", arm.name)),
            None => {}
        }
    }
    let is_any = rows.iter().any(|(_, genealogy)| genealogy.fact.is_some());
    if !is_any && unread.is_empty() {
        return None;
    }
    let mut caption = CAPTION.to_owned();
    if let Some(control) = data.control() {
        let name = &data.arms[control].name;
        caption.push_str(&format!(" {name} trains on no model’s text: what recurs there recurs by chance."));
    }
    caption.extend(unread);
    let svg = Svg::of(WIDE, HEAD + ROW * rows.len() as i32 + FOOT, |root| rows_of(root, data, &rows));
    Some(Drawn { name: "genealogy", title: TITLE, caption, wide: true, svg })
}

/// Where generations stand, and how large circles are.
struct Scale {
    last: u32,
    most: u64,
}

impl Scale {
    fn of(rows: &[(usize, Genealogy)]) -> Self {
        let all = || rows.iter().flat_map(|(_, genealogy)| &genealogy.generations);
        let last = all().map(|row| row.generation).max().unwrap_or(0);
        Self { last, most: all().map(|row| row.count).max().unwrap_or(0).max(1) }
    }

    fn x(&self, generation: u32) -> i32 {
        FROM + (f64::from(TO - FROM) * f64::from(generation) / f64::from(self.last.max(1))).round() as i32
    }

    /// Pixels between two generations.
    fn step(&self) -> f64 {
        f64::from(TO - FROM) / f64::from(self.last.max(1))
    }

    /// Areas are as counts are.
    fn radius(&self, count: u64) -> i32 {
        let largest = RADIUS.min(0.45 * self.step());
        (largest * (count as f64 / self.most as f64).sqrt()).round().max(3.0) as i32
    }

    /// True if a generation bears numbers: all do if there is room for five digits.
    fn numbered(&self, generation: u32) -> bool {
        generation.is_multiple_of((46.0 / self.step()).ceil().max(1.0) as u32)
    }
}

fn rows_of(root: &Area, data: &Data, rows: &[(usize, Genealogy)]) -> Outcome {
    draw_title(root, TITLE)?;
    let scale = Scale::of(rows);
    for (i, (arm, genealogy)) in rows.iter().enumerate() {
        let top = HEAD + ROW * i as i32;
        if i > 0 {
            root.draw(&PathElement::new([(LEFT, top - 4), (WIDE - LEFT, top - 4)], GRID))?;
        }
        heading(root, top + 12, Look::Arm(*arm), &data.arms[*arm].name, genealogy)?;
        row(root, top, Look::Arm(*arm), genealogy, &scale)?;
    }
    let y = HEAD + ROW * rows.len() as i32 + 8;
    let centre = Pos::new(HPos::Center, VPos::Center);
    root.draw(&Text::new("generation", (LEFT, y), from_left(15)))?;
    for generation in (0..=scale.last).filter(|&generation| scale.numbered(generation)) {
        root.draw(&Text::new(generation.to_string(), (scale.x(generation), y), text(15).pos(centre)))?;
    }
    Ok(())
}

/// Which arm it is, and the fact in words.
fn heading(root: &Area, y: i32, look: Look, arm: &str, genealogy: &Genealogy) -> Outcome {
    let words = match &genealogy.fact {
        Some(fact) => shortened(&fact.words),
        None => "no false fact".to_owned(),
    };
    let said = format!("{}, seed {}: {words}", visible(arm, false), genealogy.chain.seed);
    root.draw(&(EmptyElement::at((LEFT + 6, y)) + look.marker()))?;
    Ok(root.draw(&Text::new(said, (LEFT + 18, y), from_left(16)))?)
}

fn row(root: &Area, top: i32, look: Look, genealogy: &Genealogy, scale: &Scale) -> Outcome {
    let (numbers, line, below) = (top + 34, top + 60, top + 90);
    root.draw(&Text::new("times stated", (LEFT, numbers), from_left(13)))?;
    root.draw(&Text::new("false facts in all", (LEFT, below), from_left(13)))?;
    if let Some(fact) = &genealogy.fact {
        let ends = [(scale.x(fact.first), line), (scale.x(fact.last), line)];
        root.draw(&PathElement::new(ends, look.colour().stroke_width(3)))?;
    }
    for row in &genealogy.generations {
        draw_generation(root, row, (numbers, line, below), look, scale)?;
    }
    Ok(())
}

fn draw_generation(root: &Area, generation: &Generation, at: (i32, i32, i32), look: Look, scale: &Scale) -> Outcome {
    let (numbers, line, below) = at;
    let x = scale.x(generation.generation);
    let centre = Pos::new(HPos::Center, VPos::Center);
    if generation.count > 0 {
        root.draw(&Circle::new((x, line), scale.radius(generation.count), look.colour().filled()))?;
    } else {
        root.draw(&Circle::new((x, line), 3, INK.mix(0.45).stroke_width(1)))?;
    }
    if scale.numbered(generation.generation) {
        let count = if generation.count > 0 { generation.count.to_string() } else { String::new() };
        root.draw(&Text::new(count, (x, numbers), text(14).pos(centre)))?;
        root.draw(&Text::new(generation.all.to_string(), (x, below), text(13).pos(centre)))?;
    }
    Ok(())
}

/// The fact as it can be shown on one line.
fn shortened(words: &str) -> String {
    let beginning: String = words.chars().take(CHARACTERS + 1).collect();
    let shown = visible(&beginning, false);
    match shown.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}
