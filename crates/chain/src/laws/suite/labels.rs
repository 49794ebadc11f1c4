//! Cases of labels of origin and of verifiers.

use std::convert::Infallible;

use streams::Stream;

use super::setting::{Setting, Simulate, chains};
use super::{Case, Kind};
use crate::Origin;
use crate::laws::{self, Human};
use crate::learners::{Categories, Family, Weighted};

/// What humans write, and here what models write as well: text that says nothing of the truth that is not known.
const TRUTH: [f64; 5] = [0.4, 0.25, 0.2, 0.1, 0.05];

/// A detector of synthetic text.
#[derive(Clone, Copy)]
struct Detector {
    false_negatives: f64,
    false_positives: f64,
}

impl Detector {
    /// The chance of a verdict: human, synthetic.
    fn verdicts(self, origin: Origin) -> [f64; 2] {
        let accused = match origin {
            Origin::Human => self.false_positives,
            Origin::Synthetic => 1.0 - self.false_negatives,
        };
        [1.0 - accused, accused]
    }

    /// The best weights of draws with each verdict: Q1/Q̄ over α E_Q1 [Q1/Q̄].
    fn weights(self, alpha: f64) -> [f64; 2] {
        let [human, synthetic] = [Origin::Human, Origin::Synthetic].map(|origin| self.verdicts(origin));
        let ratio = |at: usize| match human[at] {
            0.0 => 0.0,
            human => human / (alpha * human + (1.0 - alpha) * synthetic[at]),
        };
        let norm = alpha * (human[0] * ratio(0) + human[1] * ratio(1));
        [ratio(0) / norm, ratio(1) / norm]
    }
}

pub(super) fn labels() -> Vec<Case> {
    const ALPHA: f64 = 0.2;
    let case = |name: &str, false_negatives, false_positives| {
        let detector = Detector { false_negatives, false_positives };
        let value = laws::value_of_labels(ALPHA, false_negatives, false_positives);
        let parameters = format!("squared error of the best estimate: human .2, n 50, {name}");
        let setting = Setting::mixture(Human::Fresh, ALPHA, 50, 2, 8000);
        Case::new("labels", Kind::Exact, parameters, setting, estimates(detector, ALPHA))
            .claims(&[1], |_| laws::heterozygosity(&TRUTH) / (50.0 * value))
    };
    vec![
        case("no labels", 0.5, 0.5),
        case("detector .1 missed, .05 accused", 0.1, 0.05),
        case("labels always right", 0.0, 0.0),
    ]
}

/// Estimates of the human part of a mixture whose documents carry what was drawn, who wrote it and a detector's verdict.
/// What humans wrote alone is generation 0's, and taken for the truth; all models write the truth.
#[derive(Clone, Copy)]
struct Estimates {
    detector: Detector,
    weights: [f64; 2],
}

/// A document.
struct Judged {
    at: usize,
    origin: Origin,
    accused: bool,
}

impl Estimates {
    fn documents(&self, origin: Origin, count: usize, stream: &mut Stream) -> Vec<Judged> {
        let accused = self.detector.verdicts(origin)[1];
        let drawn = Categories::draw(&TRUTH, count, stream);
        drawn.into_iter().map(|at| Judged { at, origin, accused: stream.uniform() < accused }).collect()
    }
}

impl Family for Estimates {
    type Draw = Judged;
    type Model = [f64; 5];
    type Error = Infallible;

    fn fit(&self, draws: &[Weighted<'_, Judged>], _: &mut Stream) -> Result<[f64; 5], Infallible> {
        let mut estimate = TRUTH;
        if draws.iter().any(|(judged, _)| judged.origin == Origin::Synthetic) {
            let total: f64 = draws.iter().map(|(_, weight)| weight).sum();
            for (judged, weight) in draws {
                let weight = self.weights[usize::from(judged.accused)] * weight / total;
                (0..TRUTH.len()).for_each(|x| estimate[x] += weight * (f64::from(x == judged.at) - TRUTH[x]));
            }
        }
        Ok(estimate)
    }

    fn write(&self, _: &[f64; 5], count: usize, stream: &mut Stream) -> Vec<Judged> {
        self.documents(Origin::Synthetic, count, stream)
    }
}

/// The squared error of estimates with this detector.
fn estimates(detector: Detector, alpha: f64) -> Simulate {
    let family = Estimates { detector, weights: detector.weights(alpha) };
    let human = move |count, stream: &mut Stream| family.documents(Origin::Human, count, stream);
    chains(family, human, |estimate| laws::squared_error(estimate, &TRUTH))
}

/// Shares that the verifier keeps of what is right and of what is wrong.
const RIGHT: f64 = 0.8;
const WRONG: f64 = 0.4;

/// What a learner makes of the share that is wrong among what was kept.
#[derive(Clone, Copy)]
enum Answer {
    /// It writes as it has read.
    AsRead,
    /// It takes the majority's word: 1 if that is wrong.
    Majority,
    /// The same: 1 if that is right.
    MajorityRight,
}

pub(super) fn verifier() -> Vec<Case> {
    let breakdown = laws::verifier_breakdown(RIGHT, WRONG);
    let case = |what: &str, wrong, answer, generations, count| {
        let simulate = chains(Verified { wrong, answer }, |count, _| vec![Document::Human; count], |share| *share);
        let parameters = format!("{what}: keeps .8 of right, .4 of wrong, n 1500");
        let setting = Setting::named("replace", 1500, generations, count);
        Case::new("verifier", Kind::Within(0.01), parameters, setting, simulate)
    };
    vec![
        case("majority right, .9 of p* wrong", 0.9 * breakdown, Answer::MajorityRight, 2, 100).claims(&[1], |_| 1.0),
        case("majority wrong, 1.1 of p* wrong", 1.1 * breakdown, Answer::Majority, 2, 100).claims(&[1], |_| 1.0),
        case("share wrong, .7 at first", 0.7, Answer::AsRead, 5, 200)
            .claims(&[1, 2, 4], |generation| laws::wrong_of_generation(0.7, RIGHT, WRONG, generation)),
    ]
}

/// Texts behind the verifier. A model is its share of wrong ones; that of model 0, which reads human text, is given.
#[derive(Clone, Copy)]
struct Verified {
    wrong: f64,
    answer: Answer,
}

/// A document.
#[derive(Clone, Copy, PartialEq)]
enum Document {
    Human,
    Right,
    Wrong,
}

impl Family for Verified {
    type Draw = Document;
    type Model = f64;
    type Error = Infallible;

    fn fit(&self, draws: &[Weighted<'_, Document>], stream: &mut Stream) -> Result<f64, Infallible> {
        if draws.iter().any(|(document, _)| **document == Document::Human) {
            return Ok(self.wrong);
        }
        let (mut kept, mut wrong) = (0.0, 0.0);
        for &(document, weight) in draws {
            let is_wrong = *document == Document::Wrong;
            if stream.uniform() < if is_wrong { WRONG } else { RIGHT } {
                kept += weight;
                wrong += if is_wrong { weight } else { 0.0 };
            }
        }
        let share = wrong / kept;
        Ok(match self.answer {
            Answer::AsRead => share,
            Answer::Majority => f64::from(share > 0.5),
            Answer::MajorityRight => f64::from(share < 0.5),
        })
    }

    fn write(&self, share: &f64, count: usize, stream: &mut Stream) -> Vec<Document> {
        let mut document = || if stream.uniform() < *share { Document::Wrong } else { Document::Right };
        (0..count).map(|_| document()).collect()
    }
}
