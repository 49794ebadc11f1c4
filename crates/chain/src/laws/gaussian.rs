//! A Gaussian that is fitted to draws from the last fit: its variance shrinks and its mean drifts.
//!
//! Source: Shumailov et al. 2024, Alemohammad et al. 2024, Bertrand et al. 2024, Kazdan et al. 2025; products, the
//! unbiased case and the determinant derived here. Batches of n; k = g + 1. In d dimensions of variance σ² each, the laws
//! of the variance are those of each dimension, and the mean's squared error is d times that of one. The trap: under
//! `replace` with the unbiased estimate the mean of the variance is σ² for ever, held by a few giants that no affordable
//! simulation sees, while nearly every chain's variance goes to zero: look at the mean of its logarithm.

use statrs::function::gamma::{digamma, ln_gamma};
use std::f64::consts::PI;

use crate::learners::Estimator;

/// `replace`: E of the variance of model `generation`. *Exact*: σ² (1 - 1/n)^k if biased, else σ².
pub fn variance_replace(estimator: Estimator, sigma2: f64, n: f64, generation: u32) -> f64 {
    match estimator {
        Estimator::Biased => sigma2 * (1.0 - 1.0 / n).powi(generation as i32 + 1),
        Estimator::Unbiased | Estimator::Known => sigma2,
    }
}

/// `accumulate`: E of the variance of model `generation`. *Exact*.
///
/// With v for the pool's biased variance and s² for the one that is written with, a batch of n makes E v_i = [(i-1)
/// v_{i-1} + s²_{i-1}]/i - s²_{i-1}/(n i²).
///
/// - Biased, s² = v: σ² ∏_{i=1}^k (1 - 1/(n i²)), as the categorical's heterozygosity.
/// - Unbiased, s² = v ni/(ni-1): σ² ∏_{i=2}^k [1 - 1/(i(ni-1))]. It shrinks too.
pub fn variance_accumulate(estimator: Estimator, sigma2: f64, n: f64, generation: u32) -> f64 {
    (1..=generation + 1).map(f64::from).fold(sigma2, |s, i| match estimator {
        Estimator::Biased => s * (1.0 - 1.0 / (n * i * i)),
        Estimator::Unbiased if i > 1.0 => s * (1.0 - 1.0 / (i * (n * i - 1.0))),
        Estimator::Unbiased | Estimator::Known => s,
    })
}

/// `replace`: E of the squared error of the mean of model `generation`. *Exact*: each batch adds the last variance over
/// n, which sums to σ² (1 - (1 - 1/n)^k) if that is biased, else to kσ²/n.
pub fn drift_replace(estimator: Estimator, sigma2: f64, n: f64, generation: u32) -> f64 {
    let k = generation as i32 + 1;
    match estimator {
        Estimator::Biased => sigma2 * (1.0 - (1.0 - 1.0 / n).powi(k)),
        Estimator::Unbiased | Estimator::Known => f64::from(k) * sigma2 / n,
    }
}

/// `accumulate`: E of the squared error of the mean of model `generation`. *Exact*: batch i adds s²_{i-1}/(n i²).
///
/// - Biased: s²_{i-1}/(n i²) = s²_{i-1} - s²_i, so the sum is σ² (1 - ∏(1 - 1/(n i²))).
/// - Known variance: (σ²/n) Σ 1/i². This alone is the literature's series.
pub fn drift_accumulate(estimator: Estimator, sigma2: f64, n: f64, generation: u32) -> f64 {
    let before = |i: u32| match i {
        1 => sigma2,
        i => variance_accumulate(estimator, sigma2, n, i - 2),
    };
    (1..=generation + 1).map(|i| before(i) / (n * f64::from(i).powi(2))).sum()
}

/// `accumulate`: what the squared error of the mean never exceeds, (σ²/n) π²/6: an upper *bound* for every estimate of
/// the variance and every generation, reached in the limit where it is known.
pub fn drift_bound(sigma2: f64, n: f64) -> f64 {
    sigma2 / n * PI * PI / 6.0
}

/// `replace`: E of ln det Σ / d of model `generation`, which is ln of the variance in one dimension. *Exact* for n > d.
///
/// (n-1)S is Wishart, and ln of its determinant a sum of ln χ² with n - 1, n - 2, ..., n - d degrees of freedom: ln σ² + k
/// [mean of ψ((n-1-i)/2) over i < d, less ln((n-1)/2)] if unbiased, and k ln((n-1)/n) less than that if biased.
pub fn log_variance_replace(estimator: Estimator, sigma2: f64, n: f64, d: u32, generation: u32) -> f64 {
    let k = f64::from(generation + 1);
    let digammas = (0..d).map(|i| digamma((n - 1.0 - f64::from(i)) / 2.0)).sum::<f64>() / f64::from(d);
    sigma2.ln()
        + match estimator {
            Estimator::Biased => k * (digammas - (n / 2.0).ln()),
            Estimator::Unbiased => k * (digammas - ((n - 1.0) / 2.0).ln()),
            Estimator::Known => 0.0,
        }
}

/// `replace` with the unbiased variance: E of the standard deviation of model `generation`, σ c^k with c = E
/// χ_{n-1}/√(n-1) = √(2/(n-1)) Γ(n/2)/Γ((n-1)/2). *Exact* (Bertrand et al. 2024).
pub fn deviation_replace(sigma: f64, n: f64, generation: u32) -> f64 {
    let ln_c = 0.5 * (2.0 / (n - 1.0)).ln() + ln_gamma(n / 2.0) - ln_gamma((n - 1.0) / 2.0);
    sigma * (ln_c * f64::from(generation + 1)).exp()
}

/// `replace` with the unbiased variance, in one dimension: E of the squared Wasserstein-2 distance (μ̂-μ)² + (s-σ)² to the
/// truth of model `generation`, kσ²/n + 2σ² - 2σ E s. *Exact*; it tends to be all drift, for the second part ends at 2σ².
pub fn squared_wasserstein_replace(sigma: f64, n: f64, generation: u32) -> f64 {
    let drift = drift_replace(Estimator::Unbiased, sigma * sigma, n, generation);
    drift + 2.0 * sigma * (sigma - deviation_replace(sigma, n, generation))
}

/// `replace` with the unbiased variance: an upper *bound* of the chance that the standard deviation of model
/// `generation` exceeds `level`: (σ/level) exp(-k/(4n-1)), by Markov and c ≤ exp(-1/(4n-1)).
pub fn deviation_exceeds(sigma: f64, level: f64, n: f64, generation: u32) -> f64 {
    (sigma / level * (-f64::from(generation + 1) / (4.0 * n - 1.0)).exp()).min(1.0)
}

/// `replace` with the unbiased variance, each model writing with λ times its own (a sampling bias of λ): E of the
/// variance of model `generation`, λ^g σ². *Exact* (Alemohammad et al. 2024).
pub fn variance_narrowed(lambda: f64, sigma2: f64, generation: u32) -> f64 {
    sigma2 * lambda.powi(generation as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        // Kazdan et al.'s data for n = 10 after 100 generations: variance .873 ± .048, squared error of the mean .158 ±
        // .019.
        assert!((variance_accumulate(Estimator::Biased, 1.0, 10.0, 99) - 0.844).abs() < 1e-3);
        assert!((drift_accumulate(Estimator::Biased, 1.0, 10.0, 99) - 0.156).abs() < 1e-3);
        assert!((drift_bound(1.0, 1.0) - 1.644_934).abs() < 1e-6);
    }

    /// E ln χ² by hand: ψ(10) = H_9 - γ, ψ(9.5) = 2(1 + 1/3 + ... + 1/17) - γ - 2 ln 2.
    #[test]
    fn logarithms_by_hand() {
        const EULER: f64 = 0.577_215_664_901_532_9;
        let whole = (1..10).map(|i| 1.0 / f64::from(i)).sum::<f64>() - EULER;
        let half = (1..10).map(|i| 2.0 / f64::from(2 * i - 1)).sum::<f64>() - EULER - 4f64.ln();
        let log = |d| log_variance_replace(Estimator::Unbiased, 1.0, 21.0, d, 2);
        assert!((log(1) - 3.0 * (whole - 10f64.ln())).abs() < 1e-12);
        assert!((log(2) - 3.0 * ((whole + half) / 2.0 - 10f64.ln())).abs() < 1e-12);
        // Two draws: s² is χ² of one degree, E s = √(2/π).
        assert!((deviation_replace(1.0, 2.0, 0) - (2.0 / PI).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_bound_holds_and_is_reached() {
        for estimator in [Estimator::Biased, Estimator::Unbiased, Estimator::Known] {
            assert!(drift_accumulate(estimator, 1.0, 5.0, 500) < drift_bound(1.0, 5.0));
        }
        assert!(drift_accumulate(Estimator::Known, 1.0, 5.0, 5000) > 0.999 * drift_bound(1.0, 5.0));
    }

    #[test]
    fn the_deviation_stays_under_its_exponential() {
        for n in [2.0, 3.0, 10.0, 1000.0] {
            assert!(deviation_replace(1.0, n, 0) <= (-1.0 / (4.0 * n - 1.0)).exp(), "{n}");
        }
    }
}
