//! SIGINT and SIGTERM: a run saves its state and ends in order. A second signal ends it at once.

use crate::commands::leave;
use crate::output::StandardError;
use crate::{Failure, progress::duration};
use rundir::Interrupt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The signals that ask a process to end, with their numbers.
const SIGNALS: [i32; 2] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
/// How often is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(20);
/// Work that has not ended by itself so long after a signal is ended: it loses what it did since its last checkpoint.
const PATIENCE: Duration = Duration::from_secs(8);

/// The signals of a command that can be interrupted.
pub(crate) struct Signals {
    /// The number of the signal that came; 0 if none did.
    came: Arc<AtomicUsize>,
    /// How to go on.
    how: String,
}

impl Signals {
    /// Sets `interrupt` when a signal comes. `how` says how to go on afterwards.
    ///
    /// # Errors
    /// [`Failure::Work`] if the system takes no handlers.
    pub(crate) fn watch(interrupt: Interrupt, how: String) -> Result<Self, Failure> {
        let came = Arc::new(AtomicUsize::new(0));
        let is_second = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            // In this order: the first signal finds the flag unset, sets it, and the second, of either kind, ends the process.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, is_second.clone())
                .and_then(|_| signal_hook::flag::register(signal, is_second.clone()))
                .and_then(|_| signal_hook::flag::register_usize(signal, came.clone(), signal as usize))
                .map_err(Failure::work)?;
        }
        let (watched, told) = (came.clone(), how.clone());
        std::thread::spawn(move || {
            while watched.load(Ordering::Relaxed) == 0 {
                std::thread::sleep(LOOK);
            }
            interrupt.set();
            std::thread::sleep(PATIENCE);
            let (after, signal) = (duration(PATIENCE), watched.load(Ordering::Relaxed));
            writeln!(StandardError, "habsburg: ended {after} after the signal, in the middle of a step; {told}");
            leave(128 + signal as u8)
        });
        Ok(Self { came, how })
    }

    /// What the command ends with, where its work ended with `error`.
    pub(crate) fn failure(&self, error: orchestrator::Error) -> Failure {
        match (error, self.came.load(Ordering::Relaxed)) {
            (orchestrator::Error::Interrupted, signal) if signal > 0 => {
                Failure::Interrupted { text: format!("interrupted; {}", self.how), signal: signal as u8 }
            }
            (error, _) => error.into(),
        }
    }
}
