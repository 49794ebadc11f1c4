use crate::args::{PlanArgs, RunArgs, StepArgs};
use crate::progress::{Progress, duration};
use crate::{Failure, args::ProgressKind};
use experiment::Experiment;
use orchestrator::{Plan, RunOptions, Summary};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `habsburg run`
pub(crate) fn run(args: RunArgs) -> Result<(), Failure> {
    let precision = args.precision.map(|precision| format!("train.precision=\"{}\"", precision.name()));
    let set: Vec<String> = precision.into_iter().chain(args.set).collect();
    let experiment = Experiment::load(&args.experiment, &set)?;
    let out = args.out.unwrap_or_else(|| PathBuf::from("runs").join(&experiment.name));
    let options = options(args.device.device, args.jobs.map(|jobs| jobs as usize));
    let progress = Progress::new(args.progress);
    let started = Instant::now();
    let summary = orchestrator::run(&experiment, &out, &options, &progress);
    progress.finish();
    let summary = summary?;
    let page = out.join("report.html");
    if summary.made == 0 && is_newer(&page, &out.join("metrics.csv")) {
        progress.say(&format!("Nothing to do: {} is complete.", out.display()));
    } else {
        report::write(std::slice::from_ref(&out), None).map_err(Failure::work)?;
        let Summary { made, found, .. } = &summary;
        progress.say(&format!("{made} stages made, {found} found, in {}.", duration(started.elapsed())));
    }
    print!("{}", report::terminal_table(std::slice::from_ref(&out)).map_err(Failure::work)?);
    println!("Report: {}", page.display());
    Ok(())
}

fn options(device: String, jobs: Option<usize>) -> RunOptions {
    let mut options = RunOptions { device, jobs, ..RunOptions::default() };
    env!("HABSBURG_COMMIT").clone_into(&mut options.build.commit);
    options
}

/// True if a page is there and shows these metrics: a run may have been killed between the two.
fn is_newer(page: &Path, metrics: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    time(page).is_some_and(|page| Some(page) >= time(metrics))
}

/// `habsburg plan`
pub(crate) fn plan(args: PlanArgs) -> Result<(), Failure> {
    let Some(path) = &args.experiment else {
        print!("{}", defences());
        return Ok(());
    };
    let experiment = Experiment::load(path, &args.set)?;
    let options = options(args.device.device, None);
    let progress = Progress::new(ProgressKind::None);
    let plan = match &args.out {
        Some(out) => orchestrator::prepare(&experiment, out, &options, &progress)?,
        None => orchestrator::plan(&experiment, &options, &progress)?,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&plan).map_err(Failure::work)?);
    } else {
        print_plan(&experiment, &plan);
    }
    if let Some(out) = args.out {
        eprintln!("{} is prepared; make its generations with `habsburg step`, in order.", out.display());
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

fn print_plan(experiment: &Experiment, plan: &Plan) {
    println!("{}: {} chains, {} generations each", plan.experiment, plan.count, experiment.chain.generations);
    println!("{:24} {:>10} {:>4} {:>12} {:>8} {:>12}", "arm", "parameters", "gen", "trained on", "steps", "generated");
    for chain in &plan.chains {
        for (generation, stage) in chain.generations.iter().enumerate() {
            let (arm, parameters) =
                if generation == 0 { (chain.arm.as_str(), chain.parameters.to_string()) } else { ("", String::new()) };
            println!(
                "{arm:24} {parameters:>10} {generation:>4} {:>12} {:>8} {:>12}",
                stage.training_tokens, stage.steps, stage.generated_tokens
            );
        }
    }
    let operations = plan.operations;
    println!("About {operations:.2e} floating-point operations: {} at 50 GFLOP/s.", at_rate(operations, 50e9));
}

fn at_rate(operations: f64, rate: f64) -> String {
    duration(std::time::Duration::from_secs_f64(operations / rate))
}

/// `habsburg step`
pub(crate) fn step(args: StepArgs) -> Result<(), Failure> {
    let chain = args.chain.parse().map_err(|e| Failure::Request(format!("--chain {}: {e}", args.chain)))?;
    let options = options(args.device.device, None);
    let progress = Progress::new(args.progress);
    let summary = orchestrator::step(&args.run, &chain, args.generation, &options, &progress);
    progress.finish();
    let summary = summary?;
    progress.say(&format!("{} stages made, {} found.", summary.made, summary.found));
    Ok(())
}
