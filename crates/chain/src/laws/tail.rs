//! The tail that a sample has not seen.
//!
//! Source: Good 1953; Hutter 2021 and Dohmatob et al. 2024 for power laws; constants derived here. The trap: the share
//! of types seen once among n draws estimates what n - 1 draws miss, not what n do.

use statrs::function::gamma::gamma;

/// The probability that `n` draws have not seen, E = Σ p (1-p)^n. *Exact*.
pub fn missing_mass(n: f64, p: &[f64]) -> f64 {
    p.iter().map(|&p| p * ((-p).ln_1p() * n).exp()).sum()
}

/// The number of types seen once among `n` draws, over n: E f1/n = Σ p (1-p)^(n-1), the missing mass of n - 1 draws
/// (Good and Turing). *Exact*.
pub fn once_seen_share(n: f64, p: &[f64]) -> f64 {
    missing_mass(n - 1.0, p)
}

/// The number of types among `n` draws, E = Σ 1 - (1-p)^n (Heaps' curve). *Exact*.
pub fn types_seen(n: f64, p: &[f64]) -> f64 {
    p.iter().map(|&p| super::survival_accumulate(n, p)).sum()
}

/// The missing mass of `n` draws where p_i = a i^-b without end, b > 1: Γ(1 - 1/b) a^(1/b) / b · n^-((b-1)/b).
/// *Approximation* for large n: the sum becomes ∫ a i^-b exp(-n a i^-b) di, and with u = n a i^-b a Gamma integral.
///
/// Under `replace` model g misses what n h_g draws would, so its tail ends near rank (n h_g)^(1/b).
pub fn missing_mass_zipf(a: f64, b: f64, n: f64) -> f64 {
    gamma(1.0 - 1.0 / b) * a.powf(1.0 / b) / b * n.powf(1.0 / b - 1.0)
}

/// The mass beyond rank `k` of the same: a k^-(b-1) / (b-1), less than a k^-b above the sum. *Approximation* for large
/// k; what a truncating sampler takes away at once, and no amount of text gives back.
pub fn missing_mass_zipf_cut(a: f64, b: f64, k: f64) -> f64 {
    a * k.powf(1.0 - b) / (b - 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::zipf;
    use super::*;

    #[test]
    fn power_laws_are_the_sums() {
        let p = zipf(1.5, 0.0, 3_000_000);
        // What lies beyond the end of the list, which nobody sees.
        let beyond = missing_mass_zipf_cut(p[0], 1.5, 3e6);
        for n in [1e3, 1e4] {
            let (sum, law) = (missing_mass(n, &p) + beyond, missing_mass_zipf(p[0], 1.5, n));
            assert!((law / sum - 1.0).abs() < 1e-3, "{n}: {law} {sum}");
        }
        let (sum, law) = (p[1000..].iter().sum::<f64>() + beyond, missing_mass_zipf_cut(p[0], 1.5, 1000.0));
        assert!((law / sum - 1.0).abs() < 1e-3, "{law} {sum}");
    }
}
