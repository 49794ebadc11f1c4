//! Cases of labels of origin and of verifiers.

use streams::{Stream, Streams};

use super::drawn::{Drawn, types};
use super::{Case, Kind, Setting};
use crate::laws::{self, Human};
use crate::{Origin, Pick, RecipeError};

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
        let simulate = move |setting: &Setting, streams| estimate(detector, ALPHA, setting, streams);
        let parameters = format!("squared error of the best estimate: human .2, n 50, {name}");
        Case::new("labels", Kind::Exact, parameters, Setting::mixture(Human::Fresh, ALPHA, 50, 2, 8000), simulate)
            .claims(&[1], |_| laws::heterozygosity(&TRUTH) / (50.0 * value))
    };
    vec![
        case("no labels", 0.5, 0.5),
        case("detector .1 missed, .05 accused", 0.1, 0.05),
        case("labels always right", 0.0, 0.0),
    ]
}

/// One chain of two generations: model 0 writes the truth, and of a mixture the human part is estimated, by verdicts.
fn estimate(detector: Detector, alpha: f64, setting: &Setting, streams: Streams) -> Result<Vec<f64>, RecipeError> {
    let weights = detector.weights(alpha);
    let fit = |picked: &[(&Pick, &usize)], generation, stream: &mut Stream| {
        let mut estimate = TRUTH;
        if generation == 0 {
            return estimate;
        }
        for (pick, at) in picked {
            let accused = stream.uniform() < detector.verdicts(pick.entry.origin())[1];
            let weight = weights[usize::from(accused)] / picked.len() as f64;
            (0..TRUTH.len()).for_each(|x| estimate[x] += weight * (f64::from(x == **at) - TRUTH[x]));
        }
        estimate
    };
    let human = |stream: &mut Stream| types(&TRUTH, setting.corpus(), stream);
    let write = |_: &[f64; 5], count, stream: &mut Stream| types(&TRUTH, count, stream);
    let (mut learner, corpus) = Drawn::new(streams, human, fit, write);
    setting.chain(streams, &mut learner, &corpus, |trip| laws::squared_error(trip.model, &TRUTH))
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
    let case = |what: &str, wrong, answer, generations, chains| {
        let simulate = move |setting: &Setting, streams| verified(wrong, answer, setting, streams);
        let parameters = format!("{what}: keeps .8 of right, .4 of wrong, n 1500");
        let setting = Setting::named("replace", 1500, generations, chains);
        Case::new("verifier", Kind::Within(0.01), parameters, setting, simulate)
    };
    vec![
        case("majority right, .9 of p* wrong", 0.9 * breakdown, Answer::MajorityRight, 2, 100).claims(&[1], |_| 1.0),
        case("majority wrong, 1.1 of p* wrong", 1.1 * breakdown, Answer::Majority, 2, 100).claims(&[1], |_| 1.0),
        case("share wrong, .7 at first", 0.7, Answer::AsRead, 5, 200)
            .claims(&[1, 2, 4], |generation| laws::wrong_of_generation(0.7, RIGHT, WRONG, generation)),
    ]
}

/// One chain behind the verifier. A document is whether it is wrong; model 0 is wrong with chance `wrong`.
fn verified(wrong: f64, answer: Answer, setting: &Setting, streams: Streams) -> Result<Vec<f64>, RecipeError> {
    let fit = |picked: &[(&Pick, &bool)], generation, stream: &mut Stream| {
        if generation == 0 {
            return wrong;
        }
        let mut keeps = |is_wrong: bool| stream.uniform() < if is_wrong { WRONG } else { RIGHT };
        let kept: Vec<bool> =
            picked.iter().map(|(_, is_wrong)| **is_wrong).filter(|&is_wrong| keeps(is_wrong)).collect();
        let share = kept.iter().filter(|&&is_wrong| is_wrong).count() as f64 / kept.len() as f64;
        match answer {
            Answer::AsRead => share,
            Answer::Majority => f64::from(share > 0.5),
            Answer::MajorityRight => f64::from(share < 0.5),
        }
    };
    let human = |_: &mut Stream| vec![false; setting.corpus()];
    let write = |share: &f64, count, stream: &mut Stream| (0..count).map(|_| stream.uniform() < *share).collect();
    let (mut learner, corpus) = Drawn::new(streams, human, fit, write);
    setting.chain(streams, &mut learner, &corpus, |trip| *trip.model)
}
