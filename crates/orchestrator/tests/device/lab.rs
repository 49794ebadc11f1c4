//! A small experiment in a folder of its own, and the device to run it on.

use experiment::Experiment;
use orchestrator::{Error, RunOptions, Summary, run};
use rundir::Event;
use std::fs;
use std::path::PathBuf;

/// Small enough for a software device; the arms go on after the headline.
const EXPERIMENT: &str = r#"
name = "device"
[corpus]
path = "CORPUS"
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
tokens = 512
learning_rate = 0.01
[sample]
tokens = 100
"#;

pub(crate) struct Lab {
    folder: tempfile::TempDir,
    experiment: Experiment,
}

impl Lab {
    /// With this end of the experiment's file.
    pub(crate) fn new(end: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let words = ["river", "mill", "the", "old", "turns", "stone", "by", "slowly", "night", "under"];
        let document = |i: usize| {
            let text: Vec<&str> = (0..8 + i % 9).map(|p| words[(i * 7 + p * p + p * (i % 5)) % words.len()]).collect();
            format!("{{\"text\": \"{}.\"}}\n", text.join(" "))
        };
        let corpus = folder.path().join("corpus.jsonl");
        fs::write(&corpus, (0..200).map(document).collect::<String>()).unwrap();
        let path = folder.path().join("device.toml");
        fs::write(&path, EXPERIMENT.replace("CORPUS", &corpus.display().to_string()) + end).unwrap();
        let experiment = Experiment::load(&path, &[]).unwrap();
        Self { folder, experiment }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(
        &self,
        out: &str,
        device: &str,
        jobs: usize,
        see: &(dyn Fn(Event) + Sync),
    ) -> Result<Summary, Error> {
        let options = RunOptions { device: device.to_owned(), jobs: Some(jobs), ..RunOptions::default() };
        run(&self.experiment, &self.path(out), &options, &|event| see(event))
    }
}

/// The name of a GPU, or else of a software one.
pub(crate) fn gpu() -> Option<&'static str> {
    let is_gpu = |name: &&str| ops::device::parse(name).is_ok_and(|device| !device.kind().is_cpu());
    let found = ["auto", "wgpu:cpu"].into_iter().find(is_gpu);
    if found.is_none() {
        let required = std::env::var("HABSBURG_REQUIRE").as_deref() == Ok("1");
        assert!(!required, "no GPU, and no software device either");
        eprintln!("skipped: no GPU, and no software device either");
    }
    found
}
