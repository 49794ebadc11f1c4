//! Chains of solvable learners against their laws, through the recipe, the loop and the settings of an experiment file.
//! Means over seeds lie within four standard errors of what is exact, and beyond them from a law that is not theirs.

use chain::solvable::{Error, Observation, Sampling, Settings, Text, settings, simulate, simulate_text};
use chain::{Recipe, laws};

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

/// ∏ over i = 1..k of a factor.
fn product(k: f64, factor: impl Fn(f64) -> f64) -> f64 {
    (1..=k as u32).map(|i| factor(f64::from(i))).product()
}

/// Σ over i = 1..k of a term.
fn sum(k: f64, term: impl Fn(f64) -> f64) -> f64 {
    (1..=k as u32).map(|i| term(f64::from(i))).sum()
}

#[test]
fn a_biased_gaussian_narrows_under_replace() {
    let n = 20.0_f64;
    for d in [1.0, 3.0] {
        let text = format!("kind = \"gaussian\"\ndraws = 20\nestimator = \"biased\"\ndimensions = {d}");
        let [variance, error] = curves(&text, "replace", 8, 4000, ["variance", "squared-error"]);
        exact(&variance, |k| (1.0 - 1.0 / n).powf(k));
        exact(&error, |k| d * (1.0 - (1.0 - 1.0 / n).powf(k)));
        // The unbiased law is another.
        assert!(distance(&error, |k| d * k / n) > TOLERANCE && distance(&variance, |_| 1.0) > TOLERANCE);
    }
}

#[test]
fn an_unbiased_gaussian_wanders_under_replace() {
    let n = 21.0;
    let metrics = ["variance", "squared-error", "log-variance", "squared-wasserstein"];
    let [variance, error, log, wasserstein] = curves("kind = \"gaussian\"\ndraws = 21", "replace", 8, 4000, metrics);
    exact(&variance, |_| 1.0);
    exact(&error, |k| k / n);
    // ψ(10) = H_9 - γ; the log variance falls though the variance does not.
    let digamma = sum(9.0, |i| 1.0 / i) - 0.577_215_664_901_532_9;
    exact(&log, |k| k * (digamma - 10f64.ln()));
    // In one dimension W2² = (μ̂-μ)² + (s-1)², and E s_k = c^k with c = √(2/ν) Γ((ν+1)/2) / Γ(ν/2), ν = 20.
    let half_gamma = std::f64::consts::PI.sqrt() * product(10.0, |i| i - 0.5);
    let c = (2.0 / 20.0_f64).sqrt() * half_gamma / product(9.0, |i| i);
    exact(&wasserstein, |k| k / n + 2.0 - 2.0 * c.powf(k));
}

/// ln det of a Wishart matrix is a sum of ln χ² of ν, ν - 1, ... degrees of freedom.
#[test]
fn the_determinant_falls_in_every_dimension() {
    let [log] = curves("kind = \"gaussian\"\ndraws = 21\ndimensions = 2", "replace", 6, 3000, ["log-variance"]);
    let (euler, ln2) = (0.577_215_664_901_532_9, 2f64.ln());
    let whole = sum(9.0, |i| 1.0 / i) - euler; // ψ(10)
    let half = 2.0 * sum(9.0, |i| 1.0 / (2.0 * i - 1.0)) - euler - 2.0 * ln2; // ψ(9.5)
    exact(&log, |k| k * (whole + half + 2.0 * (ln2 - 20f64.ln())) / 2.0);
}

#[test]
fn accumulating_gaussians_settle() {
    let n = 10.0;
    let run = |estimator: &str, d: u32| {
        let text = format!("kind = \"gaussian\"\ndraws = 10\nestimator = \"{estimator}\"\ndimensions = {d}");
        curves(&text, "accumulate", 7, 3000, ["variance", "squared-error"])
    };
    let biased = |k| product(k, |i| 1.0 - 1.0 / (n * i * i));
    let [variance, error] = run("biased", 2);
    exact(&variance, biased);
    exact(&error, |k| 2.0 * (1.0 - biased(k)));

    let [variance, error] = run("unbiased", 1);
    exact(&variance, |k| product(k, |i| if i < 2.0 { 1.0 } else { 1.0 - 1.0 / (i * (n * i - 1.0)) }));
    // With an estimated variance the sum is a bound from above.
    let bound = |k| sum(k, |i| 1.0 / (n * i * i));
    assert!(error.iter().zip(1..).all(|(&(mean, se), k)| mean < bound(f64::from(k)) + TOLERANCE * se), "{error:?}");

    let [variance, error] = run("known", 3);
    assert!(variance.iter().all(|&(mean, _)| mean == 1.0));
    exact(&error, |k| 3.0 * bound(k));
}

#[test]
fn a_sampling_bias_is_a_temperature_and_a_rate() {
    let [variance] = curves("kind = \"gaussian\"\nsampling_bias = 0.8\ndraws = 20", "replace", 8, 2000, ["variance"]);
    exact(&variance, |k| 0.8f64.powf(k - 1.0));
    let plain = settings("kind = \"gaussian\"\nsampling_bias = 0.8");
    let cool = Sampling { temperature: 0.8, ..Sampling::default() };
    let recipe = "replace".parse::<Recipe>().unwrap();
    let by_bias = simulate(&plain, recipe, Sampling::default(), 5, 3).unwrap();
    assert_eq!(by_bias, simulate(&settings("kind = \"gaussian\""), recipe, cool, 5, 3).unwrap());
}

#[test]
fn regression_errors_add_up() {
    let (d, t) = (5.0, 21.0);
    let fit = 0.25 * d / (t - d - 1.0);
    let text = "kind = \"linear-regression\"\ndimensions = 5\ndraws = 21\nnoise = 0.5";
    let [replace] = curves(text, "replace", 6, 3000, ["excess-risk"]);
    exact(&replace, |k| k * fit);
    let [accumulate] = curves(text, "accumulate", 6, 3000, ["excess-risk"]);
    exact(&accumulate, |k| fit * sum(k, |i| 1.0 / (i * i)));

    let fresh = format!("{text}\nfresh_inputs = true");
    let [replace] = curves(&fresh, "replace", 6, 3000, ["excess-risk"]);
    exact(&replace, |k| k * fit);
    let [fresh] = curves(&fresh, "accumulate", 6, 3000, ["excess-risk"]);
    exact(&fresh, |k| sum(k, |i| 0.25 * d / (i * (i * t - d - 1.0))));
    // With the same inputs it is worse, and each law sees the other's chain.
    assert!(distance(&fresh, |k| fit * sum(k, |i| 1.0 / (i * i))) > TOLERANCE);
}

#[test]
fn a_kernel_widens_by_its_own_variance() {
    let n = 20.0;
    // A single true component: variance one.
    let text = |bandwidth: &str| {
        format!("kind = \"kernel-density\"\ncomponents = 1\ndraws = 20\ntest = 1\nbandwidth = {bandwidth}")
    };
    let [fixed] = curves(&text("0.5"), "replace", 8, 2000, ["variance"]);
    exact(&fixed, |k| product_of_steps(k, 1.0, |v| (1.0 - 1.0 / n) * v + 0.25));
    // Two dimensions at Scott's factor: h² = n^(-1/3).
    let wide = text("\"scott\"") + "\ndimensions = 2";
    let [scott] = curves(&wide, "replace", 6, 2000, ["variance"]);
    exact(&scott, |k| (1.0 - 1.0 / n + n.powf(-1.0 / 3.0)).powf(k));
    // And blurring costs what it is worth: the integrated squared error rises.
    let [error] = curves(&text("0.5"), "replace", 6, 300, ["integrated-squared-error"]);
    assert!(error.windows(2).skip(1).all(|pair| pair[1].0 > pair[0].0), "{error:?}");
}

/// `step` applied k times.
fn product_of_steps(k: f64, from: f64, step: impl Fn(f64) -> f64) -> f64 {
    (0..k as u32).fold(from, |value, _| step(value))
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
            match (seen.metric, seen.detail.as_str()) {
                ("component-weight", "0") => {
                    let h = 2.0 * seen.value * (1.0 - seen.value);
                    (sums.0, sums.1) = (sums.0 + h, sums.1 + h * h);
                }
                ("component-variance", "0") => {
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
fn categorical_settings_reach_the_law() {
    let text = "kind = \"categorical\"\nfrequencies = [8.0, 5.0, 4.0, 2.0, 1.0]\ndraws = 20";
    let truth = [0.4, 0.25, 0.2, 0.1, 0.05];
    let h0 = laws::heterozygosity(&truth);
    let [heterozygosity, error, missing] =
        curves(text, "replace", 8, 3000, ["heterozygosity", "squared-error", "missing-mass"]);
    exact(&heterozygosity, |k| h0 * 0.95f64.powf(k));
    exact(&error, |k| h0 * (1.0 - 0.95f64.powf(k)));
    // The first model's missing mass: Σ p (1-p)^n.
    exact(&missing[..1].to_vec(), |_| truth.iter().map(|p| p * (1.0 - p).powi(20)).sum());
    let [fresh] = curves(text, "ten-percent-fresh", 8, 3000, ["squared-error"]);
    exact(&fresh, |k| laws::error_of_mixture(laws::Human::Fresh, h0, 20.0, 0.1, k as u32 - 1));
}

/// Without sampling noise to speak of, temperature T makes frequencies p^(1/T^g) (literature's L9).
#[test]
fn a_temperature_sharpens_zipf_by_its_power() {
    let text = "kind = \"categorical\"\ntypes = 20\ndraws = 400000";
    let cool = Sampling { temperature: 0.8, ..Sampling::default() };
    let seen = simulate(&settings(text), "replace".parse().unwrap(), cool, 4, 0).unwrap();
    for entropy in seen.iter().filter(|o| o.metric == "entropy") {
        let power = 0.8f64.powi(entropy.generation as i32).recip();
        let weights: Vec<f64> = (1..=20).map(|rank| f64::from(rank).powf(-power)).collect();
        let whole: f64 = weights.iter().sum();
        let law: f64 = weights.iter().map(|w| -w / whole * (w / whole).ln()).sum();
        // Deviations of a part in √400,000 grow by 1/T a generation.
        assert!((entropy.value - law).abs() < 0.01, "{entropy:?} for {law}");
    }
}

#[test]
fn truncation_takes_types_away_at_once() {
    let text = "kind = \"categorical\"\nfrequencies = [5.0, 3.0, 1.0, 1.0]\ndraws = 5000";
    let cut = Sampling { top_p: Some(0.75), ..Sampling::default() };
    let seen = simulate(&settings(text), "replace".parse().unwrap(), cut, 3, 0).unwrap();
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
    let text = "kind = \"n-gram\"\ndraws = 60\ndiscount = 0.0\nsymbols = 20\nlength = 8.0";
    let last = |recipe: &str, metric: &str, detail: &str| -> Vec<f64> {
        let seen = simulate(&settings(text), recipe.parse().unwrap(), Sampling::default(), 6, 1).unwrap();
        let wanted = |o: &&Observation| o.metric == metric && o.detail == detail;
        seen.iter().filter(wanted).map(|o| o.value).collect()
    };
    let survival = last("replace", "survival", "2");
    assert!(survival[0] == 1.0 && survival[5] < 0.6 && survival.is_sorted_by(|a, b| a >= b), "{survival:?}");
    assert_eq!(last("accumulate", "survival", "2"), [1.0; 6]);
    assert!(last("replace", "impossible", "").is_sorted());
    // With a discount every bigram is possible, and the excess over the truth is finite and grows.
    let text = "kind = \"n-gram\"\ndraws = 100\nsymbols = 20\nlength = 8.0";
    let [excess] = curves(text, "replace", 5, 20, ["excess"]);
    assert!(excess[0].0 > 0.0 && excess[4].0 > 2.0 * excess[0].0, "{excess:?}");
}

#[test]
fn given_text_is_learned_too() {
    let text = Text { human: vec![vec![1, 2], vec![1, 2], vec![3]], test: vec![vec![3], vec![4]], ..Text::default() };
    let plain = settings::NGram::default();
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
fn seeds_are_independent_and_arms_are_paired() {
    for kind in ["categorical", "gaussian", "gaussian-mixture", "kernel-density", "linear-regression", "n-gram"] {
        let settings = settings(&format!("kind = \"{kind}\""));
        let chain =
            |recipe: &str, seed| simulate(&settings, recipe.parse().unwrap(), Sampling::default(), 3, seed).unwrap();
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
        simulate(&settings(text), recipe.parse().unwrap(), sampling, 400, 0).unwrap_err()
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
