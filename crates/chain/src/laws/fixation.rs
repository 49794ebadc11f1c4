//! When one type alone is left.
//!
//! Source: Kimura and Ohta 1969 for the diffusion of two types, Ewens 2004 for more; the exact form is derived here.
//! P(type i is the last one) = p_i, for its share is a martingale. The trap: no two types can both have all n draws, so
//! the chance that *some* type has them is a sum over types, and each type's count is a Markov chain of its own:
//! nothing has to be known of the types together.

use super::exact::{Step, human};

/// `replace`: the chance that models 0, 1, ... hold more than one type, 1 - Σ_i P(count of i = n). *Exact*.
pub fn unfixed(n: usize, p: &[f64]) -> impl Iterator<Item = f64> {
    let step = Step::new(n, n);
    let spectra = std::iter::successors(Some(human(n, p)), move |spectrum| Some(step.next(spectrum)));
    spectra.map(move |spectrum| 1.0 - spectrum[n])
}

/// `replace`: bounds of the chance that model `generation` holds both of two types, of which one has probability `p`.
///
/// If both are there, 2q(1-q) lies between 2(n-1)/n² and 1/2, and its mean is 2p(1-p)(1 - 1/n)^k with k = g + 1; hence
/// 4p(1-p)(1 - 1/n)^k ≤ P ≤ np(1-p)(1 - 1/n)^(k-1). (Seddik et al. 2024 give the upper one as 2np(1-p)(1 - 1/n)^k,
/// which is weaker.)
pub fn unfixed_bounds(n: f64, p: f64, generation: u32) -> (f64, f64) {
    let decay = (1.0 - 1.0 / n).powi(generation as i32);
    (4.0 * p * (1.0 - p) * decay * (1.0 - 1.0 / n), (n * p * (1.0 - p) * decay).min(1.0))
}

/// `replace`: the expected number of models until the first that holds one type alone, that one included. *Exact*:
/// 1 + Σ_g P(model g holds more than one), summed until it has fallen to 10⁻¹² (about 28 n generations of n²
/// operations).
pub fn fixation_time(n: usize, p: &[f64]) -> f64 {
    1.0 + unfixed(n, p).take_while(|&unfixed| unfixed > 1e-12).sum::<f64>()
}

/// The same by diffusion, -2n Σ (1-p) ln(1-p) - 2. *Approximation* for large n: within 1 % for n ≥ 50 and equal types;
/// for K equal types it is 2n [(K-1) ln(K/(K-1)) - 1/n].
pub fn fixation_time_diffusion(n: f64, p: &[f64]) -> f64 {
    let term = |&p: &f64| if p < 1.0 { (1.0 - p) * (-p).ln_1p() } else { 0.0 };
    -2.0 * n * p.iter().map(term).sum::<f64>() - 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        // Two alleles, exact Markov solution (literature): 12.59 for n = 10, 136.6 for n = 100.
        assert!((fixation_time(10, &[0.5; 2]) - 12.59).abs() < 0.005, "{}", fixation_time(10, &[0.5; 2]));
        assert!((fixation_time(100, &[0.5; 2]) - 136.6).abs() < 0.05, "{}", fixation_time(100, &[0.5; 2]));
        // Ten equal types, n = 100: 187.6.
        assert!((fixation_time_diffusion(100.0, &[0.1; 10]) - 187.6).abs() < 0.1);
    }

    #[test]
    fn diffusion_is_near_where_it_says() {
        for p in [vec![0.5; 2], vec![0.1; 10], vec![0.6, 0.3, 0.1]] {
            let (exact, near) = (fixation_time(50, &p), fixation_time_diffusion(50.0, &p));
            assert!((near - exact).abs() < 0.01 * exact, "{exact} {near}");
        }
    }

    #[test]
    fn the_exact_chance_lies_between_its_bounds() {
        for (generation, exact) in unfixed(12, &[0.3, 0.7]).take(60).enumerate() {
            let (lower, upper) = unfixed_bounds(12.0, 0.3, generation as u32);
            assert!(lower <= exact && exact <= upper, "{generation}: {lower} {exact} {upper}");
        }
    }
}
