//! Regimes that weigh or divide what they draw: against a law, and against the same recipe without.

use chain::learners::Categorical;
use chain::{
    Amount, Entry, HumanSet, Ledger, Plan, Recipe, Source, TrainingSet, Trip, compose, human_subset, laws, run,
};
use streams::Streams;

const TRUTH: [f64; 4] = [0.5, 0.25, 0.15, 0.1];
const DRAWS: usize = 20;
const GENERATIONS: u32 = 8;

/// Per generation, the mean of E‖q − p‖² over chains of the categorical learner, and its standard error.
fn error_of(recipe: Recipe, chains: u64) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); GENERATIONS as usize];
    for seed in 0..chains {
        let streams = Streams::new(seed);
        let all = DRAWS * GENERATIONS as usize;
        let (mut learner, corpus) = Categorical::with_human_draws(&TRUTH, all, streams);
        let human = human_subset(&corpus, Some(DRAWS as u64), &streams).unwrap();
        let plan = Plan { recipe, generations: GENERATIONS, writing: DRAWS as u64, streams };
        let outcome = run(&plan, human, &mut learner, &mut |trip: &Trip<'_, Vec<f64>>| {
            let value = laws::squared_error(trip.model, &TRUTH);
            let (sum, squares) = &mut sums[trip.generation as usize];
            *sum += value;
            *squares += value * value;
            Ok(())
        });
        assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    }
    let n = chains as f64;
    let moments = |(sum, squares): (f64, f64)| {
        let mean = sum / n;
        (mean, ((squares / n - mean * mean) / (n - 1.0)).sqrt())
    };
    sums.into_iter().map(moments).collect()
}

/// With weight w on n fresh draws and 1 − w on n of the last model's, q_k = w f + (1 − w) s. The draws are independent given
/// the model, and the model's draws add (1 − Σq²)/n, whose mean is (H0 − e)/n: e_k = w² H0/n + (1−w)² [e_{k−1}(1−1/n) + H0/n].
fn law(weight: f64) -> Vec<f64> {
    let (h0, n) = (laws::heterozygosity(&TRUTH), DRAWS as f64);
    let next = |e: f64| weight * weight * h0 / n + (1.0 - weight).powi(2) * (e * (1.0 - 1.0 / n) + h0 / n);
    std::iter::successors(Some(h0 / n), |&e| Some(next(e))).take(GENERATIONS as usize).collect()
}

fn fresh_and_latest(weight: f64) -> Recipe {
    let both = Recipe::new(&[(Source::Fresh, Amount::Share(1.0)), (Source::Latest, Amount::Share(1.0))]).unwrap();
    both.weighted(&[(Source::Fresh, weight), (Source::Latest, 1.0 - weight)]).unwrap()
}

#[test]
fn weights_obey_their_law_and_the_golden_ratio_is_the_best_of_them() {
    let golden = "golden-ratio".parse::<Recipe>().unwrap();
    let far = |recipe, weight| {
        let found = error_of(recipe, 4000);
        let gaps = found.iter().zip(law(weight)).map(|((mean, error), law)| (mean - law).abs() / error);
        gaps.fold(0.0, f64::max)
    };
    let best = 1.0 / chain::GOLDEN_RATIO;
    assert!(far(golden, best) < 4.0, "{}", far(golden, best));
    assert!(far(fresh_and_latest(0.9), 0.9) < 4.0);
    assert!(far(golden, 0.9) > 8.0, "a law that does not know the weights would pass");
    // The minimum over w, w² + w = 1 for large n, to the grid's width and the factor 1 − 1/n.
    let at_end = |weight: f64| law(weight)[GENERATIONS as usize - 1];
    assert!((1..100).all(|w| at_end(f64::from(w) / 100.0) > 0.995 * at_end(best)));
}

#[test]
fn equal_weights_are_no_weights() {
    let plain = Recipe::new(&[(Source::Fresh, Amount::Share(1.0)), (Source::Latest, Amount::Share(1.0))]).unwrap();
    assert_eq!(error_of(plain, 20), error_of(fresh_and_latest(0.5), 20));
}

fn written(generation: u32, documents: usize) -> Vec<Entry> {
    let entry = |index| Entry { id: format!("{generation}/{index}"), generation: Some(generation), index, size: 10 };
    (0..documents).map(entry).collect()
}

fn composed(recipe: &str, generation: u32) -> TrainingSet {
    let human = (0..60).map(|index| Entry { id: format!("h{index}"), generation: None, index, size: 10 }).collect();
    let mut ledger = Ledger::new(HumanSet::whole(human));
    (0..generation).for_each(|g| ledger.push(written(g, 60), f64::from(g)));
    compose(&recipe.parse().unwrap(), &ledger, generation, &Streams::new(5)).unwrap()
}

#[test]
fn a_balanced_cycle_has_equal_parts() {
    for generation in 1..5 {
        let set = composed("balanced-cycle", generation);
        assert_eq!(set.totals.all.tokens, 600);
        let parts: Vec<u64> = set.totals.by_generation.iter().map(|of| of.count.documents).collect();
        assert_eq!(parts.len() as u32, generation + 1);
        assert!(parts.iter().all(|&part| part.abs_diff(60 / (u64::from(generation) + 1)) <= 1), "{parts:?}");
    }
    let uneven = composed("accumulate-subsample", 3).totals.by_generation;
    assert!(uneven.iter().any(|of| of.count.documents.abs_diff(15) > 1), "a draw of all of it is not balanced");
}

#[test]
fn weights_are_in_the_training_set_and_only_where_they_are_not_one() {
    let plain = serde_json::to_string(&composed("replace", 2)).unwrap();
    assert!(!plain.contains("weight"), "stages of recipes without weights would get new names");
    let human = (0..20).map(|index| Entry { id: format!("h{index}"), generation: None, index, size: 10 }).collect();
    let reserve = (20..60).map(|index| Entry { id: format!("h{index}"), generation: None, index, size: 10 }).collect();
    let mut ledger = Ledger::new(HumanSet { training: human, reserve });
    ledger.push(written(0, 20), 0.0);
    let golden: Recipe = "golden-ratio".parse().unwrap();
    let set = compose(&golden, &ledger, 1, &Streams::new(5)).unwrap();
    assert!(set.is_weighted() && (set.human_weight() - 1.0 / chain::GOLDEN_RATIO).abs() < 1e-12);
    assert_eq!(set.totals.human_share(), 0.5);
    let read: TrainingSet = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
    assert_eq!(read, set);
    assert!(!compose(&golden, &ledger, 0, &Streams::new(5)).unwrap().is_weighted());
}
