//! Baselines: test losses of models that count the human training text of generation 0, as thin lines beside the curves, as
//! rows of a terminal's table, and as a table of the page.

use std::collections::BTreeMap;

use evaluation::metric::{Axis, EXCESS, Level, Metric, Shown, TEST_LOSS};
use evaluation::statistics::{Interval, Scale};
use evaluation::{Dimensions, metric};
use maud::{Markup, html};

use crate::data::Data;
use crate::key::Key;
use crate::ticks::number;

/// A baseline with its value, in the unit of the curves that it stands beside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Baseline {
    pub(crate) label: &'static str,
    pub(crate) value: f64,
}

impl Baseline {
    /// `bigram 4.22`: three digits that count.
    pub(crate) fn words(&self) -> String {
        let decimals = match self.value.abs() {
            100.0.. => 0,
            10.0.. => 1,
            1.0.. => 2,
            _ => 3,
        };
        format!("{} {}", self.label, format!("{:.decimals$}", self.value).replace('-', "−"))
    }
}

/// The baselines of a metric that were measured, the mean over seeds, in the order of the registry.
pub(crate) fn of(data: &Data, metric: &Metric) -> Vec<Baseline> {
    let of = |level: &Level| {
        let loss = data.by_seed(&plain(level.metric))?;
        let value = match level.shown {
            Shown::Loss => loss,
            Shown::Perplexity => loss.exp(),
            Shown::Excess => loss - information(data)?,
        };
        Some(Baseline { label: level.label, value: value * metric.times })
    };
    metric.levels.iter().filter_map(of).collect()
}

/// The information of the test documents per token where the truth is known, the mean over seeds: what a model's loss is above
/// its excess.
fn information(data: &Data) -> Option<f64> {
    let (loss, excess) = (plain(&TEST_LOSS), plain(&EXCESS));
    data.references.iter().find_map(|arm| {
        let excesses: BTreeMap<u64, f64> = data.seeds(&excess, arm, 0).into_iter().collect();
        let losses = data.seeds(&loss, arm, 0).into_iter();
        let information = losses.filter_map(|(seed, loss)| Some(loss - excesses.get(&seed)?));
        Some(Interval::of(information, Scale::Plain)?.mean)
    })
}

fn plain(metric: &'static Metric) -> Key {
    Key::of(metric, Dimensions::NONE)
}

/// Baselines that are on the axis of these values or near it, and those that are not: an axis that held them all would press
/// the curves flat.
pub(crate) fn near(baselines: Vec<Baseline>, values: impl Iterator<Item = f64>, kind: Axis) -> [Vec<Baseline>; 2] {
    /// Beyond the values, as a share of their range.
    const BEYOND: f64 = 0.3;
    let log = kind == Axis::Log;
    let on = |value: f64| if log { value.ln() } else { value };
    let (mut low, mut high) = values
        .map(on)
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if matches!(kind, Axis::Amount | Axis::Share) {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    let beyond = if high > low { BEYOND * (high - low) } else { 0.1 * high.abs() };
    let (near, far) = baselines.into_iter().partition(|b| (low - beyond..=high + beyond).contains(&on(b.value)));
    [near, far]
}

/// The table of the page: the baselines and the first models of all arms; empty if there are none.
pub(crate) fn section(data: &Data) -> Markup {
    let baselines = of(data, &metric::TEST_LOSS);
    let (Some(last), false) = (baselines.last(), data.arms.is_empty()) else { return Markup::default() };
    let of_counts = baselines.iter().map(|baseline| (baseline.value, html! { (of_counts(baseline.label)) }));
    let of_arms = first_models(data).into_iter().map(|(loss, arms)| (loss, first_model(data, loss, &arms, &baselines)));
    let mut rows: Vec<(f64, Markup)> = of_counts.chain(of_arms).collect();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    html! {
        h2 { "Beside models that count" }
        p.quiet {
            "The baselines are trained on the human training text of generation 0 and scored as it is. Above the "
            (last.label) ", a table of short contexts predicts better than the model; above the bigram it has learnt less than \
             pairs of tokens, and what its chain loses says little about language."
        }
        div.scroll {
            table {
                caption { "Means over seeds, on human test text." }
                thead {
                    tr {
                        th.name scope="col" { "Model" }
                        th scope="col" { "Test loss (nats per token)" }
                        th scope="col" { "Perplexity" }
                    }
                }
                tbody {
                    @for (loss, name) in rows {
                        tr { th scope="row" { (name) } td { (number(loss)) } td { (number(loss.exp())) } }
                    }
                }
            }
        }
    }
}

/// Generation 0 of some arms, and the baselines that its loss is above.
fn first_model(data: &Data, loss: f64, arms: &[&str], baselines: &[Baseline]) -> Markup {
    let above: Vec<&str> = baselines.iter().filter(|b| loss > b.value).map(|b| b.label).collect();
    html! {
        b { "generation 0" } " of "
        @if arms.len() == data.arms.len() { "all arms" } @else { (arms.join(", ")) }
        @if !above.is_empty() { " (above " (above.join(", ")) ")" }
    }
}

/// What a baseline is.
fn of_counts(label: &str) -> &str {
    match label {
        "unigram" => "unigram: token frequencies",
        "bigram" => "bigram: Kneser-Ney",
        "4-gram" => "4-gram: Kneser-Ney",
        other => other,
    }
}

/// The mean test losses of generation 0, and the arms that have them: arms that begin alike share their first models.
fn first_models(data: &Data) -> Vec<(f64, Vec<&str>)> {
    let key = plain(&TEST_LOSS);
    let mut models: Vec<(f64, Vec<&str>)> = Vec::new();
    for arm in &data.arms {
        let Some(loss) = data.interval(&key, &arm.name, 0).map(|interval| interval.mean) else { continue };
        match models.iter_mut().find(|(other, _)| *other == loss) {
            Some((_, arms)) => arms.push(&arm.name),
            None => models.push((loss, vec![&arm.name])),
        }
    }
    models
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, f64); 3] = [("unigram", 5.906), ("bigram", 4.221), ("4-gram", 3.794)];

    fn labels(values: [f64; 2], kind: Axis, of: fn(f64) -> f64) -> [Vec<&'static str>; 2] {
        let all = ALL.map(|(label, value)| Baseline { label, value: of(value) });
        near(all.to_vec(), values.into_iter(), kind).map(|list| list.iter().map(|b| b.label).collect())
    }

    #[test]
    fn lines_are_near_the_curves() {
        assert_eq!(labels([3.9, 4.9], Axis::Linear, |x| x), [vec!["bigram", "4-gram"], vec!["unigram"]]);
        assert_eq!(labels([3.9, 5.6], Axis::Linear, |x| x), [vec!["unigram", "bigram", "4-gram"], vec![]]);
        // On the logarithm a perplexity is as far as its loss.
        assert_eq!(labels([3.9_f64.exp(), 4.9_f64.exp()], Axis::Log, f64::exp)[1], ["unigram"]);
        // An axis that begins at zero has all below the curves.
        assert_eq!(labels([0.5, 4.9], Axis::Amount, |x| x)[1], [""; 0]);
        assert_eq!(labels([4.2, 4.2], Axis::Linear, |x| x)[0], ["bigram", "4-gram"], "one value has a tenth of itself");
    }

    #[test]
    fn labels_have_three_digits() {
        let words = |value| Baseline { label: "4-gram", value }.words();
        let said = [5.906, 4.2, 0.01234, 68.15, 366.7, -0.5].map(words);
        let expected = ["5.91", "4.20", "0.012", "68.2", "367", "−0.500"].map(|value| format!("4-gram {value}"));
        assert_eq!(said, expected);
    }
}
