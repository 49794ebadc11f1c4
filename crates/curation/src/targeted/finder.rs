//! The search for missing items, prompts that lead to them, and the stop rule.

use std::collections::BTreeMap;

use streams::{Purpose, Streams, item_of_name};
use world::World;

use crate::candidate::{Candidate, Models, Which};
use crate::error::Error;
use crate::targeted::counts::{Counts, count, gap, lacking};
use crate::targeted::items::Items;
use crate::targeted::{Find, Target, excess};

/// Input of the search for missing items.
pub struct View<'a> {
    /// The human training set, and nothing else that is human.
    pub human: &'a [Candidate<'a>],
    /// Tokens of a prompt.
    pub prompt: usize,
    /// Tokens of the text in which gaps are measured: of what is written first.
    pub sample: u64,
    /// The generation that writes.
    pub generation: u32,
    /// The seed's streams.
    pub streams: &'a Streams,
    /// The text of tokens.
    pub decode: &'a dyn Fn(&[u32]) -> String,
    /// The truth, where a world is the corpus.
    pub world: Option<&'a World>,
    /// The models: the parent is the one that writes.
    pub models: &'a dyn Models,
}

/// The share of the human text's items that a text lacks, and that a human sample of its size would.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Of the text.
    pub found: f64,
    /// Of a human sample of the same size.
    pub expected: f64,
}

/// True if a gap is closed: no larger than `1 + tolerance` times that of a human sample of the same size.
pub fn is_closed(gap: Gap, tolerance: f64) -> bool {
    gap.found <= gap.expected * (1.0 + tolerance)
}

/// Finds what a generation's text lacks.
pub struct Finder<'a> {
    how: How<'a>,
    /// For each human document, true if it is longer than a prompt.
    can_begin: Vec<bool>,
}

enum How<'a> {
    Even,
    /// Mean losses behind the prompts, beyond generation 0's.
    Contexts(Vec<f64>),
    Items(Box<Counted<'a>>),
}

struct Counted<'a> {
    items: Items<'a>,
    human: Tally,
    /// Of each human document, the items behind its prompt.
    behind: Vec<Vec<u64>>,
    /// One half of the human text, against which gaps are measured.
    half: Tally,
    /// The gap of as much of the other half.
    expected: f64,
    /// Tokens in which gaps are measured.
    sample: u64,
    streams: Streams,
    generation: u32,
}

/// A text's items and its size.
struct Tally {
    counts: Counts,
    documents: u64,
    items: u64,
}

impl Tally {
    fn of<'c>(items: &Items<'_>, documents: impl IntoIterator<Item = &'c Candidate<'c>>) -> Self {
        let (mut all, mut number) = (Vec::new(), 0);
        for document in documents {
            all.extend(items.of_document(document));
            number += 1;
        }
        Self { documents: number, items: all.len() as u64, counts: count(all) }
    }

    /// What is expected of a text of `self`'s size is this times the other's counts.
    fn scale(&self, items: &Items<'_>, of: &Self) -> f64 {
        items.scale((self.documents, self.items), (of.documents, of.items))
    }
}

/// A document's tokens and its end.
fn size(candidate: &Candidate<'_>) -> u64 {
    candidate.ids.len() as u64 + 1
}

/// The first documents of an order that have together `tokens` tokens or more.
fn first<'c>(documents: &[&'c Candidate<'c>], tokens: u64) -> usize {
    let mut held = 0;
    let is_short = |candidate: &&&Candidate<'_>| {
        let short = held < tokens;
        held += size(candidate);
        short
    };
    documents.iter().take_while(is_short).count()
}

impl<'a> Finder<'a> {
    /// Looks at the human text.
    ///
    /// # Errors
    /// [`Error::NoFacts`] if facts are to be found and there is none; what the models say if they do not answer.
    pub fn new(target: &Target, view: &View<'a>) -> Result<Self, Error> {
        let can_begin = view.human.iter().map(|candidate| candidate.ids.len() > view.prompt).collect();
        let how = match target.find {
            Find::Even => How::Even,
            Find::Contexts => How::Contexts(excess_losses(view)?),
            Find::Coverage => How::Items(Box::new(Counted::new(Items::Runs(target.size), view))),
            Find::Frequency => How::Items(Box::new(Counted::new(Items::decades(view.human), view))),
            Find::Facts => {
                let world = view.world.ok_or(Error::NoFacts)?;
                How::Items(Box::new(Counted::new(Items::Facts(world), view)))
            }
        };
        Ok(Self { how, can_begin })
    }

    /// How much is missing of text of the sample's size: whole documents are drawn from what is written, so that gaps
    /// of rounds compare. None of `even`, which looks for nothing. The loss of contexts is the model's, which writing
    /// does not change: that gap closes from one generation to the next, if at all.
    pub fn gap(&self, written: &[Candidate<'_>]) -> Option<Gap> {
        match &self.how {
            How::Even => None,
            How::Contexts(excess) => {
                Some(Gap { found: excess.iter().sum::<f64>() / excess.len().max(1) as f64, expected: 0.0 })
            }
            How::Items(counted) => Some(Gap { found: counted.found(written), expected: counted.expected }),
        }
    }

    /// Weights of the human documents as prompts: the mean of what the items behind a document's prompt lack beyond
    /// chance, where that is above 0, or the losses there; equal ones of `even`. Documents that are no longer than a
    /// prompt have 0.
    pub fn aim(&self, written: &[Candidate<'_>]) -> Vec<f64> {
        let mut weights = match &self.how {
            How::Even => vec![1.0; self.can_begin.len()],
            How::Contexts(excess) => excess.clone(),
            How::Items(counted) => counted.weights(written),
        };
        weights.iter_mut().zip(&self.can_begin).filter(|(_, can)| !**can).for_each(|(weight, _)| *weight = 0.0);
        weights
    }
}

/// The parent's losses on human text behind the prompts, beyond generation 0's; generation 0 has none.
fn excess_losses(view: &View<'_>) -> Result<Vec<f64>, Error> {
    if view.generation == 0 {
        return Ok(vec![0.0; view.human.len()]);
    }
    let losses = |which| {
        let failed = |what| Error::Models { defence: "sample.target", what };
        view.models.token_losses(which, view.human).map_err(failed)
    };
    Ok(excess(&losses(Which::Parent)?, &losses(Which::First)?, view.prompt))
}

impl<'a> Counted<'a> {
    fn new(items: Items<'a>, view: &View<'a>) -> Self {
        let behind = view.human.iter().map(|candidate| items.behind(candidate, view.prompt, view.decode)).collect();
        // The halves are the seed's: the same in every generation.
        let order = view.streams.stream(Purpose::Curation, 0, item_of_name("target/halves"));
        let order = drawn(view.human, order);
        let all = view.human.iter().map(size).sum::<u64>();
        let (half, other) = order.split_at(first(&order, all / 2));
        let sample = view.sample.min(other.iter().copied().map(size).sum());
        let half = Tally::of(&items, half.iter().copied());
        let other = Tally::of(&items, other[..first(other, sample)].iter().copied());
        Self {
            human: Tally::of(&items, view.human),
            expected: gap(&half.counts, &other.counts, other.scale(&items, &half)),
            behind,
            half,
            items,
            sample,
            streams: *view.streams,
            generation: view.generation,
        }
    }

    fn found(&self, written: &[Candidate<'_>]) -> f64 {
        let order = self.streams.stream(Purpose::Curation, self.generation, item_of_name("target/sample"));
        let order = drawn(written, order);
        let sample = Tally::of(&self.items, order[..first(&order, self.sample)].iter().copied());
        gap(&self.half.counts, &sample.counts, sample.scale(&self.items, &self.half))
    }

    fn weights(&self, written: &[Candidate<'_>]) -> Vec<f64> {
        let written = Tally::of(&self.items, written);
        let lacks: BTreeMap<u64, f64> =
            lacking(&self.human.counts, &written.counts, written.scale(&self.items, &self.human));
        let mean = |items: &Vec<u64>| items.iter().map(|item| lacks[item]).sum::<f64>() / items.len().max(1) as f64;
        self.behind.iter().map(|items| mean(items).max(0.0)).collect()
    }
}

/// Documents in a random order.
fn drawn<'c>(documents: &'c [Candidate<'c>], mut stream: streams::Stream) -> Vec<&'c Candidate<'c>> {
    stream.permutation(documents.len()).into_iter().map(|at| &documents[at]).collect()
}
