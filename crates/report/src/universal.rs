//! Universal survival: what is alive against how often it is still expected, for all frequencies and generations at once.
//!
//! Under `replace`, a type of probability p is in a text of n independent draws k samples down the line with chance
//! 1 - exp(-x), x = n p g_k, g_1 = 1, g_(k+1) = 1 - exp(-g_k), whatever p and k are (Suresh, Thangaraj and Khandavally 2025):
//! all generations fall on one curve. The human sample is k = 1; what generation g generated is k = g + 2 for what is frequent
//! in the language itself (a world's facts, persons and forms), and one less for what is counted in the human sample (words).
//!
//! Every law of survival has this form, with a g of its own: what is left in generation g of one draw
//! ([`chain::laws::survival_written`]). So each arm is drawn at its own recipe's x, and its panel has the same curve; what
//! stands off the curve is what the law does not know: what learning adds to forgetting, or smoothing gives back. A recipe
//! without a law is drawn at the x of `replace`, its panel says so, and there a distance above the curve may be what older
//! text saves. Of what is counted in the human sample, the count stands for n p; where new human text comes in, that
//! takes rare types for more frequent than they are, so such points lie a little below their curve.
//!
//! The trap: a point is of a band of frequencies. Its n p is taken from the share of it that a reference sample holds, so a
//! wide band, whose frequent half outlives its mean, drifts a little above the curve as generations pass. A band that is
//! held whole says nothing of its n p and has no point.

use std::collections::BTreeMap;

use chain::laws::{Human, Regime, survival_written, survival_written_given};
use evaluation::metric::{FACTS, FORMS, Metric, PERSONS};
use evaluation::statistics::{Interval, Scale};
use plotters::prelude::*;

use crate::arm::Arm;
use crate::bands::Decade;
use crate::canvas::{
    Area, LEGEND, Outcome, ROW, Svg, TITLE, WIDE, draw_generations, draw_title, from_left, grid, of_generation, text,
};
use crate::data::Data;
use crate::figure::Drawn;
use crate::look::{GRID, INK, marker};
use crate::ruler::Ruler;
use crate::survival;
use crate::ticks;

/// The share of a band that a reference sample may hold if the band is to have a point.
const HELD: f64 = 0.998;
/// The expected numbers that the axis reaches to at most.
const REACH: (f64, f64) = (0.01, 100.0);
/// Arms that have a panel.
const ARMS: usize = 12;
/// What is followed, each with a marker of its own: its name in the stages, and a world's numbers of it.
const KINDS: [(&str, Option<&Metric>); 4] =
    [("words", None), ("facts", Some(&FACTS)), ("persons", Some(&PERSONS)), ("forms", Some(&FORMS))];

/// One band of one kind in one generation.
struct Dot {
    kind: usize,
    generation: u32,
    x: f64,
    alive: f64,
}

/// An arm's panel.
struct Shown {
    title: String,
    law: Law,
    dots: Vec<Dot>,
}

/// Draws the figure; none if nothing was followed.
pub(crate) fn draw(data: &Data) -> Option<Drawn> {
    let panel_of = |arm: &Arm| {
        let (law, name) = (Law::of(arm), &arm.name);
        let title = format!("{name}, {}", law.name());
        let dots: Vec<Dot> = of_bands(data, name, law).into_iter().chain(of_words(data, name, law)).collect();
        Shown { title, law, dots }
    };
    let mut panels: Vec<Shown> = data.arms.iter().map(panel_of).collect();
    panels.retain(|panel| !panel.dots.is_empty());
    panels.truncate(ARMS);
    if panels.is_empty() {
        return None;
    }
    let svg = draw_panels(&panels);
    let mut caption = "Share of what is alive (of a band of frequency, mean over seeds) against how often it is still \
                       expected in a text: n p g, the expected number in a reference text of the same size, thinned by the \
                       generations as the law of the arm’s own recipe says, which the panel’s title names (replace: \
                       g_1 = 1, g_(k+1) = 1 − exp(−g_k); accumulate: the pool loses nothing, what is generated of it \
                       does). So the curve, 1 − exp(−x), is each panel’s law: a chain that copies frequencies has all \
                       its generations on it, below it learning forgets more than sampling, above it a learner gives back \
                       what its text had lost. Of words, n p is their count in the human text. Bands that a reference text \
                       holds whole have no point."
        .to_owned();
    if panels.iter().any(|panel| panel.law.0.is_none()) {
        caption.push_str(&format!(
            " Marked “{AT_REPLACE}”: no law is known for the recipe, so above the curve may be what older text saves."
        ));
    }
    Some(Drawn { name: "universal-survival", title: "Universal survival", caption, wide: true, svg })
}

fn draw_panels(panels: &[Shown]) -> Svg {
    let (rows, columns) = grid(panels.len());
    let all = || panels.iter().flat_map(|panel| &panel.dots);
    let last = all().map(|dot| dot.generation).max().unwrap_or(0);
    let least = all().map(|dot| dot.x).fold(REACH.1, f64::min).max(REACH.0);
    let most = all().map(|dot| dot.x).fold(8.0, f64::max).min(REACH.1);
    let reach = (0.7 * least, 1.4 * most);
    Svg::of(WIDE, TITLE + LEGEND + ROW * rows as i32, |root| {
        draw_title(root, "Universal survival")?;
        legend(root, last, |kind| all().any(|dot| dot.kind == kind))?;
        let areas = root.margin(TITLE + LEGEND, 6, 0, 0).split_evenly((rows, columns));
        for (i, (area, shown)) in areas.iter().zip(panels).enumerate() {
            panel(area, &shown.title, &shown.dots, reach, last, i % columns == 0)?;
        }
        Ok(())
    })
}

/// What the title of a panel says where there is no law.
const AT_REPLACE: &str = "at replace’s x";

/// The law that an arm is drawn by; none for a recipe without one.
#[derive(Clone, Copy)]
struct Law(Option<Regime>);

impl Law {
    fn of(arm: &Arm) -> Self {
        Self(arm.recipe().and_then(Regime::of))
    }

    fn name(self) -> String {
        let Some(regime) = self.0 else { return AT_REPLACE.to_owned() };
        let (human, share) = match regime {
            Regime::Replace => return "law of replace".to_owned(),
            Regime::Accumulate => return "law of accumulate".to_owned(),
            Regime::Mixture(Human::Anchor, 1.0) => return "law of one text".to_owned(),
            Regime::Mixture(human, share) => (human, share),
        };
        let human = match human {
            Human::Anchor => "an anchor",
            Human::Pool => "a pool",
            Human::Fresh => "fresh text",
        };
        format!("law of {human}, {}", ticks::label(ticks::rounded(share)))
    }

    fn regime(self) -> Regime {
        self.0.unwrap_or(Regime::Replace)
    }

    /// What is left in what generation `generation` writes, for each draw that is expected in a reference text.
    fn thinned(self, generation: u32) -> f64 {
        -(-survival_written(self.regime(), 1.0, 1.0, generation)).ln_1p()
    }

    /// The same for each draw in the human sample.
    fn thinned_given(self, generation: u32) -> f64 {
        -(-survival_written_given(self.regime(), 1.0, 1.0, 1.0, generation)).ln_1p()
    }
}

/// Of a world's kinds: the rows by decade with what a reference sample holds.
fn of_bands(data: &Data, arm: &str, law: Law) -> Vec<Dot> {
    let mut dots = Vec::new();
    for (kind, (_, metric)) in KINDS.iter().enumerate() {
        for decade in metric.iter().flat_map(|metric| Decade::all(data, metric)) {
            for generation in data.generations_of(&decade.present, arm) {
                let mean = |part| {
                    let shares = data.shares(part, &decade.all, arm, generation);
                    Interval::of(shares, Scale::Plain).map(|interval| interval.mean)
                };
                let expected = mean(&decade.expected).filter(|held| *held < HELD);
                if let (Some(alive), Some(expected)) = (mean(&decade.present), expected) {
                    let x = -(-expected).ln_1p() * law.thinned(generation);
                    dots.push(Dot { kind, generation, x, alive });
                }
            }
        }
    }
    dots
}

/// Of what is counted in the human text, by powers of two of the count.
fn of_words(data: &Data, arm: &str, law: Law) -> Vec<Dot> {
    let mut dots = Vec::new();
    for (generation, seeds) in survival::of_arm(data, arm).unwrap_or_default() {
        for (kind, (name, _)) in KINDS.iter().enumerate() {
            let mut bands: BTreeMap<i32, (f64, f64, f64)> = BTreeMap::new();
            let classes = seeds.iter().filter_map(|kinds| kinds.get(*name)).flat_map(survival::Survivors::classes);
            for (expected, types, alive) in classes {
                let (sum, all, living) = bands.entry(expected.log2().round() as i32).or_default();
                (*sum, *all, *living) = (*sum + types * expected, *all + types, *living + alive);
            }
            dots.extend(bands.into_values().map(|(sum, all, alive)| Dot {
                kind,
                generation,
                x: sum / all * law.thinned_given(generation),
                alive: alive / all,
            }));
        }
    }
    dots
}

/// The colours of generations and the markers of kinds.
fn legend(root: &Area, last: u32, shown: impl Fn(usize) -> bool) -> Outcome {
    let (mut x, y) = draw_generations(root, last)?;
    for (kind, (name, _)) in KINDS.iter().enumerate().filter(|(kind, _)| shown(*kind)) {
        root.draw(&(EmptyElement::at((x, y)) + marker(kind, of_generation(1, 2))))?;
        root.draw(&Text::new(*name, (x + 10, y), from_left(15)))?;
        x += 90;
    }
    root.draw(&PathElement::new([(x, y), (x + 26, y)], INK.stroke_width(2)))?;
    Ok(root.draw(&Text::new("1 − exp(−x)", (x + 33, y), from_left(15)))?)
}

fn panel(area: &Area, title: &str, dots: &[Dot], (least, most): (f64, f64), last: u32, named: bool) -> Outcome {
    let mut chart = ChartBuilder::on(area);
    chart.margin_left(6).margin_right(14).margin_top(8).x_label_area_size(46);
    chart.y_label_area_size(if named { 66 } else { 46 }).caption(title, text(16));
    let decades = ticks::logarithmic(least, most).into_iter().map(f64::log10).collect();
    let across = Ruler::new(least.log10(), most.log10(), decades);
    let up = Ruler::new(-0.02, 1.04, ticks::linear(0.0, 1.0));
    let mut chart = chart.build_cartesian_2d(across, up)?;
    (chart.configure_mesh())
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(text(15))
        .x_desc("expected number, x = n p g")
        .y_desc(if named { "share alive" } else { "" })
        .x_label_formatter(&|x| ticks::label(ticks::rounded(10f64.powf(*x))))
        .y_label_formatter(&|y| ticks::label(*y))
        .draw()?;
    let (low, high) = (least.log10(), most.log10());
    let course = (0..=120).map(|i| low + (high - low) * f64::from(i) / 120.0);
    chart.draw_series(LineSeries::new(course.map(|x| (x, -(-10f64.powf(x)).exp_m1())), INK.stroke_width(2)))?;
    let place = |dot: &Dot| (dot.x.log10().clamp(low, high), dot.alive.clamp(0.0, 1.0));
    Ok(chart
        .draw_series(
            dots.iter().map(|dot| EmptyElement::at(place(dot)) + marker(dot.kind, of_generation(dot.generation, last))),
        )
        .map(|_| ())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_recursion() {
        // What generation g writes is the (g + 2)-th sample of the language and the (g + 1)-th of the human text.
        let table = [1.0, 0.6321, 0.4685, 0.3741, 0.3121];
        for generation in 0..4 {
            for law in [Law(Some(Regime::Replace)), Law(None)] {
                assert!((law.thinned(generation) - table[generation as usize + 1]).abs() < 1e-4, "{generation}");
                assert!((law.thinned_given(generation) - table[generation as usize]).abs() < 1e-4, "{generation}");
            }
        }
    }

    #[test]
    fn other_recipes_have_other_thinnings() {
        let at = |regime, generation| Law(Some(regime)).thinned(generation);
        // A refit writes as generation 0 does, for ever; a pool of which half is written keeps 1 - (1 - m) e^-m, m = 1 -
        // e^(-1/2), of a draw.
        assert!((at(Regime::Mixture(Human::Anchor, 1.0), 5) - 0.6321).abs() < 1e-4);
        let m = 1.0 - (-0.5_f64).exp();
        assert!((at(Regime::Accumulate, 1) - (1.0 - (1.0 - m) * (-m).exp())).abs() < 1e-12);
        for human in [Human::Anchor, Human::Pool, Human::Fresh] {
            let mixed = at(Regime::Mixture(human, 0.1), 5);
            assert!(mixed > at(Regime::Replace, 5) && mixed < at(Regime::Replace, 0), "{human:?}: {mixed}");
        }
        assert_eq!(Law(Some(Regime::Mixture(Human::Pool, 0.1))).name(), "law of a pool, 0.1");
    }
}
