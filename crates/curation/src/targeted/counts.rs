//! Counts of items, and items that occur too rarely.

use std::collections::BTreeMap;

use corpus::hash::grams;
use statrs::function::gamma::ln_gamma;

/// Counts of items: of runs of tokens by [`crate::gram_hash`], or of anything that has a number.
pub type Counts = BTreeMap<u64, u64>;

/// Counts items.
pub fn count(mut items: Vec<u64>) -> Counts {
    items.sort_unstable();
    items.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
}

/// Counts the runs of `size` tokens; none crosses from one document to the next.
pub fn count_grams<'a>(documents: impl IntoIterator<Item = &'a [u32]>, size: usize) -> Counts {
    count(documents.into_iter().flat_map(|ids| grams(ids, size)).collect())
}

/// What the written text has too little of: for each item of the human text 1 - found/expected, not below 0, where
/// `scale` times the human count is expected (the ratio of the sizes). Of a text of no size, all is missing.
pub fn shortfall(human: &Counts, written: &Counts, scale: f64) -> BTreeMap<u64, f64> {
    let of = |(item, &count): (&u64, &u64)| {
        let found = written.get(item).copied().unwrap_or(0) as f64;
        let expected = count as f64 * scale;
        (*item, if expected > 0.0 { (1.0 - found / expected).max(0.0) } else { 1.0 })
    };
    human.iter().map(of).collect()
}

/// The gap between two texts, from 0 to 1: the mean [`shortfall`] over the human text's items, each as often as it
/// occurs. Where `scale` is the ratio of the numbers of items, it is the total variation distance of the two
/// distributions: Σ p (1 - q/p)₊ = Σ (p - q)₊.
pub fn gap(human: &Counts, written: &Counts, scale: f64) -> f64 {
    let missing = shortfall(human, written, scale);
    let sum: f64 = human.iter().map(|(item, &count)| count as f64 * missing[item]).sum();
    sum / human.values().sum::<u64>().max(1) as f64
}

/// The [`shortfall`] that chance alone gives to an item that is expected `expected` times: of X Poisson with mean λ,
/// E(1 - X/λ)₊ = e^{-λ} λ^{⌊λ⌋} / ⌊λ⌋! (half the mean absolute deviation, de Moivre 1730, over λ). 1 at 0.
pub fn chance(expected: f64) -> f64 {
    let whole = expected.floor();
    if expected > 0.0 { (whole * expected.ln() - expected - ln_gamma(whole + 1.0)).exp() } else { 1.0 }
}

/// The [`shortfall`] of each item less what [`chance`] gives: of human text about 0 on average, whatever is rare; below
/// it where enough is there.
pub fn lacking(human: &Counts, written: &Counts, scale: f64) -> BTreeMap<u64, f64> {
    let mut missing = shortfall(human, written, scale);
    missing.iter_mut().for_each(|(item, missing)| *missing -= chance(human[item] as f64 * scale));
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gram_hash;

    #[test]
    fn gaps_by_hand() {
        let human = count_grams([&[1, 2, 1, 2, 1][..], &[3, 4]], 2); // 12: 2, 21: 2, 34: 1
        let written = count_grams([&[1, 2, 1][..], &[1, 2], &[2, 2]], 2); // 12: 2, 21: 1, 22: 1
        assert_eq!(human[&gram_hash(&[1, 2])], 2);
        // At four runs, 1.6, 1.6 and .8 are expected.
        let gaps = shortfall(&human, &written, 0.8);
        assert!((gaps[&gram_hash(&[2, 1])] - 0.375).abs() < 1e-12);
        assert_eq!((gaps[&gram_hash(&[3, 4])], gaps[&gram_hash(&[1, 2])]), (1.0, 0.0));
        // .4, .4 and .2 against .5, .25 and 0: the distance is .15 + .2.
        assert!((gap(&human, &written, 0.8) - 0.35).abs() < 1e-12);
        assert_eq!((gap(&human, &human, 1.0), gap(&human, &Counts::new(), 0.0)), (0.0, 1.0));
        assert_eq!(gap(&Counts::new(), &human, 1.0), 0.0);
    }

    #[test]
    fn chance_is_that_of_poisson_counts() {
        for expected in [0.3_f64, 1.0, 2.5, 7.0, 40.25] {
            // Σ (1 - x/λ) P(x) over x below λ, term by term.
            let (mut p, mut sum) = ((-expected).exp(), 0.0);
            for x in 0..200 {
                sum += p * (1.0 - f64::from(x) / expected).max(0.0);
                p *= expected / f64::from(x + 1);
            }
            assert!((chance(expected) - sum).abs() < 1e-12, "{expected}: {} {sum}", chance(expected));
        }
        assert_eq!(chance(0.0), 1.0);
        let human = Counts::from([(1, 4), (2, 1)]);
        let lacks = lacking(&human, &Counts::from([(1, 1)]), 0.5);
        assert!((lacks[&1] - (0.5 - chance(2.0))).abs() < 1e-15 && (lacks[&2] - (1.0 - chance(0.5))).abs() < 1e-15);
    }
}
