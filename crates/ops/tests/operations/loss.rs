//! Head and cross-entropy in one, with every rule, uneven weights, and an upstream gradient that is not one: the harness
//! multiplies the sum by a random number.

use super::formulas;
use super::harness::{Errors, Matrix, check, flex, head_loss, ndarray, numbers, read, wide};
use ops::TokenRule;

/// Every rule, for tokens of these losses: truncated where no token is near, for on the threshold is no derivative.
fn rules(losses: &[f64]) -> Vec<TokenRule<'static>> {
    let mut p: Vec<f64> = losses.iter().map(|l| (-l).exp()).filter(|p| (0.1..0.7).contains(p)).collect();
    p.extend([0.1, 0.7]);
    p.sort_by(f64::total_cmp);
    let gap = |pair: &&[f64]| pair[1] - pair[0];
    let widest = p.windows(2).max_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap();
    assert!(gap(&widest) > 5e-4, "{widest:?}");
    let gamma = (0.5 * (widest[0] + widest[1])) as f32;
    let focal = [0.0, 0.5, 1.0, 2.5].map(|gamma| TokenRule::Focal { gamma });
    [vec![TokenRule::CrossEntropy, TokenRule::Truncated { gamma }], focal.to_vec()].concat()
}

pub(crate) fn targets(n: usize, vocabulary: usize) -> Vec<u32> {
    (0..n).map(|i| ((i * 7919 + 5) % vocabulary) as u32).collect()
}

/// Weights of which every fourth is zero and some are negative.
pub(crate) fn weights(n: usize) -> Vec<f32> {
    numbers(9, n).into_iter().enumerate().map(|(i, x)| if i % 4 == 3 { 0.0 } else { 0.5 + x }).collect()
}

/// Tokens, width, vocabulary: the last two have several chunks of rows.
const SIZES: [(usize, usize, usize); 7] =
    [(1, 1, 2), (1, 5, 17), (7, 3, 2), (13, 17, 31), (5, 11, 131), (1409, 3, 1031), (700, 7, 2053)];

/// Hidden states whose tokens are foretold with all sorts of confidence.
fn inputs(tokens: usize, width: usize, vocabulary: usize) -> [Matrix; 2] {
    [Matrix::random(7, tokens, width).times(3.0), Matrix::random(8, vocabulary, width).times(1.5)]
}

#[test]
fn sums_and_gradients_equal_the_formula() {
    for (tokens, width, vocabulary) in SIZES {
        let (targets, weights) = (targets(tokens, vocabulary), weights(tokens));
        let inputs = inputs(tokens, width, vocabulary);
        let losses = formulas::token_losses(&wide(&inputs[0].values), &wide(&inputs[1].values), width, &targets);
        for rule in rules(&losses) {
            check(
                &format!("{tokens} × {width} × {vocabulary}, {rule:?}"),
                &inputs,
                |x| vec![formulas::head_loss(&x[0], &x[1], width, &targets, &weights, rule)],
                |x| head_loss(x[0].clone(), x[1].clone(), &targets, &weights, rule).sum.reshape([1, 1]),
            );
        }
    }
}

#[test]
fn losses_of_tokens_equal_the_formula_whatever_the_rule() {
    for (tokens, width, vocabulary) in SIZES {
        let (targets, weights) = (targets(tokens, vocabulary), weights(tokens));
        let inputs = inputs(tokens, width, vocabulary);
        let truth = formulas::token_losses(&wide(&inputs[0].values), &wide(&inputs[1].values), width, &targets);
        for rule in rules(&truth) {
            let [fused, reference, truth] = [Some(flex()), Some(ndarray()), None].map(|device| {
                let all = match device {
                    None => truth.clone(),
                    Some(device) => {
                        let [hidden, head] = inputs.each_ref().map(|m| m.on(&device));
                        wide(&read(head_loss(hidden, head, &targets, &weights, rule).per_token))
                    }
                };
                // Where the weight is zero the loss may be left out.
                all.into_iter().zip(&weights).filter(|(_, w)| **w != 0.0).map(|(loss, _)| loss).collect::<Vec<_>>()
            });
            Errors::new(&fused, &reference, &truth).judge(&format!("{tokens} × {width} × {vocabulary}, {rule:?}"));
        }
    }
}

#[test]
fn losses_of_tokens_carry_no_gradient() {
    let (targets, weights, device) = (targets(13, 31), weights(13), flex());
    let leaves = inputs(13, 17, 31).map(|m| m.on(&device).require_grad());
    let [alone, beside] = [false, true].map(|beside| {
        let [hidden, head] = leaves.clone();
        let loss = head_loss(hidden, head, &targets, &weights, TokenRule::CrossEntropy);
        let sum = if beside { loss.sum + loss.per_token.sum() } else { loss.sum };
        let gradients = sum.backward();
        leaves.each_ref().map(|leaf| read(leaf.grad(&gradients).unwrap()))
    });
    assert_eq!(alone, beside);
}
