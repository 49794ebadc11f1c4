//! A run that is asked to end saves its state, says how to go on, and goes on to the same bytes.

use crate::lab::{Done, Lab};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RUN: &str = "run long.toml --device flex --jobs 1 --progress none --out";

/// An experiment that takes some seconds.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("long.toml", crate::lab::EXPERIMENT.replace("tokens = 5000", "tokens = 60000"));
    lab
}

fn start(lab: &Lab, words: &str) -> Child {
    lab.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the process works in the directory: before, it takes no signals.
fn works(lab: &Lab, out: &str, child: &Child) {
    let name = format!(".working-{}-", child.id());
    let began = Instant::now();
    let begins = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(&name))
    };
    while !std::fs::read_dir(lab.path(out)).is_ok_and(|mut entries| entries.any(begins)) {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_same_bytes() {
    let lab = lab();
    lab.works(&format!("{RUN} whole"));
    let mut interrupted = 0;
    for (signal, code, milliseconds) in [("INT", 130, 0), ("TERM", 143, 100), ("INT", 130, 300), ("TERM", 143, 600)] {
        let child = start(&lab, &format!("{RUN} out"));
        works(&lab, "out", &child);
        std::thread::sleep(Duration::from_millis(milliseconds));
        let sent = Instant::now();
        send(signal, &child);
        let done = Done::of(child.wait_with_output().unwrap());
        if done.code == Some(0) {
            break;
        }
        interrupted += 1;
        assert_eq!(done.code, Some(code), "{}", done.stderr);
        assert!(sent.elapsed() < Duration::from_secs(10));
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.contains("run the same command again to go on"), "{}", done.stderr);
        assert_eq!(lab.path("out/metrics.csv").exists(), lab.path("out/report.html").exists());
    }
    assert!(interrupted > 1, "it was done too soon");
    lab.works(&format!("{RUN} out"));
    assert!(lab.read("out/metrics.csv") == lab.read("whole/metrics.csv"));
    assert_eq!(lab.stages("out"), lab.stages("whole"));
    assert!(lab.page("out") == lab.page("whole"));
    assert!(!lab.path("out/checkpoints").exists() || lab.files("out/checkpoints").is_empty());
}

/// Whatever the first signal is still waiting for.
#[cfg(unix)]
#[test]
fn a_second_signal_ends_at_once() {
    let lab = lab();
    let child = start(&lab, &format!("{RUN} out"));
    works(&lab, "out", &child);
    std::thread::sleep(Duration::from_millis(100));
    send("INT", &child);
    send("INT", &child);
    let sent = Instant::now();
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(130), "{}", done.stderr);
    assert!(sent.elapsed() < Duration::from_secs(5));
    lab.works(&format!("{RUN} out"));
    lab.works("verify out");
}

/// Metrics and page are there before the end and grow; a report can be made meanwhile.
#[test]
fn a_run_can_be_looked_at_while_it_goes_on() {
    let lab = lab();
    let mut child = start(&lab, &format!("{RUN} out --set chain.generations=6"));
    let (mut seen, mut reports) = (std::collections::BTreeSet::new(), 0);
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
        let Ok(metrics) = std::fs::read_to_string(lab.path("out/metrics.csv")) else { continue };
        if seen.insert(metrics.lines().count()) {
            let done = lab.call("report out");
            assert_eq!(done.code, Some(0), "{}", done.stderr);
            reports += usize::from(done.stdout.contains("not finished"));
        }
    }
    assert_eq!(Done::of(child.wait_with_output().unwrap()).code, Some(0));
    assert!(seen.len() > 3 && reports > 1, "{seen:?}, {reports} reports of a run that goes on");
    lab.works("verify out");
}

#[test]
fn progress_has_loss_and_perplexity() {
    let lab = Lab::new();
    let said = lab.works("run experiment.toml --device flex --progress plain --out out").stderr;
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(" done, loss ")).collect();
    assert!(lines.len() == 6 && lines.iter().all(|line| line.contains(", test perplexity ")), "{said}");
}
