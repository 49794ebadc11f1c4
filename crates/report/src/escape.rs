//! Generated text made safe to show. It may hold markup, terminal escapes, and marks that reorder or hide what stands
//! around them.

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

/// Text as content or quoted attribute of HTML, visible.
pub(crate) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in visible(text, true).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
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
        assert_eq!(html("<script>'\"&</script>"), "&lt;script&gt;&#39;&quot;&amp;&lt;/script&gt;");
    }

    proptest! {
        #[test]
        fn nothing_commands(text in any::<String>()) {
            prop_assert!(!visible(&text, false).chars().any(char::is_control));
            let safe = html(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            prop_assert!(!safe.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
