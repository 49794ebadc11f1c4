//! Curves in plain text. All of it is ASCII but for names, so that it shows in any terminal, log or mail.

use crate::ticks::{linear, number, rounded};

/// Characters of a line, and lines of the plot.
const WIDTH: usize = 76;
const HEIGHT: usize = 13;
/// Characters of the numbers at the left, and the most of a name at the right.
const NUMBERS: usize = 8;
const NAME: usize = 24;
/// What marks the curves, in order.
const MARKS: [char; 8] = ['o', 'x', '*', '+', '#', '@', '%', '&'];

/// A curve by generation.
pub(crate) struct Course {
    /// Visible.
    pub(crate) name: String,
    pub(crate) points: Vec<(u32, f64)>,
}

/// How the values go up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upward {
    /// From zero.
    Linear,
    /// On the logarithm; values that are not positive are left out.
    Log,
}

/// A curve with its mark, in the axis's own scale.
struct Marked {
    mark: char,
    name: String,
    points: Vec<(u32, f64)>,
}

/// The curves over generations, the first on top of the others, each with its name where it ends. Empty if nothing has two
/// generations.
pub(crate) fn plot(curves: &[Course], upward: Upward) -> String {
    let log = upward == Upward::Log;
    let curves: Vec<Marked> = (curves.iter().zip(MARKS.into_iter().cycle()))
        .map(|(curve, mark)| {
            let points = curve.points.iter().map(|&(generation, y)| (generation, if log { y.ln() } else { y }));
            Marked { mark, name: shortened(&curve.name), points: points.filter(|(_, y)| y.is_finite()).collect() }
        })
        .filter(|curve| !curve.points.is_empty())
        .collect();
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let last = all().map(|(generation, _)| *generation).max().unwrap_or(0);
    if last == 0 {
        return String::new();
    }
    let (least, most) =
        all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    let low = if log { least } else { least.min(0.0) };
    let high = if most <= low {
        low + 1.0
    } else if log {
        most
    } else {
        round_up(low, most)
    };
    let names = curves.iter().map(|curve| curve.name.chars().count()).max().unwrap_or(0);
    let mut grid = Grid::new(WIDTH - NUMBERS - 2 - names - 4, curves.len().max(HEIGHT), last, (low, high));
    for curve in curves.iter().rev() {
        grid.draw(&curve.points, curve.mark);
    }
    let end = |curve: &Marked| {
        let (_, y) = curve.points[curve.points.len() - 1];
        (grid.row(y), format!("{} {}", curve.mark, curve.name))
    };
    let labels = labels(curves.iter().map(end).collect(), grid.cells.len());
    grid.text(&labels, &|y| number(rounded(if log { y.exp() } else { y })))
}

/// The first round number that is not below `high`.
fn round_up(low: f64, high: f64) -> f64 {
    match linear(low, high)[..] {
        [first, second, ..] => ((high / (second - first)) - 1e-9).ceil() * (second - first),
        _ => high,
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME { name.to_owned() } else { name.chars().take(NAME - 1).chain(['…']).collect() }
}

/// One label for a row at most: where several curves end together, their names go on below, or above at the bottom.
fn labels(mut ends: Vec<(usize, String)>, rows: usize) -> Vec<Option<String>> {
    ends.sort_by_key(|(row, _)| *row);
    let (mut labels, mut free, mut left) = (vec![None; rows], 0, ends.len());
    for (row, label) in ends {
        let row = row.max(free).min(rows - left);
        labels[row] = Some(label);
        (free, left) = (row + 1, left - 1);
    }
    labels
}

/// The characters between the axes.
struct Grid {
    cells: Vec<Vec<char>>,
    last: u32,
    low: f64,
    high: f64,
}

impl Grid {
    fn new(width: usize, height: usize, last: u32, (low, high): (f64, f64)) -> Self {
        Self { cells: vec![vec![' '; width]; height], last, low, high }
    }

    fn column(&self, generation: u32) -> usize {
        let width = self.cells[0].len() - 1;
        (f64::from(generation) / f64::from(self.last) * width as f64).round() as usize
    }

    /// The row of a value; the first row is the highest.
    fn row(&self, value: f64) -> usize {
        let share = (self.high - value) / (self.high - self.low);
        (share * (self.cells.len() - 1) as f64).round() as usize
    }

    /// A mark at each generation and dots between.
    fn draw(&mut self, points: &[(u32, f64)], mark: char) {
        for pair in points.windows(2) {
            let [(from, start), (to, end)] = [pair[0], pair[1]];
            let (left, right) = (self.column(from), self.column(to));
            for column in left..=right {
                let share = (column - left) as f64 / (right - left).max(1) as f64;
                let row = self.row(start + share * (end - start));
                self.cells[row][column] = '.';
            }
        }
        for &(generation, value) in points {
            let (row, column) = (self.row(value), self.column(generation));
            self.cells[row][column] = mark;
        }
    }

    /// With axes and labels.
    fn text(&self, labels: &[Option<String>], written: &dyn Fn(f64) -> String) -> String {
        let rows = self.cells.len();
        let mut text = String::new();
        for (row, cells) in self.cells.iter().enumerate() {
            // Of the two ends each by its own share: the last row is the low end exactly.
            let share = row as f64 / (rows - 1) as f64;
            let value = self.high * (1.0 - share) + self.low * share;
            let tick = if row % ((rows - 1) / 2) == 0 { written(value) } else { String::new() };
            let line: String = cells.iter().collect();
            let label = labels[row].as_deref().unwrap_or_default();
            text.push_str(format!("{tick:>NUMBERS$} |{line}  {label}").trim_end());
            text.push('\n');
        }
        let width = self.cells[0].len();
        text.push_str(&format!("{:>NUMBERS$} +{}\n", "", "-".repeat(width)));
        let mut below = format!("{:>NUMBERS$}  ", "gen");
        for generation in 0..=self.last {
            let (label, at) = (generation.to_string(), NUMBERS + 2 + self.column(generation));
            let at = at.min(NUMBERS + 2 + width - label.len());
            if generation == 0 || at > below.chars().count() + 1 {
                below.push_str(&" ".repeat(at - below.chars().count()));
                below.push_str(&label);
            }
        }
        text + &below + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(name: &str, values: &[f64]) -> Course {
        Course { name: name.to_owned(), points: (0..).zip(values.iter().copied()).collect() }
    }

    #[test]
    fn a_line_goes_from_corner_to_corner() {
        let text = plot(&[course("up", &[0.0, 1.0, 2.0]), course("flat", &[0.0, 0.0, 0.0])], Upward::Linear);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), HEIGHT + 2);
        assert!(lines[0].starts_with("       2 |") && lines[0].ends_with("o  o up"), "{text}");
        assert!(lines[6].starts_with("       1 |") && lines[6].contains(".o."), "{text}");
        assert!(lines[12].starts_with("       0 |o.") && lines[12].ends_with("x  x flat"), "{text}");
        assert_eq!(lines[14].split_whitespace().collect::<Vec<_>>(), ["gen", "0", "1", "2"]);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn on_the_logarithm() {
        let text = plot(&[course("a", &[10.0, 100.0, 1000.0])], Upward::Log);
        assert!(text.starts_with("    1000 |") && text.lines().nth(6).unwrap().starts_with("     100 |"), "{text}");
    }

    #[test]
    fn ends_that_meet_have_their_own_lines() {
        let said = |row: usize| (row, row.to_string());
        let at = |ends: &[usize], rows| {
            let labels = labels(ends.iter().map(|&row| said(row)).collect(), rows);
            (0..rows).filter(|&row| labels[row].is_some()).collect::<Vec<_>>()
        };
        assert_eq!(at(&[0, 0, 5], 6), [0, 1, 5]);
        assert_eq!(at(&[5, 5, 5], 6), [3, 4, 5]);
        assert_eq!(at(&[4, 4, 5], 6), [3, 4, 5]);
    }

    #[test]
    fn nothing_to_draw() {
        assert_eq!(plot(&[], Upward::Linear), "");
        assert_eq!(plot(&[course("one", &[3.0])], Upward::Linear), "");
        assert_eq!(plot(&[course("none", &[f64::NAN, f64::INFINITY])], Upward::Linear), "");
        assert!(plot(&[course("same", &[0.0, 0.0])], Upward::Log).is_empty());
        assert!(!plot(&[course("same", &[5.0, 5.0])], Upward::Log).is_empty());
        let many: Vec<Course> = (0..20).map(|i| course(&"n".repeat(60), &[f64::from(i); 60])).collect();
        assert!(plot(&many, Upward::Linear).lines().all(|line| line.chars().count() <= WIDTH));
    }
}
