//! Work within a stage that survives a kill.
//!
//! A stage that trains for hours saves its state now and then in a folder beside the stages, and begins with that state
//! when it is made again. [`Checkpoint`] says when a state is due, keeps its parts as files with a checksum, and carries
//! the [`Interrupt`] by which a run is asked to end.
//!
//! A state is due when the longer of two times has passed: the interval that was asked for, and [`SHARE`] times what the
//! last save took. So a kill loses at most that much work, and saving takes less than 5 % of the time.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::Context;
use crate::{Result, write_atomic};

/// Between two saves lies at least so many times what the last one took.
const SHARE: u32 = 20;
/// A part that took less than this share of the interval is computed again rather than kept.
const QUICK: u32 = 60;
/// Bytes of a file's checksum, which are its last.
const CHECKSUM: usize = 32;

/// A flag that asks everybody who holds a copy to end soon.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag, in all copies.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once the flag was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends the work if the flag is set.
    ///
    /// # Errors
    /// [`Stopped`] if it is.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.is_set() { Err(Stopped) } else { Ok(()) }
    }
}

/// Work that was interrupted before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; what is finished is kept; run the command again to go on")]
pub struct Stopped;

/// What work should do now about its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Go on.
    No,
    /// Save and go on.
    Save,
    /// Save and end.
    Stop,
}

/// The saved state of work in progress: named parts, a file each. A copy saves to the same files by a clock of its own.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// None keeps nothing.
    folder: Option<PathBuf>,
    /// What the names of parts begin with.
    scope: String,
    every: Duration,
    interrupt: Interrupt,
    /// The time of the last save, or that of creation.
    last: Instant,
    /// How long the last save took.
    took: Duration,
}

impl Checkpoint {
    /// A checkpoint that keeps nothing.
    pub fn none() -> Self {
        Self {
            folder: None,
            scope: String::new(),
            every: Duration::MAX,
            interrupt: Interrupt::new(),
            last: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// A checkpoint in `folder`, which is created when the first part is saved.
    pub fn at(folder: PathBuf, every: Duration, interrupt: Interrupt) -> Self {
        Self { folder: Some(folder), every, interrupt, ..Self::none() }
    }

    /// The same, asked to end by another flag.
    #[must_use]
    pub fn with_interrupt(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// A checkpoint whose parts are named within the part `name` of this one.
    #[must_use]
    pub fn within(&self, name: &str) -> Self {
        Self { scope: format!("{}{name}.", self.scope), ..self.clone() }
    }

    /// Ends the work if the interrupt is set.
    ///
    /// # Errors
    /// [`Stopped`] if it is.
    pub fn check(&self) -> Result<(), Stopped> {
        self.interrupt.check()
    }

    /// What work should do now: end if the interrupt is set, save if enough time has passed since the last save.
    pub fn due(&self) -> Due {
        if self.interrupt.is_set() {
            Due::Stop
        } else if self.folder.is_some() && self.last.elapsed() >= self.every.max(self.took.saturating_mul(SHARE)) {
            Due::Save
        } else {
            Due::No
        }
    }

    /// Reads a part. A file that is damaged or half-written is as good as none.
    pub fn load(&mut self, part: &str) -> Option<Vec<u8>> {
        let path = self.path(part)?;
        let mut bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), %error, "a checkpoint cannot be read; its work begins again");
                }
                return None;
            }
        };
        let content = bytes.len().checked_sub(CHECKSUM).filter(|&end| checksum(&bytes[..end])[..] == bytes[end..]);
        match content {
            Some(end) => bytes.truncate(end),
            None => tracing::warn!(path = %path.display(), "a checkpoint is damaged; its work begins again"),
        }
        content.map(|_| bytes)
    }

    /// Writes a part in place of the one of that name, and starts the clock of [`due`](Self::due) again.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); the part is then what it was.
    pub fn save(&mut self, part: &str, bytes: &[u8]) -> Result<()> {
        let began = Instant::now();
        let saved = self.write(part, bytes.to_vec());
        self.saved_since(began);
        saved
    }

    /// Makes a part's content and writes it. If that fails, says so in the log: the work need not end for it. Where nothing
    /// is kept, nothing is made.
    pub fn keep(&mut self, part: &str, content: impl FnOnce() -> Vec<u8>) {
        if self.folder.is_none() {
            return;
        }
        let began = Instant::now();
        let bytes = content();
        let size = bytes.len();
        match self.write(part, bytes) {
            Ok(()) => {
                tracing::debug!(part, size, seconds = began.elapsed().as_secs_f64(), "checkpoint saved");
            }
            Err(error) => tracing::warn!(part, %error, "a checkpoint could not be saved; the work goes on without it"),
        }
        self.saved_since(began);
    }

    /// Reads a part that [`keep_value`](Self::keep_value) wrote. A value of another type is as good as none.
    pub fn load_value<T: DeserializeOwned>(&mut self, part: &str) -> Option<T> {
        let bytes = self.load(part)?;
        ciborium::from_reader(&bytes[..])
            .inspect_err(
                |error| tracing::warn!(part, %error, "a checkpoint holds something else; its work begins again"),
            )
            .ok()
    }

    /// Writes a value as CBOR, which keeps every bit of floats; see [`keep`](Self::keep).
    pub fn keep_value(&mut self, part: &str, value: &impl Serialize) {
        self.keep(part, || {
            let mut bytes = Vec::new();
            ciborium::into_writer(value, &mut bytes).expect("plain values are CBOR");
            bytes
        });
    }

    /// Gives the value of a part that was finished before, or computes it and keeps it. A value that took less than a
    /// sixtieth of the interval is not kept, unless an interrupt came meanwhile: to compute it again is as quick. The
    /// checkpoint that `compute` is given names its own parts within this one; they are removed when it is done.
    ///
    /// # Errors
    /// [`Stopped`] as `E` if the interrupt is set and the part was not finished; what `compute` returns.
    pub fn part<T: Serialize + DeserializeOwned, E: From<Stopped>>(
        &mut self,
        name: &str,
        compute: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(value) = self.load_value(name) {
            return Ok(value);
        }
        self.check()?;
        let began = Instant::now();
        let mut inside = self.within(name);
        let value = compute(&mut inside)?;
        (self.last, self.took) = (inside.last, inside.took);
        if began.elapsed() >= self.every / QUICK || self.interrupt.is_set() {
            self.keep_value(name, &value);
            inside.remove();
        }
        Ok(value)
    }

    /// Removes all parts of this checkpoint, and its folder if nothing else is in it. What cannot be removed stays.
    pub fn remove(&mut self) {
        let Some(folder) = &self.folder else { return };
        if self.scope.is_empty() {
            let _ = fs::remove_dir_all(folder);
            return;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&self.scope) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn path(&self, part: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}{part}", self.scope)))
    }

    fn write(&self, part: &str, mut bytes: Vec<u8>) -> Result<()> {
        let Some((folder, path)) = self.folder.as_ref().zip(self.path(part)) else { return Ok(()) };
        crate::check_name(part)?;
        let sum = checksum(&bytes);
        bytes.extend(sum);
        fs::create_dir_all(folder).context("create", folder)?;
        write_atomic(&path, &bytes)
    }

    fn saved_since(&mut self, began: Instant) {
        (self.last, self.took) = (Instant::now(), began.elapsed());
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &std::path::Path, every: Duration) -> Checkpoint {
        Checkpoint::at(folder.join("checkpoints/train-1"), every, Interrupt::new())
    }

    #[test]
    fn a_part_is_what_was_saved_unless_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoint = at(folder.path(), Duration::ZERO);
        assert_eq!(checkpoint.load("state"), None);
        checkpoint.save("state", b"one").unwrap();
        checkpoint.save("state", b"two").unwrap();
        checkpoint.save("empty", b"").unwrap();
        assert_eq!(checkpoint.load("state").unwrap(), b"two");
        assert_eq!(checkpoint.load("empty").unwrap(), b"");
        let path = folder.path().join("checkpoints/train-1/state");
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(checkpoint.load("state"), None, "{cut} bytes");
        }
        let mut other = whole.clone();
        other[1] ^= 1;
        fs::write(&path, &other).unwrap();
        assert_eq!(checkpoint.load("state"), None);
        checkpoint.remove();
        assert!(!folder.path().join("checkpoints/train-1").exists());
    }

    #[test]
    fn a_state_is_due_after_the_interval_and_twenty_times_a_save() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(at(folder.path(), Duration::from_secs(600)).due(), Due::No);
        let mut checkpoint = at(folder.path(), Duration::ZERO);
        assert_eq!(checkpoint.due(), Due::Save);
        checkpoint.keep("slow", || {
            std::thread::sleep(Duration::from_millis(50));
            Vec::new()
        });
        assert_eq!(checkpoint.due(), Due::No, "twenty times 50 ms have not passed");
        checkpoint.interrupt.set();
        assert_eq!(checkpoint.due(), Due::Stop);
    }

    #[test]
    fn nothing_is_kept_by_none_and_it_can_be_interrupted() {
        let interrupt = Interrupt::new();
        let mut checkpoint = Checkpoint::none().with_interrupt(interrupt.clone());
        assert_eq!(checkpoint.due(), Due::No);
        checkpoint.save("a", b"x").unwrap();
        checkpoint.keep("a", || unreachable!("nobody keeps it"));
        assert_eq!(checkpoint.load("a"), None);
        interrupt.set();
        assert_eq!((checkpoint.due(), checkpoint.check()), (Due::Stop, Err(Stopped)));
    }

    #[test]
    fn a_failed_save_leaves_the_work_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("checkpoints"), "a file in the way").unwrap();
        let mut checkpoint = at(folder.path(), Duration::ZERO);
        checkpoint.keep_value("a", &1);
        assert!(checkpoint.save("a", b"x").is_err());
        assert_eq!(checkpoint.load_value::<i32>("a"), None);
    }

    #[test]
    fn a_finished_part_is_not_computed_again() {
        let folder = tempfile::tempdir().unwrap();
        let hard = vec![f64::NAN, -0.0, f64::INFINITY, 0.1, f64::MIN_POSITIVE / 4.0, 1.5];
        let single = [0.1_f32, f32::MIN_POSITIVE / 2.0, -0.0, f32::NEG_INFINITY];
        let compute = |inside: &mut Checkpoint| {
            inside.keep_value("half", &7);
            Ok::<_, Stopped>((hard.clone(), single.to_vec()))
        };
        at(folder.path(), Duration::ZERO).part("sums", compute).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("checkpoints/train-1")).unwrap().count(), 1, "`half` is gone");
        let mut checkpoint = at(folder.path(), Duration::ZERO);
        checkpoint.interrupt.set();
        type Sums = (Vec<f64>, Vec<f32>);
        let again: Sums =
            checkpoint.part("sums", |_| -> Result<Sums, Stopped> { unreachable!("it is there") }).unwrap();
        assert!(again.0.iter().zip(&hard).all(|(a, b)| a.to_bits() == b.to_bits()), "{again:?}");
        assert!(again.1.iter().zip(&single).all(|(a, b)| a.to_bits() == b.to_bits()), "{again:?}");
        let other = checkpoint.part("other", |_| -> Result<i32, Stopped> { unreachable!("it is interrupted") });
        assert_eq!(other, Err(Stopped));
        // What was quick is computed again.
        let mut slow = at(folder.path(), Duration::from_secs(600));
        assert_eq!(slow.part("quick", |_| Ok::<_, Stopped>(1)), Ok(1));
        assert_eq!(slow.load_value::<i32>("quick"), None);
    }
}
