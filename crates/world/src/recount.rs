//! The oracle: a learner who knows the grammar and nothing else. It parses what it is given, counts, and writes again from
//! its counts by the grammar.
//!
//! What it counts are runs: who a run is about, which forms it has, in their order, and which values they state; and apart
//! from these the number of runs of a document and the values of free slots. It knows no fact but from what it read: what is
//! not true any more, or never was, it reads and says like anything else. So each run that it writes is a draw from the runs
//! that it has read, and whatever a run may hold (a person, a fact, a form) is there in as many of them: a categorical learner
//! by maximum likelihood, whose chains have their laws (survival, drift) exactly, with n the number of runs. Beside a neural
//! chain it says what sampling alone forgets.
//!
//! The trap: it does not smooth. A person is never given a form in which nobody has said it of this person. An oracle that
//! counted persons and forms apart would say facts again that its training text had lost, and so break the law for facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use streams::Stream;

use crate::derivation::Holds;
use crate::form::{Filler, Slot};
use crate::table::Table;
use crate::world::World;

/// A run: its person, and of each sentence its form and the facts' values that it states.
type Run = (usize, Vec<(usize, Vec<usize>)>);

/// The counts of an oracle. A document counts by its weight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recount {
    /// By the number of their runs less one.
    documents: Vec<f64>,
    #[serde(serialize_with = "as_pairs", deserialize_with = "of_pairs")]
    runs: BTreeMap<Run, f64>,
    /// By list, how often each value was drawn freely; nothing of a list that no slot drew from.
    free: Vec<Vec<f64>>,
    unread: u64,
}

/// JSON has no keys but text.
fn as_pairs<S: Serializer>(runs: &BTreeMap<Run, f64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(runs)
}

fn of_pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Run, f64>, D::Error> {
    Ok(Vec::deserialize(deserializer)?.into_iter().collect())
}

/// The place `at` of a list that grows to have it.
fn place(list: &mut Vec<f64>, at: usize) -> &mut f64 {
    if list.len() <= at {
        list.resize(at + 1, 0.0);
    }
    &mut list[at]
}

impl Recount {
    /// Counts one document. One that is truncated, or does not parse ([`World::parse_any`]), is left out. A world that
    /// changes is given as of a generation in which everybody is there whom the text may name.
    pub fn add(&mut self, world: &World, text: &str, truncated: bool, weight: f64) {
        let Some(derivation) = world.parse_any(text).ok().filter(|_| !truncated) else {
            self.unread += 1;
            return;
        };
        let mut runs: Vec<Run> = Vec::new();
        for sentence in &derivation.sentences {
            let mut stated = Vec::new();
            for fill in &sentence.fills {
                match fill.holds {
                    Holds::Free(list, value) => {
                        self.free.resize(self.free.len().max(list + 1), Vec::new());
                        *place(&mut self.free[list], value) += weight;
                    }
                    Holds::Fact(_, value) => stated.push(value),
                    Holds::Subject(_) | Holds::Pronoun(_) => {}
                }
            }
            let said = (sentence.form, stated);
            match runs.last_mut() {
                Some((_, run)) if !world.forms[sentence.form].opening => run.push(said),
                _ => runs.push((sentence.subject, vec![said])),
            }
        }
        *place(&mut self.documents, runs.len() - 1) += weight;
        runs.into_iter().for_each(|run| *self.runs.entry(run).or_insert(0.0) += weight);
    }

    /// Documents that were left out.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// A writer of documents, each run as frequent as it was counted; none if nothing was.
    pub fn writer(&self, world: &World) -> Option<Rewriter> {
        if self.runs.values().all(|&count| count <= 0.0) {
            return None;
        }
        let mut world = world.clone();
        for (list, counts) in world.lists.iter_mut().zip(&self.free) {
            if counts.iter().any(|&count| count > 0.0) {
                let mut counts = counts.clone();
                counts.resize(list.table.len(), 0.0);
                list.table = Table::new(&counts);
            }
        }
        let (runs, counts): (Vec<Run>, Vec<f64>) = self.runs.iter().map(|(run, &count)| (run.clone(), count)).unzip();
        Some(Rewriter { world, documents: Table::new(&self.documents), runs, counts: Table::new(&counts) })
    }
}

/// An oracle that writes.
#[derive(Clone, Debug)]
pub struct Rewriter {
    /// Its free slots have the frequencies that were counted.
    world: World,
    documents: Table,
    runs: Vec<Run>,
    counts: Table,
}

impl Rewriter {
    /// The document of these draws.
    pub fn write(&self, draws: &mut Stream) -> String {
        let mut text = String::new();
        for _ in 0..=self.documents.draw(draws.uniform()) {
            let (subject, sentences) = &self.runs[self.counts.draw(draws.uniform())];
            for (form, stated) in sentences {
                if !text.is_empty() {
                    text.push(' ');
                }
                let mut stated = stated.iter().copied();
                let held = |slot: Slot| match slot.filler {
                    Filler::Fact(_) => stated.next(),
                    _ => self.world.held(slot, *subject),
                };
                self.world.say(*form, held, draws, &mut text, |_| ());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use streams::{Purpose, Streams};

    use super::*;
    use crate::Survey;

    fn texts(world: &World, documents: u64) -> Vec<String> {
        (0..documents).map(|number| world.derive(number).0).collect()
    }

    fn counted(world: &World, texts: &[String]) -> Recount {
        let mut recount = Recount::default();
        texts.iter().for_each(|text| recount.add(world, text, false, 1.0));
        recount
    }

    #[test]
    fn it_writes_what_it_has_read_and_nothing_else() {
        let world = World::chronicle();
        let human = texts(&world, 300);
        let recount = counted(&world, &human);
        let writer = recount.writer(&world).unwrap();
        let streams = Streams::new(0);
        let written: Vec<String> =
            (0..3000).map(|item| writer.write(&mut streams.stream(Purpose::Learner, 0, item))).collect();
        let of = |texts: &[String]| Survey::of(&world, texts.iter().map(String::as_str));
        let (read, wrote) = (of(&human), of(&written));
        assert_eq!((wrote.grammatical, wrote.false_facts.len()), (3000, 0));
        let only = |read: &[u64], wrote: &[u64]| read.iter().zip(wrote).all(|(&read, &wrote)| read > 0 || wrote == 0);
        assert!(only(&read.holding.facts, &wrote.holding.facts) && only(&read.forms, &wrote.forms));
        for (kind, read) in read.values.iter().enumerate() {
            assert!(only(read, &wrote.values[kind]), "kind {kind}");
        }
        // Ten times as much: every form as often but for its own scatter, at most three draws of it a document.
        for (form, (&read, &wrote)) in read.forms.iter().zip(&wrote.forms).enumerate() {
            let expected = 10.0 * read as f64;
            assert!((wrote as f64 - expected).abs() <= 4.0 * (3.0 * expected).sqrt(), "{form}: {wrote}, {expected}");
        }
    }

    #[test]
    fn what_does_not_parse_is_left_out_and_counted() {
        let world = World::chronicle();
        let human = texts(&world, 20);
        let whole = counted(&world, &human);
        let mut broken = Recount::default();
        for text in &human {
            broken.add(&world, text, false, 1.0);
            broken.add(&world, text, true, 1.0);
            broken.add(&world, &text[1..], false, 1.0);
        }
        assert_eq!((broken.unread(), whole.unread()), (40, 0));
        assert_eq!(Recount { unread: 0, ..broken }, whole);
        assert!(Recount::default().writer(&world).is_none());
    }

    #[test]
    fn weights_are_copies() {
        let world = World::chronicle();
        let human = texts(&world, 5);
        let (mut weighed, mut copied) = (Recount::default(), Recount::default());
        for text in &human {
            weighed.add(&world, text, false, 2.0);
            copied.add(&world, text, false, 1.0);
            copied.add(&world, text, false, 1.0);
        }
        assert_eq!(weighed, copied);
    }
}
