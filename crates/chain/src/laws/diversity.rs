//! Diversity of counts: how fast sampling alone makes draws alike.
//!
//! Source: Wright and Fisher's drift; for pools, derived here. The trap: these are laws of the plug-in estimate Σq² of
//! a categorical learner, and of their mean over chains; a single chain may lie far from it.

/// Heterozygosity 1 - Σq²: the chance that two draws differ. (Gini and Simpson's index; Nei's gene diversity.)
pub fn heterozygosity(q: &[f64]) -> f64 {
    1.0 - q.iter().map(|q| q * q).sum::<f64>()
}

/// Squared error ‖q - p‖².
pub fn squared_error(q: &[f64], p: &[f64]) -> f64 {
    q.iter().zip(p).map(|(q, p)| (q - p) * (q - p)).sum()
}

/// `replace`: E H of model `generation`, H0 (1 - 1/n)^(g+1). *Exact* (Wright and Fisher's drift).
///
/// Two of n draws from q come from the same draw with chance 1/n (then they are alike), else they differ as two draws
/// from q do.
pub fn heterozygosity_replace(h0: f64, n: f64, generation: u32) -> f64 {
    h0 * (1.0 - 1.0 / n).powi(generation as i32 + 1)
}

/// `accumulate`: E H of model `generation`, H0 ∏_{i=1}^{g+1} (1 - 1/(n i²)). *Exact*.
///
/// The pool of i - 1 batches gets one more, drawn from itself: i² H_i = (i² - 1) H_{i-1} + (1 - 1/n) H_{i-1}. The
/// product does not fall to zero: its limit is H0 sin(π/√n) / (π/√n).
pub fn heterozygosity_accumulate(h0: f64, n: f64, generation: u32) -> f64 {
    (1..=generation + 1).fold(h0, |h, i| h * (1.0 - 1.0 / (n * f64::from(i).powi(2))))
}

/// `accumulate` with batches of unequal sizes n_1 (human), n_2, ...: E H of the model that is fitted to all of `sizes`,
/// H0 ∏ (1 - n_i/N_i²) with N_i = n_1 + ... + n_i. *Exact*.
///
/// A batch of n_i from the pool's q moves it by (n_i/N_i)(q̂ - q), whose mean square is (n_i/N_i)² H/n_i.
pub fn heterozygosity_sizes(h0: f64, sizes: &[f64]) -> f64 {
    let mut pool = 0.0;
    sizes.iter().fold(h0, |h, n| {
        pool += n;
        h * (1.0 - n / (pool * pool))
    })
}

/// `accumulate-subsample`: E H of model `generation`. *Exact*.
///
/// The pool of t batches (N = n t) has E H_t. The model is a draw of n from it without replacement, so its own mean is
/// s_t H_t with s_t = N (n-1) / (n (N-1)), and n draws from the model make H_{t+1} = H_t [1 - (1 - (1 - 1/n) s_t) /
/// (t+1)²]. For large n the lost diversity tends to π²/2 - 2 = 2.935 times a single fit's, slowly: test the recursion,
/// not the limit.
pub fn heterozygosity_subsample(h0: f64, n: f64, generation: u32) -> f64 {
    let kept = |t: f64| n * t * (n - 1.0) / (n * (n * t - 1.0));
    let mut pool = h0 * (1.0 - 1.0 / n);
    for t in (1..=generation).map(f64::from) {
        pool *= 1.0 - (1.0 - (1.0 - 1.0 / n) * kept(t)) / (t + 1.0).powi(2);
    }
    pool * kept(f64::from(generation) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_series() {
        // sin(π/√n) / (π/√n), the infinite product of (1 - x²/(π i)²).
        let x = std::f64::consts::PI / 10.0_f64.sqrt();
        assert!((heterozygosity_accumulate(1.0, 10.0, 100_000) - x.sin() / x).abs() < 1e-5);
        // π²/2 - 2 fits' worth of lost diversity.
        let n = 1e6;
        let lost = (1.0 - heterozygosity_subsample(1.0, n, 1_000_000)) * n;
        assert!((lost - 2.9348).abs() < 1e-3, "{lost}");
        // n = 20 stands at 2.75 after 120 generations.
        let lost = 20.0 * (1.0 - heterozygosity_subsample(1.0, 20.0, 119));
        assert!((lost - 2.75).abs() < 0.01, "{lost}");
    }

    #[test]
    fn equal_batches_are_a_case_of_unequal_ones() {
        let sizes = heterozygosity_sizes(0.7, &[10.0; 5]);
        assert!((sizes - heterozygosity_accumulate(0.7, 10.0, 4)).abs() < 1e-15);
    }
}
