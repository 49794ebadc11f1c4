//! Oracles that parse, count and write again in a world that changes, against closed forms. A batch is as many documents in
//! each generation; human text of generation t is drawn from the truth of t, and what a model of generation g trains on is:
//!
//! | recipe | training set of g | stale share in g of a fact that changed in c ≤ g |
//! |---|---|---|
//! | refit | human batch g | 0 |
//! | archive | human batches 0..=g | c/(g+1) |
//! | trickle | a share α of human batch g, else of what g−1 wrote | (1−α)^(g−c+1) |
//! | accumulate | human batches 0..=g and what 0..g wrote | Π over t from c to g of 2t/(2t+1) |
//!
//! An oracle writes, on average, what it has read. So with m_g the expected number of stale statements of a fact in a document
//! of g over that of all its statements: the archive has c batches from before the change of g+1; a trickle keeps 1−α of what
//! there was, and what is new is right; and accumulating, (2g+1) m_g = (2g−1) m_{g−1} + m_{g−1}, for the pool before g had
//! 2g−1 batches with a share of m_{g−1}, which is also that of what g−1 wrote. With c and g large this is √(c/g): text that
//! models wrote makes an archive forget the past more slowly.

mod support;

use std::collections::BTreeMap;

use streams::{Purpose, Streams};
use support::Mean;
use world::{Recount, Standing, Survey, World};

const GENERATIONS: u32 = 6;
const DOCUMENTS: u64 = 200;
/// Standard errors within which a simulated mean must lie.
const TOLERANCE: f64 = 4.0;
/// How many chains a test runs: all of them in an optimised build.
const CHAINS: u64 = if cfg!(debug_assertions) { 8 } else { 60 };

#[derive(Clone, Copy, Debug)]
enum Recipe {
    Refit,
    Archive,
    Trickle(f64),
    Accumulate,
}

impl Recipe {
    fn stale_share(self, changed: u32, generation: u32) -> f64 {
        match self {
            Self::Refit => 0.0,
            Self::Archive => f64::from(changed) / f64::from(generation + 1),
            Self::Trickle(alpha) => (1.0 - alpha).powi((generation - changed + 1) as i32),
            Self::Accumulate => (changed..=generation).map(|t| f64::from(2 * t) / f64::from(2 * t + 1)).product(),
        }
    }
}

/// Chronicle with another clock.
fn chronicle(persons: usize, facts: usize) -> World {
    let clock = format!("generations = {GENERATIONS}\npersons = {persons}\nfacts = {facts}");
    World::from_toml(&format!("base = \"chronicle\"\n[clock]\n{clock}")).unwrap()
}

/// What the model of each generation wrote.
fn chain(worlds: &[World], recipe: Recipe, seed: u64) -> Vec<Vec<String>> {
    let streams = Streams::new(seed);
    let (mut human, mut written): (Vec<Vec<String>>, Vec<Vec<String>>) = (Vec::new(), Vec::new());
    for (world, generation) in worlds.iter().zip(0..) {
        human.push((0..DOCUMENTS).map(|index| world.derive(seed * DOCUMENTS + index).0).collect());
        let fresh = &human[human.len() - 1];
        let training: Vec<&String> = match (recipe, written.last()) {
            (Recipe::Refit, _) | (_, None) => fresh.iter().collect(),
            (Recipe::Archive, _) => human.iter().flatten().collect(),
            (Recipe::Accumulate, _) => human.iter().chain(&written).flatten().collect(),
            (Recipe::Trickle(alpha), Some(before)) => {
                let fresh_documents = (alpha * DOCUMENTS as f64) as usize;
                fresh[..fresh_documents].iter().chain(&before[fresh_documents..]).collect()
            }
        };
        let mut recount = Recount::default();
        training.into_iter().for_each(|text| recount.add(world, text, false, 1.0));
        assert_eq!(recount.unread(), 0);
        let writer = recount.writer(world).unwrap();
        let write = |index| writer.write(&mut streams.stream(Purpose::Learner, generation, index));
        written.push((0..DOCUMENTS).map(write).collect());
    }
    written
}

/// The facts that change once, in this generation, of persons who were there before.
fn changed_once(worlds: &[World], generation: u32) -> Vec<(usize, usize)> {
    let last = &worlds[worlds.len() - 1];
    let all = (0..worlds[0].persons().len()).flat_map(|person| (0..last.facts().len()).map(move |fact| (person, fact)));
    all.filter(|&(person, fact)| {
        let changes = worlds.windows(2).filter(|pair| pair[0].truth(person, fact) != pair[1].truth(person, fact));
        changes.count() == 1 && last.since(person, fact) == generation
    })
    .collect()
}

/// How often texts state these facts with a value that does not hold, and as they are.
fn stated(survey: &Survey, facts: &[(usize, usize)]) -> (u64, u64) {
    let false_facts = survey.false_facts.iter().filter(|(claim, _)| facts.contains(&(claim.person, claim.fact)));
    let right = facts.iter().map(|&(person, fact)| survey.facts[person][fact]);
    (false_facts.map(|(_, &count)| count).sum(), right.sum())
}

#[track_caller]
fn is_zero(what: &str, mean: &Mean) {
    assert!(mean.above(0.0).abs() < TOLERANCE, "{what}: {} ± {} is not 0", mean.value(), mean.error());
}

/// Stale statements less the expected share of all statements, summed over the facts that changed in one generation: zero on
/// average, for who is written about does not change.
#[test]
fn stale_shares_are_those_of_the_closed_forms() {
    let world = chronicle(0, 300);
    let worlds: Vec<World> = (0..=GENERATIONS).map(|generation| world.at(generation)).collect();
    let changed: Vec<_> = (0..=GENERATIONS).map(|generation| changed_once(&worlds, generation)).collect();
    let recipes = [Recipe::Refit, Recipe::Archive, Recipe::Trickle(0.0), Recipe::Trickle(0.25), Recipe::Accumulate];
    for recipe in recipes {
        let mut found: BTreeMap<(u32, u32), (Mean, u64, u64)> = BTreeMap::new();
        for seed in 0..CHAINS {
            for (generation, texts) in (0..).zip(chain(&worlds, recipe, seed)) {
                let now = &worlds[generation as usize];
                let survey = Survey::of(now, texts.iter().map(String::as_str));
                assert_eq!(survey.statements[&Standing::Never], 0);
                for change in 1..=generation {
                    let (stale, right) = stated(&survey, &changed[change as usize]);
                    let (mean, all_stale, all) = found.entry((change, generation)).or_default();
                    mean.add(stale as f64 - recipe.stale_share(change, generation) * (right + stale) as f64);
                    (*all_stale, *all) = (*all_stale + stale, *all + right + stale);
                }
            }
        }
        for ((change, generation), (mean, stale, all)) in &found {
            let (share, law) = (*stale as f64 / *all as f64, recipe.stale_share(*change, *generation));
            let what = format!("{recipe:?}, changed in {change}, generation {generation}");
            eprintln!("{what}: {share:.4}, law {law:.4}, of {all} statements: {:+.2}", mean.above(0.0));
            match law {
                // These leave nothing to chance.
                0.0 | 1.0 => assert_eq!(share, law, "{what}"),
                _ => is_zero(&what, mean),
            }
        }
    }
}

/// With a trickle of α, generation g states what is new in it α times as often as the truth does, and what never changed as
/// often, though persons join and all frequencies move a little.
#[test]
fn a_trickle_learns_its_share_and_keeps_the_rest() {
    let (world, alpha) = (chronicle(20, 120), 0.25);
    let worlds: Vec<World> = (0..=GENERATIONS).map(|generation| world.at(generation)).collect();
    // What is expected in a document of a model: of the truth, and of the model before.
    let exact: Vec<_> = worlds.iter().map(World::exact).collect();
    let persons = worlds[0].persons().len();
    let never_changed: Vec<(usize, usize)> = (0..persons)
        .flat_map(|person| (0..world.facts().len()).map(move |fact| (person, fact)))
        .filter(|&(person, fact)| worlds[GENERATIONS as usize].since(person, fact) == 0)
        .collect();
    let mut kept_before = 0.0;
    let mut expected = Vec::new();
    for (now, exact) in worlds.iter().zip(&exact) {
        let kept: f64 = never_changed.iter().map(|&(person, fact)| exact.facts[person][fact].expected).sum();
        kept_before = if now.generation() == 0 { kept } else { (1.0 - alpha) * kept_before + alpha * kept };
        let is_new = |person: usize, fact: usize| now.standing(person, fact, now.truth(person, fact)) == Standing::New;
        let all = (0..now.persons().len()).flat_map(|person| (0..now.facts().len()).map(move |fact| (person, fact)));
        let new: f64 = all.filter(|&(p, f)| is_new(p, f)).map(|(p, f)| exact.facts[p][f].expected).sum();
        expected.push([kept_before, alpha * new].map(|count| count * DOCUMENTS as f64));
    }
    let mut found = vec![[Mean::default(); 2]; worlds.len()];
    for seed in 0..CHAINS {
        for (generation, texts) in chain(&worlds, Recipe::Trickle(alpha), seed).iter().enumerate() {
            let survey = Survey::of(&worlds[generation], texts.iter().map(String::as_str));
            let kept: u64 = never_changed.iter().map(|&(person, fact)| survey.facts[person][fact]).sum();
            let counts = [kept, survey.statements[&Standing::New]];
            for at in 0..2 {
                found[generation][at].add(counts[at] as f64 - expected[generation][at]);
            }
        }
    }
    for (generation, [kept, new]) in found.iter().enumerate() {
        let [expected_kept, expected_new] = expected[generation];
        eprintln!("generation {generation}: kept {expected_kept:.1} {:+.2}, new {expected_new:.1}", kept.above(0.0));
        is_zero(&format!("kept in generation {generation}"), kept);
        if generation > 0 {
            is_zero(&format!("new in generation {generation}"), new);
        }
    }
}
