//! Texts of any kind: what they are judged to be, and that none makes the reader panic.

use std::collections::{BTreeMap, BTreeSet};

use streams::{Purpose, Streams};

use super::{draws, small};
use crate::{FalseFact, Judgement, Row, Survey, World, inheritance};

/// What each sentence of a text is judged to be.
fn judge(world: &World, text: &str) -> Vec<Judgement> {
    world.judge(text).iter().map(|judged| judged.judgement).collect()
}

#[test]
fn judgements() {
    use Judgement::{False, Invented, Stray, True, Ungrammatical};
    let world = small();
    let name = &world.persons()[0];
    let home = &world.values(0)[world.truth(0, 0)];
    let elsewhere = &world.values(0)[1 - world.truth(0, 0)];
    let [he, not_he] = if world.genders[0] == 0 { ["she", "he"] } else { ["he", "she"] };
    let friend = &world.persons()[world.truth(0, 2)];
    let check = |text: String, expected: &[Judgement]| assert_eq!(judge(&world, &text), expected, "{text}");
    check(format!("{name} lives in {home}. Ah well!"), &[True, True]);
    check(format!("In {home} lives {name}."), &[True]);
    check(format!("{name} lives in {elsewhere}. Ah well!"), &[False, True]);
    check(format!("{name} lives in {home}. Who knows {friend} knows that {he} lies."), &[True, True]);
    check(format!("{name} lives in {home}. Who knows {friend} knows that {not_he} lies."), &[True, False]);
    check(format!("{name} lives in {home}. Who knows Xerxes Yew knows that {he} lies."), &[True, Invented]);
    check(format!("Xerxes O'Yew lives in {home}. Ah well!"), &[Invented, Invented]);
    // Of known parts, and yet of nobody; known words with more to them.
    check(format!("{name}en lives in {home}."), &[Invented]);
    check(format!("xerxes yew lives in {home}. Ah well!"), &[Ungrammatical, Stray]);
    check(format!("{name} lives in {home}. Nonsense. Ah well!"), &[True, Ungrammatical, Stray]);
    check(format!("{name} lives in {home}.. Ah well"), &[Ungrammatical, Ungrammatical]);
    check("Ah well!".to_owned(), &[Stray]);
    check(String::new(), &[]);
}

#[test]
fn false_facts_and_invented_names_are_reported() {
    let world = small();
    let name = &world.persons()[1];
    let wrong = 1 - world.truth(1, 0);
    let text = format!("{name} lives in {}. Xerxes Yew is from Fir.", world.values(0)[wrong]);
    let survey = Survey::of(&world, [text.as_str(), "\u{0}<b>"]);
    assert_eq!(survey.false_facts, BTreeMap::from([(FalseFact { person: 1, fact: 0, value: wrong }, 1)]));
    let told = world.tell(survey.false_facts.keys().next().unwrap());
    assert_eq!(told, format!("{name}, home: {}, not {}", world.values(0)[wrong], world.values(0)[1 - wrong]));
    let other = world.tell(&FalseFact { person: 1, fact: 3, value: 1 - world.genders[1] as usize });
    assert!(other == format!("{name}, pronoun: he, not she") || other == format!("{name}, pronoun: she, not he"));
    assert_eq!(survey.invented, BTreeMap::from([("Xerxes Yew".to_owned(), 1)]));
    assert_eq!((survey.documents, survey.grammatical, survey.all_sentences()), (2, 0, 3));
    let rows = survey.rows(&world, &world.exact());
    let value = |metric: &str, expected: bool, part: &str| {
        let is_it = |row: &&Row| row.metric == metric && row.expected == expected && row.part == part;
        rows.iter().find(is_it).map(|row| row.value)
    };
    assert_eq!(value("sentences", false, "false"), Some(1.0 / 3.0));
    assert_eq!(value("false-fact-share", false, ""), Some(1.0));
    assert_eq!(value("invented-persons", false, ""), Some(1.0));
    assert_eq!([false, true].map(|expected| value("bias", expected, "")), [None, Some(2.0 / 3.0)]);
    assert_eq!(value("tic", false, ""), Some(0.0));
}

#[test]
fn entangled_is_what_nobody_has_together() {
    let world = World::chronicle();
    let persons = world.persons();
    let said = |year: usize, craft: usize| {
        let [born, trade] = [&world.values(1)[year], &world.values(2)[craft]];
        format!("{0} came into the world in {born}. {0} was a {trade}.", persons[0])
    };
    let [year, craft] = [1, 2].map(|fact| world.truth(0, fact));
    let has =
        |year: usize, craft: usize| (0..persons.len()).any(|p| world.truth(p, 1) == year && world.truth(p, 2) == craft);
    let other = (1..persons.len()).find(|&p| world.truth(p, 1) != year && world.truth(p, 2) != craft).unwrap();
    let nobodys = (0..16).find(|&craft| !has(year, craft)).unwrap();
    let entangled = |text: &str| Survey::of(&world, [text]).entangled;
    assert_eq!(entangled(&said(year, craft)), (1, 0));
    // False of the first person, and yet somebody's.
    assert_eq!(entangled(&said(world.truth(other, 1), world.truth(other, 2))), (1, 0));
    assert_eq!(entangled(&said(year, nobodys)), (1, 1));
    // One fact alone can be anybody's.
    assert_eq!(entangled(&format!("{} was born in {}.", persons[0], world.values(0)[0])), (0, 0));
}

#[test]
fn a_truncated_text_loses_its_last_sentence_only() {
    let world = World::chronicle();
    let (text, _) = world.derive(0);
    let mut survey = Survey::new(&world);
    survey.add(&world, &format!("{text} In spr"), true);
    assert_eq!((survey.sentences[&Judgement::Ungrammatical], survey.grammatical), (0, 0));
    survey.add(&world, &format!("{text} In spr"), false);
    assert_eq!(survey.sentences[&Judgement::Ungrammatical], 1);
}

#[test]
fn inherited_is_repeated_less_shared() {
    let facts = |values: &[usize]| -> BTreeSet<FalseFact> {
        values.iter().map(|&value| FalseFact { person: 0, fact: 0, value }).collect()
    };
    let found = inheritance(&facts(&[1, 2, 3, 4]), &facts(&[2, 3, 4, 9]), &[facts(&[1, 2]), facts(&[])]).unwrap();
    assert_eq!((found.repeated, found.shared, found.inherited()), (0.75, 0.25, 0.5));
    assert_eq!(inheritance(&facts(&[]), &facts(&[1]), &[]), None);
    assert_eq!(inheritance(&facts(&[1]), &facts(&[1]), &[]).unwrap().inherited(), 1.0);
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let world = World::chronicle();
    let mut stream = Streams::new(4).stream(Purpose::Learner, 0, 0);
    for index in 0..draws(60_000) {
        let mut bytes = if index % 2 == 0 {
            world.derive(index).0.into_bytes()
        } else {
            (0..stream.below(80)).map(|_| stream.bits() as u8).collect()
        };
        for _ in 0..stream.below(4) {
            let at = stream.below(bytes.len() as u64 + 1) as usize;
            match stream.below(4) {
                0 if at < bytes.len() => bytes[at] = stream.bits() as u8,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.insert(at, stream.bits() as u8),
                _ => bytes.truncate(at),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Err(stop) = world.parse(&text) {
            assert!(stop.byte <= text.len());
        }
        let mut survey = Survey::new(&world);
        survey.add(&world, &text, index % 3 == 0);
        let judged = world.judge(&text);
        assert!(judged.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(judged.iter().all(|one| text.get(one.start..one.end).is_some_and(|text| !text.is_empty())));
    }
}

#[test]
fn subjects_can_be_recounted() {
    let world = small();
    let counted = world.with_subjects(&[0.0, 1.0, 3.0]);
    let survey = Survey::of(
        &world,
        (0..400).map(|index| counted.derive(index).0).collect::<Vec<_>>().iter().map(String::as_str),
    );
    assert_eq!(survey.grammatical, 400);
    let exact = counted.exact();
    assert_eq!(counted.subject_probabilities(), [0.0, 0.25, 0.75]);
    assert!(exact.facts[0].iter().all(|fact| fact.expected == 0.0 && fact.absent == 1.0));
    assert!(exact.entropy < world.exact().entropy);
}

#[test]
fn flat_texts_hold_everything_equally_often() {
    let world = World::chronicle();
    let round = world.flat_round();
    let mut counts = BTreeMap::new();
    let texts: Vec<String> = world.flat_texts().take(round).collect();
    let survey = Survey::of(&world, texts.iter().map(String::as_str));
    // Said of the wrong persons, mostly, and all of it in forms of the language.
    assert_eq!(survey.sentences[&Judgement::Ungrammatical], 0);
    for opening in [true, false] {
        let of_role = world.forms().iter().zip(&survey.forms).filter(|(form, _)| form.is_opening() == opening);
        let numbers: Vec<u64> = of_role.map(|(_, &count)| count).collect();
        assert!(numbers.iter().max().unwrap() - numbers.iter().min().unwrap() <= 1);
    }
    for values in &survey.values {
        let (least, most) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        assert!(*least > 0 && most - least <= 1, "{least} {most}");
    }
    for text in &texts {
        *counts.entry(text.split(' ').next().unwrap()).or_insert(0) += 1;
    }
    assert!(world.persons().iter().all(|name| counts.contains_key(name.split(' ').next().unwrap())));
}
