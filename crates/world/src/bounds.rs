//! Bounds on a grammar: what would take hours, or a memory that nobody has, is refused before it is begun.

use crate::error::{Wrong, wrong};
use crate::form::{Filler, Form};
use crate::grammar::Grammar;
use crate::list::List;
use crate::run::Run;
use crate::tokens;
use crate::world::World;

/// How many values a list may have: some checks go through pairs of them.
pub(crate) const MOST_VALUES: usize = 10_000;
/// How many kinds, and how many genders.
const MOST_KINDS: usize = 64;
/// How many forms: they are compared in pairs.
const MOST_FORMS: usize = 2000;
/// How many generations may change a world.
const MOST_GENERATIONS: usize = 1000;
/// How many numbers of runs, each with its probability.
const MOST_RUNS: usize = 1000;
/// Pairs of persons that facts with `earlier` may compare.
const MOST_PAIRS: u64 = 1_000_000_000;
/// Texts that a tokenizer's training set may need for every value to stand in every form; words that a text may hold.
const MOST_TEXTS: u64 = 5_000_000;
/// Steps of the closed forms: half a minute.
const MOST_STEPS: u64 = 500_000_000;
/// The least share of a value or a form. Smaller ones vanish in sums, and below 1e-308 they are zero.
const LEAST_SHARE: f64 = 1e-100;
/// The least share of all others beside one person, where a person is drawn who is not that one.
const LEAST_OTHERS: f64 = 1e-6;

/// Bytes of the largest grammar file: Chronicle has 10,000.
pub(crate) const LARGEST_FILE: u64 = 16 << 20;

/// Refuses numbers that building would stumble over.
pub(crate) fn counts(grammar: &Grammar) -> Result<(), Wrong> {
    let most = |path: [&str; 2], what: &str, count: usize, most: usize| match count > most {
        true => Err(wrong(path, format!("{count} {what}: at most {most} can be computed"))),
        false => Ok(()),
    };
    most(["kind", ""], "kinds", grammar.kind.0.len(), MOST_KINDS)?;
    most(["person", "gender"], "genders", grammar.person.gender.0.len(), MOST_KINDS)?;
    let listed = grammar.person.words.as_ref().map_or(0, Vec::len);
    let clock = &grammar.clock;
    let first = grammar.person.count.unwrap_or(0);
    most(["person", "count"], "persons", first.saturating_add(clock.joining()), MOST_VALUES)?;
    most(["clock", "generations"], "generations", clock.generations as usize, MOST_GENERATIONS)?;
    if first == 0 && listed > 0 && clock.joining() >= listed {
        let what = format!("{} of {listed} persons are to join: list those of generation 0 too", clock.joining());
        return Err(wrong(["clock", "persons"], what));
    }
    most(["document", "runs"], "numbers of runs", grammar.document.runs.len(), MOST_RUNS)?;
    let forms = grammar.forms.iter().map(|(_, forms)| forms.0.len()).sum();
    most(["forms", ""], "forms", forms, MOST_FORMS)
}

/// Refuses weights of which some vanish beside the others.
///
/// # Errors
/// The fault, in words.
pub(crate) fn weights(weights: impl IntoIterator<Item = f64>) -> Result<(), String> {
    let (mut sum, mut least) = (0.0, f64::INFINITY);
    for weight in weights {
        sum += weight;
        least = f64::min(least, weight);
    }
    // Not so if the sum is infinite, or anything is no number.
    if least / sum >= LEAST_SHARE && f64::is_finite(sum) {
        return Ok(());
    }
    Err(format!(
        "the least frequent is {least:e} of {sum:e} in all, too small a share to reckon with: bring the frequencies \
         together, or lower the exponent"
    ))
}

/// Refuses to draw another person than `person` where hardly any other is drawn: the draw would be repeated without end.
///
/// # Errors
/// The fault, in words.
pub(crate) fn others(p: &[f64], person: usize, name: &str) -> Result<(), String> {
    if p[person] < 0.5 {
        return Ok(());
    }
    let others: f64 = p[..person].iter().chain(&p[person + 1..]).sum();
    if others >= LEAST_OTHERS {
        return Ok(());
    }
    Err(format!(
        "nobody is a fact of himself, and for {name:?} all others together are drawn {others:.1e} of the time: lower the \
         exponent"
    ))
}

/// Refuses facts that would compare too many pairs of persons, or change too often.
pub(crate) fn pairs(grammar: &Grammar, lists: &[List]) -> Result<(), Wrong> {
    let (persons, clock) = (lists[0].len() as u64, &grammar.clock);
    let ordered = grammar.fact.iter().filter(|(_, fact)| fact.earlier.is_some()).count() as u64;
    let pairs = persons.pow(2) * ordered;
    if pairs > MOST_PAIRS {
        let what =
            format!("{ordered} facts with `earlier` compare {pairs} pairs of persons: take some out, or persons");
        return Err(wrong(["fact"], what));
    }
    let first = (lists[0].len() - clock.joining()) * grammar.fact.0.len();
    if clock.facts > first {
        let what = format!("{} facts are to change and there are {first}: lower it", clock.facts);
        return Err(wrong(["clock", "facts"], what));
    }
    // A changed value is drawn from all that are not the old one; and every generation is held, and its documents measured.
    let longest = lists.iter().map(List::len).max().unwrap_or(0);
    let forms: usize = grammar.forms.iter().map(|(_, forms)| forms.0.len()).sum();
    let work = clock.facts * longest + lists[0].len() * (grammar.fact.0.len() + forms);
    match work as u64 * u64::from(clock.generations) > MOST_PAIRS {
        false => Ok(()),
        true => Err(wrong(["clock"], "too many changes to be known: take generations, facts or persons out")),
    }
}

/// Refuses forms in which words of persons and drawn values multiply, and lists that are too long for so many forms.
pub(crate) fn texts(forms: &[Form], lists: &[List]) -> Result<(), Wrong> {
    let persons = lists[0].len() as u64;
    let longest = lists.iter().map(List::len).max().unwrap_or(0) as u64;
    let round = longest * forms.len() as u64;
    if round > MOST_TEXTS {
        let what = format!(
            "{} forms and lists of up to {longest} values ask for {round} texts to show each in each: take forms or values \
             out",
            forms.len()
        );
        return Err(wrong(["forms"], what));
    }
    let words = |form: &Form| tokens::drawn_beside_a_person(form).map(|list| persons * lists[list].len() as u64).max();
    match forms.iter().find(|form| words(form).is_some_and(|words| words > MOST_TEXTS)) {
        None => Ok(()),
        Some(form) => {
            let what = format!(
                "{:?} has a word of a person's and a drawn value, so {} different ones: put a space between them",
                form.text,
                words(form).unwrap_or(0)
            );
            Err(wrong(["forms"], what))
        }
    }
}

/// Refuses a world whose closed forms would not be done in a minute.
pub(crate) fn closed_forms(world: &World) -> Result<(), Wrong> {
    let steps = steps(world);
    if steps <= MOST_STEPS {
        return Ok(());
    }
    let what = format!(
        "{steps:.1e} steps for what is known in closed form: take values out, shorten runs, or use fewer topics in them",
        steps = steps as f64
    );
    Err(wrong(["document"], what))
}

/// Sets of topics, for each form, each fact, and each value that is different from others.
fn steps(world: &World) -> u64 {
    let persons = world.lists[0].len() as u64;
    let of_kind = |kind: usize| {
        let facts = world.facts.iter().filter(|fact| fact.list == kind).count() as u64;
        let is_drawn = |form: &Form| form.slots().any(|slot| slot.list == kind && slot.filler == Filler::Free);
        match world.forms.iter().any(is_drawn) {
            true => world.lists[kind].len() as u64 + persons * facts,
            false => 1 + (persons * facts).min(1 << facts.min(62)),
        }
    };
    let asked: u64 = (0..world.kinds).map(of_kind).sum::<u64>() + (world.forms.len() + world.facts.len()) as u64;
    asked.saturating_mul(Run::of(world).states() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chronicle_is_far_from_every_bound() {
        let world = World::chronicle();
        assert!(steps(&world) < MOST_STEPS / 10, "{}", steps(&world));
        let round = world.flat_round() as u64;
        assert!(round < MOST_TEXTS / 10, "{round}");
    }

    const VILLAGE: &str = "name = \"village\"\ndocument = { runs = [0.5, 0.5], sentences = [0.5, 0.5], longest = 40 }\n\
        person = { words = [\"Ada\", \"Bo\", \"Cyril\"], exponent = 1.0 }\nkind.town = { words = [\"Ash\", \"Elm\"], exponent = 1.0 }\n\
        kind.year = { from = 1, to = 9 }\nfact.home = \"town\"\nfact.born = \"year\"\nfact.teacher = { kind = \"person\", earlier = \"born\" }\n\
        [forms.home]\n\"{person} lives in {home}.\" = 3\n\"{person} was taught by {teacher} in {born}.\" = 1\n\
        [forms.walk]\n\"One day there was a walk to {any town}.\" = 1\n";

    fn refused(from: &str, to: &str, why: &str) {
        assert!(VILLAGE.contains(from));
        let message = World::from_toml(&VILLAGE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(message.contains(why) && !message.contains('\n') && message.len() < 500, "{from} -> {to}: {message}");
    }

    /// Each of these would draw or count without end.
    #[test]
    fn grammars_without_end_are_refused() {
        World::from_toml(VILLAGE).unwrap();
        refused("exponent = 1.0 }\nkind", "exponent = 700.0 }\nkind", "too small a share");
        refused("earlier = \"born\" }", "exponent = 90.0 }", "nobody is a fact of himself");
        refused("\"born\" }", "\"born\", exponent = 700.0 }", "too small a share");
        refused("\"Elm\"], exponent = 1.0", "\"Elm\"], exponent = 1e300", "too small a share");
        refused("\"Elm\"], exponent = 1.0", "\"Elm\"], exponent = nan", "exponent");
        refused("\"Elm\"], exponent = 1.0", "\"Elm\"], weights = [1e308, 1e308]", "too small a share");
        refused("\"Elm\"], exponent = 1.0", "\"Elm\"], weights = [1e300, 1e-300]", "too small a share");
        refused("\"Elm\"], exponent = 1.0", "\"Elm\"], weights = [0.0, 0.0]", "above zero");
        refused("{home}.\" = 3", "{home}.\" = 1e308", "too small a share");
        refused("{home}.\" = 3", "{home}.\" = nan", "above zero");
        refused("runs = [0.5, 0.5]", "runs = [nan]", "no probabilities");
        refused("runs = [0.5, 0.5]", &format!("runs = [{}1.0]", "0.0, ".repeat(1000)), "1001 numbers of runs");
        refused("from = 1, to = 9", "from = 1, to = 4000000000", "at most 10000");
    }

    /// A gender of which no more persons can be named than there are names for.
    #[test]
    fn names_that_run_out_are_refused() {
        let person = |count: &str, share: (&str, &str)| {
            let gender = |name: &str, share: &str, words: &str| {
                format!(
                    "gender.{name} = {{ share = {share}, given = {{ words = [{words}] }}, pronouns = {{ he = \"{name}\" }} }}\n"
                )
            };
            let many: Vec<String> =
                (0..30).map(|n| format!("\"A{}{}\"", char::from(b'a' + n / 6), char::from(b'a' + n % 6))).collect();
            let text = format!(
                "[person]\ncount = {count}\nfamily = {{ words = [\"Ash\", \"Elm\"] }}\n{}{}",
                gender("she", share.0, "\"Ida\""),
                gender("he", share.1, &many.join(", "))
            );
            let (head, rest) = VILLAGE.split_once("person = { words").unwrap();
            let (_, rest) = rest.split_once('\n').unwrap();
            let (facts, forms) = rest.split_once("[forms.home]").unwrap();
            let towns = facts.replace("[\"Ash\", \"Elm\"]", "[\"Oak\", \"Yew\"]");
            World::from_toml(&format!("{head}{towns}{text}[forms.home]{forms}"))
        };
        assert!(person("20", ("0.05", "0.95")).is_ok(), "{:?}", person("20", ("0.05", "0.95")).err());
        let message = person("20", ("1.0", "0.0")).unwrap_err().to_string();
        assert!(message.contains("person.gender.she") && message.contains("asks for 20"), "{message}");
        let message = person("1000000000000", ("0.5", "0.5")).unwrap_err().to_string();
        assert!(message.contains("1000000000000 persons: at most 10000"), "{message}");
    }
}
