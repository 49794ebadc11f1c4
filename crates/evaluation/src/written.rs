//! All metrics of a written text.

use crate::measure::{Measure, Measures, Side};
use crate::sample::Sample;
use crate::text::Words;
use crate::{Doc, Reference, flaws, relative, vocabulary};

/// Measures what a generation wrote, beside human text. The metrics and their details are:
///
/// | metric | detail |
/// |---|---|
/// | `words`, `tokens`, `token-types` | |
/// | `types`, `hapax-share`, `unigram-entropy`, `vocabulary-survival` | empty (all the text), `equal`, `human` |
/// | `zipf-exponent`, `zipf-error`, `heaps-exponent`, `heaps-error`, `missing-mass`, `uncovered-mass` | `equal`, `human` |
/// | `distinct`, `jensen-shannon` | `1` to `4`, `human-1` to `human-4` |
/// | `entropy`, `repetition` | `2` to `4`, `human-2` to `human-4` |
/// | `hill` | `0` to `2`, `human-0` to `human-2` |
/// | `coverage` | `1-rare`, `1-medium`, `1-frequent` to `4-frequent`, `human-1-rare` to `human-4-frequent` |
/// | `tell-rate`, `self-bleu`, `edit-distance`, `mattr`, `reading-ease`, `diversity` | empty, `human` |
/// | `tail-token-rate` | `words`, `tokens`, `human-words`, `human-tokens` |
/// | `novel-share`, `unfinished-share` | empty, `human` |
/// | `mean-length` | `words`, `tokens`, `human-words` |
/// | `length-quantile` | `words-10`, `words-50`, `words-90`, `human-words-10` to `human-words-90` |
/// | `duplicate-share` | `exact`, `near`, `human-exact`, `human-near` |
/// | `ceiling-share` | `words`, `characters`, `human-words`, `human-characters` |
/// | `truncated-share`, `reencoded-share`, `replacement-share` | |
/// | `relative` | a metric that is compared at equal size, with its detail: `types`, `hill-1`, `coverage-1-rare` |
///
/// What has `equal`, and what stands below it down to `coverage`, with `tell-rate`, are means over samples of
/// [`Reference::words`] words; `human` is the twin, sampled in the same way. `self-bleu` takes 1,000 documents, or as
/// many as the twin has.
///
/// A share of nothing is left out, and so is what is measured at equal size where the text is shorter than that.
pub fn written(docs: &[Doc<'_>], reference: &Reference) -> Vec<Measure> {
    let (words, mut measures) = (Words::of(docs), Measures::default());
    let tokens: usize = docs.iter().map(|doc| doc.ids.len()).sum();
    measures.push("words", "", words.grams.len() as f64);
    measures.push("tokens", "", tokens as f64);
    measures.push("token-types", "", token_types(docs) as f64);
    if words.types.is_empty() || reference.vocabulary() == 0 {
        measures.push("types", "", words.types.len() as f64);
    } else {
        let all = Sample::everything(&words.grams);
        let counts = reference.counts(&words);
        vocabulary::report(all.order(1), &counts, reference.vocabulary(), "", &mut measures);
        let links = reference.known().links(&words);
        measures.extend(&reference.of_samples(&words, &links, Side::Written));
        measures.extend(&reference.of_cover(&words));
    }
    reference.of_all(docs, &words, Side::Written, &mut measures);
    flaws::report(docs, &mut measures);
    let mut compared = Measures::default();
    let own = measures.into_vec();
    relative::report(&own, reference.human(), &mut compared);
    [own, reference.human().to_vec(), compared.into_vec()].concat()
}

fn token_types(docs: &[Doc<'_>]) -> usize {
    let mut ids: Vec<u32> = docs.iter().flat_map(|doc| doc.ids).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}
