//! Least squares with d coefficients on T rows of standard normal inputs, fitted to the predictions of the last fit
//! plus noise of *known* variance σ².
//!
//! Source: Gerstgrasser et al. 2024 for the same inputs in each generation; fresh inputs and the mixture derived here.
//! The trap: E tr (XᵀX)⁻¹ = d/(T-d-1) needs T > d + 1, and the series Σ 1/i² needs the same inputs each time. The error
//! is ‖ŵ - w‖², which is the excess test error for standard normal inputs.

use std::f64::consts::PI;

/// The error of a single fit: σ² E tr (XᵀX)⁻¹ = σ² d/(T-d-1) (inverse Wishart). *Exact* for T > d + 1.
pub fn error_of_fit(sigma2: f64, d: f64, rows: f64) -> f64 {
    sigma2 * d / (rows - d - 1.0)
}

/// `replace`: k = g + 1 times a single fit's, with the same inputs or fresh ones: each fit adds an independent error.
/// *Exact*.
pub fn error_replace(sigma2: f64, d: f64, rows: f64, generation: u32) -> f64 {
    f64::from(generation + 1) * error_of_fit(sigma2, d, rows)
}

/// `accumulate` with the same inputs in each batch: a single fit's times Σ_{i≤k} 1/i². *Exact*: the fit to i batches is
/// the mean of i fits, so batch i moves it by a fit's error over i.
pub fn error_accumulate_same(sigma2: f64, d: f64, rows: f64, generation: u32) -> f64 {
    error_of_fit(sigma2, d, rows) * (1..=generation + 1).map(|i| f64::from(i).powi(-2)).sum::<f64>()
}

/// `accumulate` with fresh inputs in each batch: Σ_{i≤k} σ² d/[i(iT-d-1)]. *Exact*.
///
/// With G for the Gram matrix of all i batches, the fit moves by G⁻¹Xᵢᵀε; of the i batches none is special, so the mean
/// of tr G⁻¹XᵢᵀXᵢG⁻¹ is that of tr G⁻¹ over i.
pub fn error_accumulate_fresh(sigma2: f64, d: f64, rows: f64, generation: u32) -> f64 {
    (1..=generation + 1).map(f64::from).map(|i| error_of_fit(sigma2, d, i * rows) / i).sum()
}

/// `accumulate`: what the error never exceeds, π²/6 times a single fit's. *Bound*.
pub fn error_bound(sigma2: f64, d: f64, rows: f64) -> f64 {
    error_of_fit(sigma2, d, rows) * PI * PI / 6.0
}

/// One fit to human rows and a share `p2` of synthetic ones whose coefficients are off by a vector of length `c`: p2²
/// c² + p2 (1-p2) c² (d+1)/T + σ² d/(T-d-1). *Approximation* for T much larger than d (5 % at T = 40 d). The first term
/// is strong collapse (Dohmatob et al. 2024): more rows do not take it away.
pub fn error_of_biased_share(sigma2: f64, d: f64, rows: f64, p2: f64, c: f64) -> f64 {
    c * c * (p2 * p2 + p2 * (1.0 - p2) * (d + 1.0) / rows) + error_of_fit(sigma2, d, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        // d = 10, T = 111: .1, .5, 1.0 under replace after 1, 5, 10 rounds; .1, .1464, .155 under accumulate.
        for (k, replace, accumulate) in [(1, 0.1, 0.1), (5, 0.5, 0.1464), (10, 1.0, 0.155)] {
            assert!((error_replace(1.0, 10.0, 111.0, k - 1) - replace).abs() < 1e-12);
            assert!((error_accumulate_same(1.0, 10.0, 111.0, k - 1) - accumulate).abs() < 5e-5);
        }
        let fresh = error_accumulate_fresh(1.0, 10.0, 111.0, 9);
        assert!(fresh < error_accumulate_same(1.0, 10.0, 111.0, 9) && fresh < error_bound(1.0, 10.0, 111.0));
    }
}
