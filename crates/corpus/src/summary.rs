//! What a corpus holds, in numbers and first lines.

use std::collections::HashMap;
use std::fmt;

use crate::document::Document;
use crate::printable::printable;

/// Counts over a corpus. Words are what white space parts, types are distinct words, hapax those that occur once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Documents.
    pub documents: usize,
    /// Bytes of text in UTF-8.
    pub bytes: u64,
    /// Words.
    pub words: u64,
    /// Distinct words.
    pub types: usize,
    /// Words that occur once.
    pub hapax: usize,
    /// The beginnings of the first documents, safe to print: see [`printable`].
    pub first_lines: Vec<String>,
}

/// Documents of which the first line is shown.
const FIRST: usize = 5;

/// Characters of a first line.
const WIDTH: usize = 100;

/// Counts over documents.
pub fn summary(documents: &[Document]) -> Summary {
    // Only counted over, never printed: its order does not matter.
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut summary = Summary { documents: documents.len(), ..Summary::default() };
    for document in documents {
        summary.bytes += document.text.len() as u64;
        for word in document.text.split_whitespace() {
            summary.words += 1;
            *counts.entry(word).or_default() += 1;
        }
    }
    summary.types = counts.len();
    summary.hapax = counts.values().filter(|&&count| count == 1).count();
    summary.first_lines = (documents.iter().take(FIRST))
        .map(|document| {
            let line = document.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
            let cut: String = line.trim().chars().take(WIDTH).collect();
            let more = if cut.len() < line.trim().len() { "…" } else { "" };
            format!("{}: {}{more}", printable(&document.id), printable(&cut))
        })
        .collect();
    summary
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "documents  {}", self.documents)?;
        writeln!(f, "bytes      {}", self.bytes)?;
        writeln!(f, "words      {}", self.words)?;
        writeln!(f, "types      {}", self.types)?;
        writeln!(f, "hapax      {}", self.hapax)?;
        writeln!(f, "begins")?;
        self.first_lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_by_white_space() {
        let documents = [Document::human("a", "\n the cat\nthe hat", "s"), Document::human("b", "é cat", "s")];
        let summary = summary(&documents);
        assert_eq!((summary.documents, summary.bytes, summary.words), (2, 23, 6));
        assert_eq!((summary.types, summary.hapax), (4, 2));
        assert_eq!(summary.first_lines, ["a: the cat", "b: é cat"]);
    }

    #[test]
    fn hostile_lines_are_spelled_out() {
        let document = Document::human("\u{1b}[2J", "\u{1b}]0;pwned\u{7}\u{202e}txt \u{9b}31m", "s");
        let text = summary(&[document]).to_string();
        assert!(text.contains("\\u{1b}[2J: \\u{1b}]0;pwned\\u{7}\\u{202e}txt \\u{9b}31m"), "{text}");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
