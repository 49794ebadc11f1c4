//! The tables of the page.

use std::collections::{BTreeMap, BTreeSet};

use evaluation::Dimension;
use evaluation::metric::TOKENS_BY_ORIGIN;
use evaluation::statistics::{Interval, Scale};
use maud::{Markup, html};

use crate::data::Data;
use crate::key::Key;
use crate::markup::{self, begins};
use crate::quantity::{self, LEDGER, Quantity, RARE_FACTS, TRUTH};
use crate::ticks::number;

/// Mean and interval, of `of` seeds; how many, where some are missing.
fn cell(interval: Option<Interval>, of: usize) -> Markup {
    html! {
        td {
            @if let Some(Interval { mean, bounds, seeds }) = interval {
                (number(mean))
                @if let Some((low, high)) = bounds { (markup::bounds(low, high)) }
                @if seeds < of { small { (seeds) " of " (of) " seeds" } }
            }
        }
    }
}

/// A table of one row for each arm and generation, and one of human text where that was measured.
fn by_generation(
    data: &Data,
    columns: &[&str],
    caption: &str,
    human: &[Option<f64>],
    cells: impl Fn(&str, u32) -> Markup,
) -> Markup {
    html! {
        div.scroll {
            table {
                caption { (caption) }
                thead {
                    tr {
                        th.name scope="col" { "Arm" }
                        th scope="col" { "Generation" }
                        @for title in columns { th scope="col" { (title) } }
                    }
                }
                tbody {
                    @for arm in data.arms.iter().map(|arm| &arm.name) {
                        @for (i, generation) in data.generations(arm).into_iter().enumerate() {
                            tr class=[begins(i == 0)] {
                                th scope="row" { @if i == 0 { (arm) } }
                                td { (generation) }
                                (cells(arm, generation))
                            }
                        }
                    }
                    @for unfinished in &data.unfinished {
                        tr.begins {
                            th scope="row" { (unfinished.arm) }
                            td.name colspan=(columns.len() + 1) { (unfinished.words()) }
                        }
                    }
                    @if human.iter().any(Option::is_some) {
                        tr.begins {
                            th scope="row" { "other human text" }
                            td {}
                            @for value in human { td { (value.map(number).unwrap_or_default()) } }
                        }
                    }
                }
            }
        }
    }
}

/// Arm × generation, the metrics that matter most.
pub(crate) fn main(data: &Data) -> Markup {
    let caption = "Means over seeds; below them the 95 % interval, from three seeds on.";
    let columns: Vec<Quantity> = quantity::main().collect();
    measured(data, "By arm and generation", &columns, caption)
}

/// The same against the truth, where it is known.
pub(crate) fn truth(data: &Data) -> Markup {
    let mut caption =
        "Means over seeds; below them the 95 % interval, from three seeds on. Divergences in bits per document."
            .to_owned();
    if let Some(floor) = data.floor() {
        caption.push_str(&format!(" The floor is {} bits per token.", number(floor)));
    }
    if let Some(viewed) = data.view(&RARE_FACTS) {
        let band = viewed.key.dimensions.get(Dimension::Band).unwrap_or_default();
        caption.push_str(&format!(
            " Rare facts: stated {band} times in the first text; share whose true answer is the likeliest."
        ));
    }
    measured(data, "Against the truth", &TRUTH, &caption)
}

/// A table of quantities; empty if none was measured.
fn measured(data: &Data, title: &str, columns: &[Quantity], caption: &str) -> Markup {
    let columns: Vec<_> = columns.iter().filter_map(|column| Some((column, data.view(column)?))).collect();
    if columns.is_empty() {
        return Markup::default();
    }
    let titles: Vec<&str> = columns.iter().map(|(column, _)| column.title).collect();
    let human: Vec<Option<f64>> = columns.iter().map(|(_, viewed)| data.reference(viewed)).collect();
    let cells = |arm: &str, generation| {
        let of = data.seed_count(arm);
        html! { @for (_, viewed) in &columns { (cell(data.shown(viewed, arm, generation), of)) } }
    };
    html! {
        h2 { (title) }
        (by_generation(data, &titles, caption, &human, cells))
    }
}

/// What each generation was trained on.
pub(crate) fn ledger(data: &Data) -> Markup {
    let columns: Vec<_> = LEDGER.iter().filter_map(|column| Some((column, data.view(column)?))).collect();
    let origins: Vec<&Key> = data.keys_of(&TOKENS_BY_ORIGIN).collect();
    if columns.is_empty() && origins.is_empty() {
        return Markup::default();
    }
    let mut titles: Vec<&str> = columns.iter().map(|(column, _)| column.title).collect();
    titles.extend((!origins.is_empty()).then_some("Human share of tokens"));
    let caption = "Means over seeds. Where arms differ in tokens seen or in steps, they differ in compute.";
    let cells = |arm: &str, generation| {
        let plain = columns.iter().map(|(_, viewed)| data.shown(viewed, arm, generation));
        let share = (!origins.is_empty()).then(|| human_share(data, &origins, arm, generation));
        html! {
            @for interval in plain.chain(share) {
                td { @if let Some(interval) = interval { (number(interval.mean)) } }
            }
        }
    };
    html! {
        h2 { "Training ledger" }
        (by_generation(data, &titles, caption, &[], cells))
    }
}

/// Human tokens among all tokens of the training set, by seed.
fn human_share(data: &Data, origins: &[&Key], arm: &str, generation: u32) -> Option<Interval> {
    let mut by_seed: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for key in origins {
        for (seed, tokens) in data.seeds(key, arm, generation) {
            let (human, all) = by_seed.entry(seed).or_default();
            *all += tokens;
            *human += if key.dimensions.is(Dimension::Source, "human") { tokens } else { 0.0 };
        }
    }
    let shares = by_seed.values().filter(|(_, all)| *all > 0.0).map(|(human, all)| human / all);
    Interval::of(shares, Scale::Plain)
}

/// Every metric there is, known here or not: a row for each arm, a column for each generation.
pub(crate) fn everything(data: &Data) -> Markup {
    let generations: BTreeSet<u32> = data.arms.iter().flat_map(|arm| data.generations(&arm.name)).collect();
    if generations.is_empty() {
        return Markup::default();
    }
    html! {
        h2 { "Every metric" }
        details {
            summary { "All that was measured, by generation (also in results.csv)" }
            div.scroll {
                table {
                    thead {
                        tr {
                            @for name in ["Set", "Metric", "Dimensions", "Arm"] { th.name { (name) } }
                            @for generation in &generations { th scope="col" { (generation) } }
                        }
                    }
                    tbody {
                        @for key in data.keys() { (rows_of(data, key, &generations)) }
                    }
                }
            }
        }
    }
}

/// The rows of one metric.
fn rows_of(data: &Data, key: &Key, generations: &BTreeSet<u32>) -> Markup {
    let arms = data.arms.iter().map(|arm| arm.name.as_str());
    let measured = arms.filter(|arm| !data.generations_of(key, arm).is_empty());
    let dimensions = key.dimensions.to_string();
    html! {
        @for (i, arm) in measured.enumerate() {
            tr class=[begins(i == 0)] {
                @for name in [&key.set, &key.metric, dimensions.as_str(), arm] { td.name { (name) } }
                @for &generation in generations {
                    (cell(data.interval(key, arm, generation), data.seed_count(arm)))
                }
            }
        }
    }
}
