//! Targets that are mixed with a prior.

use super::*;

/// Of sum 1, and uneven: a token of the prior that the loss mistakes for its neighbour shows.
fn prior(vocabulary: usize) -> Vec<f32> {
    let parts: Vec<f64> = (0..vocabulary).map(|v| 1.0 + (v * 37 % 11) as f64).collect();
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|part| (part / sum) as f32).collect()
}

fn uniform(vocabulary: usize) -> Vec<f32> {
    vec![(1.0 / vocabulary as f64) as f32; vocabulary]
}

impl Case {
    fn vocabulary(&self) -> usize {
        self.head.len() / self.width
    }

    /// `Σ weight ((1 - share) (-ln q(target)) + share Σ prior(v) (-ln q(v)))`.
    fn smoothed_sum(&self, hidden: &[f64], head: &[f64], share: f32, prior: &[f32]) -> f64 {
        let (share, prior) = (f64::from(share), wide(prior));
        let rows = hidden.chunks_exact(self.width).zip(&self.targets).zip(&self.weights);
        rows.map(|((hidden, &target), &weight)| {
            let logits: Vec<f64> = head.chunks_exact(self.width).map(|w| inner(hidden, w)).collect();
            let largest = logits.iter().fold(f64::MIN, |a, &b| a.max(b));
            let log_sum = largest + logits.iter().map(|l| (l - largest).exp()).sum::<f64>().ln();
            let losses: Vec<f64> = logits.iter().map(|logit| log_sum - logit).collect();
            f64::from(weight) * ((1.0 - share) * losses[target as usize] + share * inner(&prior, &losses))
        })
        .sum()
    }
}

#[test]
fn values_and_gradients_are_those_of_the_mixed_target() {
    for (n, width, vocabulary) in [(1, 1, 2), (7, 3, 5), (11, 4, 16), (6, 5, 37)] {
        let case = Case::new(n, width, vocabulary);
        let (hidden, head) = (wide(&case.hidden), wide(&case.head));
        for prior in [uniform(vocabulary), prior(vocabulary)] {
            for share in [0.1, 0.5, 1.0] {
                let (sum, losses, dh, dw) = case.run(Path::Float32, TokenRule::Smoothed { share, prior: &prior[..] });
                // What is reported of a token is its cross-entropy still.
                assert_eq!(losses, case.run(Path::Float32, TokenRule::CrossEntropy).1);
                close("sum", &[sum], &[case.smoothed_sum(&hidden, &head, share, &prior)], 1e-6);
                let want_dh = differences(&hidden, |h| case.smoothed_sum(h, &head, share, &prior));
                let want_dw = differences(&head, |w| case.smoothed_sum(&hidden, w, share, &prior));
                close(&format!("{share} d_hidden"), &dh, &want_dh, 1e-5);
                close(&format!("{share} d_head"), &dw, &want_dw, 1e-5);
            }
        }
    }
}

/// Against the float32 way on the same rounded inputs: what is left is the rounding of the gradient of the logits.
#[test]
fn halves_are_near_float32_of_rounded_inputs() {
    for (path, (n, width, vocabulary)) in
        paths().into_iter().skip(1).flat_map(|path| [(7, 3, 5), (67, 33, 131), (301, 20, 600)].map(|size| (path, size)))
    {
        let case = Case::new(n, width, vocabulary);
        let prior = prior(vocabulary);
        let rule = TokenRule::Smoothed { share: 0.2, prior: &prior[..] };
        let exact = case.rounded(path.precision()).run(Path::Float32, rule);
        let (sum, losses, dh, dw) = case.run(path, rule);
        close("sum", &[sum], &[f64::from(exact.0)], 2e-6);
        close("losses", &losses, &wide(&exact.1), 2e-6);
        for (what, got, want) in [("d_hidden", dh, exact.2), ("d_head", dw, exact.3)] {
            let want = wide(&want);
            let error: Vec<f64> = got.iter().zip(&want).map(|(g, w)| f64::from(*g) - w).collect();
            let (error, size) = (inner(&error, &error).sqrt(), inner(&want, &want).sqrt());
            assert!(error <= 4e-3 * size, "{what}, {n} rows: {error:e} of {size}");
        }
    }
}

#[test]
fn a_share_of_nothing_has_the_bits_of_cross_entropy() {
    for path in paths() {
        let case = Case::new(301, 20, 600);
        let prior = prior(case.vocabulary());
        let nothing = case.run(path, TokenRule::Smoothed { share: 0.0, prior: &prior[..] });
        let plain = case.run(path, TokenRule::CrossEntropy);
        let bits = |(sum, losses, dh, dw): (f32, Vec<f32>, Vec<f32>, Vec<f32>)| -> Vec<u32> {
            [vec![sum], losses, dh, dw].concat().into_iter().map(f32::to_bits).collect()
        };
        assert_eq!(bits(nothing), bits(plain));
    }
}

/// The gradient of the logits sums to zero, and is zero where the model says what it should.
#[test]
fn the_mixture_itself_is_where_nothing_pulls() {
    let (vocabulary, share) = (7, 0.25);
    let prior = prior(vocabulary);
    let wanted: Vec<f32> = (0..vocabulary).map(|v| share * prior[v] + if v == 3 { 1.0 - share } else { 0.0 }).collect();
    for path in paths().into_iter().filter(|path| matches!(path, Path::Float32)) {
        // One hidden state of 1: the head is the logits.
        let case = Case {
            hidden: vec![1.0],
            head: wanted.iter().map(|p| p.ln()).collect(),
            targets: vec![3],
            weights: vec![1.0],
            width: 1,
        };
        let (sum, _, dh, dw) = case.run(path, TokenRule::Smoothed { share, prior: &prior[..] });
        assert!(dw.iter().chain(&dh).all(|slope| slope.abs() < 1e-6), "{dw:?}");
        let entropy: f64 = wanted.iter().map(|&p| -f64::from(p) * f64::from(p).ln()).sum();
        assert!((f64::from(sum) - entropy).abs() < 1e-6, "its loss is its entropy");
        let plain = case.run(path, TokenRule::CrossEntropy).3;
        assert!(plain[3] < -0.1, "and cross-entropy pulls on: {plain:?}");
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let case = Case::new(1500, 20, 1031);
    let prior = prior(case.vocabulary());
    for path in paths() {
        same_bits_with_any_threads(|| {
            let (sum, losses, dh, dw) = case.run(path, TokenRule::Smoothed { share: 0.1, prior: &prior[..] });
            [vec![sum], losses, dh, dw].concat()
        });
    }
}
