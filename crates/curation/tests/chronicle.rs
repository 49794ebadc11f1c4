//! Defences on Chronicle's text, which stands for human text: the watermark's false positives against its p-value, and
//! a detector that tells nothing apart where there is nothing to tell.

use corpus::{Document, Greens, Origin};
use curation::{Candidate, Context, Detector, NoModels, read_mark};
use statrs::distribution::{Binomial, DiscreteCDF};
use streams::Streams;
use world::World;

/// Bytes as tokens: neighbours repeat often.
fn bytes(documents: &[Document]) -> Vec<Vec<u32>> {
    documents.iter().map(|document| document.text.bytes().map(u32::from).collect()).collect()
}

/// Words as tokens.
fn words(documents: &[Document]) -> Vec<Vec<u32>> {
    let word = |word: &str| streams::item_of_name(word) as u32;
    documents.iter().map(|document| document.text.split(' ').map(word).collect()).collect()
}

/// P(X ≥ least) for X binomial.
fn tail(n: u64, p: f64, least: u64) -> f64 {
    if least == 0 { 1.0 } else { Binomial::new(p, n).unwrap().sf(least - 1) }
}

/// The largest p-value up to `level` that a text of so many pairs can have.
fn attained(n: u64, gamma: f64, level: f64) -> f64 {
    (0..=n + 1).map(|least| tail(n, gamma, least)).find(|&p| p <= level).unwrap()
}

#[test]
fn human_text_is_flagged_as_often_as_the_p_value_says() {
    let (gamma, level, separator) = (0.25, 0.05, 300);
    let documents: Vec<Document> = World::chronicle().documents(0..3000).collect();
    let (mut flagged, mut expected, mut variance, mut naive) = (0.0, 0.0, 0.0, 0.0);
    // A key for each text, for under one key texts that share pairs share their colours.
    for (key, ids) in bytes(&documents).iter().enumerate() {
        let greens = Greens::new(key as u64, gamma);
        let test = read_mark(&greens, separator, ids);
        flagged += f64::from(u8::from(test.p <= level));
        let p = attained(test.pairs, gamma, level);
        (expected, variance) = (expected + p, variance + p * (1.0 - p));
        // The same with repeated pairs counted each time.
        let previous = std::iter::once(separator).chain(ids.iter().copied());
        let green = previous.zip(ids).filter(|&(previous, &token)| greens.is_green(previous, token)).count();
        naive += f64::from(u8::from(tail(ids.len() as u64, gamma, green as u64) <= level));
    }
    assert!((flagged - expected).abs() < 4.0 * f64::sqrt(variance), "{flagged} {expected}");
    assert!(expected <= level * 3000.0 && expected > 0.6 * level * 3000.0);
    assert!(naive > expected + 4.0 * f64::sqrt(variance), "repetitions would break it: {naive} against {expected}");
}

#[test]
fn a_detector_finds_what_differs_and_nothing_else() {
    let world = World::chronicle();
    // A model that knows the first thirty persons alone.
    let weights: Vec<f64> = (0..world.persons().len()).map(|person| f64::from(u8::from(person < 30))).collect();
    let narrow = world.with_subjects(&weights);
    let human: Vec<Document> = world.documents(0..500).collect();
    let as_written = |documents: Vec<Document>| -> Vec<Document> {
        let mut documents = documents;
        for document in &mut documents {
            document.provenance.origin = Origin::Synthetic;
            document.provenance.generation = Some(0);
        }
        documents
    };
    let more = as_written(world.documents(10_000..10_500).collect());
    let collapsed = as_written(narrow.documents(10_000..10_500).collect());
    let (human_ids, more_ids, collapsed_ids) = (words(&human), words(&more), words(&collapsed));
    let candidates = |documents, ids| -> Vec<Candidate> {
        let pairs = std::iter::zip::<&[Document], &[Vec<u32>]>(documents, ids);
        pairs.map(|(document, ids)| Candidate::new(document, ids)).collect()
    };
    let human = candidates(&human[..], &human_ids[..]);
    let learned = |latest: &[Candidate]| {
        let context = Context {
            human: &human,
            latest,
            streams: &Streams::new(1),
            generation: 1,
            separator: 0,
            world: None,
            models: &NoModels,
        };
        Detector::default().learn(&context).unwrap()
    };
    // Text of the same language: held-out accuracy is a coin's. Four standard errors of a thousand documents.
    let same = learned(&candidates(&more[..], &more_ids[..]));
    assert!((same.accuracy - 0.5).abs() < 4.0 * (0.25_f64 / 1000.0).sqrt(), "{}", same.accuracy);
    assert!((same.auc - 0.5).abs() < 4.0 * (1.0_f64 / 12.0 * 2.0 / 500.0).sqrt(), "{}", same.auc);
    let told = learned(&candidates(&collapsed[..], &collapsed_ids[..]));
    assert!(told.accuracy > 0.6 && told.auc > 0.65, "{} {}", told.accuracy, told.auc);
}
