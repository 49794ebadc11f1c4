//! Defences in the loop: what they keep, what they cost, what is refused.

use crate::lab::{Lab, assert_same};
use crate::world::GRAMMAR;
use corpus::Origin;
use std::collections::BTreeMap;
use std::process::Stdio;

const BASE: &str = r#"
name = "curated"
[corpus]
grammar = "village.toml"
tokens = 4000
test_tokens = 1000
[tokenizer]
vocabulary = 350
[model]
preset = "tiny"
width = 16
layers = 1
heads = 2
hidden = 32
context = 128
[train]
batch = 1
tokens = 15000
learning_rate = 0.01
[sample]
tokens = 6000
[chain]
generations = 2
seeds = [0]
"#;

pub(crate) const HALF: &str = "recipe = { pool = 0.5, latest = 0.5 }";

/// A laboratory with `curated.toml`: arms of these names and keys.
pub(crate) fn lab(arms: &[(&str, &str)]) -> Lab {
    let lab = Lab::new();
    lab.write("village.toml", GRAMMAR);
    let arm = |(name, keys): &(&str, &str)| format!("[[arm]]\nname = \"{name}\"\n{keys}\n");
    lab.write("curated.toml", format!("{BASE}{}", arms.iter().map(arm).collect::<String>()));
    lab
}

pub(crate) const RUN: &str = "run curated.toml --out out --device flex";

/// Rows of an arm's first seed.
pub(crate) fn rows(lab: &Lab, arm: &str) -> BTreeMap<String, f64> {
    lab.rows("out", arm, 0)
}

/// The stage of a kind.
pub(crate) fn stage(lab: &Lab, arm: &str, generation: u32, kind: &str) -> String {
    let record = lab.read(&format!("out/chains/{arm}/seed-0/gen-{generation}/generation.json"));
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    record["content"]["stages"][kind].as_str().unwrap().to_owned()
}

pub(crate) fn documents(lab: &Lab, path: &str) -> Vec<corpus::Document> {
    corpus::JsonLines::open(&lab.path(path)).unwrap().map(Result::unwrap).collect()
}

/// Whether a row says what a defence did, and not what came of it.
fn is_of_a_defence(row: &str) -> bool {
    ["kept", "detector-", "human-supervision", "human-tokens", "edited-tokens", "redrawn-tokens"]
        .iter()
        .any(|metric| row.split_once(",training,").is_some_and(|(_, rest)| rest.starts_with(metric)))
}

#[test]
fn a_defence_that_is_set_to_nothing_changes_no_byte() {
    let nothing = r#"[{ detector = { keep = 1.0 } }, { perplexity-high = { keep = 1.0 } }, { verifier = { keep = 1.0 } },
        { near-duplicates = { similarity = 2.0 } }, { filter-by-label = { passes = 1.0 } }, { watermark = { level = 0.0 } },
        { perplexity-low = { keep = 1.0 } }, { dispersion = { keep = 1.0 } }, { over-represented = { strength = 0.0 } },
        { token-editing = { threshold = 1.0 } }]"#;
    // Disagreement takes several models in a generation: it has a test of its own.
    let alone = curation::DEFENCES.iter().filter(|about| about.name != "disagreement");
    assert!(alone.into_iter().all(|about| nothing.contains(about.name)));
    let flat = nothing.replace("\n       ", "");
    let lab = lab(&[("plain", HALF), ("nothing", &format!("{HALF}\ncuration = {flat}"))]);
    lab.works(RUN);
    let metrics = lab.read("out/metrics.csv");
    let of = |arm: &str| -> Vec<String> {
        let row = |line: &str| line.strip_prefix(&format!("curated,{arm},")).map(str::to_owned);
        metrics.lines().filter_map(row).filter(|row| !is_of_a_defence(row)).collect()
    };
    assert!(of("plain").len() > 100);
    assert_eq!(of("plain"), of("nothing"));
    // What is alike is made once; only the scores differ, by what the defences say of themselves.
    for kind in ["compose", "train", "generate"] {
        assert_eq!(stage(&lab, "plain", 1, kind), stage(&lab, "nothing", 1, kind));
    }
    // What it reads of people counts all the same: half of the human text is in the set, the detector reads all of it.
    let (nothing, plain) = (rows(&lab, "nothing"), rows(&lab, "plain"));
    let human = |rows: &std::collections::BTreeMap<String, f64>| rows["1,training,human-tokens,part distinct"];
    assert!(human(&nothing) > human(&plain) && human(&plain) > 0.0, "{} {}", human(&nothing), human(&plain));
    assert_eq!(nothing["1,training,kept,source latest, defence detector"], 1.0);
    assert_eq!(nothing["1,training,kept,source pool, defence token-editing"], 1.0);
    assert_eq!(nothing["1,training,kept,source latest, defence over-represented"], 1.0);
    let is_free = |row: &String| row.contains("human-tokens") || !is_of_a_defence(&format!("0,{row}"));
    assert!(plain.keys().all(is_free));
}

#[test]
fn perfect_labels_keep_human_text_alone() {
    let lab = lab(&[
        ("accumulate", "recipe = \"accumulate\""),
        ("labels", "recipe = \"accumulate\"\ncuration = [\"filter-by-label\"]"),
        ("erring", "recipe = \"accumulate\"\ncuration = [{ filter-by-label = { passes = 0.5, flagged = 0.5 } }]"),
        ("dropped", "recipe = \"replace\"\ncuration = [{ filter-by-label = { passes = 0.001 } }, \"watermark\"]"),
    ]);
    let done = lab.works(RUN);
    let (labels, erring) = (rows(&lab, "labels"), rows(&lab, "erring"));
    assert_eq!(
        (labels["1,training,human-share,"], rows(&lab, "accumulate")["1,training,human-share,"] < 0.5),
        (1.0, true)
    );
    assert_eq!(labels["1,training,kept-human,defence filter-by-label"], 1.0);
    assert_eq!(labels["1,training,kept-synthetic,defence filter-by-label"], 0.0);
    assert_eq!(labels["1,training,human-supervision,part labels"], 1.0);
    assert!(!labels.contains_key("0,training,human-supervision,part labels"), "generation 0 is nobody's recipe");
    for kept in ["human", "synthetic"].map(|of| erring[&format!("1,training,kept-{of},defence filter-by-label")]) {
        assert!((0.3..0.7).contains(&kept), "{kept}");
    }
    // What is left of a chain that replaces ends it: a result, with its reason.
    assert!(
        done.stderr.contains("dropped/seed-0 ended: curation: recipe.latest cannot be filled in generation 1"),
        "{}",
        done.stderr
    );
    let dropped = rows(&lab, "dropped");
    assert_eq!(dropped["1,training,failed,"], 1.0);
    assert!(lab.works(RUN).did_nothing());
}

#[test]
fn a_verifier_and_a_detector_choose_what_is_trained_on() {
    let lab = lab(&[
        ("plain", "recipe = { pool = 0.5, latest = \"all\" }"),
        ("oracle", "recipe = { pool = 0.5, latest = \"all\" }\ncuration = [\"verifier\"]"),
        ("detector", "recipe = \"replace\"\ncuration = [{ detector = { keep = 0.6, statistics = true } }]"),
        ("likely", "recipe = { latest = \"all\", history = 0.5 }\ncuration = [{ perplexity-low = { keep = 0.5 } }]"),
    ]);
    lab.works(RUN);
    let world = world::World::from_toml(GRAMMAR).unwrap();
    let grammatical = |arm: &str| {
        let set = lab.read(&format!("out/stages/{}/training-set.json", stage(&lab, arm, 1, "compose")));
        let set: chain::Listing = serde_json::from_str(&set).unwrap();
        let written = documents(&lab, &format!("out/stages/{}/documents.jsonl.zst", stage(&lab, arm, 0, "generate")));
        let drawn = set.ids().filter(|(_, generation, _)| *generation == Some(0));
        let good: Vec<bool> = drawn.map(|(.., index)| world.parse(&written[index].text).is_ok()).collect();
        good.iter().filter(|&&good| good).count() as f64 / good.len() as f64
    };
    let (plain, oracle) = (grammatical("plain"), grammatical("oracle"));
    assert!(plain < 0.95 && oracle == 1.0, "{plain} {oracle}");
    assert_eq!(rows(&lab, "oracle")["1,training,human-supervision,part truth"], 1.0);
    let detector = rows(&lab, "detector");
    assert!((0.4..=1.0).contains(&detector["1,training,detector-accuracy,defence detector"]));
    assert!((detector["1,training,kept,defence detector"] - 0.6).abs() < 0.02);
    assert_eq!(detector["1,training,human-supervision,part human-text"], 1.0);
    // Several sources are told apart; in a history nobody knows which text is human, and all of it is judged.
    let likely = rows(&lab, "likely");
    for source in ["latest", "history"] {
        assert!((likely[&format!("1,training,kept,source {source}, defence perplexity-low")] - 0.5).abs() < 0.02);
    }
    let human = likely["1,training,kept-human,source history, defence perplexity-low"];
    assert!(human > 0.0 && human < 1.0, "{human}");
}

#[test]
fn edited_documents_are_kept_for_their_reader() {
    let editing =
        "recipe = { pool = 0.5, latest = 0.5 }\ncuration = [{ token-editing = { threshold = 0.3, of = \"OF\" } }]";
    let lab = lab(&[
        ("plain", HALF),
        ("human", &editing.replace("OF", "human")),
        ("all", &editing.replace("OF", "all")),
        ("dropped", &editing.replace("\"OF\"", "\"all\", drop = 0.002")),
    ]);
    lab.works(RUN);
    let edited =
        |arm: &str| documents(&lab, &format!("out/stages/{}/edited.jsonl.zst", stage(&lab, arm, 1, "compose")));
    let human = edited("human");
    assert!(human.len() > 10 && human.iter().all(|document| document.provenance.origin == Origin::Assisted));
    assert!(human.iter().all(|document| document.id.ends_with("+edited") && document.provenance.generation.is_none()));
    let synthetic = edited("all").iter().filter(|d| d.provenance.origin == Origin::Synthetic).count();
    assert!(synthetic > 10);
    let loss = |arm: &str| rows(&lab, arm)["1,test,loss,"];
    assert!(loss("plain") != loss("human") && loss("human") != loss("all"));
    let all = rows(&lab, "all");
    for source in ["pool", "latest"] {
        let share = |metric: &str| all[&format!("1,training,{metric},source {source}, defence token-editing")];
        assert!(share("edited-tokens") > 0.0 && share("edited-tokens") <= share("redrawn-tokens"));
    }
    assert_eq!(all["1,training,human-supervision,part first-model"], 1.0);
    // Documents that lose tokens are so much smaller, and the recipe counts them so.
    let dropped = rows(&lab, "dropped");
    assert!(dropped["1,training,dropped-tokens,source latest, defence token-editing"] > 0.005);
    let set = lab.read(&format!("out/stages/{}/training-set.json", stage(&lab, "dropped", 1, "compose")));
    let set: chain::Listing = serde_json::from_str(&set).unwrap();
    let sizes = set.documents.iter().map(|range| range.tokens).sum::<u64>();
    assert_eq!(sizes as f64, dropped["1,training,tokens,"]);
    let mean = |rows: &BTreeMap<String, f64>| rows["1,training,tokens,"] / rows["1,training,documents,"];
    assert!(mean(&dropped) < mean(&all));
    // The amounts are the plain ones: a token is edited into a token.
    let tokens = |arm: &str| rows(&lab, arm)["1,training,tokens,"];
    assert_eq!(tokens("all"), tokens("plain"));
}

#[test]
fn marked_text_is_found_by_its_key() {
    let marked = "sample.watermark = { key = 7, gamma = 0.5, delta = 6.0 }";
    let filter =
        "recipe = { pool = 0.5, history = 0.5 }\ncuration = [{ watermark = { key = KEY, gamma = 0.5, level = 0.2 } }]";
    let lab = lab(&[
        ("right", &format!("{marked}\n{}", filter.replace("KEY", "7"))),
        ("wrong", &format!("{marked}\n{}", filter.replace("KEY", "8"))),
    ]);
    lab.works(RUN);
    let kept = |arm: &str, of: &str| rows(&lab, arm)[&format!("1,training,kept-{of},defence watermark")];
    let (right, wrong) = (kept("right", "synthetic"), kept("wrong", "synthetic"));
    assert!(right < 0.4 && wrong > 0.6, "{right} {wrong}");
    // Human text bears no mark, but a test at a level of a fifth takes up to a fifth of it for marked.
    let human = kept("right", "human");
    assert!(human > 0.7 && human < 1.0, "{human}");
    let written = documents(&lab, &format!("out/stages/{}/documents.jsonl.zst", stage(&lab, "right", 0, "generate")));
    let mark = written[0].provenance.sampler.unwrap().watermark.unwrap();
    assert_eq!((mark.key, mark.delta), (7, 6.0));
}

#[test]
fn curated_runs_go_on_after_a_kill() {
    let arms = [
        (
            "edited",
            "recipe = { pool = 0.5, latest = 0.5 }\ncuration = [{ perplexity-high = { keep = 0.9 } }, { token-editing = { threshold = 0.5 } }]",
        ),
        ("oracle", "recipe = \"replace\"\ncuration = [\"verifier\"]"),
    ];
    let lab = lab(&arms);
    let words = |out: &str| format!("run curated.toml --out {out} --device flex --set chain.generations=3");
    let first = lab.works(&words("whole"));
    assert_eq!(first.made(), lab.stages("whole").len() - 1);
    for milliseconds in [150, 400, 700, 1000, 1300] {
        let out = format!("after-{milliseconds}");
        let mut child = lab.command(&words(&out)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().ok();
        child.wait().unwrap();
        lab.works(&words(&out));
        assert!(lab.read(&format!("{out}/metrics.csv")) == lab.read("whole/metrics.csv"), "{out}: other metrics");
        assert_eq!(lab.stages(&out), lab.stages("whole"), "{out}");
    }
    // Generation after generation, as a scheduler would; and nothing is judged twice.
    let lab_plan = lab.works("plan curated.toml --out steps --device flex --set chain.generations=3");
    assert!(lab_plan.stdout.contains("edited"));
    for generation in 0..3 {
        for (arm, _) in arms {
            lab.works(&format!("step steps --chain {arm}/seed-0 --generation {generation} --device flex"));
        }
    }
    lab.works("verify steps --repair");
    assert!(lab.read("steps/metrics.csv") == lab.read("whole/metrics.csv"));
    let before = lab.files("whole");
    assert!(lab.works(&words("whole")).did_nothing());
    assert_same(&before, &lab.files("whole"), "a second run");
}

#[test]
fn objectives_weigh_tokens() {
    let lab = lab(&[
        ("plain", "train.objective = \"cross-entropy\""),
        ("nothing", "train.objective = { truncated = { gamma = 1.0 } }"),
        ("truncated", "train.objective = { truncated = { gamma = 0.7 } }"),
        ("focal", "train.objective = \"focal\""),
        ("default", ""),
    ]);
    // The model has to learn enough to be sure of some tokens: at 0.01 it is of none by 0.7.
    lab.works(&format!("{RUN} --set chain.generations=1 --set train.learning_rate=0.05"));
    let [plain, nothing, truncated, focal] = ["plain", "nothing", "truncated", "focal"].map(|arm| rows(&lab, arm));
    assert_eq!(plain, nothing);
    assert_eq!(stage(&lab, "plain", 0, "train"), stage(&lab, "default", 0, "train"));
    let row = "0,test,loss,";
    assert!(plain[row] < truncated[row] && plain[row] < focal[row], "{} {} {}", plain[row], truncated[row], focal[row]);
    for (objective, why) in [
        ("\"truncatd\"", "unknown variant `truncatd`, expected one of `cross-entropy`, `truncated`, `focal`"),
        ("{focal={gamma=-1.0}}", "train.objective.focal.gamma = -1: must be from 0 to 100"),
        ("{focal={gama=1.0}}", "unknown key; did you mean `gamma`?"),
    ] {
        lab.refuses(&format!("plan curated.toml --device flex --set train.objective={objective}"), why);
    }
}

#[test]
fn lists_are_swept_whole() {
    let lab = lab(&[("arm", HALF)]);
    let sweep = "[sweep]\ncuration = [[], [\"near-duplicates\"], [{ verifier = { keep = 0.5 } }]]\n";
    lab.write("curated.toml", format!("{}{sweep}", lab.read("curated.toml")));
    let plan = lab.works("plan curated.toml --device flex").stdout;
    for name in ["arm_curation-none", "arm_curation-near-duplicates", "arm_curation-verifier-keep-0.5"] {
        assert!(plan.contains(name), "{plan}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let lab = lab(&[("replace", "")]);
    for (assignment, why) in [
        ("curation=[\"detecter\"]", "arm `replace`.curation"),
        ("curation=[\"detecter\"]", "unknown defence `detecter`; did you mean `detector`?"),
        ("curation=[{detector={keep=0.0}}]", "detector.keep = 0: a share above 0.0"),
        ("curation=[{detector={kep=0.5}}]", "unknown key; did you mean `keep`?"),
        ("curation=\"detector\"", "curation: "),
        ("curation=[\"token-editing\",\"detector\"]", "token-editing must be the last"),
        ("curaton=[]", "curaton: unknown key; did you mean `curation`?"),
        ("curation=[\"filter-by-label\"]", "recipe.latest cannot be filled in generation 1"),
        ("curation=[\"filter-by-label\"]", "curation has dropped the rest"),
        ("sample.watermark={gamma=1.5}", "watermark.gamma = 1.5: must be"),
        ("sample.watermark={gama=0.5}", "sample.watermark.gama: unknown key; did you mean `gamma`?"),
        ("sweep.curation=[\"detector\"]", "invalid type: string \"detector\""),
    ] {
        lab.refuses(&format!("plan curated.toml --device flex --set {assignment}"), why);
    }
    let of = "--set members=2 --set curation=[\"token-editing\"]";
    lab.refuses(&format!("plan curated.toml --device flex {of}"), "token-editing draws from one model");
    // A quarter of what is written is to fill all of the budget.
    let of = "--set recipe={latest=1.0} --set curation=[{verifier={keep=0.25}}]";
    lab.refuses(&format!("plan curated.toml --device flex {of}"), "let each generation write more");
    lab.refuses(
        "plan experiment.toml --device flex --set curation=[\"verifier\"]",
        "needs a corpus whose truth is known",
    );
    lab.write("solvable.toml", "name = \"x\"\nmodel.kind = \"categorical\"\n[[arm]]\nname = \"a\"\n");
    lab.refuses("run solvable.toml --out out --set curation=[\"detector\"]", "curation: unknown key");
}

#[test]
fn defences_are_listed() {
    let listed = Lab::new().works("plan --defences").stdout;
    for defence in experiment::defences() {
        let about = defence.about;
        assert!(listed.contains(&format!("    set by  {}\n", defence.line())));
        assert!(listed.lines().any(|line| line == about.name), "{}", about.name);
        assert!(listed.contains(about.source) && listed.contains(about.cost.compute));
        assert!(about.parameters.iter().all(|parameter| listed.contains(parameter.about)));
    }
    for recipe in experiment::recipes() {
        assert!(listed.contains(&format!("    {:24} {}\n", recipe.name, recipe.about)));
    }
    assert_eq!(Lab::new().call("plan").code, Some(2));
}
