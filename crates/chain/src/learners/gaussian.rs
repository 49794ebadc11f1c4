//! The Gaussian learner, in one or many dimensions: sample mean and sample covariance.
//!
//! Its laws are in [`crate::laws::gaussian`]. The trap: the expected variance is held by a few giant chains while the typical
//! one dies, so look at [`Gaussian::log_variance`], which is what a simulation of affordable size can see.

use serde::{Deserialize, Serialize};
use streams::Stream;

use super::{Family, FitError, Lower, Symmetric, Weighted};

/// A Gaussian distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    mean: Vec<f64>,
    covariance: Symmetric,
    /// The Cholesky factor of the covariance.
    factor: Lower,
}

impl Gaussian {
    /// The Gaussian of this mean and covariance (positive semidefinite).
    ///
    /// # Panics
    /// If their sizes differ.
    pub fn new(mean: Vec<f64>, covariance: Symmetric) -> Self {
        assert_eq!(mean.len(), covariance.size(), "a mean and a covariance of one size");
        let factor = covariance.cholesky();
        Self { mean, covariance, factor }
    }

    /// Mean zero and covariance one.
    pub fn standard(dimensions: usize) -> Self {
        Self::new(vec![0.0; dimensions], Symmetric::diagonal(dimensions, 1.0))
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance.
    pub fn covariance(&self) -> &Symmetric {
        &self.covariance
    }

    /// The Cholesky factor of the covariance.
    pub fn factor(&self) -> &Lower {
        &self.factor
    }

    /// Variance per dimension: the covariance's trace over d.
    pub fn variance(&self) -> f64 {
        self.covariance.trace() / self.mean.len() as f64
    }

    /// ln of the covariance's determinant over d: the log variance, of one dimension; minus infinity if it is singular.
    pub fn log_variance(&self) -> f64 {
        self.factor.log_determinant() / self.mean.len() as f64
    }

    /// ln of the density at `x`, in nats.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        let mut z: Vec<f64> = x.iter().zip(&self.mean).map(|(x, mean)| x - mean).collect();
        self.factor.whiten(&mut z);
        let distance: f64 = z.iter().map(|z| z * z).sum();
        -0.5 * (distance + self.factor.log_determinant() + z.len() as f64 * std::f64::consts::TAU.ln())
    }

    /// A draw from the Gaussian whose covariance is this one's times `spread²`.
    pub fn draw(&self, spread: f64, stream: &mut Stream) -> Vec<f64> {
        let z: Vec<f64> = self.mean.iter().map(|_| spread * stream.normal()).collect();
        self.factor.times(&z).into_iter().zip(&self.mean).map(|(x, mean)| x + mean).collect()
    }

    /// Squared distance of the means.
    pub fn squared_error(&self, truth: &Self) -> f64 {
        self.mean.iter().zip(&truth.mean).map(|(a, b)| (a - b).powi(2)).sum()
    }

    /// The square of the Wasserstein-2 distance: ‖μ-μ'‖² + tr Σ + tr Σ' - 2 tr (Σ'^½ Σ Σ'^½)^½ (Dowson and Landau 1982). The
    /// last trace is the sum of the roots of the eigenvalues of Σ Σ'.
    pub fn squared_wasserstein(&self, truth: &Self) -> f64 {
        let roots: f64 = truth.covariance.between(&self.factor).eigenvalues().iter().map(|e| e.max(0.0).sqrt()).sum();
        let traces = self.covariance.trace() + truth.covariance.trace();
        // What is zero may come out a rounding below it.
        self.squared_error(truth) + (traces - 2.0 * roots).max(0.0)
    }

    /// KL from `truth` to this Gaussian, in nats: ½ [tr Σ⁻¹Σ' + (μ-μ')ᵀΣ⁻¹(μ-μ') - d + ln det Σ - ln det Σ']; infinite if
    /// this one is singular.
    pub fn divergence(&self, truth: &Self) -> f64 {
        if !self.factor.is_regular() {
            return f64::INFINITY;
        }
        let d = self.mean.len();
        let mut sum = 0.0;
        for j in 0..d {
            let mut column: Vec<f64> = (0..d).map(|i| truth.factor.at(i, j)).collect();
            self.factor.whiten(&mut column);
            sum += column.iter().map(|z| z * z).sum::<f64>();
        }
        let mut gap: Vec<f64> = self.mean.iter().zip(&truth.mean).map(|(a, b)| a - b).collect();
        self.factor.whiten(&mut gap);
        sum += gap.iter().map(|z| z * z).sum::<f64>();
        0.5 * (sum - d as f64 + self.factor.log_determinant() - truth.factor.log_determinant())
    }
}

/// How the covariance is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Estimator {
    /// Sum of squares over n - 1.
    #[default]
    Unbiased,
    /// Sum of squares over n: maximum likelihood.
    Biased,
    /// Not at all: the identity, the truth's own. Only the mean is learned.
    Known,
}

/// All Gaussians of d dimensions.
#[derive(Clone, Copy, Debug)]
pub struct Gaussians {
    /// How the covariance is estimated.
    pub estimator: Estimator,
    /// λ: the model writes with λ times its covariance. Quality bought with diversity, as a low temperature buys it: the
    /// density to the power 1/T, divided by its integral, is the Gaussian with λ = T.
    pub sampling_bias: f64,
}

impl Family for Gaussians {
    type Draw = Vec<f64>;
    type Model = Gaussian;
    type Error = FitError;

    fn fit(&self, draws: &[Weighted<'_, Vec<f64>>], _: &mut Stream) -> Result<Gaussian, FitError> {
        let unbiased = self.estimator == Estimator::Unbiased;
        FitError::unless_enough("Gaussian", draws.len(), if unbiased { 2 } else { 1 })?;
        let Moments { mean, biased, effective } = Moments::of(draws);
        let mut covariance = match self.estimator {
            Estimator::Known => Symmetric::diagonal(mean.len(), 1.0),
            Estimator::Biased | Estimator::Unbiased => biased,
        };
        if unbiased {
            covariance.scale(effective / (effective - 1.0));
        }
        Ok(Gaussian::new(mean, covariance))
    }

    fn write(&self, model: &Gaussian, count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        let spread = self.sampling_bias.sqrt();
        (0..count).map(|_| model.draw(spread, stream)).collect()
    }
}

/// Mean and covariance of weighted draws.
pub(crate) struct Moments {
    /// Σwx / Σw.
    pub(crate) mean: Vec<f64>,
    /// Σw(x - mean)(x - mean)ᵀ / Σw.
    pub(crate) biased: Symmetric,
    /// (Σw)² / Σw²: so many draws of equal weight would have a mean as uncertain (Kish 1965).
    pub(crate) effective: f64,
}

impl Moments {
    /// Of one draw or more.
    pub(crate) fn of(draws: &[Weighted<'_, Vec<f64>>]) -> Self {
        let (mut total, mut squares) = (0.0, 0.0);
        for (_, weight) in draws {
            total += weight;
            squares += weight * weight;
        }
        let mean = mean(draws);
        let mut biased = Symmetric::zeros(mean.len());
        let mut gap = vec![0.0; mean.len()];
        for (draw, weight) in draws {
            gap.iter_mut().zip(*draw).zip(&mean).for_each(|((gap, x), mean)| *gap = x - mean);
            biased.add_square(*weight, &gap);
        }
        biased.mirror();
        biased.scale(1.0 / total);
        Self { mean, biased, effective: total * total / squares }
    }
}

/// Σwx / Σw.
pub(crate) fn mean(draws: &[Weighted<'_, Vec<f64>>]) -> Vec<f64> {
    let (mut sums, mut total) = (vec![0.0; draws[0].0.len()], 0.0);
    for (draw, weight) in draws {
        sums.iter_mut().zip(*draw).for_each(|(sum, x)| *sum += weight * x);
        total += weight;
    }
    sums.into_iter().map(|sum| sum / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covariance(rows: [[f64; 2]; 2]) -> Symmetric {
        let mut matrix = Symmetric::zeros(2);
        (0..4).for_each(|at| matrix[(at / 2, at % 2)] = rows[at / 2][at % 2]);
        matrix
    }

    #[test]
    fn distances_by_hand() {
        let close = |found: f64, exact: f64| assert!((found - exact).abs() < 1e-12, "{found} for {exact}");
        let line = |mean, variance| Gaussian::new(vec![mean], Symmetric::diagonal(1, variance));
        // (3 - 1)² + (2 - 1)²; and ½ [(1 + 4)/4 - 1 + ln 4].
        close(line(3.0, 4.0).squared_wasserstein(&line(1.0, 1.0)), 5.0);
        close(line(3.0, 4.0).divergence(&line(1.0, 1.0)), 0.5 * (0.25 + 4f64.ln()));
        // Two that do not commute: tr M^½ of a 2 × 2 matrix is √(tr M + 2√det M), tr ΣΣ' = 6 + 1 + 1 + 8, det ΣΣ' = 3 · 11.
        let one = Gaussian::new(vec![0.0, 1.0], covariance([[2.0, 1.0], [1.0, 2.0]]));
        let two = Gaussian::new(vec![0.0, 0.0], covariance([[3.0, 1.0], [1.0, 4.0]]));
        let trace = 6.0 + 1.0 + 1.0 + 8.0;
        let roots = (trace + 2.0 * (3.0 * 11.0_f64).sqrt()).sqrt();
        close(one.squared_wasserstein(&two), 1.0 + 4.0 + 7.0 - 2.0 * roots);
        close(two.squared_wasserstein(&one), 1.0 + 4.0 + 7.0 - 2.0 * roots);
        close(one.squared_wasserstein(&one), 0.0);
        // Σ⁻¹ = [[2, -1], [-1, 2]]/3: tr Σ⁻¹Σ' = 4, gap 2/3, ln (3/11).
        close(one.divergence(&two), 0.5 * (4.0 + 2.0 / 3.0 - 2.0 + (3.0_f64 / 11.0).ln()));
    }

    #[test]
    fn a_density_by_hand() {
        let one = Gaussian::new(vec![0.0, 1.0], covariance([[2.0, 1.0], [1.0, 2.0]]));
        let exact = -0.5 * (2.0 / 3.0 + 3f64.ln()) - std::f64::consts::TAU.ln();
        assert!((one.log_density(&[1.0, 2.0]) - exact).abs() < 1e-14);
    }

    #[test]
    fn estimates_by_hand() {
        let points = [vec![1.0, 0.0], vec![3.0, 0.0], vec![5.0, 6.0]];
        let points: Vec<Weighted<'_, Vec<f64>>> = points.iter().map(|point| (point, 1.0)).collect();
        let mut stream = streams::Streams::new(0).stream(streams::Purpose::Learner, 0, 0);
        let mut fit = |estimator| Gaussians { estimator, sampling_bias: 1.0 }.fit(&points, &mut stream).unwrap();
        assert_eq!(fit(Estimator::Unbiased), Gaussian::new(vec![3.0, 2.0], covariance([[4.0, 6.0], [6.0, 12.0]])));
        assert_eq!(fit(Estimator::Biased).variance(), (8.0 + 24.0) / 3.0 / 2.0);
        assert_eq!(fit(Estimator::Known), Gaussian::new(vec![3.0, 2.0], Symmetric::diagonal(2, 1.0)));
        // A weight of two is the same draw twice, for maximum likelihood.
        let family = Gaussians { estimator: Estimator::Biased, sampling_bias: 1.0 };
        let weighted = family.fit(&[(points[0].0, 1.5), (points[2].0, 0.5)], &mut stream).unwrap();
        let twice = [points[0], points[0], points[0], points[2]];
        assert_eq!(weighted, family.fit(&twice, &mut stream).unwrap());
        let family = Gaussians { estimator: Estimator::Unbiased, sampling_bias: 1.0 };
        let error = family.fit(&points[..1], &mut stream).unwrap_err();
        assert_eq!(error, FitError::TooFew { family: "Gaussian", draws: 1, needed: 2 });
    }
}
