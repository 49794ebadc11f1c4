//! Documents as points: hashed runs of tokens or bytes.
//!
//! Weinberger et al. 2009 ("Feature hashing"): each distinct run has a coordinate and a sign by its hash, so that what
//! collides cancels on average. A run that comes c times counts 1 + ln c; a document is scaled to length one, so that
//! its size does not show.

use serde::{Deserialize, Serialize};

use crate::candidate::Candidate;
use corpus::hash::grams;

/// Coordinates that are not zero, in order.
pub(crate) type Row = Vec<(u32, f64)>;

/// The units of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Units {
    /// Token ids.
    #[default]
    Tokens,
    /// Bytes of the text.
    Bytes,
}

/// Which runs are hashed, to how many coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grams {
    pub(crate) units: Units,
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
    /// Binary logarithm of the number of coordinates.
    pub(crate) bits: u32,
}

impl Grams {
    /// The number of coordinates.
    pub(crate) fn columns(&self) -> usize {
        1 << self.bits
    }

    /// A document's coordinates.
    pub(crate) fn row(&self, candidate: &Candidate<'_>) -> Row {
        let bytes: Vec<u32>;
        let units = match self.units {
            Units::Tokens => candidate.ids,
            Units::Bytes => {
                bytes = candidate.document.text.bytes().map(u32::from).collect();
                &bytes
            }
        };
        let mut hashes: Vec<u64> = (self.shortest..=self.longest).flat_map(|size| grams(units, size)).collect();
        hashes.sort_unstable();
        let mut row: Row = hashes.chunk_by(|a, b| a == b).map(|same| self.coordinate(same[0], same.len())).collect();
        row.sort_by_key(|&(column, _)| column);
        row.dedup_by(|new, kept| {
            let same = new.0 == kept.0;
            kept.1 += if same { new.1 } else { 0.0 };
            same
        });
        let length = row.iter().map(|(_, x)| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|(_, x)| *x /= length.max(f64::MIN_POSITIVE));
        row
    }

    /// Where a run lies and how far: the upper bits say where, the lowest the sign.
    fn coordinate(&self, hash: u64, count: usize) -> (u32, f64) {
        let size = 1.0 + (count as f64).ln();
        ((hash >> (64 - self.bits)) as u32, if hash & 1 == 0 { size } else { -size })
    }

    /// The same with every coordinate written out.
    pub(crate) fn point(&self, candidate: &Candidate<'_>) -> Vec<f32> {
        let mut point = vec![0.0; self.columns()];
        self.row(candidate).into_iter().for_each(|(column, x)| point[column as usize] = x as f32);
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::human;

    #[test]
    fn rows_have_length_one_and_know_their_runs() {
        let grams = Grams { units: Units::Tokens, shortest: 1, longest: 2, bits: 16 };
        let document = human(0, "abab");
        let row = |ids| grams.row(&Candidate::new(&document, ids));
        let one = row(&[4, 5, 4, 5]);
        // Runs 4, 5, 45 twice each and 54 once.
        assert_eq!(one.len(), 4);
        assert!((one.iter().map(|(_, x)| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
        let twice = 1.0 + 2.0_f64.ln();
        let length = (3.0 * twice * twice + 1.0).sqrt();
        let mut sizes: Vec<f64> = one.iter().map(|(_, x)| x.abs() * length).collect();
        sizes.sort_by(f64::total_cmp);
        assert!((sizes[0] - 1.0).abs() < 1e-12 && (sizes[3] - twice).abs() < 1e-12);
        assert_ne!(one, row(&[5, 4, 5, 4]));
        assert!(row(&[]).is_empty());
        // By bytes, the text counts and the tokens do not.
        let bytes = Grams { units: Units::Bytes, ..grams };
        assert_eq!(bytes.row(&Candidate::new(&document, &[1])), bytes.row(&Candidate::new(&document, &[2])));
        assert_eq!(bytes.row(&Candidate::new(&document, &[])).len(), 4);
    }
}
