//! What the repository shows must work: every experiment file and every TOML block of a README is parsed and planned.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use corpus::{Card, archive_path, cache_dir};
use experiment::Experiment;
use orchestrator::{RunOptions, plan};
use toml::{Table, Value};

/// `plan` has one scratch folder in a process.
static PLANNING: Mutex<()> = Mutex::new(());

/// What fragments of files are laid over; those without a table are lines of its last arm. Small enough that a plan is a
/// matter of a second.
const MINIMAL: &str = r#"
name = "minimal"
[corpus]
name = "chronicle"
tokens = 30_000
test_tokens = 5_000
[tokenizer]
vocabulary = 1200
[model]
preset = "tiny"
width = 32
[train]
tokens = 100_000
[chain]
generations = 2
seeds = [0]
[[arm]]
name = "accumulate"
recipe = "accumulate"
[[arm]]
name = "replace"
"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Files below a folder that `wanted` names, in order. Without hidden folders and what builds and runs leave.
fn files(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with('.') || ["target", "runs", "shared"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, wanted));
        } else if wanted(name) {
            found.push(path);
        }
    }
    found
}

/// Plans an experiment as `habsburg plan` does, and expects every arm in the plan. Without the network, the corpus of a
/// card that is not in the cache is left out, and that is said.
fn plans(place: &str, text: &str, assignments: &[String]) {
    let experiment = Experiment::parse(text, assignments).unwrap_or_else(|error| panic!("{place}: {error}"));
    let table: Table = text.parse().unwrap();
    let name = table.get("corpus").and_then(|corpus| corpus.get("name")).and_then(Value::as_str);
    if let Some(Ok(card)) = name.map(Card::named)
        && !archive_path(&card.source, &cache_dir()).is_file()
        && std::env::var("HABSBURG_REQUIRE").as_deref() != Ok("1")
    {
        eprintln!("{place}: parsed but not planned, for {} is not in the cache", card.name);
        return;
    }
    let _one_at_a_time = PLANNING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let options = RunOptions { device: "flex".into(), ..RunOptions::default() };
    let plan = plan(&experiment, &options, &|_| {}).unwrap_or_else(|error| panic!("{place}: {error}"));
    let planned: Vec<_> = plan.chains.iter().map(|chain| &chain.arm).collect();
    let arms: Vec<_> = experiment.arms.iter().map(|arm| &arm.name).collect();
    assert_eq!(planned, arms, "{place}");
    assert!(plan.chains.iter().all(|chain| !chain.generations.is_empty()), "{place}");
}

#[test]
fn every_experiment_file_is_planned() {
    let root = root();
    let found = files(&root.join("experiments"), &|name| name.ends_with(".toml"));
    assert!(found.len() >= 9, "{found:?}");
    for path in found {
        let place = path.strip_prefix(&root).unwrap().display().to_string();
        plans(&place, &fs::read_to_string(&path).unwrap(), &[]);
    }
}

#[test]
fn every_block_of_a_readme_is_planned() {
    let root = root();
    let texts = tempfile::tempdir().unwrap();
    write_texts(texts.path());
    let mut count = 0;
    for path in files(&root, &|name| name == "README.md") {
        let page = fs::read_to_string(&path).unwrap();
        for (line, block) in blocks(&page) {
            count += 1;
            let place = format!("{}, line {line}", path.strip_prefix(&root).unwrap().display());
            let table: Table = block.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
            if table.contains_key("arm") {
                // A whole file; the reader's own texts are ours.
                let own = table.get("corpus").is_some_and(|corpus| corpus.get("path").is_some());
                let path = own.then(|| format!("corpus.path={:?}", texts.path().display().to_string()));
                plans(&place, &block, path.as_slice());
            } else {
                let is_of_an_arm = !block.lines().any(|line| line.starts_with('['));
                for one in assignments(&block) {
                    let place = format!("{place}, {one}");
                    match is_of_an_arm {
                        true => plans(&place, &format!("{MINIMAL}{one}\n"), &[]),
                        false => plans(&place, MINIMAL, &[one]),
                    }
                }
            }
        }
    }
    assert!(count >= 3, "{count} blocks: has their fence changed?");
}

/// The blocks that are marked as TOML, with the line of the file on which each begins.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in page.lines().enumerate() {
        match (&mut open, line.trim()) {
            (None, "```toml") => open = Some((index + 2, String::new())),
            (Some(_), "```") => found.extend(open.take()),
            (Some((_, block)), _) => *block += &format!("{line}\n"),
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// The lines of a fragment as `--set` takes them, each to be laid over a file alone: `train.start="latest"`.
fn assignments(block: &str) -> Vec<String> {
    let mut table = String::new();
    let mut found = Vec::new();
    for line in block.lines() {
        let read: Table = line.parse().unwrap_or_else(|error| panic!("{line}: one key on each line, please: {error}"));
        if let Some(header) = line.trim().strip_prefix('[') {
            table = format!("{}.", header.trim_end_matches(']'));
        } else if let Some((key, _)) = line.split_once('=') {
            let value = key.trim().split('.').fold(&Value::Table(read), |value, part| &value[part]).to_string();
            found.push(format!("{table}{}={value}", key.trim()));
        }
    }
    found
}

/// Four hundred texts of sentences in made-up words.
fn write_texts(folder: &Path) {
    let mut state = 1_u64;
    let mut pick = |count: usize| {
        // Knuth's constants; the high bits are good enough for a choice of syllables.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % count
    };
    for index in 0..400 {
        let mut text = String::new();
        for _ in 0..150 {
            (0..=pick(4))
                .for_each(|_| text.push_str(["ba", "lo", "mi", "ru", "ten", "sha", "vor", "ki", "ple"][pick(9)]));
            text.push_str([" ", " ", " ", ", ", ". "][pick(5)]);
        }
        fs::write(folder.join(format!("{index}.txt")), text).unwrap();
    }
}

#[test]
fn lines_of_a_fragment_are_assignments() {
    let block =
        "train.start = \"latest\"   # a comment, with = and [\n\n[sweep]\nrecipe = [\"replace\", { pool = 0.1 }]\n";
    assert_eq!(assignments(block), ["train.start=\"latest\"", "sweep.recipe=[\"replace\", { pool = 0.1 }]"]);
    assert_eq!(blocks("a\n```toml\nb\n```\n```sh\nc\n```\n"), [(3, "b\n".to_owned())]);
}
