//! `near-duplicates`: of documents that nearly repeat each other the first is kept.
//!
//! *Definition.* A document is its set of runs of `shingle` tokens (the whole, if it is shorter). Two whose sets have a
//! Jaccard index |A∩B|/|A∪B| of at least `similarity` are near-duplicates; in order, each document that is one of a
//! kept one is dropped. Candidates come from MinHash signatures of 128 values in 16 bands of 8: pairs at .8 share a
//! band with probability 1 - (1 - .8⁸)¹⁶ = .947, at .9 with .9999. Each candidate's index is then computed exactly.
//!
//! *Source.* Broder 1997 (resemblance), Indyk and Motwani 1998 (bands); for training text Lee et al. 2022 (arXiv
//! 2107.06499).
//!
//! *Trap.* What is frequent is repeated because it is frequent: dropping it flattens the head of the distribution, and
//! in a small language (Chronicle) two human documents may be equal. Pairs below a similarity of .65 are missed by
//! these bands more often than found.
//!
//! *Cost.* Nothing human; time in proportion to the text.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::candidate::{About, Candidate, Context, Cost, Defence, Parameter, Verdict};
use crate::error::{Error, within};
use corpus::hash::{gram_hash, grams, mix};

const BANDS: usize = 16;
const ROWS: usize = 8;

/// Keeps the first of near-duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NearDuplicates {
    /// Jaccard index from which on two documents count as one; above 1 none do.
    pub similarity: f64,
    /// Tokens of a shingle.
    pub shingle: usize,
}

impl Default for NearDuplicates {
    fn default() -> Self {
        Self { similarity: 0.8, shingle: 5 }
    }
}

impl NearDuplicates {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "near-duplicates",
        about: "keeps the first of documents that nearly repeat each other (MinHash, then exact)",
        source: "Broder 1997; Lee et al. 2022, arXiv 2107.06499",
        cost: Cost { anchors: &[], compute: "time in proportion to the text" },
        parameters: &[
            Parameter { name: "similarity", default: "0.8", about: "Jaccard index of a duplicate; above 1.0 none is" },
            Parameter { name: "shingle", default: "5", about: "tokens of a shingle" },
        ],
    };
}

/// The set of a document's shingles, sorted.
fn shingles(ids: &[u32], size: usize) -> Vec<u64> {
    let mut set: Vec<u64> = if ids.len() < size { vec![gram_hash(ids)] } else { grams(ids, size).collect() };
    set.sort_unstable();
    set.dedup();
    set
}

/// One hash for each band of the MinHash signature.
fn bands(set: &[u64]) -> [u64; BANDS] {
    std::array::from_fn(|band| {
        (0..ROWS).fold(band as u64, |hash, row| {
            let salt = mix((band * ROWS + row) as u64 + 1);
            let least = set.iter().map(|&shingle| mix(shingle ^ salt)).min();
            mix(hash ^ least.expect("a document has a shingle"))
        })
    })
}

/// |A∩B|/|A∪B| of two sorted sets.
fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        both += usize::from(a[i] == b[j]);
        let (left, right) = (a[i] <= b[j], b[j] <= a[i]);
        i += usize::from(left);
        j += usize::from(right);
    }
    both as f64 / (a.len() + b.len() - both) as f64
}

impl Defence for NearDuplicates {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn check(&self) -> Result<(), Error> {
        let fits = self.similarity > 0.0 && self.similarity.is_finite();
        within(
            fits,
            self.name(),
            "similarity",
            self.similarity,
            "a Jaccard index above 0.0; above 1.0 nothing is dropped",
        )?;
        within((1..=1024).contains(&self.shingle), self.name(), "shingle", self.shingle, "from 1 to 1024 tokens")
    }

    fn judge(&self, candidates: &[Candidate<'_>], _: &Context<'_>) -> Result<Verdict, Error> {
        if self.similarity > 1.0 {
            return Ok(Verdict::undefended(candidates.len()));
        }
        let sets: Vec<(Vec<u64>, [u64; BANDS])> = (candidates.par_iter())
            .map(|candidate| {
                let set = shingles(candidate.ids, self.shingle);
                let bands = bands(&set);
                (set, bands)
            })
            .collect();
        // Looked up, never walked through: its order reaches nothing.
        let mut kept_by_band: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
        let mut kept = Vec::with_capacity(candidates.len());
        for (at, (set, bands)) in sets.iter().enumerate() {
            let keys = || bands.iter().copied().enumerate();
            let near = |&other: &usize| jaccard(set, &sets[other].0) >= self.similarity;
            let repeats = keys().any(|key| kept_by_band.get(&key).is_some_and(|others| others.iter().any(near)));
            if !repeats {
                keys().for_each(|key| kept_by_band.entry(key).or_default().push(at));
            }
            kept.push(!repeats);
        }
        Ok(Verdict::keep(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, written};

    #[test]
    fn sets_and_their_index() {
        assert_eq!(jaccard(&[1, 2, 3, 4], &[3, 4, 5]), 0.4);
        assert_eq!((jaccard(&[1], &[1]), jaccard(&[1], &[2])), (1.0, 0.0));
        assert_eq!(shingles(&[5, 5, 5, 5], 2).len(), 1);
        assert_ne!(shingles(&[5], 2), shingles(&[6], 2));
    }

    /// Pairs of exactly .8 share a band as often as the law of bands says.
    #[test]
    fn bands_find_what_they_should() {
        let pairs = 2000;
        let shares = |pair: &u64| {
            let unit = |at: u64| mix(pair * 1000 + at);
            let (a, b): (Vec<u64>, Vec<u64>) = ((0..90).map(unit).collect(), (10..100).map(unit).collect());
            bands(&a).iter().zip(bands(&b)).any(|(a, b)| *a == b)
        };
        let found = (0..pairs).filter(shares).count() as f64 / pairs as f64;
        let law = 1.0 - (1.0 - 0.8_f64.powi(8)).powi(16);
        assert!((found - law).abs() < 4.0 * (law * (1.0 - law) / pairs as f64).sqrt(), "{found} {law}");
    }

    #[test]
    fn the_first_of_its_kind_stays() {
        let base: Vec<u32> = (0..200).collect();
        let mut close = base.clone();
        close[100] = 900; // 5 of 196 shingles differ: 191/201 = .95
        let far: Vec<u32> = (150..350).collect();
        let ids = [base.clone(), far.clone(), close, base, far, vec![1], vec![1]];
        let documents: Vec<_> = (0..ids.len()).map(|i| written(i, "x", 0)).collect();
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        let keeps = |similarity| {
            let verdict = NearDuplicates { similarity, shingle: 5 }.judge(&candidates, &Bench::default().context());
            verdict.unwrap().decisions.iter().map(|d| d.keep).collect::<Vec<_>>()
        };
        assert_eq!(keeps(0.8), [true, true, false, false, false, true, false]);
        assert_eq!(keeps(1.0), [true, true, true, false, false, true, false]);
    }
}
