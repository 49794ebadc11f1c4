//! Standard output and standard error: every command writes to them through this module.
//!
//! Standard output carries results, so what cannot be written there fails the command. Standard error carries everything
//! else; where that cannot be written, nobody is left to be told, and the work goes on.

use crate::Failure;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that wait before they are written.
const WAITING: usize = 1 << 16;

/// Standard output, for `write!` and `writeln!`. What is written appears with [`Output::flush`], or when there is much.
pub(crate) struct Output(BufWriter<Standard>);

impl Output {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(WAITING, Standard))
    }

    /// Called by `write!` and `writeln!`.
    ///
    /// # Errors
    /// [`Failure::Work`] if it cannot be written.
    pub(crate) fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        self.0.write_fmt(text).map_err(failure)
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// As [`Output::write_fmt`].
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().map_err(failure)
    }
}

fn failure(error: io::Error) -> Failure {
    Failure::Work(format!("standard output: {error}"))
}

/// Standard output as the system has it. `std::io::Stdout` hides some errors: it takes a descriptor that cannot be written
/// for one that needs nothing.
struct Standard;

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if IS_CLOSED.load(Ordering::Relaxed) {
            return Err(io::Error::other("it is closed"));
        }
        standard()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        standard()?.flush()
    }
}

#[cfg(unix)]
fn standard() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from)
}

#[cfg(not(unix))]
fn standard() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// True if the process began with a closed standard output.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Looks before `main`: by then Rust has put `/dev/null` in the place of a closed descriptor.
#[used]
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static LOOK: extern "C" fn() = {
    extern "C" fn look() {
        const STDOUT: i32 = 1;
        const F_GETFD: i32 = 1;
        unsafe extern "C" {
            fn fcntl(descriptor: i32, command: i32, ...) -> i32;
        }
        // SAFETY: asks for a descriptor's flags and changes nothing; -1 is the answer for a closed one.
        IS_CLOSED.store(unsafe { fcntl(STDOUT, F_GETFD) } == -1, Ordering::Relaxed);
    }
    look
};

/// Standard error, for `write!` and `writeln!`, which give no result here.
#[derive(Clone, Copy)]
pub(crate) struct StandardError;

impl StandardError {
    /// Called by `write!` and `writeln!`: one piece of text, written whole or not at all.
    pub(crate) fn write_fmt(self, text: fmt::Arguments<'_>) {
        io::stderr().write_all(text.to_string().as_bytes()).ok();
    }
}

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(bytes).ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
