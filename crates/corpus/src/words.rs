//! GPT-2's splitting of a text into words, before byte-pair encoding merges within each.
//!
//! The `tokenizers` crate has the same splitter; ours is several times as fast, which matters because every generation
//! encodes all its text, and a test holds the two against each other.

use std::sync::LazyLock;

use regex::Regex;

/// Contractions, then letters, numbers and other signs, each with at most one space before it, then white space.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+").expect("the pattern is fixed")
});

/// The words of a text, in order; joined they are the text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let found = WORD.find_at(text, position)?;
        let mut word = found.as_str();
        // A run of white space leaves its last character to the word that follows.
        if found.end() < text.len() && word.starts_with(char::is_whitespace) && word.trim_start().is_empty() {
            let last = word.chars().next_back().map_or(0, char::len_utf8);
            if last < word.len() {
                word = &word[..word.len() - last];
            }
        }
        position = found.start() + word.len();
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn white_space_leaves_one_character() {
        let split: Vec<_> = words("I'll go  on\n\n\"now\" 3rd\n ").collect();
        assert_eq!(split, ["I", "'ll", " go", " ", " on", "\n", "\n", "\"", "now", "\"", " 3", "rd", "\n "]);
    }
}
