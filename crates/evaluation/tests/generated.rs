//! The metrics of generated text together: names, hand-computed values, and what must hold for any text.

use std::collections::BTreeMap;
use std::time::Instant;

use evaluation::{Doc, Equal, Measure, Reference, generated_text};
use proptest::prelude::*;
use streams::{Purpose, Streams};

/// Texts with one token a character.
struct Texts(Vec<(String, Vec<u32>)>);

impl Texts {
    fn new<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        let text = |text: S| (text.as_ref().to_owned(), text.as_ref().chars().map(u32::from).collect());
        Self(texts.into_iter().map(text).collect())
    }

    fn docs(&self) -> Vec<Doc<'_>> {
        self.0.iter().map(|(text, ids)| Doc { text, ids, truncated: false, reencoded_differs: false }).collect()
    }
}

fn equal(words: usize) -> Equal {
    Equal { words, draws: 20, streams: Streams::new(0) }
}

/// By metric and dimensions: `distinct/equal/2`.
fn by_name(measures: &[Measure]) -> BTreeMap<String, f64> {
    let name = |m: &Measure| {
        let values = m.dimensions.iter().map(|(_, value)| value);
        std::iter::once(m.metric.name).chain(values).collect::<Vec<_>>().join("/")
    };
    let map: BTreeMap<_, _> = measures.iter().map(|m| (name(m), m.value)).collect();
    assert_eq!(map.len(), measures.len(), "a name is given twice");
    map
}

#[test]
fn a_toy_corpus_by_hand() {
    let human = Texts::new(["a a a a b b c d", "a a a a b b e f"]);
    let held_out = Texts::new(["a b c g"]);
    let reference = Reference::of(&human.docs(), &held_out.docs(), equal(100));
    assert_eq!(reference.words(), 4);
    let text = Texts::new(["a b c a b", "x"]);
    let values = by_name(&generated_text(&text.docs(), &reference));
    let expected = [
        ("words", 6.0),
        ("tokens", 10.0),
        ("token-types", 5.0),
        ("types", 4.0),
        // c and x; the human vocabulary has six types.
        ("hapax-share", 0.5),
        ("vocabulary-survival", 3.0 / 6.0),
        ("vocabulary-survival/human/equal", 3.0 / 6.0),
        ("types/human/equal", 4.0),
        ("hapax-share/human/equal", 1.0),
        ("unigram-entropy/human/equal", 4.0_f64.ln()),
        ("distinct/human/equal/1", 1.0),
        ("distinct/human/equal/4", 1.0),
        // ab bc ca ab
        ("repetition/2", 0.25),
        ("repetition/3", 0.0),
        ("repetition/human/2", 0.0),
        // Four words of sixteen occur once: the rarest class, more than five percent, is the tail. c of six words.
        ("tail-token-rate/words", 1.0 / 6.0),
        ("tail-token-rate/human/words", 0.25),
        // Of the characters c, d, e, f occur once.
        ("tail-token-rate/tokens", 0.1),
        ("novel-share", 1.0 / 6.0),
        ("novel-share/human", 0.25),
        ("mean-length/words", 3.0),
        ("length-quantile/words/50", 3.0),
        ("length-quantile/human/words/90", 4.0),
        // ab bc ca ab, abc bca cab, abca bcab: one repeats.
        ("diversity", 0.75),
        ("unfinished-share", 1.0),
        ("duplicate-share/near", 0.0),
        ("edit-distance", 1.0),
        // Four words of the first half, the second document, are a alone: b, c and g are missing.
        ("uncovered-mass/human/equal", 0.75),
        ("mean-length/tokens", 5.0),
        ("truncated-share", 0.0),
        ("reencoded-share", 0.0),
        ("replacement-share", 0.0),
    ];
    for (name, value) in expected {
        assert!((values[name] - value).abs() < 1e-12, "{name}: {} and not {value}", values[name]);
    }
    // Samples of four words: abca or xabc.
    assert!((3.0..=4.0).contains(&values["types/equal"]));
    assert!((0.75..=1.0).contains(&values["distinct/equal/1"]));
}

#[test]
fn text_without_words_has_few_metrics() {
    let human = Texts::new(["a b"]);
    let reference = Reference::of(&human.docs(), &[], equal(2));
    for text in [Texts::new([" \n"]), Texts::new([""]), Texts::new(Vec::<&str>::new())] {
        let values = by_name(&generated_text(&text.docs(), &reference));
        assert_eq!((values["words"], values["types"]), (0.0, 0.0));
        assert!(values.values().all(|value| value.is_finite()));
        assert!(!values.contains_key("vocabulary-survival") && !values.contains_key("distinct/equal/1"));
    }
}

#[test]
fn held_out_human_text_is_the_reference() {
    // Zipf's words: of two samples of one source, each lacks part of the other's vocabulary.
    let zipf = |seed: u64| {
        let mut stream = Streams::new(seed).stream(Purpose::Evaluation, 0, 0);
        let mut word = || ((1.0 / (1.0 - stream.uniform())) as u64).min(5000).to_string();
        Texts::new((0..200).map(|_| (0..50).map(|_| word()).collect::<Vec<_>>().join(" ")))
    };
    let (human, held_out, text) = (zipf(1), zipf(2), zipf(3));
    let reference = Reference::of(&human.docs(), &held_out.docs(), equal(10_000));
    let values = by_name(&generated_text(&text.docs(), &reference));
    // Nothing was lost, and yet a good part of the vocabulary is missing: as much as from the held-out human text.
    assert!(values["vocabulary-survival"] < 0.9, "{values:?}");
    for metric in ["vocabulary-survival", "types", "hapax-share", "unigram-entropy"] {
        let (ours, humans) = (values[&format!("{metric}/equal")], values[&format!("{metric}/human/equal")]);
        assert!((ours / humans - 1.0).abs() < 0.1, "{metric}: {ours} {humans}");
        assert!((values[metric] - ours).abs() < 1e-9, "{metric}: the whole text is the sample");
    }
    // The tail was chosen on the first sample, where it holds nearly five percent.
    let in_sample = by_name(&generated_text(&human.docs(), &reference))["tail-token-rate/words"];
    assert!(in_sample > 0.03 && in_sample <= 0.05, "{in_sample}");
    assert!(values["tail-token-rate/human/words"] < in_sample);
}

#[test]
fn measures_are_json() {
    let human = Texts::new(["a b"]);
    let measures = generated_text(&human.docs(), &Reference::of(&human.docs(), &human.docs(), equal(2)));
    let json = serde_json::to_string(&measures).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Measure>>(&json).unwrap(), measures);
}

/// Not a benchmark: a guard against something quadratic. 400,000 words take half a second in the dev profile.
#[test]
fn a_large_text_is_measured_in_seconds() {
    let mut stream = Streams::new(0).stream(Purpose::Evaluation, 0, 0);
    let mut word = || ((1.0 / (1.0 - stream.uniform())) as u64).min(50_000).to_string();
    let texts = Texts::new((0..2000).map(|_| (0..200).map(|_| word()).collect::<Vec<_>>().join(" ")));
    let docs = texts.docs();
    let reference = Reference::of(&docs, &docs[..200], equal(40_000));
    let start = Instant::now();
    let measures = generated_text(&docs, &reference);
    eprintln!("{} measures of 400,000 words in {:?}", measures.len(), start.elapsed());
    assert!(start.elapsed().as_secs() < 10);
}

fn text() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::collection::vec("[ab\u{fffd}]{1,2}", 0..8).prop_map(|words| words.join(" ")), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    #[test]
    fn shares_are_shares(human in text(), held_out in text(), ours in text(), size in 0..20usize) {
        let (human, held_out, ours) = (Texts::new(human), Texts::new(held_out), Texts::new(ours));
        let reference = Reference::of(&human.docs(), &held_out.docs(), equal(size));
        for measure in generated_text(&ours.docs(), &reference) {
            prop_assert!(measure.value.is_finite(), "{measure:?}");
            let shares = [
                "vocabulary-survival", "distinct", "repetition", "diversity", "novel-share", "jensen-shannon", "mattr",
                "missing-mass", "uncovered-mass", "coverage", "edit-distance", "self-bleu", "ceiling-share",
            ];
            let share = measure.metric.name.ends_with("-share") || shares.contains(&measure.metric.name);
            let limit = if share { 1.0 } else { f64::MAX };
            let ease = measure.metric.name == "reading-ease";
            prop_assert!(ease || (0.0..=limit).contains(&measure.value), "{measure:?}");
        }
    }

    /// Order matters to the samples alone.
    #[test]
    fn documents_may_come_in_any_order(human in text(), ours in text(), seed in 0..100u64) {
        let reference = Reference::of(&Texts::new(human).docs(), &[], equal(4));
        let mut moved = ours.clone();
        Streams::new(seed).stream(Purpose::Evaluation, 0, 1).shuffle(&mut moved);
        let measure = |texts: Vec<String>| by_name(&generated_text(&Texts::new(texts).docs(), &reference));
        let (ours, moved) = (measure(ours), measure(moved));
        for (name, value) in ours {
            let drawn = ["self-bleu", "edit-distance"].iter().any(|metric| name.starts_with(metric));
            let sampled = drawn || name.contains("/equal");
            prop_assert!(sampled || (moved[&name] - value).abs() < 1e-12, "{name}: {value} {moved:?}");
        }
    }
}
