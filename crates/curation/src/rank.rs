//! Keeping a share of the best.

/// Marks the `share` of the highest scores, rounded, at least one; of equal scores the first. NaN is the lowest of all.
pub(crate) fn keep_best(scores: &[f64], share: f64) -> Vec<bool> {
    let score = |at: usize| if scores[at].is_nan() { f64::NEG_INFINITY } else { scores[at] };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
    let mut kept = vec![false; scores.len()];
    order.into_iter().take(count(scores.len(), share)).for_each(|at| kept[at] = true);
    kept
}

/// How many a share of so many is.
pub(crate) fn count(of: usize, share: f64) -> usize {
    ((share * of as f64).round() as usize).clamp(of.min(1), of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_share_is_kept() {
        let scores = [0.0, 2.0, f64::NAN, 1.0, 2.0, -f64::INFINITY];
        assert_eq!(keep_best(&scores, 0.5), [false, true, false, true, true, false]);
        assert_eq!(keep_best(&scores, 0.2), [false, true, false, false, false, false]);
        assert_eq!(keep_best(&scores, 1.0), [true; 6]);
        assert_eq!(keep_best(&scores, 1e-9).iter().filter(|kept| **kept).count(), 1);
        assert!(keep_best(&[], 0.5).is_empty());
    }
}
