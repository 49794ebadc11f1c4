//! What occurs how often, and what does not.

use std::collections::BTreeMap;

use corpus::hash::grams;

/// Counts of runs of tokens, by [`crate::gram_hash`].
pub type Counts = BTreeMap<u64, u64>;

/// Counts the runs of `size` tokens; none crosses from one document to the next.
pub fn count_grams<'a>(documents: impl IntoIterator<Item = &'a [u32]>, size: usize) -> Counts {
    let mut hashes: Vec<u64> = documents.into_iter().flat_map(|ids| grams(ids, size)).collect();
    hashes.sort_unstable();
    hashes.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
}

/// How much of one text another has. Shares of nothing are 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// Share of its types that occur.
    pub types: f64,
    /// The same by their frequency: the share of its runs whose type occurs.
    pub mass: f64,
}

/// How much of the human text's types the written text has.
pub fn coverage(human: &Counts, written: &Counts) -> Coverage {
    let share = |part: u64, whole: u64| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    let found = || human.iter().filter(|(gram, _)| written.contains_key(gram));
    Coverage {
        types: share(found().count() as u64, human.len() as u64),
        mass: share(found().map(|(_, count)| count).sum(), human.values().sum()),
    }
}

/// Types of one decade of frequency in the human text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrequencyBand {
    /// Counts from 10^decade to below ten times as much.
    pub decade: u32,
    /// Types of that count.
    pub types: u64,
    /// Those that do not occur in the written text.
    pub missing: u64,
    /// Their share of the human text.
    pub human: f64,
    /// Their share of the written text.
    pub written: f64,
}

/// The types of human text by decade of their count, rarest first, with their shares of both texts.
pub fn frequency_bands(human: &Counts, written: &Counts) -> Vec<FrequencyBand> {
    let (of_human, of_written): (u64, u64) = (human.values().sum(), written.values().sum());
    let mut bands: BTreeMap<u32, FrequencyBand> = BTreeMap::new();
    for (gram, &count) in human {
        let decade = count.ilog10();
        let band = bands.entry(decade).or_insert(FrequencyBand { decade, ..FrequencyBand::default() });
        let found = written.get(gram).copied().unwrap_or(0);
        band.types += 1;
        band.missing += u64::from(found == 0);
        band.human += count as f64 / of_human.max(1) as f64;
        band.written += found as f64 / of_written.max(1) as f64;
    }
    bands.into_values().collect()
}

/// What the written text has too little of: for each item (a fact, a form, a band), 1 - found/expected, not below 0; 0
/// where nothing is expected.
///
/// # Panics
/// If the lists differ in length.
pub fn shortfall(expected: &[f64], found: &[f64]) -> Vec<f64> {
    assert_eq!(expected.len(), found.len(), "as many found as expected");
    let of = |(&expected, &found): (&f64, &f64)| if expected > 0.0 { (1.0 - found / expected).max(0.0) } else { 0.0 };
    expected.iter().zip(found).map(of).collect()
}

/// [`shortfall`] for every type of the human text, at the written text's size; types without one are left out.
pub fn missing(human: &Counts, written: &Counts) -> BTreeMap<u64, f64> {
    let (of_human, of_written): (u64, u64) = (human.values().sum(), written.values().sum());
    let scale = of_written as f64 / of_human.max(1) as f64;
    let expected: Vec<f64> = human.values().map(|&count| count as f64 * scale).collect();
    let found: Vec<f64> = human.keys().map(|gram| written.get(gram).copied().unwrap_or(0) as f64).collect();
    // Nothing written: all of it is missing.
    let gaps = if of_written == 0 { vec![1.0; human.len()] } else { shortfall(&expected, &found) };
    human.keys().copied().zip(gaps).filter(|(_, gap)| *gap > 0.0).collect()
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
        assert_eq!(coverage(&human, &written), Coverage { types: 2.0 / 3.0, mass: 0.8 });
        let band = FrequencyBand { decade: 0, types: 3, missing: 1, human: 1.0, written: 0.75 };
        assert_eq!(frequency_bands(&human, &written), [band]);
        // At four runs, 1.6, 1.6 and .8 are expected.
        let gaps = missing(&human, &written);
        assert_eq!(gaps.len(), 2);
        assert!((gaps[&gram_hash(&[2, 1])] - 0.375).abs() < 1e-12 && gaps[&gram_hash(&[3, 4])] == 1.0);
        assert_eq!(missing(&human, &Counts::new()).len(), 3);
        assert_eq!(coverage(&human, &human), Coverage { types: 1.0, mass: 1.0 });
        assert!(missing(&human, &human).is_empty());
        assert_eq!(shortfall(&[2.0, 0.0, 1.0], &[1.0, 0.0, 3.0]), [0.5, 0.0, 0.0]);
    }
}
