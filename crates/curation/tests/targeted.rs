//! Targeted synthesis on a model that is a table: closed forms for what a round gains, and the stop.

use corpus::Document;
use curation::targeted::{Find, Finder, Target, View, count_grams, gap, is_closed};
use curation::{Candidate, NoModels};
use streams::{Purpose, Stream, Streams};

/// How often people write of each topic, and a model that has forgotten the rarer ones.
const HUMAN: [f64; 5] = [0.3, 0.25, 0.2, 0.15, 0.1];
const MODEL: [f64; 5] = [0.55, 0.3, 0.1, 0.05, 0.0];

/// One topic by its share.
fn drawn(shares: &[f64], uniform: f64) -> usize {
    let total: f64 = shares.iter().sum();
    let mut sum = 0.0;
    let mut passed = |share: &f64| {
        sum += share;
        sum <= uniform * total
    };
    shares.iter().take_while(|share| passed(share)).count().min(shares.len() - 1)
}

/// A document: its topic, then what the topic leads to.
fn ids(topic: usize) -> Vec<u32> {
    vec![topic as u32, 100 + topic as u32]
}

fn texts(shares: &[f64], count: usize, stream: &mut Stream) -> Vec<Vec<u32>> {
    (0..count).map(|_| ids(drawn(shares, stream.uniform()))).collect()
}

fn distance(human: &[Vec<u32>], written: &[Vec<u32>]) -> f64 {
    let counts = |texts: &[Vec<u32>]| count_grams(texts.iter().map(Vec::as_slice), 1);
    gap(&counts(human), &counts(written), written.len() as f64 / human.len() as f64)
}

/// Writes `count` documents: the first part from nothing, then rounds from human prompts of one token. Gives the text and
/// the rounds that there was a gap in; without a gap, a round is from nothing too.
fn written(target: &Target, human: &[Vec<u32>], model: &[f64], count: usize, seed: u64) -> (Vec<Vec<u32>>, u32) {
    let document = Document::human("h", "", "test");
    let people: Vec<Candidate<'_>> = human.iter().map(|ids| Candidate::new(&document, ids)).collect();
    let streams = Streams::new(seed);
    let first = (count as f64 * (1.0 - target.share)) as usize;
    let view = View {
        human: &people,
        prompt: 1,
        sample: 3 * first as u64,
        generation: 1,
        streams: &streams,
        decode: &|_| String::new(),
        world: None,
        models: &NoModels,
    };
    let finder = Finder::new(target, &view).unwrap();
    let mut stream = streams.stream(Purpose::Learner, 1, 0);
    let mut all = texts(model, first, &mut stream);
    let mut rounds = 0;
    for round in 1..=target.rounds as usize {
        let so_far: Vec<Candidate<'_>> = all.iter().map(|ids| Candidate::new(&document, ids)).collect();
        let until = first + (count - first) * round / target.rounds as usize;
        if finder.gap(&so_far).is_some_and(|gap| is_closed(gap, target.tolerance)) {
            all.extend(texts(model, until - so_far.len(), &mut stream));
            continue;
        }
        let weights = finder.aim(&so_far);
        rounds += 1;
        // The prompt is a topic, and even a model that never writes of it can go on from there.
        all.extend((all.len()..until).map(|_| ids(human[drawn(&weights, stream.uniform())][0] as usize)));
    }
    (all, rounds)
}

#[test]
fn one_round_gains_what_its_closed_form_says() {
    let count = 20_000;
    let human = texts(&HUMAN, count, &mut Streams::new(9).stream(Purpose::Learner, 0, 0));
    let of = |find, share| {
        let target = Target { find, share, rounds: 1, size: 1, tolerance: 0.0 };
        distance(&human, &written(&target, &human, &MODEL, count, 3).0)
    };
    let behind: Vec<usize> = (0..5).filter(|&topic| HUMAN[topic] > MODEL[topic]).collect();
    let apart: f64 = behind.iter().map(|&topic| HUMAN[topic] - MODEL[topic]).sum();
    let held: f64 = behind.iter().map(|&topic| MODEL[topic]).sum();
    for share in [0.07, 0.14] {
        // Prompts drawn evenly are the human text: q becomes (1 - s) q + s p, and the distance (1 - s) of itself. Drawn
        // from the gaps, a topic's share of them is (p - q)₊/distance, none of it wasted on what is there: s (1 - Q) of
        // the distance is gone, Q the model's mass of the topics that have a gap, as long as none is overshot
        // and no other falls behind.
        let (even, aimed) = (apart * (1.0 - share), apart - share * (1.0 - held));
        for topic in &behind {
            let after = MODEL[*topic] * (1.0 - share) + share * (HUMAN[*topic] - MODEL[*topic]) / apart;
            assert!(after < HUMAN[*topic]);
        }
        assert!((0..5).all(|topic| behind.contains(&topic) || MODEL[topic] * (1.0 - share) > HUMAN[topic]));
        assert!((of(Find::Even, share) - even).abs() < 0.01, "{share}: {} {even}", of(Find::Even, share));
        assert!((of(Find::Coverage, share) - aimed).abs() < 0.015, "{share}: {} {aimed}", of(Find::Coverage, share));
        assert!(aimed < even - 0.03);
    }
    assert!((of(Find::Coverage, 0.0) - apart).abs() < 0.01);
    // Rare topics, by the decades of their tokens: all counts here are of one decade, and no band has a gap.
    assert!((of(Find::Frequency, 0.14) - apart).abs() < 0.01);
}

#[test]
fn human_text_has_no_gap_and_a_gap_closes_in_rounds() {
    let count = 4_000;
    let human = texts(&HUMAN, count, &mut Streams::new(9).stream(Purpose::Learner, 0, 0));
    let target = Target { size: 1, rounds: 10, tolerance: 0.5, ..Target::default() };
    // Text as people write it: an unlucky round or two.
    let (plain, unneeded) = written(&target, &human, &HUMAN, count, 5);
    let (all, rounds) = written(&target, &human, &MODEL, count, 5);
    let (even, all_rounds) = written(&Target { find: Find::Even, ..target }, &human, &MODEL, count, 5);
    assert!(unneeded <= 2 && (5..=10).contains(&rounds), "{unneeded} {rounds}");
    assert_eq!((all.len(), even.len(), all_rounds), (count, count, 10));
    let [plain, all, even] = [plain, all, even].map(|text| distance(&human, &text));
    assert!(plain < 0.03 && all < even / 1.5, "{plain} {all} {even}");
    // The same draws, the same text.
    assert_eq!(written(&target, &human, &MODEL, 500, 8), written(&target, &human, &MODEL, 500, 8));
}

#[test]
fn nothing_to_begin_with_is_not_begun_with() {
    let document = Document::human("h", "", "test");
    let long = [1_u32, 2, 3];
    let people =
        [Candidate::new(&document, &long), Candidate::new(&document, &long[..2]), Candidate::new(&document, &[])];
    let streams = Streams::new(1);
    let view = View {
        human: &people,
        prompt: 2,
        sample: 100,
        generation: 0,
        streams: &streams,
        decode: &|_| String::new(),
        world: None,
        models: &NoModels,
    };
    let finder = |find| Finder::new(&Target { find, size: 1, ..Target::default() }, &view);
    assert_eq!(finder(Find::Even).unwrap().aim(&[]), [1.0, 0.0, 0.0]);
    assert_eq!(finder(Find::Even).unwrap().gap(&[]), None);
    // Generation 0 is the reference itself, and asks no model.
    let contexts = finder(Find::Contexts).unwrap();
    assert_eq!(contexts.aim(&people), [0.0; 3]);
    assert!(is_closed(contexts.gap(&people).unwrap(), 0.0));
    let message = finder(Find::Facts).err().expect("there is no world").to_string();
    assert!(message.starts_with("sample.target = \"facts\" needs a corpus"), "{message}");
}
