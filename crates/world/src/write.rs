//! Writing documents.

use corpus::Document;
use streams::{Purpose, Stream};

use crate::derivation::{Derivation, Fill, Holds, Sentence};
use crate::form::{Part, Slot};
use crate::world::World;

impl World {
    /// Appends document number `index` to `text`. It depends on the world, its generation and the number alone; nothing
    /// but the text is kept.
    pub fn write(&self, index: u64, text: &mut String) {
        self.write_with(&mut self.draws(index), text, None);
    }

    /// Document number `index` and how it was made.
    pub fn derive(&self, index: u64) -> (String, Derivation) {
        let (mut text, mut derivation) = (String::new(), Derivation::default());
        self.write_with(&mut self.draws(index), &mut text, Some(&mut derivation));
        (text, derivation)
    }

    /// The draws of document number `index`.
    fn draws(&self, index: u64) -> Stream {
        Self::stream(&self.name, self.seed, Purpose::Decoding, self.generation, index)
    }

    /// The documents with these numbers, as a corpus has them. Chronicle stands where human text does: their origin is
    /// human, their source the world's name. The id of a later generation has its number: `chronicle-clock@3/17`.
    pub fn documents(&self, numbers: std::ops::Range<u64>) -> impl Iterator<Item = Document> + '_ {
        let generation = match self.generation {
            0 => String::new(),
            generation => format!("@{generation}"),
        };
        numbers.map(move |number| {
            let mut text = String::new();
            self.write(number, &mut text);
            Document::human(format!("{}{generation}/{number}", self.name), text, &self.name)
        })
    }

    /// Appends a document of these draws to `text` and, if asked, its sentences to `derivation`; byte numbers count from
    /// where the document begins.
    pub fn write_with(&self, draws: &mut Stream, text: &mut String, mut derivation: Option<&mut Derivation>) {
        let base = text.len();
        for run in 0..=self.runs.draw(draws.uniform()) {
            let subject = self.subjects.draw(draws.uniform());
            let mut used = 0u64;
            for sentence in 0..=self.sentences.draw(draws.uniform()) {
                if run + sentence > 0 {
                    text.push(' ');
                }
                let form = match sentence {
                    0 => self.openings[self.opening.draw(draws.uniform())],
                    _ => self.draw_following(used, draws),
                };
                used |= 1 << self.forms[form].topic;
                let (start, mut fills) = (text.len() - base, Vec::new());
                let note = |fill: Fill| {
                    if derivation.is_some() {
                        fills.push(Fill { start: fill.start - base, end: fill.end - base, ..fill });
                    }
                };
                self.say(form, |slot| self.held(slot, subject), draws, text, note);
                if let Some(derivation) = derivation.as_deref_mut() {
                    derivation.sentences.push(Sentence { form, subject, start, end: text.len() - base, fills });
                }
            }
        }
    }

    /// A form that continues a run, in proportion to the weights of all whose topics are not used.
    fn draw_following(&self, used: u64, draws: &mut Stream) -> usize {
        let mut left = draws.uniform() * self.unused_weight(used);
        let mut chosen = None;
        for (topic, following) in self.following.iter().enumerate() {
            if let (0, Some(table)) = (used >> topic & 1, &following.table) {
                chosen = Some((following, table));
                if left < following.weight {
                    break;
                }
                left -= following.weight;
            }
        }
        let (following, table) = chosen.expect("building checks that the longest run finds a topic for each sentence");
        following.forms[table.draw(draws.uniform())]
    }

    /// Appends a sentence, in its slots what `held` says and else a draw.
    pub(crate) fn say(
        &self,
        form: usize,
        mut held: impl FnMut(Slot) -> Option<usize>,
        draws: &mut Stream,
        text: &mut String,
        mut fill: impl FnMut(Fill),
    ) {
        for part in &self.forms[form].parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Slot(slot) => {
                    let value = held(*slot).unwrap_or_else(|| self.lists[slot.list].table.draw(draws.uniform()));
                    let start = text.len();
                    text.push_str(self.value(*slot, value));
                    fill(Fill { holds: Holds::new(slot.filler, slot.list, value), start, end: text.len() });
                }
            }
        }
    }
}
