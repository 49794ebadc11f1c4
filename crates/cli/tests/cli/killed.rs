use crate::lab::Lab;
use rundir::RunDir;
use std::process::Stdio;
use std::time::{Duration, Instant};

const RUN: &str = "run experiment.toml --device flex --jobs 2 --out";

/// The metrics of a run that nobody disturbed.
fn undisturbed(lab: &Lab) -> String {
    lab.works(&format!("{RUN} whole"));
    lab.read("whole/metrics.csv")
}

/// Starts the run and kills it when `now` says so, unless it is done before; whether it was killed.
fn kill(lab: &Lab, out: &str, mut now: impl FnMut() -> bool) -> bool {
    let mut child = lab.command(&format!("{RUN} {out} --progress none")).stdout(Stdio::null()).spawn().unwrap();
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if now() {
            // On Unix this is SIGKILL.
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Goes on to the end, and looks at everything.
fn finishes(lab: &Lab, out: &str, metrics: &str) {
    lab.works(&format!("{RUN} {out}"));
    assert!(lab.read(&format!("{out}/metrics.csv")) == metrics, "{out}: other metrics");
    assert_eq!(lab.stages(out), lab.stages("whole"), "{out}");
    let run = RunDir::open(&lab.path(out)).unwrap();
    for stage in lab.stages(out) {
        run.find(&stage.parse().unwrap()).unwrap().expect("it is sealed").verify().unwrap();
    }
    assert!(lab.page(out) == lab.page("whole"), "{out}: another report");
}

#[test]
fn after_some_time() {
    let lab = Lab::new();
    let metrics = undisturbed(&lab);
    for milliseconds in [20, 60, 120, 200, 300, 450] {
        let (out, start) = (format!("after-{milliseconds}"), Instant::now());
        kill(&lab, &out, || start.elapsed() >= Duration::from_millis(milliseconds));
        finishes(&lab, &out, &metrics);
    }
}

#[test]
fn after_some_stages() {
    let lab = Lab::new();
    let metrics = undisturbed(&lab);
    let all = lab.stages("whole").len();
    for count in [1, 4, 9, 16, all] {
        let out = format!("stages-{count}");
        let whole = |name: &String| !name.starts_with('.');
        kill(&lab, &out, || lab.stages(&out).iter().filter(|name| whole(name)).count() >= count);
        finishes(&lab, &out, &metrics);
    }
}

#[test]
fn again_and_again() {
    let lab = Lab::new();
    let metrics = undisturbed(&lab);
    let mut kills = 0;
    for milliseconds in (60..).step_by(20) {
        let start = Instant::now();
        if !kill(&lab, "often", || start.elapsed() >= Duration::from_millis(milliseconds)) {
            break;
        }
        kills += 1;
    }
    assert!(kills > 1, "it was done too soon to be killed");
    finishes(&lab, "often", &metrics);
}

/// A run that is asked for more, and killed after its last stage: its metrics and its page are those of the smaller run.
#[test]
fn between_the_last_stage_and_the_metrics() {
    let lab = Lab::new();
    let metrics = undisturbed(&lab);
    lab.works(&format!("{RUN} late --set chain.generations=1"));
    let old = ["metrics.csv", "report.html"].map(|name| (format!("late/{name}"), lab.read(&format!("late/{name}"))));
    lab.works(&format!("{RUN} late"));
    for (name, text) in old {
        lab.write(&name, text);
    }
    finishes(&lab, "late", &metrics);
}
