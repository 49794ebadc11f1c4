//! Perplexity against diversity: where the arms of a leaderboard stand in their last generation, so that a defence that saves
//! the one and loses the other is seen. Right is worse at human text; the dashed line is human text's own diversity: below it
//! a loop says too little, above it what it says is not human.

use plotters::prelude::*;

use crate::arm::Arm;
use crate::canvas::{Area, Outcome, Svg, TITLE, WIDE, draw_title, from_left, text};
use crate::data::Data;
use crate::figure::Drawn;
use crate::leaderboard::Board;
use crate::look::{GRID, INK, Look};
use crate::quantity::{DISTINCT_PAIRS, TEST_PERPLEXITY};
use crate::ruler::Ruler;
use crate::ticks;
use crate::visible::visible;

const HEIGHT: i32 = 560;
/// Characters of an arm's name.
const CHARACTERS: usize = 28;

/// Where an arm stands: perplexity and the share of distinct 2-grams, each with its interval.
struct Dot {
    arm: usize,
    across: (f64, f64, f64),
    up: (f64, f64, f64),
}

/// Draws the figure; none without a leaderboard.
pub(crate) fn draw(data: &Data, board: Option<&Board>) -> Option<Drawn> {
    let board = board?;
    let (perplexity, diversity) = (data.view(&TEST_PERPLEXITY)?, data.view(&DISTINCT_PAIRS)?);
    let dot = |(number, arm): (usize, &Arm)| {
        let mean = |viewed| {
            let interval = data.shown(viewed, &arm.name, board.last)?;
            let (low, high) = interval.bounds.unwrap_or((interval.mean, interval.mean));
            Some((interval.mean, low, high))
                .filter(|(mean, low, high)| mean.is_finite() && *low > 0.0 && high.is_finite())
        };
        Some(Dot { arm: number, across: mean(&perplexity)?, up: mean(&diversity)? })
    };
    let dots: Vec<Dot> = data.arms.iter().enumerate().filter_map(dot).collect();
    if dots.len() < 2 {
        return None;
    }
    let svg = Svg::of(WIDE, HEIGHT, |root| {
        draw_title(root, "Perplexity against diversity")?;
        panel(data, &root.margin(TITLE, 6, 0, 0), &dots, data.reference(&diversity))
    });
    let caption = "The last generation of each arm: perplexity of human test text (log axis), and the share of 2-grams of what it \
                   writes that are different, at equal size; means and 95 % intervals over seeds. The dashed line is other human \
                   text. To the left is better; what counts of diversity is to be near the line.";
    let (name, title) = ("perplexity-against-diversity", "Perplexity against diversity");
    Some(Drawn { name, title, caption: caption.to_owned(), wide: true, svg })
}

fn panel(data: &Data, area: &Area, dots: &[Dot], human: Option<f64>) -> Outcome {
    let least = |of: fn(&Dot) -> f64| dots.iter().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&Dot) -> f64| dots.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    let (left, right) = (least(|d| d.across.1) * 0.97, most(|d| d.across.2) * 1.12);
    let (low, high) =
        (least(|d| d.up.1).min(human.unwrap_or(f64::INFINITY)), most(|d| d.up.2).max(human.unwrap_or(0.0)));
    let room = 0.06 * (high - low).max(1e-6);
    let mut chart = ChartBuilder::on(area);
    chart.margin_left(6).margin_right(14).margin_top(8).x_label_area_size(46).y_label_area_size(66);
    let decades = ticks::logarithmic(left, right).into_iter().map(f64::log10).collect();
    let across = Ruler::new(left.log10(), right.log10(), decades);
    let up = Ruler::new(low - room, high + room, ticks::linear(low - room, high + room));
    let mut chart = chart.build_cartesian_2d(across, up)?;
    (chart.configure_mesh())
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(text(15))
        .x_desc("perplexity per token (log axis)")
        .y_desc("share of distinct 2-grams")
        .x_label_formatter(&|x| ticks::label(ticks::rounded(10f64.powf(*x))))
        .y_label_formatter(&|y| ticks::label(*y))
        .draw()?;
    if let Some(human) = human {
        chart.draw_series(DashedLineSeries::new([(left.log10(), human), (right.log10(), human)], 5, 4, INK.into()))?;
    }
    for dot in dots {
        let (x, y) = (dot.across.0.log10(), dot.up.0);
        let look = Look::Arm(dot.arm);
        let bars = [[(dot.across.1.log10(), y), (dot.across.2.log10(), y)], [(x, dot.up.1), (x, dot.up.2)]];
        chart.draw_series(bars.map(|ends| PathElement::new(ends.to_vec(), look.colour().mix(0.5))))?;
        let name: String = visible(&data.arms[dot.arm].name, false).chars().take(CHARACTERS).collect();
        let label = Text::new(name, (8, -7), from_left(13));
        chart.draw_series([EmptyElement::at((x, y)) + look.marker() + label])?;
    }
    Ok(())
}
