//! Distributions over the vocabulary that targets are mixed with ([`Objective::LabelSmoothing`],
//! [`Objective::EntropyFloor`]).

use crate::{Objective, Settings};
use corpus::Windows;

/// Every token alike.
pub fn uniform(vocabulary: usize) -> Vec<f32> {
    vec![(1.0 / vocabulary as f64) as f32; vocabulary]
}

/// How often each token is there by these weights, one added to each.
///
/// # Panics
/// If a token lies outside the vocabulary.
pub fn unigram(tokens: impl IntoIterator<Item = (u32, f64)>, vocabulary: usize) -> Vec<f32> {
    let mut counts = vec![1.0; vocabulary];
    tokens.into_iter().for_each(|(token, weight)| counts[token as usize] += weight);
    let sum: f64 = counts.iter().sum();
    counts.iter().map(|count| (count / sum) as f32).collect()
}

/// What the settings' objective mixes its targets with, as far as the training windows can say; empty where it mixes
/// nothing.
pub(crate) fn of_training(settings: &Settings, windows: &Windows, vocabulary: usize) -> Vec<f32> {
    match settings.objective {
        Objective::LabelSmoothing { .. } => uniform(vocabulary),
        // Padding weighs nothing.
        Objective::EntropyFloor { .. } => {
            let targets = windows.targets.iter().zip(&windows.weights);
            unigram(targets.map(|(&target, &weight)| (target, f64::from(weight))), vocabulary)
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FloorOf;

    #[test]
    fn frequencies_have_one_added() {
        assert_eq!(uniform(4), [0.25; 4]);
        assert_eq!(unigram([(1, 2.0), (3, 1.0), (1, 1.0)], 4), [0.125, 0.5, 0.125, 0.25]);
        assert_eq!(unigram([], 2), [0.5; 2]);
    }

    #[test]
    fn windows_count_their_targets_by_weight_and_no_padding() {
        let windows = corpus::pack([(&[1, 2][..], false, 2.0), (&[2][..], true, 1.0)], 4, 0);
        let of = |objective| of_training(&Settings { objective, ..Settings::default() }, &windows, 4);
        // 1, 2 and the end twice; 2 once more; one added to each of four.
        assert_eq!(
            of(Objective::EntropyFloor { share: 0.1, of: FloorOf::Training }),
            [3.0, 3.0, 4.0, 1.0].map(|n: f32| n / 11.0)
        );
        assert_eq!(of(Objective::LabelSmoothing { share: 0.1 }), [0.25; 4]);
        assert!(of(Objective::CrossEntropy).is_empty());
    }
}
