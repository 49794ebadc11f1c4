//! Temperature and truncation on distributions that are passed on exactly, without sampling noise.
//!
//! Source: derived here; Marchi et al. 2024 for what it leads to. What they hold to account is
//! [`Sampling`](sampling::Sampling). The trap: these are laws of independent draws (unigrams). A mixture with a
//! share α of truth is within -ln α of the truth *per document*, which is next to nothing per token: "ten percent human
//! text does not save a cool loop" is about diversity and not about perplexity.

/// Frequencies of ranks 1 to `types` in proportion to (rank + offset)^-exponent (Zipf; Mandelbrot with the offset).
pub fn zipf(exponent: f64, offset: f64, types: usize) -> Vec<f64> {
    normalised((1..=types).map(|rank| (rank as f64 + offset).powf(-exponent)).collect())
}

/// What a model of frequencies `p` writes at this temperature: p^(1/T), normalised. After g generations of `replace`
/// p^(1/T^g), so a Zipf exponent s becomes s T^-g.
pub fn temper(p: &[f64], temperature: f64) -> Vec<f64> {
    normalised(p.iter().map(|p| if *p > 0.0 { p.powf(1.0 / temperature) } else { 0.0 }).collect())
}

/// `replace` with truncation: how many types the text of model `generation` - 1 holds, which is how many model
/// `generation` has, of frequencies `p` in falling order. *Exact*.
///
/// Conditional frequencies keep their proportions, so everything is said by p's own cumulated mass C: S_0 = all,
/// S_{g+1} = the first s with C(s) ≥ top_p C(S_g).
pub fn top_p_support(p: &[f64], top_p: f64, generation: u32) -> usize {
    let mass: Vec<f64> = p
        .iter()
        .scan(0.0, |sum, p| {
            Some({
                *sum += p;
                *sum
            })
        })
        .collect();
    (0..generation).fold(p.len(), |support, _| 1 + mass.partition_point(|&m| m < top_p * mass[support - 1]))
}

/// A share `alpha` of truth `p` and the rest of the last model's text at this temperature: the frequencies of model
/// `generation`, model 0 being the truth. *Exact* without sampling noise.
pub fn temper_with_truth(p: &[f64], temperature: f64, alpha: f64, generation: u32) -> Vec<f64> {
    let mix = |q: Vec<f64>, _| {
        p.iter().zip(temper(&q, temperature)).map(|(p, q)| alpha * p + (1.0 - alpha) * q).collect::<Vec<f64>>()
    };
    (0..generation).fold(p.to_vec(), mix)
}

/// KL(P‖Q) per document of a mixture Q that holds a share `alpha` of P: at most -ln α, whatever else it holds. *Bound*:
/// Q ≥ αP.
pub fn divergence_of_mixture(alpha: f64) -> f64 {
    -alpha.ln()
}

/// Entropy in nats.
pub fn entropy(p: &[f64]) -> f64 {
    -p.iter().filter(|&&p| p > 0.0).map(|p| p * p.ln()).sum::<f64>()
}

/// The exponential of the entropy: how many equally frequent types would be as hard to guess (Hill's number of order
/// 1).
pub fn effective_types(p: &[f64]) -> f64 {
    entropy(p).exp()
}

/// Weights divided by their sum.
pub(crate) fn normalised(mut weights: Vec<f64>) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::sampling::Sampling;

    /// Effective words of an eight-thousand-word Zipf(1), generation by generation (literature's table).
    #[test]
    fn published_recursions() {
        for (temperature, table) in [
            (0.9, [647.0, 273.0, 106.0, 43.0, 20.0, 10.5]),
            (0.8, [647.0, 95.0, 17.0, 5.6, 2.9, 1.9]),
            (1.1, [647.0, 1237.0, 2043.0, 2964.0, 3875.0, 4695.0]),
        ] {
            let mut p = zipf(1.0, 0.0, 8000);
            for (generation, effective) in table.into_iter().enumerate() {
                let found = effective_types(&p);
                assert!((found / effective - 1.0).abs() < 0.02, "{temperature} {generation}: {found} {effective}");
                p = temper(&p, temperature);
            }
        }
        let p = zipf(1.0, 0.0, 8000);
        for (top_p, table) in [(0.95, [8000, 4959, 3149, 2045, 1357, 920]), (0.9, [8000, 3074, 1300, 599, 298, 159])] {
            let (mut cut, sampling) = (p.clone(), Sampling { top_p: Some(top_p), ..Sampling::default() });
            for (generation, support) in table.into_iter().enumerate() {
                assert_eq!(top_p_support(&p, top_p, generation as u32), support);
                assert_eq!(cut.iter().filter(|&&p| p > 0.0).count(), support);
                sampling.apply(&mut cut);
            }
        }
    }

    #[test]
    fn ten_percent_does_not_save_a_cool_loop() {
        let p = zipf(1.0, 0.0, 8000);
        for (alpha, effective) in [(0.01, 1.2), (0.1, 4.1), (0.5, 254.0)] {
            let found = effective_types(&temper_with_truth(&p, 0.9, alpha, 300));
            assert!((found / effective - 1.0).abs() < 0.05, "{alpha}: {found}");
        }
    }
}
