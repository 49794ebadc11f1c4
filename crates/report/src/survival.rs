//! Predicted beside measured: how much of the vocabulary survives by the law of survival, from generation 0's frequencies, and
//! how much there is.
//!
//! A score stage may hold `survivors.json`: for each kind of type (`words`, ...), by how many documents of the chain's human
//! text hold a type, how many such types there are and how many of them are in what the generation generated:
//!
//! ```json
//! {"words": {"human": 2310, "generated": 2295, "classes": [[1, 8123, 2210], [2, 1950, 1003]]}}
//! ```
//!
//! `human` and `generated` are numbers of documents. Documents are counted and not occurrences, for a word comes in runs and
//! a run counts as one draw. Given its count c in the human text, a type is in what generation g generated with chance
//! 1 - exp(-c r h_g), r being the documents generated for each human one, h_0 = 1, h_(j+1) = 1 - exp(-h_j): that is the law of
//! `replace` with c r for n p.

use std::collections::BTreeMap;

use chain::laws::survival_replace;
use evaluation::metric::Axis;
use evaluation::statistics::{Interval, Scale};
use serde::Deserialize;

use crate::data::Data;
use crate::figure::{self, Drawn, Plan, Sign};
use crate::look::Look;
use crate::panel::{Curve, Dashes, Line, Panel, Point};
use crate::stages;

/// File of a score stage.
const FILE: &str = "survivors.json";
/// A file longer than this is none of ours; it bounds what a broken one can take of memory.
const LONGEST: u64 = 64 << 20;
/// Arms that have a panel.
const ARMS: usize = 8;

/// What survives of one kind of type in one generation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Survivors {
    /// Documents of the human text.
    human: f64,
    /// Documents that the generation generated.
    generated: f64,
    /// Documents of the human text that hold a type, how many such types, how many of them are alive.
    classes: Vec<(f64, f64, f64)>,
}

/// By kind.
pub(crate) type Kinds = BTreeMap<String, Survivors>;

impl Survivors {
    /// The classes with what a type of each is expected to occur in a reference text of the generation's size: `c r`, types,
    /// alive. Those that are no numbers of types are left out.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let ratio = self.generated / self.human;
        let whole = move |&&(count, types, alive): &&(f64, f64, f64)| {
            (ratio * count).is_finite() && ratio * count > 0.0 && types > 0.0 && (0.0..=types).contains(&alive)
        };
        self.classes.iter().filter(whole).map(move |&(count, types, alive)| (ratio * count, types, alive))
    }

    /// Shares alive by the law and as counted; none without types.
    fn shares(&self, generation: u32) -> Option<(f64, f64)> {
        let (mut all, mut predicted, mut counted) = (0.0, 0.0, 0.0);
        for (expected, types, alive) in self.classes() {
            all += types;
            predicted += types * survival_replace(expected, 1.0, generation);
            counted += alive;
        }
        (all > 0.0).then(|| (predicted / all, counted / all))
    }
}

/// What survives in an arm: by generation, of each seed whose score stages say.
///
/// # Errors
/// Which file cannot be read, and why.
pub(crate) fn of_arm(data: &Data, arm: &str) -> Result<BTreeMap<u32, Vec<Kinds>>, String> {
    let mut found: BTreeMap<u32, Vec<Kinds>> = BTreeMap::new();
    for made in data.chains_of(arm).flat_map(|chain| stages::of(chain, stages::SCORE)) {
        if let Some(kinds) = made.read(FILE, LONGEST) {
            found.entry(made.generation).or_default().push(kinds?);
        }
    }
    Ok(found)
}

/// The vocabulary of arms that replace their text: counted, and dashed what the law predicts. None if no stage says.
pub(crate) fn draw(data: &Data) -> Option<Drawn> {
    let (mut panels, mut unread) = (Vec::new(), String::new());
    for (number, arm) in data.arms.iter().enumerate().filter(|(_, arm)| arm.replaces()).take(ARMS) {
        let name = &arm.name;
        match of_arm(data, name) {
            Ok(found) => panels.extend(panel(number, name, &found)),
            Err(why) => unread.push_str(&format!(" {name} cannot be shown: {why}.")),
        }
    }
    let legend = vec![(Sign::Dashes, "the law of survival".to_owned())];
    let caption = format!(
        "Share of the words of generation 0’s human text that are in what each generation generated. Dashed: what the \
         law of survival predicts from the number of human documents that hold each word, were a model to copy frequencies and \
         documents to be drawn independently. Below the law is what learning forgets beyond sampling.{unread}"
    );
    let (name, title, axis) =
        ("vocabulary-predicted", "Vocabulary, predicted and measured", "share of the human word types");
    let wide = panels.len() > 1;
    figure::draw(Plan { name, title, axis, caption, panels, legend, wide, shared: true })
}

fn panel(arm: usize, name: &str, found: &BTreeMap<u32, Vec<Kinds>>) -> Option<Panel> {
    let (mut points, mut course) = (Vec::new(), Vec::new());
    for (&generation, seeds) in found {
        let shares = seeds.iter().filter_map(|kinds| kinds.get("words")?.shares(generation));
        let (predicted, counted): (Vec<f64>, Vec<f64>) = shares.unzip();
        points.extend(Point::of(generation, counted, Scale::Plain, Axis::Share));
        course.extend(Interval::of(predicted, Scale::Plain).map(|interval| (generation, interval.mean)));
    }
    let look = Look::Arm(arm);
    let dashes = vec![Dashes { colour: look.colour(), line: Line::Course(course) }];
    let curves = vec![Curve { look, points }];
    let title = name.to_owned();
    (!curves[0].points.is_empty()).then(|| Panel { dashes, ..Panel::new(title, Axis::Share, curves) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Half as many documents were generated: of four types in one document, each is expected half a time.
        let survivors = Survivors { human: 20.0, generated: 10.0, classes: vec![(1.0, 4.0, 1.0), (20.0, 4.0, 4.0)] };
        let (predicted, counted) = survivors.shares(0).unwrap();
        assert!((predicted - (2.0 - (-0.5_f64).exp() - (-10.0_f64).exp()) / 2.0).abs() < 1e-12);
        assert_eq!(counted, 5.0 / 8.0);
        let (later, _) = survivors.shares(1).unwrap();
        let h = 1.0 - (-1.0_f64).exp();
        assert!((later - (2.0 - (-0.5 * h).exp() - (-10.0 * h).exp()) / 2.0).abs() < 1e-12);
        // More alive than there are is nonsense.
        let broken = Survivors { human: 0.0, generated: 10.0, classes: vec![(1.0, 4.0, 1.0)] };
        assert_eq!(broken.shares(0), None);
        assert_eq!(Survivors { human: 1.0, classes: vec![(1.0, 1.0, 2.0)], ..broken }.shares(0), None);
    }
}
