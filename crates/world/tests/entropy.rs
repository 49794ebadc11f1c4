//! Entropy, tokens and floor of Chronicle, and of each generation of Chronicle with a clock, against drawn documents.

#[path = "support/floor.rs"]
mod floor;

use corpus::Tokenizer;
use world::World;

/// Tokens to draw. CI tests an optimised build; the other is twenty times slower.
const TOKENS: usize = if cfg!(debug_assertions) { 300_000 } else { 10_000_000 };

#[track_caller]
fn agrees(world: &World, tokenizer: &Tokenizer, tokens: usize) {
    for compared in floor::compare(world, tokenizer, tokens) {
        let floor::Compared { what, found, exact } = &compared;
        let (value, error, far) = (found.value, found.standard_error, compared.errors());
        eprintln!("{what:<20} {value:.6} ± {error:.6}, exactly {exact:.6}: {far:+.2} standard errors");
        assert!(far.abs() < 4.0, "generation {}, {what}: {found:?} is not {exact}", world.generation());
    }
}

#[test]
fn ten_million_tokens_have_the_entropy_of_the_closed_form() {
    let world = World::chronicle();
    agrees(&world, &floor::tokenizer(&world), TOKENS);
}

#[test]
fn each_generation_of_a_changing_world_has_its_floor() {
    let world = World::named("chronicle-clock").unwrap();
    let tokenizer = floor::tokenizer(&world);
    (0..=world.last_change()).for_each(|generation| agrees(&world.at(generation), &tokenizer, TOKENS / 20));
}
