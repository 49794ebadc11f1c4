//! The tail: what is rare in human text.
//!
//! *Definition.* The tail is the rarest human types: all that occur at most c times, c being the largest count at which
//! they hold no more than five percent of the human text (but at least its rarest types). Types of one count are not
//! divided, so no order among equals enters. `tail-token-rate` is the share of the written words, or tokens, that
//! belong to it. The tail is what collapse takes first (Shumailov et al. 2024; Dohmatob et al. 2024, "A Tale of
//! Tails"); five percent is near the 0.064 of human text in the one published chain that reports such a rate.
//!
//! *Trap.* The types were chosen for having been rare in one sample, and some of them were lucky to be in it at all:
//! another human text holds less than five percent of them (three in ten words seen once are missing from other human text). So
//! the human rate beside it is that of a text that had no part in the choice. Words that no human wrote are no tail:
//! `novel-share` counts them.

use super::entry::compared;
use crate::Dimension::{Member, Reference, Unit};
use crate::Dimensions;
use crate::measure::Measures;
use crate::metric::{Axis, Damage, Figure, Metric, Panel};
use crate::subject::Subject;

pub static TAIL_TOKEN_RATE: Metric =
    compared("tail-token-rate", "Words of the tail", "share of the words", &[Member, Reference, Unit])
        .worse(Damage::Less)
        .drawn(
            &Figure {
                name: "tail-token-rate",
                title: "The tail",
                label: "share of the generated words",
                axis: Axis::Share,
                caption: "Share of what was generated that belongs to the rarest types of the human text.",
            },
            &[Panel { title: "Words of the tail", views: &[&[(Unit, "words")], &[(Unit, "tokens")]] }],
        );

pub static NOVEL_SHARE: Metric =
    compared("novel-share", "Words new to the human text", "share of the words", &[Member, Reference]).on(Axis::Share);

/// The highest counts, in the human text, of what belongs to the tail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) words: u64,
    pub(crate) tokens: u64,
}

/// `tail-token-rate` of words and tokens, and `novel-share`.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let (grams, counts, tail) = (text.grams(), text.counts, text.reference.tail());
    let (mut rare, mut novel, mut rare_tokens, mut tokens) = (0usize, 0usize, 0usize, 0usize);
    for &word in grams.documents().iter().flat_map(|range| grams.grams(1, range)) {
        let count = counts[word as usize];
        rare += usize::from((1..=tail.words).contains(&count));
        novel += usize::from(count == 0);
    }
    for &id in text.docs.iter().flat_map(|doc| doc.ids) {
        tokens += 1;
        rare_tokens += usize::from((1..=tail.tokens).contains(&text.reference.token_count(id)));
    }
    measures.share(&TAIL_TOKEN_RATE, Dimensions::NONE.with(Unit, "words"), rare as f64, grams.len() as f64);
    measures.share(&TAIL_TOKEN_RATE, Dimensions::NONE.with(Unit, "tokens"), rare_tokens as f64, tokens as f64);
    measures.share(&NOVEL_SHARE, Dimensions::NONE, novel as f64, grams.len() as f64);
}

/// Share of the human text that the tail may hold.
const MASS: f64 = 0.05;

/// The highest count of a type in the tail, given how often each human type occurs; 0 if there are none.
pub(crate) fn highest_count<'a>(counts: impl Iterator<Item = &'a u64>) -> u64 {
    let mut counts: Vec<u64> = counts.copied().collect();
    counts.sort_unstable();
    let allowed = MASS * counts.iter().sum::<u64>() as f64;
    let (mut highest, mut held) = (counts.first().copied().unwrap_or(0), 0);
    for class in counts.chunk_by(|a, b| a == b) {
        held += class.iter().sum::<u64>();
        if held as f64 > allowed {
            break;
        }
        highest = class[0];
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_largest_that_five_percent_hold() {
        // 100 words: two hapax (2 %), one pair (4 %), one triple (7 %).
        assert_eq!(highest_count([1, 3, 46, 2, 1, 47].iter()), 2);
        // Exactly five percent counts.
        assert_eq!(highest_count([1, 1, 3, 95].iter()), 3);
        // The rarest are tail however many they are.
        assert_eq!(highest_count([1, 1, 1, 2].iter()), 1);
        assert_eq!(highest_count([7, 7].iter()), 7);
        assert_eq!(highest_count([].iter()), 0);
    }
}
