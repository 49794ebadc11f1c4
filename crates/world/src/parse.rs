//! Reading a text strictly: it is a document of the language, or it stops being one at some byte.

use crate::derivation::{Derivation, Fill, Holds, Sentence};
use crate::form::{Filler, Form, Part, Slot};
use crate::list::common;
use crate::table::Table;
use crate::world::World;

/// Where a text stops being of the language: the bytes before are the beginning of some document, one more is of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text stops being of the language at byte {byte}")]
pub struct Stop {
    /// The first byte that no document has there; the text's length where it only ends too early.
    pub byte: usize,
}

/// Progress of a form.
enum Match {
    /// To its end.
    Whole { subject: usize, end: usize },
    /// Not farther than this byte.
    Until(usize),
}

/// What a reader asks of the facts that a text states.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Facts {
    /// They hold.
    True,
    /// They are values of the fact.
    Any,
}

/// A reader of one text.
struct Reader<'a> {
    world: &'a World,
    text: &'a [u8],
    facts: Facts,
}

/// State of a parse between two sentences.
struct State {
    runs: usize,
    length: usize,
    used: u64,
    subject: usize,
}

impl State {
    fn may_stop(counts: &Table, n: usize) -> bool {
        n > 0 && counts.p().get(n - 1).is_some_and(|&p| p > 0.0)
    }

    fn may_end(&self, world: &World) -> bool {
        Self::may_stop(&world.sentences, self.length) && Self::may_stop(&world.runs, self.runs)
    }

    fn may_open(&self, world: &World) -> bool {
        self.runs == 0 || (Self::may_stop(&world.sentences, self.length) && self.runs <= world.runs.last())
    }

    fn may_follow(&self, world: &World) -> bool {
        self.runs > 0 && self.length <= world.sentences.last()
    }
}

impl World {
    /// The derivation of a document: of all there are, the only one.
    ///
    /// # Errors
    /// A text that is not a document of the language, and where it stops being one.
    pub fn parse(&self, text: &str) -> Result<Derivation, Stop> {
        Reader { world: self, text: text.as_bytes(), facts: Facts::True }.document()
    }

    /// The derivation of a text that is a document but for its facts: any value may be stated of anybody, as in documents of
    /// another generation. It is the only one too, for two forms never give one text, whatever is true.
    ///
    /// # Errors
    /// As [`World::parse`].
    pub fn parse_any(&self, text: &str) -> Result<Derivation, Stop> {
        Reader { world: self, text: text.as_bytes(), facts: Facts::Any }.document()
    }
}

impl Reader<'_> {
    fn document(&self) -> Result<Derivation, Stop> {
        let (world, bytes) = (self.world, self.text);
        let mut state = State { runs: 0, length: 0, used: 0, subject: 0 };
        let mut derivation = Derivation::default();
        let mut at = 0;
        loop {
            if state.runs > 0 {
                if at == bytes.len() && state.may_end(world) {
                    return Ok(derivation);
                }
                let goes_on = state.may_open(world) || state.may_follow(world);
                if bytes.get(at) != Some(&b' ') || !goes_on {
                    return Err(Stop { byte: at });
                }
                at += 1;
            }
            let sentence = self.sentence(at, &state)?;
            let form = &world.forms[sentence.form];
            if form.opening {
                state = State { runs: state.runs + 1, length: 0, used: 0, subject: sentence.subject };
            }
            state.length += 1;
            state.used |= 1 << form.topic;
            at = sentence.end;
            derivation.sentences.push(sentence);
        }
    }

    /// The sentence that begins at `start`. As no text is of two forms and no sentence begins another, the first form
    /// that fits is the only one.
    fn sentence(&self, start: usize, state: &State) -> Result<Sentence, Stop> {
        let mut byte = start;
        let mut fills = Vec::new();
        for (number, form) in self.world.forms.iter().enumerate() {
            let allowed = match form.opening {
                true => state.may_open(self.world),
                false => state.may_follow(self.world) && state.used >> form.topic & 1 == 0,
            };
            if !allowed {
                continue;
            }
            fills.clear();
            let subject = (!form.opening).then_some(state.subject);
            match self.fit(form, start, subject, &mut fills) {
                Match::Whole { subject, end } => return Ok(Sentence { form: number, subject, start, end, fills }),
                Match::Until(reach) => byte = byte.max(reach),
            }
        }
        Err(Stop { byte })
    }

    /// Fits one form to the text at `start`. What slots before the name say is checked when the name is known.
    fn fit(&self, form: &Form, start: usize, subject: Option<usize>, fills: &mut Vec<Fill>) -> Match {
        let (mut subject, mut at) = (subject, start);
        for part in &form.parts {
            let rest = &self.text[at..];
            let slot = match part {
                Part::Text(literal) if rest.starts_with(literal.as_bytes()) => {
                    at += literal.len();
                    continue;
                }
                Part::Text(literal) => return Match::Until(at + common(literal.as_bytes(), rest)),
                Part::Slot(slot) => *slot,
            };
            let list = &self.world.lists[slot.list];
            let held = match (slot.filler, subject) {
                (Filler::Free | Filler::Subject, _) | (_, None) => None,
                (_, Some(subject)) => self.held(slot, subject),
            };
            let value = match held {
                Some(value) if rest.starts_with(list.values[value].as_bytes()) => value,
                Some(value) => return Match::Until(at + common(list.values[value].as_bytes(), rest)),
                None => match list.find(rest) {
                    Some(person) if slot.filler == Filler::Subject && !self.agrees(person, form, fills) => {
                        return Match::Until(at + self.reach_of_agreeing(rest, form, fills));
                    }
                    Some(value) => value,
                    None if slot.filler == Filler::Subject && !fills.is_empty() => {
                        return Match::Until(at + self.reach_of_agreeing(rest, form, fills));
                    }
                    None => return Match::Until(at + list.reach(rest)),
                },
            };
            if slot.filler == Filler::Subject {
                subject = Some(value);
            }
            let start = at;
            at += list.values[value].len();
            fills.push(Fill { holds: Holds::new(slot.filler, slot.list, value), start, end: at });
        }
        Match::Whole { subject: subject.expect("an opening names its person, others are given theirs"), end: at }
    }

    /// The value that the text must have in a slot about `subject`, if it must have one.
    fn held(&self, slot: Slot, subject: usize) -> Option<usize> {
        match slot.filler {
            Filler::Fact(_) if self.facts == Facts::Any => None,
            _ => self.world.held(slot, subject),
        }
    }

    /// True if what was said before the name is true of this person.
    fn agrees(&self, person: usize, form: &Form, fills: &[Fill]) -> bool {
        form.slots().zip(fills).all(|(slot, fill)| match fill.holds {
            Holds::Fact(_, value) | Holds::Pronoun(value) => self.held(slot, person).is_none_or(|held| held == value),
            Holds::Subject(_) | Holds::Free(..) => true,
        })
    }

    /// How far the text is the beginning of the name of somebody of whom it is true.
    fn reach_of_agreeing(&self, text: &[u8], form: &Form, fills: &[Fill]) -> usize {
        let persons = self.world.persons().iter().enumerate();
        let agreeing = persons.filter(|(person, _)| self.agrees(*person, form, fills));
        agreeing.map(|(_, name)| common(name.as_bytes(), text)).max().unwrap_or(0)
    }
}
