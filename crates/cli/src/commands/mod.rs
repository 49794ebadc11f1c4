//! One function for each command.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod corpus;
pub(crate) mod experiment;
pub(crate) mod forecast;
pub(crate) mod laws;
pub(crate) mod parts;
pub(crate) mod provenance;
pub(crate) mod report;
pub(crate) mod tune;
pub(crate) mod verify;

use crate::Failure;
use crate::output::{Output, StandardError};

/// `habsburg devices`
pub(crate) fn devices(out: &mut Output) -> Result<(), Failure> {
    let auto = ops::device::parse("auto").map_err(Failure::request)?.description();
    for (name, chosen) in ops::device::all() {
        let description = chosen.description();
        let mark = if description == auto { "  <- auto" } else { "" };
        writeln!(out, "{name:12} {}{mark}", ::corpus::printable(&description))?;
    }
    if !cfg!(feature = "gpu") {
        writeln!(
            StandardError,
            "This build is for the processor alone; a GPU needs `cargo build --release --features gpu`."
        );
    }
    Ok(())
}

/// A reader who has seen enough (`habsburg report RUN | head`) ends the process as it ends others; Rust would make it a panic.
pub(crate) fn end_with_the_reader() {
    #[cfg(unix)]
    {
        const SIGPIPE: i32 = 13;
        unsafe extern "C" {
            fn signal(number: i32, handler: usize) -> usize;
        }
        // SAFETY: handler 0 is SIG_DFL, the system's own; no other thread is there yet.
        unsafe { signal(SIGPIPE, 0) };
    }
}

/// Leaves without running what drivers have registered for the end of the process.
pub(crate) fn leave(code: u8) -> ! {
    #[cfg(unix)]
    {
        unsafe extern "C" {
            fn _exit(code: i32) -> !;
        }
        // SAFETY: `_exit` takes any number, touches no memory of ours and does not return.
        unsafe { _exit(i32::from(code)) }
    }
    #[cfg(not(unix))]
    std::process::exit(i32::from(code))
}
