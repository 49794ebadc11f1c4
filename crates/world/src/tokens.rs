//! Size of the language for a tokenizer: expected tokens, and the longest document.
//!
//! A tokenizer is *additive* here if the tokens of a text are those of its pieces, cut before each space. Byte-level
//! tokenizers that split text as GPT-2's does are (no token of theirs crosses the beginning of a word), and so are plain
//! bytes. Then both numbers are exact sums over the pieces that the language has. Others are sampled, with a standard
//! error. Which it is, is tried on documents of the language and not taken for granted.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::error::{Wrong, wrong};
use crate::form::{Filler, Form, Part};
use crate::run::Run;
use crate::world::World;

/// Documents on which additivity is tried.
const TRIED: u64 = 512;
/// Documents that are written where it fails.
const SAMPLED: u64 = 20_000;

/// What a tokenizer needs for documents of the language. The end of a document is one token more and not counted here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Expected tokens of a document.
    pub expected: f64,
    /// Standard error of `expected`; none where it is exact.
    pub standard_error: Option<f64>,
    /// Tokens of the longest document; where `expected` is sampled, of the longest that was seen.
    pub longest: usize,
}

impl World {
    /// Expected and most tokens of a document under a tokenizer that gives a text's number of tokens.
    pub fn tokens(&self, count: &dyn Fn(&str) -> usize) -> Tokens {
        let pieces = Pieces::new(count);
        let mut text = String::new();
        let additive = (0..TRIED).all(|index| {
            text.clear();
            self.write(index, &mut text);
            count(&text) == pieces.of(&text)
        });
        if additive {
            let expected = self.expected_pieces().iter().map(|(piece, n)| n * pieces.of(piece) as f64).sum();
            return Tokens { expected, standard_error: None, longest: self.longest(&|text| pieces.of(text)) };
        }
        let (mut sum, mut squares, mut longest) = (0.0, 0.0, 0);
        for index in 0..SAMPLED {
            text.clear();
            self.write(index, &mut text);
            let tokens = count(&text);
            (sum, squares) = (sum + tokens as f64, squares + (tokens as f64).powi(2));
            longest = longest.max(tokens);
        }
        let n = SAMPLED as f64;
        let variance = (squares - sum * sum / n) / (n - 1.0);
        Tokens { expected: sum / n, standard_error: Some((variance / n).sqrt()), longest }
    }

    /// The pieces of the language, cut before each space, and how often each is expected in a document. The sum over
    /// them is the expected number of words.
    pub fn expected_pieces(&self) -> BTreeMap<String, f64> {
        let mut pieces = Expected { world: self, all: BTreeMap::new() };
        let of_run = Run::of(self).expected();
        let runs = self.runs.mean_from_one();
        for (form, &n) in self.forms.iter().zip(&of_run) {
            if form.opening {
                pieces.add(form, "", n);
                pieces.add(form, " ", n * (runs - 1.0));
            } else {
                pieces.add(form, " ", n * runs);
            }
        }
        pieces.all
    }

    /// The most tokens that a document can have under an additive count of tokens.
    fn longest(&self, count: &dyn Fn(&str) -> usize) -> usize {
        let measure = |lead| self.forms.iter().map(|form| self.measure(form, lead, count)).collect::<Vec<_>>();
        let (first, later) = (measure(""), measure(" "));
        let persons = 0..self.persons().len();
        let run = |openings: &[Measured]| {
            persons.clone().map(|person| self.longest_run(person, openings, &later, count)).max().unwrap_or(0)
        };
        run(&first) + self.runs.last() * run(&later)
    }

    /// The most tokens of a run about a person: the longest opening with the longest sentences of other topics.
    fn longest_run(
        &self,
        person: usize,
        openings: &[Measured],
        later: &[Measured],
        count: &dyn Fn(&str) -> usize,
    ) -> usize {
        let longest_of = |forms: &[usize]| forms.iter().map(|&form| later[form].longest(self, person, count)).max();
        let mut by_topic: Vec<(usize, usize)> = (self.following.iter().enumerate())
            .filter_map(|(topic, following)| Some((longest_of(&following.forms)?, topic)))
            .collect();
        by_topic.sort_by(|a, b| b.cmp(a));
        let run = |opening: usize| {
            let others = by_topic.iter().filter(|(_, topic)| *topic != self.forms[opening].topic);
            let others = others.take(self.sentences.last()).map(|(tokens, _)| tokens).sum::<usize>();
            openings[opening].longest(self, person, count) + others
        };
        self.openings.iter().map(|&opening| run(opening)).max().unwrap_or(0)
    }

    /// Counts what of a form is the same for all persons.
    fn measure(&self, form: &Form, lead: &str, count: &dyn Fn(&str) -> usize) -> Measured {
        let mut measured = Measured { common: 0, personal: Vec::new() };
        for (at, stretch) in stretches(form).into_iter().enumerate() {
            let lead = if at == 0 { lead } else { "" };
            if is_personal(&stretch) {
                measured.personal.push((lead.to_owned(), stretch));
            } else {
                measured.common += self.longest_spelling(&stretch, 0, lead, count);
            }
        }
        measured
    }

    fn longest_spelling(&self, stretch: &[Part], person: usize, lead: &str, count: &dyn Fn(&str) -> usize) -> usize {
        let mut longest = 0;
        self.spell(stretch, person, lead.to_owned(), 1.0, &mut |text, _| longest = longest.max(count(text)));
        longest
    }

    /// Gives every text of a stretch, with its probability, to `each`.
    fn spell(&self, stretch: &[Part], person: usize, so_far: String, p: f64, each: &mut dyn FnMut(&str, f64)) {
        let Some((part, rest)) = stretch.split_first() else { return each(&so_far, p) };
        match part {
            Part::Text(text) => self.spell(rest, person, so_far + text, p, each),
            Part::Slot(slot) => match self.held(*slot, person) {
                Some(value) => self.spell(rest, person, so_far + self.value(*slot, value), p, each),
                None => {
                    for (value, share) in self.lists[slot.list].table.p().iter().enumerate() {
                        self.spell(rest, person, so_far.clone() + self.value(*slot, value), p * share, each);
                    }
                }
            },
        }
    }
}

/// A form's most tokens: what is common to all persons, and what is not, to be spelled out.
struct Measured {
    common: usize,
    personal: Vec<(String, Vec<Part>)>,
}

impl Measured {
    fn longest(&self, world: &World, person: usize, count: &dyn Fn(&str) -> usize) -> usize {
        let personal = self.personal.iter().map(|(lead, stretch)| world.longest_spelling(stretch, person, lead, count));
        self.common + personal.sum::<usize>()
    }
}

fn is_personal(stretch: &[Part]) -> bool {
    stretch.iter().any(|part| matches!(part, Part::Slot(slot) if slot.filler != Filler::Free))
}

/// True if two free slots are in one piece: their pairs would have to be gone through.
pub(crate) fn draws_share_a_word(form: &Form) -> bool {
    let free = |stretch: &Vec<Part>| {
        stretch.iter().filter(|part| matches!(part, Part::Slot(slot) if slot.filler == Filler::Free)).count()
    };
    stretches(form).iter().any(|stretch| free(stretch) > 1)
}

/// The lists of drawn values that share a piece with something of a person's: each pair is a piece of its own.
pub(crate) fn drawn_beside_a_person(form: &Form) -> impl Iterator<Item = usize> {
    let shared = stretches(form).into_iter().filter(|stretch| is_personal(stretch));
    shared.flat_map(|stretch| {
        stretch.into_iter().filter_map(|part| match part {
            Part::Slot(slot) if slot.filler == Filler::Free => Some(slot.list),
            _ => None,
        })
    })
}

/// A form cut before the spaces of its own words, so that slots which share a piece stay together.
fn stretches(form: &Form) -> Vec<Vec<Part>> {
    let mut stretches: Vec<Vec<Part>> = vec![Vec::new()];
    for part in &form.parts {
        let last = stretches.len() - 1;
        match part {
            Part::Slot(slot) => stretches[last].push(Part::Slot(*slot)),
            Part::Text(text) => {
                for (at, piece) in pieces(text).enumerate() {
                    if at > 0 || piece.starts_with(' ') {
                        stretches.push(Vec::new());
                    }
                    let last = stretches.len() - 1;
                    stretches[last].push(Part::Text(piece.to_owned()));
                }
            }
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

/// A text cut before each of its spaces; the pieces joined are the text.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest[first.len_utf8()..].find(' ').map_or(rest.len(), |at| at + first.len_utf8());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Counts of pieces, each asked for once.
struct Pieces<'a> {
    count: &'a dyn Fn(&str) -> usize,
    known: RefCell<BTreeMap<String, usize>>,
}

impl<'a> Pieces<'a> {
    fn new(count: &'a dyn Fn(&str) -> usize) -> Self {
        Self { count, known: RefCell::new(BTreeMap::new()) }
    }

    /// The sum over a text's pieces.
    fn of(&self, text: &str) -> usize {
        let mut known = self.known.borrow_mut();
        let one = |piece: &str| match known.get(piece) {
            Some(&tokens) => tokens,
            None => {
                let tokens = (self.count)(piece);
                known.insert(piece.to_owned(), tokens);
                tokens
            }
        };
        pieces(text).map(one).sum()
    }
}

struct Expected<'a> {
    world: &'a World,
    all: BTreeMap<String, f64>,
}

impl Expected<'_> {
    /// Adds the pieces of a form that is expected `n` times, `lead` standing before it.
    fn add(&mut self, form: &Form, lead: &str, n: f64) {
        if n <= 0.0 {
            return;
        }
        for (at, stretch) in stretches(form).iter().enumerate() {
            let lead = if at == 0 { lead } else { "" };
            // Words that do not depend on the person are computed once.
            let persons: &[f64] = if is_personal(stretch) { self.world.subjects.p() } else { &[1.0] };
            for (person, p) in persons.iter().enumerate() {
                let all = &mut self.all;
                self.world.spell(stretch, person, lead.to_owned(), n * p, &mut |text, p| {
                    for piece in pieces(text) {
                        match all.get_mut(piece) {
                            Some(sum) => *sum += p,
                            None => drop(all.insert(piece.to_owned(), p)),
                        }
                    }
                });
            }
        }
    }
}

/// Words (of letters or of digits) and signs: the tokens of a tokenizer that knows every word.
pub(crate) fn words_and_signs(text: &str) -> usize {
    let class = |b: u8| (b.is_ascii_alphabetic(), b.is_ascii_digit());
    let bytes = text.as_bytes();
    let begins = |at: usize| match class(bytes[at]) {
        (false, false) => bytes[at] != b' ',
        word => at == 0 || class(bytes[at - 1]) != word,
    };
    (0..bytes.len()).filter(|&at| begins(at)).count()
}

/// Checks that the longest document has at most `longest` words and signs.
pub(crate) fn fits(world: &World, longest: usize) -> Result<(), Wrong> {
    let pieces = Pieces::new(&words_and_signs);
    let found = world.longest(&|text| pieces.of(text));
    if found > longest {
        let count = |text: &str| pieces.of(text);
        let sentence = |form: &&Form| {
            let measured = world.measure(form, "", &count);
            (0..world.persons().len()).map(|person| measured.longest(world, person, &count)).max()
        };
        let form = world.forms.iter().max_by_key(sentence).map_or("", |form| form.text());
        let what = format!(
            "documents have up to {found} words and signs, and so do not fit: shorten `runs`, `sentences` or the longest \
             form, {form:?}, or allow more"
        );
        return Err(wrong(["document", "longest"], what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_signs_and_pieces() {
        assert_eq!(words_and_signs("Ada's 12 bells, rang."), 8);
        assert_eq!(words_and_signs(""), 0);
        assert_eq!(pieces(" a  b,c d").collect::<Vec<_>>(), [" a", " ", " b,c", " d"]);
        assert_eq!(pieces("").count(), 0);
    }
}
