//! What defences leave of the sources, and what the recipe draws from it.

use std::collections::BTreeSet;

use chain::{
    Amount, ComposeError, Decision, Ended, Entry, Generation, HumanSet, Learner, Ledger, Plan, Recipe, RecipeError,
    Source, TrainingSet, compose, compose_judged, human_subset, laws, learners::Categorical, run,
};
use streams::Streams;

fn entries(generation: Option<u32>, sizes: &[u64]) -> Vec<Entry> {
    let entry = |(index, &size)| Entry { id: format!("{generation:?}/{index}"), generation, index, size };
    sizes.iter().enumerate().map(entry).collect()
}

/// Human documents of 300 tokens in all, a reserve, and two generations that wrote twice as much.
fn ledger() -> Ledger {
    let corpus = entries(None, &(0..60).map(|i| 5 + i % 11).collect::<Vec<_>>());
    let mut ledger = Ledger::new(human_subset(&corpus, Some(300), &Streams::new(1)).unwrap());
    for generation in 0..2 {
        ledger.push(entries(Some(generation), &[10; 60]), f64::from(generation));
    }
    ledger
}

fn one(source: Source, amount: Amount) -> Recipe {
    Recipe::new(&[(source, amount)]).unwrap()
}

/// The training set where each document is decided about by `decide`.
fn judged(recipe: &Recipe, decide: impl Fn(Source, &Entry) -> Decision) -> Result<TrainingSet, ComposeError<String>> {
    compose_judged(&(*recipe).into(), &ledger(), 2, &Streams::new(1), |source, offered| {
        Ok(offered.iter().map(|entry| decide(source, entry)).collect())
    })
}

fn kept(keep: bool) -> Decision {
    Decision { copies: u32::from(keep), ..Decision::AS_IT_IS }
}

fn ids(set: &TrainingSet) -> Vec<String> {
    set.documents.iter().map(|pick| pick.entry.id.clone()).collect()
}

#[test]
fn a_defence_that_does_nothing_changes_nothing() {
    for named in chain::NAMES.iter().filter(|named| named.recipe().amount(Source::Fresh).is_none()) {
        let plain = compose(&named.recipe(), &ledger(), 2, &Streams::new(1)).unwrap();
        assert_eq!(judged(&named.recipe(), |_, _| Decision::AS_IT_IS), Ok(plain), "{}", named.name);
    }
}

#[test]
fn amounts_are_filled_from_what_was_kept() {
    let half = one(Source::Latest, Amount::Share(0.5));
    let plain = judged(&half, |_, _| Decision::AS_IT_IS).unwrap();
    let even = judged(&half, |_, entry| kept(entry.index % 2 == 0)).unwrap();
    // As many tokens, all of them from what was kept; and what was drawn before and kept is drawn again.
    assert_eq!((even.totals.all.tokens, plain.totals.all.tokens), (150, 150));
    assert!(even.documents.iter().all(|pick| pick.entry.index % 2 == 0));
    let drawn: BTreeSet<String> = ids(&even).into_iter().collect();
    let before = plain.documents.iter().filter(|pick| pick.entry.index % 2 == 0);
    assert!(before.clone().count() > 3 && before.clone().all(|pick| drawn.contains(&pick.entry.id)));
    // All there is, is all that was kept.
    let all = judged(&one(Source::Latest, Amount::All), |_, entry| kept(entry.index < 7)).unwrap();
    assert_eq!((all.documents.len(), all.totals.by_source[0].asked), (7, None));
}

#[test]
fn what_was_not_kept_cannot_fill() {
    let error = judged(&one(Source::Latest, Amount::Share(1.0)), |_, entry| kept(entry.index < 29)).unwrap_err();
    let ComposeError::Recipe(error) = error else { panic!("{error:?}") };
    let RecipeError::CannotFill { generation: 2, needed: 301, available: 290, .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("curation has dropped the rest"), "{error}");
    let nothing = judged(&one(Source::Latest, Amount::All), |_, _| kept(false)).unwrap_err();
    assert!(matches!(nothing, ComposeError::Recipe(RecipeError::CannotFill { available: 0, .. })));
    // Equal parts, of which one is too small.
    let balanced = one(Source::History, Amount::Share(1.0)).balancing().unwrap();
    let error = judged(&balanced, |_, entry| kept(entry.generation != Some(1) || entry.index < 5)).unwrap_err();
    assert!(matches!(error, ComposeError::Recipe(RecipeError::CannotFill { from: Source::History, .. })));
}

#[test]
fn weights_multiply_and_copies_repeat() {
    let recipe = Recipe::new(&[(Source::Pool, Amount::All), (Source::Latest, Amount::All)]).unwrap();
    let recipe = recipe.weighted(&[(Source::Latest, 0.5)]).unwrap();
    let set = judged(&recipe, |source, entry| match (source, entry.index % 3) {
        (Source::Latest, 0) => Decision { copies: 3, ..Decision::AS_IT_IS },
        (Source::Latest, 1) => Decision { weight: 4.0, ..Decision::AS_IT_IS },
        _ => Decision::AS_IT_IS,
    });
    let set = set.unwrap();
    let of = |kind: usize| {
        set.documents.iter().filter(move |pick| pick.source == Source::Latest && pick.entry.index % 3 == kind)
    };
    assert_eq!([0, 1, 2].map(|kind| of(kind).count()), [60, 20, 20]);
    assert!(of(1).all(|pick| pick.weight == 2.0) && of(2).all(|pick| pick.weight == 0.5));
    // A document that is there three times has three times its tokens, and is one document.
    let pool = set.totals.by_source[0].count.tokens;
    assert_eq!((set.totals.all.tokens, set.totals.unique.tokens), (pool + 1000, pool + 600));
    // Repeats are drawn one by one: a share of them is a share of the tokens of each.
    let drawn = judged(&one(Source::Latest, Amount::Share(1.0)), |_, _| Decision { copies: 4, ..Decision::AS_IT_IS });
    let drawn = drawn.unwrap();
    assert_eq!(drawn.totals.all.tokens, 300);
    assert!((100..300).contains(&drawn.totals.unique.tokens), "{:?}", drawn.totals.unique);
}

#[test]
fn what_is_edited_has_its_own_name_and_size() {
    let edit = |entry: &Entry| Entry { id: format!("{}+edited", entry.id), size: 5, ..entry.clone() };
    let set = judged(&one(Source::Latest, Amount::All), |_, entry| Decision {
        edited: (entry.index < 10).then(|| edit(entry)),
        ..Decision::AS_IT_IS
    });
    let set = set.unwrap();
    assert_eq!(ids(&set)[9..11], ["Some(1)/9+edited", "Some(1)/10"]);
    assert_eq!(set.totals.all.tokens, 550);
}

/// A count table whose defence keeps types below the half, as a perfect label would where those are the human ones.
struct Curated {
    learner: Categorical,
    asked: Vec<(Source, u32, usize)>,
    fails: bool,
}

impl Learner for Curated {
    type State = ();
    type Model = Vec<f64>;
    type Error = String;

    fn judge(
        &mut self,
        generation: &mut Generation<()>,
        source: Source,
        offered: &[&Entry],
    ) -> Result<Vec<Decision>, String> {
        self.asked.push((source, generation.number, offered.len()));
        if self.fails {
            return Err("no model to ask".into());
        }
        Ok(offered.iter().map(|entry| kept(entry.generation.is_none())).collect())
    }

    fn train(&mut self, generation: &mut Generation<()>, set: &TrainingSet) -> Result<Vec<f64>, String> {
        self.learner.train(generation, set).map_err(|never| match never {})
    }

    fn generate(
        &mut self,
        generation: &mut Generation<()>,
        model: &Vec<f64>,
        budget: u64,
    ) -> Result<Vec<Entry>, String> {
        self.learner.generate(generation, model, budget).map_err(|never| match never {})
    }
}

#[test]
fn a_learner_that_solves_is_curated_in_the_loop() {
    let streams = Streams::new(0);
    let go = |recipe: &str, fails: bool| {
        let (learner, human) = Categorical::with_human_draws(&[0.01; 100], 80, streams);
        let mut curated = Curated { learner, asked: Vec::new(), fails };
        let plan =
            Plan { recipe: recipe.parse::<Recipe>().unwrap().into(), generations: 5, writing: 80.into(), streams };
        let mut diversity = Vec::new();
        let outcome = run(
            &plan,
            HumanSet::whole(human),
            &mut curated.watched(|finished| {
                diversity.push(laws::heterozygosity(finished.model));
                Ok(())
            }),
        );
        (outcome, curated.asked, diversity)
    };
    // Accumulation of which only human text is kept is a model of the human text, again and again.
    let (outcome, asked, diversity) = go("accumulate", false);
    assert!(outcome.ended.is_none());
    assert_eq!(asked, (1..5).map(|k| (Source::History, k, 80 + 80 * k as usize)).collect::<Vec<_>>());
    assert!(diversity.windows(2).all(|two| two[0] == two[1]), "{diversity:?}");
    // A chain that replaces has nothing human to keep; a judge that fails ends the chain.
    let (outcome, _, seen) = go("replace", false);
    assert!(matches!(outcome.ended, Some(Ended::Recipe(RecipeError::CannotFill { generation: 1, .. }))));
    assert_eq!(seen.len(), 1);
    let (outcome, ..) = go("replace", true);
    assert_eq!(outcome.ended.unwrap().to_string(), "curation failed: no model to ask");
}
