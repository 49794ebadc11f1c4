//! Importance: weights, and copies drawn by weight.
//!
//! *Weights.* With odds h(x)/s(x) of human against written text, a written document of weight h/s counts as a human one
//! would (likelihood-free importance weighting, Grover et al. 2019): what the model never writes has no weight to gain.
//!
//! *Copies.* As published by Drayson, Yilmaz and Lampos 2025: each document stands in the urn `repeats` times, and 1.5
//! n slips are drawn without replacement, each time in proportion to the weights of those left. A document of large
//! weight soon has all its slips out, so the copies are not in proportion to the weights: of n documents, one of weight
//! w has R(1 - e^{-wt}) copies, with t such that they add up ([`expected_copies`]; the limit of many documents).

/// Weights scaled to a mean of one; all ones if there is nothing to scale by.
pub fn scaled(weights: &[f64]) -> Vec<f64> {
    let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
    if mean > 0.0 && mean.is_finite() {
        weights.iter().map(|weight| weight / mean).collect()
    } else {
        vec![1.0; weights.len()]
    }
}

/// Draws `draws` slips without replacement from an urn that holds each document `repeats` times, in proportion to
/// weights, and counts them. `uniforms[i]` has a number in [0, 1) for each slip of document `i`.
///
/// The slip with rate w whose exponential clock rings first is the first draw, and so on: the order of the rings is
/// that of successive draws (Efraimidis and Spirakis 2006).
///
/// # Panics
/// If the lists differ in length, or there are fewer slips than draws.
pub fn copies(weights: &[f64], uniforms: &[Vec<f64>], draws: usize) -> Vec<u32> {
    assert_eq!(weights.len(), uniforms.len(), "uniform numbers for each document");
    let mut rings: Vec<(f64, usize)> = Vec::new();
    for (at, (weight, uniforms)) in weights.iter().zip(uniforms).enumerate() {
        rings.extend(uniforms.iter().map(|uniform| (-(1.0 - uniform).ln() / weight, at)));
    }
    assert!(draws <= rings.len(), "{draws} draws from {} slips", rings.len());
    // A weight of zero never rings; of such, the first.
    rings.iter_mut().filter(|(ring, _)| ring.is_nan()).for_each(|(ring, _)| *ring = f64::INFINITY);
    rings.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut copies = vec![0; weights.len()];
    rings[..draws].iter().for_each(|&(_, at)| copies[at] += 1);
    copies
}

/// The copies that [`copies`] gives on average where there are many documents: R(1 - e^{-wt}).
pub fn expected_copies(weights: &[f64], repeats: u32, draws: usize) -> Vec<f64> {
    let at = |t: f64| weights.iter().map(move |w| f64::from(repeats) * -(-w * t).exp_m1());
    let (mut low, mut high) = (0.0, 1.0);
    while at(high).sum::<f64>() < draws as f64 && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if at(middle).sum::<f64>() < draws as f64 { low = middle } else { high = middle }
    }
    at(high).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::{Purpose, Streams};

    fn uniforms(documents: usize, repeats: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut stream = Streams::new(seed).stream(Purpose::Curation, 0, 0);
        (0..documents).map(|_| (0..repeats).map(|_| stream.uniform()).collect()).collect()
    }

    #[test]
    fn draws_follow_the_weights() {
        // Two draws from weights 1, 2, 3: both slips are {a, b} with 1/6·2/5 + 2/6·1/4, and so on.
        let (n, mut pairs) = (20_000, [0.0; 3]);
        for seed in 0..n {
            let copies = copies(&[1.0, 2.0, 3.0], &uniforms(3, 1, seed), 2);
            pairs[copies.iter().position(|&count| count == 0).unwrap()] += 1.0;
        }
        let without = [2.0 / 6.0 * 3.0 / 4.0 + 3.0 / 6.0 * 2.0 / 3.0, 1.0 / 6.0 * 3.0 / 5.0 + 3.0 / 6.0 / 3.0];
        for (pairs, p) in pairs.into_iter().zip(without) {
            let error = (p * (1.0 - p) / n as f64).sqrt();
            assert!((pairs / n as f64 - p).abs() < 4.0 * error, "{pairs} {p}");
        }
    }

    #[test]
    fn copies_saturate_as_their_law_says() {
        let documents = 3000;
        let weights: Vec<f64> = (0..documents).map(|at| [0.0, 0.1, 1.0, 20.0][at % 4]).collect();
        let draws = documents * 3 / 2;
        let got = copies(&weights, &uniforms(documents, 3, 5), draws);
        let expected = expected_copies(&weights, 3, draws);
        assert!((expected.iter().sum::<f64>() - draws as f64).abs() < 1e-6);
        assert_eq!((got.iter().sum::<u32>(), got.iter().max()), (draws as u32, Some(&3)));
        for kind in 0..4 {
            let of = |at: &usize| at % 4 == kind;
            let mean = (0..documents).filter(of).map(|at| f64::from(got[at])).sum::<f64>() / (documents / 4) as f64;
            let p = expected[kind] / 3.0;
            let error = (3.0 * p * (1.0 - p) / (documents / 4) as f64).sqrt();
            assert!((mean - expected[kind]).abs() <= 4.0 * error + 1e-9, "{kind}: {mean} {}", expected[kind]);
        }
        // Twenty times the weight, and far from twenty times the copies.
        assert!(expected[3] / expected[2] < 2.0);
    }

    #[test]
    fn nothing_to_choose_by_changes_nothing() {
        assert_eq!(copies(&[1.0; 50], &uniforms(50, 1, 1), 50), [1; 50]);
        assert_eq!(scaled(&[2.5; 7]), [1.0; 7]);
        assert_eq!(scaled(&[0.0; 3]), [1.0; 3]);
        assert_eq!(scaled(&[1.0, 3.0]), [0.5, 1.5]);
    }
}
