//! Texts as words and signs, for a learner that knows nothing else of them.

use std::collections::BTreeMap;

/// A vocabulary that grows. Of a text with single spaces, none of them before a sign, the symbols give it back.
#[derive(Default)]
pub(crate) struct Words {
    known: BTreeMap<String, u32>,
    words: Vec<String>,
}

impl Words {
    /// The symbols of a text.
    pub(crate) fn symbols(&mut self, text: &str) -> Vec<u32> {
        let mut symbols = Vec::new();
        for word in text.split(' ') {
            let mut rest = word;
            while !rest.is_empty() {
                let letters = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let (symbol, after) = rest.split_at(letters.max(1));
                symbols.push(self.symbol(symbol));
                rest = after;
            }
        }
        symbols
    }

    fn symbol(&mut self, word: &str) -> u32 {
        if let Some(&symbol) = self.known.get(word) {
            return symbol;
        }
        let symbol = self.words.len() as u32;
        self.known.insert(word.to_owned(), symbol);
        self.words.push(word.to_owned());
        symbol
    }

    /// The text of symbols.
    pub(crate) fn text(&self, symbols: &[u32]) -> String {
        let mut text = String::new();
        for &symbol in symbols {
            let word = &self.words[symbol as usize];
            if !text.is_empty() && word.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }
}
