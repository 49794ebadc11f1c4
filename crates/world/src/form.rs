//! Sentence forms: a text with slots.

/// One way to say a sentence.
#[derive(Clone, Debug)]
pub struct Form {
    pub(crate) text: String,
    pub(crate) topic: usize,
    pub(crate) weight: f64,
    pub(crate) opening: bool,
    pub(crate) parts: Vec<Part>,
}

impl Form {
    /// The form as the grammar has it: `{person} was born in {birthplace}.`
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Index of its topic in [`crate::World::topics`].
    pub fn topic(&self) -> usize {
        self.topic
    }

    /// True if it names the person, and so begins a run.
    pub fn is_opening(&self) -> bool {
        self.opening
    }

    /// Its slots, from left to right.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Slot(slot) => Some(*slot),
        })
    }

    /// How many of its slots state the fact.
    pub(crate) fn states(&self, fact: usize) -> usize {
        self.slots().filter(|slot| slot.filler == Filler::Fact(fact)).count()
    }
}

/// A piece of a form.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String),
    Slot(Slot),
}

/// A place for one value of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) list: usize,
    pub(crate) filler: Filler,
}

/// The source of a slot's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filler {
    /// The person whom the run is about.
    Subject,
    /// A fact of that person.
    Fact(usize),
    /// That person's gender.
    Pronoun,
    /// A draw while writing.
    Free,
}

/// The signs that end a sentence. They stand nowhere else, so a text has one division into sentences.
pub(crate) fn ends_sentence(byte: u8) -> bool {
    matches!(byte, b'.' | b'!' | b'?')
}

/// The most bytes of a form, and of a value; the most slots of a form. They keep every walk through them short.
const MOST_BYTES: (usize, usize) = (300, 60);
const MOST_SLOTS: usize = 12;

/// Splits a form's text at its slots and looks each slot up.
///
/// # Errors
/// The fault of the text, in words.
pub(crate) fn parts(text: &str, slot: &dyn Fn(&str) -> Result<Slot, String>) -> Result<Vec<Part>, String> {
    if !text.bytes().last().is_some_and(ends_sentence) {
        return Err("this form never ends: its last sign must be a full stop, `!` or `?`".to_owned());
    }
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
        if literal.contains('}') {
            return Err("a `}` closes no slot: slots are written {name}".to_owned());
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal.to_owned()));
        }
        if literal.len() == rest.len() {
            break;
        }
        let (name, after) = after.split_once('}').ok_or("a `{` is not closed: slots are written {name}")?;
        parts.push(Part::Slot(slot(name)?));
        rest = after;
    }
    let slots = parts.iter().filter(|part| matches!(part, Part::Slot(_))).count();
    if text.len() > MOST_BYTES.0 || slots > MOST_SLOTS {
        return Err(format!("it is too long: a form has at most {} bytes and {MOST_SLOTS} slots", MOST_BYTES.0));
    }
    let body: String = (parts.iter())
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Slot(_) => "x",
        })
        .collect();
    plain(&body[..body.len() - 1])?;
    Ok(parts)
}

/// A value: [`plain`] text, and not too long.
///
/// # Errors
/// Its fault, in words.
pub(crate) fn value(text: &str) -> Result<(), String> {
    if text.len() > MOST_BYTES.1 {
        return Err(format!("it is too long: a value has at most {} bytes", MOST_BYTES.1));
    }
    plain(text)
}

/// Text of printable ASCII with single spaces inside and no sign that ends a sentence.
///
/// # Errors
/// Its fault, in words.
fn plain(text: &str) -> Result<(), String> {
    if let Some(other) = text.chars().find(|c| !matches!(c, ' '..='~')) {
        return Err(format!("{other:?} is no printable ASCII: write it with other letters"));
    }
    if text.is_empty() || text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
        return Err("spaces stand alone, and not at an end: take the others out".to_owned());
    }
    if let Some(end) = text.bytes().find(|&b| ends_sentence(b)) {
        return Err(format!("`{}` stands inside: it may only end a sentence", end as char));
    }
    Ok(())
}
