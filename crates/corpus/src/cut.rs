//! Cutting documents into pieces that fit a context: at paragraphs, then sentences, then words, then tokens.

use std::ops::Range;

use rayon::prelude::*;

use crate::document::Document;
use crate::segment::{paragraphs, sentences, trimmed, words};
use crate::tokenizer::Tokenizer;

/// The least that pieces may hold: one character can take four tokens.
pub const SMALLEST_PIECE: usize = 4;

/// Cuts a document into pieces of at most `max_tokens` tokens, each encoded on its own. Whole paragraphs are gathered as
/// long as they fit; a paragraph that is too long is gathered by sentences; a sentence that is too long is cut at white
/// space, or at tokens where there is none. Only the last kind of cut ends a piece before its sentence does: such a piece
/// is `truncated` and may hold one token more, for a truncated document needs no place for its end (a context of `T`
/// positions takes `max_tokens = T - 1`). Nothing is lost but white space at the cuts. Ids are `id/0001` and so on.
///
/// # Panics
/// If `max_tokens` is below [`SMALLEST_PIECE`].
pub fn cut(document: &Document, tokenizer: &Tokenizer, max_tokens: usize) -> Vec<Document> {
    assert!(max_tokens >= SMALLEST_PIECE, "pieces of {max_tokens} tokens cannot hold every character");
    let text = document.text.trim_end();
    let mut cutter = Cutter { text, tokenizer, max_tokens, open: None, closed: Vec::new() };
    for paragraph in paragraphs(text) {
        cutter.paragraph(&paragraph);
    }
    cutter.close(false);
    let last = cutter.closed.len().saturating_sub(1);
    (cutter.closed.into_iter().enumerate())
        .map(|(number, (range, truncated))| {
            let mut piece = document.part(format!("{}/{:04}", document.id, number + 1), range.start, range.end);
            piece.truncated = truncated || (number == last && document.truncated);
            piece
        })
        .collect()
}

/// The id of the document that [`cut`] made the piece `id` from; an id that is no piece's is its own.
pub fn source_of(id: &str) -> &str {
    let is_number = |piece: &str| piece.len() >= 4 && piece.bytes().all(|byte| byte.is_ascii_digit());
    id.rsplit_once('/').filter(|(_, piece)| is_number(piece)).map_or(id, |(source, _)| source)
}

/// [`cut`] for many documents, on all threads; the pieces keep the documents' order.
///
/// # Panics
/// As [`cut`].
pub fn cut_all(documents: &[Document], tokenizer: &Tokenizer, max_tokens: usize) -> Vec<Document> {
    documents.par_iter().flat_map_iter(|document| cut(document, tokenizer, max_tokens)).collect()
}

/// A range that more may join, with its tokens when encoded on its own.
struct Open {
    range: Range<usize>,
    tokens: usize,
}

struct Cutter<'a> {
    text: &'a str,
    tokenizer: &'a Tokenizer,
    max_tokens: usize,
    open: Option<Open>,
    /// Trimmed ranges, and whether each stops before its sentence does.
    closed: Vec<(Range<usize>, bool)>,
}

impl Cutter<'_> {
    /// Tokens of a range that follows other text. They add up over neighbours: see [`crate::segment`].
    fn count(&self, range: &Range<usize>) -> usize {
        self.tokenizer.encode(&self.text[range.clone()]).len()
    }

    /// Tokens of a range that begins a piece, where the white space before it is dropped, given its `tokens` after other
    /// text: the two differ in the first word alone.
    fn count_first(&self, range: &Range<usize>, tokens: usize) -> usize {
        let part = &self.text[range.clone()];
        let start = part.len() - part.trim_start().len();
        let end = part[start..].find(char::is_whitespace).map_or(part.len(), |length| start + length);
        let count = |text: &str| self.tokenizer.encode(text).len();
        tokens - count(&part[..end]) + count(&part[start..end])
    }

    fn close(&mut self, truncated: bool) {
        if let Some(open) = self.open.take() {
            self.closed.push((trimmed(self.text, open.range), truncated));
        }
    }

    /// Joins a range to the open piece if that stays within `limit`.
    fn join(&mut self, range: &Range<usize>, tokens: usize, limit: usize) -> bool {
        match &mut self.open {
            Some(open) if open.tokens + tokens <= limit => {
                open.range.end = range.end;
                open.tokens += tokens;
                true
            }
            _ => false,
        }
    }

    fn paragraph(&mut self, range: &Range<usize>) {
        let parts: Vec<(Range<usize>, usize)> =
            sentences(self.text, range).into_iter().map(|part| (part.clone(), self.count(&part))).collect();
        let tokens: usize = parts.iter().map(|part| part.1).sum();
        if self.join(range, tokens, self.max_tokens) {
            return;
        }
        let alone = self.count_first(range, tokens);
        if alone <= self.max_tokens {
            self.close(false);
            self.open = Some(Open { range: range.clone(), tokens: alone });
            return;
        }
        for (part, tokens) in parts {
            if !self.join(&part, tokens, self.max_tokens) {
                self.close(false);
                self.sentence(part, tokens);
            }
        }
    }

    /// Begins a piece with a sentence, and cuts it if it is too long. What is left of it stays open.
    fn sentence(&mut self, range: Range<usize>, tokens: usize) {
        let tokens = self.count_first(&range, tokens);
        if tokens <= self.max_tokens {
            self.open = Some(Open { range, tokens });
            return;
        }
        let words = words(self.text, &range);
        let last = words.len() - 1;
        for (number, word) in words.into_iter().enumerate() {
            // A piece that stops within the sentence holds one token more, one that ends it does not.
            let limit = self.max_tokens + usize::from(number < last);
            let tokens = self.count(&word);
            if !self.join(&word, tokens, limit) {
                self.close(true);
                self.word(word, limit);
            }
        }
    }

    /// Begins a piece with a word, and cuts it if it is longer than `limit` tokens.
    fn word(&mut self, range: Range<usize>, limit: usize) {
        let mut range = trimmed(self.text, range);
        loop {
            let (head, whole) = self.head(&range);
            if whole && head <= limit {
                self.open = Some(Open { range, tokens: head });
                return;
            }
            let end = self.longest_head(&range);
            self.closed.push((range.start..end, true));
            range.start = end;
        }
    }

    /// Tokens at the beginning of a word, and whether these are all: a text without any white space is looked at in
    /// windows, for encoding all that is left at every cut would take quadratic time.
    fn head(&self, range: &Range<usize>) -> (usize, bool) {
        let window = self.window(range, 16 * (self.max_tokens + 1));
        (self.count(&window), window.end == range.end)
    }

    fn window(&self, range: &Range<usize>, bytes: usize) -> Range<usize> {
        let end = self.text.floor_char_boundary((range.start + bytes).min(range.end));
        range.start..end
    }

    /// The end of the longest beginning of a word that holds at most `max_tokens + 1` tokens on its own and leaves
    /// something over. At a token, or at the character's border before it.
    fn longest_head(&self, range: &Range<usize>) -> usize {
        let window = self.window(range, 16 * (self.max_tokens + 1));
        let ids = self.tokenizer.encode(&self.text[window.clone()]);
        let bytes: usize = ids.iter().take(self.max_tokens + 1).map(|&id| self.tokenizer.token(id).len()).sum();
        let mut end = self.text.floor_char_boundary((window.start + bytes).min(range.end - 1));
        // The first part of a word can take more tokens than it had within the word.
        while end > range.start && self.count(&(range.start..end)) > self.max_tokens + 1 {
            end = self.text.floor_char_boundary(end - 1);
        }
        if end > range.start { end } else { self.text.ceil_char_boundary(range.start + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spaceless(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    fn check(text: &str, tokenizer: &Tokenizer, max_tokens: usize) -> Vec<Document> {
        let pieces = cut(&Document::human("d", text, "s"), tokenizer, max_tokens);
        let mut rest = text;
        for (number, piece) in pieces.iter().enumerate() {
            assert_eq!(piece.id, format!("d/{:04}", number + 1));
            assert_eq!(source_of(&piece.id), "d");
            assert_eq!(piece.text, piece.text.trim());
            let tokens = tokenizer.encode(&piece.text).len();
            let limit = max_tokens + usize::from(piece.truncated);
            assert!(0 < tokens && tokens <= limit, "{tokens} tokens, limit {limit}: {:?}", piece.text);
            let start = rest.find(&piece.text).expect("pieces are parts of the text in its order");
            assert!(rest[..start].trim().is_empty());
            rest = &rest[start + piece.text.len()..];
        }
        assert!(rest.trim().is_empty(), "lost {rest:?}");
        assert!(!pieces.last().is_some_and(|piece| piece.truncated));
        pieces
    }

    #[test]
    fn gathers_paragraphs_then_sentences_then_words() {
        let text = "One.\n\nTwo.\n\nThree is longer. It has two sentences.\n\nFour words, no end in sight, goes on";
        let pieces = check(text, &Tokenizer::bytes(), 22);
        let texts: Vec<_> = pieces.iter().map(|piece| (piece.text.as_str(), piece.truncated)).collect();
        assert_eq!(
            texts,
            [
                ("One.\n\nTwo.", false),
                ("Three is longer.", false),
                ("It has two sentences.", false),
                ("Four words, no end in", true),
                ("sight, goes on", false),
            ]
        );
    }

    #[test]
    fn long_words_are_cut_at_characters_in_linear_time() {
        let text = "鯨は白い".repeat(20_000);
        let trained = Tokenizer::train_bpe(&["鯨は白い鯨は"; 3], 300).unwrap();
        for tokenizer in [Tokenizer::bytes(), trained] {
            let pieces = check(&text, &tokenizer, 31);
            let (last, others) = pieces.split_last().unwrap();
            assert!(!last.truncated && others.iter().all(|piece| piece.truncated));
        }
    }

    #[test]
    fn nothing_comes_of_nothing_and_truncation_is_inherited() {
        let tokenizer = Tokenizer::bytes();
        assert_eq!(cut(&Document::human("d", " \n\n ", "s"), &tokenizer, 10), []);
        let mut document = Document::human("d", "One.\n\nTwo thr", "s");
        document.truncated = true;
        let flags: Vec<_> = cut(&document, &tokenizer, 8).iter().map(|piece| piece.truncated).collect();
        assert_eq!(flags, [false, true]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn every_piece_fits_and_nothing_is_lost(
            text in r#"([a-d]{1,9}|'s|[0-9]|[.!?,"] |\PC|[ \n\u{2003}]|\n\n|\. [A-Z]){0,60}"#,
            max_tokens in 4usize..30,
        ) {
            let trained = Tokenizer::train_bpe(&["ab abc abcd 's 's don't. don't. An An cd abc", &text], 290).unwrap();
            for tokenizer in [Tokenizer::bytes(), trained] {
                let pieces = check(&text, &tokenizer, max_tokens);
                let joined: String = pieces.iter().map(|piece| spaceless(&piece.text)).collect();
                prop_assert_eq!(joined, spaceless(&text));
            }
        }
    }
}
