//! Defences in the objective, the sampler, the weights and the ensemble: exact where they can be, and counted as what they are.

use crate::lab::{EXPERIMENT, Lab};
use model::Weights;
use std::collections::BTreeMap;

/// A laboratory that has run these arms (name, keys).
fn ran(arms: &[(&str, &str)], more: &str) -> Lab {
    let lab = Lab::new();
    let arm = |(name, keys): &(&str, &str)| format!("[[arm]]\nname = \"{name}\"\n{keys}\n");
    let base = EXPERIMENT.split_once("[[arm]]").unwrap().0;
    lab.write("robust.toml", format!("{base}{}", arms.iter().map(arm).collect::<String>()));
    let done = lab.works(&format!("run robust.toml --out out --device flex --set chain.seeds=[0] {more}"));
    assert!(!done.stderr.contains("ended"), "{}", done.stderr);
    lab
}

/// Rows of an arm's first seed.
fn rows(lab: &Lab, arm: &str) -> BTreeMap<String, f64> {
    lab.rows("out", arm, 0)
}

fn value(lab: &Lab, arm: &str, row: &str) -> Option<f64> {
    rows(lab, arm).get(row).copied()
}

/// The folder of an arm's stage of a kind.
fn stage(lab: &Lab, arm: &str, generation: u32, kind: &str) -> String {
    let record = lab.read(&format!("out/chains/{arm}/seed-0/gen-{generation}/generation.json"));
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    format!("out/stages/{}", record["content"]["stages"][kind].as_str().unwrap())
}

fn weights(lab: &Lab, arm: &str, generation: u32) -> Weights {
    Weights::load(&lab.path(&stage(lab, arm, generation, "train")).join("model")).unwrap()
}

#[test]
fn a_share_of_nothing_has_the_undefended_bits() {
    let lab = ran(
        &[
            ("plain", ""),
            ("label-smoothing", "train.objective = { label-smoothing = { share = 0.0 } }"),
            ("entropy-floor", "train.objective = { entropy-floor = { share = 0.0 } }"),
            ("own-floor", "train.objective = { entropy-floor = { share = 0.0, of = \"training\" } }"),
            ("unmarked", "sample.watermark = { delta = 0.0 }"),
            ("goes-on", "train.start = \"latest\""),
            ("average", "train = { start = \"latest\", average = { with = \"first\", share = 0.0 } }"),
        ],
        "",
    );
    let plain = rows(&lab, "plain");
    assert!(plain.len() > 100);
    for arm in ["label-smoothing", "entropy-floor", "own-floor"] {
        assert_eq!(rows(&lab, arm), plain, "{arm}");
        assert_eq!(weights(&lab, arm, 1).hash(), weights(&lab, "plain", 1).hash(), "{arm}");
    }
    // A mark of no strength is another sampler by name, whose text is the same: and so are the models that read it.
    assert_ne!(stage(&lab, "unmarked", 0, "generate"), stage(&lab, "plain", 0, "generate"));
    for kind in ["compose", "train"] {
        assert_eq!(stage(&lab, "unmarked", 1, kind), stage(&lab, "plain", 1, kind));
    }
    assert_eq!(rows(&lab, "average"), rows(&lab, "goes-on"));
    for kind in ["compose", "train", "generate", "score"] {
        assert_eq!(stage(&lab, "average", 1, kind), stage(&lab, "goes-on", 1, kind));
    }
}

#[test]
fn objectives_smooth_and_human_frequencies_are_an_anchor() {
    let lab = ran(
        &[
            ("plain", ""),
            ("smoothed", "train.objective = { label-smoothing = { share = 0.5 } }"),
            ("floor", "train.objective = { entropy-floor = { share = 0.5 } }"),
            ("own", "train.objective = { entropy-floor = { share = 0.5, of = \"training\" } }"),
        ],
        "",
    );
    // Half of every target is noise: what is written is less like text, and the loss on text is worse.
    let loss = |arm: &str| value(&lab, arm, "0,test,loss,").unwrap();
    for arm in ["smoothed", "floor", "own"] {
        assert!(loss("plain") < loss(arm), "{arm}: {}, plain: {}", loss(arm), loss("plain"));
    }
    assert_ne!(loss("floor"), loss("own"), "held-out documents are counted in one and not in the other");
    let anchor = |arm: &str, generation| {
        value(&lab, arm, &format!("{generation},training,human-supervision,part entropy-floor"))
    };
    assert_eq!((anchor("floor", 0), anchor("floor", 1)), (None, Some(1.0)));
    assert_eq!(["plain", "smoothed", "own"].map(|arm| anchor(arm, 1)), [None; 3]);
}

#[test]
fn weights_are_averaged_with_an_ancestor() {
    let lab = ran(
        &[
            ("goes-on", "train.start = \"latest\""),
            ("first", "train = { start = \"latest\", average = { with = \"first\", share = 0.25 } }"),
            ("previous", "train = { start = \"latest\", average = { with = \"previous\", share = 1.0 } }"),
        ],
        "--set chain.generations=3",
    );
    let [zero, one, mean] = [weights(&lab, "goes-on", 0), weights(&lab, "goes-on", 1), weights(&lab, "first", 1)];
    assert_eq!(mean, one.clone().averaged(&zero, 0.25));
    assert!(mean != one && mean != zero);
    // Nothing but the ancestor.
    assert_eq!(weights(&lab, "previous", 2), zero);
    assert_ne!(weights(&lab, "first", 2), weights(&lab, "first", 1));
    assert_eq!(stage(&lab, "first", 0, "train"), stage(&lab, "goes-on", 0, "train"));
    let anchor =
        |arm: &str, generation| value(&lab, arm, &format!("{generation},training,human-supervision,part average"));
    assert_eq!([0, 1, 2].map(|generation| anchor("first", generation)), [None, Some(1.0), Some(1.0)]);
    assert_eq!(anchor("goes-on", 1), None);
}

#[test]
fn text_is_written_at_the_temperature_of_human_text() {
    let lab = ran(
        &[
            ("plain", ""),
            ("matched", "sample.entropy_match = true"),
            ("several", "sample.entropy_match = true\nmembers = 2"),
        ],
        "--set corpus.validation=0.2",
    );
    for generation in [0, 1] {
        let temperature = value(&lab, "matched", &format!("{generation},generated,sampling-temperature,")).unwrap();
        assert!((0.2..5.0).contains(&temperature) && temperature != 1.0, "{temperature}");
        let path = lab.path(&stage(&lab, "matched", generation, "generate")).join("documents.jsonl.zst");
        for document in corpus::JsonLines::open(&path).unwrap() {
            assert_eq!(document.unwrap().provenance.sampler.unwrap().temperature, temperature);
        }
        let read =
            value(&lab, "matched", &format!("{generation},generated,human-supervision,part entropy-match")).unwrap();
        assert!((200.0..=8192.0).contains(&read), "{read}");
        assert_eq!(value(&lab, "plain", &format!("{generation},generated,sampling-temperature,")), None);
        let of = |dimensions: &str| {
            value(&lab, "several", &format!("{generation},generated,sampling-temperature,{dimensions}")).unwrap()
        };
        let members = [of("member 0"), of("member 1")];
        assert!(members[0] != members[1] && (of("") - (members[0] + members[1]) / 2.0).abs() < 1e-12);
    }
    assert_eq!(stage(&lab, "matched", 0, "train"), stage(&lab, "plain", 0, "train"));
    assert_ne!(stage(&lab, "matched", 0, "generate"), stage(&lab, "plain", 0, "generate"));
}

#[test]
fn an_ensemble_judges_what_it_wrote() {
    let lab = ran(
        &[
            ("plain", "members = 2\nrecipe = { latest = 0.3 }"),
            ("agreed", "members = 2\nrecipe = { latest = 0.3 }\ncuration = [\"disagreement\"]"),
            ("nothing", "members = 2\nrecipe = { latest = 0.3 }\ncuration = [{ disagreement = { keep = 1.0 } }]"),
            (
                "weighed",
                "members = 2\nrecipe = { latest = 0.3 }\ncuration = [{ disagreement = { use = \"weigh\", model = \"first\" } }]",
            ),
        ],
        "--set sample.tokens=4000",
    );
    let of = |arm: &str, row: &str| value(&lab, arm, row);
    assert!((of("agreed", "1,training,kept,defence disagreement").unwrap() - 0.5).abs() < 0.01);
    let score = of("agreed", "1,training,disagreement,defence disagreement").unwrap();
    assert!(score > 0.0 && score < 3.0, "{score}");
    // The parent of generation 1 is the first: the same members say the same.
    assert_eq!(of("weighed", "1,training,disagreement,defence disagreement"), Some(score));
    assert_eq!(of("weighed", "1,training,kept,defence disagreement"), Some(1.0));
    assert_eq!(of("weighed", "1,training,human-supervision,part first-model"), Some(1.0));
    assert_eq!(of("agreed", "1,training,human-supervision,part first-model"), None);
    assert_ne!(stage(&lab, "plain", 1, "train"), stage(&lab, "weighed", 1, "train"));
    assert_eq!(stage(&lab, "plain", 1, "train"), stage(&lab, "nothing", 1, "train"));
}

#[test]
fn what_cannot_be_is_refused() {
    let lab = Lab::new();
    let refused = |keys: &str, why: &str| {
        let base = EXPERIMENT.split_once("[[arm]]").unwrap().0;
        lab.write("bad.toml", format!("{base}[[arm]]\nname = \"it\"\n{keys}\n"));
        lab.refuses("plan bad.toml", why);
    };
    refused("curation = [\"disagreement\"]", "set members = 2 or more");
    refused("sample = { entropy_match = true, temperature = 0.9 }", "sample.entropy_match: finds the temperature");
    refused("train.average = { with = \"first\" }", "must be an ancestor that training began with");
    refused("train.objective = { label-smoothing = { gamma = 0.1 } }", "gamma: unknown key (known here: share)");
    refused("train.objective = { entropy-floor = { share = 1.5 } }", "entropy-floor.share = 1.5: must be a share");
    let solvable =
        "name = \"x\"\nmodel.kind = \"categorical\"\n[sample]\nentropy_match = true\n[[arm]]\nname = \"it\"\n";
    lab.write("bad.toml", solvable);
    lab.refuses(
        "plan bad.toml",
        "sample.entropy_match: unknown key for model.kind = \"categorical\"; a transformer has it",
    );
}
