//! `habsburg bench`: what it prints; how fast it is depends on the machine.

use crate::lab::Lab;
use serde_json::Value;

#[test]
fn every_line_is_a_measurement() {
    let lab = Lab::new();
    let done = lab.works("bench --shape tiny --steps 2 --json --device flex");
    let lines: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (operations, lines): (Vec<Value>, Vec<Value>) = lines.into_iter().partition(|line| line["what"] == "operation");
    let what: Vec<&str> = lines.iter().map(|line| line["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["peak", "train", "decode", "decode"]);
    // Where a step's time goes: the parts, named once each, together take no longer than the step.
    let names: Vec<&str> = operations.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    for name in
        ["linear", "linear, weight gradient", "attention, gradient", "head and loss", "AdamW", "everything else"]
    {
        assert_eq!(names.iter().filter(|&&named| named == name).count(), 1, "{name} in {names:?}");
    }
    assert!(operations.iter().all(|line| line["milliseconds"].as_f64().is_some_and(|time| time >= 0.0)));
    for line in &lines {
        let mut numbers = vec!["gflops", "threads", "parameters"];
        if cfg!(target_os = "linux") {
            numbers.push("peak_mb");
        }
        if line["what"] != "peak" {
            numbers.extend(["tokens_per_second", "batch", "peak_gflops", "share_of_peak"]);
        }
        for name in numbers {
            assert!(line[name].as_f64().is_some_and(|value| value > 0.0), "{name} in {line}");
        }
        assert_eq!((&line["shape"], &line["mode"], &line["device"]), (&"tiny".into(), &"f32".into(), &"flex".into()));
        assert_eq!((&line["threads"], &line["parameters"]), (&1.into(), &139_584.into()));
    }
    // Layers, head and attention: 3 · 2 · (2 · (4 · 64² + 3 · 64 · 192) + 512 · 64 + 2 · 2 · 32 · 64) operations a token.
    let operations = lines[1]["gflops"].as_f64().unwrap() * 1e9 / lines[1]["tokens_per_second"].as_f64().unwrap();
    assert!((operations / 884_736.0 - 1.0).abs() < 0.02, "{operations} operations a token");
}

#[test]
fn one_measurement_alone() {
    let lab = Lab::new();
    let done = lab.works("bench --shape tiny --only peak --device flex");
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("tiny on flex, 1 threads, f32, adamw, 139584 parameters"), "{lines:?}");
    assert!(lines[1].starts_with("peak ") && lines[1].contains(" GFLOP/s"), "{lines:?}");
    assert!(lines[2..].iter().all(|line| line.starts_with("memory ")), "{lines:?}");
}

#[test]
fn bfloat16_where_the_processor_has_it() {
    let lab = Lab::new();
    lab.refuses("bench --precision bf16 --device ndarray", "precision bf16: device ndarray has no such products");
    let request = "bench --shape tiny --only train --steps 1 --json --device flex --precision bf16";
    if ops::Precision::Bfloat16.available() {
        let done = lab.works(request);
        let line: Value = serde_json::from_str(done.stdout.lines().next().unwrap()).unwrap();
        assert_eq!((&line["what"], &line["mode"]), (&"train".into(), &"bf16".into()));
    } else {
        lab.refuses(request, "this processor has no bfloat16 products");
    }
}

#[test]
fn wrong_requests_are_refused() {
    let lab = Lab::new();
    for words in ["bench --shape huge", "bench --only speed", "bench --steps 0"] {
        assert_eq!(lab.call(words).code, Some(2), "{words}");
    }
    lab.refuses("bench --device tpu", "device `tpu`: no such name");
}
