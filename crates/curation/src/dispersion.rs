//! `dispersion`: of all that was written, a share that lies as far apart as can be.
//!
//! *Definition.* A document is a point: its runs of one to three tokens, damped counts 1 + ln c, hashed with signs to
//! 256 coordinates and scaled to length one. The subset is grown greedily: first the document nearest to the middle,
//! then, each time, the one whose nearest chosen neighbour is farthest, until the share `keep` is reached.
//!
//! *Source.* Gonzalez 1985 (within a factor of two of the best k-centre); hashing: Weinberger et al. 2009. As a
//! defence: subsets that maximise entropy or dispersion, Shi et al. 2025 (arXiv 2509.16499), mostly tried on images.
//!
//! *Trap.* The farthest of all is what no one else would write, nonsense included; and the dense middle, where the
//! language has its mass, is thinned out: the subset has more types, and other frequencies, than the text.
//!
//! *Cost.* Nothing human; time grows with the square of the documents up to blocks of 4,096, within which the choice
//! is made.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::candidate::{About, Candidate, Context, Cost, Defence, Parameter, Verdict};
use crate::error::{Error, share};
use crate::features::{Grams, Units};
use crate::rank::count;

/// Binary logarithm of the number of coordinates.
const BITS: u32 = 8;
/// Documents that are chosen from together.
const BLOCK: usize = 4096;

/// Keeps a subset that lies far apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dispersion {
    /// Share of the documents that is kept.
    pub keep: f64,
}

impl Default for Dispersion {
    fn default() -> Self {
        Self { keep: 0.5 }
    }
}

impl Dispersion {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: "dispersion",
        about: "keeps a subset that lies as far apart as can be (greedy k-centre)",
        source: "Gonzalez 1985; as a defence Shi et al. 2025, arXiv 2509.16499",
        cost: Cost { anchors: &[], compute: "time with the square of the documents, in blocks of 4,096" },
        parameters: &[Parameter { name: "keep", default: "0.5", about: "share of the documents that is kept" }],
    };
}

/// Marks `k` of the points, grown greedily from the one nearest to their mean; of equals the first.
///
/// # Panics
/// If the points are of different lengths.
pub fn spread(points: &[Vec<f32>], k: usize) -> Vec<bool> {
    let mut chosen = vec![false; points.len()];
    let Some(first) = points.first() else { return chosen };
    let mut mean = vec![0.0; first.len()];
    for point in points {
        mean.iter_mut().zip(point).for_each(|(sum, &x)| *sum += x / points.len() as f32);
    }
    let to_middle: Vec<f32> = points.par_iter().map(|point| distance(point, &mean)).collect();
    let mut next = (1..points.len()).fold(0, |best, at| if to_middle[at] < to_middle[best] { at } else { best });
    let mut to_chosen = vec![f32::INFINITY; points.len()];
    for _ in 0..k.min(points.len()) {
        chosen[next] = true;
        let new = &points[next];
        to_chosen.par_iter_mut().zip(points).with_min_len(256).for_each(|(nearest, point)| {
            *nearest = nearest.min(distance(point, new));
        });
        // What is chosen has no distance left, but so may its copies have: they come last, in order.
        let open = (0..points.len()).filter(|&at| !chosen[at]);
        let Some(farthest) = open.reduce(|best, at| if to_chosen[at] > to_chosen[best] { at } else { best }) else {
            break;
        };
        next = farthest;
    }
    chosen
}

/// Squared Euclidean distance.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "points of one space");
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

impl Defence for Dispersion {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn most(&self) -> f64 {
        self.keep
    }

    fn check(&self) -> Result<(), Error> {
        share(self.name(), "keep", self.keep)
    }

    fn judge(&self, candidates: &[Candidate<'_>], _: &Context<'_>) -> Result<Verdict, Error> {
        if self.keep == 1.0 {
            return Ok(Verdict::undefended(candidates.len()));
        }
        let grams = Grams { units: Units::Tokens, shortest: 1, longest: 3, bits: BITS };
        let points: Vec<Vec<f32>> = candidates.par_iter().map(|candidate| grams.point(candidate)).collect();
        let block = |points: &[Vec<f32>]| spread(points, count(points.len(), self.keep));
        Ok(Verdict::keep(points.chunks(BLOCK).flat_map(block)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, written};

    #[test]
    fn corners_before_copies() {
        let points: Vec<Vec<f32>> =
            [[0.0, 0.0], [0.1, 0.0], [4.0, 0.0], [0.0, 3.0], [4.0, 0.1], [1.0, 1.0]].map(Vec::from).to_vec();
        // The mean is (1.52, .68): (1, 1) first, then (4, 0), then (0, 3), then the origin.
        assert_eq!(spread(&points, 4), [true, false, true, true, false, true]);
        assert_eq!(spread(&points, 9), [true; 6]);
        assert!(spread(&[], 3).is_empty());
    }

    #[test]
    fn copies_go_first() {
        let ids: Vec<Vec<u32>> =
            (0..40).map(|i: u32| (0..30).map(|t| if i < 20 { t } else { 100 * i + t }).collect()).collect();
        let documents: Vec<_> = (0..40).map(|i| written(i, "x", 0)).collect();
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        let verdict = Dispersion { keep: 0.525 }.judge(&candidates, &Bench::default().context()).unwrap();
        let kept: Vec<usize> = (0..40).filter(|&at| verdict.decisions[at].keep).collect();
        assert_eq!((kept.len(), kept.iter().filter(|&&at| at < 20).count()), (21, 1), "{kept:?}");
    }
}
