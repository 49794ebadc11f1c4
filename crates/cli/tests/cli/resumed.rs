use crate::lab::{Lab, assert_same};
use std::fs;

const RUN: &str = "run experiment.toml --device flex --out";

#[test]
fn a_finished_run_is_left_as_it_is() {
    let lab = Lab::new();
    let first = lab.works(&format!("{RUN} out"));
    assert_eq!(first.made(), lab.stages("out").len() - 1, "all but the prepare stage are counted");
    let before = lab.files("out");
    let second = lab.works(&format!("{RUN} out"));
    assert!(second.did_nothing(), "{}", second.stderr);
    assert_eq!(second.stdout, first.stdout);
    // Fewer generations, seeds or arms are there already.
    let fewer = lab.works(&format!("{RUN} out --set chain.generations=1 --set chain.seeds=[1]"));
    assert!(fewer.did_nothing(), "{}", fewer.stderr);
    assert_same(&before, &lab.files("out"), "a second run");
}

#[test]
fn more_of_everything_makes_only_what_is_missing() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} whole"));
    lab.write("one-arm.toml", crate::lab::EXPERIMENT.split("[[arm]]\nname = \"accumulate\"").next().unwrap());
    lab.works("run one-arm.toml --device flex --out grown --set chain.seeds=[0] --set chain.generations=1");
    let wider = [
        "run one-arm.toml --device flex --out grown --set chain.seeds=[0]",
        "run one-arm.toml --device flex --out grown --set chain.seeds=[0,1]",
        "run experiment.toml --device flex --out grown",
    ];
    for words in wider {
        let before = lab.stages("grown");
        let made = lab.works(words).made();
        let after = lab.stages("grown");
        assert_eq!(made, after.len() - before.len(), "{words}");
        assert!(made > 0 && before.iter().all(|stage| after.contains(stage)), "{words}");
    }
    assert_eq!(lab.stages("grown"), lab.stages("whole"));
    assert!(lab.read("grown/metrics.csv") == lab.read("whole/metrics.csv"));
    assert!(lab.page("grown") == lab.page("whole"));
}

#[test]
fn what_contradicts_a_run_is_named() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out --set chain.generations=1 --set chain.seeds=[0]"));
    for (assignment, difference) in [
        ("model.width=32", "arm `replace`.model.width is 16 there and 32 here"),
        ("train.epochs=1", "arm `replace`.train.epochs is not set there and 1"),
        ("sample.temperature=0.5", "arm `replace`.sample.temperature is 1.0 there and 0.5 here"),
        ("recipe=\"replace-grown\"", "arm `replace`.recipe.grow is not set there and true here"),
        ("corpus.tokens=3000", "corpus.tokens is 4000 there and 3000 here"),
        ("tokenizer.vocabulary=290", "tokenizer.vocabulary is 300 there and 290 here"),
        ("name=\"other\"", "name is \"little\" there and \"other\" here"),
    ] {
        lab.refuses(&format!("{RUN} out --set {assignment}"), difference);
    }
    lab.refuses("run experiment.toml --device ndarray --out out", "out was made on flex, this is ndarray");
    lab.refuses("step out --chain replace/seed-0 --generation 0 --device ndarray", "out was made on flex");
    // More that cannot be had: eight more generations of fresh text.
    let grown = "--set chain.generations=9";
    lab.write("fresh.toml", format!("{}[[arm]]\nname = \"fresh\"\nrecipe = \"human-fresh\"\n", crate::lab::EXPERIMENT));
    lab.refuses(&format!("run fresh.toml --device flex --out out {grown}"), "recipe.fresh cannot be filled");
    // The same path with another text in it.
    let text = lab.read("corpus.jsonl");
    lab.write("corpus.jsonl", text.replace("king", "queen"));
    lab.refuses(&format!("{RUN} out"), "out was begun with another text");
    // The same text, of which the first document is said to be a model's: a label is read by defences.
    lab.write("corpus.jsonl", text.replacen('{', r#"{"provenance":{"origin":"synthetic"},"#, 1));
    lab.refuses(&format!("{RUN} out"), "out was begun with another text");
    lab.write("corpus.jsonl", text.replacen('{', r#"{"provenance":{"origin":"human"},"#, 1));
    lab.works(&format!("{RUN} out"));
}

#[test]
fn records_of_an_earlier_build_do_not_speak() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out"));
    let before = lab.read("out/metrics.csv");
    let records =
        ["replace", "accumulate"].map(|arm| [0, 1].map(|seed| [0, 1].map(|generation| (arm, seed, generation))));
    for (arm, seed, generation) in records.into_iter().flatten().flatten() {
        let path = format!("out/chains/{arm}/seed-{seed}/gen-{generation}/generation.json");
        let mut checked: serde_json::Value = serde_json::from_str(&lab.read(&path)).unwrap();
        let version = &mut checked["content"]["made_from"]["versions"]["score"];
        assert!(version.as_u64() > Some(0));
        *version = 0.into();
        let place = format!("{arm}/seed-{seed}/gen-{generation}");
        checked["sha256"] = rundir::digest(&(place, &checked["content"])).unwrap().into();
        lab.write(&path, checked.to_string());
    }
    // One generation is made by this build; nothing that another has measured stands beside it.
    lab.works("step out --chain replace/seed-0 --generation 0");
    // What this build cannot derive again is left as it is.
    lab.works("verify out --repair");
    assert!(lab.read("out/metrics.csv") == before);
    lab.write("out/metrics.csv", "");
    let said = lab.call("verify out --repair");
    assert!(said.code == Some(1) && said.stdout.contains("made by another build"), "{}", said.stdout);
    assert_eq!(lab.works(&format!("{RUN} out")).made(), 0);
    assert!(lab.read("out/metrics.csv") == before);
}

#[test]
fn stages_that_were_deleted_are_made_again() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out"));
    let (before, stages) = (lab.read("out/metrics.csv"), lab.stages("out"));
    for kind in ["prepare", "train", "generate", "score"] {
        let stage = stages.iter().rfind(|name| name.starts_with(kind)).unwrap();
        fs::remove_dir_all(lab.path("out/stages").join(stage)).unwrap();
        lab.works(&format!("{RUN} out"));
        assert_eq!(lab.stages("out"), stages, "{kind}");
        assert!(lab.read("out/metrics.csv") == before, "{kind}");
    }
    fs::remove_dir_all(lab.path("out/chains")).unwrap();
    lab.write("out/metrics.csv", "not a table");
    lab.works(&format!("{RUN} out"));
    assert!(lab.read("out/metrics.csv") == before);
}

#[test]
fn a_damaged_file_is_named_and_read_by_nobody() {
    let more = "--set chain.generations=2";
    for (kind, file) in [
        ("prepare", "train.safetensors"),
        ("prepare", "test.jsonl.zst"),
        ("train", "model/model.safetensors"),
        ("generate", "documents.jsonl.zst"),
        ("generate", "tokens.safetensors"),
        ("score", "metrics.json"),
        ("score", "SEAL"),
    ] {
        let lab = Lab::new();
        lab.works(&format!("{RUN} out --set chain.generations=1 --set chain.seeds=[0]"));
        let stage = lab.stages("out").into_iter().find(|name| name.starts_with(kind)).unwrap();
        let path = lab.path("out/stages").join(&stage).join(file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        if kind == "train" {
            // Nobody reads a model whose text is there; without it, it has to write again.
            let text = lab.stages("out").into_iter().find(|name| name.starts_with("generate")).unwrap();
            fs::remove_dir_all(lab.path("out/stages").join(text)).unwrap();
        }
        let done = lab.call(&format!("{RUN} out --set chain.seeds=[0] {more} --progress none"));
        assert_eq!(done.code, Some(1), "{kind}/{file}: {}", done.stderr);
        let named = done.stderr.contains(&stage) && done.stderr.contains(file);
        assert!(done.stderr.lines().count() == 1 && named, "{kind}/{file}: {}", done.stderr);
        assert!(done.stderr.contains("`habsburg verify out --repair`"), "{}", done.stderr);
        assert!(lab.stages("out").iter().all(|name| !name.starts_with('.')), "something half made was left");

        lab.call("verify out --repair");
        lab.works(&format!("{RUN} out --set chain.seeds=[0] {more}"));
        lab.works("verify out");
    }
}
