//! Names built of syllables.

use std::collections::BTreeSet;

use streams::Stream;

/// More names than this are not looked through.
const MOST: usize = 1_000_000;

/// Draws `count` names from a pattern of columns: `"Al Bren | der mon"` gives Alder, Almon, Brender, Brenmon; `_` stands
/// for a space, `-` for nothing. No name begins another, and none is in `taken`, to which they are added.
///
/// # Errors
/// The fault of the pattern, in words.
pub(crate) fn build(
    pattern: &str,
    count: usize,
    taken: &mut BTreeSet<String>,
    stream: &mut Stream,
) -> Result<Vec<String>, String> {
    let columns: Vec<Vec<&str>> = pattern.split('|').map(|column| column.split_whitespace().collect()).collect();
    if columns.iter().any(Vec::is_empty) {
        return Err("a column of syllables is empty: write them as \"Al Bren | der mon\"".to_owned());
    }
    let size = columns.iter().try_fold(1usize, |size, column| size.checked_mul(column.len()).filter(|&n| n <= MOST));
    let size = size.ok_or_else(|| format!("the syllables give more than {MOST} names: take fewer columns"))?;
    let mut names = BTreeSet::new();
    let mut order = Vec::new();
    for mut number in stream.permutation(size) {
        if order.len() == count {
            break;
        }
        let mut name = String::new();
        for column in &columns {
            let syllable = column[number % column.len()];
            number /= column.len();
            match syllable {
                "_" => name.push(' '),
                "-" => {}
                syllable => name.push_str(syllable),
            }
        }
        if !name.is_empty() && !taken.contains(&name) && is_apart(&names, &name) {
            names.insert(name.clone());
            order.push(name);
        }
    }
    if order.len() < count {
        return Err(format!(
            "the syllables give only {} names of which none begins another or is used elsewhere, and {count} are asked \
             for: add syllables, or lower `count`",
            order.len()
        ));
    }
    taken.extend(names);
    Ok(order)
}

/// True if `name` begins none of `names` and none of them begins it.
fn is_apart(names: &BTreeSet<String>, name: &str) -> bool {
    let above = names.range(name.to_owned()..).next();
    let begins = (1..=name.len()).filter(|&end| name.is_char_boundary(end)).any(|end| names.contains(&name[..end]));
    !begins && !above.is_some_and(|above| above.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::{Purpose, Streams};

    fn names(pattern: &str, count: usize) -> Result<Vec<String>, String> {
        let mut stream = Streams::new(3).stream(Purpose::Learner, 0, 0);
        build(pattern, count, &mut BTreeSet::from(["Almon".to_owned()]), &mut stream)
    }

    #[test]
    fn names_are_the_products_of_the_columns() {
        let mut all = names("Al Bren | der mon | - _", 3).unwrap();
        all.sort();
        for name in &all {
            let bare = name.trim_end();
            assert!(["Alder", "Brender", "Brenmon", "Almon"].contains(&bare), "{name:?}");
        }
        assert!(!all.contains(&"Almon".to_owned()), "it is taken");
    }

    #[test]
    fn no_name_begins_another() {
        // Al, Ale, Alen: only one of them can stand.
        assert_eq!(names("Al | - e en", 1).unwrap().len(), 1);
        assert!(names("Al | - e en", 2).unwrap_err().contains("only 1 names"));
    }

    #[test]
    fn wrong_patterns_are_refused() {
        assert!(names("Al |", 1).unwrap_err().contains("empty"));
        let wide = ["a b c d e f g h i j k l m n o p"; 6].join(" | ");
        assert!(names(&wide, 1).unwrap_err().contains("more than"));
    }
}
