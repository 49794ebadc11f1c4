//! One's own data against human text, without any training.

use super::parts::harmless;
use crate::Failure;
use crate::args::AuditArgs;
use corpus::{Document, FEW_DOCUMENTS, printable};
use evaluation::{Audit, Doc};
use serde_json::{Value, json};
use std::path::Path;
use streams::Streams;

/// Repeated documents that the page shows.
const REPEATED: usize = 20;

/// `habsburg audit`
pub(crate) fn audit(args: AuditArgs) -> Result<(), Failure> {
    let data = read(&args.text.data, &args.text.field)?;
    let human = read(&args.reference, args.reference_field.as_ref().unwrap_or(&args.text.field))?;
    let docs_of_data = docs(&data);
    let found = evaluation::audit(&docs_of_data, &docs(&human), Streams::new(args.seed)).map_err(Failure::request)?;
    match args.json {
        true => print_json(&found),
        false => print_text(&found),
    }
    if let Some(folder) = &args.out {
        let names = [&args.text.data, &args.reference].map(|path| path.display().to_string());
        let repeated = evaluation::repeated(&docs_of_data, REPEATED);
        let page = report::write_audit(&found, &repeated, names.each_ref().map(String::as_str), folder);
        eprintln!("page: {}", printable(&page.map_err(Failure::work)?.display().to_string()));
    }
    Ok(())
}

/// A few long documents are divided into blocks, as they are for training.
fn read(path: &Path, field: &str) -> Result<Vec<Document>, Failure> {
    let documents = corpus::read(path, field).map_err(Failure::request)?;
    match documents.len() {
        0..FEW_DOCUMENTS => Ok(documents.iter().flat_map(corpus::blocks).collect()),
        _ => Ok(documents),
    }
}

fn docs(documents: &[Document]) -> Vec<Doc<'_>> {
    let all = documents.iter();
    all.map(|d| Doc { text: &d.text, ids: &[], truncated: d.truncated, reencoded_differs: false }).collect()
}

fn print_text(found: &Audit) {
    found.verdict().iter().for_each(|line| println!("{}", printable(line)));
    println!("\nEvery comparison, in deviations of human text from human text on the side that is wrong:");
    found.comparisons.iter().for_each(|comparison| println!("  {}", printable(&comparison.line())));
    if !found.over_represented.is_empty() {
        println!("\nOver-represented n-grams, in documents of the data and of half the human text:");
    }
    for one in &found.over_represented {
        println!("  {:>6} {:>6}  {}", one.documents, one.human, printable(&one.ngram));
    }
}

fn print_json(found: &Audit) {
    let flaws: Vec<_> = found.findings().into_keys().collect();
    let verdict =
        json!({"found": flaws, "compared": found.compared, "splits": found.splits, "threshold": found.threshold});
    let lines = |kind: &str, values: Vec<Value>| {
        for value in values {
            println!("{}", harmless(&json!({ kind: value }).to_string()));
        }
    };
    lines("verdict", vec![verdict]);
    lines("comparison", found.comparisons.iter().map(|comparison| json!(comparison)).collect());
    lines("measure", found.measures.iter().map(|measure| json!(measure)).collect());
    lines("over-represented", found.over_represented.iter().map(|one| json!(one)).collect());
}
