//! Ambiguity: a search for a text that two forms can give.
//!
//! That a document has one derivation follows from four things that are checked, and from nothing else:
//!
//! 1. A sentence ends with a full stop, `!` or `?`, and these stand nowhere else, in no form and no value. So a text can be
//!    divided into sentences in one way.
//! 2. In a list of values none begins another. So, from left to right, each slot of a form can hold one value at most: a
//!    sentence can be made from a form in one way.
//! 3. No sentence can be made from two forms. This file checks it: it walks through each pair of forms, byte by byte, and
//!    through all values at once where a slot begins. The walk takes facts for free (any person with any value), so it may
//!    refuse two forms that true sentences would keep apart, and never accepts two that they would not.
//! 4. A form names the person or it does not; naming begins a run, not naming continues one. So the sentences say where
//!    runs begin: to move on to the same person is another text than to stay with her.

use std::collections::HashSet;

use crate::form::{Form, Part};
use crate::list::List;

/// Steps of all walks together: a few seconds.
const MOST_STEPS: u64 = 100_000_000;

/// Two forms and a text of both.
#[derive(Debug)]
pub(crate) struct Collision {
    pub(crate) forms: [usize; 2],
    /// None if the search was given up: there are too many places to look at.
    pub(crate) text: Option<String>,
}

/// Checks every pair of forms.
///
/// # Errors
/// The first pair that has a text in common.
pub(crate) fn check(forms: &[Form], lists: &[List]) -> Result<(), Collision> {
    let mut left = MOST_STEPS;
    for b in 1..forms.len() {
        for a in 0..b {
            let forms_of = [&forms[a], &forms[b]];
            let mut walk = Walk { forms: forms_of, lists, seen: HashSet::new(), text: Vec::new(), left };
            let start = [walk.enter(0, 0), walk.enter(1, 0)];
            if walk.meets(start) {
                let text = Some(String::from_utf8_lossy(&walk.text).into_owned());
                return Err(Collision { forms: [a, b], text });
            }
            left = walk.left;
            if left == 0 {
                return Err(Collision { forms: [a, b], text: None });
            }
        }
    }
    Ok(())
}

/// A place within a form: in a text, `depth` bytes in; in a slot, `depth` bytes into the values `low..high` (in the list's
/// order), which agree that far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    part: usize,
    low: usize,
    high: usize,
    depth: usize,
}

struct Walk<'a> {
    forms: [&'a Form; 2],
    lists: &'a [List],
    seen: HashSet<[Place; 2]>,
    /// What led here.
    text: Vec<u8>,
    /// Steps that may still be taken.
    left: u64,
}

impl Walk<'_> {
    /// The beginning of a part.
    fn enter(&self, side: usize, part: usize) -> Place {
        let high = match self.forms[side].parts.get(part) {
            Some(Part::Slot(slot)) => self.lists[slot.list].len(),
            _ => 0,
        };
        Place { part, low: 0, high, depth: 0 }
    }

    /// The list of a slot that has not been begun.
    fn fresh_slot(&self, side: usize, place: Place) -> Option<usize> {
        match self.forms[side].parts.get(place.part) {
            Some(Part::Slot(slot)) if place.depth == 0 => Some(slot.list),
            _ => None,
        }
    }

    /// True if the forms have a text in common from here on; it is then in `text`.
    fn meets(&mut self, places: [Place; 2]) -> bool {
        self.left =
            self.left.saturating_sub(1 + places.iter().map(|place| (place.high - place.low) as u64).sum::<u64>());
        if self.left == 0 {
            return false;
        }
        let ended = [0, 1].map(|side| places[side].part == self.forms[side].parts.len());
        if ended != [false; 2] || !self.seen.insert(places) {
            return ended == [true; 2];
        }
        let length = self.text.len();
        if let [Some(a), Some(b)] = [0, 1].map(|side| self.fresh_slot(side, places[side]))
            && a == b
        {
            // The same text begins with one value of the list at most: both slots hold the same.
            self.text.extend_from_slice(self.lists[a].in_order(0));
            let after = [0, 1].map(|side| self.enter(side, places[side].part + 1));
            if self.meets(after) {
                return true;
            }
        } else {
            for byte in self.next_bytes(places[0]) {
                let steps = [0, 1].map(|side| self.step(side, places[side], byte));
                if let [Some(a), Some(b)] = steps {
                    self.text.push(byte);
                    if self.meets([a, b]) {
                        return true;
                    }
                    self.text.truncate(length);
                }
            }
        }
        self.text.truncate(length);
        false
    }

    /// The bytes that the first form can go on with.
    fn next_bytes(&self, place: Place) -> Vec<u8> {
        match &self.forms[0].parts[place.part] {
            Part::Text(text) => vec![text.as_bytes()[place.depth]],
            Part::Slot(slot) => {
                let list = &self.lists[slot.list];
                let mut bytes: Vec<u8> = (place.low..place.high).map(|at| list.in_order(at)[place.depth]).collect();
                bytes.dedup();
                bytes
            }
        }
    }

    /// One byte on.
    fn step(&self, side: usize, place: Place, byte: u8) -> Option<Place> {
        let depth = place.depth + 1;
        match &self.forms[side].parts[place.part] {
            Part::Text(text) if text.as_bytes()[place.depth] != byte => None,
            Part::Text(text) if text.len() == depth => Some(self.enter(side, place.part + 1)),
            Part::Text(_) => Some(Place { depth, ..place }),
            Part::Slot(slot) => {
                let list = &self.lists[slot.list];
                let mut with_byte = (place.low..place.high).filter(|&at| list.in_order(at)[place.depth] == byte);
                let low = with_byte.next()?;
                let high = with_byte.next_back().map_or(low + 1, |last| last + 1);
                // No value begins another: where one ends, it is alone.
                let whole = list.in_order(low).len() == depth;
                Some(if whole { self.enter(side, place.part + 1) } else { Place { low, high, depth, ..place } })
            }
        }
    }
}
