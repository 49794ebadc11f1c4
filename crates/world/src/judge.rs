//! Reading any text at all: sentence by sentence, each judged on its own.

use crate::derivation::{Fill, Holds};
use crate::form::{Filler, Form, Part, ends_sentence};
use crate::world::{FalseFact, World};

/// Judgement of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// Of the language, and all that it says is so.
    True,
    /// Of a form, about a person of the world; some of what it says is not so.
    False,
    /// Of a form, about or with a person who is not of the world.
    Invented,
    /// Of a form that needs a person, where the text names none, or names one in a sentence that cannot be read.
    Stray,
    /// Of no form.
    Ungrammatical,
}

impl Judgement {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::True, Self::False, Self::Invented, Self::Stray, Self::Ungrammatical];

    /// Its name in `metrics.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Invented => "invented",
            Self::Stray => "stray",
            Self::Ungrammatical => "ungrammatical",
        }
    }
}

/// One sentence of a text, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its description.
    pub judgement: Judgement,
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Its form, if it has one.
    pub form: Option<usize>,
    /// The person of the world whom it is about, if there is one.
    pub subject: Option<usize>,
    /// What its slots hold, but for names that are not of the world.
    pub fills: Vec<Fill>,
    /// Bytes `start..end` of names that are not of the world.
    pub invented: Vec<(usize, usize)>,
    /// Facts that are not so.
    pub false_facts: Vec<FalseFact>,
}

/// Whom pronouns stand for.
#[derive(Clone, Copy)]
enum About {
    Nobody,
    Invented,
    Person(usize),
}

/// How a form fits a sentence, with names that may be of nobody.
#[derive(Default)]
struct Fit {
    fills: Vec<Fill>,
    invented: Vec<(usize, usize)>,
    invented_subject: bool,
}

impl World {
    /// Divides a text into sentences and judges each. Any text will do; none makes this panic. A sentence goes to its full
    /// stop, `!` or `?`, or to the text's end; spaces around it count for nothing here.
    ///
    /// Pronouns stand for the last person named, if no sentence since then is ungrammatical.
    pub fn judge(&self, text: &str) -> Vec<Judged> {
        let mut about = About::Nobody;
        sentences(text.as_bytes())
            .map(|(start, end)| self.judge_sentence(text.as_bytes(), start, end, &mut about))
            .collect()
    }

    fn judge_sentence(&self, text: &[u8], start: usize, end: usize, about: &mut About) -> Judged {
        let mut judged = Judged {
            judgement: Judgement::Ungrammatical,
            start,
            end,
            form: None,
            subject: None,
            fills: Vec::new(),
            invented: Vec::new(),
            false_facts: Vec::new(),
        };
        let Some((form, fit)) = self.fit_any(&text[..end], start) else {
            *about = About::Nobody;
            return judged;
        };
        if self.forms[form].opening {
            let subject = fit.fills.iter().find_map(|fill| match fill.holds {
                Holds::Subject(person) => Some(person),
                _ => None,
            });
            *about = if fit.invented_subject { About::Invented } else { subject.map_or(About::Nobody, About::Person) };
        }
        (judged.form, judged.fills, judged.invented) = (Some(form), fit.fills, fit.invented);
        if let About::Person(person) = *about {
            judged.subject = Some(person);
            judged.false_facts = self.false_facts(person, &judged.fills);
        }
        judged.judgement = match about {
            About::Nobody => Judgement::Stray,
            About::Invented => Judgement::Invented,
            About::Person(_) if !judged.invented.is_empty() => Judgement::Invented,
            About::Person(_) if !judged.false_facts.is_empty() => Judgement::False,
            About::Person(_) => Judgement::True,
        };
        judged
    }

    fn false_facts(&self, person: usize, fills: &[Fill]) -> Vec<FalseFact> {
        let claims = fills.iter().filter_map(|fill| match fill.holds {
            Holds::Fact(fact, value) => Some((fact, value, self.truth(person, fact))),
            Holds::Pronoun(gender) => Some((self.facts.len(), gender, self.genders[person] as usize)),
            Holds::Subject(_) | Holds::Free(..) => None,
        });
        let lies = claims.filter(|(_, value, truth)| value != truth);
        lies.map(|(fact, value, _)| FalseFact { person, fact, value }).collect()
    }

    /// The form that the text from `start` to its end is of. Names of the world come first: with them there is one form
    /// at most. A name of nobody could stand for a form's own words too; then the first form in the file's order is taken.
    fn fit_any(&self, text: &[u8], start: usize) -> Option<(usize, Fit)> {
        for inventing in [false, true] {
            for (number, form) in self.forms.iter().enumerate() {
                let mut fit = Fit::default();
                if self.fits(form, 0, text, start, inventing, &mut fit) {
                    return Some((number, fit));
                }
            }
        }
        None
    }

    /// True if the form from this part on is the text from `at` on, all of it.
    fn fits(&self, form: &Form, part: usize, text: &[u8], at: usize, inventing: bool, fit: &mut Fit) -> bool {
        let slot = match form.parts.get(part) {
            None => return at == text.len(),
            Some(Part::Text(literal)) => {
                return text[at..].starts_with(literal.as_bytes())
                    && self.fits(form, part + 1, text, at + literal.len(), inventing, fit);
            }
            Some(Part::Slot(slot)) => *slot,
        };
        let list = &self.lists[slot.list];
        if let Some(value) = list.find(&text[at..]) {
            let end = at + list.values[value].len();
            fit.fills.push(Fill { holds: Holds::new(slot.filler, slot.list, value), start: at, end });
            if self.fits(form, part + 1, text, end, inventing, fit) {
                return true;
            }
            fit.fills.pop();
        }
        if !inventing || slot.list != 0 {
            return false;
        }
        for end in name_ends(&text[at..], self.name_words) {
            let before = fit.invented_subject;
            fit.invented_subject |= slot.filler == Filler::Subject;
            fit.invented.push((at, at + end));
            if self.fits(form, part + 1, text, at + end, inventing, fit) {
                return true;
            }
            fit.invented.pop();
            fit.invented_subject = before;
        }
        false
    }
}

/// Byte ranges of sentences: each goes to the signs that end it, or to the text's end; spaces around are left out.
fn sentences(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].iter().position(|b| !b.is_ascii_whitespace())?;
        let stop = text[start..].iter().position(|&b| ends_sentence(b)).map_or(text.len(), |n| start + n);
        at = stop + text[stop..].iter().take_while(|&&b| ends_sentence(b)).count();
        let end = start + text[start..at].trim_ascii_end().len();
        Some((start, end))
    })
}

/// The lengths of what could be a name at the beginning of a text: from `least` to `most` words, each of them a capital and
/// letters, as the names of the world are.
fn name_ends(text: &[u8], (least, most): (usize, usize)) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    for word in 1..=most {
        let letters = text[at..].iter().take_while(|b| b.is_ascii_alphabetic() || matches!(b, b'\'' | b'-')).count();
        if letters == 0 || !text[at].is_ascii_uppercase() {
            break;
        }
        at += letters;
        if word >= least {
            ends.push(at);
        }
        if text.get(at) != Some(&b' ') {
            break;
        }
        at += 1;
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_any_text() {
        let divide = |text: &str| sentences(text.as_bytes()).map(|(a, b)| text[a..b].to_owned()).collect::<Vec<_>>();
        assert_eq!(divide("  A b. C!?  d\n"), ["A b.", "C!?", "d"]);
        assert_eq!(divide(" ... "), ["..."]);
        assert!(divide(" \n").is_empty());
        assert_eq!(divide("é\u{a0}.é"), ["é\u{a0}.", "é"]);
    }

    #[test]
    fn what_could_be_a_name() {
        assert_eq!(name_ends(b"Ada Lo-Wen is", (2, 2)), [10]);
        assert_eq!(name_ends(b"Ada Lo-Wen is", (1, 3)), [3, 10]);
        assert!(name_ends(b"ada Lo", (1, 2)).is_empty());
        assert!(name_ends(b"Ada", (2, 2)).is_empty());
        assert!(name_ends(b"", (1, 2)).is_empty());
        assert!(name_ends(b"'Da x", (1, 1)).is_empty());
    }
}
