//! Calibration: is what is said with seventy percent confidence right seven times in ten?
//!
//! *Definition.* Predictions are put into bins by confidence; the expected calibration error is the mean over predictions of
//! |share that is right - mean confidence| of their bin (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017). Bins are
//! fifteen of equal width, (0, 1/15], (1/15, 2/15], ..., or fifteen of equal mass, whose edges are quantiles of the
//! confidences. The bins themselves are the reliability table.
//!
//! *Trap.* Language models are certain of much: with equal widths nearly all predictions share the last bin and their errors
//! cancel in it, so equal mass stands beside it. The error of a perfect model is above zero by chance, more so with many
//! bins; compare numbers of equal size. Ties are never divided, so bins of equal mass may be uneven or empty.

/// Bins of either kind.
pub const BINS: usize = 15;

/// One bin of a reliability table; empty ones are left out of tables.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bin {
    /// Predictions in it.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that is right.
    pub accuracy: f64,
}

/// Reliability by confidence, from the least confident.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibration {
    /// Bins of equal width that hold anything.
    pub equal_width: Vec<Bin>,
    /// Bins of equal mass that hold anything.
    pub equal_mass: Vec<Bin>,
}

/// The calibration of `(confidence, correct)` pairs, confidences from 0 to 1. None if there are none or one is no
/// probability.
///
/// ```
/// use evaluation::calibration::{calibration, error};
/// // Four predictions with confidence .9, one of which is wrong.
/// let found = calibration(&[(0.9, true), (0.9, true), (0.9, true), (0.9, false)]).unwrap();
/// assert!((error(&found.equal_width) - 0.15).abs() < 1e-12);
/// ```
pub fn calibration(predictions: &[(f64, bool)]) -> Option<Calibration> {
    if predictions.is_empty() || predictions.iter().any(|(confidence, _)| !(0.0..=1.0).contains(confidence)) {
        return None;
    }
    let mut sorted: Vec<f64> = predictions.iter().map(|(confidence, _)| *confidence).collect();
    sorted.sort_by(f64::total_cmp);
    let inner = |edge: &dyn Fn(f64) -> f64| (1..BINS).map(|i| edge(i as f64 / BINS as f64)).collect::<Vec<f64>>();
    let equal_width = table(predictions, &inner(&|share| share));
    let equal_mass = table(predictions, &inner(&|share| quantile(&sorted, share)));
    Some(Calibration { equal_width, equal_mass })
}

/// The expected calibration error of a reliability table.
pub fn error(bins: &[Bin]) -> f64 {
    let all: usize = bins.iter().map(|bin| bin.count).sum();
    bins.iter().map(|bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs()).sum::<f64>() / all as f64
}

/// The bins between sorted inner `edges`, each open below and closed above, summed in the order of the predictions.
fn table(predictions: &[(f64, bool)], edges: &[f64]) -> Vec<Bin> {
    let mut sums = vec![(0usize, 0.0, 0usize); edges.len() + 1];
    for &(confidence, correct) in predictions {
        let sum = &mut sums[edges.partition_point(|edge| *edge < confidence)];
        *sum = (sum.0 + 1, sum.1 + confidence, sum.2 + usize::from(correct));
    }
    let full = sums.into_iter().filter(|(count, ..)| *count > 0);
    full.map(|(count, confidence, right)| Bin {
        count,
        confidence: confidence / count as f64,
        accuracy: right as f64 / count as f64,
    })
    .collect()
}

/// The value below which a share of the sorted values lies, linear between neighbours (Hyndman and Fan's type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    match sorted.get(below + 1) {
        Some(above) if part > 0.0 => sorted[below] + part * (above - sorted[below]),
        _ => sorted[below],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_belongs_to_the_bin_below() {
        let found = calibration(&[(0.0, false), (1.0 / 15.0, false), (0.0667, true), (1.0, true)]).unwrap();
        assert_eq!(found.equal_width.iter().map(|bin| bin.count).collect::<Vec<_>>(), [2, 1, 1]);
    }

    #[test]
    fn ties_stay_together() {
        let found = calibration(&[(0.5, true); 40]).unwrap();
        assert_eq!(found.equal_mass, [Bin { count: 40, confidence: 0.5, accuracy: 1.0 }]);
        assert_eq!(error(&found.equal_mass), 0.5);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert_eq!(calibration(&[]), None);
        assert_eq!(calibration(&[(f64::NAN, true)]), None);
        assert_eq!(calibration(&[(1.1, true)]), None);
    }
}
