//! All metrics of a written text.

use crate::measure::{Measure, Measures};
use crate::text::Words;
use crate::vocabulary::Richness;
use crate::{Doc, Reference, flaws, repetition, tail};

/// Measures what a generation wrote, beside human text. The metrics and their details are:
///
/// | metric | detail |
/// |---|---|
/// | `words`, `tokens`, `token-types` | |
/// | `types`, `hapax-share`, `unigram-entropy`, `vocabulary-survival` | empty (all the text), `equal`, `human` |
/// | `distinct` | `1` to `4`, `human-1` to `human-4` |
/// | `repetition` | `2` to `4`, `human-2` to `human-4` |
/// | `tail-token-rate` | `words`, `tokens`, `human-words`, `human-tokens` |
/// | `novel-share` | empty, `human` |
/// | `mean-length` | `words`, `tokens` |
/// | `truncated-share`, `reencoded-share`, `replacement-share` | |
///
/// `equal` and `distinct` are means over samples of [`Reference::words`] words; `human` is the twin, from `types`
/// to `distinct` sampled in the same way.
///
/// A share of nothing is left out, and so is what is measured at equal size where the text is shorter than that.
pub fn written(docs: &[Doc<'_>], reference: &Reference) -> Vec<Measure> {
    let (words, mut measures) = (Words::of(docs), Measures::default());
    let counts = reference.counts(&words);
    let tokens: usize = docs.iter().map(|doc| doc.ids.len()).sum();
    measures.push("words", "", words.len() as f64);
    measures.push("tokens", "", tokens as f64);
    measures.push("token-types", "", token_types(docs) as f64);
    match Richness::of(&words, &counts, reference.vocabulary()) {
        Some(richness) => richness.report("", &mut measures),
        None => measures.push("types", "", words.types.len() as f64),
    }
    if let Some(richness) = reference.at_equal_size(&words, &counts) {
        richness.report("equal", &mut measures);
        richness.report_distinct("", &mut measures);
    }
    repetition::report(&words, "", &mut measures);
    tail::report(reference, docs, &words, &counts, &tail::WRITTEN, &mut measures);
    measures.share("mean-length", "words", words.len() as f64, docs.len() as f64);
    flaws::report(docs, &mut measures);
    measures.extend(reference.human());
    measures.into_vec()
}

fn token_types(docs: &[Doc<'_>]) -> usize {
    let mut ids: Vec<u32> = docs.iter().flat_map(|doc| doc.ids).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}
