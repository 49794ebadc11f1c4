//! Bounds on what is read, so that a mistaken or hostile file is refused instead of filling the memory.

use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// Bytes that a line of JSON lines counts beside its own: the record that is kept of its document. A file of very many very
/// short documents takes memory by their number, not by their bytes.
pub(crate) const RECORD: u64 = 512;

/// The most that is read of a corpus. Raise a bound where a file is meant to be larger; no bound changes a result.
///
/// ```
/// use corpus::Limits;
///
/// let limits = Limits::with(["line_bytes=1GiB", "files=20_000"])?;
/// assert_eq!((limits.line_bytes, limits.files), (1 << 30, 20_000));
/// assert_eq!(limits.text_bytes, Limits::default().text_bytes);
/// let error = Limits::with(["line_byte=1GiB"]).unwrap_err();
/// assert!(error.to_string().contains("did you mean `line_bytes`?"));
/// # Ok::<(), corpus::LimitError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one line: 64 MiB. A document of JSON lines is one line; a book has 1 MiB.
    #[serde(deserialize_with = "size")]
    pub line_bytes: u64,
    /// Bytes of one corpus after decompression: 16 GiB, four billion tokens. All text is held in memory, and a document of JSON
    /// lines counts 512 bytes beside its own.
    #[serde(deserialize_with = "size")]
    pub text_bytes: u64,
    /// Bytes that a compressed byte may stand for, past the first 64 MiB: 1000. Text is compressed to a third or a tenth; what
    /// was made to fill a memory, to a ten-thousandth.
    #[serde(deserialize_with = "size")]
    pub expansion: u64,
    /// Entries of a folder and the folders below it: 1,000,000.
    #[serde(deserialize_with = "size")]
    pub files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes: 64 << 20, text_bytes: 16 << 30, expansion: 1000, files: 1_000_000 }
    }
}

/// An assignment that sets no bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--limit {assignment}: {what}")]
pub struct LimitError {
    assignment: String,
    what: String,
}

impl Limits {
    /// No bounds: for files that this program wrote and sealed.
    pub const NONE: Self = Self { line_bytes: u64::MAX, text_bytes: u64::MAX, expansion: u64::MAX, files: u64::MAX };

    /// The keys.
    pub const KEYS: [&str; 4] = ["line_bytes", "text_bytes", "expansion", "files"];

    /// The defaults with assignments laid on them, as `line_bytes=1GiB`.
    ///
    /// # Errors
    /// A key that is none, with the nearest one; a value that is no size.
    pub fn with<S: AsRef<str>>(assignments: impl IntoIterator<Item = S>) -> Result<Self, LimitError> {
        let mut limits = Self::default();
        for assignment in assignments {
            let assignment = assignment.as_ref();
            limits.assign(assignment).map_err(|what| LimitError { assignment: assignment.to_owned(), what })?;
        }
        Ok(limits)
    }

    fn assign(&mut self, assignment: &str) -> Result<(), String> {
        let (key, value) = assignment.split_once('=').ok_or("give KEY=VALUE, as in line_bytes=1GiB")?;
        // `limits.line_bytes` is the same key in full, as an experiment file has it.
        let key = key.trim();
        let slot = match key.strip_prefix("limits.").unwrap_or(key) {
            "line_bytes" => &mut self.line_bytes,
            "text_bytes" => &mut self.text_bytes,
            "expansion" => &mut self.expansion,
            "files" => &mut self.files,
            other => return Err(unknown(other)),
        };
        *slot = parse_size(value)?;
        Ok(())
    }

    /// The larger of both, bound by bound.
    #[must_use]
    pub fn larger(&self, other: &Self) -> Self {
        Self {
            line_bytes: self.line_bytes.max(other.line_bytes),
            text_bytes: self.text_bytes.max(other.text_bytes),
            expansion: self.expansion.max(other.expansion),
            files: self.files.max(other.files),
        }
    }
}

fn unknown(key: &str) -> String {
    let known = Limits::KEYS.map(|known| (strsim::jaro_winkler(key, known), known));
    let nearest = known.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(similarity, _)| *similarity > 0.7);
    let near = nearest.map_or(String::new(), |(_, near)| format!("; did you mean `{near}`?"));
    format!("unknown key{near} (known here: {})", Limits::KEYS.join(", "))
}

/// Units, the largest first.
const UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
];

/// A size as people write it: `67108864`, `64MiB`, `1_000`, `2 GB`.
///
/// # Errors
/// Text that is no size, or one beyond 2^64.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let unit = UNITS.iter().find(|(name, _)| lower.ends_with(&name.to_ascii_lowercase()));
    let (number, factor) =
        unit.map_or((text, 1), |(name, factor)| (text[..text.len() - name.len()].trim_end(), *factor));
    let digits: String = number.chars().filter(|&c| c != '_').collect();
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let size = all_digits.then(|| digits.parse::<u64>().ok()?.checked_mul(factor)).flatten();
    size.ok_or_else(|| format!("{text:?} is no size below 2^64: give a whole number, as 67108864 or 64MiB"))
}

/// A size in words: `64 MiB`, `1000 bytes`.
pub fn in_bytes(size: u64) -> String {
    match UNITS.iter().take(4).find(|(_, factor)| size >= *factor && size.is_multiple_of(*factor)) {
        Some((name, factor)) => format!("{} {name}", size / factor),
        None => format!("{size} bytes"),
    }
}

/// A larger value of a bound, to try: the next power of two above `size`, as the command line takes it.
pub(crate) fn next(size: u64) -> String {
    in_bytes(size.saturating_add(1).checked_next_power_of_two().unwrap_or(u64::MAX))
        .replace(' ', "")
        .replace("bytes", "")
}

/// Reads a size that is a number, or a text with a unit.
///
/// # Errors
/// What is neither.
pub fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Size;
    impl Visitor<'_> for Size {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number, 0 or more, or a size as \"64MiB\"")
        }

        fn visit_u64<E>(self, size: u64) -> Result<u64, E> {
            Ok(size)
        }

        fn visit_i64<E: serde::de::Error>(self, size: i64) -> Result<u64, E> {
            u64::try_from(size).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(size), &self))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
            parse_size(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_any(Size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_said() {
        for (text, size) in
            [("0", 0), ("64MiB", 64 << 20), ("64 mib", 64 << 20), ("1_000", 1000), ("2GB", 2_000_000_000)]
        {
            assert_eq!(parse_size(text), Ok(size));
        }
        for text in ["", "MiB", "-1", "1.5GiB", "1e9", "17179869184TiB", "x"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!([64 << 20, 1 << 40, 1000, 1 << 10].map(in_bytes), ["64 MiB", "1 TiB", "1000 bytes", "1 KiB"]);
        assert_eq!([64 << 20, 1000].map(next), ["128MiB", "1KiB"]);
        assert_eq!(parse_size(&next(1 << 30)), Ok(2 << 30));
    }

    #[test]
    fn what_sets_no_bound_is_refused() {
        for (assignment, why) in [
            ("line_bytes", "give KEY=VALUE"),
            ("linebytes=1", "did you mean `line_bytes`?"),
            ("zzz=1", "unknown key (known here: line_bytes"),
            ("files=many", "\"many\" is no size"),
        ] {
            let message = Limits::with([assignment]).unwrap_err().to_string();
            assert!(message.starts_with(&format!("--limit {assignment}: ")) && message.contains(why), "{message}");
        }
        assert_eq!(Limits::with(["limits.files=1"]).unwrap().files, 1);
    }

    #[test]
    fn a_table_holds_numbers_or_texts() {
        let limits: Limits = toml::from_str("line_bytes = \"1GiB\"\nfiles = 7").unwrap();
        assert_eq!((limits.line_bytes, limits.files), (1 << 30, 7));
        assert!(toml::from_str::<Limits>("files = -7").is_err());
        assert!(toml::from_str::<Limits>("file = 7").unwrap_err().to_string().contains("`files`"));
    }
}
