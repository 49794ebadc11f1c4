//! Prints entropy and floor of each generation of Chronicle with a clock beside ten million tokens that are drawn from it.
//!
//!     cargo run --release -p world --example floors [TOKENS]
//!
//! All 33 figures agree, the farthest at 2.0 standard errors. Every fifth generation:
//!
//! | generation | persons | nats a document | sampled | nats a token (floor) | sampled |
//! |---|---|---|---|---|---|
//! | 0 | 400 | 19.0850 | 19.0637 (−1.97) | 0.78271 | 0.78262 (−0.35) |
//! | 5 | 500 | 19.3160 | 19.3236 (+0.70) | 0.79218 | 0.79210 (−0.33) |
//! | 10 | 600 | 19.5034 | 19.4989 (−0.41) | 0.79987 | 0.79986 (−0.06) |
//!
//! The floor rises with the entropy of who is written about; tokens a document are 24.3832 in all of them.

#[path = "../tests/support/floor.rs"]
mod floor;

use world::World;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tokens = std::env::args().nth(1).map_or(Ok(10_000_000), |tokens| tokens.parse())?;
    let world = World::named("chronicle-clock")?;
    let tokenizer = floor::tokenizer(&world);
    println!("generation persons  quantity            exact       sampled     standard errors");
    for generation in 0..=world.last_change() {
        let now = world.at(generation);
        for compared in floor::compare(&now, &tokenizer, tokens) {
            println!(
                "{generation:>10} {:>7}  {:<18} {:>10.6}  {:>10.6}  {:+.2}",
                now.persons().len(),
                compared.what,
                compared.exact,
                compared.found.value,
                compared.errors()
            );
        }
    }
    Ok(())
}
