use super::verify::size;
use crate::args::{Care, PlanArgs, RunArgs, StepArgs};
use crate::output::{Output, StandardError};
use crate::progress::{Progress, duration};
use crate::signals::Signals;
use crate::{Failure, args::ProgressKind};
use experiment::Experiment;
use orchestrator::{Plan, RunOptions, Summary, Varying};
use rundir::{Event, Observer};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `habsburg run`
pub(crate) fn run(args: RunArgs, out: &mut Output) -> Result<(), Failure> {
    let precision = args.precision.map(|precision| format!("train.precision=\"{}\"", precision.name()));
    let set: Vec<String> = precision.into_iter().chain(args.set).collect();
    let experiment = Experiment::load(&args.experiment, &set)?;
    let folder = args.out.unwrap_or_else(|| PathBuf::from("runs").join(&experiment.name));
    let mut options = options(args.device.device, args.jobs.map(|jobs| jobs as usize));
    careful(&mut options, &args.care);
    let how = "what is finished is kept; run the same command again to go on";
    let signals = Signals::watch(options.interrupt.clone(), how.to_owned())?;
    let progress = Progress::new(args.progress);
    let started = Instant::now();
    let metrics = || std::fs::read(folder.join("metrics.csv")).ok();
    let before = metrics();
    let live = LivePage::new(&folder, &progress);
    let summary = orchestrator::run(&experiment, &folder, &options, &live);
    progress.finish();
    let Summary { made, found, .. } = summary.map_err(|error| {
        // A request that was refused changes no file.
        if !matches!(error, orchestrator::Error::Request(_)) {
            live.write();
        }
        signals.failure(error)
    })?;
    // Rendered each time: a page may be of a smaller run, or damaged. One that is whole and up to date is not touched.
    let report = report::Report::read(std::slice::from_ref(&folder)).map_err(Failure::work)?;
    let written = report.write(None)?;
    if made == 0 && !written.changed && metrics() == before {
        progress.say(&format!("Nothing to do: {} is complete.", folder.display()));
    } else {
        progress.say(&format!("{made} stages made, {found} found, in {}.", duration(started.elapsed())));
    }
    write!(out, "{}", report.terminal_table())?;
    writeln!(out, "Report: {}", written.page.display())
}

/// Keeps the page up to date while the run goes on.
struct LivePage<'a> {
    folder: &'a Path,
    progress: &'a Progress,
    /// When the page was last written, and how long that took. Rendering takes at most a tenth of the time.
    last: Mutex<Option<(Instant, Duration)>>,
}

impl<'a> LivePage<'a> {
    fn new(folder: &'a Path, progress: &'a Progress) -> Self {
        Self { folder, progress, last: Mutex::new(None) }
    }

    /// Writes the page, if there is something to show.
    fn write(&self) {
        let written = report::Report::read(&[self.folder.to_owned()]).and_then(|report| report.write(None));
        if let Err(error) = written {
            tracing::debug!(%error, "no page yet");
        }
    }
}

impl Observer for LivePage<'_> {
    fn event(&self, event: Event) {
        let is_more = matches!(event, Event::Metrics);
        self.progress.event(event);
        if !is_more {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|(at, took)| at.elapsed() >= 10 * took) {
            let started = Instant::now();
            self.write();
            *last = Some((Instant::now(), started.elapsed()));
        }
    }
}

pub(super) fn options(device: String, jobs: Option<usize>) -> RunOptions {
    let mut options = RunOptions { device, jobs, ..RunOptions::default() };
    env!("HABSBURG_COMMIT").clone_into(&mut options.build.commit);
    options
}

pub(super) fn careful(options: &mut RunOptions, care: &Care) {
    options.checkpoint_every = Duration::from_secs_f64(care.checkpoint_every);
    options.anyway = care.anyway;
}

/// `habsburg plan`
pub(crate) fn plan(args: PlanArgs, out: &mut Output) -> Result<(), Failure> {
    let Some(path) = &args.experiment else {
        write!(out, "{}", defences())?;
        return Ok(());
    };
    let experiment = Experiment::load(path, &args.set)?;
    // A plan says what is foreseen, and leaves the decision to its reader.
    let mut options = options(args.device.device, None);
    options.anyway = true;
    let progress = Progress::new(ProgressKind::None);
    let plan = match &args.out {
        Some(folder) => orchestrator::prepare(&experiment, folder, &options, &progress)?,
        None => orchestrator::plan(&experiment, &options, &progress)?,
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&plan).map_err(Failure::work)?)?;
    } else {
        print_plan(&experiment, &plan, out)?;
    }
    if let Some(folder) = args.out {
        writeln!(
            StandardError,
            "{} is prepared; make its generations with `habsburg step`, in order.",
            folder.display()
        );
    }
    Ok(())
}

/// The defences, each with the line that sets it.
fn defences() -> String {
    let mut text = String::new();
    for listed in experiment::defences() {
        let about = listed.about;
        let anchors: Vec<&str> = about.cost.anchors.iter().map(|anchor| anchor.name()).collect();
        let anchors = if anchors.is_empty() { "nothing".to_owned() } else { anchors.join(", ") };
        text += &format!("{}\n    {}\n", about.name, about.about);
        text += &format!("    set by  {}\n", listed.line());
        text += &format!("    source  {}\n    uses    {anchors}\n    costs   {}\n", about.source, about.cost.compute);
        for parameter in about.parameters {
            let default = if parameter.default.is_empty() { "(left out)" } else { parameter.default };
            text += &format!("    {:12} {default:12} {}\n", parameter.name, parameter.about);
        }
        text.push('\n');
    }
    text += "Recipes: how much human text there is, and of which kind (recipe = \"NAME\")\n";
    for recipe in experiment::recipes() {
        text += &format!("    {:24} {}\n", recipe.name, recipe.about);
    }
    text += "\nIn an experiment file, an arm or all arms: curation = [\"near-duplicates\", { detector = { keep = 0.8 } }]\n\
        train.objective = { entropy-floor = { share = 0.05 } }\n";
    text
}

/// Values of generations 0, 1, and so on, those in the middle left out where they are many.
fn listed(values: &[&str]) -> String {
    const SHOWN: usize = 8;
    match values {
        [first @ .., last] if values.len() > SHOWN => format!("{}, ..., {last}", first[..SHOWN - 2].join(", ")),
        _ => values.join(", "),
    }
}

fn print_plan(experiment: &Experiment, plan: &Plan, out: &mut Output) -> Result<(), Failure> {
    writeln!(out, "{}: {} chains, {} generations each", plan.experiment, plan.count, experiment.chain.generations)?;
    writeln!(
        out,
        "{:24} {:>10} {:>4} {:>12} {:>8} {:>12}",
        "arm", "parameters", "gen", "trained on", "steps", "generated"
    )?;
    for chain in &plan.chains {
        for (generation, stage) in chain.generations.iter().enumerate() {
            let arm = if generation == 0 { chain.arm.as_str() } else { "" };
            // Said where it is new.
            let parameters = chain.parameters.iter().nth(generation).map(usize::to_string).unwrap_or_default();
            writeln!(
                out,
                "{arm:24} {parameters:>10} {generation:>4} {:>12} {:>8} {:>12}",
                stage.training_tokens, stage.steps, stage.generated_tokens
            )?;
        }
        for Varying { key, values } in &chain.varying {
            writeln!(
                out,
                "    {key} by generation: {}",
                listed(&values.iter().map(String::as_str).collect::<Vec<_>>())
            )?;
        }
    }
    if let Some(score) = experiment.text().map(|text| text.score).filter(|score| score.every > 1) {
        let all = experiment.chain.generations;
        let read: Vec<String> = (0..all).filter(|&one| score.reads(one, all)).map(|one| one.to_string()).collect();
        writeln!(
            out,
            "Models read generated text (perplexity, MAUVE, Vendi score, step divergence) in generations {}: score.every = {}.",
            read.join(", "),
            score.every
        )?;
    }
    let Plan { operations, foreseen, .. } = plan;
    writeln!(out, "About {operations:.2e} floating-point operations: {} at 50 GFLOP/s.", at_rate(*operations, 50e9))?;
    if foreseen.disk > 0 {
        let [disk, kept, memory] = [foreseen.disk, foreseen.kept, foreseen.memory].map(size);
        writeln!(out, "About {disk} of disk, {kept} of them kept in the end; about {memory} of memory.")?;
    }
    Ok(())
}

fn at_rate(operations: f64, rate: f64) -> String {
    duration(std::time::Duration::from_secs_f64(operations / rate))
}

/// `habsburg step`
pub(crate) fn step(args: StepArgs) -> Result<(), Failure> {
    let chain = args.chain.parse().map_err(|e| Failure::Request(format!("--chain {}: {e}", args.chain)))?;
    let mut options = options(args.device.device, None);
    careful(&mut options, &args.care);
    let how = "what is finished is kept; run the same command again to go on";
    let signals = Signals::watch(options.interrupt.clone(), how.to_owned())?;
    let progress = Progress::new(args.progress);
    let summary = orchestrator::step(&args.run, &chain, args.generation, &options, &progress);
    progress.finish();
    let summary = summary.map_err(|error| signals.failure(error))?;
    progress.say(&format!("{} stages made, {} found.", summary.made, summary.found));
    Ok(())
}
