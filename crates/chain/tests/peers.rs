//! Fits and distances against NumPy's, SciPy's and scikit-learn's. The fixture holds numbers only;
//! `scripts/make-learners-fixture.py` makes it.

use chain::learners::{
    Bandwidth, Example, Family, Gaussian, KernelDensities, Mixture, Mixtures, Regressions, Symmetric, Weighted,
};
use serde::Deserialize;
use streams::{Purpose, Stream, Streams};

#[derive(Deserialize)]
struct Fixture {
    points: Vec<Vec<f64>>,
    places: Vec<Vec<f64>>,
    kernel: Kernels,
    mixture: Components,
    coefficients: Vec<f64>,
    gaussians: Pair,
}

#[derive(Deserialize)]
struct Kernels {
    scott: Vec<f64>,
    silverman: Vec<f64>,
}

#[derive(Deserialize)]
struct Components {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    covariances: Vec<Vec<Vec<f64>>>,
    log_densities: Vec<f64>,
}

#[derive(Deserialize)]
struct Pair {
    covariances: [Vec<Vec<f64>>; 2],
    gap: Vec<f64>,
    squared_wasserstein: f64,
    divergence: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixture/learners.json")).unwrap()
}

fn stream() -> Stream {
    Streams::new(0).stream(Purpose::Learner, 0, 2)
}

fn symmetric(rows: &[Vec<f64>]) -> Symmetric {
    let mut matrix = Symmetric::zeros(rows.len());
    for (i, row) in rows.iter().enumerate() {
        row.iter().enumerate().for_each(|(j, &entry)| matrix[(i, j)] = entry);
    }
    matrix
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() < tolerance * expected.abs().max(1.0), "{found} for {expected}");
}

#[test]
fn kernel_densities_are_scipy_s() {
    let fixture = fixture();
    let points: Vec<Weighted<'_, Vec<f64>>> = fixture.points.iter().map(|point| (point, 1.0)).collect();
    let Kernels { scott, silverman } = fixture.kernel;
    for (bandwidth, expected) in [(Bandwidth::Scott, scott), (Bandwidth::Silverman, silverman)] {
        let density = KernelDensities { bandwidth }.fit(&points, &mut stream()).unwrap();
        for (place, expected) in fixture.places.iter().zip(expected) {
            near(density.log_density(place), expected, 1e-12);
        }
    }
}

#[test]
fn the_mixture_s_maximum_is_scikit_learn_s() {
    let fixture = fixture();
    let points: Vec<Weighted<'_, Vec<f64>>> = fixture.points.iter().map(|point| (point, 1.0)).collect();
    let family = Mixtures { components: 2, tolerance: 1e-14, turns: 100_000, floor: 1e-6, starts: 10 };
    let found = family.fit(&points, &mut stream()).unwrap();
    let Components { weights, means, covariances, log_densities } = fixture.mixture;
    let components = means.into_iter().zip(&covariances).map(|(mean, rows)| Gaussian::new(mean, symmetric(rows)));
    let expected = Mixture::new(weights, components.collect());
    for (at, its) in expected.matched(&found).into_iter().enumerate() {
        near(found.weights()[its], expected.weights()[at], 1e-5);
        let (found, expected) = (&found.components()[its], &expected.components()[at]);
        assert!(found.squared_error(expected) < 1e-10);
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            near(found.covariance()[(i, j)], expected.covariance()[(i, j)], 1e-5);
        }
    }
    for (place, log) in fixture.places.iter().zip(log_densities) {
        near(expected.log_density(place), log, 1e-12);
        near(found.log_density(place), log, 1e-4);
    }
}

#[test]
fn least_squares_are_numpy_s() {
    let fixture = fixture();
    let (inputs, labels) = fixture.points.split_at(20);
    let examples: Vec<Example> =
        inputs.iter().zip(labels).map(|(x, label)| Example { x: x.clone(), y: label[0] }).collect();
    let examples: Vec<Weighted<'_, Example>> = examples.iter().map(|example| (example, 1.0)).collect();
    let found = Regressions { noise: 1.0, inputs: None }.fit(&examples, &mut stream());
    for (found, expected) in found.unwrap().into_iter().zip(fixture.coefficients) {
        near(found, expected, 1e-12);
    }
}

#[test]
fn distances_of_gaussians_are_scipy_s() {
    let Pair { covariances: [one, two], gap, squared_wasserstein, divergence } = fixture().gaussians;
    let [one, two] = [Gaussian::new(gap.clone(), symmetric(&one)), Gaussian::new(vec![0.0; 3], symmetric(&two))];
    near(one.squared_wasserstein(&two), squared_wasserstein, 1e-9);
    near(two.squared_wasserstein(&one), squared_wasserstein, 1e-9);
    near(one.divergence(&two), divergence, 1e-9);
}
