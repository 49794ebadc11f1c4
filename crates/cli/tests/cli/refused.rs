use crate::lab::{EXPERIMENT, Lab};
use std::fs;

#[test]
fn settings() {
    let lab = Lab::new();
    for (assignment, why) in [
        ("sampel.tokens=5", "sampel: unknown key; did you mean `sample`?"),
        ("train.lerning_rate=1", "train.lerning_rate: unknown key; did you mean `learning_rate`?"),
        ("corpus.pth=\"x\"", "corpus.pth: unknown key; did you mean `path`?"),
        ("train.clip=\"x\"", "arm `replace`.train.clip: invalid type: string \"x\", expected a number"),
        ("chain.seeds=[-1]", "chain.seeds[0]: invalid value: integer `-1`, expected a whole number"),
        ("chain.generations=0", "chain.generations = 0: from 1 to 10000"),
        ("chain.seeds=[3,3]", "chain.seeds = [3, 3]: at least one, and no duplicates"),
        ("train.warmup=2", "train.warmup = 2: must be from 0 to 1"),
        ("train.learning_rate=nan", "train.learning_rate = NaN"),
        ("sample.temperature=0", "temperature = 0"),
        ("sample.prompt=\"cat\"", "sample.prompt: unknown variant `cat`"),
        ("sample.tokens=0", "sample.tokens = 0: at least 1"),
        ("model.width=17", "model.width = 17: must be an even multiple of heads = 2"),
        ("model.preset=\"huge\"", "model.preset = \"huge\": no such preset"),
        ("recipe=\"repalce\"", "unknown recipe `repalce`; the names are replace, "),
        ("recipe={pool=0.5,latest=0.9}", "recipe.latest cannot be filled in generation 1"),
        ("recipe=\"golden-ratio\"", "recipe.latest cannot be filled in generation 1"),
        ("recipe={fresh={amount=0.1,wieght=2.0}}", ".recipe.fresh.wieght: unknown key; did you mean `weight`?"),
        ("recipe={fresh={amount=0.1,weight=0.0}}", "recipe.fresh.weight = 0: a weight is a number above 0"),
        ("recipe={latest=0.3,balanced=true}", "recipe.balanced divides what recipe.history draws"),
        ("recipe={fresh={amount=90000,weight=2.0}}", "recipe.fresh cannot be filled in generation 1"),
        ("recipe=\"balanced-cycle\"", "recipe.history cannot be filled in generation 1"),
        ("train.start=\"human\"", "train.start: invalid value: string \"human\", expected \"scratch\", \"latest\", or"),
        ("train.start=-1", "train.start: invalid value: integer `-1`"),
        ("train.start=1", "train.start = 1: no generation comes after it"),
        ("members=0", "members = 0: from 1 to 64"),
        ("members=65", "members = 65: at most 64"),
        ("member=2", "member: unknown key; did you mean `members`?"),
        ("plant.share=0.5", "plant: missing field `phrase`"),
        ("plant={phrase=\"x\",share=0.0}", "plant.share = 0: above 0 and at most 1"),
        ("plant={phrase=\"\\tx\",share=1.0}", "plant.phrase = \"\\tx\""),
        (
            "plant={phrase=\"x\",share=1.0,generation=2}",
            "plant.generation = 2: this experiment trains generations 0 to 1",
        ),
        ("plant={phrase=\"x\",share=1.0,generatoin=1}", "plant.generatoin: unknown key; did you mean `generation`?"),
        ("plant={phrase=\"x\",share=1e-6}", "0 are to get the phrase"),
        (
            "plant={phrase=\"one-two-three-four-five-six-seven-eight-nine-ten-eleven-twelve\",share=1.0}",
            "have room for it in a window of 32 tokens",
        ),
        ("sweep.train.clip=[]", "sweep.train.clip: the list is empty"),
        ("sweep.train.clip=1.0", "sweep.train.clip: expected a list, as in clip = [1.0]"),
        ("sweep.tarin.clip=[1.0]", "sweep.tarin.clip: unknown key; did you mean `train`?"),
        ("sweep.train.clp=[1.0]", ".train.clp: unknown key; did you mean `clip`?"),
        ("sweep.recipe=[\"repalce\"]", "unknown recipe `repalce`; the names are replace, "),
        ("sweep={}", "sweep: give at least one key a list"),
        ("sweep=1", "sweep: write it as a table [sweep]"),
        ("tokenizer.kind=\"words\"", "tokenizer.kind = \"words\": one of bpe, bytes, gpt2, file"),
        ("tokenizer.vocabulary=10", "tokenizer.vocabulary = 10: from 257"),
        ("tokenizer={kind=\"bytes\",vocabulary=300}", "but this tokenizer has 257 ids"),
        ("tokenizer={kind=\"file\",path=\"experiment.toml\"}", "experiment.toml: this is no tokenizer.json"),
        ("tokenizer={kind=\"file\",path=\"nowhere.json\"}", "nowhere.json: "),
        ("name=\"../up\"", "\"../up\" is not a usable name"),
        ("arm=[]", "arm: at least one [[arm]] is needed"),
        ("train", "--set train: give key.path=value"),
        ("train..clip=1", "is no key path"),
        ("=1", "is no key path"),
    ] {
        lab.refuses(&format!("run experiment.toml --out out --device flex --set {assignment}"), why);
        lab.refuses(&format!("plan experiment.toml --device flex --set {assignment}"), why);
    }
}

#[test]
fn texts() {
    let lab = Lab::new();
    fs::create_dir(lab.path("folder")).unwrap();
    lab.write("empty.txt", "");
    lab.write("blank.jsonl", "{\"text\": \" \"}\n");
    lab.write("latin.txt", b"caf\xe9");
    lab.write("cut.jsonl", "{\"text\": \"a\"}\n{\"text\": \n");
    lab.write("list.jsonl", "[1]\n");
    lab.write("body.jsonl", "{\"body\": \"a\"}\n");
    lab.write("short.txt", "One sentence.");
    lab.write("plain.jsonl.gz", "{\"text\": \"not compressed\"}\n");
    for (path, why) in [
        ("nowhere.txt", "nowhere.txt: there is no such file or folder"),
        ("empty.txt", "empty.txt: there is no text in it"),
        ("blank.jsonl", "blank.jsonl: there is no text in it"),
        ("folder", "folder: there is no text in it"),
        ("latin.txt", "latin.txt: not UTF-8 at byte 3"),
        ("cut.jsonl", "cut.jsonl, line 2: "),
        ("list.jsonl", "list.jsonl, line 1: "),
        ("body.jsonl", "no text in a field named \"text\" (the fields are body)"),
        ("short.txt", "1 blocks of text are too few"),
        ("plain.jsonl.gz", "plain.jsonl.gz"),
    ] {
        lab.refuses(&format!("run experiment.toml --out out --device flex --set corpus.path=\"{path}\""), why);
    }
    for (assignment, why) in [
        ("train.batch=2000", "the human training set has "),
        ("corpus.tokens=9", "one batch of 4 windows needs 128"),
        ("corpus.test_tokens=1", "corpus.test_tokens = 1: no document fits"),
        ("corpus.validation=1e-9", "the validation part would be empty"),
        ("corpus.test=0.99", "corpus.validation and corpus.test: "),
        ("corpus.name=\"sotu\"", "corpus: give one of name, path and grammar, not both"),
    ] {
        lab.refuses(&format!("run experiment.toml --out out --device flex --set {assignment}"), why);
    }
    // Bounds: a line of a text, and what is no text at all.
    for (more, why) in [
        (
            "--limit line_bytes=10",
            "corpus.jsonl: line 1 is longer than 10 bytes; if it is meant to be, raise limits.line_bytes",
        ),
        ("--limit text_bytes=1KiB", "corpus.jsonl: the text is longer than 1 KiB"),
        ("--limit line_byte=10", "unknown key; did you mean `line_bytes`?"),
        ("--limit files=many", "\"many\" is no size"),
    ] {
        lab.refuses(&format!("audit corpus.jsonl --reference corpus.jsonl {more}"), why);
        lab.refuses(&format!("provenance seal corpus.jsonl {more}"), why);
    }
    let limited = "run experiment.toml --out out --device flex --set limits.line_bytes=10";
    lab.refuses(limited, "corpus.jsonl: line 1 is longer than 10 bytes");
    if cfg!(unix) {
        lab.refuses("audit /dev/zero --reference corpus.jsonl", "/dev/zero: this is a device or a terminal");
    }
    lab.write("card.toml", EXPERIMENT.replace("path = \"corpus.jsonl\"", "name = \"latin\""));
    lab.refuses("run card.toml --out out --device flex", "there is no corpus \"latin\": take one of ");
}

#[test]
fn experiments() {
    let lab = Lab::new();
    fs::create_dir(lab.path("folder")).unwrap();
    lab.write("latin.toml", b"name = \"caf\xe9\"");
    lab.write("no.toml", "name = \n");
    lab.write("named.toml", EXPERIMENT.replace("\"accumulate\"\nrecipe", "\"a/b\"\nrecipe"));
    lab.write("escape.toml", EXPERIMENT.replace("\"accumulate\"\nrecipe", "\"a\\u001b[31m\"\nrecipe"));
    lab.write("twice.toml", EXPERIMENT.replace("\"accumulate\"\nrecipe", "\"Replace\"\nrecipe"));
    for (file, why) in [
        ("nowhere.toml", "nowhere.toml: "),
        ("folder", "folder: "),
        ("latin.toml", "latin.toml: "),
        ("no.toml", "no.toml: line 1: "),
        ("corpus.jsonl", "corpus.jsonl: line 1: "),
        ("named.toml", "arm `a/b`: \"a/b\" is not a usable name"),
        ("escape.toml", "is not a usable name"),
        ("twice.toml", "arm `Replace`: duplicate name; arm names must be unique"),
    ] {
        lab.refuses(&format!("run {file} --out out --device flex"), why);
    }
}

#[test]
fn places_and_devices() {
    let lab = Lab::new();
    fs::create_dir(lab.path("used")).unwrap();
    lab.write("used/thesis.txt", "mine");
    for (out, why) in [
        ("experiment.toml", "cannot write experiment.toml: "),
        ("experiment.toml/out", "cannot write experiment.toml/out: "),
        ("/dev/null/out", "cannot write /dev/null/out: "),
        ("/proc/out", "cannot write /proc/out: "),
        ("used", "used is not empty and is not a run directory"),
    ] {
        lab.refuses(&format!("run experiment.toml --out {out} --device flex"), why);
        lab.refuses(&format!("plan experiment.toml --out {out} --device flex"), why);
    }
    // What is refused late has made folders by then.
    fs::create_dir(lab.path("empty")).unwrap();
    for out in ["new", "some/way/down", "empty", "used/below"] {
        let late = "--device flex --set train.batch=2000";
        lab.refuses(&format!("run experiment.toml --out {out} {late}"), "bring a larger corpus");
    }
    lab.refuses("run experiment.toml --device flex --set train.batch=2000", "bring a larger corpus");

    let absent = if cfg!(feature = "gpu") { "device `vulkan:99`: " } else { "--features gpu" };
    for (device, why) in [
        ("tpu", "device `tpu`: no such name; try auto, flex, "),
        ("flex:1", "device `flex:1`: no such name"),
        ("vulkan:x", if cfg!(feature = "gpu") { "device `vulkan:x`: no such name" } else { "--features gpu" }),
        ("vulkan:99", absent),
    ] {
        lab.refuses(&format!("run experiment.toml --out out --device {device}"), why);
    }
}

/// Usage errors are the argument parser's own: more than a line, but the same exit code.
#[test]
fn usage() {
    let lab = Lab::new();
    for words in
        ["", "rnu", "run", "run experiment.toml --jobs 0", "run experiment.toml --seed 1", "step out", "compare"]
    {
        let done = lab.call(words);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{words}: {}", done.stderr);
        assert!(done.stderr.contains("Usage") || done.stderr.contains("--help"), "{words}: {}", done.stderr);
    }
}
