//! Importance weights and resampling against their closed forms, on documents that are one draw from a few types.

use corpus::{Document, Origin, Provenance};
use curation::resample::expected_copies;
use curation::{Candidate, Context, Decision, Defence, Detector, NoModels, Use};
use streams::{Purpose, Stream, Streams};

/// Human text, and a model that has lost the last type and prefers the first.
const HUMAN: [f64; 5] = [0.35, 0.25, 0.2, 0.15, 0.05];
const WRITTEN: [f64; 5] = [0.6, 0.2, 0.15, 0.05, 0.0];
const DOCUMENTS: usize = 6000;

fn draws(truth: &[f64], stream: &mut Stream) -> Vec<u32> {
    let one = |stream: &mut Stream| {
        let (u, mut sum) = (stream.uniform(), 0.0);
        let drawn = truth.iter().position(|p| {
            sum += p;
            u < sum
        });
        drawn.unwrap_or(truth.len() - 1) as u32
    };
    (0..DOCUMENTS).map(|_| one(stream)).collect()
}

fn documents(origin: Origin) -> Vec<Document> {
    let generation = (origin == Origin::Synthetic).then_some(0);
    let document = |number| Document {
        id: format!("{origin:?}/{number}"),
        text: String::new(),
        truncated: false,
        provenance: Provenance { generation, ..Provenance::of(origin) },
    };
    (0..DOCUMENTS).map(document).collect()
}

/// The decisions on the written text, with its types.
fn judged(detector: Detector) -> Vec<(usize, Decision)> {
    let streams = Streams::new(3);
    let mut stream = streams.stream(Purpose::Learner, 0, 0);
    let (human_types, written_types) = (draws(&HUMAN, &mut stream), draws(&WRITTEN, &mut stream));
    let (human, written) = (documents(Origin::Human), documents(Origin::Synthetic));
    let candidates = |documents: &'static [Document], ids: &'static [u32]| -> Vec<Candidate<'static>> {
        documents.iter().zip(ids.chunks(1)).map(|(document, ids)| Candidate::new(document, ids)).collect()
    };
    let human = candidates(human.leak(), human_types.leak());
    let written = candidates(written.leak(), written_types.leak());
    let context = Context {
        human: &human,
        latest: &written,
        streams: &streams,
        generation: 1,
        separator: 0,
        world: None,
        models: &NoModels,
    };
    let verdict = detector.judge(&written, &context).unwrap();
    written.iter().map(|candidate| candidate.ids[0] as usize).zip(verdict.decisions).collect()
}

/// One column for each type, hardly a penalty, no cap: the odds are estimated without bias.
fn exact(used: Use) -> Detector {
    Detector { used, longest: 1, l2: 1e-3, cap: f64::INFINITY, ..Detector::default() }
}

/// Shares of the types by a weight of each decision.
fn shares(judged: &[(usize, Decision)], weight: impl Fn(&Decision) -> f64) -> [f64; 5] {
    let mut shares = [0.0; 5];
    judged.iter().for_each(|(kind, decision)| shares[*kind] += weight(decision));
    let sum: f64 = shares.iter().sum();
    shares.map(|share| share / sum)
}

/// The standard error of an estimate of h(x) by weights: both texts' counts of the type scatter, half of them in each
/// fit.
fn error(kind: usize) -> f64 {
    let n = DOCUMENTS as f64;
    let relative = |p: f64| if p > 0.0 { 2.0 * (1.0 - p) / (p * n) } else { 0.0 };
    HUMAN[kind] * (relative(HUMAN[kind]) + relative(WRITTEN[kind])).sqrt()
}

#[test]
fn weights_give_the_human_text_back_but_for_what_is_lost() {
    let judged = judged(exact(Use::Weigh));
    let got = shares(&judged, |decision| f64::from(decision.weight));
    for kind in 0..4 {
        let closed = HUMAN[kind] / (1.0 - HUMAN[4]);
        assert!((got[kind] - closed).abs() < 4.0 * error(kind), "{kind}: {} {closed}", got[kind]);
        assert!((closed - WRITTEN[kind]).abs() > 4.0 * error(kind), "the test could not fail");
    }
    assert_eq!(got[4], 0.0, "no weight brings back a type that nobody wrote");
    let mean = judged.iter().map(|(_, decision)| f64::from(decision.weight)).sum::<f64>() / DOCUMENTS as f64;
    assert!((mean - 1.0).abs() < 1e-6);
}

#[test]
fn copies_saturate_as_published() {
    let judged = judged(exact(Use::Resample));
    let drawn = DOCUMENTS * 3 / 2;
    assert_eq!(judged.iter().map(|(_, decision)| decision.copies as usize).sum::<usize>(), drawn);
    assert!(judged.iter().all(|(_, decision)| decision.copies <= 3 && decision.keep == (decision.copies > 0)));
    let odds: Vec<f64> = judged.iter().map(|(kind, _)| HUMAN[*kind] / WRITTEN[*kind]).collect();
    let expected = expected_copies(&odds, 3, drawn);
    let got = shares(&judged, |decision| f64::from(decision.copies));
    let mut law = [0.0; 5];
    judged.iter().zip(&expected).for_each(|((kind, _), copies)| law[*kind] += copies / drawn as f64);
    for kind in 0..4 {
        assert!((got[kind] - law[kind]).abs() < 4.0 * error(kind), "{kind}: {} {}", got[kind], law[kind]);
    }
    // With slips that run out the rarest type, three times too rare, comes back two thirds of the way.
    let closed = HUMAN[3] / (1.0 - HUMAN[4]);
    assert!(law[3] < 0.8 * closed && law[3] > 1.5 * WRITTEN[3], "{} of {closed}", law[3]);
}
