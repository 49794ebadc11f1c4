//! Generated text made safe to show. It may hold terminal escapes, and marks that reorder or hide what stands around
//! them. Markup in it is the templates' business: see `document`.

use corpus::is_hidden;

/// The text in which every character shows and none commands: line feeds and tabs stay if `layout` does; other control
/// characters, and what is invisible or reorders text, become their numbers (⟨U+202E⟩). The pictures that Unicode has for
/// control characters are missing from many fonts.
pub(crate) fn visible(text: &str, layout: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' if layout => shown.push(c),
            _ if is_hidden(c) => shown.push_str(&format!("⟨U+{:04X}⟩", c as u32)),
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        assert_eq!(visible("a\u{1b}[31mred\r\n", true), "a⟨U+001B⟩[31mred⟨U+000D⟩\n");
        assert_eq!(visible("a\nb\tc", false), "a⟨U+000A⟩b⟨U+0009⟩c");
        assert_eq!(visible("\u{202e}evil\u{7f}\u{9b}\u{feff}", true), "⟨U+202E⟩evil⟨U+007F⟩⟨U+009B⟩⟨U+FEFF⟩");
        assert_eq!(visible("naïve — \u{fffd} 日本 🙂 עברית", true), "naïve — \u{fffd} 日本 🙂 עברית");
    }

    proptest! {
        #[test]
        fn nothing_commands(text in any::<String>()) {
            prop_assert!(!visible(&text, false).chars().any(char::is_control));
            prop_assert!(!visible(&text, true).chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
