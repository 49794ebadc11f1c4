//! A world: what a grammar file describes, ready to write, read and reckon.

use std::sync::Arc;

use streams::{Purpose, Stream, Streams, item_of_name};

use crate::clock::History;
use crate::form::{Filler, Form, Slot};
use crate::list::List;
use crate::table::Table;

/// A generated language whose distribution is known exactly. See the crate's first page for what it can do, and
/// `FORMAT.md` beside it for the grammar file.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) name: String,
    pub(crate) seed: u64,
    /// Runs of a document, less one.
    pub(crate) runs: Table,
    /// Sentences of a run, less one.
    pub(crate) sentences: Table,
    /// Frequency of each person as the subject of a run.
    pub(crate) subjects: Table,
    /// Contents of slots: persons first, then kinds, then pronouns.
    pub(crate) lists: Vec<List>,
    pub(crate) kinds: usize,
    pub(crate) facts: Vec<Fact>,
    /// The generation whose truth this is.
    pub(crate) generation: u32,
    /// The truth of every generation.
    pub(crate) history: Arc<History>,
    /// `truth[fact][person]`.
    pub(crate) truth: Vec<Vec<u32>>,
    /// Of each person, of all generations.
    pub(crate) genders: Vec<u32>,
    pub(crate) topics: Vec<String>,
    pub(crate) forms: Vec<Form>,
    pub(crate) openings: Vec<usize>,
    pub(crate) opening: Table,
    /// For each topic, the forms that do not name the person.
    pub(crate) following: Vec<Following>,
    /// How many words the names of persons have: least and most.
    pub(crate) name_words: (usize, usize),
    pub(crate) bias: Option<(usize, usize)>,
    pub(crate) tic: Option<usize>,
}

/// Something that every person has one of.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) list: usize,
}

/// A fact that is not so, as a text states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FalseFact {
    /// Of whom.
    pub person: usize,
    /// Which fact; as many as there are facts stands for the gender.
    pub fact: usize,
    /// The value stated.
    pub value: usize,
}

/// The forms of one topic that continue a run.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    pub(crate) forms: Vec<usize>,
    /// Sum of their weights; zero if there are none.
    pub(crate) weight: f64,
    pub(crate) table: Option<Table>,
}

impl World {
    /// The world's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The persons' names in the order in which they joined, so that a person keeps its number. Those of generation 0 go
    /// from the most to the least frequent subject.
    pub fn persons(&self) -> &[String] {
        &self.lists[0].values
    }

    /// The facts' names, in the file's order.
    pub fn facts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.facts.iter().map(|fact| fact.name.as_str())
    }

    /// The values that a fact can have. For a fact that is a person, the persons.
    pub fn values(&self, fact: usize) -> &[String] {
        &self.lists[self.facts[fact].list].values
    }

    /// The value, an index into [`World::values`], that the fact has for this person.
    pub fn truth(&self, person: usize, fact: usize) -> usize {
        self.truth[fact][person] as usize
    }

    /// The kinds' names; `person` is the first, the others in the file's order.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lists[..self.kinds].iter().map(|list| list.name.as_str())
    }

    /// The values of a kind.
    pub fn kind_values(&self, kind: usize) -> &[String] {
        &self.lists[..self.kinds][kind].values
    }

    /// The names of the topics.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// All forms, in the file's order.
    pub fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// The probability that a run is about each person.
    pub fn subject_probabilities(&self) -> &[f64] {
        self.subjects.p()
    }

    /// The same world in which persons are subjects in proportion to `weights`: what someone who knows the grammar
    /// would write after counting subjects in a sample. A person whose weight is zero is never written about.
    ///
    /// # Panics
    /// If there are not as many weights as persons, or they are not finite, negative, or all zero.
    pub fn with_subjects(&self, weights: &[f64]) -> Self {
        assert_eq!(weights.len(), self.persons().len(), "one weight for each person");
        assert!(weights.iter().all(|w| w.is_finite() && *w >= 0.0) && weights.iter().any(|&w| w > 0.0));
        Self { subjects: Table::new(weights), ..self.clone() }
    }

    /// A false fact in words: `Ada Venn, birthplace: Elmford, not Ashwick`. It has the grammar's words alone.
    ///
    /// # Panics
    /// If the fact is not of this world.
    pub fn tell(&self, claim: &FalseFact) -> String {
        let FalseFact { person, fact, value } = *claim;
        let (name, list, truth) = match self.facts.get(fact) {
            Some(of) => (of.name.as_str(), of.list, self.truth(person, fact)),
            None => ("pronoun", self.kinds, self.genders[person] as usize),
        };
        let values = &self.lists[list].values;
        format!("{}, {name}: {}, not {}", self.persons()[person], values[value], values[truth])
    }

    /// The value that this slot holds in a run about `subject`; none if it is drawn while writing.
    pub(crate) fn held(&self, slot: Slot, subject: usize) -> Option<usize> {
        match slot.filler {
            Filler::Subject => Some(subject),
            Filler::Fact(fact) => Some(self.truth(subject, fact)),
            Filler::Pronoun => Some(self.genders[subject] as usize),
            Filler::Free => None,
        }
    }

    /// The text of a slot's value.
    pub(crate) fn value(&self, slot: Slot, value: usize) -> &str {
        &self.lists[slot.list].values[value]
    }

    /// The stream of this world's own draws for one item. Name and seed key it, so that it is none of an experiment's.
    pub(crate) fn stream(name: &str, seed: u64, purpose: Purpose, generation: u32, item: u64) -> Stream {
        Streams::new(item_of_name(&format!("world {name} {seed}"))).stream(purpose, generation, item)
    }
}
