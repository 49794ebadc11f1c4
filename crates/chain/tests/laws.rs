//! The loop against its laws: means over many simulated chains lie within four standard errors of the closed forms, and
//! a recipe that draws from the wrong source does not.

use chain::laws::{self, Human};
use chain::learners::Categorical;
use chain::{Amount, Outcome, Plan, Recipe, Source, Trip, human_subset, run};
use streams::Streams;

/// Standard errors within which a simulated mean must lie, and beyond which a wrong law must.
const TOLERANCE: f64 = 4.0;

/// Unequal types, so that Σp² is not that of a uniform distribution.
const TRUTH: [f64; 5] = [0.4, 0.25, 0.2, 0.1, 0.05];

fn h0() -> f64 {
    laws::heterozygosity(&TRUTH)
}

/// What a chain is simulated with.
#[derive(Clone)]
struct Setting {
    recipe: Recipe,
    truth: Vec<f64>,
    /// Draws per generation.
    draws: usize,
    /// Human draws left for `fresh`.
    reserve: usize,
    generations: u32,
    chains: u64,
}

impl Setting {
    fn new(recipe: Recipe, draws: usize, generations: u32, chains: u64) -> Self {
        let human_share = |source| recipe.amount(source).and_then(|amount| amount.tokens(draws as u64)).unwrap_or(0);
        let reserve = human_share(Source::Fresh) as usize * generations as usize;
        Self { recipe, truth: TRUTH.to_vec(), draws, reserve, generations, chains }
    }

    /// Per generation, the mean of `statistic` over the chains and its standard error.
    fn simulate(&self, statistic: impl Fn(&[f64]) -> f64) -> Vec<(f64, f64)> {
        let mut sums = vec![(0.0, 0.0); self.generations as usize];
        for seed in 0..self.chains {
            let mut look = |trip: &Trip<'_, Vec<f64>>| {
                let value = statistic(trip.model);
                let (sum, squares) = &mut sums[trip.generation as usize];
                *sum += value;
                *squares += value * value;
                Ok(())
            };
            let outcome = self.chain(seed, &mut look);
            assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
        }
        let n = self.chains as f64;
        let moments = |(sum, squares): (f64, f64)| {
            let mean: f64 = sum / n;
            (mean, ((squares / n - mean * mean).max(0.0) / (n - 1.0)).sqrt())
        };
        sums.into_iter().map(moments).collect()
    }

    fn chain(
        &self,
        seed: u64,
        look: &mut impl FnMut(&Trip<'_, Vec<f64>>) -> Result<(), std::convert::Infallible>,
    ) -> Outcome<std::convert::Infallible> {
        let streams = Streams::new(seed);
        let (mut learner, corpus) = Categorical::with_human_draws(&self.truth, self.draws + self.reserve, streams);
        let human =
            human_subset(&corpus, Some(self.draws as u64), &streams).expect("the corpus was drawn large enough");
        let plan = Plan { recipe: self.recipe, generations: self.generations, writing: self.draws as u64, streams };
        run(&plan, human, &mut learner, look)
    }
}

fn recipe(name: &str) -> Recipe {
    name.parse().unwrap()
}

fn mixture(human: Human, share: f64) -> Recipe {
    let source = match human {
        Human::Fresh => Source::Fresh,
        Human::Anchor => Source::Anchor,
        Human::Pool => Source::Pool,
    };
    Recipe::new(&[(source, Amount::Share(share)), (Source::Latest, Amount::Share(1.0 - share))]).unwrap()
}

/// The largest distance between simulation and law over the generations, in standard errors.
fn distance(simulated: &[(f64, f64)], law: impl Fn(u32) -> f64) -> f64 {
    let gap = |(generation, &(mean, error)): (usize, &(f64, f64))| (mean - law(generation as u32)).abs() / error;
    simulated.iter().enumerate().map(gap).fold(0.0, f64::max)
}

#[test]
fn replace_loses_heterozygosity_as_drift_does() {
    let simulated = Setting::new(recipe("replace"), 20, 12, 4000).simulate(laws::heterozygosity);
    let far = distance(&simulated, |generation| laws::heterozygosity_replace(h0(), 20.0, generation));
    assert!(far < TOLERANCE, "{far} standard errors: {simulated:?}");
}

#[test]
fn accumulate_keeps_its_heterozygosity() {
    let simulated = Setting::new(recipe("accumulate"), 10, 8, 4000).simulate(laws::heterozygosity);
    let far = distance(&simulated, |generation| laws::heterozygosity_accumulate(h0(), 10.0, generation));
    assert!(far < TOLERANCE, "{far} standard errors: {simulated:?}");
    // The product's limit, so that it is not only compared with itself.
    let x = std::f64::consts::PI / 10.0_f64.sqrt();
    let limit = laws::heterozygosity_accumulate(1.0, 10.0, 100_000);
    assert!((limit - x.sin() / x).abs() < 1e-5, "{limit}");
}

#[test]
fn accumulate_subsample_lies_between() {
    let simulated = Setting::new(recipe("accumulate-subsample"), 10, 8, 4000).simulate(laws::heterozygosity);
    let far = distance(&simulated, |generation| laws::heterozygosity_subsample(h0(), 10.0, generation));
    assert!(far < TOLERANCE, "{far} standard errors: {simulated:?}");
    for generation in 1..8 {
        let [replace, between, accumulate] =
            [laws::heterozygosity_replace, laws::heterozygosity_subsample, laws::heterozygosity_accumulate]
                .map(|law| law(h0(), 10.0, generation));
        assert!(replace < between && between < accumulate);
    }
}

#[test]
fn rare_types_survive_replace_as_a_branching_process() {
    // Six hundred equal types and as many draws: n p² = 1/600, the size of the approximation's own error.
    let types = 600;
    let setting = Setting { truth: vec![1.0 / types as f64; types], ..Setting::new(recipe("replace"), types, 8, 100) };
    let alive = |q: &[f64]| q.iter().filter(|&&q| q > 0.0).count() as f64 / q.len() as f64;
    for (generation, (mean, error)) in setting.simulate(alive).into_iter().enumerate() {
        let law = laws::survival_replace(types as f64, 1.0 / types as f64, generation as u32);
        assert!((mean - law).abs() < TOLERANCE * error + 1.0 / types as f64, "generation {generation}: {mean} {law}");
    }
    // g = 1, .6321, .4685, .3741, .3121 (literature's table of the recursion).
    for (generation, g) in [1.0, 0.6321, 0.4685, 0.3741, 0.3121].into_iter().enumerate() {
        let law = laws::survival_replace(1000.0, 1e-3, generation as u32);
        assert!((-(1.0 - law).ln() - g).abs() < 5e-5);
    }
}

#[test]
fn accumulate_loses_no_type() {
    let setting = Setting::new(recipe("accumulate"), 10, 8, 1);
    let mut first = Vec::new();
    let outcome = setting.chain(3, &mut |trip| {
        if trip.generation == 0 {
            first.clone_from(trip.model);
        }
        assert!(first.iter().zip(trip.model).all(|(&before, &now)| (before > 0.0) == (now > 0.0)));
        Ok(())
    });
    assert_eq!(outcome.generations, 8);
}

/// Three kinds of human share, three laws: each recipe obeys its own and neither of the others'.
#[test]
fn each_human_share_obeys_its_own_law_alone() {
    const KINDS: [Human; 3] = [Human::Fresh, Human::Anchor, Human::Pool];
    let (draws, share) = (20, 0.3);
    for kind in KINDS {
        let setting = Setting::new(mixture(kind, share), draws, 8, 6000);
        let simulated = setting.simulate(|q| laws::squared_error(q, &TRUTH));
        for law in KINDS {
            let far =
                distance(&simulated, |generation| laws::error_of_mixture(law, h0(), draws as f64, share, generation));
            assert_eq!(far < TOLERANCE, kind == law, "{kind:?} is {far} standard errors from the law of {law:?}");
        }
    }
}

#[test]
fn mixtures_settle_at_their_fixed_points() {
    for kind in [Human::Fresh, Human::Anchor, Human::Pool] {
        let setting = Setting::new(mixture(kind, 0.3), 20, 16, 2000);
        let (mean, error) = setting.simulate(|q| laws::squared_error(q, &TRUTH))[15];
        let law = laws::error_of_mixture_limit(kind, h0(), 20.0, 0.3);
        assert!((mean - law).abs() < TOLERANCE * error, "{kind:?}: {mean} ± {error}, law {law}");
        assert!((laws::error_of_mixture(kind, h0(), 20.0, 0.3, 200) - law).abs() < 1e-12);
    }
    // n = 10, α = 0.1: .2857 for H0 = 1 (fresh).
    assert!((laws::error_of_mixture_limit(Human::Fresh, 1.0, 10.0, 0.1) - 1.0 / 2.8).abs() < 1e-12);
}

/// Breaks recipes on purpose: the last generation's text where all history is asked for, and history where the last is.
#[test]
fn a_wrong_source_is_seen_by_the_law() {
    let replace = Setting::new(recipe("replace"), 10, 6, 1000).simulate(laws::heterozygosity);
    let accumulate = Setting::new(recipe("accumulate"), 10, 6, 1000).simulate(laws::heterozygosity);
    let far = distance(&replace, |generation| laws::heterozygosity_accumulate(h0(), 10.0, generation));
    assert!(far > 2.0 * TOLERANCE, "{far}");
    let far = distance(&accumulate, |generation| laws::heterozygosity_replace(h0(), 10.0, generation));
    assert!(far > 2.0 * TOLERANCE, "{far}");
}

/// The controls: a refit is the same model each time, new human text is as good each time.
#[test]
fn controls_do_not_drift() {
    let setting = Setting::new(recipe("human-refit"), 20, 4, 1);
    let mut models = Vec::new();
    setting.chain(0, &mut |trip| {
        models.push(trip.model.clone());
        Ok(())
    });
    assert!(models.iter().all(|model| *model == models[0]));

    let simulated = Setting::new(recipe("human-fresh"), 20, 6, 2000).simulate(|q| laws::squared_error(q, &TRUTH));
    let far = distance(&simulated, |_| h0() / 20.0);
    assert!(far < TOLERANCE, "{far} standard errors: {simulated:?}");
}
