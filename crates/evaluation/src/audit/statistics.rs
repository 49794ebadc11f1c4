//! The statistics of an audit, each of two sets of documents.
//!
//! *Definition.* Of nearly all, both sides have a value, and the statistic is the difference: it changes its sign when
//! the sides are exchanged. The exception is the divergence between the sides: halves of one side against halves of the
//! other, less the divergence between the halves of each.
//!
//! *Why differences.* The data is new text; human documents beside other documents of the same set aren't. Two halves of
//! a set of n vary about the set's own value half as much as new text of n/2 does, but they vary against each other, so
//! their *difference* has the variance of that between new text and a half: what calibrates is what is judged. The same
//! holds for the divergence once each side's own is taken off.

use std::ops::Range;

use streams::{Stream, Streams};

use super::Flaw;
use crate::Dimension::{Band, Order, Part, Unit};
use crate::draws::Draw;
use crate::generated::duplicates::{Repeat, Sequences};
use crate::generated::endings::{Ending, Shares};
use crate::generated::{entropy, hill, jensen_shannon, repetition, self_bleu, vocabulary};
use crate::metric::{
    CEILING_SHARE, COVERAGE, DISTINCT, DUPLICATE_SHARE, HAPAX_SHARE, HILL, JENSEN_SHANNON, MEAN_LENGTH, REPETITION,
    SELF_BLEU, TYPES, UNFINISHED_SHARE, UNIGRAM_ENTROPY, View,
};
use crate::sample::{Counts, Sample};
use crate::text::{Grams, Words};
use crate::{Doc, Metric};

/// Which sign is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    More,
    Less,
    Either,
}

/// One of an audit's questions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statistic {
    pub(super) flaw: Flaw,
    pub(super) metric: &'static Metric,
    pub(super) view: View,
    pub(super) wrong: Wrong,
    pub(super) least: Least,
}

/// The smallest scale of a statistic. What is a rare event in human text may be none at all in every split, and the first
/// one would then be infinitely unlikely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Least {
    /// Of a share of documents: so many of them.
    Documents(f64),
    /// Of a share of n-grams.
    Share(f64),
    /// Of anything else: this share of the human value.
    Relative(f64),
}

const fn of_documents(flaw: Flaw, metric: &'static Metric, view: View) -> Statistic {
    Statistic { flaw, metric, view, wrong: Wrong::More, least: Least::Documents(2.0) }
}

const fn of_words(flaw: Flaw, metric: &'static Metric, view: View, wrong: Wrong) -> Statistic {
    Statistic { flaw, metric, view, wrong, least: Least::Relative(0.002) }
}

/// A share of n-grams, with the smallest scale that means anything to a reader.
const fn of_grams(flaw: Flaw, metric: &'static Metric, view: View, wrong: Wrong, least: f64) -> Statistic {
    Statistic { least: Least::Share(least), ..of_words(flaw, metric, view, wrong) }
}

/// A source whose documents reach over the border of a run is on both sides of a split, which makes human text look more
/// alike than new text is: a divergence must exceed human text's by some percent to count.
const fn apart_of(view: View) -> Statistic {
    let statistic = of_words(Flaw::Different, &JENSEN_SHANNON, view, Wrong::More);
    Statistic { least: Least::Relative(0.02), ..statistic }
}

/// All of them, in the order in which [`ComparisonTables::compare`] gives their values.
pub(super) const STATISTICS: [Statistic; 18] = [
    of_documents(Flaw::Duplicated, &DUPLICATE_SHARE, &[(Part, "exact")]),
    of_documents(Flaw::Duplicated, &DUPLICATE_SHARE, &[(Part, "near")]),
    of_documents(Flaw::Truncated, &UNFINISHED_SHARE, &[]),
    of_documents(Flaw::Truncated, &CEILING_SHARE, &[(Unit, "words")]),
    of_documents(Flaw::Truncated, &CEILING_SHARE, &[(Unit, "characters")]),
    of_words(Flaw::Lengths, &MEAN_LENGTH, &[(Unit, "words")], Wrong::Either),
    of_words(Flaw::TailStripped, &TYPES, &[], Wrong::Less),
    of_words(Flaw::TailStripped, &HAPAX_SHARE, &[], Wrong::Less),
    of_words(Flaw::TailStripped, &COVERAGE, &[(Order, "1"), (Band, "hapax")], Wrong::Less),
    of_words(Flaw::Narrow, &UNIGRAM_ENTROPY, &[], Wrong::Less),
    of_words(Flaw::Narrow, &HILL, &[(Order, "2")], Wrong::Less),
    of_grams(Flaw::Narrow, &DISTINCT, &[(Order, "2")], Wrong::Less, 1.5e-3),
    of_grams(Flaw::Narrow, &DISTINCT, &[(Order, "3")], Wrong::Less, 1.5e-3),
    of_words(Flaw::Narrow, &SELF_BLEU, &[], Wrong::More),
    of_grams(Flaw::Repetitive, &REPETITION, &[(Order, "2")], Wrong::More, 5e-4),
    of_grams(Flaw::Repetitive, &REPETITION, &[(Order, "3")], Wrong::More, 5e-4),
    apart_of(&[(Order, "1")]),
    apart_of(&[(Order, "2")]),
];

/// A statistic's value of the data and of the human text; the statistic is their difference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) data: f64,
    pub(super) human: f64,
}

impl Values {
    fn of<T: ?Sized>(sides: [&T; 2], value: impl Fn(&T) -> f64) -> Self {
        Self { data: value(sides[0]), human: value(sides[1]) }
    }

    /// No number counts as no difference.
    pub(super) fn difference(self) -> f64 {
        let difference = self.data - self.human;
        if difference.is_finite() { difference } else { 0.0 }
    }
}

/// Documents that are held against others. The first side is the data, or plays it.
#[derive(Clone, Debug)]
pub(super) struct Split(pub(super) [Vec<usize>; 2]);

/// Runs that a side consists of, where it has so many documents.
const RUNS: usize = 15;
/// Documents of a run, at most.
const RUN: usize = 100;

/// Documents of a run, for sides of so many.
pub(super) fn run(side: usize) -> usize {
    (side / RUNS).clamp(1, RUN)
}

/// All these documents, in runs of neighbours whose order is random.
fn runs(documents: Range<usize>, side: usize, stream: &mut Stream) -> Vec<usize> {
    let all: Vec<usize> = documents.collect();
    let mut runs: Vec<&[usize]> = all.chunks(run(side)).collect();
    stream.shuffle(&mut runs);
    runs.concat()
}

/// All documents, the data's first, numbered together.
pub(super) struct Pool {
    grams: Grams,
    sequences: Sequences,
    endings: Vec<Ending>,
    data: usize,
}

impl Pool {
    pub(super) fn of(data: &[Doc<'_>], human: &[Doc<'_>]) -> Self {
        let docs = [data, human].concat();
        let grams = Words::of(&docs).grams;
        let sequences = Sequences::of(&grams);
        Self { grams, sequences, endings: docs.iter().map(Ending::of).collect(), data: data.len() }
    }

    /// Documents of the data beside human ones.
    pub(super) fn beside(&self, documents: usize, streams: &Streams) -> Split {
        let data = runs(0..self.data, documents, &mut Draw::Splits.stream(streams, u32::MAX - 2));
        let human = runs(self.data..self.endings.len(), documents, &mut Draw::Splits.stream(streams, u32::MAX - 3));
        Split([data, human].map(|side| side[..documents].to_vec()))
    }

    /// Human documents beside others.
    pub(super) fn human(&self, documents: usize, stream: &mut Stream) -> Split {
        let mut first = runs(self.data..self.endings.len(), documents, stream);
        first.truncate(2 * documents);
        let second = first.split_off(documents);
        Split([first, second])
    }

    /// All human documents in two halves, by their number among the human ones.
    pub(super) fn halves(&self, documents: usize, streams: &Streams) -> [Vec<usize>; 2] {
        let stream = &mut Draw::Splits.stream(streams, u32::MAX - 4);
        let mut first = runs(0..self.endings.len() - self.data, documents, stream);
        let second = first.split_off(first.len() / 2);
        [first, second]
    }

    /// Words that both sides have once repeats are left out.
    pub(super) fn words(&self, split: &Split) -> usize {
        let words = |side: &Vec<usize>| self.total(&self.unrepeated(side).1);
        split.0.iter().map(words).min().unwrap_or(0)
    }

    fn total(&self, documents: &[usize]) -> usize {
        documents.iter().map(|&document| self.grams.documents()[document].len()).sum()
    }

    fn unrepeated(&self, side: &[usize]) -> (Vec<Repeat>, Vec<usize>) {
        let repeats = self.sequences.repeats(side);
        let kept =
            side.iter().zip(&repeats).filter(|(_, repeat)| **repeat == Repeat::No).map(|(&document, _)| document);
        let kept = kept.collect();
        (repeats, kept)
    }

    /// Tables for comparisons of two sides.
    pub(super) fn tables(&self) -> ComparisonTables<'_> {
        let side = || Side {
            whole: Sample::up_to(3, &self.grams),
            halves: [Sample::up_to(2, &self.grams), Sample::up_to(2, &self.grams)],
        };
        ComparisonTables { pool: self, sides: [side(), side()] }
    }
}

/// The tables of a comparison, kept from one to the next.
pub(super) struct ComparisonTables<'a> {
    pool: &'a Pool,
    sides: [Side<'a>; 2],
}

struct Side<'a> {
    whole: Sample<'a>,
    /// The first half of the documents, and the second: other runs.
    halves: [Sample<'a>; 2],
}

impl Side<'_> {
    fn take(&mut self, documents: &[usize], words: usize) {
        self.whole.take(documents, words);
        let used = &documents[..self.whole.documents().len()];
        let (first, second) = used.split_at(used.len() / 2);
        for (half, documents) in self.halves.iter_mut().zip([first, second]) {
            half.take(documents, words / 2);
        }
    }
}

impl ComparisonTables<'_> {
    /// The statistics of two sides, at so many words each or as many as the shorter one has.
    pub(super) fn compare(&mut self, split: &Split, words: usize) -> [Values; STATISTICS.len()] {
        let (pool, grams) = (self.pool, &self.pool.grams);
        let sides = split.0.each_ref();
        let unrepeated = sides.map(|side| pool.unrepeated(side));
        let kept = unrepeated.each_ref().map(|(_, kept)| kept.as_slice());
        let words = kept.iter().map(|kept| pool.total(kept)).min().unwrap_or(0).min(words);
        for (side, kept) in self.sides.iter_mut().zip(kept) {
            side.take(kept, words);
        }
        let repeats = unrepeated.each_ref().map(|(repeats, _)| repeats);
        let repeated = |least| Values::of(repeats, |repeats: &Vec<Repeat>| share(repeats, |&repeat| repeat >= least));
        let endings = sides.map(|side| {
            let endings: Vec<Ending> = side.iter().map(|&document| pool.endings[document]).collect();
            Shares::of(endings.iter())
        });
        let ending = |value: fn(&Shares) -> f64| Values::of(endings.each_ref(), value);
        let [data, human] = &self.sides;
        let whole = [&data.whole, &human.whole];
        let unigrams = whole.map(|side| side.order(1));
        let of_words = |value: fn(&Counts) -> f64| Values::of(unigrams, value);
        let alike = kept.iter().map(|kept| kept.len()).min().unwrap_or(0).min(self_bleu::DOCUMENTS);
        let again = |order| {
            Values::of(whole, |side: &Sample<'_>| {
                let (repeated, total) = repetition::repeated(grams, side.documents(), order);
                repeated as f64 / total as f64
            })
        };
        let distinct = |order| Values::of(whole, |side: &Sample<'_>| vocabulary::distinct(side.order(order)));
        [
            repeated(Repeat::Exact),
            repeated(Repeat::Near),
            ending(|shares| shares.unfinished),
            ending(|shares| shares.ceiling_words),
            ending(|shares| shares.ceiling_characters),
            Values::of(sides, |side: &Vec<usize>| pool.total(side) as f64 / side.len() as f64),
            of_words(|words| words.kinds().len() as f64),
            of_words(vocabulary::hapax),
            Values { data: covered(unigrams[0], unigrams[1]), human: covered(unigrams[1], unigrams[0]) },
            of_words(entropy::entropy),
            of_words(hill::second),
            distinct(2),
            distinct(3),
            Values::of(kept, |kept: &[usize]| self_bleu::self_bleu(grams, &kept[..alike])),
            again(2),
            again(3),
            apart(1, data, human),
            apart(2, data, human),
        ]
    }
}

fn share<T>(items: &[T], test: impl Fn(&T) -> bool) -> f64 {
    items.iter().filter(|item| test(item)).count() as f64 / items.len() as f64
}

/// Of the words that the other side has once, the share that is here.
fn covered(here: &Counts, there: &Counts) -> f64 {
    let hapax: Vec<u32> = there.kinds().iter().copied().filter(|&kind| there.count(kind) == 1).collect();
    share(&hapax, |&kind| here.count(kind) > 0)
}

/// The divergence between the sides, beside that within them: means of two each, all between halves.
fn apart(order: usize, data: &Side<'_>, human: &Side<'_>) -> Values {
    let between = |a: &Sample<'_>, b: &Sample<'_>| jensen_shannon::jensen_shannon(a.order(order), b.order(order), Some);
    let ([a, b], [c, d]) = (&data.halves, &human.halves);
    Values { data: 0.5 * (between(a, c) + between(b, d)), human: 0.5 * (between(a, b) + between(c, d)) }
}
