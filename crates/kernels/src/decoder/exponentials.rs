//! The weights of a softmax over one row of logits, for a sampler.

use crate::vector::{LANES, Simd, with_simd};

/// Logits whose weights are summed together by [`exponentials`].
pub const GROUP: usize = 4 * LANES;

/// `weights[i] = exp((logits[i] - max) · scale)` and, for each [`GROUP`] of them, its sum in `groups`; returns the sum of
/// all. A weight below `exp(-87)` is exactly zero, that of a logit of -∞ among them. The sum is NaN where a logit is NaN or
/// +∞, or all are -∞. Every sum is taken in one order, so equal logits have equal bits.
///
/// # Shapes
/// - `logits`, `weights`: `[n]`
/// - `groups`: `[n / GROUP, rounded up]`
///
/// # Panics
/// If the lengths are not as above.
pub fn exponentials(logits: &[f32], scale: f32, weights: &mut [f32], groups: &mut [f32]) -> f64 {
    assert_eq!(
        (weights.len(), groups.len()),
        (logits.len(), logits.len().div_ceil(GROUP)),
        "weights and groups for all logits"
    );
    with_simd!(|s| exponentials_with(s, logits, scale, weights, groups))
}

#[inline(always)]
fn exponentials_with<S: Simd>(s: S, logits: &[f32], scale: f32, weights: &mut [f32], groups: &mut [f32]) -> f64 {
    let lowest = s.splat(f32::NEG_INFINITY);
    let mut largest = [lowest; GROUP / LANES];
    let (whole, rest) = logits.as_chunks::<GROUP>();
    for group in whole {
        for (largest, block) in largest.iter_mut().zip(group.as_chunks::<LANES>().0) {
            *largest = s.max(*largest, s.load(block));
        }
    }
    let largest = s.max(s.max(largest[0], largest[1]), s.max(largest[2], largest[3]));
    let largest = rest.iter().fold(s.largest(largest), |a, &b| a.max(b));
    let (largest, scale) = (s.splat(largest), s.splat(scale));
    // `exp` is constant far below zero; taking that constant off makes the weight zero there and changes none that counts.
    let floor = s.exp(lowest);

    let mut total = 0.0;
    let groups_of_weights = weights.chunks_mut(GROUP);
    for ((logits, weights), sum) in logits.chunks(GROUP).zip(groups_of_weights).zip(groups) {
        let mut sums = [s.zero(); GROUP / LANES];
        if let (Some(logits), Some(weights)) = (logits.as_array::<GROUP>(), weights.as_mut_array::<GROUP>()) {
            for (i, (logits, weights)) in logits.as_chunks().0.iter().zip(weights.as_chunks_mut().0).enumerate() {
                sums[i] = weight(s, s.load(logits), largest, scale, floor);
                s.store(sums[i], weights);
            }
        } else {
            for i in 0..logits.len().div_ceil(LANES) {
                let missing = LANES.saturating_sub(logits.len() - i * LANES);
                let value = weight(s, s.at(logits, i * LANES), largest, scale, floor);
                let value = s.select(u16::MAX >> missing, value, s.zero());
                sums[i] = value;
                s.put(value, weights, i * LANES);
            }
        }
        *sum = s.total(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3])));
        total += f64::from(*sum);
    }
    total
}

#[inline(always)]
fn weight<S: Simd>(s: S, logits: S::V, largest: S::V, scale: S::V, floor: S::V) -> S::V {
    s.max(s.zero(), s.sub(s.exp(s.mul(s.sub(logits, largest), scale)), floor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(logits: &[f32], scale: f32) -> (Vec<f32>, Vec<f32>, f64) {
        let (mut weights, mut groups) = (vec![9.0; logits.len()], vec![9.0; logits.len().div_ceil(GROUP)]);
        let total = exponentials(logits, scale, &mut weights, &mut groups);
        (weights, groups, total)
    }

    #[test]
    fn weights_and_sums_follow_the_formula() {
        for n in [1, 15, 16, 17, 61, 64, 65, 200, 1000] {
            let logits: Vec<f32> = (0..n).map(|i| ((i * 37 + 11) % 101) as f32 / 7.0 - 9.0).collect();
            let largest = logits.iter().copied().fold(f32::MIN, f32::max);
            let (weights, groups, total) = run(&logits, 0.7);
            for (group, sum) in weights.chunks(GROUP).zip(&groups) {
                let expected: f64 = group.iter().map(|&w| f64::from(w)).sum();
                assert!((f64::from(*sum) - expected).abs() < 1e-5 * expected);
            }
            for (&weight, &logit) in weights.iter().zip(&logits) {
                let expected = (f64::from(logit - largest) * 0.7).exp();
                assert!((f64::from(weight) - expected).abs() < 1e-6 * expected, "{n}: {weight} for {expected}");
            }
            assert_eq!(total, groups.iter().map(|&g| f64::from(g)).sum::<f64>());
        }
    }

    #[test]
    fn impossible_logits_have_weight_zero_and_bad_ones_a_sum_that_is_none() {
        for n in [3, 64, 70, 130] {
            let mut logits = vec![0.0; n];
            logits[1] = f32::NEG_INFINITY;
            logits[2] = -1000.0;
            let (weights, _, total) = run(&logits, 1.0);
            assert_eq!((weights[0], weights[1], weights[2], total), (1.0, 0.0, 0.0, (n - 2) as f64));
            for bad in [f32::NAN, f32::INFINITY] {
                for at in [0, n / 2, n - 1] {
                    let mut logits = logits.clone();
                    logits[at] = bad;
                    assert!(run(&logits, 1.0).2.is_nan(), "{bad} at {at} of {n}");
                }
            }
            assert!(run(&vec![f32::NEG_INFINITY; n], 1.0).2.is_nan());
        }
    }
}
