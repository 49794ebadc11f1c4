//! One's own data against human text, without any training.

use super::parts::harmless;
use crate::Failure;
use crate::args::AuditArgs;
use crate::output::{Output, StandardError};
use corpus::{Document, FEW_DOCUMENTS, Limits, printable};
use evaluation::{Audit, Doc};
use serde_json::{Value, json};
use std::path::Path;
use streams::Streams;

/// Repeated documents that the page shows.
const REPEATED: usize = 20;

/// `habsburg audit`
pub(crate) fn audit(args: AuditArgs, out: &mut Output) -> Result<(), Failure> {
    let limits = args.text.limits.limits()?;
    let data = read(&args.text.data, &args.text.field, &limits)?;
    let human = read(&args.reference, args.reference_field.as_ref().unwrap_or(&args.text.field), &limits)?;
    let docs_of_data = docs(&data);
    let found = evaluation::audit(&docs_of_data, &docs(&human), Streams::new(args.seed)).map_err(Failure::request)?;
    match args.json {
        true => print_json(&found, out)?,
        false => print_text(&found, out)?,
    }
    if let Some(folder) = &args.out {
        let names = [&args.text.data, &args.reference].map(|path| path.display().to_string());
        let repeated = evaluation::repeated(&docs_of_data, REPEATED);
        let page = report::write_audit(&found, &repeated, names.each_ref().map(String::as_str), folder);
        writeln!(StandardError, "page: {}", printable(&page?.display().to_string()));
    }
    Ok(())
}

/// A few long documents are divided into blocks, as they are for training.
fn read(path: &Path, field: &str, limits: &Limits) -> Result<Vec<Document>, Failure> {
    let documents = corpus::read(path, field, limits)?;
    match documents.len() {
        0..FEW_DOCUMENTS => Ok(documents.iter().flat_map(corpus::blocks).collect()),
        _ => Ok(documents),
    }
}

fn docs(documents: &[Document]) -> Vec<Doc<'_>> {
    let all = documents.iter();
    all.map(|d| Doc { text: &d.text, ids: &[], truncated: d.truncated, reencoded_differs: false }).collect()
}

fn print_text(found: &Audit, out: &mut Output) -> Result<(), Failure> {
    for line in found.verdict() {
        writeln!(out, "{}", printable(&line))?;
    }
    writeln!(out, "\nEvery comparison, in deviations of human text from human text on the side that is wrong:")?;
    for comparison in &found.comparisons {
        writeln!(out, "  {}", printable(&comparison.line()))?;
    }
    if !found.over_represented.is_empty() {
        writeln!(out, "\nOver-represented n-grams, in documents of the data and of half the human text:")?;
    }
    for one in &found.over_represented {
        writeln!(out, "  {:>6} {:>6}  {}", one.documents, one.human, printable(&one.ngram))?;
    }
    Ok(())
}

fn print_json(found: &Audit, out: &mut Output) -> Result<(), Failure> {
    let flaws: Vec<_> = found.findings().into_keys().collect();
    let verdict =
        json!({"found": flaws, "compared": found.compared, "splits": found.splits, "threshold": found.threshold});
    let groups: [(&str, Vec<Value>); 4] = [
        ("verdict", vec![verdict]),
        ("comparison", found.comparisons.iter().map(|comparison| json!(comparison)).collect()),
        ("measure", found.measures.iter().map(|measure| json!(measure)).collect()),
        ("over-represented", found.over_represented.iter().map(|one| json!(one)).collect()),
    ];
    for (kind, values) in groups {
        for value in values {
            writeln!(out, "{}", harmless(&json!({ kind: value }).to_string()))?;
        }
    }
    Ok(())
}
