//! A folder with a small corpus and an experiment that takes about half a second.

use evaluation::{Dimension, Dimensions};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Two arms, two seeds, two generations; a model of 7,000 numbers, forty steps.
pub(crate) const EXPERIMENT: &str = r#"
name = "little"
[corpus]
path = "corpus.jsonl"
tokens = 4000
test_tokens = 1000
[tokenizer]
vocabulary = 300
[model]
preset = "tiny"
width = 16
layers = 1
heads = 2
hidden = 32
context = 32
[train]
batch = 4
tokens = 5000
learning_rate = 0.01
[sample]
tokens = 1500
[chain]
generations = 2
seeds = [0, 1]
[[arm]]
name = "replace"
[[arm]]
name = "accumulate"
recipe = "accumulate"
"#;

/// A folder that the binary is called in, gone with the test.
pub(crate) struct Lab {
    folder: tempfile::TempDir,
}

/// What a command left.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Lab {
    /// With `corpus.jsonl` and `experiment.toml`.
    pub(crate) fn new() -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        lab.write("corpus.jsonl", corpus());
        lab.write("experiment.toml", EXPERIMENT);
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// A run's page without the moment at which the run began.
    pub(crate) fn page(&self, run: &str) -> String {
        let info: serde_json::Value = serde_json::from_str(&self.read(&format!("{run}/run.json"))).unwrap();
        let page = self.read(&format!("{run}/report.html"));
        let began = info["started"].as_str().unwrap();
        assert!(page.contains(began), "{run}: the page does not say when the run began");
        page.replace(began, "")
    }

    /// The binary with these words, in the lab's folder.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_habsburg"));
        command.args(words.split_whitespace()).current_dir(self.folder.path()).stdin(Stdio::null());
        // Tests run beside each other on few processors.
        command.env("RAYON_NUM_THREADS", "1").env_remove("HABSBURG_LOG");
        command
    }

    pub(crate) fn call(&self, words: &str) -> Done {
        Done::of(self.command(words).output().unwrap())
    }

    /// Calls, and expects that it works.
    pub(crate) fn works(&self, words: &str) -> Done {
        let done = self.call(words);
        assert_eq!(done.code, Some(0), "{words}: {}", done.stderr);
        done
    }

    /// Calls, and expects one line that holds `why`, exit code 2, and every file as it was.
    pub(crate) fn refuses(&self, words: &str, why: &str) {
        let before = self.files("");
        let done = self.call(words);
        assert_eq!(done.code, Some(2), "{words}: {}{}", done.stdout, done.stderr);
        assert_eq!(done.stdout, "", "{words}");
        let said: Vec<&str> = done.stderr.lines().filter(|line| !line.starts_with("device: ")).collect();
        assert!(said.len() == 1 && said[0].starts_with("habsburg: "), "{words}: {}", done.stderr);
        assert!(said[0].contains(why), "{words}: expected {why:?} in {said:?}");
        assert_same(&before, &self.files(""), words);
    }

    /// All files and folders under `name` with their content; links are not followed.
    pub(crate) fn files(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        gather(&self.path(name), &mut found);
        found
    }

    /// Rows of a chain: `generation,set,metric,dimensions`, as in `1,test,loss,member 0`.
    pub(crate) fn rows(&self, run: &str, arm: &str, seed: u64) -> BTreeMap<String, f64> {
        let rows = rundir::RunDir::open(&self.path(run)).unwrap().metrics().unwrap().expect("the run has metrics");
        let of_chain = rows.into_iter().filter(|row| row.arm == arm && row.seed == seed);
        let key = |row: &rundir::Row| {
            let dimensions = row.dimensions.iter();
            let dimensions: Dimensions =
                dimensions.map(|(name, value)| (Dimension::named(name).unwrap(), value.clone())).collect();
            format!("{},{},{},{dimensions}", row.generation, row.set, row.metric)
        };
        of_chain.map(|row| (key(&row), row.value)).collect()
    }

    /// Names of the finished stages of a run.
    pub(crate) fn stages(&self, run: &str) -> Vec<String> {
        let mut names = names(&self.path(run).join("stages"));
        names.sort();
        names
    }
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the terminal gets UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The number of stages that were made.
    pub(crate) fn made(&self) -> usize {
        let line = self.stderr.lines().find(|line| line.contains(" stages made")).expect("it says what it made");
        line.split(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn did_nothing(&self) -> bool {
        self.stderr.contains("Nothing to do")
    }
}

/// Compares trees without printing models.
pub(crate) fn assert_same(one: &BTreeMap<PathBuf, Vec<u8>>, other: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    let differing: Vec<_> = one.keys().chain(other.keys()).filter(|path| one.get(*path) != other.get(*path)).collect();
    assert!(differing.is_empty(), "{what}: changed {differing:?}");
}

/// Names in a folder; none if there is no such folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn gather(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() && !path.is_symlink() {
            gather(&path, found);
            found.insert(path, Vec::new());
        } else {
            let content = if path.is_symlink() { Vec::new() } else { fs::read(&path).unwrap() };
            found.insert(path, content);
        }
    }
}

/// Three hundred documents of a few sentences.
fn corpus() -> String {
    let adjectives = ["old", "grey", "small", "quiet", "red", "wide"];
    let nouns = ["king", "boat", "river", "stone", "house", "bird", "road", "night", "garden", "letter"];
    let verbs = ["sees", "takes", "leaves", "finds", "holds", "breaks"];
    let mut state = 1_u64;
    let mut pick = |words: &[&'static str]| {
        // Knuth's constants; the high bits are good enough for a choice of words.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(state >> 33) as usize % words.len()]
    };
    let mut sentence = || format!("The {} {} {} the {}.", pick(&adjectives), pick(&nouns), pick(&verbs), pick(&nouns));
    let document = |index: usize| {
        let text: Vec<String> = (0..2 + index % 3).map(|_| sentence()).collect();
        format!("{{\"id\": \"d{index}\", \"text\": \"{}\"}}\n", text.join(" "))
    };
    (0..300).map(document).collect()
}
