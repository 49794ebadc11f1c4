//! Cases of Gaussians and of kernel densities.

use super::setting::{Setting, Simulate, chains};
use super::{Case, Kind};
use crate::laws::{gaussian, kernel};
use crate::learners::{Bandwidth, Estimator, Gaussian, Gaussians, KernelDensities, Symmetric};

/// The truth's standard deviation, where it is estimated; its mean is 0.
const SIGMA: f64 = 1.5;
const SIGMA2: f64 = SIGMA * SIGMA;

/// The truth's variance: an estimator that knows it takes it to be 1.
fn sigma2(estimator: Estimator) -> f64 {
    if estimator == Estimator::Known { 1.0 } else { SIGMA2 }
}

/// A statistic of a model and the truth.
type Statistic = fn(&Gaussian, &Gaussian) -> f64;

/// Chains of Gaussians of `d` dimensions that write with `bias` times their covariance.
fn gaussians(estimator: Estimator, sampling_bias: f64, d: usize, statistic: Statistic) -> Simulate {
    let truth = Gaussian::new(vec![0.0; d], Symmetric::diagonal(d, sigma2(estimator)));
    let human = truth.clone();
    chains(
        Gaussians { estimator, sampling_bias },
        move |count, stream| (0..count).map(|_| human.draw(1.0, stream)).collect(),
        move |model| statistic(model, &truth),
    )
}

pub(super) fn variance() -> Vec<Case> {
    let case = |kind, parameters: &str, setting, simulate| Case::new("variance", kind, parameters, setting, simulate);
    let (biased, unbiased) = (Estimator::Biased, Estimator::Unbiased);
    let [replace, accumulate] = ["replace", "accumulate"].map(|name| Setting::named(name, 10, 10, 8000));
    let small = |setting| Setting { human: 5, writing: 5, ..setting };
    let variance: Statistic = |model, _| model.variance();
    let log: Statistic = |model, _| model.log_variance();
    vec![
        case(Kind::Exact, "variance: replace, biased, n 10", replace, gaussians(biased, 1.0, 1, variance))
            .claims(&[0, 4, 9], |generation| gaussian::variance_replace(biased, SIGMA2, 10.0, generation)),
        case(Kind::Exact, "variance: replace, biased, n 10, d 3", replace, gaussians(biased, 1.0, 3, variance))
            .claims(&[0, 4, 9], |generation| gaussian::variance_replace(biased, SIGMA2, 10.0, generation)),
        case(Kind::Exact, "variance: replace, unbiased, n 10", replace, gaussians(unbiased, 1.0, 1, variance))
            .claims(&[0, 2], |generation| gaussian::variance_replace(unbiased, SIGMA2, 10.0, generation)),
        case(Kind::Exact, "variance: accumulate, biased, n 10", accumulate, gaussians(biased, 1.0, 1, variance))
            .claims(&[1, 4, 9], |generation| gaussian::variance_accumulate(biased, SIGMA2, 10.0, generation)),
        case(
            Kind::Exact,
            "variance: accumulate, unbiased, n 5",
            small(accumulate),
            gaussians(unbiased, 1.0, 1, variance),
        )
        .claims(&[1, 4, 9], |generation| gaussian::variance_accumulate(unbiased, SIGMA2, 5.0, generation)),
        case(Kind::Exact, "log variance: replace, unbiased, n 10", replace, gaussians(unbiased, 1.0, 1, log))
            .claims(&[0, 4, 9], |generation| gaussian::log_variance_replace(unbiased, SIGMA2, 10.0, 1, generation)),
        case(Kind::Exact, "log variance: replace, unbiased, n 10, d 2", replace, gaussians(unbiased, 1.0, 2, log))
            .claims(&[0, 4, 9], |generation| gaussian::log_variance_replace(unbiased, SIGMA2, 10.0, 2, generation)),
        case(Kind::Exact, "log variance: replace, biased, n 10", replace, gaussians(biased, 1.0, 1, log))
            .claims(&[9], |generation| gaussian::log_variance_replace(biased, SIGMA2, 10.0, 1, generation)),
        case(
            Kind::Exact,
            "deviation: replace, unbiased, n 10",
            replace,
            gaussians(unbiased, 1.0, 1, |model, _| model.variance().sqrt()),
        )
        .claims(&[0, 4, 9], |generation| gaussian::deviation_replace(SIGMA, 10.0, generation)),
        case(
            Kind::AtMost,
            "deviation above 1: replace, unbiased, n 5",
            small(replace),
            gaussians(unbiased, 1.0, 1, |model, _| f64::from(model.variance() > 1.0)),
        )
        .claims(&[4, 9], |generation| gaussian::deviation_exceeds(SIGMA, 1.0, 5.0, generation)),
        case(
            Kind::Exact,
            "squared Wasserstein distance: replace, unbiased, n 10",
            replace,
            gaussians(unbiased, 1.0, 1, Gaussian::squared_wasserstein),
        )
        .claims(&[0, 4], |generation| gaussian::squared_wasserstein_replace(SIGMA, 10.0, generation)),
        case(
            Kind::Exact,
            "variance: replace, unbiased, n 10, writing with .8 of it",
            replace,
            gaussians(unbiased, 0.8, 1, variance),
        )
        .claims(&[1, 4], |generation| gaussian::variance_narrowed(0.8, SIGMA2, generation)),
    ]
}

pub(super) fn drift() -> Vec<Case> {
    const D: usize = 3;
    let case = |kind: Kind, recipe: &str, estimator: Estimator| {
        let parameters = format!("squared error of the mean: {recipe}, {estimator:?}, n 10, d 3").to_lowercase();
        let simulate = gaussians(estimator, 1.0, D, Gaussian::squared_error);
        Case::new("drift", kind, parameters, Setting::named(recipe, 10, 10, 8000), simulate)
    };
    let estimators = [Estimator::Biased, Estimator::Unbiased, Estimator::Known];
    let replace = estimators.map(|estimator| {
        case(Kind::Exact, "replace", estimator).claims(&[1, 3, 9], |generation| {
            D as f64 * gaussian::drift_replace(estimator, sigma2(estimator), 10.0, generation)
        })
    });
    let accumulate = estimators.map(|estimator| {
        case(Kind::Exact, "accumulate", estimator).claims(&[1, 3, 9], |generation| {
            D as f64 * gaussian::drift_accumulate(estimator, sigma2(estimator), 10.0, generation)
        })
    });
    let bound = case(Kind::AtMost, "accumulate", Estimator::Unbiased)
        .claims(&[9], |_| D as f64 * gaussian::drift_bound(SIGMA2, 10.0));
    replace.into_iter().chain(accumulate).chain([bound]).collect()
}

pub(super) fn kernel_density() -> Vec<Case> {
    let case = |parameters: &str, bandwidth, d| {
        let truth = Gaussian::new(vec![0.0; d], Symmetric::diagonal(d, SIGMA2));
        let human = move |count, stream: &mut _| (0..count).map(|_| truth.draw(1.0, stream)).collect();
        let simulate = chains(KernelDensities { bandwidth }, human, |model| model.variance());
        Case::new("kernel-density", Kind::Exact, parameters, Setting::named("replace", 20, 8, 4000), simulate)
    };
    let scott = Bandwidth::Scott.factor(20.0, 2).expect("Scott's is a rule");
    vec![
        case("variance: replace, width .5, n 20", Bandwidth::Fixed(0.5), 1)
            .claims(&[0, 3, 7], |generation| kernel::variance_of_fixed(SIGMA2, 20.0, 0.5, generation)),
        case("variance: replace, Scott's rule, n 20, d 2", Bandwidth::Scott, 2)
            .claims(&[0, 3, 7], |generation| kernel::variance_of_scaled(SIGMA2, 20.0, scott, generation)),
    ]
}
