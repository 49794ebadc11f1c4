//! The `habsburg` binary: arguments in, exit codes out.
//!
//! 0: done. 1: the work failed. 2: the request was wrong; see `failure`. Standard output carries results, standard error
//! everything else; see `output`.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod failure;
mod folder;
mod output;
mod progress;
mod sampling_flags;
mod signals;

use args::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use output::{Output, StandardError};
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

fn main() -> ExitCode {
    keep_freed_memory();
    commands::end_with_the_reader();
    quiet_drivers();
    let mut out = Output::new();
    let done = match Arguments::try_parse() {
        Err(error) if error.use_stderr() => {
            write!(StandardError, "{}", styled(&error, std::io::stderr().is_terminal()));
            return finish(2);
        }
        // Help and version are results, and no failure.
        Err(error) => write!(out, "{}", styled(&error, std::io::stdout().is_terminal())),
        Ok(arguments) => {
            listen();
            let done = ops::caught(|| dispatch(arguments.command, &mut out));
            done.unwrap_or_else(|failure| Err(Failure::Work(format!("{failure}; {}", failure.advice()))))
        }
    };
    // Of two failures the first is the one to report; what was said before it is shown all the same.
    let flushed = out.flush();
    match done.and(flushed) {
        Ok(()) => finish(0),
        Err(failure) => {
            let (text, code) = failure.parts();
            // A message may quote a path or a text: it gets one line and no control characters.
            writeln!(StandardError, "habsburg: {}", corpus::printable(text));
            finish(code)
        }
    }
}

/// What the argument parser says, in colours on a terminal.
fn styled(error: &clap::Error, is_terminal: bool) -> String {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let coloured = is_terminal && set("NO_COLOR").is_none() && set("TERM").is_some_and(|name| name != "dumb");
    let text = error.render();
    if coloured { text.ansi().to_string() } else { text.to_string() }
}

/// Shows what `HABSBURG_LOG` asks for on standard error.
fn listen() {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("HABSBURG_LOG"))
        .with_writer(|| StandardError)
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false)
        .init();
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
    if cfg!(all(feature = "gpu", unix)) {
        commands::leave(code);
    }
    ExitCode::from(code)
}

fn dispatch(command: Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Run(args) => commands::experiment::run(args, out),
        Command::Plan(args) => commands::experiment::plan(args, out),
        Command::Tune(args) => commands::tune::tune(args, out),
        Command::Step(args) => commands::experiment::step(args),
        Command::Verify(args) => commands::verify::verify(args, out),
        Command::Gc(args) => commands::verify::gc(args, out),
        Command::Report(args) => commands::report::report(args, out),
        Command::Compare(args) => commands::report::compare(args, out),
        Command::Train(args) => commands::parts::train(args, out),
        Command::Sample(args) => commands::parts::sample(args, out),
        Command::Evaluate(args) => commands::parts::evaluate(args, out),
        Command::Audit(args) => commands::audit::audit(args, out),
        Command::Corpus(args) => commands::corpus::corpus(args, out),
        Command::Provenance(args) => commands::provenance::provenance(args, out),
        Command::Laws(args) => commands::laws::laws(args, out),
        Command::Forecast(args) => commands::forecast::forecast(args, out),
        Command::Bench(args) => commands::bench::bench(args, out),
        Command::Devices => commands::devices(out),
    }
}
