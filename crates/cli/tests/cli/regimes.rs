//! Regimes beyond which documents are read: weights, warm starts, prompts, several models, planted phrases.

use crate::lab::{EXPERIMENT, Lab};
use std::collections::BTreeMap;

/// Rows of an arm's first seed: generation, set, metric, dimensions.
type Rows = BTreeMap<(u32, String, String, String), f64>;

/// Runs the laboratory's settings with these arms in place of its own, and gives the rows of each arm's first seed.
fn rows(lab: &Lab, arms: &str, more: &str) -> BTreeMap<String, Rows> {
    rows_of(lab, EXPERIMENT, arms, more)
}

/// The same with other settings.
fn rows_of(lab: &Lab, settings: &str, arms: &str, more: &str) -> BTreeMap<String, Rows> {
    lab.write("regimes.toml", format!("{}{arms}", settings.split_once("[[arm]]").unwrap().0));
    let done = lab.works(&format!("run regimes.toml --out out --device flex --set chain.seeds=[0] {more}"));
    assert!(!done.stderr.contains("ended"), "{}", done.stderr);
    let mut arms = BTreeMap::<String, Rows>::new();
    for arm in crate::lab::names(&lab.path("out/chains")) {
        for (key, value) in lab.rows("out", &arm, 0) {
            let [generation, set, metric, dimensions] = key.splitn(4, ',').collect::<Vec<_>>()[..] else {
                panic!("{key}");
            };
            let key = (generation.parse().unwrap(), set.to_owned(), metric.to_owned(), dimensions.to_owned());
            arms.entry(arm.clone()).or_default().insert(key, value);
        }
    }
    arms
}

fn find(rows: &Rows, generation: u32, set: &str, metric: &str, dimensions: &str) -> Option<f64> {
    rows.get(&(generation, set.to_owned(), metric.to_owned(), dimensions.to_owned())).copied()
}

/// A generation's stages.
fn stages(lab: &Lab, arm: &str, generation: u32) -> serde_json::Value {
    let path = format!("out/chains/{arm}/seed-0/gen-{generation}/generation.json");
    serde_json::from_str::<serde_json::Value>(&lab.read(&path)).unwrap()["content"]["stages"].take()
}

fn documents(lab: &Lab, path: &str) -> Vec<corpus::Document> {
    corpus::JsonLines::open(&lab.path(path)).unwrap().map(Result::unwrap).collect()
}

/// An arm that spells the defaults out has the stages of one that leaves them out.
#[test]
fn defaults_spelled_out_share_stages() {
    let lab = Lab::new();
    let arms = "[[arm]]\nname = \"replace\"\n[[arm]]\nname = \"explicit\"\nmembers = 1\ntrain.start = \"scratch\"\n\
        sample.prompt = \"none\"\nrecipe = { latest = { amount = \"all\", weight = 1.0 } }\n";
    rows(&lab, arms, "");
    for generation in [0, 1] {
        assert_eq!(stages(&lab, "replace", generation), stages(&lab, "explicit", generation));
    }
}

/// Text without ends, written in documents that are all as long as a window: arms with one model and different samplers have
/// training sets of the same names and sizes, and must not be taken for each other.
#[test]
fn training_sets_are_named_by_their_text() {
    let lab = Lab::new();
    let mut stream = streams::Streams::new(1).stream(streams::Purpose::Evaluation, 0, 0);
    let mut letter = || char::from(b'a' + (10.0 * stream.uniform()) as u8);
    let mut line = || format!("{{\"text\":\"{}\"}}\n", (0..1500).map(|_| letter()).collect::<String>());
    lab.write("corpus.jsonl", (0..60).map(|_| line()).collect::<String>());
    let arms = "[[arm]]\nname = \"warm\"\n[[arm]]\nname = \"cool\"\nsample.temperature = 0.7\n";
    let settings = EXPERIMENT.replace("vocabulary = 300", "kind = \"bytes\"");
    let settings = settings.replace("tokens = 5000", "tokens = 60000").replace("tokens = 1500", "tokens = 200");
    let found = rows_of(&lab, &settings, arms, "");
    let set = |arm: &str| {
        let compose = stages(&lab, arm, 1)["compose"].as_str().unwrap().to_owned();
        lab.read(&format!("out/stages/{compose}/training-set.json"))
    };
    assert_eq!(set("warm"), set("cool"), "only the texts differ");
    for kind in ["compose", "train"] {
        assert_eq!(stages(&lab, "warm", 0)[kind], stages(&lab, "cool", 0)[kind]);
        assert_ne!(stages(&lab, "warm", 1)[kind], stages(&lab, "cool", 1)[kind]);
    }
    let loss = |arm: &str| find(&found[arm], 1, "test", "loss", "").unwrap();
    assert_ne!(loss("warm"), loss("cool"));
}

#[test]
fn weights_count_in_training() {
    let lab = Lab::new();
    let arms = "[[arm]]\nname = \"golden\"\nrecipe = \"golden-ratio\"\n\
        [[arm]]\nname = \"even\"\nrecipe = { fresh = 1.0, latest = 1.0 }\n";
    let found = rows(&lab, arms, "--set corpus.tokens=1200 --set sample.tokens=1300");
    let weight = |arm: &str, generation| find(&found[arm], generation, "training", "human-weight", "");
    // Two halves of whole documents.
    assert!((weight("golden", 1).unwrap() - 0.618).abs() < 0.02);
    assert_eq!((weight("golden", 0), weight("even", 1)), (None, None));
    let loss = |arm: &str, generation| find(&found[arm], generation, "test", "loss", "").unwrap();
    assert_eq!(loss("golden", 0), loss("even", 0));
    assert_ne!(loss("golden", 1), loss("even", 1));
    assert_ne!(stages(&lab, "golden", 1)["compose"], stages(&lab, "even", 1)["compose"]);
}

#[test]
fn train_start_sets_the_initial_weights() {
    let lab = Lab::new();
    let arm = |name: &str, start: &str| format!("[[arm]]\nname = \"{name}\"\ntrain.start = {start}\n");
    let arms = [arm("scratch", "\"scratch\""), arm("latest", "\"latest\""), arm("first", "0"), arm("second", "1")];
    // Learning next to nothing, so that a model is what it began with.
    let more = "--set chain.generations=3 --set train.learning_rate=1e-9 --set train.tokens=500";
    let found = rows(&lab, &arms.concat(), more);
    let loss = |arm: &str, generation| find(&found[arm], generation, "test", "loss", "").unwrap();
    let near = |one: f64, other: f64| (one - other).abs() < 1e-5;
    for arm in ["latest", "first"] {
        assert!(near(loss(arm, 1), loss(arm, 0)) && near(loss(arm, 2), loss(arm, 0)), "{arm}");
    }
    assert!(near(loss("second", 2), loss("second", 1)) && !near(loss("second", 1), loss("second", 0)));
    assert!(!near(loss("scratch", 2), loss("scratch", 1)));
    // Between a model and itself there is nothing; between new ones there is something.
    let step = |arm: &str, generation| find(&found[arm], generation, "generated", "step-divergence", "").unwrap();
    assert!(step("latest", 1).abs() < 1e-4 && step("second", 2).abs() < 1e-4, "{}", step("latest", 1));
    assert!(step("scratch", 2) > 1e-3, "{}", step("scratch", 2));
    // What begins alike is made once.
    for (one, other, generation) in [("scratch", "latest", 0), ("latest", "first", 1), ("scratch", "second", 1)] {
        assert_eq!(stages(&lab, one, generation), stages(&lab, other, generation));
    }
    // Generation 0 has read human text, generation 1 has not.
    let anchor = |arm: &str, generation| find(&found[arm], generation, "training", "human-supervision", "part start");
    assert_eq!([0, 1, 2].map(|generation| anchor("latest", generation)), [None, Some(1.0), Some(1.0)]);
    assert_eq!([1, 2].map(|generation| anchor("second", generation)), [None, Some(0.0)]);
    assert_eq!([1, 2].map(|generation| anchor("scratch", generation)), [None, None]);
}

#[test]
fn human_prompts_are_human_supervision() {
    let lab = Lab::new();
    let arm =
        |from: &str| format!("[[arm]]\nname = \"{from}\"\nsample = {{ prompt = \"{from}\", prompt_tokens = 4 }}\n");
    let found = rows(&lab, &["none", "human", "latest"].map(arm).concat(), "");
    let anchor = |arm: &str, generation| find(&found[arm], generation, "generated", "human-supervision", "part prompt");
    assert_eq!(anchor("none", 1), None);
    // Generation 0 has nobody but people before it.
    assert_eq!(anchor("latest", 0), anchor("human", 0));
    let shares = [anchor("human", 0), anchor("human", 1)].map(Option::unwrap);
    assert!(shares.iter().all(|share| (0.02..0.5).contains(share)), "{shares:?}");
}

#[test]
fn models_of_a_generation_pool_their_text() {
    let lab = Lab::new();
    let arms = "[[arm]]\nname = \"alone\"\n[[arm]]\nname = \"three\"\nmembers = 3\n";
    let found = rows(&lab, arms, "--jobs 1");
    let three = &found["three"];
    let loss = |dimensions: &str| find(three, 0, "test", "loss", dimensions).unwrap();
    let members = ["member 0", "member 1", "member 2"].map(loss);
    // The first is what it would be alone; the others are others; together they are no worse than on average, since the
    // logarithm of a mean is at least the mean of logarithms.
    assert_eq!(Some(members[0]), find(&found["alone"], 0, "test", "loss", ""));
    assert!(members[0] != members[1] && members[1] != members[2]);
    assert!(loss("") <= members.iter().sum::<f64>() / 3.0, "{members:?} {}", loss(""));
    assert_eq!(
        find(three, 1, "training", "steps", ""),
        find(&found["alone"], 1, "training", "steps", "").map(|s| 3.0 * s)
    );
    assert!(find(three, 0, "generated", "mean-length", "member 2, unit words").is_some());
    assert!(three.keys().all(|(.., dimensions)| !(dimensions.contains("member") && dimensions.contains("human"))));
    assert!(found["alone"].keys().all(|(.., dimensions)| !dimensions.contains("member")));

    // The pooled text is the members', one after the other, each a third of the budget.
    let record = lab.read("out/chains/three/seed-0/gen-0/generation.json");
    let record = &serde_json::from_str::<serde_json::Value>(&record).unwrap()["content"];
    let written =
        |id: &serde_json::Value| documents(&lab, &format!("out/stages/{}/documents.jsonl.zst", id.as_str().unwrap()));
    let parts: Vec<_> = record["members"].as_array().unwrap().iter().map(|m| written(&m["generate"])).collect();
    let pooled = written(&record["stages"]["pool"]);
    let texts = |documents: &[corpus::Document]| documents.iter().map(|d| d.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&parts.concat()), texts(&pooled));
    // What is drawn about a document goes by its number: members' must differ.
    let number = |document: &corpus::Document| {
        let chain = document.provenance.chain.as_deref().unwrap();
        document.id.strip_prefix(chain).unwrap().to_owned()
    };
    assert_eq!(pooled.iter().map(number).collect::<std::collections::BTreeSet<_>>().len(), pooled.len());
    assert!(parts[0] != parts[1] && parts[1] != parts[2]);
    assert_eq!(record["stages"]["train"], stages(&lab, "alone", 0)["train"]);
    let tokens = find(three, 1, "training", "tokens", "").unwrap();
    // Each part is passed by less than a document.
    assert!((1500.0..1500.0 + 3.0 * 32.0).contains(&tokens), "{tokens}");

    assert!(lab.works("run regimes.toml --out out --device flex --set chain.seeds=[0]").did_nothing());
    let one = lab.read("out/metrics.csv");
    lab.works("run regimes.toml --out other --device flex --set chain.seeds=[0] --jobs 2");
    assert_eq!(one, lab.read("other/metrics.csv"));
    lab.works("plan regimes.toml --out steps --device flex --set chain.seeds=[0]");
    for (arm, generation) in [("alone", 0), ("three", 0), ("alone", 1), ("three", 1)] {
        lab.works(&format!("step steps --chain {arm}/seed-0 --generation {generation} --device flex"));
    }
    lab.works("verify steps --repair");
    assert_eq!(one, lab.read("steps/metrics.csv"));
}

#[test]
fn what_is_planted_is_followed() {
    let lab = Lab::new();
    let arm = |name: &str, share: f64, generation: u32| {
        let plant = format!("plant = {{ phrase = \"Amen\", share = {share:?}, generation = {generation} }}");
        format!("[[arm]]\nname = \"{name}\"\n{plant}\n")
    };
    let arms = ["[[arm]]\nname = \"plain\"\n", &arm("early", 0.5, 0), &arm("late", 0.25, 1)].concat();
    // Trained for long enough to learn a phrase that half of the documents end in.
    let more = "--set train.tokens=120000 --set model.context=64";
    let found = rows(&lab, &arms, more);
    let share = |arm: &str, generation, set: &str| find(&found[arm], generation, set, "planted-share", "");
    assert_eq!(share("plain", 0, "generated"), None);
    assert!((share("early", 0, "training").unwrap() - 0.5).abs() < 0.01);
    assert!(share("early", 0, "generated").unwrap() > 0.1, "{:?}", share("early", 0, "generated"));
    // What generation 0 wrote with the phrase is what generation 1 is trained on.
    assert_eq!(share("early", 1, "training"), share("early", 0, "generated"));
    assert_eq!([share("late", 0, "training"), share("late", 0, "generated")], [Some(0.0); 2]);
    let late = share("late", 1, "training").unwrap();
    assert!(late > 0.0 && late < 0.27, "{late}");
    // Before it is planted, an arm is the plain one but for the figure.
    for kind in ["compose", "train", "generate"] {
        assert_eq!(stages(&lab, "late", 0)[kind], stages(&lab, "plain", 0)[kind]);
        assert_ne!(stages(&lab, "late", 1)[kind], stages(&lab, "plain", 1)[kind]);
    }
    // The documents that got it, and where in them.
    let compose = stages(&lab, "early", 0)["compose"].as_str().unwrap().to_owned();
    let planted = documents(&lab, &format!("out/stages/{compose}/planted.jsonl.zst"));
    assert!(planted.len() > 30);
    for document in planted {
        let span = document.provenance.spans.last().unwrap();
        assert_eq!(&document.text[span.start..span.end], " Amen");
        assert!(document.id.ends_with("+plant") && span.origin == corpus::Origin::Assisted);
    }
}
