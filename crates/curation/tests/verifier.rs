//! The verifier's break-down against L12: p* = 1/(1 + ψ/φ).

use corpus::{Document, Origin, Provenance};
use curation::{Candidate, Context, Defence, NoModels, Verifier, breakdown};
use streams::Streams;
use world::World;

/// Statements of one fact, whose majority a learner would believe.
const STATEMENTS: usize = 60;
const FACTS: usize = 100;

fn village() -> World {
    World::from_toml(
        r#"
        name = "village"
        document = { runs = [1.0], sentences = [1.0], longest = 20 }
        person = { words = ["Ada", "Bo", "Cyril"] }
        kind.town = { words = ["Ash", "Elm"] }
        fact.home = "town"
        [forms.home]
        "{person} lives in {home}." = 1
        "#,
    )
    .unwrap()
}

/// Of facts stated with a share `wrong` of errors, what the verifier keeps: the share that is wrong, its count, and the
/// share of facts whose majority is right.
fn kept(verifier: &Verifier, wrong: f64) -> (f64, f64, f64) {
    let world = village();
    let home = world.truth(0, 0);
    let say = |value: usize| format!("{} lives in {}.", world.persons()[0], world.values(0)[value]);
    let lies = (wrong * STATEMENTS as f64).round() as usize;
    let is_lie = |number: usize| number % STATEMENTS < lies;
    let document = |number: usize| Document {
        id: format!("a/0/{number}"),
        text: say(if is_lie(number) { 1 - home } else { home }),
        truncated: false,
        provenance: Provenance { generation: Some(0), ..Provenance::of(Origin::Synthetic) },
    };
    let documents: Vec<Document> = (0..STATEMENTS * FACTS).map(document).collect();
    let candidates: Vec<Candidate> = documents.iter().map(|document| Candidate::new(document, &[])).collect();
    let context = Context {
        human: &[],
        latest: &[],
        streams: &Streams::new(5),
        generation: 1,
        separator: 0,
        world: Some(&world),
        models: &NoModels,
    };
    let decisions = verifier.judge(&candidates, &context).unwrap().decisions;
    let (mut all, mut bad, mut right) = (0.0, 0.0, 0.0);
    for fact in 0..FACTS {
        let of_fact = (fact * STATEMENTS..(fact + 1) * STATEMENTS).filter(|&number| decisions[number].keep);
        let of_fact: Vec<bool> = of_fact.map(is_lie).collect();
        let lies = of_fact.iter().filter(|&&lie| lie).count();
        all += of_fact.len() as f64;
        bad += lies as f64;
        right += f64::from(u8::from(2 * lies < of_fact.len()));
    }
    (bad / all, all, right / FACTS as f64)
}

#[test]
fn what_passes_is_mostly_right_below_the_breakdown_and_mostly_wrong_above() {
    let verifier = Verifier { sensitivity: 0.8, specificity: 0.6, ..Verifier::default() };
    let (phi, psi) = (0.8, 0.4);
    let p_star = breakdown(verifier.sensitivity, verifier.specificity);
    assert!((p_star - 2.0 / 3.0).abs() < 1e-12);
    for wrong in [0.3, 0.5, 0.6, 0.7, 0.75, 0.85] {
        let (bad, count, right) = kept(&verifier, wrong);
        let expected = wrong * psi / (wrong * psi + (1.0 - wrong) * phi);
        let error = (expected * (1.0 - expected) / count).sqrt();
        assert!((bad - expected).abs() < 4.0 * error, "{wrong}: {bad} {expected} ± {error}");
        assert_eq!(expected < 0.5, wrong < p_star);
        // L12 is asymptotic: with sixty statements of each fact the step at p* has a width.
        if wrong < p_star - 0.1 {
            assert!(right > 0.9, "{wrong}: {right} of the facts are believed");
        } else if wrong > p_star + 0.1 {
            assert!(right < 0.1, "{wrong}: {right} of the facts are believed");
        }
    }
    // A perfect verifier has no break-down, one that knows nothing has it at a half.
    assert_eq!((breakdown(1.0, 1.0), breakdown(0.5, 0.5)), (1.0, 0.5));
    assert_eq!(kept(&Verifier::default(), 0.85).0, 0.0);
}
