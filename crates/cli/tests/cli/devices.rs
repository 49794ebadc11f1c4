//! The same small experiment on every backend.

use crate::lab::Lab;

/// Small enough for a software Vulkan device.
const EXPERIMENT: &str = r#"
name = "devices"
[corpus]
path = "corpus.jsonl"
tokens = 1000
test_tokens = 300
[tokenizer]
vocabulary = 320
[model]
preset = "tiny"
width = 32
layers = 1
heads = 2
hidden = 64
context = 32
[train]
batch = 4
tokens = 1280
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
        .filter_map(|line| line.split_once(",test,loss,,,,,,,,,,"))
        .map(|(_, value)| value.parse().unwrap())
        .collect();
    assert_eq!(losses.len(), 2, "{device}");
    losses
}

#[test]
fn backends_agree() {
    let lab = Lab::new();
    lab.write("devices.toml", EXPERIMENT);
    let (flex, ndarray) = (losses(&lab, "flex"), losses(&lab, "ndarray"));
    assert!(farthest(&flex, &ndarray) < 1e-5, "ndarray: {ndarray:?}, flex: {flex:?}");
}

/// A software Vulkan device either computes what the processor computes, or is refused before anything is begun. SwiftShader
/// is refused today: shared memory does not work there in SPIR-V ([`software_through_wgsl_agrees`] has it in WGSL).
#[test]
fn a_software_gpu_agrees_or_is_refused() {
    let lab = Lab::new();
    lab.write("devices.toml", EXPERIMENT);
    let listed = lab.works("devices").stdout;
    // Mesa's rasteriser is left alone: it crashes on the framework's kernels.
    if !listed.lines().any(|line| line.starts_with("vulkan:cpu") && line.contains("SwiftShader")) {
        let why = "no SwiftShader: build with --features gpu and name its vk_swiftshader_icd.json by VK_DRIVER_FILES";
        assert_ne!(std::env::var("HABSBURG_REQUIRE").as_deref(), Ok("1"), "{why}");
        return eprintln!("skipped: {why}");
    }
    let done = lab.call("run devices.toml --out run-vulkan --device vulkan:cpu --progress none");
    if done.code == Some(2) {
        let line = done.stderr.lines().find(|line| line.starts_with("habsburg: ")).expect("a line that says why");
        assert!(line.contains("device `vulkan:cpu`: computes wrongly ("), "{line}");
        assert!(!lab.path("run-vulkan").exists(), "a refused run left its folder");
        return;
    }
    let (vulkan, flex) = (losses(&lab, "vulkan:cpu"), losses(&lab, "flex"));
    assert!(farthest(&flex, &vulkan) < 1e-3, "vulkan:cpu: {vulkan:?}, flex: {flex:?}");
}

#[test]
fn software_through_wgsl_agrees() {
    let lab = Lab::new();
    lab.write("devices.toml", EXPERIMENT);
    let listed = lab.works("devices").stdout;
    if !listed.lines().any(|line| line.starts_with("wgpu:cpu") && line.contains("SwiftShader")) {
        let why = "no SwiftShader: build with --features gpu and name its vk_swiftshader_icd.json by VK_DRIVER_FILES";
        assert_ne!(std::env::var("HABSBURG_REQUIRE").as_deref(), Ok("1"), "{why}");
        return eprintln!("skipped: {why}");
    }
    let (wgpu, flex) = (losses(&lab, "wgpu:cpu"), losses(&lab, "flex"));
    assert!(farthest(&flex, &wgpu) < 1e-3, "wgpu:cpu: {wgpu:?}, flex: {flex:?}");
}

fn farthest(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
