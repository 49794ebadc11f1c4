//! What each operation means, in `f64`, one number at a time.

use ops::{AttentionShape, TokenRule};

/// `x · wᵀ` for rows of `d`.
pub(crate) fn linear(x: &[f64], w: &[f64], d: usize) -> Vec<f64> {
    x.chunks(d).flat_map(|x| w.chunks(d).map(|w| super::harness::inner(x, w))).collect()
}

pub(crate) fn rms_norm(x: &[f64], w: &[f64], epsilon: f64) -> Vec<f64> {
    x.chunks(w.len())
        .flat_map(|x| {
            let root = (x.iter().map(|x| x * x).sum::<f64>() / w.len() as f64 + epsilon).sqrt();
            x.iter().zip(w).map(move |(x, w)| x / root * w)
        })
        .collect()
}

pub(crate) fn swiglu(gate_up: &[f64], hidden: usize) -> Vec<f64> {
    gate_up
        .chunks(2 * hidden)
        .flat_map(|row| (0..hidden).map(|i| row[i] / (1.0 + (-row[i]).exp()) * row[hidden + i]))
        .collect()
}

pub(crate) fn attention(shape: AttentionShape, projected: &[f64], starts: &[u32]) -> Vec<f64> {
    let AttentionShape { batch, time, heads, kv_heads, head_width: d, theta } = shape;
    let part = |row: usize, head: usize| &projected[row * shape.qkv_width() + head * d..][..d];
    let turned = |x: &[f64], position: usize| -> Vec<f64> {
        let pair = |i: usize| {
            let angle = position as f64 * theta.powf(-2.0 * i as f64 / d as f64);
            let (a, b) = (x[i], x[i + d / 2]);
            [a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()]
        };
        let pairs: Vec<_> = (0..d / 2).map(pair).collect();
        (0..2).flat_map(|half| pairs.iter().map(move |pair| pair[half])).collect()
    };
    let mut out = vec![0.0; batch * time * heads * d];
    for row in 0..batch * time {
        let (window, position, start) = (row - row % time, row % time, starts[row] as usize);
        let keys = window + start..=window + position;
        for head in 0..heads {
            let shared = head / (heads / kv_heads);
            let query = turned(part(row, head), position - start);
            let scores = keys.clone().map(|key| {
                let key_vector = turned(part(key, heads + shared), key - window - start);
                super::harness::inner(&query, &key_vector) / (d as f64).sqrt()
            });
            let scores: Vec<f64> = scores.collect();
            let largest = scores.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
            for (key, score) in keys.clone().zip(scores) {
                let p = (score - largest).exp() / sum;
                for (i, value) in part(key, heads + kv_heads + shared).iter().enumerate() {
                    out[(row * heads + head) * d + i] += p * value;
                }
            }
        }
    }
    out
}

/// Cross-entropy of each token.
pub(crate) fn token_losses(hidden: &[f64], head: &[f64], d: usize, targets: &[u32]) -> Vec<f64> {
    let logits = linear(hidden, head, d);
    let rows = logits.chunks(head.len() / d).zip(targets);
    rows.map(|(row, &target)| {
        let largest = row.iter().copied().fold(f64::MIN, f64::max);
        largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln() - row[target as usize]
    })
    .collect()
}

/// What a token's loss counts.
pub(crate) fn ruled(loss: f64, rule: TokenRule) -> f64 {
    let p = (-loss).exp();
    match rule {
        TokenRule::CrossEntropy => loss,
        TokenRule::Truncated { gamma } if p < f64::from(gamma) => loss,
        TokenRule::Truncated { .. } => 0.0,
        TokenRule::Focal { gamma } => (1.0 - p).powf(f64::from(gamma)) * loss,
        TokenRule::Smoothed { .. } => unreachable!("its prior takes all logits: smoothed_loss"),
    }
}

/// The weighted sum.
pub(crate) fn head_loss(
    hidden: &[f64],
    head: &[f64],
    d: usize,
    targets: &[u32],
    weights: &[f32],
    rule: TokenRule,
) -> f64 {
    let losses = token_losses(hidden, head, d, targets);
    losses.iter().zip(weights).map(|(&loss, &weight)| f64::from(weight) * ruled(loss, rule)).sum()
}

/// The same for targets that are mixed with a prior.
pub(crate) fn smoothed_loss(
    hidden: &[f64],
    head: &[f64],
    d: usize,
    targets: &[u32],
    weights: &[f32],
    (share, prior): (f32, &[f32]),
) -> f64 {
    let (share, vocabulary) = (f64::from(share), head.len() / d);
    let row = |(logits, (&target, &weight)): (&[f64], (&u32, &f32))| {
        let largest = logits.iter().copied().fold(f64::MIN, f64::max);
        let log_sum = largest + logits.iter().map(|x| (x - largest).exp()).sum::<f64>().ln();
        let of_prior: f64 = logits.iter().zip(prior).map(|(x, &u)| f64::from(u) * (log_sum - x)).sum();
        f64::from(weight) * ((1.0 - share) * (log_sum - logits[target as usize]) + share * of_prior)
    };
    linear(hidden, head, d).chunks(vocabulary).zip(targets.iter().zip(weights)).map(row).sum()
}
