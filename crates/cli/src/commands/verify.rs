//! `habsburg verify` and `habsburg gc`.

use crate::Failure;
use crate::args::{GcArgs, VerifyArgs};
use crate::output::Output;
use crate::progress::Counter;
use corpus::printable;
use experiment::{Keep, Retention};
use orchestrator::{Removed, Verified};
use rundir::Health;

/// `habsburg verify`
pub(crate) fn verify(args: VerifyArgs, out: &mut Output) -> Result<(), Failure> {
    let shown = Counter::new("stages");
    let verified = orchestrator::verify(&args.run, args.repair, &mut |done, all| shown.step(done, all));
    shown.finish();
    let verified = verified?;
    let Verified { health, repaired, again, left, is_whole } = &verified;
    let Health { damaged, stages, bytes, thinned, missing } = health;
    for damage in damaged {
        writeln!(out, "{}: {}", damage.part, printable(&damage.how))?;
    }
    for (id, (chain, generation)) in missing {
        writeln!(out, "{id}: is missing ({chain}, generation {generation})")?;
    }
    for line in repaired.iter().chain(left) {
        writeln!(out, "{}", printable(line))?;
    }
    writeln!(out, "{stages} stages are whole, {}.", size(*bytes))?;
    if !thinned.is_empty() {
        let removed = thinned.values().sum();
        writeln!(out, "Of {} of them, {} were removed on purpose, as `keep` says.", thinned.len(), size(removed))?;
    }
    if !again.is_empty() {
        let ids: Vec<String> = again.iter().map(ToString::to_string).collect();
        writeln!(out, "The next `habsburg run` makes again: {}.", ids.join(", "))?;
    }
    if *is_whole {
        return Ok(());
    }
    let count = damaged.len() + missing.len();
    let way = match (args.repair || damaged.is_empty(), again.is_empty()) {
        (false, _) => format!("`habsburg verify {} --repair` repairs it", args.run.display()),
        (true, false) => "run the experiment again with the same --out".to_owned(),
        (true, true) => "see above".to_owned(),
    };
    Err(Failure::Work(format!("{count} parts of {} are damaged or missing: {way}", args.run.display())))
}

/// `habsburg gc`
pub(crate) fn gc(args: GcArgs, out: &mut Output) -> Result<(), Failure> {
    let keep = keep(&args.keep)?;
    let shown = Counter::new("stages");
    let removed = orchestrator::gc(&args.run, keep, &mut |done, all| shown.step(done, all));
    shown.finish();
    let Removed { thinned, stages, leftovers, bytes, unfinished } = removed?;
    if let Some(chain) = unfinished {
        writeln!(
            out,
            "{chain} is not finished: large files, stages without a record and checkpoints stay until it is."
        )?;
    }
    writeln!(
        out,
        "{} freed: large files of {thinned} stages, {stages} stages that no record names, {leftovers} leftovers.",
        size(bytes)
    )
}

/// What is kept, as `--keep` says; none if it does not say.
fn keep(words: &[String]) -> Result<Option<Keep>, Failure> {
    let mut keep = None;
    for word in words {
        let wrong = || {
            let kinds = "give all, last or metrics, or one of them for train, generate, compose or judge";
            Failure::Request(format!("--keep {word}: {kinds}, as in --keep train=last"))
        };
        let (kind, what) = word.split_once('=').map_or((None, word.as_str()), |(kind, what)| (Some(kind), what));
        let what = match what {
            "all" => Retention::All,
            "last" => Retention::Last,
            "metrics" => Retention::Metrics,
            _ => return Err(wrong()),
        };
        let all = keep.get_or_insert_with(Keep::default);
        match kind {
            None => *all = Keep::from(what),
            Some("train") => all.train = what,
            Some("generate") => all.generate = what,
            Some("compose") => all.compose = what,
            Some("judge") => all.judge = what,
            Some(_) => return Err(wrong()),
        }
    }
    Ok(keep)
}

/// Bytes for people: `12.3 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let bytes = bytes as f64;
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{:.1} {name}", bytes / unit))
}
