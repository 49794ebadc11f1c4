//! Size of a text.
//!
//! *Definitions.* `words`, `tokens`: all of them. `token-types`: different tokens.
//!
//! *Trap.* Nearly everything else grows or falls with these.

use super::entry::of_text;
use crate::measure::Measures;
use crate::metric::{Metric, Needs};
use crate::subject::Subject;
use crate::{Dimensions, Doc};

pub static WORDS: Metric = of_text("words", "Words", "words");

pub static GENERATED_TOKENS: Metric = of_text("tokens", "Tokens", "tokens").needs(Needs::Any);

pub static TOKEN_TYPES: Metric = of_text("token-types", "Different tokens", "tokens").needs(Needs::Any);

/// All three.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let tokens: usize = text.docs.iter().map(|doc| doc.ids.len()).sum();
    measures.push(&WORDS, Dimensions::NONE, text.grams().len() as f64);
    measures.push(&GENERATED_TOKENS, Dimensions::NONE, tokens as f64);
    measures.push(&TOKEN_TYPES, Dimensions::NONE, token_types(text.docs) as f64);
}

fn token_types(docs: &[Doc<'_>]) -> usize {
    let mut ids: Vec<u32> = docs.iter().flat_map(|doc| doc.ids).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}
