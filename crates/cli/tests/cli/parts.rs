use crate::lab::Lab;
use std::fs;

const TRAIN: &str = "train corpus.jsonl --out model --preset tiny --epochs 4 --device flex";

fn value(table: &str, name: &str) -> f64 {
    let line = table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {table}"));
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn a_model_is_trained_measured_and_writes() {
    let lab = Lab::new();
    let said = lab.works(TRAIN).stdout;
    assert!(said.ends_with("nats a token: model\n"), "{said}");
    let measured = lab.works("evaluate model corpus.jsonl --device flex").stdout;
    let loss = value(&measured, "loss");
    // Better than a uniform guess among at most 512 ids.
    assert!(loss > 0.5 && loss < 512_f64.ln() - 0.5, "{measured}");
    assert!((value(&measured, "perplexity") / loss.exp() - 1.0).abs() < 1e-3, "{measured}");

    let sample = |more: &str| lab.works(&format!("sample model --tokens 200 --device flex {more}")).stdout;
    let written = sample("");
    lab.write("written.jsonl", &written);
    assert_eq!(written, sample("--seed 0"));
    assert_ne!(written, sample("--seed 1"));
    assert_ne!(written, sample("--top-k 5"));
    lab.works("evaluate model written.jsonl --device flex");
    for line in written.lines() {
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["provenance"]["origin"], "synthetic");
        assert!(document["text"].is_string());
    }
}

#[test]
fn wrong_requests_leave_nothing() {
    let lab = Lab::new();
    lab.write("short.txt", "Too short.");
    lab.write("empty.txt", "");
    for (words, why) in [
        ("train short.txt --out m --preset tiny --device flex", "the text fills 1 windows and one batch needs 32"),
        ("train empty.txt --out m --preset tiny --device flex", "empty.txt: there is no text in it"),
        ("train nowhere.txt --out m --preset tiny --device flex", "nowhere.txt: there is no such file"),
        ("train corpus.jsonl --out m --preset huge --device flex", "model.preset = \"huge\": no such preset"),
        ("train corpus.jsonl --out m --preset tiny --epochs 0 --device flex", "train.epochs = 0"),
        ("train corpus.jsonl --out m --preset tiny --device tpu", "device `tpu`: no such name"),
        ("train corpus.jsonl --out m --preset tiny --field body --device flex", "no text in a field named \"body\""),
        (
            "train corpus.jsonl --out m --preset tiny --tokenizer experiment.toml --device flex",
            "experiment.toml: this is no tokenizer",
        ),
        ("train corpus.jsonl --out /dev/null/m --preset tiny --device flex", "--out /dev/null/m: "),
        ("train corpus.jsonl --out . --preset tiny --device flex", "it is not empty; choose a new folder"),
        ("sample nowhere --device flex", "nowhere/config.json: "),
        ("evaluate corpus.jsonl corpus.jsonl --device flex", "corpus.jsonl/config.json: "),
        ("corpus show latin", "there is no corpus \"latin\": take one of "),
        ("corpus fetch latin", "there is no corpus \"latin\""),
    ] {
        lab.refuses(words, why);
    }
}

#[test]
fn damaged_models_are_refused() {
    let lab = Lab::new();
    lab.works(&TRAIN.replace("epochs 4", "epochs 1"));
    // A model of another tool has no checksums.
    fs::remove_file(lab.path("model/SHA256SUMS")).unwrap();
    let files = ["config.json", "model.safetensors", "tokenizer.json"];
    let whole = files.map(|name| fs::read(lab.path("model").join(name)).unwrap());
    let config = String::from_utf8(whole[0].clone()).unwrap();
    let edited = |from: &str, to: &str| {
        assert!(config.contains(from), "{config}");
        config.replace(from, to).into_bytes()
    };
    let half = |bytes: &Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    lab.works("run experiment.toml --out out --device flex --set chain.generations=1 --set chain.seeds=[0]");
    let prepare = lab.stages("out").into_iter().find(|name| name.starts_with("prepare")).unwrap();
    let other = fs::read(lab.path("out/stages").join(prepare).join("tokenizer.json")).unwrap();
    let cases = [
        (0, half(&whole[0]), "model/config.json: not JSON"),
        (0, edited("\"llama\"", "\"gpt2\""), "`model_type` is \"gpt2\""),
        (0, edited("\"hidden_size\": 64", "\"hidden_size\": 62"), "model.width = 62"),
        (0, edited("\"hidden_size\": 64", "\"hidden_size\": 72057594037927936"), "model.width = 72057594037927936"),
        (0, edited("\"intermediate_size\": 192", "\"intermediate_size\": 190"), "model/model.safetensors: tensor "),
        (1, half(&whole[1]), "model/model.safetensors: not a safetensors file"),
        (1, Vec::new(), "model/model.safetensors: not a safetensors file"),
        (2, half(&whole[2]), "model/tokenizer.json: this is no tokenizer.json"),
        (2, b"\xff\xfe".to_vec(), "model/tokenizer.json: this is no tokenizer.json"),
        (2, other, "they belong to different models"),
    ];
    for (index, bytes, why) in cases {
        fs::write(lab.path("model").join(files[index]), bytes).unwrap();
        for words in ["sample model --device flex", "evaluate model corpus.jsonl --device flex"] {
            let done = lab.call(words);
            assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{words}: {}", done.stderr);
            assert!(done.stderr.lines().count() == 1 && done.stderr.contains(why), "{words}: {}", done.stderr);
        }
        fs::write(lab.path("model").join(files[index]), &whole[index]).unwrap();
    }
    for (setting, why) in
        [("--temperature 0", "temperature = 0"), ("--top-p 2", "top_p = 2"), ("--top-k 0", "top_k = 0")]
    {
        lab.refuses(&format!("sample model --device flex {setting}"), why);
    }
    lab.works("sample model --tokens 20 --device flex");
}
