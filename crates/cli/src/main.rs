//! The `habsburg` binary: arguments in, exit codes out.
//!
//! 0: done. 1: the work failed. 2: the request was wrong. Standard output carries results, standard error everything else.

mod args;
mod commands;
mod progress;
mod sampling_flags;

use args::{Arguments, Command};
use clap::Parser;
use std::io::IsTerminal;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Freed memory stays with the process: a training step allocates and frees the same activations over and over, and where
/// the system takes them back in between, clearing pages again costs a step of `medium` a tenth of its time.
fn keep_freed_memory() {
    /// `mi_option_purge_delay` of mimalloc.h, milliseconds; negative: never.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: sets an option of the allocator, which is the process's own.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

/// What a command ends with, where it does not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was wrong: exit code 2.
    Request(String),
    /// The work failed: exit code 1.
    Work(String),
}

impl Failure {
    pub(crate) fn request(error: impl std::fmt::Display) -> Self {
        Self::Request(error.to_string())
    }

    pub(crate) fn work(error: impl std::fmt::Display) -> Self {
        Self::Work(error.to_string())
    }
}

impl From<experiment::Error> for Failure {
    fn from(error: experiment::Error) -> Self {
        Self::Request(error.to_string())
    }
}

impl From<orchestrator::Error> for Failure {
    fn from(error: orchestrator::Error) -> Self {
        match error {
            orchestrator::Error::Request(text) => Self::Request(text),
            orchestrator::Error::Work(text) => Self::Work(text),
        }
    }
}

fn main() -> ExitCode {
    keep_freed_memory();
    commands::end_with_the_reader();
    quiet_drivers();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let code = if error.use_stderr() { 2 } else { 0 };
            error.print().ok();
            return finish(code);
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("HABSBURG_LOG"))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let done = ops::caught(|| dispatch(arguments.command));
    match done.unwrap_or_else(|failure| Err(Failure::Work(format!("{failure}; {}", failure.advice())))) {
        Ok(()) => finish(0),
        Err(failure) => {
            let (text, code) = match failure {
                Failure::Request(text) => (text, 2),
                Failure::Work(text) => (text, 1),
            };
            // A message may quote a path or a text: it gets one line and no control characters.
            eprintln!("habsburg: {}", corpus::printable(&text));
            finish(code)
        }
    }
}

/// Graphics drivers complain on standard error about a session without this folder, each time they are asked anything.
fn quiet_drivers() {
    if cfg!(all(feature = "gpu", unix)) && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: this is the first thing that the process does; no other thread reads the environment yet.
        unsafe { std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir()) };
    }
}

/// Ends the process here and now: a software Vulkan driver may crash while it is unloaded, after all work is done.
fn finish(code: u8) -> ExitCode {
    use std::io::Write;
    std::io::stdout().flush().ok();
    std::io::stderr().flush().ok();
    if cfg!(all(feature = "gpu", unix)) {
        commands::leave(code);
    }
    ExitCode::from(code)
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => commands::experiment::run(args),
        Command::Plan(args) => commands::experiment::plan(args),
        Command::Step(args) => commands::experiment::step(args),
        Command::Report(args) => commands::report::report(args),
        Command::Compare(args) => commands::report::compare(args),
        Command::Train(args) => commands::parts::train(args),
        Command::Sample(args) => commands::parts::sample(args),
        Command::Evaluate(args) => commands::parts::evaluate(args),
        Command::Audit(args) => commands::audit::audit(args),
        Command::Corpus(args) => commands::corpus::corpus(args),
        Command::Provenance(args) => commands::provenance::provenance(args),
        Command::Laws(args) => commands::laws::laws(args),
        Command::Forecast(args) => commands::forecast::forecast(args),
        Command::Bench(args) => commands::bench::bench(args),
        Command::Devices => commands::devices(),
    }
}
