//! Given n-grams in a text: what was found in one generation is followed through the others.
//!
//! *Definition.* Of each n-gram, the share of documents that hold it; of all together, the share of words that are in one.
//!
//! *Trap.* The n-grams were chosen because the one text has many: in it their share is too high by what chance did, and the
//! text of another generation, or other human text, is the fair one to compare with.

use std::collections::BTreeMap;

use crate::Doc;

/// How much of a text a list of n-grams is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Followed {
    /// The share of documents that hold it, for each n-gram; 0 of no documents.
    pub documents: Vec<f64>,
    /// The share of words that are in one of them; 0 of no words.
    pub words: f64,
}

/// Looks for n-grams (words parted by white space) in a text. One without words is in no document.
pub fn followed(docs: &[Doc<'_>], ngrams: &[impl AsRef<str>]) -> Followed {
    let ngrams: Vec<Vec<&str>> = ngrams.iter().map(|ngram| crate::words(ngram.as_ref()).collect()).collect();
    let mut by_first = BTreeMap::<&str, Vec<usize>>::new();
    for (number, ngram) in ngrams.iter().enumerate() {
        if let Some(first) = ngram.first() {
            by_first.entry(first).or_default().push(number);
        }
    }
    let (mut holding, mut covered, mut all) = (vec![0_usize; ngrams.len()], 0, 0);
    for doc in docs {
        let words: Vec<&str> = crate::words(doc.text).collect();
        let mut found = vec![false; ngrams.len()];
        // Words before this one are counted already.
        let mut end = 0;
        for (at, word) in words.iter().enumerate() {
            for &number in by_first.get(word).into_iter().flatten() {
                let ngram = &ngrams[number];
                if words[at..].starts_with(ngram) {
                    found[number] = true;
                    covered += (at + ngram.len()).saturating_sub(end.max(at));
                    end = end.max(at + ngram.len());
                }
            }
        }
        holding.iter_mut().zip(found).for_each(|(sum, found)| *sum += usize::from(found));
        all += words.len();
    }
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    Followed {
        documents: holding.into_iter().map(|held| share(held, docs.len())).collect(),
        words: share(covered, all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn by_hand() {
        let docs = ["a b a b c", "b a", "c a b", ""].map(plain);
        let found = followed(&docs, &["a b", "b a b", "c", "d", ""]);
        assert_eq!(found.documents, [0.5, 0.25, 0.5, 0.0, 0.0]);
        // All five words of the first document, none of the second, all three of the third.
        assert_eq!(found.words, 0.8);
        assert_eq!(followed(&[], &["a"]), Followed { documents: vec![0.0], words: 0.0 });
        assert_eq!(followed(&docs, &[] as &[&str]).words, 0.0);
    }

    #[test]
    fn overlaps_count_once() {
        let docs = ["a b c d a b"].map(plain);
        // "a b c" and "b c d" overlap in two words.
        assert_eq!(followed(&docs, &["a b c", "b c d"]).words, 4.0 / 6.0);
        assert_eq!(followed(&docs, &["a", "a b c d"]).words, 5.0 / 6.0);
    }
}
