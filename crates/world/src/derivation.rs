//! Derivation of a text, and its probability.

use crate::form::Filler;
use crate::world::World;

/// The making of a document: its sentences from the first to the last. A sentence whose form names the person begins a
/// run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derivation {
    /// The sentences.
    pub sentences: Vec<Sentence>,
}

/// One sentence of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Index into [`World::forms`].
    pub form: usize,
    /// The person whom the run is about.
    pub subject: usize,
    /// Its first byte in the text.
    pub start: usize,
    /// One past its last byte; what follows is a space or the end.
    pub end: usize,
    /// Contents of its slots, from left to right.
    pub fills: Vec<Fill>,
}

/// Contents of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Which.
    pub holds: Holds,
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A value in a slot, and what the slot says by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// The person whom the sentence is about.
    Subject(usize),
    /// A fact, and the value given for it.
    Fact(usize, usize),
    /// A pronoun, and the gender that it stands for.
    Pronoun(usize),
    /// A value of a kind (index into [`World::kinds`]) that was drawn while writing.
    Free(usize, usize),
}

impl Holds {
    pub(crate) fn new(filler: Filler, list: usize, value: usize) -> Self {
        match filler {
            Filler::Subject => Self::Subject(value),
            Filler::Fact(fact) => Self::Fact(fact, value),
            Filler::Pronoun => Self::Pronoun(value),
            Filler::Free => Self::Free(list, value),
        }
    }
}

impl Derivation {
    /// The subjects of the runs and how many sentences each has.
    pub fn runs(&self, world: &World) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for sentence in &self.sentences {
            match runs.last_mut() {
                Some((_, sentences)) if !world.forms[sentence.form].opening => *sentences += 1,
                _ => runs.push((sentence.subject, 1)),
            }
        }
        runs
    }

    /// The facts that are stated: person, fact.
    pub fn facts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.sentences.iter().flat_map(|sentence| {
            sentence.fills.iter().filter_map(|fill| match fill.holds {
                Holds::Fact(fact, _) => Some((sentence.subject, fact)),
                _ => None,
            })
        })
    }
}

/// The log-probabilities of a document's pieces, in nats. Each is given what stands before, so that their sum is the
/// document's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    /// Of each sentence, with the choice to go on to it.
    pub sentences: Vec<f64>,
    /// Of ending after the last.
    pub end: f64,
}

impl Pieces {
    /// Log-probability of the document with its end.
    pub fn sum(&self) -> f64 {
        self.sentences.iter().sum::<f64>() + self.end
    }
}

impl World {
    /// The log-probability (nats) of a derivation of this world, that is of its text: piece by piece.
    pub fn log_probabilities(&self, derivation: &Derivation) -> Pieces {
        let mut sentences = Vec::with_capacity(derivation.sentences.len());
        // Of this run, its sentences so far and the weight of following topics that it has used.
        let (mut runs, mut length, mut used) = (0, 0, 0u64);
        for sentence in &derivation.sentences {
            let form = &self.forms[sentence.form];
            let mut ln = 0.0;
            if form.opening {
                if runs > 0 {
                    ln += stop(&self.sentences, length) + go_on(&self.runs, runs);
                }
                (runs, length, used) = (runs + 1, 0, 0);
                ln += self.subjects.ln(sentence.subject) + (form.weight / self.opening_weight()).ln();
            } else {
                ln += go_on(&self.sentences, length) + (form.weight / self.unused_weight(used)).ln();
            }
            length += 1;
            used |= 1 << form.topic;
            for fill in &sentence.fills {
                if let Holds::Free(list, value) = fill.holds {
                    ln += self.lists[list].table.ln(value);
                }
            }
            sentences.push(ln);
        }
        Pieces { sentences, end: stop(&self.sentences, length) + stop(&self.runs, runs) }
    }

    /// The log-probability (nats) of a document with its end.
    ///
    /// # Errors
    /// A text that is not of the language: its probability is zero.
    pub fn log_probability(&self, text: &str) -> Result<f64, crate::Stop> {
        Ok(self.log_probabilities(&self.parse(text)?).sum())
    }

    pub(crate) fn opening_weight(&self) -> f64 {
        self.openings.iter().map(|&form| self.forms[form].weight).sum()
    }

    /// The weight of all that may continue a run which has used these topics (a bit each). The sum is taken anew, in one
    /// order, so that writing and reckoning agree to the last bit.
    pub(crate) fn unused_weight(&self, used: u64) -> f64 {
        let topics = self.following.iter().enumerate();
        topics.filter(|&(topic, _)| used >> topic & 1 == 0).map(|(_, following)| following.weight).sum()
    }
}

/// ln P(exactly n | n or more) of a table of counts from one.
fn stop(counts: &crate::table::Table, n: usize) -> f64 {
    (counts.p()[n - 1] / counts.tail(n - 1)).ln()
}

/// ln P(more than n | n or more).
fn go_on(counts: &crate::table::Table, n: usize) -> f64 {
    (counts.tail(n) / counts.tail(n - 1)).ln()
}
