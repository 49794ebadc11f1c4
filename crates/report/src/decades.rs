//! Figures of what is remembered and what survives, by how frequent it was: the bands and decades are the run's own.

use std::collections::{BTreeMap, BTreeSet};

use evaluation::statistics::{Interval, Scale};

use crate::catalogue::Axis;
use crate::data::{Data, Key, Viewed};
use crate::escape::visible;
use crate::figure::{self, Drawn, Plan, Sign};
use crate::look::{INK, Look};
use crate::panel::{Curve, Dashes, Line, Panel, Point};
use crate::ticks::number;

/// What is asked about facts.
struct Asked {
    name: &'static str,
    metric: &'static str,
    title: &'static str,
    axis: &'static str,
    kind: Axis,
    /// What is shown, in words.
    caption: &'static str,
}

const ASKED: [Asked; 2] = [
    Asked {
        name: "forgetting",
        metric: "recall",
        title: "The forgetting curve",
        axis: "probability of the true answer",
        kind: Axis::Share,
        caption: "The share that the true answer has of the probability of all valid ones, when a model is asked for a \
                  fact.",
    },
    Asked {
        name: "forgetting-lift",
        metric: "recall-lift",
        title: "What is known beyond guessing",
        axis: "nats above a guess",
        kind: Axis::Amount,
        caption: "The same as a logarithm, less that of guessing by the frequency of each value: who knows nothing but \
                  the frequencies has zero, and below it a model is wrong with confidence.",
    },
];

/// Recall by arm, a curve for each band, with the control's beside it.
pub(crate) fn forgetting(data: &Data) -> Vec<Drawn> {
    ASKED.iter().filter_map(|asked| asked.plan(data)).filter_map(figure::draw).collect()
}

impl Asked {
    fn plan(&self, data: &Data) -> Option<Plan> {
        let bands = self.bands(data);
        let curves = |arm: &str| self.curves(data, &bands, arm);
        let control: Vec<Curve> = data.control.map(|arm| curves(&data.arms[arm])).unwrap_or_default();
        let panel = |(number, arm): (usize, &String)| {
            let curves = curves(arm);
            let beside = if data.control == Some(number) { &[][..] } else { &control[..] };
            let dashes = beside.iter().map(Curve::dashed).collect();
            (!curves.is_empty()).then(|| Panel { title: visible(arm, false), kind: self.kind, curves, dashes })
        };
        let panels: Vec<Panel> = data.arms.iter().enumerate().filter_map(panel).collect();
        let mut legend: Vec<_> = (bands.iter())
            .map(|(look, key)| (Sign::Curve(*look), stated(&key.2)))
            .filter(|(sign, _)| matches!(sign, Sign::Curve(look) if panels.iter().any(|panel| panel.shows(*look))))
            .collect();
        let mut caption = format!("{} Bands: how often the first generation’s text stated the fact.", self.caption);
        if let Some(control) = data.control.filter(|_| panels.iter().any(Panel::has_dashes)) {
            let name = visible(&data.arms[control], false);
            caption.push_str(&format!(" Dashed, in the same colours: {name}, which is trained on no model’s text."));
            legend.push((Sign::Dashes, name));
        }
        let (name, title, axis, wide) = (self.name, self.title, self.axis, panels.len() > 1);
        Some(Plan { name, title, axis, caption, panels, legend, wide, shared: true })
    }

    /// The bands that were asked about, from the rarest.
    fn bands(&self, data: &Data) -> BTreeMap<Look, Key> {
        let keys = data.keys().filter(|(set, metric, _)| set == "asked" && metric == self.metric);
        keys.filter_map(|key| Some((Look::Band(band(&key.2)?), key.clone()))).collect()
    }

    fn curves(&self, data: &Data, bands: &BTreeMap<Look, Key>, arm: &str) -> Vec<Curve> {
        let curve = |(&look, key): (&Look, &Key)| {
            let viewed = Viewed { key: key.clone(), human: None, times: 1.0 };
            let points = data.points(&viewed, arm, self.kind);
            (!points.is_empty()).then_some(Curve { look, points })
        };
        bands.iter().filter_map(curve).collect()
    }
}

impl Curve {
    /// Its means as a dashed line of its colour.
    fn dashed(&self) -> Dashes {
        Dashes { colour: self.look.colour(), line: Line::Course(self.points.iter().map(Point::mean).collect()) }
    }
}

/// The number of a band: 0 for `0`, 1 for `1-9`, 2 for `10-99`; none for what is no band.
fn band(detail: &str) -> Option<usize> {
    let from: u64 = detail.split_once('-').map_or(detail, |(from, _)| from).parse().ok()?;
    Some(from.checked_ilog10().map_or(0, |decade| decade as usize + 1))
}

/// A band in words.
fn stated(detail: &str) -> String {
    match detail {
        "0" => "never stated".to_owned(),
        band => format!("stated {} times", visible(band, false).replace('-', "–")),
    }
}

/// What of a world survives in texts.
const SURVIVORS: [(&str, &str, &str, &str); 3] = [
    ("survivors-facts", "facts", "Facts that are still stated", "share of the world’s facts"),
    ("survivors-persons", "persons", "Persons who still occur", "share of the world’s persons"),
    ("survivors-forms", "forms", "Sentence forms that are still used", "share of the world’s forms"),
];

/// Which share of each decade of frequency still occurs, beside an honest sample's.
pub(crate) fn survivors(data: &Data) -> Vec<Drawn> {
    let plan = |&(name, metric, title, axis): &(&'static str, &str, &'static str, &'static str)| {
        let panels: Vec<Panel> = decades(data, metric).into_iter().filter_map(|of| decade(data, metric, of)).collect();
        let mut legend = figure::arms(data, &panels);
        legend.push((Sign::Dashes, "an honest sample".to_owned()));
        let caption = "By how often each is expected to be in a document of the language, with how many there are. \
                       Dashed: what as many documents, drawn from the language itself, are expected to hold."
            .to_owned();
        let wide = panels.len() > 1;
        figure::draw(Plan { name, title, axis, caption, panels, legend, wide, shared: true })
    };
    SURVIVORS.iter().filter_map(plan).collect()
}

/// The decades that were measured, the most frequent first: the exponent, and the detail as it is.
fn decades(data: &Data, metric: &str) -> Vec<(i32, String)> {
    let details = data.keys().filter(|(set, name, _)| set == "written" && name == metric).map(|(_, _, detail)| detail);
    let mut found: Vec<(i32, String)> =
        details.filter_map(|detail| Some((detail.strip_prefix("1e")?.parse().ok()?, detail.clone()))).collect();
    found.sort_by_key(|(decade, _)| -decade);
    found
}

fn decade(data: &Data, metric: &str, (decade, detail): (i32, String)) -> Option<Panel> {
    let key = |suffix: &str| ("written".to_owned(), metric.to_owned(), format!("{detail}{suffix}"));
    let (present, honest, all) = (key(""), key("-honest"), key("-all"));
    let mut curves = Vec::new();
    for (number, arm) in data.arms.iter().enumerate() {
        let generations = data.generations_of(&present, arm).into_iter();
        let points: Vec<Point> = generations
            .filter_map(|generation| {
                let shares = data.shares(&present, &all, arm, generation);
                Point::of(generation, shares, Scale::Plain, Axis::Share)
            })
            .collect();
        if !points.is_empty() {
            curves.push(Curve { look: Look::Arm(number), points });
        }
    }
    let mean = |values: Vec<f64>| Some(Interval::of(values, Scale::Plain)?.mean);
    let over = |generation: u32| {
        let shares = data.arms.iter().flat_map(|arm| data.shares(&honest, &all, arm, generation)).collect();
        Some((generation, mean(shares)?))
    };
    let generations: BTreeSet<u32> = data.arms.iter().flat_map(|arm| data.generations_of(&honest, arm)).collect();
    let course: Vec<(u32, f64)> = generations.into_iter().filter_map(over).collect();
    let &(first, _) = course.first()?;
    let count = |arm: &String| mean(data.seeds(&all, arm, first).into_iter().map(|(_, value)| value).collect());
    let there = data.arms.iter().find_map(count);
    let title = format!("{}{}", once_in(decade), there.map(|n| format!(": {}", number(n))).unwrap_or_default());
    let dashes = vec![Dashes { colour: INK, line: Line::Course(course) }];
    (!curves.is_empty()).then_some(Panel { title, kind: Axis::Share, curves, dashes })
}

/// A decade of expected numbers in a document, in words.
fn once_in(decade: i32) -> String {
    let power = |exponent: i32| number(10f64.powi(exponent));
    if decade < 0 {
        format!("1 in {}–{} documents", power(-decade - 1), power(-decade))
    } else {
        format!("{}–{} times a document", power(decade), power(decade + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_and_decades_in_words() {
        assert_eq!(
            ["0", "1-9", "10-99", "1000-9999", "all", ""].map(band),
            [Some(0), Some(1), Some(2), Some(4), None, None]
        );
        assert_eq!(["0", "10-99"].map(stated), ["never stated", "stated 10–99 times"]);
        assert_eq!(once_in(0), "1–10 times a document");
        assert_eq!(once_in(-1), "1 in 1–10 documents");
        assert_eq!(once_in(-3), "1 in 100–1000 documents");
    }
}
