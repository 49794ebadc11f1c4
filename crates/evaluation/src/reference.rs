//! The human text that written text is compared with.

use std::collections::HashMap;

use streams::Streams;

use crate::draws::{self, Draw, HeldOut, Source, Spread};
use crate::generated::coverage;
use crate::generated::tail::{self, Tail};
use crate::generated::{self, self_bleu};
use crate::measure::Side;
use crate::subject::Subject;
use crate::text::{Grams, Known, Links, Words};
use crate::{Doc, Measure};

/// How texts are brought to equal size (see the trap in `vocabulary.rs`).
#[derive(Clone, Copy, Debug)]
pub struct Equal {
    /// Words in a sample.
    pub words: usize,
    /// Samples to take the mean over; twenty will do.
    pub draws: u32,
    /// Where the draws come from.
    pub streams: Streams,
}

/// Words of the human text of which n-grams are kept: beyond, random documents stand for it.
const KEPT: usize = 2_000_000;

/// What is kept of the human text: built once, used for every generation.
#[derive(Debug)]
pub struct Reference {
    /// How often each human word occurs.
    words: HashMap<Box<str>, u64>,
    /// How often each token occurs in the human text.
    tokens: HashMap<u32, u64>,
    tail: Tail,
    equal: Equal,
    /// Documents that are compared with each other.
    documents: usize,
    /// The human text's n-grams.
    text: Grams,
    known: Known,
    spread: Spread,
    /// The text that is to be covered.
    held_out: Option<HeldOut>,
    /// Measures of the held-out human text; the same for every generation.
    human: Vec<Measure>,
}

impl Reference {
    /// A reference of `human`, the text that generation 0 is trained on. `held_out` is other human text of the same kind
    /// (the test split): what it shows are the `human` values beside each generation's. It may be empty; then there are
    /// none.
    ///
    /// Samples have `equal.words` words, or as many as the held-out human text has if these are fewer.
    pub fn of(human: &[Doc<'_>], held_out: &[Doc<'_>], equal: Equal) -> Self {
        let (mut words, mut tokens) = (HashMap::<Box<str>, u64>::new(), HashMap::new());
        for doc in human {
            for word in crate::words(doc.text) {
                // `entry` would allocate for every word.
                match words.get_mut(word) {
                    Some(count) => *count += 1,
                    None => drop(words.insert(word.into(), 1)),
                }
            }
            doc.ids.iter().for_each(|&id| *tokens.entry(id).or_insert(0) += 1);
        }
        let tail = Tail { words: tail::highest_count(words.values()), tokens: tail::highest_count(tokens.values()) };
        let kept = kept(human, words.values().sum(), &equal.streams);
        let kept = Words::of(&kept);
        let (known, spread) = (Known::of(&kept), Spread::of(&kept.grams));
        let held_out_words = Words::of(held_out);
        let mut reference = Self {
            words,
            tokens,
            tail,
            equal,
            documents: self_bleu::DOCUMENTS,
            text: kept.grams,
            known,
            spread,
            held_out: None,
            human: Vec::new(),
        };
        if held_out_words.grams.len() > 0 {
            reference.equal.words = equal.words.min(held_out_words.grams.len());
            reference.documents = self_bleu::DOCUMENTS.min(held_out.len());
            reference.human = reference.of_held_out(held_out, &held_out_words, &kept.types);
        }
        reference
    }

    /// The number of words of the samples.
    pub fn words(&self) -> usize {
        self.equal.words
    }

    /// Measures the held-out human text, and keeps what will be covered of it. `types` are the human text's.
    fn of_held_out(&mut self, held_out: &[Doc<'_>], words: &Words<'_>, types: &[&str]) -> Vec<Measure> {
        let links = self.known.links(words);
        let target = HeldOut::of(words, &self.text, &links, self.equal.words);
        let to_target = target.known.links_of(types, &self.text);
        let counts = self.counts(words);
        let text = Subject { docs: held_out, words, counts: &counts, reference: self };
        let mut measures = self.of_samples(&text, &links, Side::Human);
        let half = coverage::sampled(&self.text);
        measures.extend(draws::of_cover(
            (&self.text, &half),
            (&to_target, &target),
            Side::Human,
            &self.equal,
            generated::of_cover,
        ));
        measures.extend(generated::of_all(&text, Side::Human));
        self.held_out = Some(target);
        measures
    }

    /// What is measured of samples of a text.
    pub(crate) fn of_samples(&self, text: &Subject<'_>, links: &Links, side: Side) -> Vec<Measure> {
        let source = Source {
            text: text.grams(),
            counts: text.counts,
            vocabulary: self.vocabulary(),
            human: &self.text,
            spread: &self.spread,
            links,
            side,
        };
        draws::of_text(&source, &self.equal, generated::of_sample)
    }

    /// Coverage of the held-out human text by samples of a text.
    pub(crate) fn of_cover(&self, words: &Words<'_>) -> Vec<Measure> {
        let Some(held_out) = &self.held_out else { return Vec::new() };
        let (links, everything) = (held_out.known.links(words), draws::everything(&words.grams));
        let text = (&words.grams, everything.as_slice());
        draws::of_cover(text, (&links, held_out), Side::Generated, &self.equal, generated::of_cover)
    }

    /// Where draws come from.
    pub(crate) fn streams(&self) -> &Streams {
        &self.equal.streams
    }

    /// Documents that are compared with each other.
    pub(crate) fn documents(&self) -> usize {
        self.documents
    }

    /// How often each type of a text occurs in the human text.
    pub(crate) fn counts(&self, words: &Words<'_>) -> Vec<u64> {
        words.types.iter().map(|&word| self.words.get(word).copied().unwrap_or(0)).collect()
    }

    /// How often a token occurs in the human text.
    pub(crate) fn token_count(&self, id: u32) -> u64 {
        self.tokens.get(&id).copied().unwrap_or(0)
    }

    pub(crate) fn tail(&self) -> Tail {
        self.tail
    }

    /// Number of human types.
    pub(crate) fn vocabulary(&self) -> usize {
        self.words.len()
    }

    /// The human text's n-grams.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// The human documents that hold each.
    pub(crate) fn spread(&self) -> &Spread {
        &self.spread
    }

    /// Measures of the held-out human text.
    pub(crate) fn human(&self) -> &[Measure] {
        &self.human
    }
}

/// All documents, or random ones with [`KEPT`] words.
fn kept<'a>(human: &[Doc<'a>], words: u64, streams: &Streams) -> Vec<Doc<'a>> {
    if words <= KEPT as u64 {
        return human.to_vec();
    }
    let order = Draw::Human.order(streams, u32::MAX, &(0..human.len()).collect::<Vec<_>>());
    let mut left = KEPT;
    let enough = |&document: &usize| {
        let more = left > 0;
        left = left.saturating_sub(crate::words(human[document].text).count());
        more
    };
    order.into_iter().take_while(enough).map(|document| human[document]).collect()
}
