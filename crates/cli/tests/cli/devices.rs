//! The same small experiment on every backend.

use crate::lab::Lab;

/// Small enough for a software Vulkan device, whose first step takes a minute or two of compiling.
const EXPERIMENT: &str = r#"
name = "devices"
[corpus]
path = "corpus.jsonl"
tokens = 1000
test_tokens = 300
[tokenizer]
vocabulary = 300
[model]
preset = "tiny"
width = 16
layers = 1
heads = 2
hidden = 24
context = 16
[train]
batch = 4
tokens = 640
learning_rate = 0.01
[sample]
tokens = 200
[chain]
generations = 2
seeds = [0]
[[arm]]
name = "mixed"
recipe = { pool = 0.8, latest = 0.1 }
"#;

/// The test losses of both generations.
fn losses(lab: &Lab, device: &str) -> Vec<f64> {
    let out = format!("run-{}", device.replace(':', "-"));
    lab.works(&format!("run devices.toml --out {out} --device {device} --progress none"));
    let metrics = lab.read(&format!("{out}/metrics.csv"));
    let losses: Vec<f64> = metrics
        .lines()
        .filter_map(|line| line.split_once(",test,loss,,"))
        .map(|(_, value)| value.parse().unwrap())
        .collect();
    assert_eq!(losses.len(), 2, "{device}");
    losses
}

#[test]
fn backends_agree() {
    let lab = Lab::new();
    lab.write("devices.toml", EXPERIMENT);
    let mut devices = vec!["ndarray"];
    let listed = lab.works("devices").stdout;
    // Mesa's rasteriser is left alone: it crashes on the framework's kernels.
    if listed.lines().any(|line| line.starts_with("vulkan:cpu") && line.contains("SwiftShader")) {
        devices.push("vulkan:cpu");
    } else {
        let why = "no SwiftShader: build with --features gpu and name its vk_swiftshader_icd.json by VK_DRIVER_FILES";
        assert_ne!(std::env::var("HABSBURG_REQUIRE").as_deref(), Ok("1"), "{why}");
        eprintln!("skipped on Vulkan: {why}");
    }
    let flex = losses(&lab, "flex");
    for device in devices {
        let other = losses(&lab, device);
        let off = flex.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-3, "{device}: {other:?}, flex: {flex:?}");
    }
}
