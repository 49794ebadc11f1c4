mod runs;

pub(crate) use runs::{Care, CompareArgs, GcArgs, PlanArgs, ReportArgs, RunArgs, StepArgs, TuneArgs, VerifyArgs};

use crate::sampling_flags::SamplingFlags;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use ops::Precision;
use std::path::PathBuf;
use training::OptimizerKind;

/// A laboratory for model collapse.
///
/// Trains a small transformer, lets it write a corpus, trains the next one on that, generation after generation, and measures
/// what is lost.
#[derive(Parser)]
#[command(name = "habsburg", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  habsburg run experiments/replace-or-accumulate/experiment.toml
  habsburg run experiments/replace-or-accumulate/experiment.toml --set chain.generations=3 --out runs/try
  habsburg report runs/try
  habsburg corpus list

Exit codes:
  0    done
  1    the work failed: a full disk, a device, the network, damaged data, standard output
  2    the request was wrong: an argument, a file or folder that cannot be used, an experiment file
  130  interrupted (Ctrl-C), 143 terminated")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run an experiment, or go on with one; then write its report
    Run(RunArgs),
    /// Check an experiment and say what it would cost; with --out, prepare a run directory for `step`
    Plan(PlanArgs),
    /// Find the learning rate that learns most with an experiment's budget, on seeds that its results do not use
    Tune(TuneArgs),
    /// Make one generation of one chain of a prepared run directory
    Step(StepArgs),
    /// Compare every file of a run with its checksum; with --repair, remove what is damaged and derive the metrics again
    Verify(VerifyArgs),
    /// Free disk space: remove leftovers, stages that no record names, and what the experiment's `keep` does not keep
    Gc(GcArgs),
    /// Write a run's report: one page, its figures, a table
    Report(ReportArgs),
    /// Compare runs in one table; with --out on a page, curve over curve
    Compare(CompareArgs),
    /// Train one model on a text
    Train(TrainArgs),
    /// Let a model write documents, as JSON lines
    Sample(SampleArgs),
    /// Measure a model on a text
    Evaluate(EvaluateArgs),
    /// Hold any text against human text: is it duplicated, truncated, stripped of its tail?
    Audit(AuditArgs),
    /// The human texts that this laboratory knows how to get
    Corpus(CorpusArgs),
    /// Seal a corpus with hashes and a signature, and find what was changed since
    Provenance(ProvenanceArgs),
    /// Hold every law of the loop against the loop: closed form beside simulation
    Laws(LawsArgs),
    /// What a chain will have lost after so many generations, from word frequencies alone
    Forecast(ForecastArgs),
    /// Time training and decoding of a preset on random tokens
    Bench(BenchArgs),
    /// What this build can run on here, and what `auto` takes
    Devices,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// Bars on a terminal, else one line for each generation
    Auto,
    /// One line for each generation
    Plain,
    /// One JSON object a line on standard error
    Json,
    /// Nothing but errors
    None,
}

#[derive(Args)]
pub(crate) struct Device {
    /// auto, flex, ndarray, vulkan, vulkan:N, wgpu, wgpu:N, vulkan:cpu
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub(crate) device: String,
}

/// Reads a precision by its name.
fn precision() -> impl TypedValueParser<Value = Precision> {
    let known = Precision::ALL.map(|precision| PossibleValue::new(precision.name()).help(precision.help()));
    PossibleValuesParser::new(known).map(|name| Precision::named(&name).expect("one of the possible values"))
}

fn optimizer() -> impl TypedValueParser<Value = OptimizerKind> {
    PossibleValuesParser::new(OptimizerKind::ALL.map(OptimizerKind::name))
        .map(|name| OptimizerKind::named(&name).expect("one of the possible values"))
}

// Bounds on what is read. (No doc comment: a flattened one would become the command's own description.)
#[derive(Args)]
pub(crate) struct LimitFlags {
    /// Move a bound on what is read, as in `--limit line_bytes=1GiB`; may be given more than once. line_bytes: of a line
    /// (64MiB); text_bytes: of all text (16GiB); expansion: that a compressed byte may stand for (1000); files: entries of a
    /// folder (1000000)
    #[arg(long, value_name = "KEY=VALUE")]
    limit: Vec<String>,
}

impl LimitFlags {
    /// The bounds with what was asked for.
    pub(crate) fn limits(&self) -> Result<corpus::Limits, crate::Failure> {
        corpus::Limits::with(&self.limit).map_err(crate::Failure::request)
    }
}

#[derive(Args)]
pub(crate) struct Text {
    /// A text file, a folder of text files, or JSON lines (plain, .gz or .zst)
    pub(crate) data: PathBuf,
    /// The text's field in JSON lines
    #[arg(long, default_value = "text")]
    pub(crate) field: String,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
}

#[derive(Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) text: Text,
    /// The new model's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// tiny, small, medium or large
    #[arg(long, default_value = "small")]
    pub(crate) preset: String,
    /// A tokenizer.json to use instead of training one
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,
    /// Passes over the text
    #[arg(long, default_value_t = 2.0)]
    pub(crate) epochs: f64,
    /// Seed of the initial weights and of the order of windows
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// What the inputs of matrix products are rounded to
    #[arg(long, value_parser = precision(), default_value = "f32")]
    pub(crate) precision: Precision,
    #[command(flatten)]
    pub(crate) device: Device,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,
}

#[derive(Args)]
pub(crate) struct SampleArgs {
    /// The model's folder
    pub(crate) model: PathBuf,
    /// Tokens to generate, at least
    #[arg(long, default_value_t = 1000)]
    pub(crate) tokens: u64,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) sampling: SamplingFlags,
    #[command(flatten)]
    pub(crate) device: Device,
}

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// The model's folder
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) text: Text,
    #[command(flatten)]
    pub(crate) device: Device,
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) text: Text,
    /// Human text of the same kind, in any of the same forms and in its own order
    #[arg(long, value_name = "HUMAN")]
    pub(crate) reference: PathBuf,
    /// The human text's field in JSON lines, if it is another
    #[arg(long, value_name = "FIELD")]
    pub(crate) reference_field: Option<String>,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// One JSON object a line: the verdict, every comparison, metric and tell
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write a page, DIR/audit.html
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct CorpusArgs {
    #[command(subcommand)]
    pub(crate) command: CorpusCommand,
}

#[derive(Subcommand)]
pub(crate) enum CorpusCommand {
    /// The cards
    List,
    /// A corpus's source, licence, counts and first lines (fetches it if need be)
    Show {
        /// The card's name
        name: String,
    },
    /// Bring a corpus into the cache; afterwards it works without network
    Fetch {
        /// The card's name
        name: String,
    },
}

#[derive(Args)]
pub(crate) struct ProvenanceArgs {
    #[command(subcommand)]
    pub(crate) command: ProvenanceCommand,
}

#[derive(Subcommand)]
pub(crate) enum ProvenanceCommand {
    /// Make a key pair: FILE, which only you may read, and FILE.pub
    Key {
        /// The secret key's file; nothing is written over
        file: PathBuf,
    },
    /// Write a manifest: a hash for each document, one root over them, a signature
    Seal {
        /// A text file, a folder of text files, or JSON lines (plain, .gz or .zst)
        data: PathBuf,
        /// Sign with this secret key
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The manifest; `DATA.manifest.jsonl` by default
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        limits: LimitFlags,
    },
    /// Name each document that was changed, renamed, moved, lost or added since; exit code 1 if any was, or the signature fails
    Verify {
        /// What was sealed
        data: PathBuf,
        /// The manifest; `DATA.manifest.jsonl` by default
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
        /// Ask for this key's signature: FILE.pub, or its 64 digits
        #[arg(long, value_name = "PUBLIC")]
        key: Option<String>,
        #[command(flatten)]
        limits: LimitFlags,
    },
}

#[derive(Args)]
pub(crate) struct LawsArgs {
    /// This law alone; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = chain::laws::suite::names())]
    pub(crate) law: Vec<String>,
    /// Seed of the simulated chains
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Human text beside the last generation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HumanText {
    /// None: each generation reads the last one's text alone
    None,
    /// Human text that nobody has read before
    Fresh,
    /// The same part of generation 0's human text each time
    Anchor,
    /// A part of generation 0's human text, drawn anew each time
    Pool,
    /// Nothing is thrown away: the human text and all text written since, in equal parts
    Accumulate,
}

/// What is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Held {
    /// The number of words
    Vocabulary,
    /// The share of human text that consists of words that are still there
    Coverage,
    /// The entropy of words
    Entropy,
}

#[derive(Args)]
pub(crate) struct ForecastArgs {
    /// A text whose word frequencies are the truth: a text file, a folder of text files, or JSON lines (plain, .gz or
    /// .zst); Zipf's law if there is none
    pub(crate) data: Option<PathBuf>,
    /// The text's field in JSON lines
    #[arg(long, default_value = "text")]
    pub(crate) field: String,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
    /// Zipf's exponent
    #[arg(long, default_value_t = 1.0, conflicts_with = "data")]
    pub(crate) exponent: f64,
    /// Mandelbrot's offset: frequencies go with (rank + offset)^-exponent
    #[arg(long, default_value_t = 2.7, conflicts_with = "data")]
    pub(crate) offset: f64,
    /// Distinct words, as in 1e9
    #[arg(long, default_value_t = 1e6, conflicts_with = "data")]
    pub(crate) types: f64,
    /// Tokens that each generation reads, as in 1e12 [default: the text's own, or 1e9]
    #[arg(long)]
    pub(crate) tokens: Option<f64>,
    /// Tokens that count as one draw, because words come in runs
    #[arg(long, default_value_t = 1.0)]
    pub(crate) run: f64,
    /// The share of tokens that the last generation wrote, from generation 1 on [default: 1 without human text, else
    /// 0.9]
    #[arg(long, value_name = "SHARE")]
    pub(crate) synthetic: Option<f64>,
    /// What human text the rest is
    #[arg(long, value_enum, default_value_t = HumanText::None)]
    pub(crate) human: HumanText,
    /// Number of models
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) generations: u32,
    /// Also say how much human text the last generation needs to have this share of what generation 0 has
    #[arg(long, value_name = "SHARE")]
    pub(crate) hold: Option<f64>,
    /// Of what --hold is a share
    #[arg(long, value_enum, default_value_t = Held::Vocabulary)]
    pub(crate) level: Held,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measured {
    /// Training steps: forward, cross-entropy, backward, clip, optimizer
    Train,
    /// Sampling whole contexts at temperature 1
    Decode,
    /// The CPU's multiply-adds alone
    Peak,
}

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// The preset
    #[arg(long, default_value = "small", value_parser = model::PRESETS.map(|preset| preset.name))]
    pub(crate) shape: String,
    /// What the inputs of a training step's products are rounded to; decoding is float32
    #[arg(long, value_parser = precision(), default_value = "f32")]
    pub(crate) precision: Precision,
    /// What moves the weights in a training step
    #[arg(long, value_parser = optimizer(), default_value = "adamw")]
    pub(crate) optimizer: OptimizerKind,
    #[command(flatten)]
    pub(crate) device: Device,
    /// Measure this alone
    #[arg(long, value_enum)]
    pub(crate) only: Option<Measured>,
    /// Training steps that are timed, after three that are not; their median counts, and on a GPU, where they overlap, that of
    /// three times as many together
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) steps: u32,
    /// Windows of a training batch [default: the preset's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) batch: Option<u32>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
