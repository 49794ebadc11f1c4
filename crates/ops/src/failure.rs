//! When a device gives out: memory that is not there, a driver that was reset, a card that went away.
//!
//! Devices work while we go on, so a failure shows itself where somebody reads: as an error there, or as a panic inside the
//! framework, which has no other way to tell (Burn 0.22, CubeCL 0.11). [`caught()`] is the border between such panics and us.
//! A panic that speaks of no device is a mistake of ours, and goes on.
//!
//! The trap: a panic on the device's own thread is only logged there, and what we read later says that something was never
//! written, not why. So messages are listened to on every thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Why a device did not do what it was asked for: each in the framework's words, one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceFailure {
    /// It has no memory left, or a buffer is larger than any that it can have. What is smaller may still do.
    OutOfMemory(String),
    /// It was reset or went away: this process has lost it.
    Lost(String),
    /// Anything else.
    Other(String),
}

impl std::fmt::Display for DeviceFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OutOfMemory(reason) => write!(f, "the device is out of memory ({reason})"),
            Self::Lost(reason) => write!(f, "the device was lost ({reason})"),
            Self::Other(reason) => write!(f, "the device failed ({reason})"),
        }
    }
}

impl std::error::Error for DeviceFailure {}

/// What the framework's messages about devices have in them.
const OF_A_DEVICE: [&str; 9] = [
    "wgpu error",
    "An error happened during execution",
    "An IO error happened",
    "The bytes were never written",
    "The device is poisoned",
    "The device was poisoned",
    "out of device memory",
    "device runner",
    "Must have enough memory for a uniform",
];
/// Those about memory.
const OF_MEMORY: [&str; 6] = [
    "out of device memory",
    "can't allocate buffer of size",
    "every page size the memory tracks",
    "Must have enough memory for a uniform",
    "Out of Memory",
    "Not enough memory left",
];
/// Those about a device that is gone.
const OF_LOSS: [&str; 4] = ["poisoned", "device is lost", "device was lost", "Device is lost"];

fn has(text: &str, marks: &[&str]) -> bool {
    marks.iter().any(|mark| text.contains(mark))
}

impl DeviceFailure {
    /// What an error of the framework says.
    pub fn of(error: &str) -> Self {
        let reason = essence(error);
        // What a thread ran out of is said once: whatever this failure is called, the next one is another.
        let ran_out = RAN_OUT.swap(false, Ordering::Relaxed);
        if has(error, &OF_LOSS) {
            Self::Lost(reason)
        } else if has(error, &OF_MEMORY) || ran_out {
            Self::OutOfMemory(reason)
        } else {
            Self::Other(reason)
        }
    }

    /// What to do about it, for the end of a message.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::OutOfMemory(_) => {
                "what is finished is kept; free the device's memory or make the model smaller, then run the command again"
            }
            Self::Lost(_) | Self::Other(_) => "what is finished is kept; run the command again to go on",
        }
    }
}

/// The line that says most: the framework puts the cause last, and a backtrace under it.
fn essence(error: &str) -> String {
    let root = if error.starts_with("wgpu error") { error } else { error.rsplit("Caused by:").next().unwrap_or(error) };
    let line = root.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.strip_prefix("wgpu error: ").unwrap_or(line).trim_end_matches('.').to_owned()
}

/// Borders that are being kept.
static KEPT: AtomicUsize = AtomicUsize::new(0);
/// Whether a thread has panicked for want of memory, and nobody has said so yet.
static RAN_OUT: AtomicBool = AtomicBool::new(false);

/// Does what a device may fail in.
///
/// # Errors
/// [`DeviceFailure`] where it does, without a word on the terminal.
///
/// # Panics
/// As `work` does, where that has nothing to do with a device.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, DeviceFailure> {
    listen();
    KEPT.fetch_add(1, Ordering::Relaxed);
    let result = catch_unwind(AssertUnwindSafe(work));
    KEPT.fetch_sub(1, Ordering::Relaxed);
    result.map_err(|panic| match message(&*panic) {
        Some(text) if has(text, &OF_A_DEVICE) => DeviceFailure::of(text),
        _ => resume_unwind(panic),
    })
}

/// Hears every panic of the process from now on, and keeps those of devices from the terminal while somebody catches them.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let is_device = message(info.payload()).is_some_and(|text| {
                let is_device = has(text, &OF_A_DEVICE);
                if is_device && has(text, &OF_MEMORY) {
                    RAN_OUT.store(true, Ordering::Relaxed);
                }
                is_device
            });
            if !is_device || KEPT.load(Ordering::Relaxed) == 0 {
                before(info);
            }
        }));
    });
}

fn message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// As CubeCL 0.11.3 words it, under what Burn puts before it.
    const UNWRITTEN: &str = "Error while reading data: use `try_execute` to handle error at runtime: An error happened \
        during execution\nCaused by:\n  The bytes were never written (failure #3, still claiming 12 buffer(s))\n  skipped\n\
        Caused by:\n  An IO error happened\nCaused by:\n  out of device memory allocating 4096 bytes\n   0: some::frame\n\
        Asked at:\n   0: another::frame";

    /// What a thread ran out of is the process's, so these tests take turns.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn panics_of_devices_are_caught_and_named() {
        let _turn = TURN.lock().unwrap();
        let memory = DeviceFailure::OutOfMemory("out of device memory allocating 4096 bytes".to_owned());
        assert_eq!(caught(|| panic!("{UNWRITTEN}")), Err::<(), _>(memory));
        let lost = "The device is poisoned\nCaused by:\n  Unknown: Device is lost.";
        assert_eq!(
            caught(|| panic!("{lost}")),
            Err::<(), _>(DeviceFailure::Lost("Unknown: Device is lost".to_owned()))
        );
        let too_big = "An IO error happened\nCaused by:\n  can't allocate buffer of size: 99\n";
        assert!(matches!(DeviceFailure::of(too_big), DeviceFailure::OutOfMemory(_)));
        assert_eq!(caught(|| 7), Ok(7));
    }

    /// The thread that panics is the device's; who reads is told that nothing was written.
    #[test]
    fn what_another_thread_ran_out_of_is_remembered() {
        let _turn = TURN.lock().unwrap();
        let found = caught(|| {
            std::thread::spawn(|| panic!("wgpu error: Out of Memory")).join().ok();
            panic!("The bytes were never written (failure #1, still claiming 1 buffer(s))\nCaused by:\n  torn down")
        });
        assert!(matches!(found, Err::<(), _>(DeviceFailure::OutOfMemory(_))), "{found:?}");
    }

    /// The message says itself what it is about, and so nobody asked whether a thread had run out.
    #[test]
    fn what_was_said_is_not_said_of_the_next_failure() {
        let _turn = TURN.lock().unwrap();
        let first = caught(|| panic!("{UNWRITTEN}"));
        assert!(matches!(first, Err::<(), _>(DeviceFailure::OutOfMemory(_))), "{first:?}");
        let torn = "The bytes were never written (failure #2)\nCaused by:\n  torn down";
        assert_eq!(caught(|| panic!("{torn}")), Err::<(), _>(DeviceFailure::Other("torn down".to_owned())));
    }

    #[test]
    fn mistakes_of_our_own_go_on() {
        let ours = catch_unwind(|| caught(|| panic!("index out of bounds"))).unwrap_err();
        assert_eq!(message(&*ours), Some("index out of bounds"));
    }
}
