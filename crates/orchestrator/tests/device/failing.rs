//! A device that fails in the middle of a chain. What observers are told is told where the device's figures are read: one that
//! panics as the framework does stands for the device.

use crate::lab::Lab;
use crate::metrics;
use orchestrator::Error;
use rundir::{Event, StageKind};

const ARMS: &str = "[chain]\ngenerations = 2\nseeds = [0]\n[[arm]]\nname = \"replace\"\n";

/// What CubeCL 0.11.3 says under Burn 0.22.1.
const LOST: &str = "Error while reading data: use `try_execute` to handle error at runtime: An error happened during \
    execution\nCaused by:\n  The device is poisoned\nCaused by:\n  Unknown: Device is lost";
const FULL: &str = "An IO error happened\nCaused by:\n  out of device memory allocating 4096 bytes\n   0: a::frame";

#[test]
fn a_device_that_fails_ends_the_stage_and_the_next_run_goes_on() {
    let lab = Lab::new(ARMS);
    let all = lab.run("whole", "flex", 1, &|_| {}).unwrap();
    for (panic, kind, line) in [
        (LOST, StageKind::Train, "training: the device was lost (Unknown: Device is lost)"),
        (FULL, StageKind::Score, "score: the device is out of memory (out of device memory allocating 4096 bytes)"),
    ] {
        let out = format!("broken-{kind}");
        let failing = |event: Event| match event {
            Event::Working { kind: at, generation: 1, .. } if at == kind => panic!("{panic}"),
            _ => {}
        };
        let Err(Error::Work(said)) = lab.run(&out, "flex", 1, &failing) else { panic!("the work has failed") };
        assert!(
            said.starts_with(&format!("replace/seed-0, generation 1: {line}; what is finished is kept; ")),
            "{said}"
        );
        assert!(!said.contains('\n'), "{said}");
        // The stage is not there, nor anything half made; all before it is.
        let stages = std::fs::read_dir(lab.path(&out).join("stages")).unwrap();
        let names: Vec<String> = stages.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let of = |kind: &str| names.iter().filter(|name| name.starts_with(kind)).count();
        assert_eq!(of(kind.name()), 1, "{names:?}");
        assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");

        let rest = lab.run(&out, "flex", 1, &|_| {}).unwrap();
        assert!(rest.found > 0 && rest.made + rest.found == all.made, "{rest:?} of {all:?}");
        assert_eq!(metrics(&lab, &out), metrics(&lab, "whole"));
    }
}
