//! Writing documents.

use corpus::Document;
use streams::{Purpose, Stream};

use crate::derivation::{Derivation, Fill, Holds, Sentence};
use crate::form::Part;
use crate::world::World;

impl World {
    /// Appends document number `index` to `text`. It depends on the world and the number alone; nothing but the text is
    /// kept.
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
        Self::stream(&self.name, self.seed, Purpose::Decoding, index)
    }

    /// The documents with these numbers, as a corpus has them. Chronicle stands where human text does: their origin is
    /// human, their source the world's name.
    pub fn documents(&self, numbers: std::ops::Range<u64>) -> impl Iterator<Item = Document> + '_ {
        numbers.map(|number| {
            let mut text = String::new();
            self.write(number, &mut text);
            Document::human(format!("{}/{number}", self.name), text, &self.name)
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
                let sentence = self.say(form, subject, base, draws, text, derivation.is_some());
                if let (Some(derivation), Some(sentence)) = (derivation.as_deref_mut(), sentence) {
                    derivation.sentences.push(sentence);
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

    pub(crate) fn say(
        &self,
        form: usize,
        subject: usize,
        base: usize,
        draws: &mut Stream,
        text: &mut String,
        note: bool,
    ) -> Option<Sentence> {
        let start = text.len() - base;
        let mut fills = Vec::new();
        for part in &self.forms[form].parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Slot(slot) => {
                    let value = self.held(*slot, subject);
                    let value = value.unwrap_or_else(|| self.lists[slot.list].table.draw(draws.uniform()));
                    let start = text.len() - base;
                    text.push_str(self.value(*slot, value));
                    if note {
                        let holds = Holds::new(slot.filler, slot.list, value);
                        fills.push(Fill { holds, start, end: text.len() - base });
                    }
                }
            }
        }
        note.then(|| Sentence { form, subject, start, end: text.len() - base, fills })
    }
}
