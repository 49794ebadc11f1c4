//! Arguments of the commands that work on run directories.

use super::{Device, ProgressKind, optimizer, precision};
use clap::Args;
use ops::Precision;
use std::path::PathBuf;
use training::OptimizerKind;

/// Reads a time in seconds.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=1e9).contains(&seconds) => Ok(seconds),
        _ => Err("give seconds, from 0 to 1e9".to_owned()),
    }
}

// How carefully a run works. (No doc comment: a flattened one would become the command's own description.)
#[derive(Args)]
pub(crate) struct Care {
    /// Seconds between two checkpoints of a stage in the making, at least. A kill loses at most that much of it
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0, value_parser = seconds)]
    pub(crate) checkpoint_every: f64,
    /// Begin also where disk or memory are foreseen not to suffice
    #[arg(long)]
    pub(crate) anyway: bool,
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// The experiment file
    pub(crate) experiment: PathBuf,
    /// The run directory; `runs/NAME` by default. A run that was begun there goes on
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Change one key of the file, as in `--set train.epochs=1` or `--set sweep.sample.temperature=[0.7,1.0]`; may be given
    /// more than once
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Short for `--set train.precision=...`; float32 if neither this nor the file says otherwise
    #[arg(long, value_parser = precision())]
    pub(crate) precision: Option<Precision>,
    #[command(flatten)]
    pub(crate) device: Device,
    /// Chains that are worked on at once; they share the CPU's threads. Small models (below 2 million parameters) on a
    /// processor get a job for each thread by default, others one. Jobs on one GPU take turns on it, each with memory of its own:
    /// more than one can pay where models are so small that the GPU waits for the processor. The results are the same
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,
    #[command(flatten)]
    pub(crate) care: Care,
}

#[derive(Args)]
pub(crate) struct PlanArgs {
    /// The experiment file
    #[arg(required_unless_present = "defences")]
    pub(crate) experiment: Option<PathBuf>,
    /// List the defences: what each does, the line that sets it, who proposed it, its cost and its parameters; and the recipes
    #[arg(long, exclusive = true)]
    pub(crate) defences: bool,
    /// Prepare this run directory for `step`
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Change one key of the file, as in `--set train.epochs=1`; may be given more than once
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) device: Device,
    /// Print the plan as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct StepArgs {
    /// The run directory
    pub(crate) run: PathBuf,
    /// The chain, ARM/seed-S
    #[arg(long, value_name = "ARM/seed-S")]
    pub(crate) chain: String,
    /// The generation; those before it must be there
    #[arg(long, value_name = "K")]
    pub(crate) generation: u32,
    #[command(flatten)]
    pub(crate) device: Device,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,
    #[command(flatten)]
    pub(crate) care: Care,
}

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 all is whole, 1 something is damaged or is still to be made again, 2 it is no run directory."
)]
pub(crate) struct VerifyArgs {
    /// The run directory
    pub(crate) run: PathBuf,
    /// Remove damaged stages, so that the next run makes them again; restore experiment.toml and run.json from each other;
    /// derive metrics.csv from the scores that are whole
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Args)]
pub(crate) struct GcArgs {
    /// The run directory, in which no process may work
    pub(crate) run: PathBuf,
    /// What is kept instead of what the experiment says: all, last, metrics, or one of them for a kind of stage, as in
    /// `--keep train=last`; may be given more than once
    #[arg(long, value_name = "[KIND=]WHAT")]
    pub(crate) keep: Vec<String>,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The run directory, or several that are pieces of one experiment: seeds or arms that were made apart. A folder with
    /// metrics.csv, run.json and SHA256SUMS is enough
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// The page; `report.html` in the run directory by default. Of several runs it must be given. Figures and tables of
    /// PAGE.html go to PAGE-figures/
    #[arg(long, value_name = "PAGE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// Run directories; those that are pieces of one experiment, with no arm and seed in common, count as one run
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Also write a page, and a folder of its figures: the runs' curves over each other, and what differs from the first run
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct TuneArgs {
    /// The experiment file
    pub(crate) experiment: PathBuf,
    /// The run directory of the trials; `runs/NAME-tuning` by default. Trials that are there are not made again
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The optimizers to try, each with rates of its own [default: the file's]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = optimizer())]
    pub(crate) optimizer: Vec<OptimizerKind>,
    /// The seeds of the trials, from 1000 on; more of them tell closer rates apart
    #[arg(long, value_name = "SEED", value_delimiter = ',', default_values_t = [1000, 1001])]
    pub(crate) seeds: Vec<u64>,
    /// Change one key of the file first, as in `--set model.width=96`; may be given more than once
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) device: Device,
    /// Trials that are worked on at once
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,
    #[command(flatten)]
    pub(crate) care: Care,
}
