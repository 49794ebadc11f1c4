//! Every document of a small world, put together without the code under test: choices are listed one by one.

use std::collections::BTreeMap;

use super::clock::small_clock;
use super::small;
use crate::form::{Filler, Part};
use crate::{Derivation, Exact, Fill, Holds, Item, Sentence, Survey, World, expected_distinct};

/// Something that can be said in a run about a person, with its probability.
#[derive(Clone)]
struct Run {
    p: f64,
    text: String,
    topics: Vec<usize>,
    sentences: Vec<Sentence>,
}

/// A form with every way to fill it.
fn said(world: &World, form: usize, person: usize) -> Vec<(f64, String, Vec<Fill>)> {
    let mut ways = vec![(1.0, String::new(), Vec::new())];
    for part in &world.forms[form].parts {
        let mut longer = Vec::new();
        for (p, text, fills) in ways {
            match part {
                Part::Text(literal) => longer.push((p, text + literal, fills)),
                Part::Slot(slot) => {
                    let values: Vec<(usize, f64)> = match slot.filler {
                        Filler::Subject => vec![(person, 1.0)],
                        Filler::Fact(fact) => vec![(world.truth(person, fact), 1.0)],
                        Filler::Pronoun => vec![(world.genders[person] as usize, 1.0)],
                        Filler::Free => world.lists[slot.list].table.p().iter().copied().enumerate().collect(),
                    };
                    for (value, share) in values {
                        let word = &world.lists[slot.list].values[value];
                        let mut fills = fills.clone();
                        let holds = Holds::new(slot.filler, slot.list, value);
                        fills.push(Fill { holds, start: text.len(), end: text.len() + word.len() });
                        longer.push((p * share, text.clone() + word, fills));
                    }
                }
            }
        }
        ways = longer;
    }
    ways
}

fn joined(run: &Run, form: usize, person: usize, p: f64, topic: usize, said: (f64, String, Vec<Fill>)) -> Run {
    let mut longer = run.clone();
    if !longer.text.is_empty() {
        longer.text.push(' ');
    }
    let start = longer.text.len();
    longer.text.push_str(&said.1);
    let fills = said.2.into_iter().map(|f| Fill { start: f.start + start, end: f.end + start, ..f }).collect();
    longer.sentences.push(Sentence { form, subject: person, start, end: longer.text.len(), fills });
    longer.topics.push(topic);
    longer.p *= p * said.0;
    longer
}

fn runs(world: &World) -> Vec<Run> {
    let mut all = Vec::new();
    let empty = Run { p: 1.0, text: String::new(), topics: Vec::new(), sentences: Vec::new() };
    for (person, &p_person) in world.subjects.p().iter().enumerate() {
        let mut level = Vec::new();
        let total: f64 = world.forms.iter().filter(|form| form.opening).map(|form| form.weight).sum();
        for (form, of) in world.forms.iter().enumerate().filter(|(_, form)| form.opening) {
            for way in said(world, form, person) {
                level.push(joined(&empty, form, person, p_person * of.weight / total, of.topic, way));
            }
        }
        for &p_length in world.sentences.p() {
            all.extend(level.iter().map(|run| Run { p: run.p * p_length, ..run.clone() }));
            let mut next = Vec::new();
            for run in &level {
                let fresh = |topic: usize| !run.topics.contains(&topic);
                let allowed = || world.forms.iter().enumerate().filter(|(_, form)| !form.opening && fresh(form.topic));
                let total: f64 = allowed().map(|(_, form)| form.weight).sum();
                for (form, of) in allowed() {
                    for way in said(world, form, person) {
                        next.push(joined(run, form, person, of.weight / total, of.topic, way));
                    }
                }
            }
            level = next;
        }
    }
    all.retain(|run| run.p > 0.0);
    all
}

/// Every document, its derivation and its probability.
fn documents(world: &World) -> BTreeMap<String, (f64, Derivation)> {
    let runs = runs(world);
    let mut all = BTreeMap::new();
    let mut put = |text: String, p: f64, sentences: Vec<Sentence>| {
        let before = all.insert(text.clone(), (p, Derivation { sentences }));
        assert!(before.is_none(), "two derivations of {text:?}");
    };
    for first in &runs {
        put(first.text.clone(), first.p * world.runs.p()[0], first.sentences.clone());
        for second in &runs {
            let by = first.text.len() + 1;
            let moved = second.sentences.iter().cloned().map(|mut sentence| {
                (sentence.start, sentence.end) = (sentence.start + by, sentence.end + by);
                sentence.fills.iter_mut().for_each(|f| (f.start, f.end) = (f.start + by, f.end + by));
                sentence
            });
            let sentences = first.sentences.iter().cloned().chain(moved).collect();
            put(format!("{} {}", first.text, second.text), first.p * second.p * world.runs.p()[1], sentences);
        }
    }
    all
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} is not {b}");
}

#[test]
fn all_probabilities_sum_to_one_and_entropy_is_theirs() {
    for world in [small(), small_clock().at(1)] {
        let documents = documents(&world);
        assert!(documents.len() > 5_000, "{}", documents.len());
        close(documents.values().map(|(p, _)| p).sum(), 1.0);
        close(world.exact().entropy, documents.values().map(|(p, _)| -p * p.ln()).sum());
    }
}

#[test]
fn every_document_has_its_derivation_and_probability() {
    let world = small();
    for (text, (p, derivation)) in &documents(&world) {
        assert_eq!(world.parse(text).as_ref(), Ok(derivation), "{text}");
        close(world.log_probability(text).unwrap(), p.ln());
    }
}

#[test]
fn expected_numbers_are_the_means_over_all_documents() {
    let world = small();
    let exact = world.exact();
    let mut sums = Sums::new(&exact);
    let (mut sentences, mut runs) = (0.0, 0.0);
    for (text, (p, derivation)) in &documents(&world) {
        let survey = Survey::of(&world, [text.as_str()]);
        assert_eq!((survey.grammatical, survey.sentences[&crate::Judgement::True]), (1, survey.all_sentences()));
        sums.add(*p, &survey);
        sentences += p * derivation.sentences.len() as f64;
        runs += p * derivation.runs(&world).len() as f64;
    }
    close(exact.sentences, sentences);
    close(exact.runs, runs);
    sums.compare(&exact);
}

/// Means and absences, counted.
struct Sums(Vec<Vec<(f64, f64)>>);

impl Sums {
    fn lists(exact: &Exact) -> Vec<Vec<Item>> {
        let mut lists = vec![exact.forms.clone(), exact.persons.clone(), exact.facts.concat()];
        lists.extend(exact.values.clone());
        lists
    }

    fn new(exact: &Exact) -> Self {
        Self(Self::lists(exact).iter().map(|items| vec![(0.0, 0.0); items.len()]).collect())
    }

    fn add(&mut self, p: f64, survey: &Survey) {
        let mut counts = vec![survey.forms.clone(), survey.values[0].clone(), survey.facts.concat()];
        counts.extend(survey.values.clone());
        for (sums, counts) in self.0.iter_mut().zip(&counts) {
            for ((mean, absent), &count) in sums.iter_mut().zip(counts) {
                *mean += p * count as f64;
                *absent += if count == 0 { p } else { 0.0 };
            }
        }
    }

    fn compare(&self, exact: &Exact) {
        for (sums, items) in self.0.iter().zip(Self::lists(exact)) {
            assert_eq!(sums.len(), items.len());
            for (&(mean, absent), item) in sums.iter().zip(&items) {
                close(item.expected, mean);
                close(item.absent, absent);
            }
        }
    }
}

#[test]
fn distinct_items_of_two_documents() {
    // 1 − (1 − present)² of each, over all pairs of documents, is what independence gives: checked for the forms.
    let world = small();
    let forms = world.exact().forms;
    let twice: f64 = forms.iter().map(|form| 1.0 - form.absent * form.absent).sum();
    close(expected_distinct(&forms, 2), twice);
    close(expected_distinct(&forms, 0), 0.0);
    assert!(expected_distinct(&forms, 1_000_000) > forms.len() as f64 - 1e-6);
}

#[test]
fn tokens_are_exact_sums() {
    let world = small();
    let documents = documents(&world);
    // Additive: bytes, words. Not additive: pairs of bytes.
    for count in
        [&str::len as &dyn Fn(&str) -> usize, &|text: &str| text.split(' ').filter(|word| !word.is_empty()).count()]
    {
        let tokens = world.tokens(count);
        close(tokens.expected, documents.iter().map(|(text, (p, _))| p * count(text) as f64).sum());
        assert_eq!(tokens.standard_error, None);
        assert_eq!(tokens.longest, documents.keys().map(|text| count(text)).max().unwrap());
    }
    let pairs = |text: &str| text.len().div_ceil(2);
    let tokens = world.tokens(&pairs);
    let exact: f64 = documents.iter().map(|(text, (p, _))| p * pairs(text) as f64).sum();
    assert!((tokens.expected - exact).abs() < 4.0 * tokens.standard_error.unwrap());
}

#[test]
fn the_byte_where_a_text_stops_is_the_farthest_that_any_document_shares() {
    let world = small();
    let documents = documents(&world);
    let texts: Vec<&String> = documents.keys().collect();
    let mut stream = streams::Streams::new(1).stream(streams::Purpose::Learner, 0, 0);
    for round in 0..3_000 {
        let mut text = texts[stream.below(texts.len() as u64) as usize].clone().into_bytes();
        let at = stream.below(text.len() as u64) as usize;
        match round % 3 {
            0 => text[at] = b" .!ABCEFIOUaehlnrsx"[stream.below(19) as usize],
            1 => drop(text.remove(at)),
            _ => text.truncate(at),
        }
        let text = String::from_utf8(text).unwrap();
        match world.parse(&text) {
            Ok(_) => assert!(documents.contains_key(&text), "{text:?} is no document"),
            Err(stop) => {
                assert!(!documents.contains_key(&text));
                // In order, the documents that share most with a text are its neighbours.
                let after = texts.partition_point(|other| **other < text);
                let near = &texts[after.saturating_sub(1)..texts.len().min(after + 1)];
                let shared = near.iter().map(|other| crate::list::common(other.as_bytes(), text.as_bytes())).max();
                assert_eq!(Some(stop.byte), shared, "{text:?}");
            }
        }
    }
}
