//! Text from models and strangers made safe to print on a terminal.

/// The text with every hidden character spelled out as `\u{1b}`, see [`is_hidden`]: it does nothing to a terminal.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// True if a character commands a terminal, is invisible, or hides or reorders what stands around it: controls (line
/// feeds and tabs among them), joiners and marks of direction, separators of lines, fillers, tags, the supplementary
/// variation selectors, private use, and what is no character.
pub fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..)
        || (character as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_spelled_out() {
        assert_eq!(printable("a\u{1b}[31m\n\u{202e}b"), "a\\u{1b}[31m\\u{a}\\u{202e}b");
        let invisible = "\u{34f}\u{115f}\u{3164}\u{e001}\u{feff}\u{fffe}\u{1fffe}\u{e0041}\u{e0100}\u{10ffff}";
        assert!(invisible.chars().all(is_hidden));
        let visible = "naïve — \u{fffd} 日本 🙂 עברית e\u{301} \u{fe0f}";
        assert_eq!(printable(visible), visible);
        assert!((0..=char::MAX as u32).filter_map(char::from_u32).all(|c| !c.is_control() || is_hidden(c)));
    }
}
