//! The tells of each arm's last generation: n-grams that are more frequent than in human text by more than chance, and the
//! share of each generation's documents that hold them.
//!
//! A score stage may hold `tells.json`:
//!
//! ```json
//! {"documents": 2000, "tells": [{"ngram": "a rich tapestry", "documents": 60, "human": 0, "log_odds": 5.1, "z": 9.3,
//!   "human_share": 0.0, "shares": [0.001, 0.012, 0.03]}]}
//! ```
//!
//! What is in it was written by a model and may hold anything.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;

use rundir::{StageId, StageKind};
use serde::Deserialize;

use crate::data::Data;
use crate::escape::html;
use crate::stages;
use crate::ticks::number;

/// Where a score stage has them.
const FILE: &str = "tells.json";
/// A file longer than this is none of ours; it bounds what a broken one can take of memory.
const LONGEST: u64 = 16 << 20;
/// Characters of an n-gram that are shown.
const CHARACTERS: usize = 80;
/// Generations that have a column, at most: the first, the last, and those between evenly.
const COLUMNS: usize = 12;

#[derive(Deserialize)]
struct Told {
    documents: u64,
    tells: Vec<Tell>,
}

#[derive(Deserialize)]
struct Tell {
    ngram: String,
    z: f64,
    human_share: f64,
    shares: Vec<f64>,
}

/// The section of the page; empty if no chain has such a file.
pub(crate) fn section(data: &Data) -> String {
    let tables: String = data.arms.iter().filter_map(|arm| of_arm(data, arm)).collect();
    if tables.is_empty() {
        return tables;
    }
    format!(
        "<h2>What they say too often</h2>\n<p class=\"quiet\">Tells of the last generation of one chain of each arm: n-grams \
         in more of its documents than human text lets expect (log-odds with an informative prior; z in standard errors, \
         beyond chance over all n-grams), the strongest first, and the percentage of each generation’s documents that \
         holds them. They were chosen for the last column, which is therefore too high by what chance did.</p>\n{tables}"
    )
}

fn of_arm(data: &Data, arm: &str) -> Option<String> {
    let (chain, stages) = stages::farthest(data, arm, StageKind::Score)?;
    let (generation, id) = stages.last()?;
    let head =
        format!("<h3>{} <span class=\"quiet\">seed {}, generation {generation}</span></h3>\n", html(arm), chain.seed);
    let body = match read(data, id)? {
        Err(why) => format!("<p class=\"quiet\">{}</p>\n", html(&why)),
        Ok(told) if told.tells.is_empty() => {
            format!("<p class=\"quiet\">None in {} documents.</p>\n", number(told.documents as f64))
        }
        Ok(told) => table(&told),
    };
    Some(head + &body)
}

fn table(told: &Told) -> String {
    let generations = told.tells.iter().map(|tell| tell.shares.len()).max().unwrap_or(0);
    let shown = columns(generations);
    let heads: String = shown.iter().map(|g| format!("<th scope=\"col\">gen. {g}</th>")).collect();
    let mut table = format!(
        "<div class=\"scroll\"><table>\n<thead><tr><th class=\"name\" scope=\"col\">Tell</th><th scope=\"col\">z</th>\
         <th scope=\"col\">Human</th>{heads}</tr></thead>\n<tbody>\n"
    );
    let percent = |share: f64| format!("<td>{:.1} %</td>", 100.0 * share);
    for tell in &told.tells {
        let cells: String =
            shown.iter().map(|&g| tell.shares.get(g).map_or_else(|| "<td></td>".to_owned(), |&s| percent(s))).collect();
        let _ = writeln!(
            table,
            "<tr><th scope=\"row\"><bdi>{}</bdi></th><td>{:.1}</td>{}{cells}</tr>",
            html(&shortened(&tell.ngram)),
            tell.z,
            percent(tell.human_share)
        );
    }
    table.push_str("</tbody>\n</table></div>\n");
    table
}

/// The generations that have a column.
fn columns(generations: usize) -> Vec<usize> {
    let most = COLUMNS.min(generations);
    (0..most).map(|i| if most < 2 { i } else { i * (generations - 1) / (most - 1) }).collect()
}

/// The beginning of an n-gram: a word may be as long as a document.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// None if there is no such file; else what is in it, or which it is and why it cannot be read.
fn read(data: &Data, id: &StageId) -> Option<Result<Told, String>> {
    let path = data.run.stage_path(id).join(FILE);
    if !path.is_file() {
        return None;
    }
    let named = |why: String| format!("{id}/{FILE}: {why}");
    let mut bytes = Vec::new();
    let opened = File::open(&path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    Some(match opened {
        Err(error) => Err(named(error.to_string())),
        Ok(_) => serde_json::from_slice(&bytes).map_err(|error| named(error.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_always_have_a_column() {
        assert_eq!(columns(0), [0_usize; 0]);
        assert_eq!(columns(1), [0]);
        assert_eq!(columns(3), [0, 1, 2]);
        let many = columns(40);
        assert!(many.len() == COLUMNS && many[0] == 0 && many[COLUMNS - 1] == 39, "{many:?}");
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn hostile_tells_are_shown_and_not_obeyed() {
        let ngram = format!("<script>x</script> \u{1b}[2J\u{202e}{}", "y".repeat(200));
        let told =
            Told { documents: 9, tells: vec![Tell { ngram, z: 5.04, human_share: 0.0, shares: vec![0.0, 0.25] }] };
        let table = table(&told);
        assert!(!table.contains("<script") && !table.contains(['\u{1b}', '\u{202e}']), "{table}");
        assert!(
            table.contains("&lt;script&gt;") && table.contains("<td>25.0 %</td>") && table.contains("<td>5.0</td>")
        );
        assert!(!table.contains(&"y".repeat(100)), "a long word is cut");
    }
}
