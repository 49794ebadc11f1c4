//! Values that other software gives of the same texts: NLTK, SciPy, NumPy, lexical-diversity, textstat and RapidFuzz.
//!
//! `scripts/make-metrics-fixture.py` makes the fixture, which holds numbers only; the generator of the texts is in both.

use std::collections::BTreeMap;

use evaluation::{Doc, Equal, Measure, Reference, generated_text};
use serde_json::Value;
use streams::Streams;

const PLAIN: &str = "the cat sat on a red mat and then it ran to his barn for milk bread fish";

/// Knuth's MMIX generator; a draw is the upper 31 bits.
struct Generator(u64);

impl Generator {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn documents(&mut self, count: usize) -> Vec<String> {
        let mut word = || format!("w{}", self.below(40) * self.below(40) * self.below(40) / 16);
        (0..count).map(|i| (0..20 + 7 * i % 60).map(|_| word()).collect::<Vec<_>>().join(" ")).collect()
    }

    fn sentences(&mut self, count: usize) -> String {
        let words: Vec<&str> = PLAIN.split(' ').collect();
        let mut sentence = || {
            let length = 4 + self.below(9);
            let drawn: Vec<&str> = (0..length).map(|_| words[self.below(words.len() as u64) as usize]).collect();
            let text = drawn.join(" ");
            format!("{}{}.", text[..1].to_uppercase(), &text[1..])
        };
        (0..count).map(|_| sentence()).collect::<Vec<_>>().join(" ")
    }
}

fn docs(texts: &[String]) -> Vec<Doc<'_>> {
    texts.iter().map(|text| Doc { text, ids: &[], truncated: false, reencoded_differs: false }).collect()
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap()
}

/// All texts have as many words, and one sample of so many: the whole text.
fn measure(texts: &[String], human: &[String], held_out: &[String]) -> BTreeMap<String, f64> {
    let equal = Equal { words: usize::MAX, draws: 1, streams: Streams::new(0) };
    let reference = Reference::of(&docs(human), &docs(held_out), equal);
    let name = |m: Measure| {
        let values = m.dimensions.iter().map(|(_, value)| value);
        (std::iter::once(m.metric.name).chain(values).collect::<Vec<_>>().join("/"), m.value)
    };
    generated_text(&docs(texts), &reference).into_iter().map(name).collect()
}

fn close(name: &str, ours: f64, theirs: f64, tolerance: f64) {
    assert!((ours - theirs).abs() <= tolerance * theirs.abs().max(1.0), "{name}: {ours}, and others say {theirs}");
}

#[test]
fn of_texts() {
    let [human, held_out, ours] = [1, 2, 3].map(|seed| Generator(seed).documents(60));
    let values = measure(&ours, &human, &held_out);
    let fixture = fixture();
    let others = fixture["values"].as_object().unwrap();
    assert!(others.len() > 20);
    for (name, theirs) in others {
        // SciPy's derivatives of ζ are differences here.
        let tolerance = if name.starts_with("zipf") { 1e-6 } else { 1e-12 };
        close(name, values[name], theirs.as_f64().unwrap(), tolerance);
    }
}

#[test]
fn of_pairs() {
    for (i, theirs) in fixture()["edit-distances"].as_array().unwrap().iter().enumerate() {
        let texts = Generator(100 + i as u64).documents(2 + 5 * i);
        let pair = &texts[texts.len() - 2..];
        close("edit-distance", measure(pair, pair, &[])["edit-distance"], theirs.as_f64().unwrap(), 1e-12);
    }
}

#[test]
fn of_sentences() {
    let text = [Generator(4).sentences(100)];
    close(
        "reading-ease",
        measure(&text, &text, &[])["reading-ease"],
        fixture()["reading-ease"].as_f64().unwrap(),
        1e-9,
    );
}
