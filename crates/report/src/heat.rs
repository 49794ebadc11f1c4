//! Grids as heat maps: the arms of a sweep, one cell each, by their place in it. The first two
//! dimensions are columns and rows; each combination of the others has a panel. The value is written in each cell, so that
//! the picture can be read without its colours.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use serde_json::Value;

use crate::canvas::{Area, LEFT, Outcome, Svg, TITLE, WIDE, draw_title, from_left, text};
use crate::data::Data;
use crate::figure::Drawn;
use crate::look::between;
use crate::quantity::{BITS_PER_BYTE, EXCESS, Quantity, VOCABULARY};
use crate::ticks::number;
use crate::visible::visible;

/// Heights of a cell, of what stands above a panel's cells and of what stands below, in pixels.
const CELL: i32 = 46;
const ABOVE: i32 = 30;
const BELOW: i32 = 54;
/// Width of the rows' names, and of the widest cell.
const NAMES: i32 = 150;
const WIDEST: i32 = 150;
/// Characters of a value's name.
const CHARACTERS: usize = 20;
/// From least to most, and the ink on either; these are the same on a light and on a dark page.
const COLOURS: [RGBColor; 4] =
    [RGBColor(240, 245, 250), RGBColor(158, 202, 225), RGBColor(66, 146, 198), RGBColor(8, 48, 107)];
const DARK: RGBColor = RGBColor(16, 16, 18);
const LIGHT: RGBColor = RGBColor(252, 252, 254);

/// A mean over seeds and half of its interval.
type Mean = (f64, Option<f64>);

/// An arm's place, by the number of its value in each dimension.
struct Place {
    arm: String,
    at: Vec<usize>,
}

/// A dimension: its key, and its values as names, in the order of the file.
struct Dimension {
    name: String,
    values: Vec<String>,
}

struct Grid {
    dimensions: Vec<Dimension>,
    places: Vec<Place>,
}

impl Grid {
    /// The grid of a run; none if no dimension has two values.
    fn of(data: &Data) -> Option<Self> {
        let mut grid = Self { dimensions: Vec::new(), places: Vec::new() };
        for arm in data.arms.iter().filter(|arm| !arm.point.is_empty()) {
            let point = arm.point.iter().map(|(key, value)| (key.clone(), named(value)));
            let family = arm.family.as_ref().map(|family| ("arm".to_owned(), visible(family, false)));
            let mut at = Vec::new();
            for (key, value) in point.chain(family) {
                let (dimension, value) = grid.number(key, value);
                at.resize(at.len().max(dimension + 1), 0);
                at[dimension] = value;
            }
            grid.places.push(Place { arm: arm.name.clone(), at });
        }
        // What does not vary is no dimension.
        let varies: Vec<bool> = grid.dimensions.iter().map(|dimension| dimension.values.len() > 1).collect();
        for place in &mut grid.places {
            place.at.resize(varies.len(), 0);
            place.at = place.at.iter().zip(&varies).filter(|(_, varies)| **varies).map(|(at, _)| *at).collect();
        }
        grid.dimensions.retain(|dimension| dimension.values.len() > 1);
        (!grid.dimensions.is_empty()).then_some(grid)
    }

    fn number(&mut self, key: String, value: String) -> (usize, usize) {
        let dimension = self.dimensions.iter().position(|d| d.name == key).unwrap_or_else(|| {
            self.dimensions.push(Dimension { name: key, values: Vec::new() });
            self.dimensions.len() - 1
        });
        let values = &mut self.dimensions[dimension].values;
        let at = values.iter().position(|known| *known == value).unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        });
        (dimension, at)
    }

    /// The combinations of what is neither columns nor rows, with the arms of each.
    fn panels(&self) -> Vec<(String, Vec<&Place>)> {
        let mut panels: Vec<(&[usize], Vec<&Place>)> = Vec::new();
        for place in &self.places {
            let rest = &place.at[place.at.len().min(2)..];
            match panels.iter_mut().find(|(known, _)| *known == rest) {
                Some((_, places)) => places.push(place),
                None => panels.push((rest, vec![place])),
            }
        }
        let title = |rest: &[usize]| {
            let names = self.dimensions.iter().skip(2).zip(rest);
            names.map(|(of, at)| format!("{} = {}", of.name, of.values[*at])).collect::<Vec<_>>().join(", ")
        };
        panels.into_iter().map(|(rest, places)| (title(rest), places)).collect()
    }
}

/// A value as its name: what is composed is written as in the experiment file.
fn named(value: &Value) -> String {
    fn written(value: &Value) -> String {
        let list = |parts: Vec<String>| parts.join(", ");
        match value {
            Value::Array(values) => format!("[{}]", list(values.iter().map(written).collect())),
            Value::Object(table) => {
                let pair = |(key, value): (&String, &Value)| format!("{key} = {}", written(value));
                format!("{{ {} }}", list(table.iter().map(pair).collect()))
            }
            plain => plain.to_string(),
        }
    }
    visible(&value.as_str().map_or_else(|| written(value), str::to_owned), false)
}

/// The heat maps of a run; none if it is no grid.
pub(crate) fn draw_all(data: &Data) -> Vec<Drawn> {
    let Some(grid) = Grid::of(data) else {
        return Vec::new();
    };
    let maps: [(&'static str, &'static str, &Quantity); 3] = [
        ("grid-excess", "Above the floor, over the grid", &EXCESS),
        ("grid-bits-per-byte", "Test bits per byte, over the grid", &BITS_PER_BYTE),
        ("grid-vocabulary", "Vocabulary that survives, over the grid", &VOCABULARY),
    ];
    maps.into_iter().filter_map(|(name, title, quantity)| draw(data, &grid, name, title, quantity)).collect()
}

/// The mean of an arm's last generation, and the half width of its interval.
fn last(data: &Data, quantity: &Quantity, arm: &str) -> Option<Mean> {
    let viewed = data.view(quantity)?;
    let interval = data.shown(&viewed, arm, *data.generations_of(&viewed.key, arm).last()?)?;
    interval.mean.is_finite().then(|| (interval.mean, interval.bounds.map(|(low, high)| (high - low) / 2.0)))
}

fn draw(data: &Data, grid: &Grid, name: &'static str, title: &'static str, quantity: &Quantity) -> Option<Drawn> {
    let panels = grid.panels();
    let values: Vec<Vec<Option<Mean>>> = panels
        .iter()
        .map(|(_, places)| places.iter().map(|place| last(data, quantity, &place.arm)).collect())
        .collect();
    let all = || values.iter().flatten().flatten().map(|(mean, _)| *mean);
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > high {
        return None;
    }
    let columns = grid.dimensions[0].values.len();
    let rows = grid.dimensions.get(1).map_or(1, |dimension| dimension.values.len());
    let across = (panels.len() as i32).min(if columns <= 4 { 2 } else { 1 });
    let space = (WIDE - 2 * LEFT) / across;
    let cell = ((space - NAMES - 12) / columns as i32).min(WIDEST);
    let height = ABOVE + CELL * rows as i32 + BELOW;
    let down = (panels.len() as i32 + across - 1) / across;
    let svg = Svg::of(WIDE, TITLE + height * down, |root| {
        draw_title(root, title)?;
        for (i, ((title, places), values)) in panels.iter().zip(&values).enumerate() {
            let corner = (LEFT + space * (i as i32 % across), TITLE + height * (i as i32 / across));
            let panel = Map { grid, corner, cell, rows: rows as i32, columns: columns as i32, range: (low, high) };
            panel.draw(root, title, places, values)?;
        }
        Ok(())
    });
    let caption = format!(
        "{}: mean over seeds in each arm’s last generation, below it half of its 95 % interval. Darker is more.",
        quantity.title
    );
    Some(Drawn { name, title, caption, wide: true, svg })
}

/// Area of a panel.
struct Map<'a> {
    grid: &'a Grid,
    corner: (i32, i32),
    cell: i32,
    rows: i32,
    columns: i32,
    range: (f64, f64),
}

impl Map<'_> {
    fn draw(&self, root: &Area, title: &str, places: &[&Place], values: &[Option<Mean>]) -> Outcome {
        let (left, top) = (self.corner.0 + NAMES, self.corner.1 + ABOVE);
        let at = |h, v| Pos::new(h, v);
        root.draw(&Text::new(title.to_owned(), (left, self.corner.1 + ABOVE / 2), from_left(15)))?;
        for (i, name) in self.grid.dimensions[0].values.iter().enumerate() {
            let x = left + self.cell * i as i32 + self.cell / 2;
            let style = text(14).pos(at(HPos::Center, VPos::Top));
            root.draw(&Text::new(shortened(name, self.cell as usize / 7), (x, top + CELL * self.rows + 5), style))?;
        }
        let x = left + self.cell * self.columns / 2;
        let below = (x, top + CELL * self.rows + 26);
        root.draw(&Text::new(self.grid.dimensions[0].name.clone(), below, text(15).pos(at(HPos::Center, VPos::Top))))?;
        if let Some(second) = self.grid.dimensions.get(1) {
            for (i, name) in second.values.iter().enumerate() {
                let place = (left - 8, top + CELL * i as i32 + CELL / 2);
                let style = text(14).pos(at(HPos::Right, VPos::Center));
                root.draw(&Text::new(shortened(name, CHARACTERS), place, style))?;
            }
            let style = text(15).pos(at(HPos::Right, VPos::Center));
            root.draw(&Text::new(second.name.clone(), (left - 8, self.corner.1 + ABOVE / 2), style))?;
        }
        for (place, value) in places.iter().zip(values) {
            self.cell(root, (left, top), place, *value)?;
        }
        Ok(())
    }

    fn cell(&self, root: &Area, corner: (i32, i32), place: &Place, value: Option<Mean>) -> Outcome {
        let column = place.at.first().map_or(0, |&at| at as i32);
        let row = place.at.get(1).map_or(0, |&at| at as i32);
        let (x, y) = (corner.0 + self.cell * column, corner.1 + CELL * row);
        let ends = [(x + 1, y + 1), (x + self.cell - 1, y + CELL - 1)];
        let Some((mean, half)) = value else {
            return Ok(root.draw(&Rectangle::new(ends, crate::look::GRID.stroke_width(1)))?);
        };
        let (low, high) = self.range;
        let share = if high > low { (mean - low) / (high - low) } else { 0.0 };
        root.draw(&Rectangle::new(ends, between(&COLOURS, share).filled()))?;
        let ink = if share > 0.55 { LIGHT } else { DARK };
        let style = |size: i32| ("sans-serif", size).into_font().color(&ink).pos(Pos::new(HPos::Center, VPos::Center));
        let (centre, lift) = ((x + self.cell / 2, y + CELL / 2), if half.is_some() { 8 } else { 0 });
        root.draw(&Text::new(number(mean), (centre.0, centre.1 - lift), style(16)))?;
        if let Some(half) = half {
            root.draw(&Text::new(format!("± {}", number(half)), (centre.0, centre.1 + 11), style(13)))?;
        }
        Ok(())
    }
}

fn shortened(name: &str, most: usize) -> String {
    match name.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_named_as_in_the_file() {
        let values = serde_json::json!([0.7, 1.0, 3, "replace", {"pool": 0.1, "latest": "all"}, ["a", 2]]);
        let names: Vec<String> = values.as_array().unwrap().iter().map(named).collect();
        assert_eq!(names, ["0.7", "1.0", "3", "replace", "{ pool = 0.1, latest = \"all\" }", "[\"a\", 2]"]);
    }
}
