//! Text that others wrote cannot leave its element: the pages of runs that are full of hostile text have the elements and
//! attributes of the same pages with harmless text.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use evaluation::{Audit, Comparison, Dimension, Dimensions, Extent, Flaw, Measure, OverRepresented, Repeated, metric};
use rundir::{Build, ChainId, GenerationRecord, Role, Row, RunDir, RunInfo, StageId, StageKind};
use serde_json::json;

/// What follows the name of the place that a text is planted in.
const HOSTILE: &str =
    "\"'></td></pre></title></svg><script>alert(1)</script><!-- &lt; \u{1b}\u{9b}\u{202e}\u{feff} onload=\"x";
/// Places whose texts a page or a figure shows.
const PLACES: &str = "experiment question version device backend commit corpus started settings arm other family value set \
                      metric dimension supervision document reason ngram fact folder duplicate";

/// The text of a place, hostile or not; both have as many characters.
#[derive(Clone, Copy)]
struct Text {
    hostile: bool,
}

impl Text {
    fn of(self, place: &str) -> String {
        let harmless = |c: char| if c.is_ascii_alphanumeric() { c } else { 'x' };
        let rest = if self.hostile { HOSTILE.to_owned() } else { HOSTILE.chars().map(harmless).collect() };
        place.to_owned() + &rest
    }
}

/// Every page and figure of two runs that are full of such text: one run's, both runs' compared, and an audit's.
fn shown(text: Text) -> Vec<(PathBuf, String)> {
    let folder = tempfile::tempdir().unwrap();
    let runs = ["run".to_owned(), text.of("folder").replace('/', "|")].map(|name| folder.path().join(name));
    runs.iter().for_each(|run| build(run, text));
    let written = report::write(&runs[..1], None).unwrap();
    let both = folder.path().join("both.html");
    let compared = report::write_comparison(&runs, &both).unwrap();
    let audit = audit(folder.path(), text);
    let all = [written.page, both, audit].into_iter().chain(written.figures).chain(compared);
    let read =
        |path: PathBuf| (path.strip_prefix(folder.path()).unwrap().to_owned(), fs::read_to_string(path).unwrap());
    all.map(read).collect()
}

fn build(path: &Path, text: Text) {
    let run = RunDir::create(path).unwrap();
    let build = Build { version: text.of("version"), commit: text.of("commit"), ..Build::default() };
    let mut info = RunInfo::new(&text.of("experiment"), build, &text.of("backend"), &text.of("device"));
    info.question = Some(text.of("question"));
    (info.corpus, info.started) = (Some(text.of("corpus")), text.of("started"));
    // Of control characters, a comment of TOML takes those alone that ASCII lacks.
    info.resolved = format!("[chain]\ngenerations = 3\nseeds = [0]\n# {}", text.of("settings").replace('\u{1b}', ""));
    info.arms = ["replace", "human-refit"].map(support::named).to_vec();
    for (name, value, family) in [("arm", "value", "family"), ("other", "dimension", "other")] {
        let mut arm = support::arm(&text.of(name), Role::Arm, json!({"latest": "all"}));
        arm.point = [(text.of("dimension"), text.of(value).into())].into_iter().collect();
        (arm.control, arm.family) = (Some("human-refit".to_owned()), Some(text.of(family)));
        info.arms.push(arm);
    }
    support::write_info(&run, &info);
    support::write_rows(&run.metrics_path(), rows(text));
    for generation in 0..2 {
        let id = |kind| StageId::of(kind, 1, &generation).unwrap();
        let (wrote, scored) = (id(StageKind::Generate), id(StageKind::Score));
        run.make(&wrote, |dir| documents(dir, text)).unwrap();
        run.make(&scored, |dir| scores(dir, text)).unwrap();
        let record = GenerationRecord::done([wrote, scored]);
        run.write_generation(&ChainId::new("replace", 0).unwrap(), generation, &record).unwrap();
    }
    let broken = GenerationRecord::failed(text.of("reason"), []);
    run.write_generation(&ChainId::new("replace", 1).unwrap(), 1, &broken).unwrap();
}

fn rows(text: Text) -> Vec<Row> {
    let mut rows = Vec::new();
    for (arm, damage) in [("replace", 1.0), ("human-refit", 0.0), (&text.of("arm"), 0.5), (&text.of("other"), 0.7)] {
        for (seed, generation) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let mut push = |set: &str, metric: &str, by: support::By, value: f64| {
                rows.push(support::row(("x", arm, seed, generation), set, metric, by, value));
            };
            let loss = 3.0 + damage * f64::from(generation) + 0.1 * seed as f64;
            push("test", "loss", &[], loss);
            push("test", "perplexity", &[], loss.exp());
            push("test", "bits-per-byte", &[], loss / 3.0);
            push("generated", "distinct", &[(Dimension::Sample, "equal"), (Dimension::Order, "2")], 0.5);
            push("asked", "recall", &[(Dimension::Band, "1-9")], 0.5);
            push("training", "human-supervision", &[(Dimension::Part, &text.of("supervision"))], 1.0);
            push(&text.of("set"), &text.of("metric"), &[(Dimension::Band, &text.of("dimension"))], f64::NAN);
        }
    }
    rows
}

fn documents(dir: &Path, text: Text) -> Result<(), rundir::Error> {
    let line = json!({"id": "0", "text": text.of("document"), "provenance": {"origin": "synthetic"}}).to_string();
    fs::write(dir.join("documents.jsonl.zst"), zstd::encode_all(line.as_bytes(), 3).unwrap()).unwrap();
    Ok(())
}

fn scores(dir: &Path, text: Text) -> Result<(), rundir::Error> {
    let ngram = json!({"ngram": text.of("ngram"), "z": 6.0, "human_share": 0.0, "shares": [0.01, 0.3]});
    let fact = json!([{"person": 1, "fact": 1, "value": 1, "count": 3, "words": text.of("fact")}]);
    let files = [
        ("over-represented.json", json!({"documents": 10, "ngrams": [ngram]})),
        ("false-facts.json", fact),
        ("perplexities.json", json!([{"from": 4.0, "generated": 120, "human": 96}])),
    ];
    files.iter().for_each(|(name, value)| fs::write(dir.join(name), value.to_string()).unwrap());
    Ok(())
}

fn audit(folder: &Path, text: Text) -> PathBuf {
    let dimensions = Dimensions::of(&[(Dimension::Part, "exact")]);
    let metric = &metric::DUPLICATE_SHARE;
    let (data, human, scale, deviation) = (0.5, 0.1, 0.02, 20.0);
    let found = Comparison { flaw: Flaw::Duplicated, metric, dimensions, data, human, scale, deviation, found: true };
    let ngram = OverRepresented { ngram: text.of("ngram"), documents: 9, human: 0, log_odds: 2.0, z: 6.0 };
    let audit = Audit {
        compared: Extent { documents: 100, words: 2000 },
        splits: 60,
        threshold: 4.0,
        comparisons: vec![found],
        measures: vec![Measure::new(metric, 0.5).with(Dimension::Part, text.of("dimension"))],
        over_represented: vec![ngram],
    };
    let repeated = [Repeated { copies: 7, first: 2, text: &text.of("duplicate") }];
    report::write_audit(&audit, &repeated, [&text.of("experiment"), &text.of("corpus")], folder).unwrap()
}

/// The tags of a page in their order, without the values of attributes and without what stands between tags.
fn tags(page: &str) -> Vec<String> {
    let after = |tag: &str| tag.split_inclusive('>').next().unwrap().split('"').step_by(2).collect::<String>();
    page.split('<').skip(1).map(after).collect()
}

#[test]
fn hostile_text_stays_in_its_element_on_every_page_and_figure() {
    let (hostile, harmless) = (shown(Text { hostile: true }), shown(Text { hostile: false }));
    assert_eq!(hostile.len(), harmless.len());
    for ((path, page), (_, expected)) in hostile.iter().zip(&harmless) {
        let (found, expected) = (tags(page), tags(expected));
        let first = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert_eq!(first.map(|at| &found[at]), None, "{}: this tag is of no template", path.display());
        assert_eq!(found.len(), expected.len(), "{}", path.display());
        let hidden = page.chars().find(|&c| c != '\n' && corpus::is_hidden(c));
        assert_eq!(hidden, None, "{}", path.display());
    }
    for place in PLACES.split(' ') {
        let said = format!("{place}&quot;'&gt;&lt;");
        assert!(
            hostile.iter().any(|(_, page)| page.replace("&apos;", "'").contains(&said)),
            "the text of {place} is on no page"
        );
    }
}
