//! A kernel density that is fitted to draws from the last one: it widens by its own kernel.
//!
//! Source: derived here. The density has the draws' biased variance and the kernel's, so that a generation takes 1/n of the
//! variance away and adds the kernel's. The trap: this learner forgets by blurring and not by narrowing, so that a measure
//! of diversity rises while the model gets worse.

/// `replace` with a kernel of this width (its standard deviation): E of the variance of model `generation`, per dimension.
/// *Exact*: v_k = (1 - 1/n) v_{k-1} + h², from v_0 = σ² to the limit nh².
pub fn variance_of_fixed(sigma2: f64, n: f64, width: f64, generation: u32) -> f64 {
    (0..=generation).fold(sigma2, |v, _| (1.0 - 1.0 / n) * v + width * width)
}

/// `replace` with a kernel of `factor`² times the draws' unbiased covariance (Scott's and Silverman's rules): E of the
/// variance of model `generation`, per dimension. *Exact*: σ² (1 - 1/n + h²)^k, without end, for h² > 1/n with either rule.
pub fn variance_of_scaled(sigma2: f64, n: f64, factor: f64, generation: u32) -> f64 {
    sigma2 * (1.0 - 1.0 / n + factor * factor).powi(generation as i32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_kernel_has_a_limit_and_a_scaled_one_has_none() {
        assert!((variance_of_fixed(1.0, 20.0, 0.5, 2000) - 20.0 * 0.25).abs() < 1e-12);
        assert_eq!(variance_of_fixed(5.0, 20.0, 0.5, 7), variance_of_fixed(5.0, 20.0, 0.5, 3));
        // Two points: half of the variance is gone and as much again is added by a factor of 1/√2.
        assert!((variance_of_scaled(3.0, 2.0, 0.5_f64.sqrt(), 9) - 3.0).abs() < 1e-12);
    }
}
