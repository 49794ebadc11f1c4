//! Refused grammars, with the place of the fault.

use proptest::prelude::*;

use super::SMALL;
use crate::World;

/// The example of the reference page.
fn example() -> &'static str {
    let page = include_str!("../../FORMAT.md");
    page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

#[test]
fn the_example_has_ten_lines_and_works() {
    assert_eq!(example().lines().count(), 10);
    let world = World::from_toml(example()).unwrap();
    assert_eq!(world.persons(), ["Ada", "Bo", "Cyril"]);
    let (text, derivation) = world.derive(0);
    assert_eq!(world.parse(&text), Ok(derivation));
}

/// Replaces `from` in the small world, and gives the complaint.
#[track_caller]
fn fault(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from:?} is not there");
    let error = World::from_toml(&SMALL.replacen(from, to, 1)).expect_err("this grammar is wrong").to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[track_caller]
fn refused(from: &str, to: &str, line: usize, says: &[&str]) {
    let error = fault(from, to);
    assert!(error.contains(&format!(", line {line}")), "{error}");
    for say in says {
        assert!(error.contains(say), "{error}\nlacks {say:?}");
    }
}

#[test]
fn forms() {
    refused("\"Ah well!\" = 0.5", "\"Ah well\" = 0.5", 34, &["forms.end", "Ah well", "never ends"]);
    refused("Ah well!\" = 0.5", "Ah. Well!\" = 0.5", 34, &["may only end"]);
    refused("Ah well!\" = 0.5", "Ah  well!\" = 0.5", 34, &["spaces"]);
    refused("Ah well!\" = 0.5", "Ah well!\" = 0.0", 34, &["above zero"]);
    refused("Ah well!\" = 0.5", "Ah well!\" = nan", 34, &["above zero"]);
    refused("Ah well!\" = 0.5", "\u{c4}h well!\" = 0.5", 34, &["ASCII"]);
    refused("{he} lies", "{hte} lies", 32, &["{hte}", "take one of person, home", "any town, he, He"]);
    refused("{he} lies", "{he lies", 32, &["not closed"]);
    refused("{he} lies", "he} lies", 32, &["closes no slot"]);
    refused("is from {birthplace}", "is {person}", 29, &["twice"]);
}

#[test]
fn two_derivations_for_one_text() {
    refused(
        "\"Ah well!\" = 0.5",
        "\"She has never left Elm.\" = 1",
        34,
        &["says the same as", "in \"She has never left Elm.\""],
    );
    refused("\"Ah well!\" = 0.5", "\"{person} is from {any town}.\" = 1", 34, &["{person} is from {birthplace}."]);
    // Across the border of a word: "Fir" and "F" + "ir".
    refused(
        "\"Ah well!\" = 0.5",
        "\"{person} is from F{any rest}.\" = 1\n[kind.rest]\nwords = [\"ir\", \"og\"]",
        34,
        &["is from Fir."],
    );
    refused("[\"Elm\", \"Fir\"]", "[\"Elm\", \"Elms\"]", 14, &["\"Elm\" begins \"Elms\""]);
    refused("[\"Elm\", \"Fir\"]", "[\"Elm\", \"Oak\"]", 15, &["\"Oak\" stands in two places"]);
    refused("he = \"he\"", "he = \"she\"", 12, &["twice"]);
}

#[test]
fn numbers() {
    refused("[0.6, 0.4]", "[0.6, 0.5]", 5, &["document.runs", "no probabilities", "1.1"]);
    refused("[0.6, 0.4]", "[1.6, -0.6]", 5, &["no probabilities"]);
    refused("[0.6, 0.4]", "[]", 5, &["no probabilities"]);
    refused("[0.6, 0.4]", "[nan]", 5, &["no probabilities"]);
    refused("exponent = 1.0\n[fact]", "exponent = -1.0\n[fact]", 16, &["kind.town.exponent"]);
    refused("exponent = 1.0\n[fact]", "weights = [1.0]\n[fact]", 16, &["1 weights for 2 values"]);
    refused("exponent = 1.0\n[fact]", "weights = [1.0, 0.0]\n[fact]", 16, &["above zero"]);
    refused("longest = 60", "longest = 30", 7, &["document.longest", "words and signs", "Who knows {friend}"]);
    refused("[0.5, 0.0, 0.5]", "[0.5, 0.0, 0.0, 0.0, 0.5]", 6, &["document.sentences", "3 other topics"]);
}

#[test]
fn keys_and_names() {
    refused("longest = 60", "longst = 60", 7, &["longst", "longest"]);
    refused("seed = 5", "seed = \"five\"", 3, &["invalid type"]);
    refused("name = \"small\"", "name = ", 2, &["grammar, line 2"]);
    refused("home = \"town\"", "home = \"twon\"", 18, &["fact.home", "no kind \"twon\"", "take one of person, town"]);
    refused("earlier = \"home\"", "earlier = \"hoem\"", 20, &["no fact \"hoem\""]);
    refused("birthplace = {", "age = \"town\"\nbirthplace = {", 19, &["fact.age", "no form states it"]);
    refused("value = \"Elm\"", "value = \"Elk\"", 22, &["planted.bias", "\"Elk\""]);
    refused("tic = \"Ah well!\"", "tic = \"Ah, well!\"", 23, &["planted.tic", "there is no form"]);
    refused("[\"Una\", \"Ada\"]", "[\"una\", \"Ada\"]", 8, &["\"una ", "a person's name"]);
    refused("pronouns = { he = \"he\" }", "pronouns = {}", 13, &["other keys"]);
    refused("count = 3", "count = 300", 9, &["8 persons"]);
    let error = World::named("cronicle").unwrap_err().to_string();
    assert!(error.contains("take one of chronicle"), "{error}");
}

#[test]
fn a_line_that_ends_within_a_name_is_shown_as_it_is_written() {
    let error = World::from_toml(&example().replace("{person} calls", "{\\nperson} calls")).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains(r"no slot {\nperson}"), "{error}");
}

#[test]
fn built_in_worlds_are_named_as_they_say() {
    for name in World::names() {
        assert_eq!(World::named(name).unwrap().name(), name);
    }
    assert_eq!(World::chronicle().name(), "chronicle");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 200 } else { 2_000 }))]

    /// A grammar with a hole, or a piece of it elsewhere, is refused in one line, or is a world whose documents parse.
    #[test]
    fn any_grammar_is_refused_or_works(
        base in 0usize..3, from in 0usize..2_000, length in 0usize..24, to in 0usize..2_000, put in "[ -~\n]{0,6}", copy: bool,
    ) {
        let moving = format!("{SMALL}\n[clock]\ngenerations = 2\npersons = 0\nfacts = 2\n");
        let text = [SMALL, example(), &moving][base];
        let from = from % text.len();
        let end = (from + length).min(text.len());
        let piece = text[from..end].to_owned();
        let mut changed = text.to_owned();
        if copy {
            changed.insert_str(to % text.len(), &piece);
        } else {
            changed.replace_range(from..end, &put);
        }
        match World::from_toml(&changed) {
            Err(error) => prop_assert_eq!(error.to_string().lines().count(), 1),
            Ok(world) => {
                for world in [world.at(1), world] {
                    for index in 0..20 {
                        let (text, derivation) = world.derive(index);
                        prop_assert_eq!(world.parse(&text), Ok(derivation));
                    }
                    prop_assert!(world.exact().entropy >= 0.0);
                }
            }
        }
    }
}
