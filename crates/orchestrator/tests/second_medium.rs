//! A second medium: sequences of small integers. It goes through the same loop as text (transformers, an n-gram, a defence, a
//! resume, a report), so nothing of the loop, its stages, training or decoding knows what a document is.

use evaluation::{DocumentLoss, Measure, Set, metric};
use experiment::{Arm, Experiment};
use orchestrator::medium::{Generated, Observed, SeedDocuments};
use orchestrator::{Encoded, Error, Human, Measures, Medium, RunOptions, run};
use rundir::{Event, RunDir, StageId, StageKind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use streams::{Purpose, Streams};

/// Numbers below 10, written down with spaces between them. The separator is 0, the number n is n + 1.
struct Digits;

impl corpus::Codec for Digits {
    fn vocabulary(&self) -> usize {
        11
    }

    fn separator(&self) -> u32 {
        0
    }

    fn hash(&self) -> &str {
        "digits"
    }

    fn encode(&self, content: &str) -> Vec<u32> {
        content.split_whitespace().filter_map(|number| Some(number.parse::<u32>().ok()? + 1)).collect()
    }

    fn decode(&self, ids: &[u32]) -> String {
        ids.iter().filter(|&&id| id > 0).map(|id| (id - 1).to_string()).collect::<Vec<_>>().join(" ")
    }

    fn save_beside(&self, _: &Path) -> Result<(), corpus::TokenizerError> {
        Ok(())
    }
}

/// Walks on a ring of ten numbers: each is one more or one less than the one before.
struct Walks {
    training: Arc<Encoded>,
}

fn is_walk(content: &str) -> bool {
    let numbers: Vec<i32> = content.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.windows(2).all(|pair| [1, 9].contains(&(pair[1] - pair[0]).rem_euclid(10)))
}

/// Human walks: of 3 to 16 numbers, `count` from number `first` on.
fn walks(first: u64, count: u64) -> Encoded {
    let walk = |index: u64| {
        let mut stream = Streams::new(7).stream(Purpose::HumanText, 0, index);
        let mut at = stream.below(10);
        let numbers = (0..3 + stream.below(14)).map(|_| {
            at = (at + if stream.uniform() < 0.7 { 1 } else { 9 }) % 10;
            at.to_string()
        });
        let content = numbers.collect::<Vec<_>>().join(" ");
        corpus::Document::human(format!("walk-{index}"), content, "walks")
    };
    Encoded::of((first..first + count).map(walk).collect(), &Digits)
}

fn open(run: &RunDir, _: &Experiment) -> Result<Human, Error> {
    let id = StageId::of(StageKind::Prepare, 1, &"walks")?;
    let stage = run.make(&id, |folder| walks(0, 200).save(folder, "test"))?;
    let training = Arc::new(walks(1_000, 1_000));
    Human::open(&stage, "walks".to_owned(), Box::new(Digits), Box::new(Walks { training }))
}

impl Medium for Walks {
    fn check(&self, arm: &Arm) -> Result<(), String> {
        arm.plant().map_or(Ok(()), |_| Err("plant: a walk holds no phrase; leave it out".to_owned()))
    }

    fn seed(&self, _: &Human, experiment: &Experiment, seed: u64) -> Result<SeedDocuments, Error> {
        let entries = self.training.entries(experiment.context()?);
        let set = chain::human_subset_by(&entries, |entry| &entry.id, Some(8_000), &Streams::new(seed))
            .map_err(|error| Error::Request(error.to_string()))?;
        Ok(SeedDocuments { documents: self.training.clone(), set, measures: Arc::new(|| Box::new(Steps)) })
    }

    fn held_out(&self, _: &RunDir, _: &Human, _: u64, _: usize) -> Result<corpus::TokenSet, Error> {
        Ok(walks(2_000, 100).tokens)
    }
}

/// Which sequences are walks.
struct Steps;

impl Measures for Steps {
    fn of_documents(&self, generated: &Generated<'_>) -> Vec<Measure> {
        let all = generated.documents.len().max(1) as f64;
        let walks = generated.documents.iter().filter(|document| is_walk(&document.text)).count() as f64;
        vec![Measure::new(metric(Set::Generated, "grammatical-documents").unwrap(), walks / all)]
    }

    fn of_generation(&mut self, generation: &Observed<'_>, folder: &Path) -> Result<Vec<Measure>, Error> {
        std::fs::write(folder.join("documents.txt"), generation.last().documents.len().to_string())
            .map_err(Error::work)?;
        Ok(Vec::new())
    }

    /// An entropy of the language.
    fn of_losses(&self, losses: &[DocumentLoss]) -> Vec<Measure> {
        let tokens: u64 = losses.iter().map(|loss| loss.tokens).sum();
        vec![Measure::new(metric(Set::Test, "floor").unwrap(), 0.7_f64.ln() * -0.7 * tokens as f64)]
    }
}

const EXPERIMENT: &str = r#"
name = "walks"
corpus = { name = "walks" }
chain = { generations = 2, seeds = [0] }
model = { preset = "tiny", context = 32, width = 16, heads = 2, layers = 1, hidden = 32 }
train = { tokens = 60_000, batch = 4 }
[[arm]]
name = "replace"
[[arm]]
name = "defended"
members = 2
sample = { temperature = 0.8, entropy_match = false }
recipe = { pool = 0.5, latest = 0.3 }
curation = [{ detector = { keep = 0.8 } }, { near-duplicates = { similarity = 0.95 } }]
[[arm]]
name = "n-gram"
model = { kind = "n-gram", order = 3, context = 32 }
"#;

fn go(assignments: &[&str], out: &Path) -> Result<orchestrator::Summary, Error> {
    let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
    let experiment = Experiment::parse(EXPERIMENT, &assignments).unwrap();
    let notes = Mutex::new(Vec::new());
    let options = RunOptions { device: "flex".into(), medium: open, ..RunOptions::default() };
    run(&experiment, out, &options, &|event: Event| notes.lock().unwrap().push(event))
}

#[test]
fn integers_go_through_the_loop() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, resumed) = (folder.path().join("whole"), folder.path().join("resumed"));
    let done = go(&[], &whole).unwrap();
    assert!(done.failed.is_empty() && done.made > 10, "{done:?}");
    let rows = std::fs::read_to_string(whole.join("metrics.csv")).unwrap();
    let value = |arm: &str, generation: u32, metric: &str| -> f64 {
        let begin = format!("walks,{arm},0,{generation},{metric},");
        let line = rows.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("{begin} is missing"));
        line.rsplit(',').next().unwrap().parse().unwrap()
    };
    // A walk is the least that such a model learns; of numbers at random every fifth pair would be a step.
    for arm in ["replace", "defended", "n-gram"] {
        for generation in [0, 1] {
            let share = value(arm, generation, "generated,grammatical-documents");
            assert!(share > 0.5, "{arm}, generation {generation}: {share} are walks");
        }
    }
    assert!(value("replace", 0, "test,loss") < value("replace", 0, "test,unigram-loss"));
    assert!(value("defended", 1, "training,human-share") > 0.5);
    assert!(rows.contains(",mauve,") && rows.contains(",detector-auc,"), "features and defences need no text");
    for of_text in ["distinct", "self-bleu", "flesch", "types", "words", "vocabulary", "over-represented"] {
        assert!(!rows.contains(&format!(",generated,{of_text}")), "{of_text} is a metric of text");
    }
    assert!(!rows.contains(",asked,"), "walks are asked for no facts");
    assert!(value("replace", 1, "training,human-tokens,,,,,,,,,distinct") == 0.0);
    assert!(value("defended", 1, "training,human-tokens,,,,,,,,,distinct") > 0.0);

    go(&["chain.generations=1"], &resumed).unwrap();
    go(&[], &resumed).unwrap();
    assert!(std::fs::read_to_string(resumed.join("metrics.csv")).unwrap() == rows, "resumed chains differ");
    assert_eq!(go(&[], &resumed).unwrap().made, 0);

    let written = report::write(std::slice::from_ref(&whole), None).unwrap();
    let page = std::fs::read_to_string(written.page).unwrap();
    assert!(page.contains("Grammatical documents") && page.contains("defended"));
}

#[test]
fn what_a_medium_does_not_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plant = r#"plant={ phrase = "so it is", share = 0.1, generation = 1 }"#;
    let error = go(&[plant], &folder.path().join("run")).unwrap_err().to_string();
    assert!(error.contains("arm `replace`: plant: a walk holds no phrase"), "{error}");
    assert!(!folder.path().join("run").exists(), "a refused run leaves nothing");
}
