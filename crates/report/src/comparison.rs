//! Several runs on one page: their curves over each other, and by how much they differ.
//!
//! Runs of one experiment share seeds, and with them human text and random draws, so a difference is taken seed by seed
//! (see `evaluation::statistics`), and shown beside how far seeds lie apart in the first run: a difference that is small
//! beside that is one that no experiment of this size could see.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use evaluation::statistics::{Interval, Sample, Scale};
use maud::{Markup, html};

use crate::data::{Data, Origin, Viewed};
use crate::error::Result;
use crate::join::{self, Part};
use crate::markup::{begins, bounds, folded};
use crate::pieces::{self, Piece};
use crate::quantity::{self, Quantity, TEST_LOSS, TRUTH};
use crate::ticks::number;
use crate::visible::visible;

/// Lines of differences that are shown at once: those of two arms.
const SHOWN: usize = 35;

/// The runs, pieces of one joined, with their names: the last part of each one's path, or all of it where that is not enough
/// to tell them apart; those of pieces joined by a plus.
///
/// # Errors
/// If one of them cannot be read.
pub(crate) fn parts(runs: &[PathBuf]) -> Result<Vec<Part>> {
    let groups = pieces::grouped(runs.iter().map(|run| Piece::open(run)).collect::<Result<_>>()?);
    let named = |name: fn(&Path) -> &OsStr| -> Vec<String> {
        let of = |piece: &Piece| visible(&name(piece.run.path()).to_string_lossy(), false);
        groups.iter().map(|group| group.iter().map(of).collect::<Vec<_>>().join(" + ")).collect()
    };
    let last = named(|run| run.file_name().unwrap_or(run.as_os_str()));
    let names = if distinct(&last) { last } else { named(Path::as_os_str) };
    let numbered = !distinct(&names);
    let part = |(number, (group, name)): (usize, (Vec<Piece>, String))| {
        let name = if numbered { format!("{name} #{}", number + 1) } else { name };
        Ok(Part { name, data: join::join(group)? })
    };
    groups.into_iter().zip(names).enumerate().map(part).collect()
}

fn distinct(names: &[String]) -> bool {
    names.iter().enumerate().all(|(i, name)| !names[..i].contains(name))
}

/// The runs, their devices, and what a reader must know before the figures.
pub(crate) fn outline(parts: &[Part]) -> Markup {
    let made = |Origin { info, .. }: &Origin| {
        format!("habsburg {}, {} ({}), begun {}", info.build.version, info.device, info.backend, info.started)
    };
    let all_made = |part: &Part| part.data.origins.iter().map(made).collect::<Vec<_>>().join("; ");
    let text = |part: &Part| -> Vec<(Option<String>, Option<String>)> {
        part.data.origins.iter().map(|Origin { info, .. }| (info.corpus.clone(), info.tokenizer.clone())).collect()
    };
    html! {
        ul {
            @for part in parts { li { b { (part.name) } ": " (all_made(part)) } }
        }
        @if parts.iter().any(|part| text(part) != text(&parts[0])) {
            div.warn {
                p { "These runs have not one corpus and tokenizer: differences by seed mean little." }
            }
        }
        p.quiet { "What is said of other human text is of the first run." }
    }
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

/// Differences of the runs from the first: a table for each.
pub(crate) fn differences(parts: &[Part]) -> Markup {
    let Some((first, others)) = parts.split_first() else {
        return Markup::default();
    };
    let found = others.iter().map(|other| (other, between(&first.data, &other.data)));
    let differing: Vec<_> = found.filter(|(_, found)| !found.is_empty()).collect();
    if differing.is_empty() {
        return Markup::default();
    }
    html! {
        h2 { "What differs" }
        p.quiet {
            "For arms of one name, in the last generation that most of their common seeds reached: plain differences seed by \
             seed, their mean with its 95 % interval (from three seeds on), and how far seeds lie apart in the first run \
             (standard deviation)."
        }
        @for (other, found) in differing {
            (folded(found.len(), SHOWN, "differences", &table(&first.name, &other.name, &found)))
        }
    }
}

/// Differences between two runs, arms in the first one's order.
fn between(first: &Data, other: &Data) -> Vec<Difference> {
    let quantities: Vec<Quantity> = [TEST_LOSS].into_iter().chain(TRUTH).chain(quantity::main()).collect();
    let arms = first.arms.iter().map(|arm| &arm.name).filter(|arm| other.arm(arm).is_some());
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
        first: Interval::of(ours(), quantity.metric.scale)?.mean,
        spread: scatter.error * (scatter.n as f64).sqrt(),
        sample: Sample::paired(pairs.iter().copied(), Scale::Plain)?,
        of: first.seed_count(arm),
    })
}

fn table(first: &str, other: &str, found: &[Difference]) -> Markup {
    let begins_arm = |i: usize| i == 0 || found[i - 1].arm != found[i].arm;
    html! {
        div.scroll {
            table {
                caption { (other) " less " (first) }
                thead {
                    tr {
                        th.name scope="col" { "Arm" }
                        th.name scope="col" { "What" }
                        th scope="col" { "Generation" }
                        th scope="col" { (first) }
                        th scope="col" { "Seeds apart" }
                        th scope="col" { "Difference" }
                    }
                }
                tbody {
                    @for (i, difference) in found.iter().enumerate() { (row(difference, begins_arm(i))) }
                }
            }
        }
    }
}

fn row(difference: &Difference, is_first: bool) -> Markup {
    let Difference { arm, what, generation, first, spread, sample, of } = difference;
    let (low, high) = sample.bounds(0.95);
    html! {
        tr class=[begins(is_first)] {
            th scope="row" { @if is_first { (arm) } }
            td.name { (what) }
            td { (generation) }
            td { (number(*first)) }
            td { @if spread.is_finite() { (number(*spread)) } }
            td {
                (number(sample.mean))
                @if sample.n >= 3 { (bounds(low, high)) }
                @if sample.n < *of { small { (sample.n) " of " (of) " seeds" } }
            }
        }
    }
}
