//! Documents that were cut.
//!
//! *Definitions.* `unfinished-share`: documents whose text doesn't end as a sentence does. `ceiling-share`: documents as
//! long as the longest (in words; or, in characters, within two percent of it): a limit leaves a heap at its height.
//!
//! *Trap.* Verse, lists and headings end without a full stop in human text too, and a text of few documents has one
//! that is longest: both mean something only beside the human share. What is flagged as truncated is counted in
//! `truncated-share`; this looks at the text alone.

use super::entry::compared;
use super::readability::ends_sentence;
use crate::Dimension::{Member, Reference, Unit};
use crate::measure::Measures;
use crate::metric::{Axis, Damage, Metric};
use crate::subject::Subject;
use crate::{Dimensions, Doc};

pub static UNFINISHED_SHARE: Metric =
    compared("unfinished-share", "Documents without an end", "share of the documents", &[Member, Reference])
        .on(Axis::Share)
        .worse(Damage::More);

pub static CEILING_SHARE: Metric =
    compared("ceiling-share", "Documents as long as the longest", "share of the documents", &[Member, Reference, Unit])
        .on(Axis::Share)
        .worse(Damage::More);

/// Both shares, of documents that aren't empty.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let endings: Vec<Ending> = text.docs.iter().map(Ending::of).collect();
    let shares = Shares::of(endings.iter());
    measures.number(&UNFINISHED_SHARE, Dimensions::NONE, shares.unfinished);
    measures.number(&CEILING_SHARE, Dimensions::NONE.with(Unit, "words"), shares.ceiling_words);
    measures.number(&CEILING_SHARE, Dimensions::NONE.with(Unit, "characters"), shares.ceiling_characters);
}

/// What is looked at of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    finished: bool,
    words: usize,
    characters: usize,
}

impl Ending {
    pub(crate) fn of(doc: &Doc<'_>) -> Self {
        Self {
            finished: ends_sentence(doc.text),
            words: crate::words(doc.text).count(),
            characters: doc.text.trim().chars().count(),
        }
    }
}

/// No numbers if all documents are empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    pub(crate) unfinished: f64,
    pub(crate) ceiling_words: f64,
    pub(crate) ceiling_characters: f64,
}

impl Shares {
    pub(crate) fn of<'a>(endings: impl Iterator<Item = &'a Ending> + Clone) -> Self {
        let endings = endings.filter(|ending| ending.words > 0);
        let longest = |length: fn(&Ending) -> usize| endings.clone().map(length).max().unwrap_or(0);
        let (words, characters) = (longest(|e| e.words), longest(|e| e.characters));
        let all = endings.clone().count() as f64;
        let share = |test: &dyn Fn(&Ending) -> bool| endings.clone().filter(|e| test(e)).count() as f64 / all;
        Self {
            unfinished: share(&|e| !e.finished),
            ceiling_words: share(&|e| e.words == words),
            ceiling_characters: share(&|e| 50 * e.characters >= 49 * characters),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    #[test]
    fn a_toy_text_by_hand() {
        let docs = ["One two three.", "One two thr", "", "Four five six"].map(plain);
        let shares = Shares::of(docs.map(|doc| Ending::of(&doc)).iter());
        assert_eq!((shares.unfinished, shares.ceiling_words, shares.ceiling_characters), (2.0 / 3.0, 1.0, 1.0 / 3.0));
        assert!(Shares::of([].iter()).unfinished.is_nan());
    }
}
