//! A text that is measured.

use streams::Streams;

use crate::text::{Grams, Words};
use crate::{Doc, Reference};

/// All of a text, with what is known of it.
pub(crate) struct Subject<'a> {
    pub(crate) docs: &'a [Doc<'a>],
    pub(crate) words: &'a Words<'a>,
    /// How often each of its types occurs in the human text.
    pub(crate) counts: &'a [u64],
    /// What it is compared with.
    pub(crate) reference: &'a Reference,
}

impl Subject<'_> {
    pub(crate) fn grams(&self) -> &Grams {
        &self.words.grams
    }

    /// Where its draws come from.
    pub(crate) fn streams(&self) -> &Streams {
        self.reference.streams()
    }

    /// True if it has words, and the human text too.
    pub(crate) fn is_measurable(&self) -> bool {
        !self.words.types.is_empty() && self.reference.vocabulary() > 0
    }
}

/// What a function measures of a text that is compared with itself.
#[cfg(test)]
pub(crate) fn measured(
    docs: &[Doc<'_>],
    report: fn(&Subject<'_>, &mut crate::measure::Measures),
) -> Vec<crate::Measure> {
    let words = Words::of(docs);
    let reference = Reference::of(docs, &[], crate::Equal { words: 1, draws: 1, streams: Streams::new(0) });
    let counts = reference.counts(&words);
    let mut measures = crate::measure::Measures::default();
    report(&Subject { docs, words: &words, counts: &counts, reference: &reference }, &mut measures);
    measures.into_vec()
}
