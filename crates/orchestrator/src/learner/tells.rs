//! A generation's tells, followed through the generations before it; those of generation 1 followed through the later ones.

use super::{Corpus, Transformers, json, write_file};
use crate::Error;
use crate::scoring::{Measured, docs};
use corpus::Document;
use evaluation::{Doc, Followed, Tell, followed};
use serde::Serialize;
use std::path::Path;

/// In a score stage: the strongest tells.
const TELLS: &str = "tells.json";
/// Tells that are kept.
const STRONGEST: usize = 10;
/// Documents of a generation that tells are looked for in: its first.
const DOCUMENTS: usize = 2000;

/// What `tells.json` holds.
#[derive(Serialize)]
struct Told {
    /// Documents that the generation wrote.
    documents: usize,
    tells: Vec<Course>,
}

/// One tell. What a model wrote may hold anything.
#[derive(Serialize)]
struct Course {
    #[serde(flatten)]
    tell: Tell,
    /// The share of the human test documents that hold it.
    human_share: f64,
    /// The share of each generation's documents that do, from generation 0 to this one.
    shares: Vec<f64>,
}

impl Transformers<'_> {
    /// Writes down what this generation says too often, and measures how much of its text generation 1's tells are.
    pub(super) fn tells(&self, generation: u32, corpus: &Corpus, folder: &Path) -> Result<Vec<Measured>, Error> {
        let found = strongest(self, corpus);
        let names: Vec<&str> = found.iter().map(|tell| tell.ngram.as_str()).collect();
        let human = look(&self.human.test.documents, &names);
        let by_generation: Vec<Followed> =
            self.written.borrow().iter().map(|written| look(written.own(&self.human.tokenizer).0, &names)).collect();
        let course = |(number, tell): (usize, &Tell)| Course {
            tell: tell.clone(),
            human_share: human.documents[number],
            shares: by_generation.iter().map(|followed| followed.documents[number]).collect(),
        };
        let told = Told { documents: corpus.documents.len(), tells: found.iter().enumerate().map(course).collect() };
        write_file(&folder.join(TELLS), &json(&told))?;
        if generation == 0 {
            return Ok(Vec::new());
        }
        let names = self.first_tells.get_or_init(|| {
            let first = if generation == 1 { found } else { strongest(self, &self.written.borrow()[1]) };
            first.into_iter().map(|tell| tell.ngram).collect()
        });
        // Of no tells there is nothing to follow.
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let row = |detail, documents: &[Document]| {
            Measured::new("written", "tell-coverage", detail, look(documents, names).words)
        };
        Ok(vec![row("generation-1", corpus.own(&self.human.tokenizer).0), row("human", &self.human.test.documents)])
    }
}

fn strongest(learner: &Transformers<'_>, corpus: &Corpus) -> Vec<Tell> {
    let (documents, tokens) = corpus.own(&learner.human.tokenizer);
    evaluation::tells(&docs(documents, tokens, &[]), &learner.seed.reference, STRONGEST)
}

fn look(documents: &[Document], ngrams: &[impl AsRef<str>]) -> Followed {
    let texts = documents.iter().take(DOCUMENTS).map(|document| document.text.as_str());
    let docs: Vec<Doc<'_>> =
        texts.map(|text| Doc { text, ids: &[], truncated: false, reencoded_differs: false }).collect();
    followed(&docs, ngrams)
}
