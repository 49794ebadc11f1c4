//! Regimes that weigh or divide what they draw, against the same recipe without. Their laws are in the suite.

use chain::learners::{
    Bandwidth, Categories, Estimator, Family, Gaussian, Gaussians, Independent, KernelDensities, NGram, Regressions,
};
use chain::{Amount, Ended, Entry, HumanSet, Learner, Ledger, Plan, Recipe, Source, TrainingSet, compose, laws, run};
use streams::{Stream, Streams};

const DRAWS: u64 = 20;

fn all_of(sources: &[Source]) -> Recipe {
    Recipe::new(&sources.iter().map(|&source| (source, Amount::All)).collect::<Vec<_>>()).unwrap()
}

/// What a family's model 1 has learned, in numbers.
fn second<F: Family<Error: std::fmt::Debug>>(
    family: F,
    recipe: Recipe,
    human: impl FnOnce(&mut Stream) -> Vec<F::Draw>,
    numbers: impl Fn(&F::Model) -> Vec<f64>,
) -> Vec<f64> {
    let streams = Streams::new(4);
    let (mut learner, entries) = Independent::new(family, streams, human);
    let plan = Plan { recipe: recipe.into(), generations: 2, writing: DRAWS.into(), streams };
    let mut last = Vec::new();
    let outcome = run(
        &plan,
        HumanSet::whole(entries),
        &mut learner.watched(|finished| {
            last = numbers(finished.model);
            Ok(())
        }),
    );
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    last
}

/// The human set drawn by two sources is there twice; drawn by one of weight two it has to count as much, in any family.
#[test]
fn a_weight_of_two_is_two_draws() {
    let latest = all_of(&[Source::Anchor, Source::Latest]);
    let weighed = latest.weighted(&[(Source::Anchor, 2.0)]).unwrap();
    let twice = all_of(&[Source::Anchor, Source::Pool, Source::Latest]);
    let learned: [fn(Recipe) -> Vec<f64>; 4] = [
        |recipe| {
            let human = |stream: &mut Stream| Categories::draw(&[0.5, 0.25, 0.15, 0.1], DRAWS as usize, stream);
            second(Categories { types: 4, sampling: Default::default() }, recipe, human, Vec::clone)
        },
        |recipe| {
            let family = Gaussians { estimator: Estimator::Biased, sampling_bias: 1.0 };
            let human = |stream: &mut Stream| family.write(&Gaussian::standard(2), DRAWS as usize, stream);
            second(family, recipe, human, |model| [model.mean(), &[model.variance(), model.log_variance()]].concat())
        },
        |recipe| {
            let family = KernelDensities { bandwidth: Bandwidth::Fixed(0.5) };
            let truth = Gaussian::standard(1);
            let human = |stream: &mut Stream| (0..DRAWS).map(|_| truth.draw(1.0, stream)).collect();
            second(family, recipe, human, |model| vec![model.variance(), model.log_density(&[0.3])])
        },
        |recipe| {
            let family = Regressions { noise: 1.0, inputs: None };
            let labels = family.clone();
            let human = |stream: &mut Stream| labels.write(&vec![1.0, -1.0], DRAWS as usize, stream);
            second(family, recipe, human, Vec::clone)
        },
    ];
    for (at, learned) in learned.into_iter().enumerate() {
        let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let [weighed, twice, once] = [weighed, twice, latest].map(learned);
        assert!(far(&weighed, &twice) < 1e-12, "family {at}: {weighed:?} {twice:?}");
        assert!(far(&weighed, &once) > 1e-3, "family {at}: a weight that changes nothing");
    }
}

#[test]
fn equal_weights_are_no_weights() {
    let plain = all_of(&[Source::Anchor, Source::Latest]);
    let halves = plain.weighted(&[(Source::Anchor, 0.5), (Source::Latest, 0.5)]).unwrap();
    let model = |recipe| {
        let human = |stream: &mut Stream| Categories::draw(&[0.7, 0.3], DRAWS as usize, stream);
        second(Categories { types: 2, sampling: Default::default() }, recipe, human, Vec::clone)
    };
    assert_eq!(model(plain), model(halves));
}

#[test]
fn an_ngram_model_refuses_weights() {
    let (mut learner, entries) = NGram::new(2, 0.75, vec![vec![1, 2]; 9], Streams::new(0));
    let recipe = all_of(&[Source::Anchor, Source::Latest]).weighted(&[(Source::Anchor, 2.0)]).unwrap();
    let plan = Plan { recipe: recipe.into(), generations: 2, writing: 9.into(), streams: Streams::new(0) };
    let outcome = run(&plan, HumanSet::whole(entries), &mut learner.watched(|_| Ok(())));
    let Some(Ended::Training(error)) = &outcome.ended else { panic!("{:?}", outcome.ended) };
    assert!(outcome.generations == 1 && error.to_string().contains("has no weights"), "{error}");
}

/// The recipe of that name has the weight that the law of fresh text finds best.
#[test]
fn the_golden_recipe_has_the_law_s_weight() {
    let golden: Recipe = "golden-ratio".parse().unwrap();
    let [fresh, latest] = [Source::Fresh, Source::Latest].map(|source| golden.weight(source));
    assert!((fresh / (fresh + latest) - laws::golden_weight(1.0)).abs() < 1e-15);
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
fn weights_are_in_the_training_set() {
    assert!(composed("replace", 2).documents.iter().all(|pick| pick.weight == 1.0));
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
