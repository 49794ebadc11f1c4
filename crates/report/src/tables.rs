//! The tables of the page.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use evaluation::Dimension;
use evaluation::metric::TOKENS_BY_ORIGIN;
use evaluation::statistics::{Interval, Scale};

use crate::data::Data;
use crate::escape::html;
use crate::key::Key;
use crate::quantity::{self, LEDGER, Quantity, RARE_FACTS, TRUTH};
use crate::ticks::number;

/// Mean and interval, of `of` seeds; how many, where some are missing.
fn cell(interval: Option<Interval>, of: usize) -> String {
    let Some(interval) = interval else {
        return "<td></td>".to_owned();
    };
    let mut notes = Vec::new();
    notes.extend(interval.bounds.map(|(low, high)| format!("{} to {}", number(low), number(high))));
    if interval.seeds < of {
        notes.push(format!("{} of {of} seeds", interval.seeds));
    }
    let notes: String = notes.iter().map(|note| format!("<small>{note}</small>")).collect();
    format!("<td>{}{notes}</td>", number(interval.mean))
}

/// A table of one row for each arm and generation, and one of human text where that was measured.
fn by_generation(
    data: &Data,
    columns: &[String],
    caption: &str,
    human: &[Option<f64>],
    cells: impl Fn(&str, u32) -> Vec<String>,
) -> String {
    let head: String = columns.iter().map(|title| format!("<th scope=\"col\">{}</th>", html(title))).collect();
    let mut table = format!(
        "<div class=\"scroll\"><table>\n<caption>{caption}</caption>\n<thead><tr><th class=\"name\" scope=\"col\">Arm</th>\
         <th scope=\"col\">Generation</th>{head}</tr></thead>\n<tbody>\n"
    );
    for arm in data.arms.iter().map(|arm| &arm.name) {
        for (i, generation) in data.generations(arm).into_iter().enumerate() {
            let (begins, name) = if i == 0 { (" class=\"begins\"", html(arm)) } else { ("", String::new()) };
            let cells = cells(arm, generation).concat();
            let _ = writeln!(table, "<tr{begins}><th scope=\"row\">{name}</th><td>{generation}</td>{cells}</tr>");
        }
    }
    for arm in &data.unfinished {
        let (name, columns) = (html(&arm.arm), columns.len() + 1);
        let words = html(&arm.words());
        let _ = writeln!(
            table,
            "<tr class=\"begins\"><th scope=\"row\">{name}</th><td class=\"name\" colspan=\"{columns}\">{words}</td></tr>"
        );
    }
    if human.iter().any(Option::is_some) {
        let cells: String =
            human.iter().map(|value| format!("<td>{}</td>", value.map(number).unwrap_or_default())).collect();
        let name = "other human text";
        let _ = writeln!(table, "<tr class=\"begins\"><th scope=\"row\">{name}</th><td></td>{cells}</tr>");
    }
    table.push_str("</tbody>\n</table></div>\n");
    table
}

/// Arm × generation, the metrics that matter most.
pub(crate) fn main(data: &Data) -> String {
    let caption = "Means over seeds; below them the 95 % interval, from three seeds on.";
    let columns: Vec<Quantity> = quantity::main().collect();
    measured(data, "By arm and generation", &columns, caption)
}

/// The same against the truth, where it is known.
pub(crate) fn truth(data: &Data) -> String {
    let mut caption =
        "Means over seeds; below them the 95 % interval, from three seeds on. Divergences in bits per document."
            .to_owned();
    if let Some(floor) = data.floor() {
        let _ = write!(caption, " The floor is {} bits per token.", number(floor));
    }
    if let Some(viewed) = data.view(&RARE_FACTS) {
        let band = html(viewed.key.dimensions.get(Dimension::Band).unwrap_or_default());
        let _ = write!(
            caption,
            " Rare facts: stated {band} times in the first text; share whose true answer is the likeliest."
        );
    }
    measured(data, "Against the truth", &TRUTH, &caption)
}

/// A table of quantities; empty if none was measured.
fn measured(data: &Data, title: &str, columns: &[Quantity], caption: &str) -> String {
    let columns: Vec<_> = columns.iter().filter_map(|column| Some((column, data.view(column)?))).collect();
    if columns.is_empty() {
        return String::new();
    }
    let titles: Vec<String> = columns.iter().map(|(column, _)| column.title.to_owned()).collect();
    let human: Vec<Option<f64>> = columns.iter().map(|(_, viewed)| data.reference(viewed)).collect();
    let table = by_generation(data, &titles, caption, &human, |arm, generation| {
        let of = data.seed_count(arm);
        columns.iter().map(|(_, viewed)| cell(data.shown(viewed, arm, generation), of)).collect()
    });
    format!("<h2>{title}</h2>\n{table}")
}

/// What each generation was trained on.
pub(crate) fn ledger(data: &Data) -> String {
    let columns: Vec<_> = LEDGER.iter().filter_map(|column| Some((column, data.view(column)?))).collect();
    let origins: Vec<&Key> = data.keys_of(&TOKENS_BY_ORIGIN).collect();
    if columns.is_empty() && origins.is_empty() {
        return String::new();
    }
    let mut titles: Vec<String> = columns.iter().map(|(column, _)| column.title.to_owned()).collect();
    titles.extend((!origins.is_empty()).then(|| "Human share of tokens".to_owned()));
    let caption = "Means over seeds. Where arms differ in tokens seen or in steps, they differ in compute.";
    let table = by_generation(data, &titles, caption, &[], |arm, generation| {
        let plain = columns.iter().map(|(_, viewed)| data.shown(viewed, arm, generation));
        let share = (!origins.is_empty()).then(|| human_share(data, &origins, arm, generation));
        let mean = |interval: Option<Interval>| interval.map_or(String::new(), |interval| number(interval.mean));
        plain.chain(share).map(|interval| format!("<td>{}</td>", mean(interval))).collect()
    });
    format!("<h2>Training ledger</h2>\n{table}")
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
pub(crate) fn everything(data: &Data) -> String {
    let generations: BTreeSet<u32> = data.arms.iter().flat_map(|arm| data.generations(&arm.name)).collect();
    if generations.is_empty() {
        return String::new();
    }
    let head: String = generations.iter().map(|g| format!("<th scope=\"col\">{g}</th>")).collect();
    let mut rows = String::new();
    for key in data.keys() {
        let dimensions = key.dimensions.to_string();
        let mut begins = " class=\"begins\"";
        for arm in data.arms.iter().map(|arm| arm.name.as_str()) {
            if data.generations_of(key, arm).is_empty() {
                continue;
            }
            let of = data.seed_count(arm);
            let cells = generations.iter().map(|&g| cell(data.interval(key, arm, g), of));
            let names = [&key.set, &key.metric, dimensions.as_str(), arm]
                .map(|name| format!("<td class=\"name\">{}</td>", html(name)))
                .concat();
            let _ = writeln!(rows, "<tr{begins}>{names}{}</tr>", cells.collect::<String>());
            begins = "";
        }
    }
    format!(
        "<h2>Every metric</h2>\n<details><summary>All that was measured, by generation (also in results.csv)</summary>\n\
         <div class=\"scroll\"><table>\n<thead><tr><th class=\"name\">Set</th><th class=\"name\">Metric</th><th class=\"name\">Dimensions</th>\
         <th class=\"name\">Arm</th>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</details>\n"
    )
}
