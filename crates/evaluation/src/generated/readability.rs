//! Readability.
//!
//! *Definition.* `reading-ease` (Flesch 1948): 206.835 - 1.015 · words per sentence - 84.6 · syllables per word, over all
//! documents together; prose of newspapers has 50 to 60, higher is easier. A sentence ends at `.`, `!`, `?` or `…`
//! before white space (quotes and brackets may stand between) and with its document; a word has a letter or a digit.
//! Syllables: runs of the vowels a, e, i, o, u and y, less one for a silent e at the end (but not -le after a
//! consonant), at least one.
//!
//! *Trap.* Abbreviations end sentences here, and syllables are guessed (within some percent of a dictionary for English,
//! nonsense for other languages): the value compares texts, and isn't that of another program. Text that never ends a
//! sentence reads as very hard.

use super::entry::compared;
use crate::Dimension::{Member, Reference};
use crate::measure::Measures;
use crate::metric::Metric;
use crate::subject::Subject;
use crate::{Dimensions, Doc};

pub static READING_EASE: Metric = compared("reading-ease", "Reading ease (Flesch)", "score", &[Member, Reference]);

/// `reading-ease`.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    measures.number(&READING_EASE, Dimensions::NONE, reading_ease(text.docs));
}

/// Over all documents; no number if there are no words.
fn reading_ease(docs: &[Doc<'_>]) -> f64 {
    let (mut words, mut sentences, mut syllables) = (0usize, 0usize, 0usize);
    for doc in docs {
        // Whether words stand after the last end of a sentence.
        let mut open = false;
        for word in crate::words(doc.text) {
            if word.chars().any(char::is_alphanumeric) {
                words += 1;
                syllables += count_syllables(word);
                open = true;
            }
            if open && ends_sentence(word) {
                sentences += 1;
                open = false;
            }
        }
        sentences += usize::from(open);
    }
    206.835 - 1.015 * words as f64 / sentences as f64 - 84.6 * syllables as f64 / words as f64
}

/// True if a text ends as sentences do.
pub(crate) fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(|c: char| "\"'”’»)]}*_".contains(c) || c.is_whitespace())
        .ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

/// A guess at the syllables of an English word.
fn count_syllables(word: &str) -> usize {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let vowel = |c: &char| "aeiouy".contains(*c);
    let runs = letters.chunk_by(|a, b| vowel(a) == vowel(b)).filter(|run| vowel(&run[0])).count();
    let silent = match letters[..] {
        [.., before, 'l', 'e'] => vowel(&before),
        [.., before, 'e'] => !vowel(&before),
        _ => false,
    };
    (runs - usize::from(silent && runs > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn syllables_of_words() {
        for (word, count) in [
            ("the", 1),
            ("table", 2),
            ("make", 1),
            ("whole", 1),
            ("banana", 3),
            ("Queue,", 1),
            ("rhythm", 1),
            ("x2", 1),
            ("7", 1),
            ("readability", 5),
            ("e", 1),
            ("be", 1),
            ("agree", 2),
        ] {
            assert_eq!(count_syllables(word), count, "{word}");
        }
    }

    #[test]
    fn sentences_end() {
        for text in ["It ends.", "\"So?\"", "(Yes!)  ", "…", "He said “no.”\n"] {
            assert!(ends_sentence(text), "{text}");
        }
        for text in ["It goes", "", "one,", "3.5", "a.b"] {
            assert!(!ends_sentence(text), "{text}");
        }
    }

    #[test]
    fn the_formula_by_hand() {
        // Seven words, three sentences, eight syllables: the second document has no full stop.
        let docs = ["The cat sat. \"A table?\" -- ", "It ran"].map(plain);
        let expected = 206.835 - 1.015 * 7.0 / 3.0 - 84.6 * 8.0 / 7.0;
        assert!((reading_ease(&docs) - expected).abs() < 1e-12);
        assert!(reading_ease(&[plain(" -- ")]).is_nan());
    }
}
