//! A world that changes: the truth of each generation.

use crate::list::List;
use crate::table::Table;
use crate::world::World;

/// The truth of every generation, and who there is in any of them.
#[derive(Debug)]
pub(crate) struct History {
    /// Persons in the order in which they join.
    pub(crate) names: Vec<String>,
    /// Of the persons' frequencies.
    pub(crate) exponent: f64,
    /// By generation; the last holds from then on.
    pub(crate) states: Vec<State>,
}

/// The truth of one generation.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The persons from the most to the least frequent.
    pub(crate) order: Vec<u32>,
    /// `values[fact][person]`.
    pub(crate) values: Vec<Vec<u32>>,
}

impl History {
    /// The states of the generations up to this one.
    fn until(&self, generation: u32) -> &[State] {
        &self.states[..self.states.len().min(generation as usize + 1)]
    }

    /// The state of this generation.
    fn of(&self, generation: u32) -> &State {
        let states = self.until(generation);
        &states[states.len() - 1]
    }
}

/// The frequencies of persons in proportion to 1/k^s for the k-th of `order`.
pub(crate) fn frequencies(order: &[u32], exponent: f64) -> Table {
    let mut weights = vec![0.0; order.len()];
    for (&person, rank) in order.iter().zip(1..) {
        weights[person as usize] = f64::from(rank).powf(-exponent);
    }
    Table::new(&weights)
}

/// A value of somebody's fact in a generation. Every value that the fact can have is one of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It holds, and held in the generation before. In generation 0 all that holds is kept.
    Kept,
    /// It began to hold in this generation: of a person who joined, or in the place of another value.
    New,
    /// It held once and does not any more.
    Withdrawn,
    /// It never held.
    Never,
}

impl Standing {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Kept, Self::New, Self::Withdrawn, Self::Never];

    /// Its name in `metrics.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::New => "new",
            Self::Withdrawn => "withdrawn",
            Self::Never => "never",
        }
    }
}

impl World {
    /// The world as of a generation: the persons who have joined by then and the values that hold then, in the same forms.
    /// `at(0)` is the world that the grammar gives; after the clock's last generation nothing changes. It depends on the
    /// grammar and the generation alone, so `world.at(5).at(2)` is `world.at(2)`.
    ///
    /// Persons and values keep their numbers: what one generation counts can be compared with another's.
    pub fn at(&self, generation: u32) -> Self {
        let state = self.history.of(generation);
        let subjects = frequencies(&state.order, self.history.exponent);
        let names = self.history.names[..state.order.len()].to_vec();
        let persons = List::new(&self.lists[0].name, names, subjects.clone());
        let mut world = Self { generation, subjects, truth: state.values.clone(), ..self.clone() };
        world.lists[0] = persons.expect("of the names of all generations none begins another");
        world
    }

    /// The generation whose truth this is.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The last generation that changes the world: 0 without a clock.
    pub fn last_change(&self) -> u32 {
        self.history.states.len() as u32 - 1
    }

    /// The generation since which the fact has had its value for this person; that in which the person joined, if it never
    /// changed.
    pub fn since(&self, person: usize, fact: usize) -> u32 {
        let states = self.history.until(self.generation);
        let value = self.truth[fact][person];
        let held = states.iter().rev().take_while(|state| state.values[fact].get(person) == Some(&value)).count();
        (states.len() - held) as u32
    }

    /// The values, each once, that the fact had for this person and has no longer; the latest first.
    pub fn withdrawn(&self, person: usize, fact: usize) -> Vec<usize> {
        let mut values = Vec::new();
        for state in self.history.until(self.generation).iter().rev() {
            let Some(&value) = state.values[fact].get(person) else { break };
            if value != self.truth[fact][person] && !values.contains(&(value as usize)) {
                values.push(value as usize);
            }
        }
        values
    }

    /// What a value of a person's fact is in this generation.
    pub fn standing(&self, person: usize, fact: usize, value: usize) -> Standing {
        if self.truth(person, fact) == value {
            let is_new = self.generation > 0 && self.since(person, fact) == self.generation;
            return if is_new { Standing::New } else { Standing::Kept };
        }
        let held = |state: &State| state.values[fact].get(person) == Some(&(value as u32));
        match self.history.until(self.generation).iter().any(held) {
            true => Standing::Withdrawn,
            false => Standing::Never,
        }
    }
}
