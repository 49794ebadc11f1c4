//! Short tables for a terminal, aligned, free of control characters.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::catalogue::{BITS_PER_BYTE, TEST_PERPLEXITY, VOCABULARY};
use crate::data::{Data, Key};
use crate::escape::visible;
use crate::ticks::number;

/// Generations that fit a line; of more, these many are shown, first and last among them.
const COLUMNS: usize = 9;

/// What came out of `run`, by arm: test perplexity and surviving vocabulary by generation, means over seeds; failed chains.
///
/// # Errors
/// If `run` is no run directory or has no metrics.
pub fn terminal_table(run: &Path) -> Result<String> {
    let data = Data::load(run)?;
    let mut text = String::new();
    for quantity in [TEST_PERPLEXITY, VOCABULARY] {
        let Some(viewed) = data.view(&quantity) else { continue };
        let key = &viewed.key;
        let arms: Vec<&String> = data.arms.iter().filter(|arm| !data.generations_of(key, arm).is_empty()).collect();
        let all: BTreeSet<u32> = arms.iter().flat_map(|arm| data.generations_of(key, arm)).collect();
        let generations = thinned(&all.into_iter().collect::<Vec<_>>());
        let mut rows = vec![head(&generations)];
        for arm in arms {
            let mut row = vec![visible(arm, false), data.seed_count(arm).to_string()];
            row.extend(generations.iter().map(|&generation| mean(&data, key, arm, generation)));
            row.push(data.ratio(key, arm).map_or_else(dash, |change| number(change.ratio.mean)));
            rows.push(row);
        }
        if let Some(human) = data.human(&viewed) {
            rows.push(vec!["(other human)".to_owned(), String::new(), number(human)]);
        }
        text.push_str(&format!("{}, mean over seeds\n{}\n", quantity.title, aligned(&rows)));
    }
    for failure in &data.failures {
        let reason = visible(&failure.reason, false);
        text.push_str(&format!(
            "failed: {} at generation {}: {reason}\n",
            visible(&failure.chain.to_string(), false),
            failure.generation
        ));
    }
    if text.is_empty() {
        text.push_str("nothing was measured\n");
    }
    Ok(text)
}

fn head(generations: &[u32]) -> Vec<String> {
    let mut row = vec!["arm".to_owned(), "seeds".to_owned()];
    row.extend(generations.iter().map(|g| format!("gen {g}")));
    row.push("last/first".to_owned());
    row
}

/// One table over `runs`, a row for each run and arm: perplexity of the first and the last generation and their ratio, bits
/// per byte and surviving vocabulary of the last.
///
/// # Errors
/// If one of them is no run directory or has no metrics.
pub fn compare(runs: &[PathBuf]) -> Result<String> {
    let titles =
        ["run", "arm", "seeds", "generations", "ppl first", "ppl last", "last/first", "bits/byte", "vocabulary"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for run in runs {
        let data = Data::load(run)?;
        let name = visible(&run.display().to_string(), false);
        let [perplexity, bits, vocabulary] =
            [TEST_PERPLEXITY, BITS_PER_BYTE, VOCABULARY].map(|q| Some(data.view(&q)?.key));
        for arm in &data.arms {
            let at = |key: &Option<Key>, choose: fn(&[u32]) -> Option<&u32>| {
                let found = key.as_ref().and_then(|key| {
                    let generation = *choose(&data.generations_of(key, arm))?;
                    Some(mean(&data, key, arm, generation))
                });
                found.unwrap_or_else(dash)
            };
            let change = perplexity.as_ref().and_then(|key| data.ratio(key, arm));
            rows.push(vec![
                name.clone(),
                visible(arm, false),
                data.seed_count(arm).to_string(),
                data.generations(arm).len().to_string(),
                at(&perplexity, <[u32]>::first),
                at(&perplexity, <[u32]>::last),
                change.map_or_else(dash, |change| number(change.ratio.mean)),
                at(&bits, <[u32]>::last),
                at(&vocabulary, <[u32]>::last),
            ]);
        }
    }
    // Run and arm are names.
    Ok(aligned_after(&rows, 2))
}

fn dash() -> String {
    "-".to_owned()
}

fn mean(data: &Data, key: &Key, arm: &str, generation: u32) -> String {
    data.interval(key, arm, generation).map_or_else(dash, |interval| number(interval.mean))
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
