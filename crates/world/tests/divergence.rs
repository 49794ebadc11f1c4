//! Each direction's divergence by its own estimator, on learners whose truth is known: they know the grammar of Chronicle
//! and have other frequencies of persons. Runs are independent given their number, so a document's divergence is the
//! expected number of runs times that of the persons.

use streams::{Purpose, Streams};
use world::{Estimate, Scored, World, excess, excess_per_document, to_truth};

/// How many documents a test draws: all of them in an optimised build.
const fn draws(number: u64) -> u64 {
    if cfg!(debug_assertions) { number / 10 } else { number }
}

/// Σ p ln(p/q), nats; a person of whom p never speaks adds nothing.
fn of_persons(p: &World, q: &World) -> f64 {
    let pairs = p.subject_probabilities().iter().zip(q.subject_probabilities());
    pairs.filter(|&(&p, _)| p > 0.0).map(|(p, q)| p * (p / q).ln()).sum()
}

#[track_caller]
fn near(found: Estimate, exact: f64) {
    let far = (found.value - exact) / found.standard_error;
    assert!(far.abs() < 4.0, "{found:?} is {far} standard errors from {exact}");
    // An estimate that knows nothing agrees with everything.
    assert!(found.standard_error < 0.05 * exact, "{found:?} is too vague to be compared with {exact}");
}

fn bytes(text: &str) -> usize {
    text.len() + 1
}

/// Documents of the truth, under both.
fn tested(truth: &World, learner: &World, documents: u64) -> Vec<Scored> {
    let score = |index| {
        let (text, derivation) = truth.derive(index);
        let [truth, model] = [truth, learner].map(|world| world.log_probabilities(&derivation).sum());
        Scored { truth, model, tokens: bytes(&text) }
    };
    (0..documents).map(score).collect()
}

/// What a learner writes: a share of its documents is broken, and the reader has to find out which. `ln P`, `ln Q`.
fn written(truth: &World, learner: &World, broken: f64, documents: u64) -> Vec<(Option<f64>, f64)> {
    let mut stream = Streams::new(7).stream(Purpose::Learner, 0, 0);
    let write = |index| {
        let mut text = learner.derive(index).0;
        if stream.uniform() < broken {
            // A byte of no document; what Q says of such a text is nobody's business.
            let at = stream.below(text.len() as u64) as usize;
            text.replace_range(at..=at, "#");
            return (truth.log_probability(&text).ok(), -3.0);
        }
        let under = |world: &World| world.log_probability(&text).expect("it is of the language");
        (Some(under(truth)), (1.0 - broken).ln() + under(learner))
    };
    (0..documents).map(write).collect()
}

#[test]
fn with_other_frequencies_the_two_directions_differ_and_each_is_found() {
    let truth = World::chronicle();
    // Half of the truth and half of everybody alike: rare persons too often, frequent ones too seldom.
    let even = 1.0 / truth.persons().len() as f64;
    let weights: Vec<f64> = truth.subject_probabilities().iter().map(|p| 0.5 * (p + even)).collect();
    let learner = truth.with_subjects(&weights);
    let runs = truth.exact().runs;
    let [there, back] = [of_persons(&truth, &learner), of_persons(&learner, &truth)].map(|nats| runs * nats);
    assert!((there / back - 1.0).abs() > 0.1, "{there} and {back} could be taken for each other");

    let test = tested(&truth, &learner, draws(100_000));
    near(excess_per_document(&test).unwrap(), there);
    near(excess(&test).unwrap(), there / (truth.tokens(&str::len).expected + 1.0));

    let found = to_truth(&written(&truth, &learner, 0.0, draws(100_000))).unwrap();
    assert_eq!(found.parses.value, 1.0);
    near(found.divergence.unwrap(), back);
}

/// It forgot the rarer half: from the truth to it there is no bound, from it to the truth the distance is −ln of what the
/// persons that it kept amount to, a run.
#[test]
fn a_learner_that_forgot_persons_is_infinitely_far_in_one_direction_only() {
    let truth = World::chronicle();
    let kept = truth.persons().len() / 2;
    let p = truth.subject_probabilities();
    let weights: Vec<f64> = p.iter().enumerate().map(|(at, &p)| if at < kept { p } else { 0.0 }).collect();
    let learner = truth.with_subjects(&weights);
    let back = -truth.exact().runs * p[..kept].iter().sum::<f64>().ln();
    assert!((of_persons(&learner, &truth) * truth.exact().runs - back).abs() < 1e-12);

    let test = tested(&truth, &learner, draws(20_000));
    for found in [excess(&test).unwrap(), excess_per_document(&test).unwrap()] {
        assert!(found.value == f64::INFINITY && found.standard_error.is_nan(), "{found:?}");
    }
    // What it does know it says too often: on the documents of persons that it kept, it is better than the truth.
    let known: Vec<Scored> = test.iter().copied().filter(|scored| scored.model.is_finite()).collect();
    assert!(known.len() < test.len() && excess(&known).unwrap().value < 0.0);

    let broken = 0.15;
    let found = to_truth(&written(&truth, &learner, broken, draws(100_000))).unwrap();
    near(found.parses, 1.0 - broken);
    // All documents of one number of runs are equally far, so this error is that of g and of the runs' number alone.
    near(found.divergence.unwrap(), back);
}

#[test]
fn breaking_documents_costs_their_share_and_no_more() {
    let truth = World::chronicle();
    let test: Vec<Scored> = tested(&truth, &truth, draws(2_000))
        .into_iter()
        .map(|scored| Scored { model: scored.truth + 0.7_f64.ln(), ..scored })
        .collect();
    let found = excess_per_document(&test).unwrap();
    assert!((found.value + 0.7_f64.ln()).abs() < 1e-12, "{found:?} is not −ln of what is not broken");
    // The other way, what is broken is apart, and the rest is the truth.
    let found = to_truth(&written(&truth, &truth, 0.3, draws(50_000))).unwrap();
    near(found.parses, 0.7);
    let divergence = found.divergence.unwrap();
    assert!(divergence.value.abs() < 4.0 * divergence.standard_error, "{divergence:?} is not 0");
}

const VILLAGE: &str = r#"
name = "village"
document = { runs = [0.5, 0.5], sentences = [0.5, 0.5], longest = 40 }
person = { words = ["Ada", "Bo", "Cyril"] }
kind.town = { words = ["Ash", "Elm"] }
fact.home = "town"
[forms.home]
"{person} lives in {home}." = 3
"{person} calls {home} a good place." = 1
[forms.walk]
"One day there was a walk to {any town}." = 1
"#;

/// By sentence given the parsed state: each sentence is broken with one probability, and nothing that follows is read.
/// The two differ in openings alone, and breaking leaves more openings than the truth has among its sentences.
#[test]
fn by_sentence_the_divergence_is_that_of_the_sentences_that_are_reached() {
    let truth = World::from_toml(VILLAGE).unwrap();
    let learner = truth.with_subjects(&[1.0, 1.0, 4.0]);
    let whole: f64 = 0.9;
    let mut stream = Streams::new(8).stream(Purpose::Learner, 0, 0);
    let mut pairs = Vec::new();
    for index in 0..draws(100_000) {
        let derivation = learner.derive(index).1;
        let [p, q] = [&truth, &learner].map(|world| world.log_probabilities(&derivation).sentences);
        for (p, q) in p.into_iter().zip(q) {
            if stream.uniform() >= whole {
                pairs.push((None, -3.0));
                break;
            }
            pairs.push((Some(p), q + whole.ln()));
        }
    }
    // Runs of one or two sentences, one or two of them, all with ½: the second opening is sentence two or three; lengths
    // 1, 2, 3, 4 have 1/4, 3/8, 1/4, 1/8.
    let openings = whole + 0.5 * (0.5 * whole.powi(2) + 0.5 * whole.powi(3));
    let sentences: f64 = [1.0, 0.75, 0.375, 0.125].iter().zip(1..).map(|(reached, n)| reached * whole.powi(n)).sum();
    let found = to_truth(&pairs).unwrap();
    near(found.parses, whole);
    near(found.divergence.unwrap(), of_persons(&learner, &truth) * openings / sentences);
}
