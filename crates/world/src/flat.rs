//! Texts for a tokenizer: every form and every name equally often.
//!
//! Byte-pair encoding gives frequent words fewer tokens. Trained on the language as it is, it would give rare persons longer
//! names, and what is lost because it is rare could not be told from what is lost because it is long. In these texts all
//! values of a list are equally frequent, to within one, and so are all forms that begin a run and all that continue one.
//! The persons are those of all generations, so one tokenizer serves them all. The texts look like documents and say
//! nothing true.

use crate::form::Part;
use crate::world::World;

/// Texts without end; take as many as are needed.
#[derive(Clone, Debug)]
pub struct FlatTexts<'a> {
    world: &'a World,
    following: Vec<usize>,
    /// The next value of each list.
    values: Vec<usize>,
    opening: usize,
    continuing: usize,
}

impl World {
    /// Texts of flat frequency to train a tokenizer on: two sentences that name somebody, the second after a space as
    /// within a document, and one that does not. [`World::flat_round`] says how many make every value occur.
    pub fn flat_texts(&self) -> FlatTexts<'_> {
        let following = (0..self.forms.len()).filter(|&form| !self.forms[form].opening).collect();
        FlatTexts { world: self, following, values: vec![0; self.lists.len()], opening: 0, continuing: 0 }
    }

    /// How many flat texts are enough for every form and every value of every list to occur, at the beginning of a text
    /// too where it can: as many as the longest list has values, for each form.
    pub fn flat_round(&self) -> usize {
        let values = (0..self.lists.len()).map(|list| self.of_all_generations(list).len()).max().unwrap_or(1);
        values * self.forms.len()
    }

    /// The values of a list; of the persons, those who are to join too.
    fn of_all_generations(&self, list: usize) -> &[String] {
        match list {
            0 => &self.history.names,
            list => &self.lists[list].values,
        }
    }
}

impl Iterator for FlatTexts<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut text = String::new();
        for at in 0..3 {
            let form = if at < 2 {
                self.opening += 1;
                self.world.openings[(self.opening - 1) % self.world.openings.len()]
            } else if self.following.is_empty() {
                break;
            } else {
                self.continuing += 1;
                self.following[(self.continuing - 1) % self.following.len()]
            };
            if at > 0 {
                text.push(' ');
            }
            for part in &self.world.forms[form].parts {
                match part {
                    Part::Text(literal) => text.push_str(literal),
                    Part::Slot(slot) => {
                        let next = &mut self.values[slot.list];
                        let values = self.world.of_all_generations(slot.list);
                        text.push_str(&values[*next]);
                        *next = (*next + 1) % values.len();
                    }
                }
            }
        }
        Some(text)
    }
}
