//! Documents that were there before.
//!
//! *Definitions.* `duplicate-share` `exact`: documents whose words are those of an earlier one. `near`: these, and
//! documents of which at least half the different 8-word sequences are in one and the same earlier document (overlap
//! as in Lee et al. 2022, whose MinHash estimates what is counted here).
//!
//! *Trap.* The share grows with the number of documents. Shorter documents than eight words are only found exactly.
//! Boilerplate of forty words makes near duplicates of all short documents that carry it.

use super::entry::compared;
use crate::Dimension::{Member, Part, Reference};
use crate::Dimensions;
use crate::hash::{NumberMap, pair};
use crate::measure::Measures;
use crate::metric::{Axis, Damage, Metric};
use crate::subject::Subject;
use crate::text::Grams;

pub static DUPLICATE_SHARE: Metric =
    compared("duplicate-share", "Duplicates", "share of the documents", &[Member, Reference, Part])
        .on(Axis::Share)
        .worse(Damage::More);

/// Words of a sequence; two 4-grams.
const SEQUENCE: usize = 8;

/// `duplicate-share`, exact and near.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let grams = text.grams();
    let everything: Vec<usize> = (0..grams.documents().len()).collect();
    let sequences = Sequences::of(grams);
    let repeats = sequences.repeats(&everything);
    for (part, least) in [("exact", Repeat::Exact), ("near", Repeat::Near)] {
        let number = repeats.iter().filter(|&&repeat| repeat >= least).count();
        measures.share(&DUPLICATE_SHARE, Dimensions::NONE.with(Part, part), number as f64, repeats.len() as f64);
    }
}

/// What a document is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Repeat {
    No,
    Near,
    Exact,
}

/// Each document's different 8-word sequences as numbers, and the document itself as one, if it is not empty.
pub(crate) struct Sequences {
    of_document: Vec<Vec<u32>>,
    different: usize,
    whole: Vec<Option<u32>>,
}

impl Sequences {
    pub(crate) fn of(grams: &Grams) -> Self {
        let (mut numbers, mut wholes) = (NumberMap::<u64, u32>::default(), std::collections::HashMap::new());
        let (mut of_document, mut whole) = (Vec::new(), Vec::new());
        for range in grams.documents() {
            let quads = grams.grams(4, range);
            // The sequence that begins with one 4-gram ends with the one that begins four words later.
            let mut own: Vec<u32> = quads
                .iter()
                .zip(quads.iter().skip(SEQUENCE / 2))
                .map(|(&first, &second)| {
                    let next = numbers.len() as u32;
                    *numbers.entry(pair(first, second)).or_insert(next)
                })
                .collect();
            own.sort_unstable();
            own.dedup();
            of_document.push(own);
            let next = wholes.len() as u32;
            whole.push((!range.is_empty()).then(|| *wholes.entry(grams.grams(1, range)).or_insert(next)));
        }
        Self { of_document, different: numbers.len(), whole }
    }

    /// What each of these documents is to those before it in this order. Empty documents repeat nothing.
    pub(crate) fn repeats(&self, order: &[usize]) -> Vec<Repeat> {
        const NOBODY: u32 = u32::MAX;
        // Who had a sequence first; a repeat leaves what it repeats to the first.
        let mut first = vec![NOBODY; self.different];
        let mut seen = vec![false; self.whole.len()];
        let mut owners = Vec::new();
        order
            .iter()
            .zip(0..)
            .map(|(&document, place)| {
                let sequences = &self.of_document[document];
                let whole = self.whole[document];
                let before = whole.is_some_and(|whole| std::mem::replace(&mut seen[whole as usize], true));
                owners.clear();
                for &sequence in sequences {
                    let owner = &mut first[sequence as usize];
                    if *owner == NOBODY { *owner = place } else { owners.push(*owner) }
                }
                owners.sort_unstable();
                let most = owners.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
                match () {
                    () if before => Repeat::Exact,
                    () if most > 0 && 2 * most >= sequences.len() => Repeat::Near,
                    () => Repeat::No,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Words, plain};

    fn repeats(texts: &[&str]) -> Vec<Repeat> {
        let docs: Vec<_> = texts.iter().copied().map(plain).collect();
        let words = Words::of(&docs);
        Sequences::of(&words.grams).repeats(&(0..docs.len()).collect::<Vec<_>>())
    }

    #[test]
    fn exact_near_and_new() {
        use Repeat::{Exact, Near, No};
        // Nine words are two sequences; one changed at the end leaves one of two.
        let texts = [
            "a b c d e f g h i",
            "a b c d e f g h j",
            "a b c  d e f g h i",
            "x b c d e f g h y",
            "a b",
            "a b",
            "a c",
            "",
            "",
        ];
        assert_eq!(repeats(&texts), [No, Near, Exact, No, No, Exact, No, No, No]);
    }

    #[test]
    fn half_must_be_of_one_document() {
        use Repeat::No;
        let (a, b) = ("1 2 3 4 5 6 7 8 9", "q w e r t z u i o");
        let mixed = format!("{a} {b} k l m n k o p q r s t u v w x y z");
        assert_eq!(repeats(&[a, b, &mixed]), [No, No, No]);
    }
}
