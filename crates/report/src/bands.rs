//! Figures of what is remembered and what survives, by how frequent it was: the bands and decades are the run's own.

use std::collections::{BTreeMap, BTreeSet};

use evaluation::Dimension;
use evaluation::metric::{self, Axis, Metric};
use evaluation::statistics::{Interval, Scale};

use crate::data::{Data, Viewed};
use crate::figure::{self, Drawn, Plan, Sign};
use crate::key::Key;
use crate::look::{INK, Look};
use crate::panel::{Curve, Dashes, Line, Panel, Point};
use crate::ticks::number;

/// The figure by bands of a metric that has one; none of the others, and where nothing was measured.
pub(crate) fn draw(data: &Data, metric: &'static Metric) -> Option<Drawn> {
    match FORGETTING.into_iter().find(|(of, _)| *of == metric) {
        Some((_, name)) => forgetting(data, metric, name),
        None => SURVIVORS.into_iter().find(|(of, _)| *of == metric).and_then(|(_, name)| survivors(data, metric, name)),
    }
}

/// Metrics of recall, and the names of their figures.
const FORGETTING: [(&Metric, &str); 2] = [(&metric::RECALL, "forgetting"), (&metric::RECALL_LIFT, "forgetting-lift")];
/// Metrics of survival in texts.
const SURVIVORS: [(&Metric, &str); 3] =
    [(&metric::FACTS, "survivors-facts"), (&metric::PERSONS, "survivors-persons"), (&metric::FORMS, "survivors-forms")];

/// Recall by arm, a curve for each band, with the control's beside it.
fn forgetting(data: &Data, metric: &'static Metric, name: &'static str) -> Option<Drawn> {
    let bands = asked(data, metric);
    let curves = |arm: &str| -> Vec<Curve> {
        let curve = |(&look, band): (&Look, &Band)| Curve::of(data, &band.viewed, arm, look, metric.axis);
        bands.iter().filter_map(curve).collect()
    };
    let control = data.control();
    let beside: Vec<Curve> = control.map(|arm| curves(&data.arms[arm].name)).unwrap_or_default();
    let mut panels = Vec::new();
    for (number, arm) in data.arms.iter().enumerate() {
        let curves = curves(&arm.name);
        let dashes = if control == Some(number) { Vec::new() } else { beside.iter().map(Curve::dashed).collect() };
        let panel = Panel { dashes, ..Panel::new(arm.name.clone(), metric.axis, curves) };
        panels.extend((!panel.curves.is_empty()).then_some(panel));
    }
    let shown = bands.iter().filter(|(look, _)| panels.iter().any(|panel| panel.shows(**look)));
    let mut legend: Vec<(Sign, String)> = shown.map(|(look, band)| (Sign::Curve(*look), band.title.clone())).collect();
    let mut caption = format!("{} Bands: how often the first generation’s text stated the fact.", metric.caption);
    if let Some(control) = control.filter(|_| panels.iter().any(Panel::has_dashes)) {
        let name = data.arms[control].name.clone();
        caption.push_str(&format!(" Dashed, in the same colours: {name}, which is trained on no model’s text."));
        legend.push((Sign::Dashes, name));
    }
    let (title, axis, wide) = (metric.title, metric.unit, panels.len() > 1);
    figure::draw(Plan { name, title, axis, caption, panels, legend, wide, shared: true })
}

/// A band of facts by how often the first text stated them.
struct Band {
    title: String,
    viewed: Viewed,
}

/// The bands that were asked about, from the rarest.
fn asked(data: &Data, metric: &'static Metric) -> BTreeMap<Look, Band> {
    let band = |key: &Key| {
        let band = only(key, Dimension::Band)?;
        let viewed = Viewed { key: key.clone(), reference: None, times: 1.0 };
        Some((Look::Band(decade_of(band)?), Band { title: stated(band), viewed }))
    };
    data.keys_of(metric).filter_map(band).collect()
}

/// The value of a key in a dimension, if it has one there and in no other.
fn only(key: &Key, dimension: Dimension) -> Option<&str> {
    let mut all = key.dimensions.iter();
    all.next().filter(|(of, _)| *of == dimension && all.next().is_none()).map(|(_, value)| value)
}

/// The number of a band: 0 for `0`, 1 for `1-9`, 2 for `10-99`; none for what is no band of counts.
fn decade_of(band: &str) -> Option<usize> {
    let from: u64 = band.split_once('-').map_or(band, |(from, _)| from).parse().ok()?;
    Some(from.checked_ilog10().map_or(0, |decade| decade as usize + 1))
}

/// A band in words.
fn stated(band: &str) -> String {
    match band {
        "0" => "never stated".to_owned(),
        band => format!("stated {} times", band.replace('-', "–")),
    }
}

/// Which share of each decade of frequency still occurs, beside a reference sample's.
fn survivors(data: &Data, metric: &'static Metric, name: &'static str) -> Option<Drawn> {
    let panels: Vec<Panel> = Decade::all(data, metric).iter().rev().filter_map(|decade| decade.panel(data)).collect();
    let mut legend = figure::arms(data, &panels);
    legend.push((Sign::Dashes, "a reference sample".to_owned()));
    let caption = "By how often each is expected to be in a document of the language, with how many there are. \
                   Dashed: what as many documents, drawn from the language itself, are expected to hold."
        .to_owned();
    let (title, axis, wide) = (metric.title, metric.unit, panels.len() > 1);
    figure::draw(Plan { name, title, axis, caption, panels, legend, wide, shared: true })
}

/// A decade of expected numbers in a document: numbers of items.
pub(crate) struct Decade {
    /// Its exponent: -3 for 0.001 to 0.01.
    power: i32,
    /// How many occur.
    pub(crate) present: Key,
    /// How many are expected in a reference sample.
    pub(crate) expected: Key,
    /// How many there are.
    pub(crate) all: Key,
}

impl Decade {
    /// The decades of which a metric was measured, from the rarest.
    pub(crate) fn all(data: &Data, metric: &'static Metric) -> Vec<Self> {
        let decade = |key: &Key| {
            let band = only(key, Dimension::Band)?;
            let of = |dimension, value: &'static str| Key::of(metric, key.dimensions.clone().with(dimension, value));
            let (expected, all) = (of(Dimension::Reference, "expected"), of(Dimension::Part, "all"));
            Some(Self { power: power_of(band)?, present: key.clone(), expected, all })
        };
        let mut found: Vec<Self> = data.keys_of(metric).filter_map(decade).collect();
        found.sort_by_key(|decade| decade.power);
        found
    }

    fn panel(&self, data: &Data) -> Option<Panel> {
        let points = |arm: &str| -> Vec<Point> {
            let point = |generation| {
                let shares = data.shares(&self.present, &self.all, arm, generation);
                Point::of(generation, shares, Scale::Plain, Axis::Share)
            };
            data.generations_of(&self.present, arm).into_iter().filter_map(point).collect()
        };
        let arms = || data.arms.iter().map(|arm| arm.name.as_str());
        let curves = arms().enumerate().map(|(number, arm)| Curve { look: Look::Arm(number), points: points(arm) });
        let curves: Vec<Curve> = curves.filter(|curve| !curve.points.is_empty()).collect();
        let mean = |values: Vec<f64>| Some(Interval::of(values, Scale::Plain)?.mean);
        let over = |generation: u32| {
            let shares = arms().flat_map(|arm| data.shares(&self.expected, &self.all, arm, generation)).collect();
            Some((generation, mean(shares)?))
        };
        let generations: BTreeSet<u32> = arms().flat_map(|arm| data.generations_of(&self.expected, arm)).collect();
        let course: Vec<(u32, f64)> = generations.into_iter().filter_map(over).collect();
        let &(first, _) = course.first()?;
        let count = |arm| mean(data.seeds(&self.all, arm, first).into_iter().map(|(_, value)| value).collect());
        let there = arms().find_map(count).map(|n| format!(": {}", number(n))).unwrap_or_default();
        let title = format!("{}{there}", once_in(self.power));
        let dashes = vec![Dashes { colour: INK, line: Line::Course(course) }];
        (!curves.is_empty()).then(|| Panel { dashes, ..Panel::new(title, Axis::Share, curves) })
    }
}

/// The exponent of a decade: -3 of `1e-3`; none of what is no power of ten.
fn power_of(band: &str) -> Option<i32> {
    let value = band.parse::<f64>().ok().filter(|value| value.is_normal())?;
    let power = value.log10().round() as i32;
    (value == 10f64.powi(power)).then_some(power)
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
        let bands = ["0", "1-9", "10-99", "1000-9999", "rare", ""];
        assert_eq!(bands.map(decade_of), [Some(0), Some(1), Some(2), Some(4), None, None]);
        assert_eq!(["0", "10-99"].map(stated), ["never stated", "stated 10–99 times"]);
        let decades = ["1e0", "1e-3", "1e-12", "1e2", "2", "0", "rare"];
        assert_eq!(decades.map(power_of), [Some(0), Some(-3), Some(-12), Some(2), None, None, None]);
        assert_eq!(once_in(0), "1–10 times a document");
        assert_eq!(once_in(-1), "1 in 1–10 documents");
        assert_eq!(once_in(-3), "1 in 100–1000 documents");
    }
}
