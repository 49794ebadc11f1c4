//! Where to write, and when to stop.

use std::collections::BTreeMap;

use streams::Stream;

use corpus::hash::grams;

/// Weights of human documents as prompts: the mean gap over their runs of `size` tokens (see
/// [`crate::targeted::missing`]). A document without a gap has weight 0.
pub fn prompt_weights(documents: &[&[u32]], gaps: &BTreeMap<u64, f64>, size: usize) -> Vec<f64> {
    let weight = |ids: &&[u32]| {
        let sum: f64 = grams(ids, size).map(|gram| gaps.get(&gram).copied().unwrap_or(0.0)).sum();
        sum / grams(ids, size).count().max(1) as f64
    };
    documents.iter().map(weight).collect()
}

/// Draws `count` items in proportion to their weights, by one uniform number and equal strides: each comes as often as
/// its share says, to within one. In the order of the items; none if no weight is above 0.
pub fn draw(weights: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return Vec::new();
    }
    let (stride, start) = (total / count as f64, stream.uniform());
    let last = weights.iter().rposition(|&weight| weight > 0.0).expect("the total is above 0");
    let (mut item, mut sum) = (0, weights[0]);
    let mark = |draw: usize| (start + draw as f64) * stride;
    (0..count)
        .map(|draw| {
            while sum <= mark(draw) && item < last {
                item += 1;
                sum += weights[item];
            }
            item
        })
        .collect()
}

/// Whether a gap is closed: no larger than `1 + tolerance` times that of an honest twin, human text of the same size
/// against the same human text.
pub fn is_closed(gap: f64, honest: f64, tolerance: f64) -> bool {
    gap <= honest * (1.0 + tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targeted::{count_grams, missing};
    use streams::{Purpose, Streams};

    #[test]
    fn prompts_come_from_the_gaps() {
        let human: [&[u32]; 3] = [&[1, 2, 3], &[4, 5, 6], &[1, 2, 6]];
        let gaps = missing(&count_grams(human, 2), &count_grams([&[1, 2, 3][..], &[1, 2]], 2));
        let weights = prompt_weights(&human, &gaps, 2);
        assert_eq!((weights[0], weights[1]), (0.0, 1.0));
        assert!((weights[2] - 0.5).abs() < 1e-12);
        let mut counts = [0; 3];
        let mut stream = Streams::new(1).stream(Purpose::Prompt, 1, 0);
        draw(&weights, 90, &mut stream).into_iter().for_each(|at| counts[at] += 1);
        assert!(counts[0] == 0 && (59..=61).contains(&counts[1]), "{counts:?}");
        assert!(draw(&[0.0, 0.0], 5, &mut stream).is_empty() && draw(&[], 5, &mut stream).is_empty());
        assert_eq!(draw(&[0.0, 2.0, 0.0], 3, &mut stream), [1; 3]);
        assert!(is_closed(0.11, 0.1, 0.2) && !is_closed(0.13, 0.1, 0.2));
    }
}
