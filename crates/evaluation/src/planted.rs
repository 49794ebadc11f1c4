//! Artifacts that were planted, or that somebody watches for.
//!
//! *Definitions.* [`planted_share`]: the share of documents that hold a phrase, between borders of words. Put into a share
//! p of a generation's documents, it is followed through the next: does it grow, or die out? [`ratio_of_words`]: how often
//! the words of one list stand, over those of two ("colour" among "colour" and "color"): whether a choice that people
//! make drifts.
//!
//! *Trap.* A share of documents grows with their length. Drift alone is no bias: copying at random moves a ratio too
//! (by p(1-p)/n a generation); a bias moves all seeds one way.

use crate::Doc;

/// The share of documents that hold `phrase`, case and spacing as given; `None` if there are no documents or no phrase.
pub fn planted_share(docs: &[Doc<'_>], phrase: &str) -> Option<f64> {
    let holds = |doc: &&Doc<'_>| {
        doc.text.match_indices(phrase).any(|(start, found)| {
            let before = doc.text[..start].chars().next_back();
            let after = doc.text[start + found.len()..].chars().next();
            !joined(before, phrase.chars().next()) && !joined(phrase.chars().next_back(), after)
        })
    };
    (!docs.is_empty() && !phrase.is_empty()).then(|| docs.iter().filter(holds).count() as f64 / docs.len() as f64)
}

/// True if two neighbours are of one word.
fn joined(a: Option<char>, b: Option<char>) -> bool {
    a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric)
}

/// Occurrences of the words of `these` over those of `these` and `those`, case as given and without the punctuation
/// around them; `None` if there are none of either.
pub fn ratio_of_words(docs: &[Doc<'_>], these: &[&str], those: &[&str]) -> Option<f64> {
    let (mut one, mut other) = (0usize, 0usize);
    for word in docs.iter().flat_map(|doc| crate::words(doc.text)) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        one += usize::from(these.contains(&word));
        other += usize::from(those.contains(&word));
    }
    (one + other > 0).then(|| one as f64 / (one + other) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn phrases_end_with_words() {
        let docs = ["The art, of it", "A start", "art", "Art of war"].map(plain);
        assert_eq!(planted_share(&docs, "art"), Some(0.5));
        assert_eq!(planted_share(&docs, ", of"), Some(0.25));
        assert_eq!(planted_share(&docs, ""), None);
        assert_eq!(planted_share(&[], "art"), None);
    }

    #[test]
    fn ratios_count_words() {
        let docs = ["(colour) color, colours", "\"color\""].map(plain);
        assert_eq!(ratio_of_words(&docs, &["colour"], &["color"]), Some(1.0 / 3.0));
        assert_eq!(ratio_of_words(&docs, &["grey"], &["gray"]), None);
    }
}
