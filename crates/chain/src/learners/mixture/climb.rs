//! Expectation and maximisation (Dempster, Laird and Rubin 1977).

use super::super::{Gaussian, Symmetric, Weighted};
use super::{Mixture, Mixtures, log_sum};

/// Both in turn from a start: the last mixture, and the mean log likelihood of the one before it.
pub(super) fn climb(
    family: &Mixtures,
    draws: &[Weighted<'_, Vec<f64>>],
    mut mixture: Mixture,
    floor: f64,
) -> (f64, Mixture) {
    let mut likelihood = f64::NEG_INFINITY;
    for _ in 0..family.turns {
        let (shares, now) = expectation(draws, &mixture);
        mixture = maximisation(draws, &shares, &mixture, floor);
        let gain = now - likelihood;
        likelihood = now;
        if gain < family.tolerance {
            break;
        }
    }
    (likelihood, mixture)
}

/// For each draw, the weight that each component has of it; and the mean log likelihood of a draw.
pub(super) fn expectation(draws: &[Weighted<'_, Vec<f64>>], mixture: &Mixture) -> (Vec<Vec<f64>>, f64) {
    let (mut likelihood, mut total) = (0.0, 0.0);
    let shares = draws
        .iter()
        .map(|(draw, weight)| {
            let mut joint = mixture.log_joint(draw);
            let all = log_sum(&joint);
            likelihood += weight * all;
            total += weight;
            joint.iter_mut().for_each(|one| *one = weight * (*one - all).exp());
            joint
        })
        .collect();
    (shares, likelihood / total)
}

/// The mixture that fits the shares best. A component without any share stays where it was, with weight zero.
pub(super) fn maximisation(
    draws: &[Weighted<'_, Vec<f64>>],
    shares: &[Vec<f64>],
    before: &Mixture,
    floor: f64,
) -> Mixture {
    let d = draws[0].0.len();
    let total: f64 = draws.iter().map(|(_, weight)| weight).sum();
    let fit = |at: usize| {
        let share: f64 = shares.iter().map(|shares| shares[at]).sum();
        if share < f64::MIN_POSITIVE {
            return (0.0, before.components[at].clone());
        }
        let mut mean = vec![0.0; d];
        for ((draw, _), shares) in draws.iter().zip(shares) {
            mean.iter_mut().zip(*draw).for_each(|(sum, x)| *sum += shares[at] * x);
        }
        mean.iter_mut().for_each(|sum| *sum /= share);
        let mut covariance = Symmetric::zeros(d);
        let mut gap = vec![0.0; d];
        for ((draw, _), shares) in draws.iter().zip(shares) {
            gap.iter_mut().zip(*draw).zip(&mean).for_each(|((gap, x), mean)| *gap = x - mean);
            covariance.add_square(shares[at] / share, &gap);
        }
        covariance.mirror();
        (share / total, Gaussian::new(mean, covariance.plus(&Symmetric::diagonal(d, floor))))
    };
    let (weights, components) = (0..before.components.len()).map(fit).unzip();
    Mixture { weights, components }
}

#[cfg(test)]
mod tests {
    use streams::{Purpose, Streams};

    use super::*;

    /// Expectation and maximisation never lower the likelihood (but for the floor, which is tiny here).
    #[test]
    fn the_likelihood_climbs() {
        let mut stream = Streams::new(11).stream(Purpose::Learner, 0, 3);
        let points = Mixture::row(2, 1, 2.0).draws(200, &mut stream);
        let points: Vec<Weighted<'_, Vec<f64>>> = points.iter().map(|point| (point, 1.0)).collect();
        let mut mixture = Mixture::row(3, 1, 0.5);
        let mut last = f64::NEG_INFINITY;
        for _ in 0..60 {
            let (shares, likelihood) = expectation(&points, &mixture);
            assert!(likelihood > last - 1e-12, "{last} then {likelihood}");
            assert!(shares.iter().all(|shares| (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12));
            last = likelihood;
            mixture = maximisation(&points, &shares, &mixture, 1e-12);
        }
    }
}
