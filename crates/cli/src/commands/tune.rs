//! `habsburg tune`: the learning rate that learns most of an experiment's text with its budget.
//!
//! Rates are tried at steps of a factor of two, further out for as long as the outermost is the best, then at steps of √2
//! around the best one. A trial's figure is the loss on text that was held out of its own training set, by the mean over
//! seeds. Trials are arms of one run directory, so what was tried is kept, and the same command goes on with it.

use super::experiment::{careful, options};
use crate::Failure;
use crate::args::TuneArgs;
use crate::output::Output;
use crate::progress::Progress;
use crate::signals::Signals;
use evaluation::metric::VALIDATION_LOSS;
use experiment::{Experiment, Trial};
use orchestrator::RunOptions;
use rundir::RunDir;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Table;
use training::OptimizerKind;

/// Steps of √2 from the rate of the file at which an optimizer is tried first.
const FIRST: [i32; 5] = [-4, -2, 0, 2, 4];
/// The farthest that is tried: a factor of 64.
const FARTHEST: i32 = 12;
/// The file that is written.
const TUNED: &str = "tuned.toml";

/// `habsburg tune`
pub(crate) fn tune(args: TuneArgs, out: &mut Output) -> Result<(), Failure> {
    // Loading refuses what is no small file.
    let experiment = Experiment::load(&args.experiment, &args.set)?;
    let text = std::fs::read_to_string(&args.experiment)
        .map_err(|error| Failure::Request(format!("{}: {error}", args.experiment.display())))?;
    let folder = args.out.unwrap_or_else(|| PathBuf::from("runs").join(format!("{}-tuning", experiment.name)));
    let mut options = options(args.device.device, args.jobs.map(|jobs| jobs as usize));
    careful(&mut options, &args.care);
    let how = "the trials that are finished are kept; run the same command again to go on";
    let signals = Signals::watch(options.interrupt.clone(), how.to_owned())?;
    let progress = Progress::new(args.progress);
    let own = experiment.tuned_arm()?.at(0).train().expect("a transformer is trained").clone();
    let optimizers = if args.optimizer.is_empty() { vec![own.optimizer] } else { args.optimizer };
    let search = Search {
        experiment: &experiment,
        centre: own.learning_rate.expect("a resolved file has a rate"),
        seeds: &args.seeds,
        folder: &folder,
        options: &options,
        progress: &progress,
    };
    let found = optimizers.iter().map(|&optimizer| search.best(optimizer)).collect::<Result<Vec<_>, _>>();
    progress.finish();
    let found = found.map_err(|stop| match stop {
        Stop::Run(error) => signals.failure(error),
        Stop::Failure(failure) => failure,
    })?;
    writeln!(out, "{:10} {:>10} {:>10}   losses by seed, nats a token", "optimizer", "rate", "loss")?;
    for tried in found.iter().flat_map(|found| &found.tried) {
        let losses: Vec<String> = tried.losses.iter().map(|loss| format!("{loss:.4}")).collect();
        let mark = if found.iter().any(|found| found.best == tried.trial) { "  <- best" } else { "" };
        let Trial { optimizer, rate } = tried.trial;
        writeln!(out, "{:10} {rate:>10} {:>10.4}   {}{mark}", optimizer.name(), tried.mean(), losses.join(" "))?;
    }
    let best = found.iter().map(Found::winner).min_by(|a, b| a.mean().total_cmp(&b.mean()));
    let best = best.expect("one optimizer at least").trial;
    let path = folder.join(TUNED);
    let tuned = with_training(&text, best).map_err(Failure::request)?;
    let tuned = format!("# The experiment with what `habsburg tune` found, seeds {}.\n{tuned}", listed(&args.seeds));
    std::fs::write(&path, tuned).map_err(|error| Failure::Work(format!("{}: {error}", path.display())))?;
    writeln!(out, "Best: optimizer = \"{}\", learning_rate = {}", best.optimizer.name(), best.rate)?;
    let again = if args.set.is_empty() { "" } else { "; give it the same --set" };
    writeln!(out, "Written: {} (the experiment with these two{again})", path.display())
}

fn listed(seeds: &[u64]) -> String {
    seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// Why a search ended early.
enum Stop {
    Run(orchestrator::Error),
    Failure(Failure),
}

impl From<orchestrator::Error> for Stop {
    fn from(error: orchestrator::Error) -> Self {
        Self::Run(error)
    }
}

/// A trial and its loss with each seed; infinite where training diverged.
#[derive(Clone, Debug, PartialEq)]
struct Tried {
    trial: Trial,
    losses: Vec<f64>,
}

impl Tried {
    fn mean(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len() as f64
    }
}

/// What a search has tried, by rate, and the best of it.
struct Found {
    tried: Vec<Tried>,
    best: Trial,
}

impl Found {
    fn winner(&self) -> &Tried {
        self.tried.iter().find(|tried| tried.trial == self.best).expect("the best was tried")
    }
}

/// A search for one experiment.
struct Search<'a> {
    experiment: &'a Experiment,
    centre: f64,
    seeds: &'a [u64],
    folder: &'a Path,
    options: &'a RunOptions,
    progress: &'a Progress,
}

impl Search<'_> {
    /// The best rate of this optimizer.
    fn best(&self, optimizer: OptimizerKind) -> Result<Found, Stop> {
        let mut tried = BTreeMap::new();
        let mut next = FIRST.to_vec();
        while !next.is_empty() {
            for (&step, losses) in next.iter().zip(self.losses(optimizer, &next)?) {
                tried.insert(step, losses);
            }
            next = further(&tried);
        }
        let best = lowest(&tried);
        let tried = tried.into_values().collect::<Vec<Tried>>();
        let best = tried.iter().find(|it| it.trial == self.trial(optimizer, best)).expect("it was tried").trial;
        Ok(Found { tried, best })
    }

    fn trial(&self, optimizer: OptimizerKind, step: i32) -> Trial {
        Trial { optimizer, rate: rounded(self.centre * 2f64.powf(f64::from(step) / 2.0)) }
    }

    /// Trains with the rates of these steps, and reads the losses.
    fn losses(&self, optimizer: OptimizerKind, steps: &[i32]) -> Result<Vec<Tried>, Stop> {
        let trials: Vec<Trial> = steps.iter().map(|&step| self.trial(optimizer, step)).collect();
        let wrong = |error: experiment::Error| Stop::Failure(error.into());
        let tuning = self.experiment.trials(&trials, self.seeds).map_err(wrong)?;
        orchestrator::run(&tuning, self.folder, self.options, self.progress)?;
        let rows = RunDir::open(self.folder).and_then(|dir| dir.metrics());
        let rows = rows.map_err(|error| Stop::Failure(Failure::work(error)))?.unwrap_or_default();
        let loss = |trial: &Trial, seed: u64| {
            let name = trial.name();
            let is_it = |row: &&rundir::Row| {
                row.arm == name && row.seed == seed && row.metric == VALIDATION_LOSS.name && row.dimensions.is_empty()
            };
            rows.iter().find(is_it).map_or(f64::INFINITY, |row| row.value)
        };
        let tried = |trial| Tried { losses: self.seeds.iter().map(|&seed| loss(&trial, seed)).collect(), trial };
        Ok(trials.into_iter().map(tried).collect())
    }
}

/// The step with the lowest mean loss.
fn lowest(tried: &BTreeMap<i32, Tried>) -> i32 {
    let best = tried.iter().min_by(|(_, a), (_, b)| a.mean().total_cmp(&b.mean()));
    *best.expect("something was tried").0
}

/// What to try next: beyond the best, if it is the outermost; between it and its neighbours, once they are there.
fn further(tried: &BTreeMap<i32, Tried>) -> Vec<i32> {
    let best = lowest(tried);
    let outside = [best - 2, best + 2].into_iter().filter(|step| step.abs() <= FARTHEST);
    let missing: Vec<i32> = outside.filter(|step| best % 2 == 0 && !tried.contains_key(step)).collect();
    if !missing.is_empty() {
        return missing;
    }
    let is_refined = tried.keys().any(|step| step % 2 != 0);
    let between = [best - 1, best + 1].into_iter().filter(|step| step.abs() <= FARTHEST);
    if is_refined { Vec::new() } else { between.collect() }
}

/// To two digits.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().expect("a number")
}

/// The experiment file with this optimizer and rate in `[train]`; its comments are lost.
fn with_training(text: &str, trial: Trial) -> Result<String, String> {
    let mut file: Table = text.parse().map_err(|error| format!("{error}"))?;
    let train = file.entry("train").or_insert_with(|| Table::new().into());
    let train = train.as_table_mut().ok_or("train: write it as a table [train]")?;
    train.insert("optimizer".to_owned(), trial.optimizer.name().into());
    train.insert("learning_rate".to_owned(), trial.rate.into());
    toml::to_string(&file).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a search finds where the loss is a parabola over steps with its lowest point there.
    fn found(lowest_at: f64) -> (i32, usize) {
        let tried_at = |step: i32| Tried {
            trial: Trial { optimizer: OptimizerKind::Muon, rate: f64::from(step) },
            losses: vec![(f64::from(step) - lowest_at).powi(2)],
        };
        let mut tried: BTreeMap<i32, Tried> = FIRST.iter().map(|&step| (step, tried_at(step))).collect();
        loop {
            let next = further(&tried);
            if next.is_empty() {
                return (lowest(&tried), tried.len());
            }
            tried.extend(next.into_iter().map(|step| (step, tried_at(step))));
        }
    }

    #[test]
    fn the_search_goes_out_and_then_between() {
        assert_eq!([0.0, 0.9, -1.4, 2.2].map(found), [(0, 7), (1, 7), (-1, 7), (2, 7)]);
        assert_eq!(found(5.1), (5, 9));
        assert_eq!(found(-9.0).0, -9);
        assert_eq!(found(40.0).0, FARTHEST, "it ends");
    }

    #[test]
    fn a_file_gets_what_was_found() {
        let trial = Trial { optimizer: OptimizerKind::Muon, rate: 0.016 };
        let text = "name = \"x\"\n\n[train]\ntokens = 9\nlearning_rate = 0.1\n";
        let expected = "name = \"x\"\n\n[train]\ntokens = 9\nlearning_rate = 0.016\noptimizer = \"muon\"\n";
        assert_eq!(with_training(text, trial).unwrap(), expected);
        assert!(with_training("name = \"x\"\n", trial).unwrap().contains("learning_rate = 0.016"));
        assert!(with_training("train = 3\n", trial).is_err());
        assert_eq!([0.012345, 3.0, 1.0e-5].map(rounded), [0.012, 3.0, 1.0e-5]);
    }
}
