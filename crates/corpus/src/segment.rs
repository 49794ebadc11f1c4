//! Where a text may be cut: paragraphs and sentences, as byte ranges of the text.
//!
//! A range begins with the white space that stands before it, so ranges that follow each other cover the text without a
//! gap, and a range never ends within white space that more text follows. Byte-level tokens never join what stands before
//! white space with the white space itself, hence the tokens of neighbouring ranges add up to the tokens of both.

use std::ops::Range;

/// Abbreviations before names and numbers; a full stop after one of these ends no sentence.
const ABBREVIATIONS: [&str; 18] = [
    "Mr", "Mrs", "Ms", "Dr", "St", "Messrs", "Hon", "Gen", "Col", "Capt", "Lt", "Rev", "No", "Nos", "vs", "Mt", "Prof",
    "viz",
];

/// The paragraphs of a text: what blank lines part.
pub(crate) fn paragraphs(text: &str) -> Vec<Range<usize>> {
    split(text, |_, gap| gap.bytes().filter(|&byte| byte == b'\n').count() >= 2)
}

/// The sentences of a range: what a full stop, question or exclamation mark ends, quotes and brackets after it
/// included, unless an initial, an abbreviation or a small letter next speaks against it.
pub(crate) fn sentences(text: &str, range: &Range<usize>) -> Vec<Range<usize>> {
    let part = &text[range.clone()];
    shift(split(part, |before, gap| ends_sentence(part, before, before + gap.len())), range.start)
}

/// The words of a range: what white space parts.
pub(crate) fn words(text: &str, range: &Range<usize>) -> Vec<Range<usize>> {
    shift(split(&text[range.clone()], |_, _| true), range.start)
}

fn shift(ranges: Vec<Range<usize>>, by: usize) -> Vec<Range<usize>> {
    ranges.into_iter().map(|range| range.start + by..range.end + by).collect()
}

/// Splits before every run of white space within the text for which `border(start of the run, the run)` holds. White
/// space alone makes no range of its own.
fn split(text: &str, border: impl Fn(usize, &str) -> bool) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    let end = text.trim_end().len();
    let mut position = text.len() - text.trim_start().len();
    while let Some(offset) = text[position.min(end)..end].find(char::is_whitespace) {
        let before = position + offset;
        let rest = &text[before..end];
        let gap = &rest[..rest.len() - rest.trim_start().len()];
        if border(before, gap) {
            ranges.push(start..before);
            start = before;
        }
        position = before + gap.len();
    }
    if !text.trim().is_empty() {
        ranges.push(start..text.len());
    }
    ranges
}

/// True if a sentence ends at byte `before`, the next word beginning at byte `after`.
fn ends_sentence(text: &str, before: usize, after: usize) -> bool {
    let closing = |c: char| matches!(c, '"' | '\'' | ')' | ']' | '}' | '_' | '*' | '\u{2019}' | '\u{201d}' | '\u{bb}');
    let closed = text[..before].trim_end_matches(closing);
    let Some(mark) = closed.chars().next_back().filter(|c| matches!(c, '.' | '?' | '!' | '\u{2026}')) else {
        return false;
    };
    if text[after..].chars().next().is_some_and(char::is_lowercase) {
        return false;
    }
    if mark != '.' {
        return true;
    }
    let word = closed[..closed.len() - 1].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    !initial && !ABBREVIATIONS.contains(&word)
}

/// A range without the white space at both its ends.
pub(crate) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'a>(text: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
        ranges.iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn blank_lines_part_paragraphs() {
        let text = "\n\nOne\nline.\n \nTwo.\n\n\n\nThree. \n";
        assert_eq!(texts(text, &paragraphs(text)), ["\n\nOne\nline.", "\n \nTwo.", "\n\n\n\nThree. \n"]);
        assert!(paragraphs(" \n\n ").is_empty() && paragraphs("").is_empty());
        assert_eq!(texts("x", &paragraphs("x")), ["x"]);
    }

    #[test]
    fn sentences_end_where_readers_say() {
        let text = "He said \"Go.\" She went! Mr. F. Smith, of No. 9, stayed. Why? e.g. this (so.) And 3.5 is one. end";
        let all = 0..text.len();
        assert_eq!(
            texts(text, &sentences(text, &all)),
            [
                "He said \"Go.\"",
                " She went!",
                " Mr. F. Smith, of No. 9, stayed.",
                " Why? e.g. this (so.)",
                " And 3.5 is one. end"
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn ranges_cover_the_text(text in "[a-zA-Z .!?\n\u{a0}é\u{2003}\"]{0,80}") {
            for ranges in [paragraphs(&text), sentences(&text, &(0..text.len()))] {
                let joined: String = ranges.iter().map(|range| &text[range.clone()]).collect();
                proptest::prop_assert!(joined == text || text.trim().is_empty());
                for range in &ranges {
                    proptest::prop_assert!(!text[range.clone()].trim().is_empty());
                }
                for pair in ranges.windows(2) {
                    let before = text[..pair[0].end].chars().next_back();
                    proptest::prop_assert!(before.is_some_and(|c| !c.is_whitespace()));
                    proptest::prop_assert!(text[pair[1].start..].starts_with(char::is_whitespace));
                }
            }
        }
    }
}
