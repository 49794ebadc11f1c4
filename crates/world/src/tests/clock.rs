//! A world that changes: what each generation's truth is, and that the same code knows it.

use std::collections::BTreeSet;

use streams::item_of_name;

use super::sampled::Mean;
use super::{SMALL, draws, small};
use crate::{Answers, FalseFact, Question, Row, Standing, Survey, World};

fn clock() -> World {
    World::named("chronicle-clock").unwrap()
}

/// The small world, which one person joins and in which two of nine facts change.
pub(super) fn small_clock() -> World {
    World::from_toml(&format!("{SMALL}\n[clock]\ngenerations = 1\npersons = 1\nfacts = 2\n")).unwrap()
}

fn texts(world: &World, documents: u64) -> Vec<String> {
    (0..documents).map(|number| world.derive(number).0).collect()
}

/// Every person and fact of a world.
fn facts(world: &World) -> impl Iterator<Item = (usize, usize)> {
    let facts = world.facts().len();
    (0..world.persons().len()).flat_map(move |person| (0..facts).map(move |fact| (person, fact)))
}

/// Texts of worlds are part of the format: these were drawn before worlds had a clock.
#[test]
fn a_world_without_a_clock_writes_what_it_always_wrote() {
    let world = World::chronicle();
    let all: String = texts(&world, 2_000).iter().map(|text| format!("{text}\n")).collect();
    let flat: Vec<String> = world.flat_texts().take(2_000).collect();
    assert_eq!([all.as_str(), &flat.join("\n")].map(item_of_name), FROZEN);
    assert_eq!(world.last_change(), 0);
    assert_eq!(texts(&world.at(0), 20), texts(&world, 20));
    assert!(facts(&world).all(|(person, fact)| {
        world.standing(person, fact, world.truth(person, fact)) == Standing::Kept
            && world.withdrawn(person, fact).is_empty()
    }));
}
const FROZEN: [u64; 2] = [8_940_767_582_127_799_909, 10_470_887_143_039_124_076];

#[test]
fn a_clock_leaves_generation_zero_as_it_is() {
    let (still, moving) = (small(), small_clock());
    assert_eq!(texts(&moving, 500), texts(&still, 500));
    assert_eq!((moving.persons(), moving.exact()), (still.persons(), still.exact()));
    assert_eq!(moving.at(1).persons().len(), 4);
    assert_eq!(moving.at(1).persons()[..3], *still.persons());
}

#[test]
fn the_truth_of_a_generation_is_the_same_however_it_is_reached() {
    let world = clock();
    for generation in [0, 3, 10] {
        let direct = world.at(generation);
        for other in [world.at(7).at(generation), clock().at(10).at(0).at(generation)] {
            assert_eq!(texts(&other, 50), texts(&direct, 50));
            assert_eq!((&other.truth, other.exact()), (&direct.truth, direct.exact()));
        }
    }
    // Documents of one number are drawn anew in each generation; after the last change the truth stays.
    assert!(texts(&world, 50).iter().zip(texts(&world.at(1), 50)).all(|(a, b)| *a != b));
    let (last, later) = (world.at(10), world.at(12));
    assert_eq!((&last.truth, last.subject_probabilities()), (&later.truth, later.subject_probabilities()));
    assert_eq!(later.documents(7..8).next().unwrap().id, "chronicle-clock@12/7");
}

#[test]
fn every_value_of_every_fact_is_of_one_standing() {
    let world = clock();
    let mut held: Vec<BTreeSet<(usize, usize, usize)>> = Vec::new();
    for generation in 0..=world.last_change() + 1 {
        let now = world.at(generation);
        let mut counts = [0; 4];
        for (person, fact) in facts(&now) {
            for value in 0..now.values(fact).len() {
                let standing = now.standing(person, fact, value);
                counts[standing as usize] += 1;
                // The same from the truths of the generations alone.
                let claim = (person, fact, value);
                let expected = match (now.truth(person, fact) == value, held.last(), generation) {
                    (true, Some(before), 1..) if !before.contains(&claim) => Standing::New,
                    (true, ..) => Standing::Kept,
                    _ if held.iter().any(|then| then.contains(&claim)) => Standing::Withdrawn,
                    _ => Standing::Never,
                };
                assert_eq!(standing, expected, "generation {generation}: {claim:?}");
                assert_eq!(now.withdrawn(person, fact).contains(&value), standing == Standing::Withdrawn);
            }
            let since = now.since(person, fact) as usize;
            let claim = (person, fact, now.truth(person, fact));
            assert!(held[since..].iter().all(|then| then.contains(&claim)));
            assert!(since == 0 || !held[since - 1].contains(&claim));
        }
        // 20 persons with 6 facts each and 120 facts of others.
        let new = if (1..=world.last_change()).contains(&generation) { 240 } else { 0 };
        assert_eq!((counts[0] + counts[1], counts[1]), (now.persons().len() * 6, new), "generation {generation}");
        held.push(facts(&now).map(|(person, fact)| (person, fact, now.truth(person, fact))).collect());
    }
}

#[test]
fn after_ten_generations_a_third_of_the_persons_and_of_the_facts_are_new() {
    let world = clock();
    let last = world.at(world.last_change());
    let changed = facts(&world).filter(|&(person, fact)| last.truth(person, fact) != world.truth(person, fact)).count();
    let share = changed as f64 / 2_400.0;
    assert!((last.persons().len(), world.persons().len()) == (600, 400) && (share - 0.33).abs() < 0.03, "{share}");
    // Who joins is as likely to be frequent as rare: ranks are uniform, and 200 have a mean rank of 300 ± 12.
    let mut order: Vec<usize> = (0..600).collect();
    order.sort_by(|&a, &b| last.subject_probabilities()[b].total_cmp(&last.subject_probabilities()[a]));
    let ranks: usize = (0..600).filter(|&rank| order[rank] >= 400).sum();
    assert!((ranks as f64 / 200.0 - 300.0).abs() < 48.0, "{ranks}");
}

#[test]
fn each_generation_has_its_entropy_and_its_documents_are_true() {
    let world = clock();
    for generation in 0..=world.last_change() {
        let now = world.at(generation);
        let (mut nats, mut bytes) = (Mean::default(), Mean::default());
        let mut survey = Survey::new(&now);
        for number in 0..draws(20_000) {
            let (text, derivation) = now.derive(number);
            assert_eq!(now.parse(&text).as_ref(), Ok(&derivation));
            nats.add(-now.log_probabilities(&derivation).sum());
            bytes.add(text.len() as f64);
            survey.add(&now, &text, false);
        }
        nats.is(now.exact().entropy);
        bytes.is(now.tokens(&str::len).expected);
        assert_eq!((survey.grammatical, survey.false_facts.len()), (survey.documents, 0));
        let counts = &survey.statements;
        assert_eq!((counts[&Standing::Withdrawn], counts[&Standing::Never]), (0, 0));
        assert_eq!(counts[&Standing::New] > 0, generation > 0);
    }
}

/// Documents of generation 0 under the truth of generation 10: of their statements as many are stale as the changed facts are
/// expected to be stated.
#[test]
fn old_documents_are_read_and_judged_under_a_new_truth() {
    let world = clock();
    let (last, exact) = (world.at(world.last_change()), world.exact());
    let is_stale = |person: usize, fact: usize| last.truth(person, fact) != world.truth(person, fact);
    let expected = |all: bool| -> f64 {
        facts(&world).filter(|&(p, f)| all || is_stale(p, f)).map(|(p, f)| exact.facts[p][f].expected).sum()
    };
    let share = expected(false) / expected(true);
    let (mut difference, mut survey) = (Mean::default(), Survey::new(&last));
    for number in 0..draws(40_000) {
        let (text, derivation) = world.derive(number);
        assert_eq!(last.parse_any(&text).as_ref(), Ok(&derivation));
        let stale = derivation.facts().filter(|&(person, fact)| is_stale(person, fact)).count();
        assert_eq!(last.parse(&text).is_ok(), stale == 0, "{text}");
        difference.add(stale as f64 - share * derivation.facts().count() as f64);
        survey.add(&last, &text, false);
    }
    difference.is(0.0);
    let row = |part: &str| survey.statement_rows().iter().find(|row| row.part == part).map(|row| row.value).unwrap();
    assert!(share > 0.1 && (row("withdrawn") - share).abs() < 0.02, "{share} {:?}", survey.statement_rows());
    assert_eq!((row("never"), survey.invented.len()), (0.0, 0));
    assert!((Standing::ALL.iter().map(|standing| row(standing.name())).sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn who_has_not_joined_is_invented() {
    let world = clock();
    let last = world.at(10);
    let names = &last.persons()[400..];
    let text = format!("{} was a mason.", names[0]);
    assert_eq!(Survey::of(&world, [text.as_str()]).invented.len(), 1);
    assert_eq!(world.parse_any(&text).unwrap_err().byte, world.parse(&text).unwrap_err().byte);
    assert!(Survey::of(&last, [text.as_str()]).invented.is_empty());
    // A tokenizer of flat texts knows them all the same.
    let flat: Vec<String> = world.flat_texts().take(world.flat_round()).collect();
    assert!(names.iter().all(|name| flat.iter().any(|text| text.starts_with(name.as_str()))));
    assert!(flat.iter().eq(&world.at(4).flat_texts().take(world.flat_round()).collect::<Vec<_>>()));
}

/// A model that gives the true value 1/2, each withdrawn value 1/4, and the rest to the others.
#[test]
fn answers_are_marked_by_what_became_of_the_fact() {
    let world = clock().at(6);
    let asked = world.questions();
    assert_eq!(asked.questions.len(), (400 + 6 * 20) * 6);
    let answer = |question: &Question| -> Vec<f64> {
        let Answers { candidates, .. } = &asked.answers[question.fact];
        let withdrawn = world.withdrawn(question.person, question.fact);
        let rest = 0.5 - 0.25 * withdrawn.len().min(1) as f64;
        let others = candidates.len() - 1 - withdrawn.len();
        let p = |value: usize| match value {
            value if value == question.answer => 0.5,
            value if withdrawn.contains(&value) => 0.25 / withdrawn.len() as f64,
            _ => rest / others as f64,
        };
        // What is not valid takes nine tenths of the probability, which changes no share.
        (0..candidates.len()).map(|value| (0.1 * p(value)).ln()).collect()
    };
    let answers: Vec<Vec<f64>> = asked.questions.iter().map(answer).collect();
    let rows = world.turnover(asked.questions.iter().zip(answers.iter().map(Vec::as_slice)));
    let value = |metric: &str, band: &str, part: &str| {
        let is_it = |row: &&Row| (row.metric, row.band.as_str(), row.part) == (metric, band, part);
        rows.iter().find(is_it).unwrap_or_else(|| panic!("no {metric}, {band:?}, {part:?}")).value
    };
    let near = |found: f64, exact: f64| assert!((found - exact).abs() < 1e-12, "{found} is not {exact}");
    for (group, share, top) in [("keep", 0.5, 1.0), ("learn", 0.5, 1.0), ("stale", 0.25, 0.0)] {
        near(value(group, "", ""), share);
        near(value(&format!("{group}-loss"), "", ""), -share.ln());
        near(value(&format!("{group}-top"), "", ""), top);
    }
    let number = |group: &str, band: &str, part: &str| value(&format!("{group}-questions"), band, part);
    assert_eq!(number("keep", "", "") + number("learn", "", ""), asked.questions.len() as f64);
    assert_eq!([number("learn", "", "person"), number("learn", "", "value")], [120.0, 120.0]);
    assert_eq!(
        (number("stale", "0", ""), rows.iter().any(|row| row.metric == "keep" && row.band == "0")),
        (120.0, false)
    );
    let ages: f64 = (1..=6).map(|age| number("keep", &age.to_string(), "")).sum();
    assert_eq!(ages, number("keep", "", ""));
    assert!(world.turnover([]).is_empty());
}

#[test]
fn a_false_fact_is_told_under_the_truth_of_its_generation() {
    let world = clock();
    let now = world.at(1);
    let (person, fact) = facts(&world).find(|&(person, fact)| !now.withdrawn(person, fact).is_empty()).unwrap();
    let value = world.truth(person, fact);
    let told = now.tell(&FalseFact { person, fact, value });
    let [old, new] = [value, now.truth(person, fact)].map(|value| &now.values(fact)[value]);
    assert!(told.ends_with(&format!("{old}, not {new}")), "{told}");
}

#[test]
fn a_base_is_a_grammar_and_what_a_file_says_itself_goes_over_it() {
    let same = World::from_toml("base = \"chronicle\"\nname = \"chronicle\"").unwrap();
    assert_eq!(texts(&same, 50), texts(&World::chronicle(), 50));
    let longer = World::from_toml("base = \"chronicle\"\nperson.count = 500\ndocument.runs = [1.0]").unwrap();
    assert_eq!((longer.persons().len(), longer.exact().runs), (500, 1.0));
    let fault = |text: &str| World::from_toml(text).unwrap_err().to_string();
    assert!(fault("base = \"chronicel\"").contains("there is no world \"chronicel\""));
    assert!(fault("\nbase = 3").contains("line 2: `base` is the name"));
    assert!(fault("base = \"chronicle\"\nnmae = \"x\"").contains("line 2: unknown field `nmae`"));
    assert!(fault("base = \"chronicle\"\nperson.count = 0").contains("line 2, person: give `words`"));
}

#[test]
fn clocks_that_cannot_go_are_refused() {
    let fault = |clock: &str| World::from_toml(&format!("{SMALL}\n[clock]\n{clock}\n")).unwrap_err().to_string();
    assert!(fault("persons = 1").contains("missing field `generations`"));
    assert!(fault("generations = 1\nfacts = 10").contains("10 facts are to change and there are 9"));
    assert!(fault("generations = 3\npersons = 1").contains("8 persons: ask for at most half"));
    assert!(fault("generations = 2000").contains("at most 1000"));
    assert!(fault("generations = 1000\npersons = 18446744073709551").contains("at most 10000"));
    let few = SMALL.replace("[\"Elm\", \"Fir\"]", "[\"Elm\"]");
    let error = World::from_toml(&format!("{few}\n[clock]\ngenerations = 1\nfacts = 1\n")).unwrap_err().to_string();
    assert!(error.contains("this one has no other value"), "{error}");
}
