use crate::{Error, Result};

/// Longest name in bytes: leaves room for suffixes and paths on every file system.
const LONGEST: usize = 64;

/// Refuses a name (of an arm, an experiment) that is not a plain file name on every system: letters, digits, `-`, `_` and
/// `.`, beginning with a letter, a digit or `_`, not ending with `.`, at most 64 bytes, none of Windows' device names.
///
/// ```
/// assert!(rundir::check_name("ten-percent-human").is_ok());
/// assert!(rundir::check_name("../elsewhere").is_err());
/// ```
///
/// # Errors
/// [`Error::Name`] with the rule that is broken.
pub fn check_name(name: &str) -> Result<()> {
    let refuse = |why| Err(Error::Name { what: name.to_owned(), why });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > LONGEST {
        return refuse("it is longer than 64 bytes");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return refuse("use ASCII letters, digits, `-`, `_` and `.` only, it becomes a folder");
    }
    if name.starts_with(['.', '-']) {
        return refuse("it must not start with `.` or `-`");
    }
    if name.ends_with('.') {
        return refuse("it must not end with `.`");
    }
    if is_device(name) {
        return refuse("Windows reserves it for a device");
    }
    Ok(())
}

/// Windows takes `CON`, and also `con.txt`, for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    port.is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::check_name;
    use proptest::prelude::*;

    #[test]
    fn usable_names() {
        for name in ["replace", "a", "0", "_x", "ten-percent.human_2", "console", "com10", &"x".repeat(64)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn unusable_names_say_why() {
        let long = "x".repeat(65);
        for (name, word) in [
            ("", "empty"),
            (long.as_str(), "64 bytes"),
            ("a/b", "ASCII letters"),
            ("a\\b", "ASCII letters"),
            ("über", "ASCII letters"),
            ("a b", "ASCII letters"),
            ("a\u{1b}[31m", "ASCII letters"),
            ("..", "start with"),
            ("-rf", "start with"),
            ("end.", "end with"),
            ("NUL", "Windows"),
            ("con.txt", "Windows"),
            ("lpt1", "Windows"),
        ] {
            let said = check_name(name).expect_err(name).to_string();
            assert!(said.contains(word), "{name}: {said}");
            assert!(!said.contains('\u{1b}'), "a terminal escape came through");
        }
    }

    proptest! {
        /// Whatever is accepted is one ordinary component of a path.
        #[test]
        fn accepted_names_are_one_component(name in "[ -~]{0,70}|\\PC{0,8}|[a-zA-Z0-9._-]{1,66}") {
            if check_name(&name).is_ok() {
                let parts: Vec<_> = std::path::Path::new(&name).components().collect();
                prop_assert_eq!(parts.len(), 1);
                prop_assert!(matches!(parts[0], std::path::Component::Normal(_)));
                prop_assert!(name.len() <= 64);
            }
        }
    }
}
