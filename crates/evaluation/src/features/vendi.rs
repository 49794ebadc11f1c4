//! Vendi score: how many different documents there are, in effect.
//!
//! *Definition.* exp(-Σ λ ln λ) over the eigenvalues of K/n, K being the n x n matrix of the documents' cosines (Friedman
//! and Dieng 2023): n if all are at right angles, 1 if all are alike. K/n has the eigenvalues of the width x width matrix
//! XᵀX/n and zeros, so the smaller of the two is used.
//!
//! *Trap.* It grows with n and never exceeds the width; compare equal n only (1,000). Hidden states share a large
//! common direction, which makes all cosines high and the score low: it is a scale of its own, not a count of topics.

use super::{eigen::eigen, gram, normalised};

/// The Vendi score of `features`, one row of `width` numbers a document. None if there are none or one is not finite.
///
/// # Panics
/// Never for finite numbers.
pub fn vendi(features: &[f32], width: usize) -> Option<f64> {
    let rows = normalised(features, width)?;
    let n = rows.len() / width;
    let (matrix, size) = if width <= n { (gram(&rows, width), width) } else { (gram(&transposed(&rows, width), n), n) };
    let (values, _) = eigen(matrix, size, false);
    let entropy: f64 = values.iter().map(|value| value / n as f64).filter(|l| *l > 0.0).map(|l| -l * l.ln()).sum();
    Some(entropy.exp())
}

fn transposed(rows: &[f64], width: usize) -> Vec<f64> {
    (0..width).flat_map(|column| rows.iter().skip(column).step_by(width).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms() {
        // m of n documents alike, the others at right angles: λ = m/n and n - m times 1/n.
        let rows: Vec<f32> = [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, -1.0]].concat();
        let expected = (0.5 * 2.0_f64.ln() + 0.5 * 4.0_f64.ln()).exp();
        assert!((vendi(&rows, 3).unwrap() - expected).abs() < 1e-12);
        // Two documents with cosine c: λ = (1 ± c)/2; wider than they are many.
        let (l, m): (f64, f64) = (0.8, 0.2);
        let wide: Vec<f32> = [[1.0, 0.0, 0.0, 0.0], [0.6, 0.8, 0.0, 0.0]].concat();
        assert!((vendi(&wide, 4).unwrap() - (-l * l.ln() - m * m.ln()).exp()).abs() < 1e-6);
        assert_eq!((vendi(&[], 4), vendi(&[f32::NAN], 1), vendi(&[1.0], 2)), (None, None, None));
    }
}
