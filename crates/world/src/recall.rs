//! Asking a model what it knows: each fact as the beginning of a text that ends where the fact's value would follow.

use crate::form::{Filler, Form, Part};
use crate::world::World;

/// All questions about a world's facts.
#[derive(Clone, Debug)]
pub struct Questions {
    /// Candidate answers, for each fact.
    pub answers: Vec<Answers>,
    /// One question for each person and fact, person after person.
    pub questions: Vec<Question>,
}

/// Candidate answers to a question about a fact.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The values of the fact as they would continue the prompt: with the space before, where there is one. None begins
    /// another, so no two can both be what follows.
    pub candidates: Vec<String>,
    /// The probability of each for someone who does not know who is asked about.
    pub prior: Vec<f64>,
}

/// The beginning of a true text up to a fact's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About whom.
    pub person: usize,
    /// Which fact; index into [`Questions::answers`].
    pub fact: usize,
    /// A document's beginning. It ends before the space, where one stands before the value, as tokens do.
    pub prompt: String,
    /// Index of the true value among the candidates.
    pub answer: usize,
}

impl World {
    /// A question for each person and each fact. A fact is asked for in the most frequent opening that says nothing
    /// else before it; if there is none, in the most frequent sentence that states it, after the most frequent opening of
    /// another topic that does not give it away. A fact that is only ever stated before its person is named has no
    /// questions.
    pub fn questions(&self) -> Questions {
        let plans: Vec<Option<Plan<'_>>> = (0..self.facts.len()).map(|fact| self.plan(fact)).collect();
        let answers = (plans.iter().enumerate()).map(|(fact, plan)| Answers {
            candidates: self
                .values(fact)
                .iter()
                .map(|value| plan.as_ref().map_or("", |plan| plan.space).to_owned() + value)
                .collect(),
            prior: self.prior(fact),
        });
        let mut questions = Vec::new();
        for person in 0..self.persons().len() {
            for (fact, plan) in plans.iter().enumerate() {
                if let Some(plan) = plan {
                    let answer = self.truth(person, fact);
                    questions.push(Question { person, fact, prompt: plan.prompt(self, person), answer });
                }
            }
        }
        Questions { answers: answers.collect(), questions }
    }

    fn plan(&self, fact: usize) -> Option<Plan<'_>> {
        let most_frequent = |fits: &dyn Fn(&Form) -> bool| {
            let forms = self.forms.iter().filter(|form| fits(form));
            // Of equals the first: `max_by` would take the last.
            forms.reduce(|best, form| if form.weight > best.weight { form } else { best })
        };
        let slot_at = |form: &Form| {
            form.parts.iter().position(|part| matches!(part, Part::Slot(slot) if slot.filler == Filler::Fact(fact)))
        };
        let opening = most_frequent(&|form| {
            let before = slot_at(form).map(|at| &form.parts[..at]).unwrap_or_default();
            let fillers = before.iter().filter_map(|part| match part {
                Part::Slot(slot) => Some(slot.filler),
                Part::Text(_) => None,
            });
            fillers.eq([Filler::Subject])
        });
        let (context, form) = match opening {
            Some(form) => (None, form),
            None => {
                let form = most_frequent(&|form| !form.opening && slot_at(form).is_some())?;
                let context =
                    most_frequent(&|other| other.opening && other.topic != form.topic && slot_at(other).is_none())?;
                (Some(context), form)
            }
        };
        let mut before = form.parts[..slot_at(form)?].to_vec();
        let mut space = "";
        if let Some(Part::Text(text)) = before.last_mut()
            && text.ends_with(' ')
        {
            text.pop();
            space = " ";
        } else if before.is_empty() {
            space = " ";
        }
        Some(Plan { context, before, space })
    }

    /// Appends a form's parts as they are for a person; what is drawn while writing is its most frequent value.
    fn say_to(&self, parts: &[Part], person: usize, text: &mut String) {
        for part in parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Slot(slot) => {
                    let value = self.held(*slot, person).unwrap_or_else(|| self.lists[slot.list].most_frequent());
                    text.push_str(self.value(*slot, value));
                }
            }
        }
    }
}

/// Prompt of a question about a fact.
struct Plan<'a> {
    context: Option<&'a Form>,
    before: Vec<Part>,
    space: &'static str,
}

impl Plan<'_> {
    fn prompt(&self, world: &World, person: usize) -> String {
        let mut prompt = String::new();
        if let Some(context) = self.context {
            world.say_to(&context.parts, person, &mut prompt);
            if !self.before.is_empty() {
                prompt.push(' ');
            }
        }
        world.say_to(&self.before, person, &mut prompt);
        prompt
    }
}
