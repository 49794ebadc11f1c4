//! `habsburg audit`: what it says of text, and that hostile text says nothing to the terminal.

use crate::lab::Lab;
use serde_json::Value;

#[test]
fn human_text_against_itself_is_clean() {
    let said = Lab::new().works("audit corpus.jsonl --reference corpus.jsonl").stdout;
    assert!(said.starts_with("Nothing found"), "{said}");
}

#[test]
fn repeated_documents_are_found_and_hostile_ones_escaped() {
    let lab = Lab::new();
    let corpus = lab.read("corpus.jsonl");
    let text = |i: usize| -> Value { serde_json::from_str(corpus.lines().nth(i).unwrap()).unwrap() };
    let document = |i: usize| {
        let words = text(i % 40)["text"].as_str().unwrap().to_owned();
        serde_json::json!({"id": i.to_string(), "text": format!("\u{1b}[2J {words}")}).to_string() + "\n"
    };
    lab.write("data.jsonl", (0..150).map(document).collect::<String>());
    let said = lab.works("audit data.jsonl --reference corpus.jsonl").stdout;
    assert!(said.starts_with("Found: duplicated"), "{said}");
    assert!(said.contains("\\u{1b}[2J") && !said.contains('\u{1b}'), "{said}");
    let lines = lab.works("audit data.jsonl --reference corpus.jsonl --json").stdout;
    assert!(!lines.contains('\u{1b}'));
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["verdict"]["found"][0], "duplicated");
    assert!(lines.iter().any(|line| line["measure"]["metric"] == "self-bleu"));
    assert!(lines.iter().filter_map(|line| line["comparison"]["scale"].as_f64()).all(|scale| scale > 0.0));

    let done = lab.works("audit data.jsonl --reference corpus.jsonl --out pages/first");
    assert_eq!(done.stdout, said, "a page changes nothing of what is said");
    let page = lab.read("pages/first/audit.html");
    assert!(page.contains("<b>duplicated</b>") && page.contains("<svg") && page.contains("<h2>Duplicates</h2>"));
    assert!(page.contains("⟨U+001B⟩[2J") && !page.contains('\u{1b}') && !page.contains("<script"), "{page}");
}

#[test]
fn too_little_is_refused() {
    let lab = Lab::new();
    lab.write("short.txt", "Too short.");
    lab.refuses("audit short.txt --reference corpus.jsonl", "the data has 1 documents");
    lab.refuses("audit corpus.jsonl --reference nowhere", "nowhere: there is no such file");
}
