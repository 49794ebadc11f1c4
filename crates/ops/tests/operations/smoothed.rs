//! Head and cross-entropy against a target that is mixed with a prior: value, gradients, and what it reports of tokens.

use super::formulas;
use super::harness::{Matrix, check, flex, fused, head_loss, numbers, read};
use super::loss::{targets, weights};
use ops::TokenRule;

const SIZES: [(usize, usize, usize); 4] = [(1, 5, 17), (13, 17, 31), (5, 11, 132), (700, 7, 2053)];

fn inputs(tokens: usize, width: usize, vocabulary: usize) -> [Matrix; 2] {
    [Matrix::random(7, tokens, width).times(3.0), Matrix::random(8, vocabulary, width).times(1.5)]
}

/// Uneven, of sum 1.
fn prior(vocabulary: usize) -> Vec<f32> {
    let parts: Vec<f64> = numbers(11, vocabulary).iter().map(|&x| 1.1 + f64::from(x)).collect();
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|part| (part / sum) as f32).collect()
}

#[test]
fn sums_and_gradients_equal_the_formula() {
    for (tokens, width, vocabulary) in SIZES {
        let (targets, weights) = (targets(tokens, vocabulary), weights(tokens));
        let uniform = vec![(1.0 / vocabulary as f64) as f32; vocabulary];
        for (share, prior) in [(0.1, &uniform), (0.3, &prior(vocabulary)), (1.0, &prior(vocabulary))] {
            check(
                &format!("{tokens} × {width} × {vocabulary}, {share}"),
                &inputs(tokens, width, vocabulary),
                |x| vec![formulas::smoothed_loss(&x[0], &x[1], width, &targets, &weights, (share, prior))],
                |x| {
                    let rule = TokenRule::Smoothed { share, prior };
                    head_loss(x[0].clone(), x[1].clone(), &targets, &weights, rule).sum.reshape([1, 1])
                },
            );
        }
    }
}

/// On every device with kernels: a share of 0 has the bits of cross-entropy, and whatever the share, the losses of tokens are
/// those of cross-entropy.
#[test]
fn a_share_of_nothing_is_cross_entropy() {
    let (tokens, width, vocabulary) = (13, 17, 31);
    let (targets, weights, prior) = (targets(tokens, vocabulary), weights(tokens), prior(vocabulary));
    assert!(fused().contains(&flex()));
    for device in fused() {
        let run = |rule: TokenRule| {
            let leaves = inputs(tokens, width, vocabulary).map(|m| m.on(&device).require_grad());
            let [hidden, head] = leaves.clone();
            let loss = head_loss(hidden, head, &targets, &weights, rule);
            let gradients = loss.sum.backward();
            let slopes = leaves.map(|leaf| read(leaf.grad(&gradients).unwrap()));
            (read(loss.sum), read(loss.per_token), slopes)
        };
        let plain = run(TokenRule::CrossEntropy);
        assert_eq!(run(TokenRule::Smoothed { share: 0.0, prior: &prior }), plain, "{device:?}");
        let smoothed = run(TokenRule::Smoothed { share: 0.4, prior: &prior });
        assert_eq!(smoothed.1, plain.1, "{device:?}");
        assert_ne!(smoothed.2, plain.2, "{device:?}");
    }
}
