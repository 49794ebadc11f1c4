//! The loss of a row of logits, and their gradient.

use super::TokenRule;
use crate::vector::{LANES, Simd};

/// What became of a row.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Cross-entropy in nats.
    pub(super) loss: f32,
    /// What it counts by the rule.
    pub(super) counted: f64,
    /// `Σ e^(logit - largest)`.
    pub(super) sum: f32,
    /// `weight * rule'(loss)`.
    pub(super) factor: f32,
}

/// Cross-entropy of a row and what it counts; if wanted, each logit becomes `e^(logit - largest)`.
#[inline(always)]
pub(super) fn exponentials<S: Simd>(
    s: S,
    logits: &mut [f32],
    target: usize,
    weight: f32,
    rule: TokenRule,
    want_gradient: bool,
) -> Row {
    let at_target = logits[target];
    let (blocks, rest) = logits.as_chunks::<LANES>();
    let mut largest = s.splat(f32::NEG_INFINITY);
    for block in blocks {
        largest = s.max(s.load(block), largest);
    }
    let largest = rest.iter().fold(s.largest(largest), |a, &b| a.max(b));
    let mut sum = s.zero();
    for i in (0..logits.len()).step_by(LANES) {
        let mut e = s.exp(s.sub(s.at(logits, i), s.splat(largest)));
        if logits.len() - i < LANES {
            e = s.select((1 << (logits.len() - i)) - 1, e, s.zero());
        }
        sum = s.add(sum, e);
        if want_gradient {
            s.put(e, logits, i);
        }
    }
    let sum = s.total(sum);
    let loss = (largest - at_target) + sum.ln();
    let (counted, slope) = rule.apply(loss);
    Row { loss, counted, sum, factor: (f64::from(weight) * slope) as f32 }
}

impl Row {
    /// The exponentials become the gradient of the logits, `factor * (softmax - one hot)`.
    #[inline(always)]
    pub(super) fn gradient<S: Simd>(self, s: S, exponentials: &mut [f32], target: usize) {
        let scale = s.splat(self.factor / self.sum);
        for i in (0..exponentials.len()).step_by(LANES) {
            s.put(s.mul(s.at(exponentials, i), scale), exponentials, i);
        }
        exponentials[target] -= self.factor;
    }
}
