//! Which documents stand in a text more than once.
//!
//! *Definition.* Documents whose words are the same, white space aside: the `exact` of `duplicate-share`, as a list.
//!
//! *Trap.* Empty documents are all alike and are left out.

use std::collections::HashMap;

use crate::Doc;

/// A document that stands in a text more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Repeated<'a> {
    /// Number of copies.
    pub copies: usize,
    /// Number of the first, from 0.
    pub first: usize,
    /// Its text. It may hold anything: escape it before it is shown.
    pub text: &'a str,
}

/// The documents that stand in a text more than once: the `most` with most copies, of equals the earlier.
pub fn repeated<'a>(docs: &[Doc<'a>], most: usize) -> Vec<Repeated<'a>> {
    let mut found: Vec<Repeated<'a>> = Vec::new();
    let mut places = HashMap::<Vec<&str>, usize>::new();
    for (first, doc) in docs.iter().enumerate() {
        let words: Vec<&str> = crate::words(doc.text).collect();
        if words.is_empty() {
            continue;
        }
        let place = *places.entry(words).or_insert(found.len());
        match found.get_mut(place) {
            Some(repeated) => repeated.copies += 1,
            None => found.push(Repeated { copies: 1, first, text: doc.text }),
        }
    }
    found.retain(|repeated| repeated.copies > 1);
    found.sort_by_key(|repeated| (std::cmp::Reverse(repeated.copies), repeated.first));
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn by_copies() {
        let docs = ["x", "a  b", "", "c", "a b", "c", "a b ", "", "y", "z", "z"].map(plain);
        let found: Vec<(usize, usize, &str)> = repeated(&docs, 9).iter().map(|r| (r.copies, r.first, r.text)).collect();
        assert_eq!(found, [(3, 1, "a  b"), (2, 3, "c"), (2, 9, "z")]);
        assert_eq!(repeated(&docs, 1).len(), 1);
        assert_eq!(repeated(&[], 1), []);
    }
}
