//! Documents by their perplexity under generation 0's model, a curve for each generation: the picture of Shumailov et al.
//! (2024, figure 1), in which later generations write more of what the first model would write, and grow a tail of what it
//! never would.
//!
//! A score stage may hold `perplexities.json`, bins of a quarter of an octave with numbers of documents:
//!
//! ```json
//! [{"from": 4.0, "to": 4.757, "generated": 120, "human": 96}]
//! ```
//!
//! All seeds of an arm are one histogram.

use std::collections::BTreeMap;

use plotters::prelude::*;
use serde::Deserialize;

use crate::canvas::{
    Area, LEGEND, Outcome, ROW, Svg, TITLE, WIDE, draw_generations, draw_title, from_left, grid, of_generation, text,
};
use crate::data::Data;
use crate::figure::Drawn;
use crate::look::{GRID, INK};
use crate::ruler::Ruler;
use crate::{stages, ticks};

/// File of a score stage.
const FILE: &str = "perplexities.json";
/// A file longer than this is none of ours; it bounds what a broken one can take of memory.
const LONGEST: u64 = 1 << 20;
const TITLED: &str = "Documents by perplexity under generation 0’s model";
/// Bins of an octave.
const BINS: f64 = 4.0;
/// Arms that have a panel.
const ARMS: usize = 8;
/// The share of documents at either end that a panel need not show.
const ENDS: f64 = 0.01;

#[derive(Deserialize)]
struct Bin {
    from: f64,
    generated: u32,
    human: u32,
}

/// Documents by bin.
type Counts = BTreeMap<i32, f64>;

/// One arm's.
struct Histograms<'a> {
    arm: &'a str,
    human: Counts,
    generations: BTreeMap<u32, Counts>,
}

/// Draws the figure; none if no stage has such a file.
pub(crate) fn draw(data: &Data) -> Option<Drawn> {
    let arms: Vec<Histograms> = data.arms.iter().filter_map(|arm| of_arm(data, &arm.name)).take(ARMS).collect();
    let ends = arms.iter().flat_map(|arm| arm.generations.values().chain([&arm.human])).filter_map(ends);
    let (low, high) = ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
    let most =
        arms.iter().flat_map(|arm| arm.generations.values().chain([&arm.human])).map(highest).fold(0.0, f64::max);
    let last = arms.iter().filter_map(|arm| arm.generations.keys().last()).max().copied().unwrap_or(0);
    let (rows, columns) = grid(arms.len());
    let svg = Svg::of(WIDE, TITLE + LEGEND + ROW * rows as i32, |root| {
        draw_title(root, TITLED)?;
        legend(root, last)?;
        let areas = root.margin(TITLE + LEGEND, 6, 0, 0).split_evenly((rows, columns));
        for (i, (area, arm)) in areas.iter().zip(&arms).enumerate() {
            panel(area, arm, (low - 1, high + 2), most, last, i % columns == 0)?;
        }
        Ok(())
    });
    let caption = "Share of documents in bins of a quarter of an octave, all seeds together. Human test text, dashed, is new to \
                   the model. What moves to the left is what generation 0 finds likely; what grows at the right is what \
                   it would hardly write.";
    let (name, caption) = ("perplexity-histogram", caption.to_owned());
    Some(Drawn { name, title: TITLED, caption, wide: true, svg })
}

/// An arm's histograms, of all seeds whose files can be read.
fn of_arm<'a>(data: &Data, arm: &'a str) -> Option<Histograms<'a>> {
    let (mut human, mut generations) = (Counts::new(), BTreeMap::<u32, Counts>::new());
    for made in data.chains_of(arm).flat_map(|chain| stages::of(chain, stages::SCORE)) {
        let bins: Vec<Bin> = made.read(FILE, LONGEST).and_then(Result::ok).unwrap_or_default();
        for Bin { from, generated, human: theirs } in bins {
            let place = (BINS * from.log2()).round();
            if place.abs() > 1000.0 || place.is_nan() {
                continue;
            }
            let place = place as i32;
            *generations.entry(made.generation).or_default().entry(place).or_default() += f64::from(generated);
            *human.entry(place).or_default() += f64::from(theirs);
        }
    }
    (!generations.is_empty()).then_some(Histograms { arm, human, generations })
}

fn total(counts: &Counts) -> f64 {
    counts.values().sum()
}

/// The largest share.
fn highest(counts: &Counts) -> f64 {
    counts.values().fold(0.0, |most: f64, &count| most.max(count)) / total(counts).max(1.0)
}

/// The bins between which nearly all documents are; none of no documents.
fn ends(counts: &Counts) -> Option<(i32, i32)> {
    let (all, mut before) = (total(counts), 0.0);
    let mut within = counts.iter().filter(|(_, count)| **count > 0.0).filter(|(_, count)| {
        let inside = before + **count > ENDS * all && before < (1.0 - ENDS) * all;
        before += **count;
        inside
    });
    let first = *within.next()?.0;
    Some((first, within.last().map_or(first, |(last, _)| *last)))
}

/// The colours of generations, and what is dashed.
fn legend(root: &Area, last: u32) -> Outcome {
    let (x, y) = draw_generations(root, last)?;
    root.draw(&plotters::element::DashedPathElement::new([(x, y), (x + 26, y)], 5, 4, INK))?;
    Ok(root.draw(&Text::new("human test text", (x + 33, y), from_left(15)))?)
}

fn panel(area: &Area, arm: &Histograms, (low, high): (i32, i32), most: f64, last: u32, named: bool) -> Outcome {
    let octave = |place: i32| f64::from(place) / BINS * std::f64::consts::LOG10_2;
    let mut chart = ChartBuilder::on(area);
    chart.margin_left(6).margin_right(14).margin_top(8).x_label_area_size(46);
    chart.y_label_area_size(if named { 66 } else { 46 }).caption(arm.arm, text(16));
    let (from, to) = (octave(low), octave(high));
    let marks = ticks::logarithmic(10f64.powf(from), 10f64.powf(to)).into_iter().map(f64::log10).collect();
    let top = 1.05 * most;
    let mut chart =
        chart.build_cartesian_2d(Ruler::new(from, to, marks), Ruler::new(0.0, top, ticks::linear(0.0, top)))?;
    (chart.configure_mesh())
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(text(15))
        .x_desc("perplexity per token")
        .y_desc(if named { "share of documents" } else { "" })
        .x_label_formatter(&|x| ticks::label(ticks::rounded(10f64.powf(*x))))
        .y_label_formatter(&|y| ticks::label(*y))
        .draw()?;
    // A point in the middle of each bin.
    let course = |counts: &Counts| -> Vec<(f64, f64)> {
        let all = total(counts).max(1.0);
        let share = |place: i32| counts.get(&place).copied().unwrap_or(0.0) / all;
        (low..high).map(|place| ((octave(place) + octave(place + 1)) / 2.0, share(place))).collect()
    };
    for (&generation, counts) in &arm.generations {
        let colour = of_generation(generation, last);
        chart.draw_series(LineSeries::new(course(counts), colour.stroke_width(2)))?;
    }
    Ok(chart.draw_series(DashedLineSeries::new(course(&arm.human), 5, 4, INK.into())).map(|_| ())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_documents_are_between_the_ends() {
        let counts = |list: &[(i32, f64)]| list.iter().copied().collect::<Counts>();
        assert_eq!(ends(&counts(&[])), None);
        assert_eq!(ends(&counts(&[(3, 5.0)])), Some((3, 3)));
        assert_eq!(ends(&counts(&[(1, 1.0), (4, 500.0), (6, 498.0), (60, 1.0)])), Some((4, 6)));
        assert_eq!(ends(&counts(&[(1, 5.0), (2, 0.0), (6, 98.0), (60, 5.0)])), Some((1, 60)));
        assert_eq!(highest(&counts(&[(1, 1.0), (2, 3.0)])), 0.75);
    }
}
