//! Text for a terminal's width.

use crate::visible::visible;

/// The text in lines of at most `width` characters, `most` of them, broken at spaces where that is possible. Nothing in
/// them commands a terminal; what was cut is marked.
pub(crate) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    // What cannot be shown need not be read: a character is a column at least.
    let enough: String = text.chars().take(width * (most + 1)).collect();
    for paragraph in visible(&enough, true).split('\n').filter(|paragraph| !paragraph.trim().is_empty()) {
        let mut line = String::new();
        for word in paragraph.split_whitespace().flat_map(|word| pieces(word, width)) {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(&word);
        }
        lines.push(line);
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(width.saturating_sub(2)).chain(" …".chars()).collect();
        }
    }
    lines
}

/// A word in pieces that fit a line.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    characters.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrapped("one two  three\nfour", 8, 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("abcdefghij k", 4, 9), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("a b c d e f", 3, 2), ["a b", "c …"]);
        assert_eq!(wrapped("\u{1b}[2J", 20, 2), ["⟨U+001B⟩[2J"]);
        assert!(wrapped(" \n", 9, 9).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_fits(text in any::<String>(), width in 3_usize..40) {
            let lines = wrapped(&text, width, 3);
            prop_assert!(lines.len() <= 3);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
            prop_assert!(!lines.concat().chars().any(char::is_control));
        }
    }
}
