//! Output head and cross-entropy in one: logits exist for a few hundred rows at a time, never as `[tokens, vocabulary]`.
//!
//! Each chunk of rows takes two steps. Pieces of `PIECE` rows form their logits, losses and, in place, the gradient of the
//! logits, and from it, still in the second-level cache, the gradient of their hidden states. Then pieces of the
//! vocabulary add the chunk's part to the gradient of the head. Both are cut by the shapes alone.
//!
//! Rows of weight 0 are left out before the rows are cut into chunks.

use rayon::prelude::*;

use super::matrix::{Matrix, multiply, transpose};
use super::vector::{LANES, Simd, with_simd};

/// Rows of a task in the first step.
const PIECE: usize = 128;
/// Tokens of the vocabulary of a task in the second step.
const TOKENS: usize = 256;
/// Logits of a chunk, roughly: 4 MiB.
const LOGITS: usize = 1024 * 1024;

/// What a token's own loss `l = -ln p` counts, `p` being the probability of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenRule {
    /// `l` itself.
    CrossEntropy,
    /// `l` where `p < gamma`, 0 elsewhere; no gradient flows through the comparison.
    Truncated {
        /// Tokens predicted with this probability or more are not trained on.
        gamma: f32,
    },
    /// `(1 - p)^gamma l` (Lin et al. 2017), through which the gradient flows.
    Focal {
        /// 0 is cross-entropy; larger values count confident tokens less.
        gamma: f32,
    },
}

impl TokenRule {
    /// What a token of loss `loss` counts, and the derivative of that with respect to `loss`.
    pub fn apply(self, loss: f32) -> (f64, f64) {
        let l = f64::from(loss);
        match self {
            Self::CrossEntropy => (l, 1.0),
            Self::Truncated { gamma } if (-l).exp() < f64::from(gamma) => (l, 1.0),
            Self::Truncated { .. } => (0.0, 0.0),
            Self::Focal { gamma } => {
                let (gamma, p, miss) = (f64::from(gamma), (-l).exp(), -(-l).exp_m1());
                let factor = miss.powf(gamma);
                // d(1 - p)/dl = p; the second term vanishes with l, but its power alone does not where gamma < 1.
                let through = if miss > 0.0 { l * gamma * factor / miss * p } else { 0.0 };
                (factor * l, factor + through)
            }
        }
    }
}

/// What is read: all of it row-major.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Hidden states, `[n, d]`.
    pub hidden: &'a [f32],
    /// Output head, `[vocabulary, d]`: the tied embedding.
    pub head: &'a [f32],
    /// Target tokens, `[n]`.
    pub targets: &'a [u32],
    /// Weights of the rows, `[n]`; a row of weight 0 is not computed at all.
    pub weights: &'a [f32],
    /// Width `d`.
    pub width: usize,
    /// What a token's loss counts.
    pub rule: TokenRule,
}

/// Where the gradients of the weighted sum go; both are overwritten.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Gradient of the hidden states, `[n, d]`.
    pub hidden: &'a mut [f32],
    /// Gradient of the head, `[vocabulary, d]`.
    pub head: &'a mut [f32],
}

/// Losses of all rows, and the weighted sum `Σ weight * rule(loss)`, not normalised.
///
/// `losses` `[n]` receives the cross-entropy of each row in nats, without weight or rule; 0 where the weight is 0.
/// Sums over rows are taken in `f64`, in the order of the rows.
pub fn head_loss(inputs: Inputs<'_>, losses: &mut [f32], mut gradients: Option<Gradients<'_>>) -> f32 {
    let (n, d, vocabulary) = (inputs.targets.len(), inputs.width, inputs.head.len() / inputs.width);
    assert!(
        [inputs.hidden.len(), inputs.head.len(), inputs.weights.len(), losses.len()] == [n * d, vocabulary * d, n, n],
        "head_loss: {} hidden, {} in the head, {} weights, {} losses for {n} targets of width {d}",
        inputs.hidden.len(),
        inputs.head.len(),
        inputs.weights.len(),
        losses.len()
    );
    assert!(
        inputs.targets.iter().all(|&t| (t as usize) < vocabulary),
        "head_loss: a target is not in the vocabulary of {vocabulary}"
    );
    if let Some(g) = &mut gradients {
        assert!(
            g.hidden.len() == n * d && g.head.len() == vocabulary * d,
            "head_loss: gradients of {} and {}",
            g.hidden.len(),
            g.head.len()
        );
        g.hidden.fill(0.0);
        g.head.fill(0.0);
    }
    losses.fill(0.0);
    let rows: Vec<usize> = (0..n).filter(|&i| inputs.weights[i] != 0.0).collect();
    let length = (LOGITS / vocabulary).clamp(4 * PIECE, 16 * PIECE).next_multiple_of(PIECE);
    let head_t = transpose(inputs.head, d);
    let mut chunk = Chunk::new(length.min(rows.len()), d, vocabulary);
    let mut sum = 0.0f64;
    for rows in rows.chunks(length) {
        chunk.run(inputs, &head_t, rows, gradients.is_some());
        for (i, (&row, &(loss, counted))) in rows.iter().zip(&chunk.losses).enumerate() {
            losses[row] = loss;
            sum += f64::from(inputs.weights[row]) * counted;
            if let Some(g) = &mut gradients {
                g.hidden[row * d..][..d].copy_from_slice(&chunk.d_hidden[i * d..][..d]);
            }
        }
        if let Some(g) = &mut gradients {
            chunk.add_head_gradient(rows.len(), d, vocabulary, g.head);
        }
    }
    sum as f32
}

/// Working memory of a chunk, row for row.
struct Chunk {
    hidden: Vec<f32>,
    d_hidden: Vec<f32>,
    logits: Vec<f32>,
    /// Cross-entropy, and what it counts by the rule.
    losses: Vec<(f32, f64)>,
}

impl Chunk {
    fn new(rows: usize, d: usize, vocabulary: usize) -> Self {
        Self {
            hidden: vec![0.0; rows * d],
            d_hidden: vec![0.0; rows * d],
            logits: vec![0.0; rows * vocabulary],
            losses: vec![(0.0, 0.0); rows],
        }
    }

    /// Losses of the given rows and, if wanted, the gradients of their logits (in place of the logits) and of their hidden states.
    fn run(&mut self, inputs: Inputs<'_>, head_t: &[f32], rows: &[usize], want_gradients: bool) {
        let (d, head) = (inputs.width, Matrix::new(inputs.head, inputs.width));
        let vocabulary = inputs.head.len() / d;
        let head_t = Matrix::new(head_t, vocabulary);
        let pieces = (
            rows.par_chunks(PIECE),
            self.hidden.par_chunks_mut(PIECE * d),
            self.d_hidden.par_chunks_mut(PIECE * d),
            self.logits.par_chunks_mut(PIECE * vocabulary),
            self.losses.par_chunks_mut(PIECE),
        );
        pieces.into_par_iter().for_each(|(rows, hidden, d_hidden, logits, losses)| {
            let (hidden, logits) = (&mut hidden[..rows.len() * d], &mut logits[..rows.len() * vocabulary]);
            for (to, &row) in hidden.chunks_exact_mut(d).zip(rows) {
                to.copy_from_slice(&inputs.hidden[row * d..][..d]);
            }
            multiply(Matrix::new(hidden, d), head_t, logits, false);
            for ((logits, loss), &row) in logits.chunks_exact_mut(vocabulary).zip(losses).zip(rows) {
                let (target, weight) = (inputs.targets[row] as usize, inputs.weights[row]);
                *loss = with_simd!(|s| row_loss(s, logits, target, weight, inputs.rule, want_gradients));
            }
            if want_gradients {
                multiply(Matrix::new(logits, vocabulary), head, &mut d_hidden[..rows.len() * d], false);
            }
        });
    }

    /// `head += d_logitsᵀ hidden` over the chunk's rows.
    fn add_head_gradient(&self, rows: usize, d: usize, vocabulary: usize, head: &mut [f32]) {
        let d_logits = Matrix::new(&self.logits[..rows * vocabulary], vocabulary).transposed();
        let hidden = Matrix::new(&self.hidden[..rows * d], d);
        head.par_chunks_mut(TOKENS * d).enumerate().for_each(|(i, head)| {
            multiply(d_logits.rows(i * TOKENS, head.len() / d), hidden, head, true);
        });
    }
}

/// Cross-entropy of a row and what it counts; if wanted, the logits become their gradient,
/// `weight * rule'(loss) * (softmax - one hot)`.
#[inline(always)]
fn row_loss<S: Simd>(
    s: S,
    logits: &mut [f32],
    target: usize,
    weight: f32,
    rule: TokenRule,
    want_gradient: bool,
) -> (f32, f64) {
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
    if want_gradient {
        let factor = (f64::from(weight) * slope) as f32;
        let scale = s.splat(factor / sum);
        for i in (0..logits.len()).step_by(LANES) {
            s.put(s.mul(s.at(logits, i), scale), logits, i);
        }
        logits[target] -= factor;
    }
    (loss, counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    struct Case {
        hidden: Vec<f32>,
        head: Vec<f32>,
        targets: Vec<u32>,
        weights: Vec<f32>,
        width: usize,
    }

    impl Case {
        fn new(n: usize, width: usize, vocabulary: usize) -> Self {
            Self {
                hidden: numbers(1, n * width).iter().map(|x| 2.0 * x).collect(),
                head: numbers(2, vocabulary * width),
                targets: (0..n).map(|i| (i * 7919 % vocabulary) as u32).collect(),
                weights: (0..n).map(|i| [1.0, 0.0, 0.5, 2.0, 0.0][i % 5]).collect(),
                width,
            }
        }

        fn inputs(&self, rule: TokenRule) -> Inputs<'_> {
            Inputs {
                hidden: &self.hidden,
                head: &self.head,
                targets: &self.targets,
                weights: &self.weights,
                width: self.width,
                rule,
            }
        }

        fn run(&self, rule: TokenRule) -> (f32, Vec<f32>, Vec<f32>, Vec<f32>) {
            let (mut losses, mut dh, mut dw) =
                (vec![9.0; self.targets.len()], vec![9.0; self.hidden.len()], vec![9.0; self.head.len()]);
            let sum = head_loss(self.inputs(rule), &mut losses, Some(Gradients { hidden: &mut dh, head: &mut dw }));
            let mut alone = vec![9.0; losses.len()];
            assert_eq!(sum, head_loss(self.inputs(rule), &mut alone, None));
            assert_eq!(losses, alone);
            (sum, losses, dh, dw)
        }

        /// `-ln p` of every row.
        fn reference(&self, hidden: &[f64], head: &[f64]) -> Vec<f64> {
            let rows = hidden.chunks_exact(self.width).zip(&self.targets);
            rows.map(|(h, &t)| {
                let logits: Vec<f64> = head.chunks_exact(self.width).map(|w| inner(h, w)).collect();
                let largest = logits.iter().fold(f64::MIN, |a, &b| a.max(b));
                largest + logits.iter().map(|l| (l - largest).exp()).sum::<f64>().ln() - logits[t as usize]
            })
            .collect()
        }

        fn sum(&self, losses: &[f64], rule: TokenRule) -> f64 {
            let counted = losses.iter().map(|&l| match rule {
                TokenRule::CrossEntropy => l,
                TokenRule::Truncated { gamma } => l * f64::from((-l).exp() < f64::from(gamma)),
                TokenRule::Focal { gamma } => (1.0 - (-l).exp()).powf(f64::from(gamma)) * l,
            });
            inner(&counted.collect::<Vec<_>>(), &wide(&self.weights))
        }
    }

    const RULES: [TokenRule; 5] = [
        TokenRule::CrossEntropy,
        TokenRule::Truncated { gamma: 0.2 },
        TokenRule::Focal { gamma: 0.0 },
        TokenRule::Focal { gamma: 0.5 },
        TokenRule::Focal { gamma: 2.0 },
    ];

    #[test]
    fn values_and_gradients_at_odd_sizes() {
        for (n, width, vocabulary) in [(1, 1, 2), (7, 3, 5), (11, 4, 16), (6, 5, 37)] {
            let case = Case::new(n, width, vocabulary);
            let (hidden, head) = (wide(&case.hidden), wide(&case.head));
            for rule in RULES {
                let (sum, losses, dh, dw) = case.run(rule);
                let want = case.reference(&hidden, &head);
                let kept: Vec<f64> =
                    want.iter().zip(&case.weights).map(|(l, &w)| if w == 0.0 { 0.0 } else { *l }).collect();
                close("losses", &losses, &kept, 1e-6);
                close("sum", &[sum], &[case.sum(&want, rule)], 1e-6);
                let want_dh = differences(&hidden, |h| case.sum(&case.reference(h, &head), rule));
                let want_dw = differences(&head, |w| case.sum(&case.reference(&hidden, w), rule));
                close(&format!("{rule:?} d_hidden"), &dh, &want_dh, 1e-5);
                close(&format!("{rule:?} d_head"), &dw, &want_dw, 1e-5);
            }
        }
    }

    #[test]
    fn several_chunks_equal_their_rows_alone() {
        let case = Case::new(3001, 9, 1031);
        let (sum, losses, dh, dw) = case.run(TokenRule::CrossEntropy);
        let want = case.reference(&wide(&case.hidden), &wide(&case.head));
        close("sum", &[sum], &[case.sum(&want, TokenRule::CrossEntropy)], 1e-6);
        for row in [0, 2, 1023, 2998] {
            close("loss", &losses[row..=row], &want[row..=row], 1e-6);
        }
        // The gradients of the head sum to zero over the vocabulary, as do those of the logits.
        let total: f64 = (0..1031).map(|t| f64::from(dw[t * 9])).sum();
        let scale: f64 = (0..1031).map(|t| f64::from(dw[t * 9]).abs()).sum();
        assert!(total.abs() < 1e-5 * scale, "{total} of {scale}");
        assert!(dh.chunks_exact(9).zip(&case.weights).all(|(dh, &w)| (w == 0.0) == dh.iter().all(|&x| x == 0.0)));
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let (mut losses, mut dh, mut dw) = ([0.0; 2], [0.0; 2], [0.0; 3]);
        let inputs = Inputs {
            hidden: &[1e4, 1e4],
            head: &[1.0, -1.0, 0.0],
            targets: &[0, 1],
            weights: &[1.0, 1.0],
            width: 1,
            rule: TokenRule::Focal { gamma: 0.5 },
        };
        let sum = head_loss(inputs, &mut losses, Some(Gradients { hidden: &mut dh, head: &mut dw }));
        assert_eq!(losses, [0.0, 2e4]);
        assert!(sum == 2e4 && dh.iter().chain(&dw).all(|x| x.is_finite()));
    }

    #[test]
    fn nothing_to_train_on_is_zero() {
        let mut case = Case::new(5, 2, 3);
        case.weights.fill(0.0);
        let (sum, losses, dh, dw) = case.run(TokenRule::CrossEntropy);
        assert!(sum == 0.0 && losses.iter().chain(&dh).chain(&dw).all(|&x| x == 0.0));
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let case = Case::new(1500, 20, 1031);
        same_bits_with_any_threads(|| {
            let (sum, losses, dh, dw) = case.run(TokenRule::Focal { gamma: 1.0 });
            [vec![sum], losses, dh, dw].concat()
        });
    }
}
