//! How often an audit of human text is wrong: audits of made human text against more of the same.
//!
//!     cargo run --release -p habsburg-evaluation --example alarms [AUDITS] [DOCUMENTS] [WORDS OF A DOCUMENT] [RUN]
//!
//! So many documents in a run share their subjects.
//! Prints the alarms, and each statistic's root mean square deviation: 1 if its calibration is right.

use std::collections::BTreeMap;

use evaluation::{Doc, audit};
use rayon::prelude::*;
use streams::{Purpose, Stream, Streams};

fn zipf(stream: &mut Stream) -> u64 {
    (stream.uniform() * 30_000_f64.ln()).exp() as u64
}

/// Zipf's words in sentences; subjects come again and again, and the length may be any.
fn document(stream: &mut Stream, subjects: [u64; 3], words: usize) -> String {
    let length = words / 4 + stream.below(words as u64 * 3 / 2) as usize;
    let mut text = String::new();
    for place in 1..=length {
        let word = if stream.below(6) == 0 { subjects[stream.below(3) as usize] } else { zipf(stream) };
        let unfinished = stream.below(50) == 0;
        text.push_str(&format!("w{word}"));
        text.push_str(if (place == length && !unfinished) || stream.below(15) == 0 { ". " } else { " " });
    }
    text
}

fn main() {
    let argument = |place, default| std::env::args().nth(place).map_or(default, |text| text.parse().expect("a number"));
    let (audits, documents, words, run) = (argument(1, 200), argument(2, 500), argument(3, 100), argument(4, 1));
    let found: Vec<_> = (0..audits as u64)
        .into_par_iter()
        .map(|number| {
            let mut stream = Streams::new(number).stream(Purpose::Evaluation, 11, 0);
            let mut subjects = [1, 2, 3];
            let texts: Vec<String> = (0..2 * documents)
                .map(|place| {
                    if place % run == 0 {
                        subjects = [(); 3].map(|()| zipf(&mut stream));
                    }
                    document(&mut stream, subjects, words)
                })
                .collect();
            let doc = |text| Doc { text, ids: &[], truncated: false, reencoded_differs: false };
            let docs: Vec<Doc<'_>> = texts.iter().map(String::as_str).map(doc).collect();
            audit(&docs[..documents], &docs[documents..], Streams::new(number)).expect("there is enough text")
        })
        .collect();
    let mut squares = BTreeMap::<String, (f64, f64)>::new();
    for comparison in found.iter().flat_map(|audit| &audit.comparisons) {
        let (sum, square) = squares.entry(comparison.name()).or_default();
        *sum += comparison.deviation;
        *square += comparison.deviation.powi(2);
    }
    for (name, (sum, square)) in squares {
        println!("{name:28} mean {:5.2} root mean square {:5.2}", sum / audits as f64, (square / audits as f64).sqrt());
    }
    for audit in found.iter().filter(|audit| !audit.findings().is_empty()) {
        let lines: Vec<String> = audit.findings().into_values().flatten().map(|c| c.line()).collect();
        println!("alarm: {}", lines.join("; "));
    }
    println!("{} alarms", found.iter().filter(|audit| !audit.findings().is_empty()).count());
}
