use super::*;
use crate::precision::tests::paths;
use crate::testing::*;

mod smoothed;

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

    fn inputs<'a>(&'a self, rule: TokenRule<&'a [f32]>) -> Inputs<'a> {
        Inputs {
            hidden: &self.hidden,
            head: &self.head,
            targets: &self.targets,
            weights: &self.weights,
            width: self.width,
            rule,
            precision: Precision::Float32,
        }
    }

    fn run(&self, path: Path, rule: TokenRule<&[f32]>) -> (f32, Vec<f32>, Vec<f32>, Vec<f32>) {
        let (mut losses, mut dh, mut dw) =
            (vec![9.0; self.targets.len()], vec![9.0; self.hidden.len()], vec![9.0; self.head.len()]);
        let sum =
            head_loss_by(path, self.inputs(rule), &mut losses, Some(Gradients { hidden: &mut dh, head: &mut dw }));
        let mut alone = vec![9.0; losses.len()];
        assert_eq!(sum, head_loss_by(path, self.inputs(rule), &mut alone, None));
        assert_eq!(losses, alone);
        (sum, losses, dh, dw)
    }

    /// The same case with hidden states and head rounded.
    fn rounded(&self, precision: Precision) -> Self {
        let (targets, weights) = (self.targets.clone(), self.weights.clone());
        Self {
            hidden: precision.rounded(&self.hidden),
            head: precision.rounded(&self.head),
            targets,
            weights,
            width: self.width,
        }
    }

    /// Losses of all rows, gradients of hidden states and head, with gradients of logits rounded.
    fn rounded_reference(&self, precision: Precision, rule: TokenRule<&[f32]>) -> [Vec<f64>; 3] {
        let (hidden, head, d) = (wide(&self.hidden), wide(&self.head), self.width);
        let losses = self.reference(&hidden, &head);
        let (mut dh, mut dw) = (vec![0.0; hidden.len()], vec![0.0; head.len()]);
        for (row, (&loss, &target)) in losses.iter().zip(&self.targets).enumerate() {
            let factor = f64::from(self.weights[row]) * rule.apply(loss as f32).1;
            let logits: Vec<f64> = head.chunks_exact(d).map(|w| inner(&hidden[row * d..][..d], w)).collect();
            let log_sum = loss + logits[target as usize];
            for (token, logit) in logits.iter().enumerate() {
                let p = (logit - log_sum).exp() - f64::from(u8::from(token == target as usize));
                let gradient = f64::from(precision.round((p * factor) as f32));
                for i in 0..d {
                    dh[row * d + i] += gradient * head[token * d + i];
                    dw[token * d + i] += gradient * hidden[row * d + i];
                }
            }
        }
        [losses, dh, dw]
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

    fn sum(&self, losses: &[f64], rule: TokenRule<&[f32]>) -> f64 {
        let counted = losses.iter().map(|&l| match rule {
            TokenRule::CrossEntropy => l,
            TokenRule::Truncated { gamma } => l * f64::from((-l).exp() < f64::from(gamma)),
            TokenRule::Focal { gamma } => (1.0 - (-l).exp()).powf(f64::from(gamma)) * l,
            TokenRule::Smoothed { .. } => unreachable!("its prior takes all logits: see the tests of smoothed targets"),
        });
        inner(&counted.collect::<Vec<_>>(), &wide(&self.weights))
    }
}

const RULES: [TokenRule<&[f32]>; 5] = [
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
            let (sum, losses, dh, dw) = case.run(Path::Float32, rule);
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

/// Where the gradient of a logit lies between two bfloat16 numbers, float32's own rounding may decide which it becomes: few
/// do, so the norm of what is summed from them hardly moves.
#[test]
fn halves_are_the_reference_of_rounded_inputs() {
    let sizes = [(1, 1, 2), (7, 3, 5), (11, 4, 16), (6, 5, 37), (67, 33, 131), (301, 20, 600)];
    for (path, (n, width, vocabulary)) in paths().into_iter().skip(1).flat_map(|p| sizes.map(|size| (p, size))) {
        let case = Case::new(n, width, vocabulary);
        for rule in RULES {
            let (sum, losses, dh, dw) = case.run(path, rule);
            let [want, want_dh, want_dw] = case.rounded(path.precision()).rounded_reference(path.precision(), rule);
            let kept: Vec<f64> =
                want.iter().zip(&case.weights).map(|(l, &w)| if w == 0.0 { 0.0 } else { *l }).collect();
            close("losses", &losses, &kept, 1e-6);
            close("sum", &[sum], &[case.sum(&want, rule)], 1e-6);
            for (what, got, want) in [("d_hidden", dh, want_dh), ("d_head", dw, want_dw)] {
                close(&format!("{rule:?} {what}"), &got, &want, 2e-3);
                let error: Vec<f64> = got.iter().zip(&want).map(|(g, w)| f64::from(*g) - w).collect();
                let (error, size) = (inner(&error, &error).sqrt(), inner(&want, &want).sqrt());
                assert!(error <= 2e-4 * size, "{rule:?} {what}, {n} rows: {error:e} of {size}");
            }
        }
    }
}

#[test]
fn several_chunks_equal_their_rows_alone() {
    for path in paths() {
        let case = Case::new(5003, 9, 1031);
        let (sum, losses, dh, dw) = case.run(path, TokenRule::CrossEntropy);
        let (hidden, head) = (path.seen(&case.hidden), path.seen(&case.head));
        let want = case.reference(&hidden, &head);
        close("sum", &[sum], &[case.sum(&want, TokenRule::CrossEntropy)], 1e-6);
        for row in [0, 2, 1023, 2998, 5002] {
            close("loss", &losses[row..=row], &want[row..=row], 1e-6);
        }
        // The gradients of the head sum to zero over the vocabulary, as do those of the logits but for their rounding.
        let total: f64 = (0..1031).map(|t| f64::from(dw[t * 9])).sum();
        let scale: f64 = (0..1031).map(|t| f64::from(dw[t * 9]).abs()).sum();
        assert!(total.abs() < if matches!(path, Path::Float32) { 1e-5 } else { 1e-3 } * scale, "{total} of {scale}");
        assert!(dh.chunks_exact(9).zip(&case.weights).all(|(dh, &w)| (w == 0.0) == dh.iter().all(|&x| x == 0.0)));
    }
}

/// More rows than a chunk, each twice with half the weight, give the same gradient of the head as each once.
#[test]
fn chunks_add_up() {
    for path in paths() {
        let once = Case::new(2600, 5, 1031);
        let mut twice = Case::new(5200, 5, 1031);
        twice.hidden = [&once.hidden[..], &once.hidden].concat();
        twice.targets = [&once.targets[..], &once.targets].concat();
        twice.weights = [&once.weights[..], &once.weights].concat().iter().map(|w| w / 2.0).collect();
        let (a, b) = (once.run(path, TokenRule::CrossEntropy), twice.run(path, TokenRule::CrossEntropy));
        close("sum", &[b.0], &[f64::from(a.0)], 1e-6);
        close("d_head", &b.3, &wide(&a.3), 1e-5);
        close("d_hidden", &b.2[..13_000], &a.2.iter().map(|&x| f64::from(x) / 2.0).collect::<Vec<_>>(), 1e-6);
        close("d_hidden again", &b.2[13_000..], &wide(&b.2[..13_000]), 1e-6);
    }
}

#[test]
fn extreme_logits_stay_finite() {
    for path in paths() {
        let (mut losses, mut dh, mut dw) = ([0.0; 2], [0.0; 2], [0.0; 3]);
        let inputs = Inputs {
            hidden: &[8192.0, 8192.0],
            head: &[1.0, -1.0, 0.0],
            targets: &[0, 1],
            weights: &[1.0, 1.0],
            width: 1,
            rule: TokenRule::Focal { gamma: 0.5 },
            precision: Precision::Float32,
        };
        let gradients = Gradients { hidden: &mut dh, head: &mut dw };
        let sum = head_loss_by(path, inputs, &mut losses, Some(gradients));
        assert_eq!(losses, [0.0, 16384.0]);
        assert!(sum == 16384.0 && dh.iter().chain(&dw).all(|x| x.is_finite()));
    }
}

#[test]
fn nothing_to_train_on_is_zero() {
    for path in paths() {
        let mut case = Case::new(5, 2, 3);
        case.weights.fill(0.0);
        let (sum, losses, dh, dw) = case.run(path, TokenRule::CrossEntropy);
        assert!(sum == 0.0 && losses.iter().chain(&dh).chain(&dw).all(|&x| x == 0.0));
    }
}

#[test]
fn the_precision_of_the_inputs_is_used() {
    let case = Case::new(7, 20, 30);
    let run = |precision| {
        let mut losses = vec![0.0; 7];
        head_loss(Inputs { precision, ..case.inputs(TokenRule::CrossEntropy) }, &mut losses, None);
        losses
    };
    let (exact, near) = (run(Precision::Float32), run(Precision::Bfloat16));
    assert_ne!(exact, near);
    close("losses", &near, &wide(&exact), 1e-2);
    close("losses", &near, &wide(&case.run(Path::Rounded(Precision::Bfloat16), TokenRule::CrossEntropy).1), 1e-6);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let case = Case::new(1500, 20, 1031);
    for path in paths() {
        same_bits_with_any_threads(|| {
            let (sum, losses, dh, dw) = case.run(path, TokenRule::Focal { gamma: 1.0 });
            [vec![sum], losses, dh, dw].concat()
        });
    }
}
