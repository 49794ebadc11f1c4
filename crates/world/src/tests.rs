//! Closed forms against every document of a small world, and against samples of the default.

mod clock;
mod enumerated;
mod format;
mod sampled;
mod texts;

use crate::World;

/// Two genders, a fact before and after the name, facts that are persons, free slots, a topic without names; run lengths
/// with a gap: no run has two sentences.
const SMALL: &str = r#"
name = "small"
seed = 5
[document]
runs = [0.6, 0.4]
sentences = [0.5, 0.0, 0.5]
longest = 60
[person]
count = 3
exponent = 1.0
family = { words = ["Ash", "Oak"] }
gender.she = { share = 0.5, given = { words = ["Una", "Ada"] }, pronouns = { he = "she" } }
gender.he = { share = 0.5, given = { words = ["Bo", "Cy"] }, pronouns = { he = "he" } }
[kind.town]
words = ["Elm", "Fir"]
exponent = 1.0
[fact]
home = "town"
birthplace = { kind = "town", exponent = 0.0 }
friend = { kind = "person", earlier = "home" }
[planted]
bias = { kind = "town", value = "Elm" }
tic = "Ah well!"
[forms.home]
"{person} lives in {home}." = 3
"In {home} lives {person}." = 1
"{He} lives in {home}, not in {any town}." = 2
[forms.birth]
"{person} is from {birthplace}." = 1
"{He} has never left {birthplace}." = 1
[forms.friend]
"Who knows {friend} knows that {he} lies." = 1.5
[forms.end]
"Ah well!" = 0.5
"#;

fn small() -> World {
    World::from_toml(SMALL).unwrap()
}

/// How many documents a test draws: all of them in an optimised build.
fn draws(number: u64) -> u64 {
    if cfg!(debug_assertions) { number / 20 } else { number }
}
