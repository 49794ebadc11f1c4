//! Short tables for a terminal, aligned, free of control characters.

use std::collections::BTreeSet;
use std::path::PathBuf;

use evaluation::Dimension;

use crate::comparison;
use crate::data::{Data, Failure, Viewed};
use crate::error::Result;
use crate::join::Part;
use crate::plot::{Course, Upward, plot};
use crate::quantity::{self, BITS_PER_BYTE, EXCESS, Quantity, RARE_FACTS, TEST_PERPLEXITY, VOCABULARY};
use crate::ticks::number;
use crate::visible::visible;
use crate::wrapped::wrapped;
use crate::{excerpts, levels, unfinished, verdicts};

/// Generations that fit a line; of more, these many are shown, first and last among them.
const COLUMNS: usize = 9;
/// Characters of a line of text, and lines shown of each document.
const LINE: usize = 76;
const LINES: usize = 6;

/// What came out; see [`Report::terminal_table`](crate::Report::terminal_table).
pub(crate) fn tables(data: &Data) -> String {
    let world = data.is_world();
    let mut solved = quantity::exact().filter(|quantity| data.view(quantity).is_some());
    let (main, second) = match (solved.next(), solved.next()) {
        (Some(main), second) => (main, second.unwrap_or(VOCABULARY)),
        (None, _) if world => (EXCESS, RARE_FACTS),
        _ => (TEST_PERPLEXITY, VOCABULARY),
    };
    let upward = if main.metric == TEST_PERPLEXITY.metric { Upward::Log } else { Upward::Linear };
    let mut parts: Vec<String> = [&main, &second].into_iter().filter_map(|quantity| table(data, quantity)).collect();
    parts.extend(verdicts::terminal(data, aligned));
    parts.extend(curves(data, &main, upward));
    parts.extend(first_documents(data));
    parts.extend((!data.failures.is_empty()).then(|| failures(data)));
    parts.extend((!data.unfinished.is_empty()).then(|| unfinished::lines(data)));
    if parts.is_empty() {
        parts.push("nothing was measured\n".to_owned());
    }
    parts.join("\n")
}

fn table(data: &Data, quantity: &Quantity) -> Option<String> {
    let viewed = data.view(quantity)?;
    let key = &viewed.key;
    let arms = data.arms.iter().map(|arm| arm.name.as_str());
    let arms: Vec<&str> = arms.filter(|arm| !data.generations_of(key, arm).is_empty()).collect();
    let all: BTreeSet<u32> = arms.iter().flat_map(|arm| data.generations_of(key, arm)).collect();
    let generations = thinned(&all.into_iter().collect::<Vec<_>>());
    let mut rows = vec![head(&generations)];
    for arm in arms {
        let mut row = vec![visible(arm, false), data.seed_count(arm).to_string()];
        row.extend(generations.iter().map(|&generation| mean(data, &viewed, arm, generation)));
        row.push(data.ratio(key, arm).map_or_else(dash, |change| number(change.ratio.mean)));
        rows.push(row);
    }
    if let Some(human) = data.reference(&viewed) {
        rows.push(vec!["(other human)".to_owned(), String::new(), number(human)]);
    }
    for baseline in levels::of(data, quantity.metric) {
        rows.push(vec![format!("({})", baseline.label), String::new(), number(baseline.value)]);
    }
    Some(format!("{}\n{}", heading(data, quantity, &viewed), aligned(&rows)))
}

/// What a table is of.
fn heading(data: &Data, quantity: &Quantity, viewed: &Viewed) -> String {
    let title = quantity.title;
    let band = viewed.key.dimensions.get(Dimension::Band);
    match (data.floor().filter(|_| quantity.metric == EXCESS.metric), band) {
        (Some(floor), _) => format!("{title}, mean over seeds; the floor is {}", number(floor)),
        (None, Some(band)) => {
            format!("{title} (of those stated {} times at first), mean over seeds", visible(band, false))
        }
        (None, None) => format!("{title}, mean over seeds"),
    }
}

fn curves(data: &Data, quantity: &Quantity, upward: Upward) -> Option<String> {
    let viewed = data.view(quantity)?;
    let course = |arm: &str| {
        let generations = data.generations_of(&viewed.key, arm).into_iter();
        let points = generations.filter_map(|g| Some((g, data.shown(&viewed, arm, g)?.mean)));
        Course { name: visible(arm, false), points: points.collect() }
    };
    let drawn = plot(&data.arms.iter().map(|arm| course(&arm.name)).collect::<Vec<_>>(), upward);
    let scale = if upward == Upward::Log { ", on the logarithm" } else { "" };
    (!drawn.is_empty()).then(|| format!("{}{scale}\n{drawn}", quantity.title))
}

/// The first document of the first and of the last generation, one below the other.
fn first_documents(data: &Data) -> Option<String> {
    let excerpts = data.arms.iter().find_map(|arm| excerpts::of_arm(data, &arm.name))?;
    let (arm, seed) = (visible(&excerpts.chain.arm, false), excerpts.chain.seed);
    let mut text = String::new();
    let mut columns = vec![excerpts.columns.first()?, excerpts.columns.last()?];
    columns.dedup_by_key(|column| column.generation);
    for column in columns {
        let lines = match &column.documents {
            Ok(documents) => wrapped(documents.first().map_or("", |first| &first.text), LINE - 2, LINES),
            Err(why) => wrapped(why, LINE - 2, LINES),
        };
        text.push_str(&format!("First text of generation {}, {arm}, seed {seed}\n", column.generation));
        for line in if lines.is_empty() { vec!["(empty)".to_owned()] } else { lines } {
            text.push_str(&format!("  {line}\n"));
        }
    }
    Some(text)
}

fn failures(data: &Data) -> String {
    let line = |failure: &Failure| {
        let (chain, reason) = (failure.chain.to_string(), visible(&failure.reason, false));
        format!("failed: {} at generation {}: {reason}\n", visible(&chain, false), failure.generation)
    };
    data.failures.iter().map(line).collect()
}

fn head(generations: &[u32]) -> Vec<String> {
    let mut row = vec!["arm".to_owned(), "seeds".to_owned()];
    row.extend(generations.iter().map(|g| format!("gen {g}")));
    row.push("last/first".to_owned());
    row
}

/// Which generation a column of [`compare`] shows.
#[derive(Clone, Copy)]
enum At {
    First,
    Last,
    /// The last over the first.
    Ratio,
}

/// What [`compare`] shows, where a run has it.
const COMPARED: [(&str, Quantity, At); 9] = [
    ("ppl first", TEST_PERPLEXITY, At::First),
    ("ppl last", TEST_PERPLEXITY, At::Last),
    ("last/first", TEST_PERPLEXITY, At::Ratio),
    ("bits/byte", BITS_PER_BYTE, At::Last),
    ("vocabulary", VOCABULARY, At::Last),
    ("excess first", EXCESS, At::First),
    ("excess last", EXCESS, At::Last),
    ("facts first", RARE_FACTS, At::First),
    ("facts last", RARE_FACTS, At::Last),
];

/// One table over `runs`, pieces of one run joined, a row for each run and arm: perplexity of the first and the last
/// generation and their ratio, bits per byte and surviving vocabulary of the last; on a generated world the excess over
/// the floor and the rare facts still known, of both. What no run has measured is left out.
///
/// # Errors
/// If one of them is no run directory or has no metrics.
pub fn compare(runs: &[PathBuf]) -> Result<String> {
    let mut rows = vec![["run", "arm", "seeds", "generations"].map(str::to_owned).to_vec()];
    rows[0].extend(COMPARED.map(|(title, ..)| title.to_owned()));
    let all = comparison::parts(runs)?;
    // A column is of one thing: what the first run that has it shows of it.
    let views = COMPARED.map(|(_, quantity, _)| all.iter().find_map(|part| part.data.view(&quantity)));
    for Part { name, data } in &all {
        let waiting = data.unfinished.iter().map(|one| one.arm.as_str()).filter(|arm| data.arm(arm).is_none());
        for arm in data.arms.iter().map(|arm| arm.name.as_str()).chain(waiting) {
            let (seeds, generations) = (data.seed_count(arm).to_string(), data.generations(arm).len().to_string());
            let mut row = vec![name.clone(), visible(arm, false), seeds, generations];
            let cells = views.iter().zip(COMPARED).map(|(viewed, (.., at))| compared(data, arm, viewed.as_ref()?, at));
            row.extend(cells.map(|cell| cell.unwrap_or_else(dash)));
            rows.push(row);
        }
    }
    let measured = |column: usize| rows[1..].iter().any(|row| row[column] != "-");
    let named = rows[0].len() - COMPARED.len();
    let shown: Vec<bool> = (0..rows[0].len()).map(|column| column < named || measured(column)).collect();
    for row in &mut rows {
        let mut shown = shown.iter();
        row.retain(|_| *shown.next().expect("all rows are of one length"));
    }
    // Run and arm are names.
    let mut text = aligned_after(&rows, 2);
    for Part { name, data } in &all {
        text.extend(
            data.unfinished.iter().map(|one| format!("{name}, {}: {}\n", visible(&one.arm, false), one.words())),
        );
    }
    Ok(text)
}

fn compared(data: &Data, arm: &str, viewed: &Viewed, at: At) -> Option<String> {
    let generations = data.generations_of(&viewed.key, arm);
    let generation = match at {
        At::First => generations.first(),
        At::Last => generations.last(),
        At::Ratio => return data.ratio(&viewed.key, arm).map(|change| number(change.ratio.mean)),
    };
    Some(mean(data, viewed, arm, *generation?))
}

fn dash() -> String {
    "-".to_owned()
}

fn mean(data: &Data, viewed: &Viewed, arm: &str, generation: u32) -> String {
    data.shown(viewed, arm, generation).map_or_else(dash, |interval| number(interval.mean))
}

/// At most [`COLUMNS`] of the generations, evenly spread.
fn thinned(generations: &[u32]) -> Vec<u32> {
    let n = generations.len();
    if n <= COLUMNS {
        return generations.to_vec();
    }
    (0..COLUMNS).map(|i| generations[i * (n - 1) / (COLUMNS - 1)]).collect()
}

fn aligned(rows: &[Vec<String>]) -> String {
    aligned_after(rows, 1)
}

/// Columns as wide as their widest cell: the first `names` to the left, numbers to the right.
fn aligned_after(rows: &[Vec<String>], names: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < names { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["arm", "gen 0"], ["replace", "3"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "arm      gen 0\nreplace      3\n");
    }

    #[test]
    fn many_generations_are_thinned_to_first_and_last() {
        let thin = thinned(&(0..=20).collect::<Vec<_>>());
        assert_eq!((thin.len(), thin[0], thin[8]), (9, 0, 20));
        assert_eq!(thinned(&[0, 1, 2]), [0, 1, 2]);
    }
}
