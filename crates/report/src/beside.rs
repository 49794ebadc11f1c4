//! Several runs on one page: their curves over each other, and by how much they differ.
//!
//! Runs of one experiment share seeds, and with them human text and random draws, so a difference is taken seed by seed
//! (see `evaluation::statistics`), and shown beside how far seeds lie apart in the first run: a difference that is small
//! beside that is one that no experiment of this size could see.

use std::fmt::Write;
use std::path::PathBuf;

use evaluation::statistics::Sample;

use crate::catalogue::{MAIN_COLUMNS, Quantity, TEST_LOSS};
use crate::chronicle::COLUMNS;
use crate::data::{Data, Part, Viewed};
use crate::escape::{html, visible};
use crate::more::OF_MODEL;
use crate::ticks::number;

/// Lines of differences that are shown at once: those of four arms.
const SHOWN: usize = 70;

/// The runs with their names: the last part of each one's path, or all of it where that is not enough to tell them apart.
pub(crate) fn parts(runs: &[PathBuf]) -> crate::Result<Vec<Part>> {
    let last = |run: &PathBuf| run.file_name().map_or_else(|| run.as_path().into(), PathBuf::from);
    let short: Vec<PathBuf> = runs.iter().map(last).collect();
    let names = if distinct(&short) { &short } else { runs };
    let numbered = !distinct(names);
    let part = |(number, (run, name)): (usize, (&PathBuf, &PathBuf))| {
        let name = visible(&name.display().to_string(), false);
        let name = if numbered { format!("{name} #{}", number + 1) } else { name };
        Ok(Part { name, data: Data::load(run)? })
    };
    runs.iter().zip(names).enumerate().map(part).collect()
}

fn distinct(names: &[PathBuf]) -> bool {
    names.iter().enumerate().all(|(i, name)| !names[..i].contains(name))
}

/// The runs, their devices, and what a reader must know before the figures.
pub(crate) fn outline(parts: &[Part]) -> String {
    let mut list = String::from("<ul>\n");
    for part in parts {
        let made = part.data.info.as_ref().map(|info| {
            format!(": habsburg {}, {} ({}), begun {}", info.habsburg, info.device, info.backend, info.started)
        });
        let _ = writeln!(list, "<li><b>{}</b>{}</li>", html(&part.name), html(&made.unwrap_or_default()));
    }
    list.push_str("</ul>\n");
    let corpus = |part: &Part| part.data.info.as_ref().and_then(|info| info.corpus.clone());
    if parts.iter().any(|part| corpus(part) != corpus(&parts[0])) {
        list.push_str(
            "<div class=\"warn\"><p>These runs are not on one corpus: dashed lines and rows of other human text are those of \
             the last one, and differences by seed mean little.</p></div>\n",
        );
    }
    list
}

/// One line of what differs.
struct Difference {
    arm: String,
    of: &'static str,
    generation: u32,
    /// Mean of the first run, over the seeds that both have.
    first: f64,
    /// Standard deviation over those seeds; infinite of one.
    spread: f64,
    /// The other run less the first, seed by seed.
    sample: Sample,
}

/// How the runs differ from the first in the last generation that both have: a table for each.
pub(crate) fn differences(parts: &[Part]) -> String {
    let Some((first, others)) = parts.split_first() else {
        return String::new();
    };
    let mut section = String::new();
    for other in others {
        let found = between(&first.data, &other.data);
        if !found.is_empty() {
            let table = table(&first.name, &other.name, &found);
            section.push_str(&match found.len() {
                0..=SHOWN => table,
                many => format!("<details><summary>{many} differences</summary>\n{table}</details>\n"),
            });
        }
    }
    if section.is_empty() {
        return section;
    }
    format!(
        "<h2>What differs</h2>\n<p class=\"quiet\">In the last generation that both runs have, for arms of one name: differences \
         seed by seed, their mean with its 95 % interval (from three seeds on), and how far seeds lie apart in the first run \
         (standard deviation).</p>\n{section}"
    )
}

/// What differs between two runs, arms in the first one's order.
fn between(first: &Data, other: &Data) -> Vec<Difference> {
    let quantities: Vec<&Quantity> =
        [&TEST_LOSS].into_iter().chain(COLUMNS).chain(MAIN_COLUMNS).chain(&OF_MODEL).collect();
    let arms = first.arms.iter().filter(|arm| other.arms.contains(arm));
    arms.flat_map(|arm| quantities.iter().filter_map(move |quantity| difference(first, other, arm, quantity))).collect()
}

fn difference(first: &Data, other: &Data, arm: &str, quantity: &Quantity) -> Option<Difference> {
    // What the first run shows of the quantity is what is looked for in the other.
    let Viewed { key, times, .. } = first.view(quantity)?;
    let theirs = other.generations_of(&key, arm);
    let generation = first.generations_of(&key, arm).into_iter().rfind(|generation| theirs.contains(generation))?;
    let of_other = other.seeds(&key, arm, generation);
    let pairs: Vec<(f64, f64)> = first
        .seeds(&key, arm, generation)
        .into_iter()
        .filter_map(|(seed, ours)| Some((times * ours, times * of_other.iter().find(|(other, _)| *other == seed)?.1)))
        .collect();
    let ours = Sample::of(pairs.iter().map(|(ours, _)| *ours))?;
    let sample = Sample::of(pairs.iter().map(|(ours, theirs)| theirs - ours))?;
    let (spread, first) = (ours.error * (ours.n as f64).sqrt(), ours.mean);
    Some(Difference { arm: arm.to_owned(), of: quantity.title, generation, first, spread, sample })
}

fn table(first: &str, other: &str, found: &[Difference]) -> String {
    let (first, other) = (html(first), html(other));
    let mut table = format!(
        "<div class=\"scroll\"><table>\n<caption>{other} less {first}</caption>\n<thead><tr><th class=\"name\" scope=\"col\">Arm</th>\
         <th class=\"name\" scope=\"col\">What</th><th scope=\"col\">Generation</th><th scope=\"col\">{first}</th>\
         <th scope=\"col\">Seeds apart</th><th scope=\"col\">Difference</th></tr></thead>\n<tbody>\n"
    );
    let mut arm = "";
    for line in found {
        let (begins, name) = if line.arm == arm { ("", String::new()) } else { (" class=\"begins\"", html(&line.arm)) };
        arm = &line.arm;
        let spread = if line.spread.is_finite() { number(line.spread) } else { String::new() };
        let (low, high) = line.sample.bounds(0.95);
        let interval = if line.sample.n >= 3 {
            format!("<small>{} to {}</small>", number(low), number(high))
        } else {
            String::new()
        };
        let _ = writeln!(
            table,
            "<tr{begins}><th scope=\"row\">{name}</th><td class=\"name\">{}</td><td>{}</td><td>{}</td><td>{spread}</td>\
             <td>{}{interval}</td></tr>",
            html(line.of),
            line.generation,
            number(line.first),
            number(line.sample.mean),
        );
    }
    table.push_str("</tbody>\n</table></div>\n");
    table
}
