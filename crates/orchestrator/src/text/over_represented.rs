//! The over-represented n-grams of a generation, followed through the generations before it; those of generation 1
//! followed through the later ones.

use super::measures::docs;
use crate::Error;
use crate::medium::{Generated, Observed};
use crate::steps::{json, write_file};
use corpus::Document;
use evaluation::{Dimension, Doc, Followed, Measure, OverRepresented, Reference, followed, metric};
use serde::Serialize;
use std::path::Path;

/// In a score stage: the most over-represented n-grams.
const FILE: &str = "over-represented.json";
/// N-grams that are kept.
const KEPT: usize = 10;
/// Documents of a generation in which n-grams are looked for: its first.
const DOCUMENTS: usize = 2000;

/// Contents of `over-represented.json`.
#[derive(Serialize)]
struct Found {
    /// Documents of the generation.
    documents: usize,
    ngrams: Vec<Course>,
}

/// One n-gram. Generated text may hold anything.
#[derive(Serialize)]
struct Course {
    #[serde(flatten)]
    ngram: OverRepresented,
    /// The share of the human test documents that hold it.
    human_share: f64,
    /// The share of each generation's documents that do, from generation 0 to this one.
    shares: Vec<f64>,
}

/// Writes down what this generation says too often, and measures how much of its text generation 1's n-grams cover; `first`
/// are those, once they were needed.
pub(super) fn measure(
    generation: &Observed<'_>,
    reference: &Reference,
    first: &mut Option<Vec<String>>,
    folder: &Path,
) -> Result<Vec<Measure>, Error> {
    let (human, generations) = (&generation.test.documents, generation.generations);
    let found = strongest(&generation.last(), reference);
    let names: Vec<&str> = found.iter().map(|one| one.ngram.as_str()).collect();
    let of_human = look(human, &names);
    let by_generation: Vec<Followed> = generations.iter().map(|of| look(of.documents, &names)).collect();
    let course = |(number, ngram): (usize, &OverRepresented)| Course {
        ngram: ngram.clone(),
        human_share: of_human.documents[number],
        shares: by_generation.iter().map(|followed| followed.documents[number]).collect(),
    };
    let documents = generation.last().documents.len();
    let ngrams = found.iter().enumerate().map(course).collect();
    write_file(&folder.join(FILE), &json(&Found { documents, ngrams }))?;
    if generation.number() == 0 {
        return Ok(Vec::new());
    }
    let first = first.get_or_insert_with(|| {
        let first = if generation.number() == 1 { found } else { strongest(&generations[1], reference) };
        first.into_iter().map(|one| one.ngram).collect()
    });
    // Of no n-grams there is nothing to follow.
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let row = |documents: &[Document]| Measure::new(&metric::OVER_REPRESENTED_COVERAGE, look(documents, first).words);
    let of_human = row(human).with(Dimension::Reference, "human");
    Ok(vec![row(generation.last().documents), of_human])
}

fn strongest(generated: &Generated<'_>, reference: &Reference) -> Vec<OverRepresented> {
    evaluation::over_represented(&docs(generated), reference, KEPT)
}

fn look(documents: &[Document], ngrams: &[impl AsRef<str>]) -> Followed {
    let texts = documents.iter().take(DOCUMENTS).map(|document| document.text.as_str());
    let docs: Vec<Doc<'_>> =
        texts.map(|text| Doc { text, ids: &[], truncated: false, reencoded_differs: false }).collect();
    followed(&docs, ngrams)
}
