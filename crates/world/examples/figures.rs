//! Prints what is known about a world, three of its documents and how fast they are written and read.
//!
//!     cargo run --release -p habsburg-world --example figures [GRAMMAR.toml]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use world::{Item, Survey, World};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = match std::env::args().nth(1) {
        Some(path) => World::load(Path::new(&path))?,
        None => World::chronicle(),
    };
    let exact = world.exact();
    let words: f64 = world.expected_pieces().values().sum();
    println!("nats a document          {:.4}", exact.entropy);
    println!("nats a sentence          {:.4}", exact.entropy_per_sentence());
    println!("nats a word              {:.4}", exact.entropy / words);
    println!("sentences a document     {:.4}", exact.sentences);
    println!("words a document         {words:.4}");
    println!("bytes a document         {:.4}", world.tokens(&str::len).expected);
    decades("persons", &exact.persons);
    decades("facts", &exact.facts.concat());
    decades("forms", &exact.forms);
    for row in Survey::new(&world).rows(&world, &exact).iter().filter(|row| row.expected) {
        println!("{:<24} {:.5}", row.metric, row.value);
    }
    let flat: Vec<String> = world.flat_texts().take(world.flat_round()).collect();
    for vocabulary in [512, 1024, 2048] {
        let tokenizer = corpus::Tokenizer::train_bpe(&flat, vocabulary)?;
        let tokens = world.tokens(&|text| tokenizer.encode(text).len());
        let floor = exact.entropy / (tokens.expected + 1.0);
        println!(
            "vocabulary {}: {:.4} tokens a document, at most {}; floor {floor:.4} nats a token",
            tokenizer.vocabulary(),
            tokens.expected,
            tokens.longest
        );
    }
    for index in 0..3 {
        println!("\n{}", world.derive(index).0);
    }
    let started = Instant::now();
    let again = World::chronicle();
    let built = started.elapsed();
    again.exact();
    println!(
        "\nChronicle is built in {:.1} ms, computed in {:.1} ms",
        built.as_secs_f64() * 1e3,
        (started.elapsed() - built).as_secs_f64() * 1e3
    );
    let (started, mut text, mut bytes) = (Instant::now(), String::new(), 0);
    let documents = 200_000;
    for index in 0..documents {
        text.clear();
        world.write(index, &mut text);
        bytes += text.len();
    }
    println!("\nwrites {:.1} MB a second", bytes as f64 / 1e6 / started.elapsed().as_secs_f64());
    let texts: Vec<String> = (0..documents).map(|index| world.derive(index).0).collect();
    let started = Instant::now();
    let read = texts.iter().filter(|text| world.parse(text).is_ok()).count();
    println!("parses {:.1} MB a second ({read} of {documents})", bytes as f64 / 1e6 / started.elapsed().as_secs_f64());
    let started = Instant::now();
    let judged: usize = texts.iter().map(|text| world.judge(text).len()).sum();
    println!("judges {:.1} MB a second ({judged} sentences)", bytes as f64 / 1e6 / started.elapsed().as_secs_f64());
    Ok(())
}

fn decades(what: &str, items: &[Item]) {
    let mut decades: BTreeMap<i32, usize> = BTreeMap::new();
    items.iter().for_each(|item| *decades.entry(item.decade()).or_insert(0) += 1);
    println!("{what} by decade of their number in a document: {decades:?}");
}
