//! How long the metrics take: 10,000 documents of 100 words against 10,000 human ones, and an audit of the same.
//!
//!     cargo run --release -p habsburg-evaluation --example speed [DOCUMENTS] [WORDS OF A SAMPLE]
//!
//! Times are wall clock, on as many threads as RAYON_NUM_THREADS says.

use std::time::Instant;

use evaluation::{Doc, Equal, Reference, audit, generated_text, over_represented};
use streams::{Purpose, Streams};

/// Zipf's words, and subjects that come again within a document.
fn documents(seed: u64, count: usize) -> Vec<String> {
    let mut stream = Streams::new(seed).stream(Purpose::Evaluation, 9, 0);
    let document = |_| {
        let mut zipf = || (stream.uniform() * 60_000_f64.ln()).exp() as u64;
        let subject = zipf();
        let words: Vec<String> =
            (0..100u64).map(|i| format!("w{}", if i % 12 == 0 { subject } else { zipf() })).collect();
        words.join(" ") + "."
    };
    (0..count).map(document).collect()
}

fn docs(texts: &[String]) -> Vec<Doc<'_>> {
    texts.iter().map(|text| Doc { text, ids: &[], truncated: false, reencoded_differs: false }).collect()
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what:36} {:7.2} s", start.elapsed().as_secs_f64());
    result
}

fn main() {
    let argument = |place, default| std::env::args().nth(place).map_or(default, |text| text.parse().expect("a number"));
    let (count, words) = (argument(1, 10_000), argument(2, 100_000));
    let [human, held_out, data] = [1, 2, 3].map(|seed| documents(seed, count));
    let [human, held_out, data] = [&human, &held_out, &data].map(|texts| docs(texts));
    let streams = Streams::new(0);
    let start = Instant::now();
    let reference = timed("reference, the held-out text measured", || {
        Reference::of(&human, &held_out, Equal { words, draws: 20, streams })
    });
    let measures = timed("all metrics of the data", || generated_text(&data, &reference));
    let found = timed("over-represented n-grams", || over_represented(&data, &reference, 10));
    println!(
        "{:36} {:7.2} s for {} values, {} over-represented n-grams",
        "together",
        start.elapsed().as_secs_f64(),
        measures.len(),
        found.len()
    );
    let audited = timed("audit, all metrics in it", || audit(&data, &human, streams).expect("there is enough text"));
    println!("{}", audited.verdict().join("\n"));
}
