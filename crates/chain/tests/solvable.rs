//! Chains from the settings of an experiment file. The laws of their learners are checked by the suite; here, that the
//! settings make the very chains that the laws are about, and what has no law.

use chain::laws::{self, gaussian, kernel, regression};
use chain::learners::Estimator;
use chain::solvable::{Error, Observation, Part, Settings, Text, settings, simulate, simulate_text};
use chain::{ByGeneration, Recipe};
use sampling::Sampling;

const TOLERANCE: f64 = 4.0;

/// Mean and standard error of a statistic by generation.
type Curve = Vec<(f64, f64)>;

fn settings(text: &str) -> Settings {
    toml::from_str(text).unwrap()
}

/// Over so many seeds, the curve of each named metric.
fn curves<const N: usize>(text: &str, recipe: &str, generations: u32, seeds: u64, metrics: [&str; N]) -> [Curve; N] {
    let (settings, recipe): (_, Recipe) = (settings(text), recipe.parse().unwrap());
    let mut sums = vec![[(0.0, 0.0); N]; generations as usize];
    for seed in 0..seeds {
        for Observation { generation, metric, value, .. } in
            simulate(&settings, recipe, Sampling::default(), generations, seed).unwrap()
        {
            if let Some(at) = metrics.iter().position(|&wanted| wanted == metric) {
                let (sum, squares) = &mut sums[generation as usize][at];
                (*sum, *squares) = (*sum + value, *squares + value * value);
            }
        }
    }
    let n = seeds as f64;
    let moments = |(sum, squares): (f64, f64)| {
        let mean: f64 = sum / n;
        (mean, ((squares / n - mean * mean).max(0.0) / (n - 1.0)).sqrt())
    };
    std::array::from_fn(|at| sums.iter().map(|all| moments(all[at])).collect())
}

/// The largest distance from a law of k = generation + 1, in standard errors.
fn distance(curve: &Curve, law: impl Fn(f64) -> f64) -> f64 {
    let gap = |(at, &(mean, error)): (usize, &(f64, f64))| (mean - law(at as f64 + 1.0)).abs() / error;
    curve.iter().enumerate().map(gap).fold(0.0, f64::max)
}

#[track_caller]
fn exact(curve: &Curve, law: impl Fn(f64) -> f64) {
    let far = distance(curve, law);
    assert!(far < TOLERANCE, "{far} standard errors: {curve:?}");
}

/// For each kind a curve that depends on all its settings.
#[test]
fn settings_reach_the_laws() {
    let learned = |text: &str, recipe: &str, metric: &str, law: &dyn Fn(u32) -> f64| {
        let [curve] = curves(text, recipe, 5, 1500, [metric]);
        exact(&curve, |k| law(k as u32 - 1));
    };
    let truth = [0.4, 0.25, 0.2, 0.1, 0.05];
    let text = "kind = \"categorical\"\nfrequencies = [8.0, 5.0, 4.0, 2.0, 1.0]\ndraws = 20";
    let h0 = laws::heterozygosity(&truth);
    learned(text, "ten-percent-fresh", "squared-error", &|g| {
        laws::error_of_mixture(laws::Human::Fresh, h0, 20.0, 0.1, g)
    });
    learned(text, "golden-ratio", "squared-error", &|g| {
        laws::error_of_weighted(h0, 20.0, 1.0, laws::golden_weight(1.0), g)
    });
    let zipf = laws::heterozygosity(&laws::zipf(1.5, 0.0, 9));
    let text = "kind = \"categorical\"\ntypes = 9\nexponent = 1.5\ndraws = 20\nwriting = 10";
    learned(text, "accumulate", "heterozygosity", &|g| {
        laws::heterozygosity_sizes(zipf, &[&[20.0][..], &vec![10.0; g as usize]].concat())
    });
    for (estimator, name) in
        [(Estimator::Biased, "biased"), (Estimator::Unbiased, "unbiased"), (Estimator::Known, "known")]
    {
        let text = format!("kind = \"gaussian\"\ndraws = 10\nestimator = \"{name}\"\ndimensions = 3");
        learned(&text, "replace", "squared-error", &|g| 3.0 * gaussian::drift_replace(estimator, 1.0, 10.0, g));
    }
    let text = "kind = \"kernel-density\"\ncomponents = 1\ndraws = 20\ntest = 1\nbandwidth = 0.5";
    learned(text, "replace", "variance", &|g| kernel::variance_of_fixed(1.0, 20.0, 0.5, g));
    let text = "kind = \"linear-regression\"\ndimensions = 5\ndraws = 21\nnoise = 0.5";
    learned(text, "accumulate", "excess-risk", &|g| regression::error_accumulate_same(0.25, 5.0, 21.0, g));
    let fresh = format!("{text}\nfresh_inputs = true");
    learned(&fresh, "accumulate", "excess-risk", &|g| regression::error_accumulate_fresh(0.25, 5.0, 21.0, g));
}

#[test]
fn a_sampling_bias_is_a_temperature_and_a_rate() {
    let text = "kind = \"gaussian\"\nsampling_bias = 0.8\ndraws = 20";
    let [variance] = curves(text, "replace", 6, 1500, ["variance"]);
    exact(&variance, |k| gaussian::variance_narrowed(0.8, 1.0, k as u32 - 1));
    let plain = settings("kind = \"gaussian\"\nsampling_bias = 0.8");
    let cool = Sampling { temperature: 0.8, ..Sampling::default() };
    let recipe = "replace".parse::<Recipe>().unwrap();
    let by_bias = simulate(&plain, recipe, Sampling::default(), 5, 3).unwrap();
    assert_eq!(by_bias, simulate(&settings("kind = \"gaussian\""), recipe, cool, 5, 3).unwrap());
}

/// Blurring costs what it is worth: the integrated squared error rises with the variance.
#[test]
fn a_kernel_blurs() {
    let text = "kind = \"kernel-density\"\ncomponents = 1\ndraws = 20\ntest = 1\nbandwidth = 0.5";
    let [error] = curves(text, "replace", 6, 300, ["integrated-squared-error"]);
    assert!(error.windows(2).skip(1).all(|pair| pair[1].0 > pair[0].0), "{error:?}");
}

/// Far apart, each component is a biased Gaussian of nw draws, and the weights drift as frequencies do.
#[test]
fn components_far_apart_are_gaussians_and_types() {
    let text = "kind = \"gaussian-mixture\"\ndraws = 100\nseparation = 30.0\ndimensions = 1\ntest = 1\nstarts = 2";
    let (settings, recipe) = (settings(text), "replace".parse::<Recipe>().unwrap());
    let (generations, seeds) = (4, 500);
    let mut sums = vec![(0.0, 0.0, 0.0, 0.0); generations];
    for seed in 0..seeds {
        for seen in simulate(&settings, recipe, Sampling::default(), generations as u32, seed).unwrap() {
            let sums = &mut sums[seen.generation as usize];
            match (seen.metric, seen.part) {
                ("component-weight", Part::Component(0)) => {
                    let h = 2.0 * seen.value * (1.0 - seen.value);
                    (sums.0, sums.1) = (sums.0 + h, sums.1 + h * h);
                }
                ("component-variance", Part::Component(0)) => {
                    (sums.2, sums.3) = (sums.2 + seen.value, sums.3 + seen.value * seen.value);
                }
                _ => {}
            }
        }
    }
    let n = seeds as f64;
    let moments = |sum: f64, squares: f64| (sum / n, ((squares / n - (sum / n).powi(2)) / (n - 1.0)).sqrt());
    let weights: Curve = sums.iter().map(|s| moments(s.0, s.1)).collect();
    exact(&weights, |k| laws::heterozygosity_replace(0.5, 100.0, k as u32 - 1));
    // Approximation: (1 - E 1/(nw))^k, the floor's 10⁻⁶ of the whole variance (226) a generation beside it; a percent.
    for (k, s) in (1..).zip(&sums) {
        let (mean, error) = moments(s.2, s.3);
        let law = (1.0 - 1.0 / 50.0_f64).powi(k);
        assert!((mean - law).abs() < TOLERANCE * error + 0.01, "{mean} ± {error} for {law}");
    }
}

#[test]
fn truncation_takes_types_away_at_once() {
    let text = "kind = \"categorical\"\nfrequencies = [5.0, 3.0, 1.0, 1.0]\ndraws = 5000";
    let cut = Sampling { top_p: Some(0.75), ..Sampling::default() };
    let seen = simulate(&settings(text), "replace".parse::<Recipe>().unwrap(), cut, 3, 0).unwrap();
    let support: Vec<f64> = seen.iter().filter(|o| o.metric == "support").map(|o| o.value).collect();
    // .5 and .3 of the whole; then .625 of them does not reach .75 alone.
    assert_eq!(support, [4.0, 2.0, 2.0]);
    let last: Vec<_> = seen.iter().filter(|o| o.generation == 1).map(|o| (o.metric, o.value)).collect();
    let value = |metric| last.iter().find(|(name, _)| *name == metric).unwrap().1;
    assert!((value("missing-mass") - 0.2).abs() < 1e-12 && value("divergence") < 0.01);
    assert!((value("heterozygosity") - 2.0 * 0.625 * 0.375).abs() < 0.02);
}

#[test]
fn an_ngram_chain_forgets_and_accumulating_does_not() {
    let text = "kind = \"markov\"\ndraws = 60\ndiscount = 0.0\nsymbols = 20\nlength = 8.0";
    let last = |recipe: &str, metric: &str, part: Part| -> Vec<f64> {
        let seen = simulate(&settings(text), recipe.parse::<Recipe>().unwrap(), Sampling::default(), 6, 1).unwrap();
        let wanted = |o: &&Observation| o.metric == metric && o.part == part;
        seen.iter().filter(wanted).map(|o| o.value).collect()
    };
    let survival = last("replace", "survival", Part::Order(2));
    assert!(survival[0] == 1.0 && survival[5] < 0.6 && survival.is_sorted_by(|a, b| a >= b), "{survival:?}");
    assert_eq!(last("accumulate", "survival", Part::Order(2)), [1.0; 6]);
    assert!(last("replace", "impossible", Part::Whole).is_sorted());
    // With a discount every bigram is possible, and the excess over the truth is finite and grows.
    let text = "kind = \"markov\"\ndraws = 100\nsymbols = 20\nlength = 8.0";
    let [excess] = curves(text, "replace", 5, 20, ["excess"]);
    assert!(excess[0].0 > 0.0 && excess[4].0 > 2.0 * excess[0].0, "{excess:?}");
}

#[test]
fn given_text_is_learned_too() {
    let text = Text { human: vec![vec![1, 2], vec![1, 2], vec![3]], test: vec![vec![3], vec![4]], ..Text::default() };
    let plain = settings::Markov::default();
    let refit = || "human-refit".parse::<Recipe>().unwrap();
    let seen = simulate_text(&plain, text.clone(), refit(), Sampling::default(), 3, 0).unwrap();
    let of = |metric: &str| seen.iter().filter(|o| o.metric == metric).map(|o| o.value).collect::<Vec<_>>();
    assert_eq!((of("impossible"), of("excess")), (vec![0.5; 3], vec![]));
    let fresh = simulate_text(&plain, text, "human-fresh".parse().unwrap(), Sampling::default(), 3, 0).unwrap_err();
    assert!(fresh.to_string().contains("recipe.fresh"), "{fresh}");
    let nothing = simulate_text(&plain, Text::default(), refit(), Sampling::default(), 3, 0).unwrap_err();
    assert!(nothing.to_string().contains("draws = 0"), "{nothing}");
}

/// Seeds differ in everything, a recipe in nothing of generation 0, and a chain that starts again is the same.
#[test]
fn a_recipe_may_change_by_generation() {
    let recipes: ByGeneration<Recipe> =
        ["replace", "replace", "human-refit"].iter().map(|name| name.parse::<Recipe>().unwrap()).collect();
    let settings = settings("kind = \"categorical\"\ndraws = 50");
    let seen = simulate(&settings, recipes, Sampling::default(), 4, 0).unwrap();
    let of = |generation| seen.iter().filter(|o| o.generation == generation).map(|o| o.value).collect::<Vec<_>>();
    let replaced = simulate(&settings, Recipe::default(), Sampling::default(), 4, 0).unwrap();
    assert_eq!(of(1), replaced.iter().filter(|o| o.generation == 1).map(|o| o.value).collect::<Vec<_>>());
    assert!(of(0) != of(1) && of(0) == of(2) && of(0) == of(3), "from generation 2 on it is the human text's fit");
}

#[test]
fn seeds_are_independent_and_arms_are_paired() {
    for kind in Settings::KINDS {
        let settings = settings(&format!("kind = \"{kind}\""));
        let chain = |recipe: &str, seed| {
            simulate(&settings, recipe.parse::<Recipe>().unwrap(), Sampling::default(), 3, seed).unwrap()
        };
        let first = |all: &[Observation]| all.iter().filter(|o| o.generation == 0).cloned().collect::<Vec<_>>();
        let replace = chain("replace", 0);
        assert_eq!(replace, chain("replace", 0), "{kind}");
        assert_eq!(first(&replace), first(&chain("human-fresh", 0)), "{kind}");
        assert_ne!(first(&replace), first(&chain("replace", 1)), "{kind}");
        assert_eq!(replace.iter().map(|o| o.generation).max(), Some(2));
        assert!(replace.iter().all(|o| o.value.is_finite()));
    }
}

#[test]
fn what_cannot_work_says_so() {
    let fail = |text: &str, recipe: &str, sampling: Sampling| {
        simulate(&settings(text), recipe.parse::<Recipe>().unwrap(), sampling, 400, 0).unwrap_err()
    };
    let plain = Sampling::default();
    let error = fail("kind = \"gaussian\"\nwriting = 50", "accumulate", Sampling { temperature: 0.0, ..plain });
    assert!(error.to_string().contains("temperature = 0"), "{error}");
    let error = fail("kind = \"categorical\"\nwriting = 50", "ten-percent-human", plain);
    assert!(error.to_string().contains("recipe.latest"), "{error}");
    // Three draws a generation cannot last: the error holds what was seen before.
    let error = fail("kind = \"gaussian-mixture\"\ndraws = 3\nwriting = 3\ntest = 1\ndimensions = 1", "replace", plain);
    let Error::Ended { generation, observed, .. } = &error else { panic!("{error}") };
    assert!(error.to_string().contains("no spread left"), "{error}");
    assert_eq!(observed.last().unwrap().generation + 1, *generation);
}
