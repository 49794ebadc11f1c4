//! Prints entropy and floor of each generation of Chronicle with a clock beside ten million tokens that are drawn from it.
//!
//!     cargo run --release -p world --example floors [TOKENS]

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
