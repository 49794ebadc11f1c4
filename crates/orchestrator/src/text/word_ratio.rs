//! Ratios of words that an experiment watches: of two ways to say something, how often the one is taken. A choice that
//! people make can drift when models read models ([`evaluation::ratio_of_words`]).
//!
//! *Trap.* Drift alone is no bias: copying at random moves a ratio too. A bias moves all seeds one way.

use corpus::Document;
use evaluation::metric::WORD_RATIO;
use evaluation::{Dimension, Doc, Measure, ratio_of_words};
use experiment::WordRatio;

/// The share in what was generated, and in other human text; nothing where neither choice is there.
pub(super) fn measures(ratio: &WordRatio, generated: &[Document], human: &[Document]) -> Vec<Measure> {
    let share = |documents: &[Document]| {
        let doc = |document| Doc { text: document, ids: &[], truncated: false, reencoded_differs: false };
        let docs: Vec<Doc<'_>> = documents.iter().map(|document| doc(document.text.as_str())).collect();
        let [these, those] =
            [&ratio.these, &ratio.those].map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
        ratio_of_words(&docs, &these, &those)
    };
    let row = |share| Measure::new(&WORD_RATIO, share).with(Dimension::Part, ratio.name());
    let of_human = |share| row(share).with(Dimension::Reference, "human");
    share(generated).map(row).into_iter().chain(share(human).map(of_human)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use corpus::{Origin, Provenance};

    fn ratio(these: &[&str], those: &[&str]) -> WordRatio {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        WordRatio { these: owned(these), those: owned(those) }
    }

    #[test]
    fn shares_are_counted_beside_human_text() {
        let document = |text: &str| Document {
            id: text.to_owned(),
            text: text.to_owned(),
            truncated: false,
            provenance: Provenance::of(Origin::Human),
        };
        let (written, human) = ([document("He came. she, he and she"), document("he")], [document("she he")]);
        let found = measures(&ratio(&["he", "He"], &["she"]), &written, &human);
        let found: Vec<(String, f64)> = found.iter().map(|row| (row.dimensions.to_string(), row.value)).collect();
        assert_eq!(found, [("part he+He/she".into(), 0.6), ("reference human, part he+He/she".into(), 0.5)]);
        assert!(measures(&ratio(&["colour"], &["color"]), &written, &human).is_empty());
    }
}
