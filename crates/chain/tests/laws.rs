//! The laws against the loop, and what breaks them: every law of the suite agrees with the recipe that it is about, and
//! a recipe that draws from the wrong source does not.

use chain::laws::suite::{self, Case, Kind, Row};
use chain::learners::Categorical;
use chain::{Amount, HumanSet, Learner, Plan, Recipe, Source, run};
use streams::Streams;

const SEED: u64 = 0;

/// The one case of a law whose parameters begin so, with a part of its chains.
#[track_caller]
fn case(law: &str, parameters: &str) -> Case {
    let fits = |case: &Case| case.law == law && case.kind == Kind::Exact && case.parameters.starts_with(parameters);
    let mut found = suite::cases().into_iter().filter(fits);
    let mut case = found.next().unwrap_or_else(|| panic!("there is no case {law}, {parameters}"));
    assert!(found.next().is_none(), "{law}: {parameters:?} fits more than one case");
    case.setting.chains = (case.setting.chains / 6).max(2);
    case
}

fn recipe(amounts: &[(Source, f64)]) -> Recipe {
    let share = |&(source, share)| (source, Amount::Share(share));
    Recipe::new(&amounts.iter().map(share).collect::<Vec<_>>()).unwrap()
}

fn named(name: &str) -> Recipe {
    name.parse().unwrap()
}

/// A thirtieth of the chains, `habsburg laws` runs all of them. An approximation that is simulated too coarsely would
/// agree with anything: with all its chains, a standard error has to be smaller than what it claims.
#[test]
fn every_law_agrees_with_the_loop_and_could_object() {
    for mut case in suite::cases() {
        let all = case.setting.chains as f64;
        case.setting.chains = (case.setting.chains / 30).max(12).min(case.setting.chains);
        let scale = (case.setting.chains as f64 / all).sqrt();
        for row in case.check(SEED).unwrap() {
            assert!(row.holds, "{row:?}");
            let error = scale * row.standard_error / row.closed_form.abs();
            let sharp = match row.kind {
                Kind::Within(share) => error < share,
                Kind::Exact => error < 0.1,
                Kind::AtLeast | Kind::AtMost => true,
            };
            assert!(sharp, "{error}: {row:?}");
        }
    }
}

#[test]
fn a_recipe_that_is_made_wrong_is_seen() {
    let mixture = |source| recipe(&[(source, 0.3), (Source::Latest, 0.7)]);
    let both = recipe(&[(Source::Fresh, 1.0), (Source::Latest, 1.0)]);
    let weighted = |of: Recipe, w| of.weighted(&[(Source::Fresh, w), (Source::Latest, 1.0 - w)]).unwrap();
    let off_by_one = recipe(&[(Source::Anchor, 0.35), (Source::Latest, 0.65)]);
    let broken = [
        ("heterozygosity", "replace", named("accumulate")),
        ("heterozygosity", "accumulate, n 10", named("replace")),
        ("heterozygosity", "accumulate, n 10", named("accumulate-subsample")),
        ("heterozygosity", "accumulate-subsample", named("replace")),
        ("survival", "types alive: accumulate", named("replace")),
        ("survival", "types alive: fresh", recipe(&[(Source::Pool, 0.25), (Source::Latest, 0.75)])),
        ("survival", "types alive: pool", recipe(&[(Source::Anchor, 0.25), (Source::Latest, 0.75)])),
        ("mixture", "squared error: anchor", off_by_one),
        ("mixture", "squared error: fresh", mixture(Source::Pool)),
        ("mixture", "squared error: fresh", mixture(Source::Anchor)),
        ("mixture", "squared error: pool", mixture(Source::Anchor)),
        ("mixture", "squared error: pool", mixture(Source::Fresh)),
        ("variance", "variance: accumulate, biased", named("replace")),
        ("variance", "log variance: replace, unbiased, n 10, d 2", named("accumulate")),
        ("variance", "squared Wasserstein", named("accumulate")),
        ("kernel-density", "variance: replace, width", named("accumulate")),
        ("kernel-density", "variance: replace, Scott", named("accumulate")),
        ("drift", "squared error of the mean: accumulate, known", named("replace")),
        ("regression", "squared error: replace, fresh", named("accumulate")),
        ("regression", "squared error: accumulate, the same", named("accumulate-subsample")),
        ("golden-ratio", "squared error: golden-ratio", weighted(both, 0.9)),
        ("golden-ratio", "squared error: golden-ratio", weighted(both, 0.45)),
        ("golden-ratio", "squared error: golden-ratio", recipe(&[(Source::Pool, 1.0), (Source::Latest, 1.0)])),
        ("golden-ratio", "squared error: weight .5", both),
        ("temperature", "effective types: a tenth", named("replace")),
        ("top-p", "", named("accumulate")),
    ];
    for (law, parameters, recipe) in broken {
        let mut case = case(law, parameters).with_recipe(recipe);
        // What `fresh` instead of another source needs.
        case.setting.reserve = case.setting.human * u64::from(case.setting.generations);
        let rows = case.check(SEED).unwrap();
        let worst = rows.iter().map(|row| row.deviation.abs()).fold(0.0, f64::max);
        assert!(rows.iter().any(|row| !row.holds), "{law}, {parameters} accepts {recipe:?}: {worst} standard errors");
    }
}

#[test]
fn a_recipe_that_cannot_be_filled_is_an_error() {
    let thirsty = recipe(&[(Source::Fresh, 1.0)]);
    assert!(case("mixture", "squared error: anchor").with_recipe(thirsty).check(SEED).is_err());
}

#[test]
fn rows_do_not_depend_on_the_number_of_threads() {
    let rows = |threads| -> Vec<Row> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| case("mixture", "squared error: pool").check(7).unwrap())
    };
    let one = rows(1);
    assert_eq!(one, rows(3));
    assert_ne!(one, case("mixture", "squared error: pool").check(8).unwrap());
}

#[test]
fn names_are_those_of_the_laws() {
    let names = suite::names();
    assert_eq!(names.first(), Some(&"survival"));
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
}

/// All models of one chain of twenty draws.
fn models(recipe: Recipe, generations: u32) -> Vec<Vec<f64>> {
    let streams = Streams::new(3);
    let (mut learner, human) = Categorical::with_human_draws(&[0.4, 0.25, 0.2, 0.1, 0.05], 20, streams);
    let plan = Plan { recipe: recipe.into(), generations, writing: 20.into(), streams };
    let mut models = Vec::new();
    let outcome = run(
        &plan,
        HumanSet::whole(human),
        &mut learner.watched(|finished| {
            models.push(finished.model.clone());
            Ok(())
        }),
    );
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    models
}

#[test]
fn accumulate_loses_no_type() {
    let models = models(named("accumulate"), 8);
    let alive = |model: &[f64]| -> Vec<bool> { model.iter().map(|&q| q > 0.0).collect() };
    assert!(models.iter().all(|model| alive(model) == alive(&models[0])));
}

/// The control: a refit is the same model each time.
#[test]
fn a_refit_does_not_drift() {
    let models = models(named("human-refit"), 4);
    assert!(models.iter().all(|model| *model == models[0]));
}
