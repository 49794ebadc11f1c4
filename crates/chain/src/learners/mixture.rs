//! The Gaussian mixture learner: k components of full covariance, by expectation and maximisation.
//!
//! Dempster, Laird and Rubin 1977. A start is the best seed of greedy k-means++ (Arthur and Vassilvitskii 2007) moved by a
//! few steps of Lloyd; then expectation and maximisation take turns until the mean log likelihood gains less than a
//! tolerance. There is no closed form: an *approximation* is that components far apart are each a Gaussian learner of
//! nw draws, with its laws; what this learner adds is that a component can die and that neighbours run into each other.
//!
//! The traps: the likelihood has no maximum, for a component may shrink to one draw, so a floor is added to the diagonal of
//! every covariance; and components have no names, so what is compared with the truth is matched to it first.

mod climb;
mod start;

use streams::Stream;

use self::climb::climb;
use self::start::start;
use super::gaussian::Moments;
use super::{Family, FitError, Gaussian, Symmetric, Weighted};

/// A mixture of Gaussians.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    weights: Vec<f64>,
    components: Vec<Gaussian>,
}

impl Mixture {
    /// The mixture of these components by these weights, which sum to 1.
    ///
    /// # Panics
    /// If there are not as many of both, or none.
    pub fn new(weights: Vec<f64>, components: Vec<Gaussian>) -> Self {
        assert!(!weights.is_empty() && weights.len() == components.len(), "a weight for each component");
        Self { weights, components }
    }

    /// Equal components of covariance one, `separation` apart along the first axis, the middle at zero.
    pub fn row(components: usize, dimensions: usize, separation: f64) -> Self {
        let component = |at: usize| {
            let mut mean = vec![0.0; dimensions];
            mean[0] = separation * (at as f64 - (components - 1) as f64 / 2.0);
            Gaussian::new(mean, Symmetric::diagonal(dimensions, 1.0))
        };
        Self::new(vec![1.0 / components as f64; components], (0..components).map(component).collect())
    }

    /// The components' weights.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The components.
    pub fn components(&self) -> &[Gaussian] {
        &self.components
    }

    /// ln of the density at `x`, in nats.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        log_sum(&self.log_joint(x))
    }

    /// For each component, ln of its weight times its density at `x`. One without weight has no part, whatever it is.
    fn log_joint(&self, x: &[f64]) -> Vec<f64> {
        let joint = |(weight, component): (&f64, &Gaussian)| {
            if *weight > 0.0 { weight.ln() + component.log_density(x) } else { f64::NEG_INFINITY }
        };
        self.weights.iter().zip(&self.components).map(joint).collect()
    }

    /// Independent draws.
    pub fn draws(&self, count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        let last = self.weights.iter().rposition(|&weight| weight > 0.0).expect("weights sum to 1");
        let mut draw = || {
            let mut left = stream.uniform();
            let chosen = self.weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            self.components[chosen.unwrap_or(last)].draw(1.0, stream)
        };
        (0..count).map(|_| draw()).collect()
    }

    /// For each of this mixture's components, the component of `other` that stands for it: pairs are made in order of the
    /// distance of their means, the nearest first, each component once.
    ///
    /// # Panics
    /// If `other` has not as many components.
    pub fn matched(&self, other: &Self) -> Vec<usize> {
        let k = self.components.len();
        assert_eq!(k, other.components.len(), "as many components in both");
        let mut pairs: Vec<(usize, usize)> = (0..k * k).map(|at| (at / k, at % k)).collect();
        let distance = |&(mine, its): &(usize, usize)| self.components[mine].squared_error(&other.components[its]);
        pairs.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        let mut partner = vec![None; k];
        let mut taken = vec![false; k];
        for (mine, its) in pairs {
            if partner[mine].is_none() && !taken[its] {
                (partner[mine], taken[its]) = (Some(its), true);
            }
        }
        partner.into_iter().map(|its| its.expect("all pairs were offered")).collect()
    }
}

/// Mixtures of a number of Gaussians.
#[derive(Clone, Copy, Debug)]
pub struct Mixtures {
    /// Number of components.
    pub components: usize,
    /// Expectation and maximisation end when the mean log likelihood of a draw gains less, in nats.
    pub tolerance: f64,
    /// They end after as many turns in any case.
    pub turns: usize,
    /// Added to the diagonal of every covariance, as a share of the draws' variance per dimension.
    pub floor: f64,
    /// Random starts; the one of the highest likelihood wins.
    pub starts: usize,
}

impl Family for Mixtures {
    type Draw = Vec<f64>;
    type Model = Mixture;
    type Error = FitError;

    fn fit(&self, draws: &[Weighted<'_, Vec<f64>>], stream: &mut Stream) -> Result<Mixture, FitError> {
        FitError::unless_enough("Gaussian mixture", draws.len(), self.components.max(2))?;
        let whole = Moments::of(draws).biased;
        let floor = self.floor * whole.trace() / whole.size() as f64;
        if floor.is_nan() || floor <= 0.0 {
            return Err(FitError::NoSpread { family: "Gaussian mixture" });
        }
        let mut best: Option<(f64, Mixture)> = None;
        for _ in 0..self.starts {
            let start = start(draws, self.components, &whole, floor, stream);
            let found = climb(self, draws, start, floor);
            if best.as_ref().is_none_or(|(likelihood, _)| found.0 > *likelihood) {
                best = Some(found);
            }
        }
        Ok(best.expect("at least one start").1)
    }

    fn write(&self, model: &Mixture, count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        model.draws(count, stream)
    }
}

/// ln Σ eˣ.
fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use streams::{Purpose, Streams};

    use super::*;

    const FAMILY: Mixtures = Mixtures { components: 3, tolerance: 1e-8, turns: 500, floor: 1e-6, starts: 1 };

    fn stream(item: u64) -> Stream {
        Streams::new(11).stream(Purpose::Learner, 0, item)
    }

    #[test]
    fn well_separated_components_are_recovered() {
        let covariances = [[1.0, 0.5, 2.0], [0.3, -0.2, 0.5], [2.0, 0.0, 0.2]];
        let components =
            [[0.0, 0.0], [10.0, 0.0], [0.0, 12.0]].into_iter().zip(covariances).map(|(mean, [a, b, c])| {
                let mut covariance = Symmetric::zeros(2);
                (covariance[(0, 0)], covariance[(1, 0)], covariance[(0, 1)], covariance[(1, 1)]) = (a, b, b, c);
                Gaussian::new(mean.to_vec(), covariance)
            });
        let truth = Mixture::new(vec![0.5, 0.3, 0.2], components.collect());
        let n = 4000;
        let points = truth.draws(n, &mut stream(1));
        let points: Vec<Weighted<'_, Vec<f64>>> = points.iter().map(|point| (point, 1.0)).collect();
        let found = FAMILY.fit(&points, &mut stream(2)).unwrap();
        for (at, its) in truth.matched(&found).into_iter().enumerate() {
            let (weight, true_weight) = (found.weights[its], truth.weights[at]);
            let error = (true_weight * (1.0 - true_weight) / n as f64).sqrt();
            assert!((weight - true_weight).abs() < 4.0 * error, "{weight} for {true_weight}");
            let own = n as f64 * true_weight;
            let (found, truth) = (&found.components[its], &truth.components[at]);
            for i in 0..2 {
                let sigma = truth.covariance()[(i, i)];
                assert!((found.mean()[i] - truth.mean()[i]).abs() < 4.0 * (sigma / own).sqrt());
                for j in 0..2 {
                    // Wishart: the variance of an entry is (s_ii s_jj + s_ij²)/n.
                    let exact = truth.covariance()[(i, j)];
                    let error = ((sigma * truth.covariance()[(j, j)] + exact * exact) / own).sqrt();
                    assert!((found.covariance()[(i, j)] - exact).abs() < 4.0 * error + 1e-4);
                }
            }
        }
    }

    #[test]
    fn one_component_is_the_biased_gaussian_and_the_floor() {
        let points = [vec![1.0], vec![3.0], vec![8.0]];
        let points: Vec<Weighted<'_, Vec<f64>>> = points.iter().map(|point| (point, 1.0)).collect();
        let family = Mixtures { components: 1, floor: 1e-3, ..FAMILY };
        let found = family.fit(&points, &mut stream(0)).unwrap();
        let variance = 26.0 / 3.0;
        assert_eq!((found.weights[0], found.components[0].mean()), (1.0, [4.0].as_slice()));
        assert!((found.components[0].variance() - variance * 1.001).abs() < 1e-12);
    }

    #[test]
    fn a_weight_of_two_is_two_draws() {
        let points = Mixture::row(2, 2, 4.0).draws(60, &mut stream(4));
        let weighted: Vec<Weighted<'_, Vec<f64>>> =
            points.iter().enumerate().map(|(at, point)| (point, if at % 3 == 0 { 1.0 } else { 0.5 })).collect();
        let twice: Vec<Weighted<'_, Vec<f64>>> =
            weighted.iter().flat_map(|&(point, weight)| vec![(point, 1.0); (2.0 * weight) as usize]).collect();
        let family = Mixtures { components: 2, tolerance: 1e-13, turns: 10_000, ..FAMILY };
        let [one, other] = [weighted, twice].map(|draws| family.fit(&draws, &mut stream(5)).unwrap());
        let its = one.matched(&other);
        assert!((one.weights[0] - other.weights[its[0]]).abs() < 1e-6);
        assert!(one.components[0].squared_error(&other.components[its[0]]) < 1e-10);
    }

    #[test]
    fn draws_that_coincide_are_a_collapse() {
        let points = vec![vec![2.0, 5.0]; 9];
        let points: Vec<Weighted<'_, Vec<f64>>> = points.iter().map(|point| (point, 1.0)).collect();
        let error = FAMILY.fit(&points, &mut stream(0)).unwrap_err();
        assert_eq!(error, FitError::NoSpread { family: "Gaussian mixture" });
        // Two places for three components: one of them is left without weight, or shares a place.
        let mut two = points.clone();
        let other = vec![0.0, 1.0];
        two.extend([(&other, 1.0); 3]);
        let found = FAMILY.fit(&two, &mut stream(0)).unwrap();
        assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{found:?}");
        assert!(found.log_density(&[0.0, 1.0]).is_finite());
    }

    #[test]
    fn a_density_by_hand() {
        let phi = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        let exact = (0.5 * phi(1.0) + 0.5 * phi(3.0)).ln();
        assert!((Mixture::row(2, 1, 4.0).log_density(&[-1.0]) - exact).abs() < 1e-14);
    }
}
