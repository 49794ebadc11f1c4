//! The loss of a row of logits, and their gradient.

use super::TokenRule;
use crate::vector::{LANES, Simd};

/// What became of a row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// By which it counts.
    rule: TokenRule<&'a [f32]>,
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
pub(super) fn exponentials<'a, S: Simd>(
    s: S,
    logits: &mut [f32],
    target: usize,
    weight: f32,
    rule: TokenRule<&'a [f32]>,
    want_gradient: bool,
) -> Row<'a> {
    let at_target = logits[target];
    let (blocks, rest) = logits.as_chunks::<LANES>();
    let mut largest = s.splat(f32::NEG_INFINITY);
    for block in blocks {
        largest = s.max(s.load(block), largest);
    }
    let largest = rest.iter().fold(s.largest(largest), |a, &b| a.max(b));
    let below = match rule {
        TokenRule::Smoothed { prior, .. } => below(s, logits, largest, prior),
        _ => 0.0,
    };
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
    let counted = rule.mixed(counted, f64::from(below) + f64::from(sum.ln()));
    Row { rule, loss, counted, sum, factor: (f64::from(weight) * slope) as f32 }
}

/// How far below the largest a distribution's logits lie on average.
#[inline(always)]
fn below<S: Simd>(s: S, logits: &[f32], largest: f32, prior: &[f32]) -> f32 {
    let mut sum = s.zero();
    for i in (0..logits.len()).step_by(LANES) {
        // The prior is zero where the vocabulary ends.
        sum = s.fma(s.at(prior, i), s.sub(s.splat(largest), s.at(logits, i)), sum);
    }
    s.total(sum)
}

impl Row<'_> {
    /// The exponentials become the gradient of the logits, `factor * (softmax - what it should be)`.
    #[inline(always)]
    pub(super) fn gradient<S: Simd>(self, s: S, exponentials: &mut [f32], target: usize) {
        let scale = s.splat(self.factor / self.sum);
        for i in (0..exponentials.len()).step_by(LANES) {
            s.put(s.mul(s.at(exponentials, i), scale), exponentials, i);
        }
        self.less_target(s, exponentials, target, self.factor);
    }

    /// Subtracts what the softmax should be, `by` times: one hot, or that mixed with the prior.
    #[inline(always)]
    pub(super) fn less_target<S: Simd>(self, s: S, x: &mut [f32], target: usize, by: f32) {
        let TokenRule::Smoothed { share, prior } = self.rule else {
            x[target] -= by;
            return;
        };
        let each = s.splat(-(by * share));
        for i in (0..x.len()).step_by(LANES) {
            s.put(s.fma(each, s.at(prior, i), s.at(x, i)), x, i);
        }
        x[target] -= by * (1.0 - share);
    }
}
