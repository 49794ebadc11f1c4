//! Where a training step's time goes: seconds by operation, while somebody asks.
//!
//! Operations on Flex are done when they return, so their times can be taken one by one and add up. On a GPU they are only
//! queued; there the clock stays empty.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static RUNNING: AtomicBool = AtomicBool::new(false);
/// In the order in which operations first ran.
static TIMES: Mutex<Vec<(&'static str, Duration)>> = Mutex::new(Vec::new());

/// What `work` gives, and the time of each operation during it, in the order in which they first ran. One at a time: the
/// clock is the process's.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Vec<(&'static str, Duration)>) {
    RUNNING.store(true, Ordering::Relaxed);
    let result = work();
    RUNNING.store(false, Ordering::Relaxed);
    (result, std::mem::take(&mut *TIMES.lock().expect("nobody panics with the clock in hand")))
}

/// Runs one operation under its name.
pub(crate) fn operation<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    if !RUNNING.load(Ordering::Relaxed) {
        return work();
    }
    let start = Instant::now();
    let result = work();
    let spent = start.elapsed();
    let mut times = TIMES.lock().expect("nobody panics with the clock in hand");
    match times.iter_mut().find(|(known, _)| *known == name) {
        Some((_, time)) => *time += spent,
        None => times.push((name, spent)),
    }
    result
}
