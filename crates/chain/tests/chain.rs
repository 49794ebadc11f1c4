//! Composition and the loop, on documents of unequal size.

use std::collections::BTreeSet;

use chain::learners::Categorical;
use chain::{
    Amount, ByGeneration, Decision, Ended, Entry, Finished, Generation, HumanSet, Learner, Ledger, Origin, Plan,
    Recipe, RecipeError, Source, TrainingSet, compose, human_subset, run,
};
use proptest::prelude::*;
use streams::Streams;

fn entries(generation: Option<u32>, sizes: &[u64]) -> Vec<Entry> {
    let entry = |(index, &size)| Entry { id: format!("{generation:?}/{index}"), generation, index, size };
    sizes.iter().enumerate().map(entry).collect()
}

/// Human documents of 300 tokens in all, a reserve, and two generations that wrote as much.
fn ledger() -> Ledger {
    let corpus = entries(None, &(0..60).map(|i| 5 + i % 11).collect::<Vec<_>>());
    let human = human_subset(&corpus, Some(300), &Streams::new(1)).unwrap();
    let mut ledger = Ledger::new(human);
    for generation in 0..2 {
        ledger.push(entries(Some(generation), &[10; 30]), f64::from(generation));
    }
    ledger
}

fn one(source: Source, amount: Amount) -> Recipe {
    Recipe::new(&[(source, amount)]).unwrap()
}

fn ids(set: &TrainingSet) -> BTreeSet<String> {
    set.documents.iter().map(|pick| pick.entry.id.clone()).collect()
}

#[test]
fn generation_zero_is_the_human_set_whatever_the_recipe() {
    let ledger = ledger();
    for named in chain::NAMES {
        let set = compose(&named.recipe(), &ledger, 0, &Streams::new(1)).unwrap();
        assert_eq!(set.documents.len(), ledger.human().training.len());
        assert_eq!((set.totals.all.tokens, set.totals.ancestry), (ledger.budget(), 0.0));
    }
}

#[test]
fn anchor_stays_pool_moves_fresh_is_never_reused() {
    let (ledger, streams) = (ledger(), Streams::new(1));
    let draw = |source, amount, generation| ids(&compose(&one(source, amount), &ledger, generation, &streams).unwrap());
    let share = Amount::Share(0.3);
    assert_eq!(draw(Source::Anchor, share, 1), draw(Source::Anchor, share, 2));
    assert!(draw(Source::Anchor, Amount::Share(0.6), 1).is_superset(&draw(Source::Anchor, share, 1)));
    assert_ne!(draw(Source::Pool, share, 1), draw(Source::Pool, share, 2));
    let (first, second) = (draw(Source::Fresh, share, 1), draw(Source::Fresh, share, 2));
    assert!(first.is_disjoint(&second));
    let human: BTreeSet<String> = ledger.human().training.iter().map(|entry| entry.id.clone()).collect();
    assert!(human.is_disjoint(&first) && human.is_disjoint(&second));
}

#[test]
fn latest_is_the_last_and_history_is_all() {
    let (ledger, streams) = (ledger(), Streams::new(1));
    let latest = compose(&one(Source::Latest, Amount::All), &ledger, 2, &streams).unwrap();
    assert!(latest.documents.iter().all(|pick| pick.entry.generation == Some(1)));
    assert_eq!((latest.documents.len(), latest.totals.ancestry), (30, 2.0));
    let history = compose(&one(Source::History, Amount::All), &ledger, 2, &streams).unwrap();
    assert_eq!(history.totals.all.tokens, ledger.budget() + 600);
    let generations: Vec<_> = history.totals.by_generation.iter().map(|of| of.generation).collect();
    assert_eq!(generations, [None, Some(0), Some(1)]);
    // 300 tokens each of depth 1 and 2 beside the human set.
    let expected = 900.0 / (ledger.budget() + 600) as f64;
    assert!((history.totals.ancestry - expected).abs() < 1e-15);
}

#[test]
fn sources_do_not_see_each_other() {
    let ledger = ledger();
    let alone = one(Source::Pool, Amount::Share(0.5));
    let beside = Recipe::new(&[(Source::Anchor, Amount::All), (Source::Pool, Amount::Share(0.5))]).unwrap();
    let (alone, beside) = (
        compose(&alone, &ledger, 1, &Streams::new(1)).unwrap(),
        compose(&beside, &ledger, 1, &Streams::new(1)).unwrap(),
    );
    let from_pool: Vec<_> = beside.documents.iter().filter(|pick| pick.source == Source::Pool).cloned().collect();
    assert_eq!(alone.documents, from_pool);
    // Every document of the pool is in the anchor as well: it counts twice, and once among the unique.
    assert_eq!(beside.totals.unique.tokens, ledger.budget());
    assert!(beside.totals.all.tokens > ledger.budget() * 14 / 10);
    assert_eq!(beside.totals.human_share(), 1.0);
}

#[test]
fn what_cannot_be_filled_is_named() {
    let ledger = ledger();
    let error = compose(&one(Source::Latest, Amount::Tokens(301)), &ledger, 1, &Streams::new(1)).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("recipe.latest") && message.contains("generation 1"), "{message}");
    assert!(message.contains("needs 301 tokens") && message.contains("there are 300"), "{message}");
    let error = compose(&one(Source::Fresh, Amount::Tokens(2)), &ledger, 1, &Streams::new(1)).unwrap_err();
    assert_eq!(error, RecipeError::NothingDrawn { from: Source::Fresh, generation: 1, asked: 2 });
    let early = compose(&Recipe::default(), &ledger, 3, &Streams::new(1)).unwrap_err();
    assert_eq!(early, RecipeError::TooEarly { generation: 3, written: 2 });
}

#[test]
fn a_training_set_is_json() {
    let set = compose(&"ten-percent-human".parse().unwrap(), &ledger(), 2, &Streams::new(1)).unwrap();
    let json = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<TrainingSet>(&json).unwrap(), set);
    assert!(json.contains(r#"{"source":"pool","weight":1.0,"id":"#), "{json}");
    let origins: Vec<_> = set.totals.by_origin.iter().map(|of| of.origin).collect();
    assert_eq!(origins, [Origin::Human, Origin::Synthetic]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    /// Every source comes as near to its amount as half its largest document, and holds nothing twice.
    #[test]
    fn filling_is_exact(share in 0.05..0.95f64, seed in 0..1000u64, source in 0..5usize, generation in 1..3u32) {
        let (ledger, source) = (ledger(), Source::ALL[source]);
        // Two generations' worth must be in the reserve, and more than a document's worth in a generation.
        prop_assume!(source != Source::Fresh || (0.1..0.25).contains(&share));
        let set = compose(&one(source, Amount::Share(share)), &ledger, generation, &Streams::new(seed)).unwrap();
        let target = (share * ledger.budget() as f64).round();
        let largest = if source == Source::Latest { 10.0 } else { 15.0 };
        // `fresh` has two borders, so twice half a document.
        let slack = if source == Source::Fresh { largest } else { largest / 2.0 };
        let given = set.totals.all.tokens as f64;
        prop_assert!((given - target).abs() <= slack || set.documents.len() == 1, "{given} for {target}");
        prop_assert_eq!(set.totals.unique, set.totals.all);
        prop_assert_eq!(set.totals.by_source[0].asked, Some(target as u64));
    }
}

/// Writes what it is told to and fails where it is told to.
struct Scripted {
    fails_in: Option<u32>,
    writes: u64,
    trained: Vec<u64>,
}

impl Learner for Scripted {
    type State = ();
    type Model = u32;
    type Error = String;

    fn train(&mut self, generation: &mut Generation<()>, set: &TrainingSet) -> Result<u32, String> {
        if self.fails_in == Some(generation.number) {
            return Err("the loss is not finite".into());
        }
        self.trained.push(set.totals.all.tokens);
        Ok(generation.number)
    }

    fn generate(&mut self, generation: &mut Generation<()>, _: &u32, budget: u64) -> Result<Vec<Entry>, String> {
        Ok(entries(Some(generation.number), &[budget.min(self.writes)]))
    }
}

fn scripted(recipe: &str, fails_in: Option<u32>, writes: u64) -> (chain::Outcome<(), String>, Vec<u64>, Vec<u32>) {
    let mut learner = Scripted { fails_in, writes, trained: Vec::new() };
    let plan = Plan {
        recipe: recipe.parse::<Recipe>().unwrap().into(),
        generations: 4,
        writing: 100.into(),
        streams: Streams::new(0),
    };
    let mut seen = Vec::new();
    let outcome = run(
        &plan,
        HumanSet::whole(entries(None, &[50, 50])),
        &mut learner.watched(|finished| {
            seen.push(finished.generation.number);
            Ok(())
        }),
    );
    (outcome, learner.trained, seen)
}

#[test]
fn recipes_set_the_size_of_what_is_learned() {
    assert_eq!(scripted("replace", None, 1000).1, [100, 100, 100, 100]);
    assert_eq!(scripted("accumulate", None, 1000).1, [100, 200, 300, 400]);
    assert_eq!(scripted("replace-grown", None, 1000).1, [100, 200, 300, 400]);
    assert_eq!(scripted("human-refit", None, 1000).1, [100, 100, 100, 100]);
}

#[test]
fn a_chain_that_fails_ends_with_its_reason() {
    let (outcome, trained, seen) = scripted("replace", Some(2), 1000);
    assert_eq!((outcome.generations, seen), (2, vec![0, 1]));
    assert_eq!(trained, [100, 100]);
    let Some(Ended::Training(_)) = outcome.ended else { panic!("{:?}", outcome.ended) };
    assert_eq!(outcome.ended.unwrap().to_string(), "training failed: the loss is not finite");
}

#[test]
fn a_generation_that_writes_too_little_ends_the_chain() {
    let (outcome, ..) = scripted("accumulate-subsample", None, 1000);
    assert!(outcome.ended.is_none());
    // Half of what is asked, and a recipe that needs nine tenths.
    let (outcome, ..) = scripted("ten-percent-human", None, 50);
    assert_eq!(outcome.generations, 1);
    assert!(matches!(outcome.ended, Some(Ended::Recipe(RecipeError::CannotFill { from: Source::Latest, .. }))));
}

/// Notes its steps in the generation's state. It keeps so many of the documents that it is offered.
struct Noting {
    keeps: usize,
    scored: Vec<(u32, Vec<&'static str>)>,
}

impl Learner for Noting {
    type State = Vec<&'static str>;
    type Model = usize;
    type Error = String;

    fn judge(
        &mut self,
        generation: &mut Generation<Self::State>,
        _: Source,
        offered: &[&Entry],
    ) -> Result<Vec<Decision>, String> {
        generation.state.push("judge");
        let copies = |index| u32::from(index < self.keeps);
        Ok((0..offered.len()).map(|index| Decision { copies: copies(index), ..Decision::AS_IT_IS }).collect())
    }

    fn train(&mut self, generation: &mut Generation<Self::State>, set: &TrainingSet) -> Result<usize, String> {
        generation.state.push("train");
        Ok(set.documents.len())
    }

    fn generate(&mut self, generation: &mut Generation<Self::State>, _: &usize, _: u64) -> Result<Vec<Entry>, String> {
        generation.state.push("generate");
        Ok(entries(Some(generation.number), &[50, 50]))
    }

    fn score(&mut self, finished: Finished<'_, Self::State, usize>) -> Result<(), String> {
        assert_eq!((*finished.model, finished.documents.len()), (finished.training.documents.len(), 2));
        self.scored.push((finished.generation.number, finished.generation.state));
        Ok(())
    }
}

#[test]
fn one_generation_value_passes_through_all_steps() {
    let plan = Plan { recipe: Recipe::default().into(), generations: 3, writing: 100.into(), streams: Streams::new(0) };
    let mut learner = Noting { keeps: 1, scored: Vec::new() };
    let mut watched = Vec::new();
    let outcome = run(
        &plan,
        HumanSet::whole(entries(None, &[50, 50])),
        &mut learner.watched(|finished| {
            watched.push(finished.generation.number);
            Ok(())
        }),
    );
    assert!(outcome.ended.is_none() && outcome.unfinished.is_none());
    assert_eq!(watched, [0, 1, 2]);
    let later = ["judge", "train", "generate"].to_vec();
    assert_eq!(
        learner.scored,
        [(0, later[1..].to_vec()), (1, later.clone()), (2, later)],
        "model 0 is offered nothing"
    );
}

#[test]
fn the_generation_that_stops_a_chain_comes_back_with_its_state() {
    let plan = Plan { recipe: Recipe::default().into(), generations: 3, writing: 100.into(), streams: Streams::new(0) };
    let mut learner = Noting { keeps: 0, scored: Vec::new() };
    let outcome = run(&plan, HumanSet::whole(entries(None, &[50, 50])), &mut learner);
    assert!(matches!(outcome.ended, Some(Ended::Recipe(RecipeError::CannotFill { .. }))), "{:?}", outcome.ended);
    let unfinished = outcome.unfinished.unwrap();
    assert_eq!((unfinished.number, unfinished.state), (1, vec!["judge"]));
    assert_eq!(learner.scored.len(), 1);
}

#[test]
fn a_recipe_by_generation_fills_each_generation_by_its_own_amounts() {
    let recipe = |fresh: f64| {
        Recipe::new(&[(Source::Fresh, Amount::Share(fresh)), (Source::Latest, Amount::Share(0.5))]).unwrap()
    };
    let recipes: ByGeneration<Recipe> = [1.0, 0.5, 0.25, 0.125].into_iter().map(recipe).collect();
    let streams = Streams::new(0);
    let (mut learner, corpus) = Categorical::with_human_draws(&[0.25; 4], 200, streams);
    let human = human_subset(&corpus, Some(80), &streams).unwrap();
    let writing: ByGeneration<u64> = [100, 60, 50].into_iter().collect();
    let plan = Plan { recipe: recipes, generations: 5, writing: writing.clone(), streams };
    let (mut used, mut asked) = (Vec::new(), Vec::new());
    let outcome = run(
        &plan,
        human,
        &mut learner.watched(|finished| {
            let generation = finished.generation.number;
            assert_eq!(finished.documents.len() as u64, *writing.at(generation));
            if generation > 0 {
                asked.push(finished.training.totals.by_source[0].asked.unwrap());
                let fresh = finished.training.documents.iter().filter(|pick| pick.source == Source::Fresh);
                used.extend(fresh.map(|pick| pick.entry.index));
            }
            Ok(())
        }),
    );
    assert!(outcome.ended.is_none());
    assert_eq!(asked, [40, 20, 10, 10]);
    let count = used.len();
    used.sort_unstable();
    used.dedup();
    assert_eq!((count, used.len()), (80, 80), "no fresh document is used twice");
}
