//! The lock of a run directory, for processes of several hosts that see one file system.
//!
//! Whoever changes what all processes of a run share (`experiment.toml`, `run.json`, `metrics.csv`) holds the file `.lock`
//! while it does. The file says which host and process that is. A thread writes it again every few seconds; a lock that
//! nobody wrote for half a minute was left by a process that died, and is broken. Its age is the difference of two times
//! that the file server gave: that of the lock and that of a file written now. So clocks of hosts do not matter.
//!
//! The same kind of file says that a process works in the directory ([`Presence`]): any number may do that at once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::atomic::unique;
use crate::error::Context;
use crate::{Error, Result};

/// Name of the lock.
pub(crate) const LOCK: &str = ".lock";
/// Presence files begin so.
const WORKING: &str = ".working-";
/// Files that are written to learn the server's time, and broken locks, begin so.
const PROBE: &str = ".writing-clock-";
const BROKEN: &str = ".writing-broken-";
/// How often a lock is written again.
const BEAT: Duration = Duration::from_secs(5);
/// A lock that is older was left by a process that died.
const STALE: Duration = Duration::from_secs(30);
/// How soon a process that waits looks again: at first, and later.
const LOOK: Duration = Duration::from_millis(10);
const MOST: Duration = Duration::from_millis(320);
/// A process that waits longer says so.
const QUIET: Duration = Duration::from_secs(2);

/// A process that holds a lock or works in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Name of its host.
    pub host: String,
    /// The host's boot and the process's number space: only where they are ours does a process number mean anything here.
    space: String,
    /// Its process number.
    pub pid: u32,
    /// When it began, in the host's ticks: process numbers are used again.
    began: u64,
    /// A number that each lock of one process has for itself.
    number: u64,
}

impl Holder {
    fn ours() -> Self {
        let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let link = fs::read_link("/proc/self/ns/pid").map(|path| path.display().to_string()).unwrap_or_default();
        let host = Some(read("/proc/sys/kernel/hostname")).filter(|name| !name.is_empty());
        Self {
            host: host.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "unknown".to_owned()),
            space: format!("{} {link}", read("/proc/sys/kernel/random/boot_id")),
            pid: std::process::id(),
            began: stat(std::process::id()).map_or(0, |stat| stat.began),
            number: unique(),
        }
    }

    /// True if this process is alive, false if it is dead. None where that is not known: on another host, on a system other
    /// than Linux, or where a user does not see all processes.
    fn lives(&self) -> Option<bool> {
        let ours = Self::ours();
        if self.space != ours.space || self.host != ours.host || stat(1).is_none() {
            return None;
        }
        Some(stat(self.pid).is_some_and(|stat| !stat.is_dead && stat.began == self.began))
    }
}

/// State of a process on Linux.
struct Stat {
    /// Dead, and not yet waited for.
    is_dead: bool,
    began: u64,
}

/// Reads the state of a process from `/proc`. None if there is no such process, or no `/proc`.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The state is the first field after the command's name, which may hold anything; the start is the twentieth.
    let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
    Some(Stat { is_dead: ["Z", "X"].contains(fields.first()?), began: fields.get(19)?.parse().ok()? })
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// A file that a thread writes again as long as this value lives.
#[derive(Debug)]
struct Beating {
    path: PathBuf,
    text: String,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beating {
    /// Makes the file `path`, which must not exist, and keeps it young.
    fn begin(path: PathBuf, holder: &Holder) -> io::Result<Self> {
        let text = serde_json::to_string(holder).expect("a holder is plain values") + "\n";
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| drop(fs::remove_file(&path)))?;
        let (stop, stopped) = mpsc::channel();
        let beaten = (path.clone(), text.clone());
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                beat(&beaten.0, &beaten.1);
            }
        });
        Ok(Self { path, text, stop: Some(stop), thread: Some(thread) })
    }

    fn is_ours(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.is_ours() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes a file again, so that the file server dates it anew. A lock that is not ours any more is left alone.
fn beat(path: &Path, text: &str) {
    let ours = fs::read_to_string(path).is_ok_and(|found| found == text);
    if let (true, Ok(mut file)) = (ours, OpenOptions::new().write(true).open(path)) {
        let _ = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
    }
}

/// The lock of a folder, free again when this value is dropped.
#[derive(Debug)]
pub(crate) struct Lock(Beating);

impl Lock {
    /// Waits for the lock of `folder` and takes it. Who waits for more than two seconds is told for whom, once.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written or is gone.
    pub(crate) fn acquire(folder: &Path, waiting: &mut dyn FnMut(&Holder)) -> Result<Self> {
        let path = folder.join(LOCK);
        let holder = Holder::ours();
        let (mut waited, mut pause) = (Duration::ZERO, LOOK);
        let mut is_said = false;
        loop {
            match Beating::begin(path.clone(), &holder) {
                Ok(beating) => return Ok(Self(beating)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context("write", &path),
            }
            match Found::at(folder, &path)? {
                None => continue,
                Some(found) if found.age > STALE || found.lives() == Some(false) => {
                    found.break_lock(folder, &path)?;
                    continue;
                }
                Some(Found { holder: Some(holder), .. }) if waited >= QUIET && !is_said => {
                    is_said = true;
                    waiting(&holder);
                }
                Some(_) => {}
            }
            std::thread::sleep(pause);
            waited += pause;
            pause = (2 * pause).min(MOST);
        }
    }

    /// Makes sure that the lock is still ours: a process that was stopped for half a minute has lost it.
    ///
    /// # Errors
    /// [`Error::LockLost`].
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.is_ours() { Ok(()) } else { Err(Error::LockLost { path: self.0.path.clone() }) }
    }
}

/// Says that this process works in a folder, for as long as this value lives.
#[derive(Debug)]
pub struct Presence(#[expect(dead_code, reason = "its end is what counts")] Beating);

impl Presence {
    /// Says so in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn begin(folder: &Path) -> Result<Self> {
        let holder = Holder::ours();
        loop {
            let path = folder.join(format!("{WORKING}{}-{}", holder.pid, unique()));
            match Beating::begin(path.clone(), &holder) {
                Ok(beating) => return Ok(Self(beating)),
                // Of another host's process with this number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context("write", &path),
            }
        }
    }
}

/// The processes that work in `folder`. Files of dead ones are removed.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn working(folder: &Path) -> Result<Vec<Holder>> {
    let mut holders = Vec::new();
    for entry in fs::read_dir(folder).context("read", folder)? {
        let path = entry.context("read", folder)?.path();
        let is_presence = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(WORKING));
        let Some(found) = (if is_presence { Found::at(folder, &path)? } else { None }) else { continue };
        // A process that is stopped for a while works all the same.
        if found.lives().map_or(found.age > STALE, |lives| !lives) {
            let _ = fs::remove_file(&path);
        } else {
            holders.extend(found.holder);
        }
    }
    Ok(holders)
}

/// A lock or a presence as it is found.
struct Found {
    text: String,
    /// None of a file that is only half written.
    holder: Option<Holder>,
    age: Duration,
}

impl Found {
    /// The file at `path`; none if it is gone by now.
    fn at(folder: &Path, path: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
            Err(error) => return Err(error).context("read", path),
        };
        let Ok(written) = fs::metadata(path).and_then(|file| file.modified()) else { return Ok(None) };
        // Nobody who writes again every few seconds by the same clock is in the future, either.
        let age = server_time(folder)?.duration_since(written).unwrap_or_else(|future| future.duration());
        Ok(Some(Self { holder: serde_json::from_str(&text).ok(), text, age }))
    }

    fn lives(&self) -> Option<bool> {
        self.holder.as_ref().and_then(Holder::lives)
    }

    /// Takes a lock that was left behind away. Another process may have done so and have taken the lock since: then that
    /// one is put back.
    fn break_lock(&self, folder: &Path, path: &Path) -> Result<()> {
        let aside = folder.join(format!("{BROKEN}{}-{}", std::process::id(), unique()));
        if fs::rename(path, &aside).is_err() {
            return Ok(());
        }
        if fs::read_to_string(&aside).unwrap_or_default() != self.text {
            let _ = fs::hard_link(&aside, path);
        }
        fs::remove_file(&aside).context("remove", &aside)
    }
}

/// The time by the clock of whoever serves `folder`: that of a file written now.
fn server_time(folder: &Path) -> Result<SystemTime> {
    let path = folder.join(format!("{PROBE}{}-{}", std::process::id(), unique()));
    let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
        file.write_all(b"now")?;
        file.sync_all()?;
        file.metadata()?.modified()
    });
    let _ = fs::remove_file(&path);
    written.context("write", &path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn acquire(folder: &Path) -> Lock {
        Lock::acquire(folder, &mut |_| {}).unwrap()
    }

    fn leave(folder: &Path, holder: &Holder, age: Duration) {
        let path = folder.join(LOCK);
        fs::write(&path, serde_json::to_string(holder).unwrap()).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = acquire(folder.path());
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(1));
                        inside.fetch_sub(1, Ordering::SeqCst);
                        lock.check().unwrap();
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_that_was_left_behind_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        // A process of another host that is silent for too long.
        let elsewhere = Holder { host: "elsewhere".into(), space: "other".into(), pid: 1, began: 0, number: 0 };
        leave(folder.path(), &elsewhere, 2 * STALE);
        drop(acquire(folder.path()));
        // One of this host that is dead, however young its lock.
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = Holder { pid: child.id(), ..Holder::ours() };
        child.wait().unwrap();
        if cfg!(target_os = "linux") {
            leave(folder.path(), &dead, Duration::ZERO);
            drop(acquire(folder.path()));
        }
        // A file that was cut off while it was written.
        fs::write(folder.path().join(LOCK), "{\"ho").unwrap();
        let file = File::options().write(true).open(folder.path().join(LOCK)).unwrap();
        file.set_modified(SystemTime::now() - 2 * STALE).unwrap();
        drop(acquire(folder.path()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_young_lock_of_another_host_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = Holder { host: "elsewhere".into(), space: "other".into(), pid: 7, began: 0, number: 0 };
        leave(folder.path(), &elsewhere, STALE - Duration::from_secs(20));
        let mut told = Vec::new();
        let path = folder.path().join(LOCK);
        let lock = Lock::acquire(folder.path(), &mut |holder| {
            told.push(holder.to_string());
            fs::remove_file(&path).unwrap();
        });
        lock.unwrap();
        assert_eq!(told, ["process 7 on elsewhere"]);
    }

    #[test]
    fn who_lost_the_lock_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let lock = acquire(folder.path());
        let other = Holder { number: u64::MAX, ..Holder::ours() };
        leave(folder.path(), &other, Duration::ZERO);
        assert!(matches!(lock.check(), Err(Error::LockLost { .. })));
        drop(lock);
        assert!(folder.path().join(LOCK).exists(), "the lock of another was removed");
    }

    #[test]
    fn processes_that_work_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let both = [Presence::begin(folder.path()).unwrap(), Presence::begin(folder.path()).unwrap()];
        assert_eq!(working(folder.path()).unwrap().len(), 2);
        drop(both);
        assert_eq!(working(folder.path()).unwrap(), []);
    }
}
