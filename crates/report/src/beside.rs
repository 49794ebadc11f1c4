//! Several runs on one page: their curves over each other, and by how much they differ.
//!
//! Runs of one experiment share seeds, and with them human text and random draws, so a difference is taken seed by seed
//! (see `evaluation::statistics`), and shown beside how far seeds lie apart in the first run: a difference that is small
//! beside that is one that no experiment of this size could see.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use evaluation::statistics::{Interval, Sample, Scale};

use crate::catalogue::{MAIN_COLUMNS, Quantity, TEST_LOSS, scale};
use crate::chronicle::COLUMNS;
use crate::data::{Data, Part, Viewed};
use crate::escape::{html, visible};
use crate::more::OF_MODEL;
use crate::ticks::number;

/// Lines of differences that are shown at once: those of two arms.
const SHOWN: usize = 35;

/// The runs with their names: the last part of each one's path, or all of it where that is not enough to tell them apart.
pub(crate) fn parts(runs: &[PathBuf]) -> crate::Result<Vec<Part>> {
    let shown = |name: &std::ffi::OsStr| visible(&name.to_string_lossy(), false);
    let whole: Vec<String> = runs.iter().map(|run| shown(run.as_os_str())).collect();
    let last: Vec<String> = runs.iter().map(|run| shown(run.file_name().unwrap_or(run.as_os_str()))).collect();
    let names = if distinct(&last) { last } else { whole };
    let numbered = !distinct(&names);
    let part = |(number, (run, name)): (usize, (&PathBuf, String))| {
        let name = if numbered { format!("{name} #{}", number + 1) } else { name };
        Ok(Part { name, data: Data::load(run)? })
    };
    runs.iter().zip(names).enumerate().map(part).collect()
}

fn distinct(names: &[String]) -> bool {
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
    let text = |part: &Part| part.data.info.as_ref().map(|info| (info.corpus.clone(), info.tokenizer.clone()));
    if parts.iter().any(|part| text(part) != text(&parts[0])) {
        list.push_str(
            "<div class=\"warn\"><p>These runs have not one corpus and tokenizer: differences by seed mean little.</p></div>\n",
        );
    }
    list.push_str("<p class=\"quiet\">What is said of other human text is of the first run.</p>\n");
    list
}

/// One line of what differs.
struct Difference {
    arm: String,
    what: &'static str,
    generation: u32,
    /// Mean of the first run, over the seeds that both have, as everywhere on the page.
    first: f64,
    /// Standard deviation over those seeds; infinite of one.
    spread: f64,
    /// The other run less the first, seed by seed.
    sample: Sample,
    /// Seeds of the first run.
    of: usize,
}

/// How the runs differ from the first: a table for each.
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
        "<h2>What differs</h2>\n<p class=\"quiet\">For arms of one name, in the last generation that most of their common seeds \
         reached: plain differences seed by seed, their mean with its 95 % interval (from three seeds on), and how far seeds lie \
         apart in the first run (standard deviation).</p>\n{section}"
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
    let pairs = |generation| -> Vec<(f64, f64)> {
        let theirs: BTreeMap<u64, f64> = other.seeds(&key, arm, generation).into_iter().collect();
        let ours = first.seeds(&key, arm, generation).into_iter();
        let both = ours.filter_map(|(seed, ours)| Some((times * theirs.get(&seed)?, times * ours)));
        both.filter(|(theirs, ours)| theirs.is_finite() && ours.is_finite()).collect()
    };
    let all: Vec<(u32, Vec<(f64, f64)>)> =
        first.generations_of(&key, arm).into_iter().map(|generation| (generation, pairs(generation))).collect();
    let most = all.iter().map(|(_, pairs)| pairs.len()).max()?;
    let (generation, pairs) = all.into_iter().rfind(|(_, pairs)| pairs.len() == most)?;
    let ours = || pairs.iter().map(|(_, ours)| *ours);
    let scatter = Sample::of(ours())?;
    Some(Difference {
        arm: arm.to_owned(),
        what: quantity.title,
        generation,
        first: Interval::of(ours(), scale(&key.1))?.mean,
        spread: scatter.error * (scatter.n as f64).sqrt(),
        sample: Sample::paired(pairs.iter().copied(), Scale::Plain)?,
        of: first.seed_count(arm),
    })
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
        let mut notes = Vec::new();
        notes.extend((line.sample.n >= 3).then(|| format!("{} to {}", number(low), number(high))));
        notes.extend((line.sample.n < line.of).then(|| format!("{} of {} seeds", line.sample.n, line.of)));
        let notes: String = notes.iter().map(|note| format!("<small>{note}</small>")).collect();
        let _ = writeln!(
            table,
            "<tr{begins}><th scope=\"row\">{name}</th><td class=\"name\">{}</td><td>{}</td><td>{}</td><td>{spread}</td>\
             <td>{}{notes}</td></tr>",
            html(line.what),
            line.generation,
            number(line.first),
            number(line.sample.mean),
        );
    }
    table.push_str("</tbody>\n</table></div>\n");
    table
}
