use crate::lab::Lab;
use std::fs;

/// Markup, a terminal escape in seven and in eight bits, a mark that reverses what follows.
const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[31m\u{9b}2J\u{202e}x";

fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}')
}

#[test]
fn progress_as_json() {
    let lab = Lab::new();
    for (words, events) in [
        ("run experiment.toml --out out --device flex --jobs 2", ["begin", "working", "finished", "note"].as_slice()),
        ("run experiment.toml --out out --device flex", &["note"]),
        ("plan experiment.toml --out planned --device flex", &[]),
        ("step planned --chain replace/seed-0 --generation 0 --device flex", &["working", "finished", "note"]),
        ("train corpus.jsonl --out model --preset tiny --epochs 1 --device flex", &["working"]),
    ] {
        if words.starts_with("plan") {
            lab.works(words);
            continue;
        }
        let done = lab.works(&format!("{words} --progress json"));
        let lines: Vec<serde_json::Value> =
            done.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        for event in events {
            assert!(lines.iter().any(|line| line["event"] == *event), "{words}: no {event} in {}", done.stderr);
        }
    }
    let quiet = lab.works("run experiment.toml --out quiet --device flex --progress none");
    assert_eq!(quiet.stderr, "");
    assert!(quiet.stdout.starts_with("Test perplexity") && quiet.stdout.ends_with("Report: quiet/report.html\n"));
}

#[test]
fn what_a_model_writes_is_shown_and_not_obeyed() {
    let lab = Lab::new();
    let line = serde_json::json!({ "text": format!("{HOSTILE} and {HOSTILE}.") }).to_string();
    lab.write("corpus.jsonl", (0..300).map(|_| format!("{line}\n")).collect::<String>());
    let settings =
        "--set sample.temperature=0.2 --set train.tokens=20000 --set chain.generations=1 --set chain.seeds=[0]";
    let done = lab.works(&format!("run experiment.toml --out out --device flex {settings}"));
    assert!(is_harmless(&done.stdout) && is_harmless(&done.stderr), "{:?} {:?}", done.stdout, done.stderr);

    // The model has learnt its text by heart, or this test would show nothing.
    let stage = lab.stages("out").into_iter().find(|name| name.starts_with("generate")).unwrap();
    let written = corpus::read(
        &lab.path("out/stages").join(stage).join("documents.jsonl.zst"),
        "text",
        &corpus::Limits::default(),
    )
    .unwrap();
    assert!(written.iter().any(|document| document.text.contains(HOSTILE)), "{:?}", written[0].text);

    let page = lab.read("out/report.html");
    assert!(page.contains("&lt;script&gt;"), "the page shows no text");
    assert!(!page.contains("<script") && is_harmless(&page));
    for figure in fs::read_dir(lab.path("out/figures")).unwrap() {
        let text = fs::read_to_string(figure.unwrap().path()).unwrap();
        assert!(!text.contains("<script") && is_harmless(&text));
    }

    let model = lab.stages("out").into_iter().find(|name| name.starts_with("train")).unwrap();
    let sampled =
        lab.works(&format!("sample out/stages/{model}/model --temperature 0.2 --tokens 300 --device flex")).stdout;
    assert!(is_harmless(&sampled), "{sampled:?}");
    let texts: Vec<serde_json::Value> = sampled.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(texts.iter().any(|document| document["text"].as_str().unwrap().contains(HOSTILE)), "{sampled}");
}

/// What a message quotes is harmless as well.
#[test]
fn messages_are_one_harmless_line() {
    let lab = Lab::new();
    lab.write("corpus.jsonl", serde_json::json!({ HOSTILE: "a\nb" }).to_string());
    lab.write("bad.toml", format!("name = \"x\"\n\"{}\" = 1\n", "\\u001b[31m\\n"));
    for words in
        ["run experiment.toml --out out --device flex", "run bad.toml --out out --device flex", "report \u{1b}[31m"]
    {
        lab.refuses(words, "");
        assert!(is_harmless(&lab.call(words).stderr), "{words}");
    }
}

#[test]
fn help_fits_a_terminal() {
    let lab = Lab::new();
    for command in [
        "",
        "run",
        "plan",
        "step",
        "report",
        "compare",
        "train",
        "sample",
        "evaluate",
        "corpus",
        "corpus show",
        "devices",
    ] {
        let done = lab.works(&format!("{command} --help"));
        let widest = done.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(done.stderr.is_empty() && widest <= 100, "{command}: {}", done.stdout);
        assert!(done.stdout.contains("Usage: habsburg"), "{command}: {}", done.stdout);
    }
    assert!(lab.works("--version").stdout.starts_with("habsburg "));
}
