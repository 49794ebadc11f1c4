use crate::lab::{Done, Lab};
use std::process::Stdio;

fn metrics(threads: &str, jobs: u32, more: &str) -> String {
    let lab = Lab::new();
    let words = format!("run experiment.toml --out out --device flex --jobs {jobs} {more}");
    let done = Done::of(lab.command(&words).env("RAYON_NUM_THREADS", threads).output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    lab.read("out/metrics.csv")
}

#[test]
fn threads_and_jobs_change_no_byte() {
    let one = metrics("1", 1, "");
    assert!(one.lines().count() > 300, "{one}");
    assert_eq!(one, metrics("2", 1, ""));
    assert_eq!(one, metrics("2", 2, ""));
    assert_eq!(one, metrics("1", 4, ""));
}

#[test]
fn samplers_and_prompts_change_no_byte() {
    let more = "--set sample.top_p=0.9 --set sample.repetition_penalty=1.1 --set sample.prompt=latest --set sample.prompt_tokens=4";
    assert_eq!(metrics("1", 1, more), metrics("2", 2, more));
}

#[test]
fn bfloat16_changes_no_byte_either() {
    if ops::Precision::Bfloat16.available() {
        let rounded = metrics("1", 1, "--precision bf16");
        assert_eq!(rounded, metrics("2", 2, "--set train.precision=\"bf16\""));
        assert_ne!(rounded, metrics("1", 1, ""));
    } else {
        Lab::new().refuses("run experiment.toml --out out --precision bf16", "this processor has no bfloat16 products");
    }
}

/// Anyone may work in a run directory, at any time: two launchers, array tasks of a scheduler.
#[test]
fn processes_at_once_change_no_byte() {
    let lab = Lab::new();
    let whole = metrics("1", 1, "");
    let all = |commands: Vec<String>| {
        let children: Vec<_> =
            commands.iter().map(|words| lab.command(words).stdout(Stdio::null()).spawn().unwrap()).collect();
        for (mut child, words) in children.into_iter().zip(commands) {
            assert!(child.wait().unwrap().success(), "{words}");
        }
    };
    all(vec!["run experiment.toml --out runs --device flex --progress none".to_owned(); 2]);
    assert!(lab.read("runs/metrics.csv") == whole);

    lab.works("plan experiment.toml --out steps --device flex");
    for generation in [0, 1] {
        let step = |chain: &&str| {
            format!("step steps --chain {chain} --generation {generation} --device flex --progress none")
        };
        all(["replace/seed-0", "replace/seed-1", "accumulate/seed-0", "accumulate/seed-1"].iter().map(step).collect());
    }
    assert_eq!(lab.works("run experiment.toml --out steps --device flex").made(), 0);
    assert!(lab.read("steps/metrics.csv") == whole);
    assert!(lab.stages("steps").iter().all(|name| !name.starts_with('.')));
}
