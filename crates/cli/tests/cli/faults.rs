//! Every so-many-th write, sync and rename of a run fails, or the process ends there. Whatever happens, the same command
//! goes on afterwards and comes to the bytes of a run that nobody disturbed.

use crate::lab::Lab;
use rundir::RunDir;
use std::path::PathBuf;
use std::process::Command;

const RUN: &str = "run experiment.toml --device flex --jobs 1 --progress none --out";
const EIO: &str = "5";
const FULL: &str = "28+";

/// The library that injects faults; none where there are no such libraries.
fn injector(lab: &Lab) -> Option<PathBuf> {
    let required = std::env::var_os("HABSBURG_REQUIRE").is_some_and(|value| value == "1");
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        assert!(!required, "faults are injected on Linux alone");
        println!("skipped: faults are injected on Linux alone");
        return None;
    }
    let (source, library) = (lab.path("injector.rs"), lab.path("injector.so"));
    std::fs::write(&source, include_str!("injector.rs")).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let options = ["--edition", "2024", "--crate-type", "cdylib", "-C", "opt-level=1", "-o"];
    match Command::new(rustc).args(options).arg(&library).arg(&source).output() {
        Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => {
            assert!(!required, "rustc: {error}");
            println!("skipped: rustc: {error}");
            return None;
        }
    }
    Some(library)
}

/// Which calls are struck: each of the first, then fewer and fewer.
fn places() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(1_u64), |at| Some(at + 1 + at / 3))
}

/// Strikes a run at one place after the other, until there are no more. Returns how many.
fn strikes(call: &str, how: &str) -> usize {
    let lab = Lab::new();
    let Some(library) = injector(&lab) else { return usize::MAX };
    lab.works(&format!("{RUN} whole"));
    let expected = lab.read("whole/metrics.csv");
    for (count, at) in places().enumerate() {
        let out = format!("{call}-{at}");
        let mut command = lab.command(&format!("{RUN} {out}"));
        command.env("LD_PRELOAD", &library).env("FAULT_CALL", call).env("FAULT_AT", at.to_string());
        command.env("FAULT_HOW", how).env("FAULT_UNDER", lab.path(&out).canonicalize().unwrap_or(lab.path(&out)));
        let done = crate::lab::Done::of(command.output().unwrap());
        match (done.code, how) {
            (Some(137), "kill") => {}
            // Also where what failed was a courtesy: a checkpoint, the page before the end.
            (Some(0), _) if lab.path(&out).join("metrics.csv").exists() => {}
            (Some(1), _) => {
                assert_eq!(done.stderr.lines().count(), 1, "{call} {at}: {}", done.stderr);
                assert!(done.stderr.starts_with("habsburg: ") && !done.stderr.contains("panicked"), "{}", done.stderr);
            }
            // The folder itself could not be had.
            (Some(2), _) if done.stderr.contains("choose another --out") => {}
            other => panic!("{call} {at} {how}: {other:?}: {}", done.stderr),
        }
        lab.works(&format!("{RUN} {out}"));
        assert!(lab.read(&format!("{out}/metrics.csv")) == expected, "{call} {at}: other metrics");
        assert_eq!(lab.stages(&out), lab.stages("whole"), "{call} {at}");
        let health = RunDir::open(&lab.path(&out)).unwrap().verify(&mut |_, _| {}).unwrap();
        assert_eq!((health.damaged, health.missing.len()), (vec![], 0), "{call} {at}");
        let is_past = done.code == Some(0) && at > 100;
        std::fs::remove_dir_all(lab.path(&out)).unwrap();
        if is_past {
            return count;
        }
    }
    unreachable!("there is always a further place")
}

#[test]
fn a_write_that_fails() {
    assert!(strikes("write", EIO) > 8);
}

#[test]
fn a_disk_that_is_full_from_some_time_on() {
    assert!(strikes("write", FULL) > 8);
}

#[test]
fn a_sync_that_fails() {
    assert!(strikes("fsync", EIO) > 8);
}

#[test]
fn a_rename_that_fails() {
    assert!(strikes("rename", EIO) > 8);
}

#[test]
fn an_end_at_a_write() {
    assert!(strikes("write", "kill") > 8);
}

#[test]
fn an_end_at_a_rename() {
    assert!(strikes("rename", "kill") > 8);
}
