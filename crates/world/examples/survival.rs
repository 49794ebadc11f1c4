//! Prints which persons of Chronicle survive the loop, by learner: one that knows the grammar, beside n-gram learners of
//! words that do not; and all generations of `replace` on one curve, 1 - exp(-x) with x = n p g_k.
//!
//!     cargo run --release -p habsburg-world --example survival [CHAINS]

#[path = "../tests/support/mod.rs"]
mod support;

use chain::laws::{self, Human, Regime};
use chain::{HumanSet, Learner, Plan, Recipe, run};
use streams::Streams;
use support::oracle::Oracle;
use support::{Mean, texts};
use world::{Survey, World, to_truth};

const DOCUMENTS: u64 = 200;
const GENERATIONS: u32 = 10;
/// Order and discount of the n-gram learners.
const NGRAMS: [(usize, f64); 4] = [(3, 0.0), (3, 0.75), (5, 0.0), (5, 0.75)];

/// Per generation, which persons are alive.
type Alive = Vec<Vec<bool>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chains = std::env::args().nth(1).map_or(Ok(20), |chains| chains.parse())?;
    let world = World::chronicle();
    let p = world.subject_probabilities();
    let n = DOCUMENTS as f64 * world.exact().runs;
    println!("{DOCUMENTS} documents, {n} runs; {} persons; {chains} chains", p.len());
    for name in ["replace", "accumulate", "ten-percent-human"] {
        let recipe: Recipe = name.parse()?;
        let expected: Vec<f64> =
            (0..GENERATIONS).map(|generation| p.iter().map(|&p| survival(name, n, p, generation)).sum()).collect();
        let oracle: Vec<Alive> = (0..chains).map(|seed| of_oracle(&world, recipe, seed)).collect();
        println!("\n{name}: persons alive");
        row("law", &expected);
        means("oracle", &oracle);
        let mut curves = vec![("oracle".to_owned(), oracle)];
        for (order, discount) in NGRAMS {
            let setting = texts::Setting {
                world: &world,
                recipe,
                documents: DOCUMENTS,
                generations: GENERATIONS,
                order,
                discount,
            };
            let label = format!("{order}-gram, d = {discount}");
            println!("{label}");
            curves.push((label, of_ngram(&setting, chains)));
        }
        if name == "replace" {
            println!("\nall generations of replace: share alive by x = n p g_k");
            universal(p, n, &curves);
        }
    }
    Ok(())
}

/// The law of a recipe, Poisson's: exact for rare persons.
fn survival(recipe: &str, n: f64, p: f64, generation: u32) -> f64 {
    match recipe {
        "replace" => laws::survival_replace(n, p, generation),
        "accumulate" => laws::survival_replace(n, p, 0),
        _ => laws::survival(Regime::Mixture(Human::Pool, 0.1), n, p, generation),
    }
}

fn of_oracle(world: &World, recipe: Recipe, seed: u64) -> Alive {
    let streams = Streams::new(seed);
    let (mut oracle, human) = Oracle::new(world, seed * DOCUMENTS, DOCUMENTS, streams);
    let plan = Plan { recipe: recipe.into(), generations: GENERATIONS, writing: DOCUMENTS.into(), streams };
    let mut alive = Vec::new();
    run(
        &plan,
        HumanSet::whole(human),
        &mut oracle.watched(|finished| {
            alive.push(finished.model.subject_probabilities().iter().map(|&q| q > 0.0).collect());
            Ok(())
        }),
    );
    alive
}

/// Prints what became of the chains of an n-gram learner, and gives the persons that never were lost.
fn of_ngram(setting: &texts::Setting<'_>, chains: u64) -> Vec<Alive> {
    let world = setting.world;
    let (mut all, mut kept, mut uncalled) = (Vec::new(), Vec::new(), Vec::new());
    let mut measured = vec![[Mean::default(); 3]; GENERATIONS as usize];
    for seed in 0..chains {
        let chain = texts::chain(setting, seed);
        let alive: Alive = chain.iter().map(|g| g.read.iter().map(|&runs| runs > 0).collect()).collect();
        let both = |a: &[bool], b: &[bool]| -> Vec<bool> { a.iter().zip(b).map(|(&a, &b)| a && b).collect() };
        let unbroken = alive.iter().scan(vec![true; world.persons().len()], |since, now| {
            *since = both(since, now);
            Some(since.clone())
        });
        kept.push(unbroken.collect::<Alive>());
        let never: Vec<bool> = alive[0].iter().map(|human| !human).collect();
        uncalled.push(alive.iter().map(|now| both(now, &never)).collect::<Alive>());
        all.push(alive);
        for (measured, generation) in measured.iter_mut().zip(&chain) {
            let survey = Survey::of(world, generation.written.iter().map(|(text, _)| text.as_str()));
            let of_names = survey.values[0].iter().sum::<u64>() as f64;
            let invented = survey.invented.values().sum::<u64>() as f64;
            let pairs: Vec<(Option<f64>, f64)> =
                generation.written.iter().map(|(text, ln)| (world.log_probability(text).ok(), *ln)).collect();
            let found = to_truth(&pairs).expect("it wrote");
            measured[0].add(found.parses.value);
            measured[1].add(invented / (of_names + invented));
            if let Some(divergence) = found.divergence {
                measured[2].add(divergence.value);
            }
        }
    }
    means("  alive", &all);
    means("  never lost", &kept);
    means("  not of the human text", &uncalled);
    for (at, what) in ["  parses", "  names invented", "  nats to the truth"].into_iter().enumerate() {
        row(what, &measured.iter().map(|measured| measured[at].value()).collect::<Vec<_>>());
    }
    kept
}

fn means(what: &str, chains: &[Alive]) {
    let mut means = vec![Mean::default(); GENERATIONS as usize];
    for chain in chains {
        let counts = chain.iter().map(|alive| alive.iter().filter(|&&alive| alive).count() as f64);
        means.iter_mut().zip(counts).for_each(|(mean, count)| mean.add(count));
    }
    row(what, &means.iter().map(Mean::value).collect::<Vec<_>>());
    row("    ±", &means.iter().map(Mean::error).collect::<Vec<_>>());
}

fn row(what: &str, values: &[f64]) {
    print!("{what:<24}");
    values
        .iter()
        .for_each(|value| print!(" {:>7}", if *value < 10.0 { format!("{value:.3}") } else { format!("{value:.1}") }));
    println!();
}

/// Persons of all generations by x, a quarter of a decade a row.
fn universal(p: &[f64], n: f64, curves: &[(String, Vec<Alive>)]) {
    let g = |generation: usize| (0..generation).fold(1.0, |g: f64, _| -(-g).exp_m1());
    let place = |generation: usize, p: f64| (4.0 * (n * p * g(generation)).log10()).floor() as i32;
    let mut bins: std::collections::BTreeMap<i32, (f64, f64, Vec<f64>)> = std::collections::BTreeMap::new();
    for generation in 0..GENERATIONS as usize {
        for (person, &share) in p.iter().enumerate() {
            let bin = bins.entry(place(generation, share)).or_insert((0.0, 0.0, vec![0.0; curves.len()]));
            bin.0 += 1.0;
            bin.1 += laws::survival_replace(n, share, generation as u32);
            for (sum, (_, chains)) in bin.2.iter_mut().zip(curves) {
                let alive = chains.iter().filter(|chain| chain[generation][person]).count();
                *sum += alive as f64 / chains.len() as f64;
            }
        }
    }
    let labels: Vec<&str> = curves.iter().map(|(label, _)| label.as_str()).collect();
    println!("{:>8} {:>9} {:>7}   {}", "x from", "persons", "law", labels.join(" | "));
    for (bin, (persons, law, sums)) in bins {
        print!("{:>8.3} {persons:>9} {:>7.4}  ", 10f64.powf(f64::from(bin) / 4.0), law / persons);
        sums.iter().for_each(|sum| print!(" {:>7.4}", sum / persons));
        println!();
    }
}
