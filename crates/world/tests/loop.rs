//! Learners of Chronicle under the loop, against the laws: the one that knows the grammar loses persons as the categorical
//! learner loses types, a run of sentences about one person being one draw; the one that does not loses more.

mod support;

use std::collections::BTreeSet;

use chain::laws::{self, Human, Regime, exact as law};
use chain::{HumanSet, Learner, Plan, Recipe, run};
use streams::Streams;
use support::oracle::Oracle;
use support::words::Words;
use support::{Mean, subjects, texts};
use world::World;

const GENERATIONS: u32 = 8;
/// Standard errors within which a simulated mean must lie.
const TOLERANCE: f64 = 4.0;

/// How many chains a test runs: all of them in an optimised build.
const fn chains(number: u64) -> u64 {
    if cfg!(debug_assertions) { number / 10 } else { number }
}

/// Chronicle with this number of runs in each document, so that documents fix the number of draws.
fn chronicle(runs: &str) -> World {
    let grammar = World::grammar("chronicle").unwrap();
    let line = grammar.lines().find(|line| line.starts_with("runs = ")).unwrap();
    World::from_toml(&grammar.replace(line, &format!("runs = {runs}"))).unwrap()
}

/// Per generation, the subjects' frequencies in the model.
fn chain(world: &World, recipe: &str, documents: u64, seed: u64) -> Vec<Vec<f64>> {
    let streams = Streams::new(seed);
    let (mut oracle, human) = Oracle::new(world, seed * documents, documents, streams);
    let plan = Plan {
        recipe: recipe.parse::<Recipe>().unwrap().into(),
        generations: GENERATIONS,
        writing: documents.into(),
        streams,
    };
    let mut models = Vec::new();
    let outcome = run(
        &plan,
        HumanSet::whole(human),
        &mut oracle.watched(|finished| {
            models.push(finished.model.subject_probabilities().to_vec());
            Ok(())
        }),
    );
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    models
}

fn is_alive(q: &[f64]) -> f64 {
    q.iter().filter(|&&q| q > 0.0).count() as f64
}

/// Per generation, the mean of each statistic over the chains.
fn means<const N: usize>(
    chains: u64,
    chain: impl Fn(u64) -> Vec<Vec<f64>>,
    statistics: impl Fn(&[f64]) -> [f64; N],
) -> Vec<[Mean; N]> {
    let mut means = vec![[Mean::default(); N]; GENERATIONS as usize];
    for seed in 0..chains {
        for (means, model) in means.iter_mut().zip(chain(seed)) {
            means.iter_mut().zip(statistics(&model)).for_each(|(mean, value)| mean.add(value));
        }
    }
    means
}

#[track_caller]
fn agrees(what: &str, generation: usize, mean: &Mean, exact: f64) {
    assert!(
        mean.above(exact).abs() < TOLERANCE,
        "generation {generation}, {what}: {} ± {} is not {exact}",
        mean.value(),
        mean.error()
    );
}

#[test]
fn generation_one_has_read_what_generation_zero_wrote() {
    let world = chronicle("[0.4, 0.6]");
    let (documents, streams) = (150, Streams::new(3));
    let (mut oracle, human) = Oracle::new(&world, 0, documents, streams);
    let plan = Plan { recipe: Recipe::default().into(), generations: 2, writing: documents.into(), streams };
    let mut models = Vec::new();
    let outcome = run(
        &plan,
        HumanSet::whole(human),
        &mut oracle.watched(|finished| {
            models.push(finished.model.subject_probabilities().to_vec());
            Ok(())
        }),
    );
    assert_eq!(outcome.generations, 2);
    for (model, generation) in models.iter().zip([None, Some(0)]) {
        // Read in the other way, sentence by sentence: what opens a run counts, and what follows does not.
        let texts = (0..documents as usize).map(|index| oracle.document(generation, index));
        let read: Vec<usize> = texts.flat_map(|text| subjects(&world, text)).collect();
        let mut counts = vec![0.0; world.persons().len()];
        read.iter().for_each(|&subject| counts[subject] += 1.0);
        let shares: Vec<f64> = counts.iter().map(|count| count / read.len() as f64).collect();
        assert_eq!(*model, shares);
    }
    let alive = |model: &[f64]| -> BTreeSet<usize> { (0..model.len()).filter(|&at| model[at] > 0.0).collect() };
    assert!(alive(&models[1]).is_subset(&alive(&models[0])) && is_alive(&models[1]) < is_alive(&models[0]));
}

#[test]
fn replace_keeps_the_persons_that_the_law_keeps() {
    let world = chronicle("[0.0, 1.0]");
    let (p, documents) = (world.subject_probabilities(), 100);
    let n = 2 * documents;
    // Frequent, middling and rare persons, and how spread out runs are.
    let bands = [0..10, 10..60, 60..p.len()];
    let found = means(
        chains(200),
        |seed| chain(&world, "replace", documents as u64, seed),
        |q| {
            let [frequent, middling, rare] = bands.clone().map(|band| is_alive(&q[band]));
            [frequent, middling, rare, frequent + middling + rare, laws::heterozygosity(q)]
        },
    );
    let exact = bands.clone().map(|band| law::replace(n, &p[band], GENERATIONS as usize));
    let h0 = laws::heterozygosity(p);
    let sentences = world.exact().sentences / world.exact().runs;
    for (generation, found) in found.iter().enumerate() {
        let model = generation as u32;
        for band in 0..bands.len() {
            agrees(&format!("band {band}"), generation, &found[band], exact[band][generation]);
        }
        let all: f64 = exact.iter().map(|band| band[generation]).sum();
        agrees("all", generation, &found[3], all);
        agrees("heterozygosity", generation, &found[4], laws::heterozygosity_replace(h0, n as f64, model));
        // The law for rare types is off by n p² a type at most, and a type is one at most.
        let law = |n: f64| -> f64 { p.iter().map(|&p| laws::survival_replace(n, p, model)).sum() };
        let error: f64 = p.iter().map(|p| (n as f64 * p * p).min(1.0)).sum();
        assert!((law(n as f64) - all).abs() < error.min(0.02 * all), "{generation}: {} {all}", law(n as f64));
        // Each sentence for a draw is not what happens.
        assert!(found[3].above(law(n as f64 * sentences)) < -2.0 * TOLERANCE);
    }
}

#[test]
fn accumulate_keeps_everybody() {
    let world = chronicle("[0.0, 1.0]");
    let (p, documents) = (world.subject_probabilities(), 60);
    let n = 2 * documents;
    let seeds = chains(100);
    for seed in 0..seeds.min(5) {
        let models = chain(&world, "accumulate", documents as u64, seed);
        let same = |q: &[f64]| q.iter().zip(&models[0]).all(|(now, before)| (*now > 0.0) == (*before > 0.0));
        assert!(models.iter().all(|model| same(model)));
    }
    let found = means(
        seeds,
        |seed| chain(&world, "accumulate", documents as u64, seed),
        |q| [is_alive(q), laws::heterozygosity(q)],
    );
    let exact = law::alive(&law::human(n, p));
    for (generation, [alive, diversity]) in found.iter().enumerate() {
        agrees("alive", generation, alive, exact);
        let law = laws::heterozygosity_accumulate(laws::heterozygosity(p), n as f64, generation as u32);
        agrees("heterozygosity", generation, diversity, law);
    }
}

#[test]
fn a_pool_of_ten_percent_brings_persons_back_as_often_as_its_law_says() {
    // One run a document, so that what is drawn without replacement are runs.
    let world = chronicle("[1.0]");
    let (p, n) = (world.subject_probabilities(), 200);
    let found = means(
        chains(200),
        |seed| chain(&world, "ten-percent-human", n as u64, seed),
        |q| [is_alive(q), laws::squared_error(q, p)],
    );
    let pool = Regime::Mixture(Human::Pool, 0.1);
    let (exact, replaced) = (law::pool(n, n / 10, p, GENERATIONS as usize), law::replace(n, p, GENERATIONS as usize));
    for (generation, [alive, error]) in found.iter().enumerate() {
        agrees("alive", generation, alive, exact[generation]);
        let law = laws::error_of_mixture(Human::Pool, laws::heterozygosity(p), n as f64, 0.1, generation as u32);
        agrees("squared error", generation, error, law);
        let rare: f64 = p.iter().map(|&p| laws::survival(pool, n as f64, p, generation as u32)).sum();
        assert!((rare - exact[generation]).abs() < 0.02 * exact[generation], "{generation}: {rare} {exact:?}");
    }
    // The two laws can be told apart.
    let last = GENERATIONS as usize - 1;
    assert!(found[last][0].above(replaced[last]) > 3.0 * TOLERANCE);
}

#[test]
fn words_and_signs_give_their_text_back() {
    let world = World::chronicle();
    let mut words = Words::default();
    for number in 0..500 {
        let text = world.derive(number).0;
        let symbols = words.symbols(&text);
        assert_eq!(words.text(&symbols), text);
    }
}

/// A learner of n-grams of words, on the documents that the one who knows the grammar has.
fn of_words(world: &World, documents: u64, discount: f64) -> texts::Setting<'_> {
    texts::Setting { world, recipe: Recipe::default(), documents, generations: GENERATIONS, order: 5, discount }
}

/// Per generation, the frequencies of those who were never lost: a name that comes together again by chance is no survivor.
fn unbroken(setting: &texts::Setting<'_>, seed: u64) -> Vec<Vec<f64>> {
    let mut since = vec![1.0; setting.world.persons().len()];
    let chain = texts::chain(setting, seed).into_iter();
    let kept = chain.map(|generation| {
        since.iter_mut().zip(&generation.read).for_each(|(since, &runs)| *since = if runs > 0 { *since } else { 0.0 });
        since.clone()
    });
    kept.collect()
}

/// Maximum likelihood on words keeps means, as counts of persons do, so it stays at the law, or below it by what cannot be
/// read. A discount takes from rare names most.
#[test]
fn who_does_not_know_the_grammar_keeps_no_more_than_the_law() {
    let world = chronicle("[0.0, 1.0]");
    let documents = 100;
    let exact = law::replace(2 * documents, world.subject_probabilities(), GENERATIONS as usize);
    let [plain, smoothed] = [0.0, 0.75].map(|discount| {
        let setting = of_words(&world, documents as u64, discount);
        means(chains(60), |seed| unbroken(&setting, seed), |q| [is_alive(q)])
    });
    for (generation, law) in exact.into_iter().enumerate() {
        let [plain, smoothed] = [&plain, &smoothed].map(|means| means[generation][0]);
        eprintln!("generation {generation}: {law:.2}, {:.2}, {:.2}", plain.value(), smoothed.value());
        assert!(plain.above(law) < TOLERANCE, "generation {generation}: {plain:?} is above {law}");
        assert!(plain.value() > 0.85 * law, "generation {generation}: {plain:?} is far below {law}");
        if generation > 0 {
            assert!(smoothed.value() < 0.6 * law && smoothed.above(law) < -TOLERANCE, "{generation}: {smoothed:?}");
        }
    }
}

#[test]
fn maximum_likelihood_on_words_brings_no_name_back() {
    let world = World::chronicle();
    let setting = of_words(&world, 100, 0.0);
    for seed in 0..3 {
        let names = |texts: &[String]| -> BTreeSet<usize> {
            let named = |name: &String| texts.iter().any(|text| text.contains(name.as_str()));
            (0..world.persons().len()).filter(|&person| named(&world.persons()[person])).collect()
        };
        let mut before =
            names(&(seed * 100..seed * 100 + 100).map(|number| world.derive(number).0).collect::<Vec<_>>());
        let human = before.len();
        for generation in texts::chain(&setting, seed) {
            let written: Vec<String> = generation.written.into_iter().map(|(text, _)| text).collect();
            let now = names(&written);
            assert!(now.is_subset(&before), "{:?}", now.difference(&before));
            before = now;
        }
        assert!(before.len() < human / 2, "{} of {human}", before.len());
    }
}
