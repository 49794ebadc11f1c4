//! From a grammar file to a world: values, forms, and the checks of the whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ambiguity;
use crate::bounds;
use crate::clock::History;
use crate::error::{Wrong, wrong};
use crate::form::{self, Filler, Form, Slot};
use crate::grammar::Grammar;
use crate::table::Table;
use crate::tokens;
use crate::values::{Building, is_weight, shares};
use crate::world::{Following, World};

/// How many topics may have sentences that continue a run: the closed forms go through the sets of them.
const MOST_TOPICS: usize = 12;

pub(crate) fn world(grammar: &Grammar) -> Result<World, Wrong> {
    bounds::counts(grammar)?;
    let mut building = Building { grammar, taken: BTreeSet::new(), lists: Vec::new(), facts: Vec::new(), pronouns: 0 };
    let genders = building.persons()?;
    building.kinds()?;
    let kinds = building.lists.len();
    let draws = building.facts()?;
    let states = building.states(&draws)?;
    building.pronouns()?;
    let forms = building.forms()?;
    building.all_used(&forms)?;
    let runs = shares(&grammar.document.runs, ["document", "runs"])?;
    let sentences = shares(&grammar.document.sentences, ["document", "sentences"])?;
    bounds::texts(&forms, &building.lists)?;
    ambiguity::check(&forms, &building.lists).map_err(|found| {
        let [a, b] = found.forms.map(|form| &forms[form]);
        let what = match found.text {
            Some(text) => format!("{:?} says the same as {:?} in {text:?}: change one of them", b.text, a.text),
            None => format!(
                "whether {:?} can say the same as {:?} takes too long to find out: take values or forms out",
                b.text, a.text
            ),
        };
        wrong(["forms", &grammar.forms.0[b.topic].0, &b.text], what)
    })?;
    let bias = building.bias(&forms)?;
    let tic = building.tic(&forms)?;
    let (openings, opening, following) = by_role(grammar, &forms)?;
    let names = building.lists[0].values.clone();
    let words = names.iter().map(|name| name.split(' ').count());
    let name_words = words.fold((usize::MAX, 0), |(least, most), words| (least.min(words), most.max(words)));
    let world = World {
        name: grammar.name.clone(),
        seed: grammar.seed,
        runs,
        sentences,
        subjects: building.lists[0].table.clone(),
        lists: building.lists,
        kinds,
        facts: building.facts,
        generation: 0,
        history: Arc::new(History { names, exponent: grammar.person.exponent, states }),
        truth: Vec::new(),
        genders,
        topics: grammar.forms.iter().map(|(topic, _)| topic.to_owned()).collect(),
        forms,
        openings,
        opening,
        following,
        name_words,
        bias,
        tic,
    };
    run_can_be_filled(&world)?;
    bounds::closed_forms(&world)?;
    for generation in 0..=grammar.clock.generations {
        tokens::fits(&world.at(generation), grammar.document.longest)?;
    }
    Ok(world.at(0))
}

impl Building<'_> {
    fn slot(&self, name: &str) -> Result<Slot, String> {
        let pronoun = self.lists[self.pronouns..].iter().position(|list| list.name == name);
        let fact = self.facts.iter().position(|fact| fact.name == name);
        let kind = name
            .strip_prefix("any ")
            .map(|kind| self.lists[1..self.pronouns].iter().position(|list| list.name == kind));
        match (name, fact, pronoun, kind) {
            ("person", None, None, _) => Ok(Slot { list: 0, filler: Filler::Subject }),
            (_, Some(fact), None, None) => Ok(Slot { list: self.facts[fact].list, filler: Filler::Fact(fact) }),
            (_, None, Some(at), None) => Ok(Slot { list: self.pronouns + at, filler: Filler::Pronoun }),
            (_, None, None, Some(Some(kind))) => Ok(Slot { list: 1 + kind, filler: Filler::Free }),
            (_, None, None, _) => Err(format!("there is no slot {{{name}}}: {}", self.known())),
            _ => Err(format!("{{{name}}} is more than one thing: give facts, pronouns and `person` different names")),
        }
    }

    /// The slots that there are.
    fn known(&self) -> String {
        let facts = self.facts.iter().map(|fact| fact.name.clone());
        let (kinds, pronouns) = self.lists.split_at(self.pronouns);
        let any = kinds[1..].iter().map(|list| format!("any {}", list.name));
        let words = pronouns.iter().map(|list| list.name.clone());
        let all: Vec<String> = ["person".to_owned()].into_iter().chain(facts).chain(any).chain(words).collect();
        format!("take one of {}", all.join(", "))
    }

    fn forms(&self) -> Result<Vec<Form>, Wrong> {
        let mut forms = Vec::new();
        for (topic, (name, entries)) in self.grammar.forms.iter().enumerate() {
            for (text, &weight) in entries.iter() {
                let fault = |what: String| wrong(["forms", name, text], what);
                if !is_weight(weight) {
                    return Err(fault(format!("its frequency {weight} is no number above zero")));
                }
                let parts = form::parts(text, &|slot| self.slot(slot)).map_err(fault)?;
                let mut form = Form { text: text.to_owned(), topic, weight, opening: false, parts };
                let persons = form.slots().filter(|slot| slot.filler == Filler::Subject).count();
                if persons > 1 {
                    return Err(fault("it names {person} twice: a sentence is about one person".to_owned()));
                }
                form.opening = persons == 1;
                if tokens::draws_share_a_word(&form) {
                    return Err(fault("two drawn values share a word: put a space between them".to_owned()));
                }
                forms.push(form);
            }
        }
        Ok(forms)
    }

    fn all_used(&self, forms: &[Form]) -> Result<(), Wrong> {
        for (at, fact) in self.facts.iter().enumerate() {
            if forms.iter().all(|form| form.states(at) == 0) {
                return Err(wrong(["fact", &fact.name], "no form states it: write one, or take the fact out"));
            }
        }
        for (at, list) in self.lists.iter().enumerate().take(self.pronouns).skip(1) {
            let used = forms.iter().any(|form| form.slots().any(|slot| slot.list == at));
            if !used {
                return Err(wrong(["kind", &list.name], "no form uses it: write one, or take the kind out"));
            }
        }
        Ok(())
    }

    fn bias(&self, forms: &[Form]) -> Result<Option<(usize, usize)>, Wrong> {
        let Some(bias) = &self.grammar.planted.bias else { return Ok(None) };
        let found = (self.lists[..self.pronouns].iter().position(|list| list.name == bias.kind))
            .and_then(|list| Some((list, self.lists[list].values.iter().position(|value| *value == bias.value)?)))
            .filter(|&(list, _)| {
                forms.iter().any(|form| form.slots().any(|slot| slot.list == list && slot.filler == Filler::Free))
            });
        let what =
            format!("no form draws {:?} from a kind {:?}: name a value of an {{any ...}} slot", bias.value, bias.kind);
        found.map(Some).ok_or_else(|| wrong(["planted", "bias"], what))
    }

    fn tic(&self, forms: &[Form]) -> Result<Option<usize>, Wrong> {
        let Some(tic) = &self.grammar.planted.tic else { return Ok(None) };
        let found = forms.iter().position(|form| form.text == *tic);
        found
            .map(Some)
            .ok_or_else(|| wrong(["planted", "tic"], format!("there is no form {tic:?}: repeat one as it is")))
    }
}

/// The forms that begin a run and, by topic, those that continue one.
fn by_role(grammar: &Grammar, forms: &[Form]) -> Result<(Vec<usize>, Table, Vec<Following>), Wrong> {
    let weights = |forms_of: &[usize]| forms_of.iter().map(|&form| forms[form].weight).collect::<Vec<_>>();
    bounds::weights(forms.iter().map(|form| form.weight)).map_err(|what| wrong(["forms"], what))?;
    let openings: Vec<usize> = (0..forms.len()).filter(|&form| forms[form].opening).collect();
    if openings.is_empty() {
        return Err(wrong(["forms"], "no form has {person}, so no document could begin: write one"));
    }
    let opening = Table::new(&weights(&openings));
    let following: Vec<Following> = (0..grammar.forms.0.len())
        .map(|topic| {
            let forms_of: Vec<usize> =
                (0..forms.len()).filter(|&form| forms[form].topic == topic && !forms[form].opening).collect();
            let weights = weights(&forms_of);
            let table = (!weights.is_empty()).then(|| Table::new(&weights));
            Following { forms: forms_of, weight: weights.iter().sum(), table }
        })
        .collect();
    let topics = following.iter().filter(|topic| topic.table.is_some()).count();
    if topics > MOST_TOPICS || following.len() > 64 {
        let what = format!("{topics} topics continue a run: at most {MOST_TOPICS} can be computed; join some");
        return Err(wrong(["forms"], what));
    }
    Ok((openings, opening, following))
}

/// Checks that the longest run finds a new topic for each sentence, however it began.
fn run_can_be_filled(world: &World) -> Result<(), Wrong> {
    let longest = world.sentences.last() + 1;
    for &form in &world.openings {
        let topic = world.forms[form].topic;
        let others = world.following.iter().enumerate();
        let others = others.filter(|&(at, following)| at != topic && following.table.is_some()).count();
        if others + 1 < longest {
            let what = format!(
                "a run may have {longest} sentences, but after {:?} only {others} other topics have sentences without \
                 {{person}}: write more topics, or shorten runs",
                world.forms[form].text
            );
            return Err(wrong(["document", "sentences"], what));
        }
    }
    Ok(())
}
