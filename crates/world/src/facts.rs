//! The facts of all persons, drawn for every generation.
//!
//! Generation 0 is drawn as a whole. Under a clock each later generation is the one before it with two changes: persons join,
//! each at a rank of frequency that is drawn uniformly, and facts of the persons before change, each pair of a person and a
//! fact being as likely. A generation draws from streams of its own, one for the clock and one for each fact.

use std::borrow::Cow;

use streams::Stream;

use crate::bounds;
use crate::clock::{State, frequencies};
use crate::error::{Wrong, wrong};
use crate::grammar::FactOf;
use crate::table::Table;
use crate::values::Building;
use crate::world::Fact;

/// How many facts a person may have: they are bits of a number.
const MOST_FACTS: usize = 64;

/// How the values of a fact are drawn.
pub(crate) struct Draws {
    frequencies: Frequencies,
    /// A fact that stands above: its value is less in whoever is drawn, if there is anybody.
    earlier: Option<usize>,
}

enum Frequencies {
    /// Of a kind's values.
    Fixed(Table),
    /// Of persons: the exponent, for those who are there in a generation.
    Ranks(f64),
}

impl Building<'_> {
    /// How each fact is drawn.
    pub(crate) fn facts(&mut self) -> Result<Vec<Draws>, Wrong> {
        if self.grammar.fact.0.len() > MOST_FACTS {
            return Err(wrong(["fact"], format!("at most {MOST_FACTS} facts can be computed: take some out")));
        }
        bounds::pairs(self.grammar, &self.lists)?;
        let grammar = self.grammar;
        let mut draws = Vec::new();
        for (name, fact) in grammar.fact.iter() {
            draws.push(self.fact(name, fact)?);
        }
        Ok(draws)
    }

    fn fact(&mut self, name: &str, fact: &FactOf) -> Result<Draws, Wrong> {
        let list = self.lists.iter().position(|list| list.name == fact.kind);
        let list = list.ok_or_else(|| {
            wrong(["fact", name], format!("there is no kind {:?}: {}", fact.kind, self.known_kinds()))
        })?;
        let table = match fact.exponent {
            None => self.lists[list].table.clone(),
            Some(exponent) => self.zipf(self.lists[list].len(), exponent, ["fact", name, "exponent"])?,
        };
        let earlier = self.earlier(name, list, fact)?;
        if list == 0 && self.first_persons() < 2 {
            return Err(wrong(["fact", name], "this fact is another person, and there is only one: add persons"));
        }
        // A person is none of the values of its own facts.
        let values = if list == 0 { self.first_persons() - 1 } else { self.lists[list].len() };
        if self.grammar.clock.facts > 0 && values < 2 {
            return Err(wrong(
                ["fact", name],
                "under a clock facts change, and this one has no other value: add values",
            ));
        }
        self.facts.push(Fact { name: name.to_owned(), list });
        let frequencies = match list {
            0 => Frequencies::Ranks(fact.exponent.unwrap_or(self.grammar.person.exponent)),
            _ => Frequencies::Fixed(table),
        };
        Ok(Draws { frequencies, earlier })
    }

    /// The fact that `earlier` names, among those above.
    fn earlier(&self, name: &str, list: usize, fact: &FactOf) -> Result<Option<usize>, Wrong> {
        let Some(other) = &fact.earlier else { return Ok(None) };
        if list != 0 {
            return Err(wrong(["fact", name, "earlier"], "only a person can be earlier than another"));
        }
        let at = self.facts.iter().position(|fact| fact.name == *other);
        at.map(Some).ok_or_else(|| wrong(["fact", name, "earlier"], format!("no fact {other:?} stands above this one")))
    }

    /// How many persons there are in generation 0.
    fn first_persons(&self) -> usize {
        self.lists[0].len() - self.grammar.clock.joining()
    }

    /// The truth of every generation.
    pub(crate) fn states(&self, draws: &[Draws]) -> Result<Vec<State>, Wrong> {
        let clock = &self.grammar.clock;
        let nobody = State { order: Vec::new(), values: vec![Vec::new(); draws.len()] };
        let mut states = vec![self.state(0, &nobody, (self.first_persons(), 0), draws)?];
        for generation in 1..=clock.generations {
            let before = &states[states.len() - 1];
            states.push(self.state(generation, before, (clock.persons, clock.facts), draws)?);
        }
        Ok(states)
    }

    /// The state after `before`, which so many persons join and in which so many facts change.
    fn state(
        &self,
        generation: u32,
        before: &State,
        (joining, changing): (usize, usize),
        draws: &[Draws],
    ) -> Result<State, Wrong> {
        let known = before.order.len();
        let mut clock = self.stream(generation, "clock");
        let mut order = before.order.clone();
        for person in known..known + joining {
            // Generation 0 has its persons in the order of their frequency.
            let rank = if generation == 0 { person } else { clock.below(order.len() as u64 + 1) as usize };
            order.insert(rank, person as u32);
        }
        let mut changes: Vec<Vec<usize>> = vec![Vec::new(); draws.len()];
        for pair in clock.permutation(known * draws.len()).into_iter().take(changing) {
            changes[pair % draws.len()].push(pair / draws.len());
        }
        let mut values: Vec<Vec<u32>> = Vec::new();
        for (fact, draws) in draws.iter().enumerate() {
            let earlier = draws.earlier.map(|fact| values[fact].as_slice());
            let name = &self.facts[fact].name;
            let column = Column { building: self, draws, order: &order, earlier };
            let mut stream = self.stream(generation, &format!("fact.{name}"));
            let drawn = column.after(&before.values[fact], &changes[fact], joining, &mut stream);
            values.push(drawn.map_err(|what| wrong(["fact", name], what))?);
        }
        Ok(State { order, values })
    }
}

/// One fact of all persons of a generation.
struct Column<'a> {
    building: &'a Building<'a>,
    draws: &'a Draws,
    /// The persons from the most to the least frequent.
    order: &'a [u32],
    /// The values that a person's must be below to be drawn for another.
    earlier: Option<&'a [u32]>,
}

impl Column<'_> {
    /// The values of before, some of them drawn anew, and those of persons who join.
    fn after(
        &self,
        before: &[u32],
        changing: &[usize],
        joining: usize,
        stream: &mut Stream,
    ) -> Result<Vec<u32>, String> {
        let table = match &self.draws.frequencies {
            Frequencies::Fixed(table) => Cow::Borrowed(table),
            Frequencies::Ranks(exponent) => Cow::Owned(frequencies(self.order, *exponent)),
        };
        let mut values = before.to_vec();
        for &person in changing {
            values[person] = self.draw(&table, person, Some(before[person]), stream)?;
        }
        for person in before.len()..before.len() + joining {
            values.push(self.draw(&table, person, None, stream)?);
        }
        Ok(values)
    }

    /// A value for a person, another than the old one. Nobody is a fact of his own; with an order, the fact is somebody
    /// earlier in it, if any.
    fn draw(&self, table: &Table, person: usize, old: Option<u32>, stream: &mut Stream) -> Result<u32, String> {
        let restricted = |may: &dyn Fn(usize) -> bool| {
            let weights: Vec<f64> =
                table.p().iter().enumerate().map(|(value, &p)| if may(value) { p } else { 0.0 }).collect();
            weights.iter().any(|&weight| weight > 0.0).then(|| Table::new(&weights))
        };
        let is_new = |value: usize| old != Some(value as u32);
        let earlier = self.earlier.and_then(|when| restricted(&|value| when[value] < when[person] && is_new(value)));
        let table = match (earlier, old) {
            (Some(earlier), _) => Cow::Owned(earlier),
            (None, Some(_)) => restricted(&is_new).map_or(Cow::Borrowed(table), Cow::Owned),
            (None, None) => Cow::Borrowed(table),
        };
        let others = matches!(self.draws.frequencies, Frequencies::Ranks(_));
        if others {
            bounds::others(table.p(), person, &self.building.lists[0].values[person])?;
        }
        loop {
            let value = table.draw(stream.uniform());
            if !others || value != person {
                return Ok(value as u32);
            }
        }
    }
}
